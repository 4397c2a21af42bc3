package list_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// A kind is what an instruction of a random program does.
type kind int8

const (
	ld kind = iota
	st
	stRelease
	wmb
	mfence
	lock
	unlock
	nodeEmpty // list_empty(&node)
	headEmpty
	first
	last
	prev
	next     // what is behind what a first has found
	add      // from here on, only if the register is what want says
	addTail  //
	takeOff  //
	move     //
	moveTail //
	splice   // of one list to the other

	addRcu // these for stores that pass each other alone
	addTailRcu
	takeOffRcu
)

// An instr is an instruction of a CPU: of a word or a list x, and a node.
type instr struct {
	kind
	x, node int8
	which   int8 // register that it loads to, or looks at
	want    int8
}

// The memory of a machine: two words, a lock, and the links of two heads and three nodes, which
// stand for themselves. A link of 0 does not occur.
const (
	cpus    = 3
	lockAt  = 2
	heads   = 3 // head x is heads + x
	nodes   = 5 // node 1 is nodes
	things  = 8
	links   = 2 * things // next at 2*thing, prev behind it
	poison  = 1          // LIST_POISON2
	entries = 24
	most    = 6 // that an operation stores
	regs    = 18
)

// A listMachine is x86-TSO with the lists of include/linux/list.h in its memory, or partial store
// order. An operation puts its stores into the queue of its processor, and goes on.
type listMachine struct {
	code   *[cpus][]instr
	whole  bool // what an operation stores gets to memory at once
	pso    bool
	pc     [cpus]int8
	part   [cpus]int8 // how many smp_wmb() there have been
	queue  [cpus][entries]queued
	len    [cpus]int8
	memory [links]int8
	regs   [regs]int8
}

// A queued is a store in a queue.
type queued struct {
	at, v   int8
	group   int8 // which operation has made it
	part    int8
	release bool
}

// newListMachine has nodes 1 and 2 on list 0, and node 3 on none.
func newListMachine(code *[cpus][]instr, whole, pso bool) listMachine {
	m := listMachine{code: code, whole: whole}
	for i := int8(heads); i < things; i++ {
		m.memory[2*i], m.memory[2*i+1] = i, i
	}
	for _, p := range []int8{nodes + 1, nodes} {
		m.len[0] = 0
		m.link(0, p, heads, m.memory[2*heads])
		for m.len[0] > 0 {
			m.drain(0, 0, 1)
		}
	}
	m.pso = pso
	return m
}

// ends adds what the machine can end with.
func (m listMachine) ends(seen map[listMachine]bool, out map[string]bool) {
	if seen[m] {
		return
	}
	seen[m] = true
	over := true
	for i := range cpus {
		for j := 0; j < int(m.len[i]); {
			over = false
			n := m.together(i, j)
			if m.mayDrain(i, j, n) {
				next := m
				next.drain(i, j, n)
				next.ends(seen, out)
			}
			j += n
		}
		if int(m.pc[i]) < len(m.code[i]) {
			over = false
			if next, ok := m.step(i); ok {
				next.ends(seen, out)
			}
		}
	}
	if over {
		var lists [2][]int8
		for x := range lists {
			for p := m.memory[2*(heads+x)]; p != int8(heads+x) && len(lists[x]) < 9; p = m.memory[2*p] {
				lists[x] = append(lists[x], p-nodes+1)
			}
		}
		out[fmt.Sprint(m.regs, m.memory[:lockAt], lists)] = true
	}
}

// together returns how many stores get to memory with store j.
func (m *listMachine) together(cpu, j int) int {
	n, q := 1, m.queue[cpu][:m.len[cpu]]
	for m.whole && j+n < len(q) && q[j+n].group == q[j].group {
		n++
	}
	return n
}

// mayDrain reports whether n stores from store j on may be the next in memory.
func (m *listMachine) mayDrain(cpu, j, n int) bool {
	q := &m.queue[cpu]
	for _, w := range q[j : j+n] {
		for _, older := range q[:j] {
			if !m.pso || w.release || older.at == w.at || older.part < w.part {
				return false
			}
		}
	}
	return true
}

func (m *listMachine) drain(cpu, j, n int) {
	q := &m.queue[cpu]
	for _, w := range q[j : j+n] {
		m.memory[w.at] = w.v
	}
	copy(q[j:], q[j+n:])
	m.len[cpu] -= int8(n)
	clear(q[m.len[cpu] : int(m.len[cpu])+n])
}

func (m *listMachine) store(cpu int, at, v int8) {
	m.queue[cpu][m.len[cpu]] = queued{at: at, v: v, group: m.pc[cpu], part: m.part[cpu]}
	m.len[cpu]++
}

func (m *listMachine) storeRelease(cpu int, at, v int8) {
	m.store(cpu, at, v)
	m.queue[cpu][m.len[cpu]-1].release = true
}

func (m *listMachine) load(cpu int, at int8) int8 {
	v := m.memory[at]
	for _, e := range m.queue[cpu][:m.len[cpu]] {
		if e.at == at {
			v = e.v
		}
	}
	return v
}

// link is __list_add().
func (m *listMachine) link(cpu int, p, prev, next int8) {
	m.store(cpu, 2*next+1, p)
	m.store(cpu, 2*p, next)
	m.store(cpu, 2*p+1, prev)
	m.store(cpu, 2*prev, p)
}

// linkRcu is __list_add_rcu().
func (m *listMachine) linkRcu(cpu int, p, prev, next int8) {
	m.store(cpu, 2*p, next)
	m.store(cpu, 2*p+1, prev)
	m.storeRelease(cpu, 2*prev, p)
	m.store(cpu, 2*next+1, p)
}

// unlink is __list_del_entry().
func (m *listMachine) unlink(cpu int, p int8) {
	next, prev := m.load(cpu, 2*p), m.load(cpu, 2*p+1)
	m.store(cpu, 2*next+1, prev)
	m.store(cpu, 2*prev, next)
}

func (m *listMachine) initHead(cpu int, p int8) {
	m.store(cpu, 2*p, p)
	m.store(cpu, 2*p+1, p)
}

// moveAll is list_splice_init() to an empty list.
func (m *listMachine) moveAll(cpu int, from, to int8) {
	first, last := m.load(cpu, 2*from), m.load(cpu, 2*from+1)
	if first == from {
		return
	}
	m.store(cpu, 2*first+1, to)
	m.store(cpu, 2*to, first)
	m.store(cpu, 2*last, to)
	m.store(cpu, 2*to+1, last)
	m.initHead(cpu, from)
}

// found is what a load of a link of a walk of a list says: a node, or 0 for the head of that.
func found(p, head int8) int8 {
	switch {
	case p >= nodes:
		return p - nodes + 1
	case p == head:
		return 0
	}
	return -1
}

// step returns the machine after the next instruction of a CPU, unless that must wait.
func (m listMachine) step(cpu int) (listMachine, bool) {
	in := m.code[cpu][m.pc[cpu]]
	m.pc[cpu]++
	p, head, to := in.node-1+nodes, heads+in.x, &m.regs[in.which]
	if (in.kind == mfence || in.kind == lock) && m.len[cpu] > 0 || m.len[cpu] > entries-most {
		return m, false
	}
	if in.kind == next && *to <= 0 || in.kind > next && *to != in.want {
		return m, true
	}
	switch in.kind {
	case ld:
		*to = m.load(cpu, in.x)
	case st:
		m.store(cpu, in.x, 1)
	case stRelease:
		m.storeRelease(cpu, in.x, 1)
	case wmb:
		m.part[cpu]++
	case unlock:
		m.storeRelease(cpu, lockAt, 0)
	case lock:
		if m.memory[lockAt] != 0 {
			return m, false
		}
		m.memory[lockAt] = 1
	case nodeEmpty:
		*to = truth(m.load(cpu, 2*p) == p)
	case headEmpty:
		*to = truth(m.load(cpu, 2*head) == head)
	case first:
		*to = found(m.load(cpu, 2*head), head)
	case last:
		*to = found(m.load(cpu, 2*head+1), head)
	case prev:
		*to = max(0, found(m.load(cpu, 2*p+1), head))
	case next:
		*to = found(m.load(cpu, 2*(*to-1+nodes)), head)
	case add:
		m.link(cpu, p, head, m.load(cpu, 2*head))
	case addTail:
		m.link(cpu, p, m.load(cpu, 2*head+1), head)
	case takeOff:
		m.unlink(cpu, p)
		m.initHead(cpu, p)
	case move:
		m.unlink(cpu, p)
		m.link(cpu, p, head, m.load(cpu, 2*head))
	case moveTail:
		m.unlink(cpu, p)
		m.link(cpu, p, m.load(cpu, 2*head+1), head)
	case splice:
		m.moveAll(cpu, heads+1-in.x, head)
	case addRcu:
		m.linkRcu(cpu, p, head, m.load(cpu, 2*head))
	case addTailRcu:
		m.linkRcu(cpu, p, m.load(cpu, 2*head+1), head)
	case takeOffRcu:
		m.unlink(cpu, p)
		m.store(cpu, 2*p+1, poison)
	}
	return m, true
}

func truth(v bool) int8 {
	if v {
		return 1
	}
	return 0
}

// looks is what a program does without the lock, and what it likes to do after it has changed a
// list, and after a store and a barrier: what comes there shows what is late.
var looks, afterList, afterStore = []kind{ld, st, st, headEmpty, nodeEmpty, first, last, prev},
	[]kind{ld}, []kind{headEmpty, nodeEmpty, first, last, prev}

// drawList returns a random program of two CPUs, or three, and whether its operations are those of
// who has the lock, and there is room for all that they store.
func drawList(rng *rand.Rand) (code *[cpus][]instr, sure bool) {
	code, sure = new([cpus][]instr), true
	n, units, ops, locks := 2+rng.IntN(cpus-1), 0, 2, rng.IntN(4) > 0
	if units = 5 - n; !locks {
		n, units, ops = 2, 2, 1
	}
	var which int8
	for i := range n {
		stores, likes := 0, looks
		for range 1 + rng.IntN(units) {
			in := instr{x: int8(rng.IntN(2)), node: 1 + int8(rng.IntN(3)), which: which}
			if len(likes) < len(looks) || rng.IntN(2) == 0 {
				which++
				in.kind, likes = likes[rng.IntN(len(likes))], looks
				code[i] = append(code[i], in)
				switch in.kind {
				case st:
					if stores++; rng.IntN(2) == 0 {
						code[i] = append(code[i], instr{kind: mfence})
						stores, likes = 0, afterStore
					}
				case first:
					code[i] = append(code[i], instr{kind: next, x: in.x, which: in.which})
				}
				continue
			}
			if locks {
				stores = 0
				code[i] = append(code[i], instr{kind: lock})
			}
			for range 1 + rng.IntN(ops) {
				which++
				in.kind, in.want = add+kind(rng.IntN(int(splice-add)+1)), truth(false)
				test := instr{nodeEmpty, in.x, in.node, in.which, 0}
				switch in.kind {
				case add, addTail:
					in.want = truth(true)
					stores += 3
				case splice:
					in.want, test.kind = truth(true), headEmpty
					stores += 5
				case takeOff:
					stores += 3
				default:
					stores += 4
				}
				code[i] = append(code[i], test, in)
				in.node, in.which = 1+int8(rng.IntN(3)), which
			}
			if locks {
				stores++
				code[i] = append(code[i], instr{kind: unlock})
			}
			sure, likes = sure && stores <= 8, afterList
		}
		sure = sure && stores <= 8
	}
	return code, sure && locks
}

// TestListMachine has random programs end only as the machine can, and, where the lock is taken and
// the buffer large enough, in every way in which it can if an operation gets to memory at once.
func TestListMachine(t *testing.T) {
	rng, n := rand.New(rand.NewPCG(3, 4)), 400
	if testing.Short() {
		n = 40
	}
	ways, exact, less, more := 0, 0, 0, 0
	for i := range n {
		code, sure := drawList(rng)
		got, may, whole := map[string]bool{}, map[string]bool{}, map[string]bool{}
		newListMachine(code, false, false).ends(map[listMachine]bool{}, may)
		newListMachine(code, true, false).ends(map[listMachine]bool{}, whole)
		rep := explore.Last(explore.Exhaust(context.Background(),
			randomLists((*schedule.Exec).BufferStores, code, got),
			explore.Options{Bound: explore.Unbounded}))
		if !rep.Complete() || sure && len(rep.Endings) != 1 {
			t.Fatalf("program %d: %v: %s: %+v", i, code, rep.Coverage(), rep.Endings)
		}
		plain := map[string]bool{}
		explore.Last(explore.Exhaust(context.Background(), randomLists(nil, code, plain),
			explore.Options{Bound: explore.Unbounded}))
		if sure && len(got) > len(plain) {
			more++
		}
		ways += len(got)
		if len(may) > len(whole) {
			less++
		}
		for end := range got {
			if !may[end] {
				t.Fatalf("program %d: %v\nends with %s\nthe machine with %v", i, *code, end,
					slices.Sorted(maps.Keys(may)))
			}
		}
		if !sure {
			continue
		}
		if exact++; !maps.Equal(got, whole) {
			t.Fatalf("program %d: %v\nends with %v\nthe machine with %v", i, *code,
				slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(whole)))
		}
	}
	if more == 0 && !testing.Short() {
		t.Error("no program shows that anything waits")
	}
	t.Logf("%d ways to end, %d programs exact, %d of them with more ways than without buffers; "+
		"the machine itself has more in %d", ways, exact, more, less)
}

// listComputer is the memory of a random program.
type listComputer struct {
	schedule.Object
	x    [2]mem.Int
	lock spin.Lock
	head [2]list.Head[*item]
	item [3]item
}

type registers struct {
	schedule.Object
	r [regs]schedule.Cell
}

// randomLists is a random program, which says what it ends with.
func randomLists(order func(*schedule.Exec), code *[cpus][]instr,
	got map[string]bool) schedule.Program {
	return schedule.Program{Name: "random", New: func() func(*schedule.Exec) {
		c, file := new(listComputer), new(registers)
		c.Bind(c, "c")
		for i := range c.item {
			c.item[i].Bind(&c.item[i], "item")
		}
		file.Bind(file, "r")
		file.SetPrivate()
		return func(e *schedule.Exec) {
			if order != nil {
				order(e)
			}
			e.Static(&c.Object, 0)
			e.Static(&file.Object, 0)
			for i := range c.item {
				e.Static(&c.item[i].Object, i)
			}
			c.head[0].Init(&c.item[1])
			c.head[0].Init(&c.item[0])
			for i := range cpus {
				e.Go(fmt.Sprintf("P%d", i), func(t *schedule.Thread) {
					for _, in := range code[i] {
						c.do(t, in, &file.r[in.which])
					}
				})
			}
			e.AtEnd(func(*schedule.Exec) {
				var r [regs]int8
				for i := range r {
					r[i] = int8(file.r[i].Value())
				}
				var lists [2][]int8
				for x := range lists {
					for p := c.head[x].Peek(); p != nil; p = p.node.Peek() {
						lists[x] = append(lists[x], c.index(p))
					}
				}
				memory := []int8{int8(c.x[0].Peek()), int8(c.x[1].Peek())}
				got[fmt.Sprint(r, memory, lists)] = true
			})
		}
	}}
}

// index returns the number of an item, from 1; 0 of none.
func (c *listComputer) index(p *item) int8 {
	for i := range c.item {
		if p == &c.item[i] {
			return int8(i + 1)
		}
	}
	return 0
}

// do does an instruction.
func (c *listComputer) do(t *schedule.Thread, in instr, r *schedule.Cell) {
	h, set := &c.head[in.x], func(v int8) { r.Set(uint64(v)) }
	var p *item
	if in.node > 0 {
		p = &c.item[in.node-1]
	}
	if in.kind > next && int8(r.Value()) != in.want {
		return
	}
	switch in.kind {
	case ld:
		set(int8(c.x[in.x].Read(t)))
	case st:
		c.x[in.x].Write(t, 1)
	case stRelease:
		c.x[in.x].StoreRelease(t, 1)
	case wmb:
		mem.SmpWmb(t)
	case mfence:
		mem.SmpMb(t)
	case lock:
		c.lock.Lock(t)
	case unlock:
		c.lock.Unlock(t)
	case nodeEmpty:
		set(truth(p.node.Empty(t)))
	case headEmpty:
		set(truth(h.Empty(t)))
	case first:
		set(c.index(h.First(t)))
	case last:
		set(c.index(h.LastEntry(t)))
	case prev:
		set(c.index(list.PrevEntry(t, p)))
	case next:
		if v := int8(r.Value()); v > 0 {
			q, other := h.WalkNext(t, &c.item[v-1])
			if set(c.index(q)); other != nil {
				set(-1)
			}
		}
	case add:
		h.Add(t, p)
	case addTail:
		h.AddTail(t, p)
	case takeOff:
		list.DelInit(t, p)
	case move:
		list.Move(t, p, h)
	case moveTail:
		list.MoveTail(t, p, h)
	case splice:
		list.SpliceInit(t, &c.head[1-in.x], h)
	case addRcu:
		h.AddRcu(t, p)
	case addTailRcu:
		h.AddTailRcu(t, p)
	case takeOffRcu:
		h.ListDelRcu(t, p)
	}
}
