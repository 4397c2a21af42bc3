package mem_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// Memory where loads pass loads, said by axioms instead of by a machine, in the manner of Alglave,
// Maranget and Tautschnig ("Herding Cats", TOPLAS 2014): every load is given a store that it reads
// from, and the stores to each word an order; and whether that can be is seen by two relations that
// must have no cycle.

// An op is what an instruction of a random program does.
type op int

const (
	opLoad op = iota
	opAcquire
	opFollow        // loads the pointer, and from the object that it leads to
	opFollowAcquire // the second is an acquire
	opIndex         // loads a word, and then the other one, whose address depends on that
	opChain         // and then one of an object, whose address depends on that
	opChainAcquire  // the third is an acquire
	opFollowIndex   // opFollow, and then a word whose address depends on that
	opStore
	opRelease
	opStorePtr // a release
	opXchg
	opRmb
	opWmb
	opMb
	opHalf        // loads one half of the word that is two cells
	opStoreHalves // stores both in one step
	opSetHalf     // sets one, at once and in order
)

var drawnOps = []op{
	opLoad, opLoad, opLoad, opLoad, opLoad, opAcquire, opFollow, opFollow, opFollowAcquire,
	opIndex, opIndex, opChain, opChain, opChainAcquire, opFollowIndex,
	opStore, opStore, opStore, opStore, opRelease, opRelease, opStorePtr, opXchg,
	opRmb, opRmb, opWmb, opMb,
}

// drawnHalves are ops for what is said with [schedule.Thread.LoadsNoOlder].
var drawnHalves = []op{
	opHalf, opHalf, opHalf, opHalf, opHalf, opHalf, opStoreHalves, opStoreHalves, opSetHalf, opSetHalf,
	opLoad, opLoad, opAcquire, opStore, opStore, opRelease, opFollow, opStorePtr, opXchg, opRmb,
}

// The words: two, the pointer, what is in the objects 1 and 2 that it may lead to, and the one that is
// two cells, of a bit each.
const (
	thePtr    = 2
	inObjects = 2 // and the number of the object
	theHalves = 5
	allWords  = 6
)

type axiomInstr struct {
	op
	x, v int
	half int // of theHalves
}

// last returns the word that is loaded last, at the end of a chain.
func (in *axiomInstr) last() int {
	if in.op == opFollowIndex {
		return in.v % 2
	}
	return inObjects + 1 + in.v%2
}

type axiomCode [3][]axiomInstr

// perInstr is the most registers that an instruction loads, perThread that a thread does, and
// allRegs that all do.
const (
	perInstr  = 3
	perThread = 4 * perInstr
	allRegs   = 3 * perThread
)

// drawAxioms draws two threads of 2 to 4 instructions, or three of 1 to 3.
func drawAxioms(rng *rand.Rand, drawn []op) *axiomCode {
	code := new(axiomCode)
	n, least := 2, 2
	if rng.IntN(3) == 0 {
		n, least = 3, 1
	}
	v := 0
	for i := range n {
		for range least + rng.IntN(3) {
			in := axiomInstr{op: drawn[rng.IntN(len(drawn))], x: rng.IntN(2)}
			switch in.op {
			case opFollow, opFollowAcquire, opFollowIndex, opStorePtr:
				in.x, in.v = thePtr, 1+rng.IntN(2)
			case opStore, opAcquire:
				in.x = []int{0, 0, 1, 1, 3, 4}[rng.IntN(6)]
			case opHalf, opSetHalf:
				in.x, in.half, in.v = theHalves, in.x, 1<<in.x
			case opStoreHalves:
				in.x, in.v = theHalves, 1+rng.IntN(3)
			}
			if in.v == 0 {
				v++
				in.v = 2 + v%2 // few values, so that some come twice
			}
			code[i] = append(code[i], in)
		}
	}
	return code
}

// An event is a load or a store, or both at once.
type event struct {
	axiomInstr
	thread, at int // at: the place of the instruction
	loads      bool
	stores     bool
	from       int // the event that it reads from, -1: what is there at first
	read       int
	followed   int  // the event that it has its address from, -1: none
	computed   bool // that says so of all loads of the word that follow
	register   int
}

// A candidate is an execution that is being put together.
type candidate struct {
	code   *axiomCode
	events []event
	out    map[string]bool
}

// allowed returns what code may end with: registers and memory.
func allowed(code *axiomCode) map[string]bool {
	c := candidate{code: code, out: map[string]bool{}}
	for i := range code {
		for at, in := range code[i] {
			e := event{axiomInstr: in, thread: i, at: at, from: -1, followed: -1}
			e.register = perThread*i + perInstr*at
			switch in.op {
			case opRmb, opWmb, opMb:
				continue
			case opLoad, opAcquire, opFollow, opFollowAcquire, opFollowIndex,
				opIndex, opChain, opChainAcquire, opHalf:
				e.loads = true
			case opXchg, opSetHalf:
				e.loads, e.stores = true, true
			default:
				e.stores = true
			}
			c.events = append(c.events, e)
			if in.op == opIndex || in.op == opChain || in.op == opChainAcquire {
				c.computed(&e, opLoad, 1-in.x)
			}
			switch in.op {
			case opChain:
				c.computed(&e, opLoad, in.last())
			case opChainAcquire:
				c.computed(&e, opAcquire, in.last())
			}
		}
	}
	c.chooseReads(0)
	return c.out
}

// computed adds a load of word x, whose address depends on e, which was added last, and has e be it.
func (c *candidate) computed(e *event, o op, x int) {
	e.op, e.x, e.followed, e.computed = o, x, len(c.events)-1, true
	e.register++
	c.events = append(c.events, *e)
}

// chooseReads gives event i and those behind it something to read from.
func (c *candidate) chooseReads(i int) {
	if i == len(c.events) {
		c.chooseOrder(0, nil)
		return
	}
	if !c.events[i].loads {
		c.chooseReads(i + 1)
		return
	}
	c.readFrom(i, -1, 0)
	for j := range c.events {
		if w := &c.events[j]; w.stores && w.x == c.events[i].x && j != i {
			c.readFrom(i, j, w.v)
		}
	}
}

func (c *candidate) readFrom(i, from, v int) {
	saved := slices.Clone(c.events)
	c.events[i].from, c.events[i].read = from, v
	e := c.events[i]
	if follows := e.op == opFollow || e.op == opFollowAcquire || e.op == opFollowIndex; follows && v != 0 {
		// A load through the pointer. It comes last among the events, and so after all stores.
		e.op = opLoad
		if c.events[i].op == opFollowAcquire {
			e.op = opAcquire
		}
		e.x, e.followed, e.from = inObjects+v, i, -1
		e.register++
		c.events = append(c.events, e)
		if in := &c.events[i].axiomInstr; in.op == opFollowIndex {
			c.computed(&e, opLoad, in.last())
		}
	}
	c.chooseReads(i + 1)
	c.events = saved
}

// chooseOrder puts the stores to word x and those behind it into an order.
func (c *candidate) chooseOrder(x int, co []int) {
	if x == allWords {
		c.check(co)
		return
	}
	var stores []int
	for i := range c.events {
		if e := &c.events[i]; e.stores && e.x == x {
			stores = append(stores, i)
		}
	}
	permute(stores, func(order []int) { c.chooseOrder(x+1, slices.Concat(co, order)) })
}

func permute(s []int, f func([]int)) {
	if len(s) == 0 {
		f(nil)
		return
	}
	for i := range s {
		rest := slices.Concat(s[:i:i], s[i+1:])
		permute(rest, func(order []int) { f(append([]int{s[i]}, order...)) })
	}
}

// check adds what the candidate ends with, if it may be. The stores to one word are in co in their
// order.
func (c *candidate) check(co []int) {
	n := len(c.events)
	coherence, global := make([][]bool, n), make([][]bool, n)
	for i := range n {
		coherence[i], global[i] = make([]bool, n), make([]bool, n)
	}
	place := make([]int, n)
	for k, i := range co {
		place[i] = k + 1
	}
	for i := range c.events {
		for j := range c.events {
			a, b := &c.events[i], &c.events[j]
			if i == j {
				continue
			}
			external := a.thread != b.thread
			if c.ordered(i, j) {
				global[i][j] = true
			}
			if a.thread == b.thread && c.inOrder(i, j) && a.x == b.x {
				coherence[i][j] = true
			}
			if a.x != b.x {
				continue
			}
			if b.loads && b.from == i { // reads from
				coherence[i][j] = true
				global[i][j] = global[i][j] || external
			}
			if a.stores && b.stores && place[i] < place[j] { // coherence order
				coherence[i][j], global[i][j] = true, true
			}
			if a.loads && b.stores && (a.from < 0 || place[a.from] < place[j]) { // from reads
				coherence[i][j] = true
				global[i][j] = global[i][j] || external
			}
			if a.loads && a.stores && b.stores && place[j] < place[i] && (a.from < 0 || place[a.from] < place[j]) {
				return // comes between what a reads and what it stores
			}
		}
	}
	if cyclic(coherence) || cyclic(global) {
		return
	}
	var memory [allWords]int
	for _, i := range co {
		memory[c.events[i].x] = c.value(i)
	}
	var r [allRegs]int
	for i := range c.events {
		switch e := &c.events[i]; {
		case e.op == opHalf:
			r[e.register] = c.value(e.from) >> e.half & 1
		case e.loads && e.x != theHalves:
			r[e.register] = e.read
		}
	}
	c.out[fmt.Sprint(r, memory)] = true
}

// value returns what event i has stored, or what is there at first.
func (c *candidate) value(i int) int {
	switch {
	case i < 0:
		return 0
	case c.events[i].op == opSetHalf:
		return c.value(c.events[i].from) | c.events[i].v
	}
	return c.events[i].v
}

// inOrder reports whether event i comes before event j in the code of their thread.
func (c *candidate) inOrder(i, j int) bool {
	a, b := &c.events[i], &c.events[j]
	return a.thread == b.thread && a.register < b.register
}

// ordered reports whether all see event i before event j because their thread has them so.
func (c *candidate) ordered(i, j int) bool {
	if !c.inOrder(i, j) {
		return false
	}
	a, b := &c.events[i], &c.events[j]
	if a.loads && a.stores || b.loads && b.stores ||
		a.op == opAcquire || b.op == opRelease || b.op == opStorePtr {
		return true
	}
	if a.loads && b.stores || b.followed == i {
		return true
	}
	for k, e := range c.events {
		if e.computed && e.followed == i && e.x == b.x && b.loads && c.inOrder(k, j) {
			return true
		}
	}
	for k, e := range c.events { // an acquire may be of what the thread has stored because of a
		own := e.op == opAcquire && e.from >= 0 && c.events[e.from].thread == e.thread
		if own && a.loads && b.loads && c.inOrder(i, k) && c.inOrder(k, j) {
			return true
		}
	}
	for _, between := range c.code[a.thread][a.at:b.at] {
		switch between.op {
		case opMb, opXchg, opSetHalf:
			return true
		case opRmb:
			if a.loads && b.loads {
				return true
			}
		case opWmb:
			if a.stores && b.stores {
				return true
			}
		}
	}
	return false
}

// cyclic reports whether a relation has a cycle.
func cyclic(r [][]bool) bool {
	for k := range r {
		for i := range r {
			for j := range r {
				r[i][j] = r[i][j] || r[i][k] && r[k][j]
			}
		}
	}
	for i := range r {
		if r[i][i] {
			return true
		}
	}
	return false
}

// TestAxioms has random programs end as the axioms allow, in every way and in no other.
func TestAxioms(t *testing.T) { runAxioms(t, 400, drawnOps) }

// TestAxiomsOfHalves has a word that is two cells be as good as one.
func TestAxiomsOfHalves(t *testing.T) { runAxioms(t, 400, drawnHalves) }

func runAxioms(t *testing.T, n int, drawn []op) {
	if testing.Short() {
		n /= 8
	}
	rng := rand.New(rand.NewPCG(3, 4))
	ways := 0
	for i := range n {
		code := drawAxioms(rng, drawn)
		want, got := allowed(code), map[string]bool{}
		rep := explore.Last(explore.Exhaust(context.Background(), axiomProgram(code, got),
			explore.Options{Bound: explore.Unbounded}))
		if !rep.Complete() || len(rep.Endings) != 1 {
			t.Fatalf("program %d: %v: %s: %+v", i, code, rep.Coverage(), rep.Endings)
		}
		if ways += len(want); !maps.Equal(got, want) {
			for k := range want {
				if got[k] {
					delete(got, k)
					delete(want, k)
				}
			}
			t.Fatalf("program %d: %v\nends with %v, which the axioms forbid\n"+
				"and not with %v, which they allow", i, *code,
				slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
	}
	t.Logf("%d ways to end", ways)
}

type axiomMemory struct {
	schedule.Object
	x      [2]mem.Int
	ptr    mem.Ptr[*vars]
	halves [2]schedule.Cell
}

type axiomRegisters struct {
	schedule.Object
	r [allRegs]schedule.Cell
}

// axiomProgram is a random program, which says what it ends with.
func axiomProgram(code *axiomCode, got map[string]bool) schedule.Program {
	return schedule.Program{Name: "random", New: func() func(*schedule.Exec) {
		m, file := new(axiomMemory), new(axiomRegisters)
		m.Bind(m, "m")
		file.Bind(file, "r")
		file.SetPrivate()
		var objects [3]*vars
		for i := range objects[1:] {
			objects[i+1] = new(vars)
			objects[i+1].Bind(objects[i+1], "object")
		}
		return func(e *schedule.Exec) {
			e.ReorderLoads()
			e.Static(&m.Object, 0)
			e.Static(&file.Object, 0)
			e.Static(&objects[1].Object, 0)
			e.Static(&objects[2].Object, 1)
			for i := range code {
				if len(code[i]) > 0 {
					e.Go(fmt.Sprintf("P%d", i), func(t *schedule.Thread) {
						m.run(t, file, &objects, i, code[i])
					})
				}
			}
			e.AtEnd(func(*schedule.Exec) {
				var r [allRegs]int
				for i := range r {
					r[i] = int(file.r[i].Value())
				}
				memory := [allWords]int{m.x[0].Peek(), m.x[1].Peek(),
					slices.Index(objects[:], m.ptr.Peek()), objects[1].x.Peek(), objects[2].x.Peek(),
					int(m.halves[0].Value() | m.halves[1].Value()<<1)}
				got[fmt.Sprint(r, memory)] = true
			})
		}
	}}
}

func (m *axiomMemory) run(
	t *schedule.Thread, file *axiomRegisters, objects *[3]*vars, i int, code []axiomInstr,
) {
	for at, in := range code {
		to := file.r[perThread*i+perInstr*at:]
		wordOf := func(x int) *mem.Int {
			if x < thePtr {
				return &m.x[x]
			}
			return &objects[x-inObjects].x
		}
		word := func() *mem.Int { return wordOf(in.x) }
		switch in.op {
		case opLoad:
			to[0].Set(uint64(word().ReadOnce(t)))
		case opAcquire:
			to[0].Set(uint64(word().LoadAcquire(t)))
		case opIndex, opChain, opChainAcquire:
			to[0].Set(uint64(word().ReadOnce(t)))
			other := &m.x[1-in.x]
			other.DependsOn(t, word())
			to[1].Set(uint64(other.ReadOnce(t)))
			if in.op != opIndex {
				last := wordOf(in.last())
				last.DependsOn(t, other)
				f := (*mem.Int).ReadOnce
				if in.op == opChainAcquire {
					f = (*mem.Int).LoadAcquire
				}
				to[2].Set(uint64(f(last, t)))
			}
		case opFollow, opFollowAcquire, opFollowIndex:
			o := m.ptr.ReadOnce(t)
			to[0].Set(uint64(slices.Index(objects[:], o)))
			if o != nil {
				f := (*mem.Int).ReadOnce
				if in.op == opFollowAcquire {
					f = (*mem.Int).LoadAcquire
				}
				to[1].Set(uint64(f(&o.x, t)))
				if in.op == opFollowIndex {
					last := wordOf(in.last())
					last.DependsOn(t, &o.x)
					to[2].Set(uint64(last.ReadOnce(t)))
				}
			}
		case opStore:
			word().WriteOnce(t, in.v)
		case opRelease:
			word().StoreRelease(t, in.v)
		case opStorePtr:
			m.ptr.StoreRelease(t, objects[in.v])
		case opXchg:
			to[0].Set(uint64(word().Xchg(t, in.v)))
		case opRmb:
			mem.SmpRmb(t)
		case opWmb:
			mem.SmpWmb(t)
		case opMb:
			mem.SmpMb(t)
		case opHalf:
			to[0].Set(m.loadHalf(t, in.half))
		case opStoreHalves:
			m.storeHalves(t, in.v)
		case opSetHalf:
			m.setHalf(t, in.half)
		}
	}
}

func (m *axiomMemory) loadHalf(t *schedule.Thread, i int) uint64 {
	t.Step(schedule.Op{Verb: "load half", Cell: &m.halves[i], Mode: schedule.ReadOnce})
	v := t.Load(&m.halves[i])
	t.LoadsNoOlder(&m.halves[1-i])
	return t.Observe(v)
}

func (m *axiomMemory) storeHalves(t *schedule.Thread, v int) {
	t.Step(schedule.Op{Verb: "store halves", Cell: &m.halves[0], Mode: schedule.WriteOnce})
	for i := range m.halves {
		t.Store(&m.halves[i], uint64(v>>i&1))
	}
}

// setHalf tells nobody what has been there.
func (m *axiomMemory) setHalf(t *schedule.Thread, i int) {
	t.Step(schedule.Op{Verb: "set half", Cell: &m.halves[i], Mode: schedule.RMWFull})
	m.halves[i].Set(1)
}
