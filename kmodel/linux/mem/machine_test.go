package mem_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/interrupt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// A kind is what an instruction of a random program does.
type kind int

const (
	ld kind = iota
	st
	ldPtr
	stPtr
	wmb
	stRelease
	mfence // from here on, it waits until the queue is empty
	xchg
	cmpxchg
	inc
	lock
	unlock // which does not: a plain store
)

// drawn is what a program is drawn from. An unlock comes with its lock.
var drawn = []kind{
	ld, ld, ld, ld, st, st, st, st, ldPtr, stPtr, stRelease, mfence, xchg, cmpxchg, inc, lock,
}

// drawnPSO is drawn where stores pass stores.
var drawnPSO = []kind{
	ld, ld, ld, ld, ldPtr, st, st, st, st, st, st, stPtr, stPtr, wmb, wmb, stRelease, inc, lock,
}

// An instr is an instruction. Word 2 is a pointer: to nothing, or to one of two objects, 1 and 2.
// Word 3 is a spin lock.
type instr struct {
	kind
	x, v  int
	which int // register
}

const (
	cpus    = 3
	words   = 4
	regs    = 16
	lockAt  = 3
	handler = cpus // the code of the interrupt on CPU 0
)

// A machine is x86-TSO as Owens, Sarkar and Sewell have it: a queue before each processor. CPU 0
// takes an interrupt, with its queue empty before and after it. With pso, stores leave a queue in
// the order that SPARC's partial store order has.
type machine struct {
	pso    bool
	code   *[cpus + 1][]instr
	pc     [cpus + 1]int
	queue  [cpus][8]queued
	part   [cpus]int // how many wmb there have been
	len    [cpus]int
	memory [words]int
	regs   [regs]int
	irq    int // 0: still to come, 1: it runs, 2: it is over
}

// A queued is a store in a queue.
type queued struct {
	x, v    int
	part    int  // how many wmb there had been
	release bool // comes after all before it
}

// ends adds the registers and the memory that the machine can end with.
func (m machine) ends(seen map[machine]bool, out map[string]bool) {
	if seen[m] {
		return
	}
	seen[m] = true
	over := true
	for i := range cpus {
		for j := range m.len[i] {
			over = false
			if m.mayDrain(i, j) {
				next := m
				next.drain(i, j)
				next.ends(seen, out)
			}
		}
	}
	switch busy := m.pc[0] < len(m.code[0]); {
	case m.irq == 0 && busy && m.len[0] == 0:
		next := m
		next.irq = 1
		next.ends(seen, out)
	case m.irq == 1 && m.pc[handler] == len(m.code[handler]) && m.len[0] == 0:
		next := m
		next.irq = 2
		next.ends(seen, out)
	}
	over = over && m.irq != 1
	for i := range m.code {
		cpu := i
		if i == handler {
			cpu = 0
		}
		if m.pc[i] == len(m.code[i]) || cpu == 0 && (i == handler) != (m.irq == 1) {
			continue
		}
		over = false
		if next, ok := m.step(i, cpu); ok {
			next.ends(seen, out)
		}
	}
	if over {
		out[fmt.Sprint(m.regs, m.memory)] = true
	}
}

// mayDrain reports whether store j in the queue may be the next in memory.
func (m *machine) mayDrain(cpu, j int) bool {
	w := m.queue[cpu][j]
	for _, u := range m.queue[cpu][:j] {
		if !m.pso || w.release || u.x == w.x || u.part < w.part {
			return false
		}
	}
	return true
}

func (m *machine) drain(cpu, j int) {
	q := &m.queue[cpu]
	m.memory[q[j].x] = q[j].v
	copy(q[j:], q[j+1:])
	m.len[cpu]--
	q[m.len[cpu]] = queued{}
}

// step returns the machine after the next instruction of code i, unless that must wait.
func (m machine) step(i, cpu int) (machine, bool) {
	in := m.code[i][m.pc[i]]
	m.pc[i]++
	at := &m.memory[in.x]
	if in.kind >= mfence && in.kind != unlock && m.len[cpu] > 0 {
		return m, false
	}
	switch in.kind {
	case ld, ldPtr:
		v := *at
		for _, w := range m.queue[cpu][:m.len[cpu]] {
			if w.x == in.x {
				v = w.v
			}
		}
		m.regs[in.which] = v
	case st, stPtr, stRelease, unlock:
		release := in.kind == stRelease || in.kind == unlock
		m.queue[cpu][m.len[cpu]] = queued{in.x, in.v, m.part[cpu], release}
		m.len[cpu]++
	case wmb:
		m.part[cpu]++
	case xchg:
		m.regs[in.which], *at = *at, in.v
	case cmpxchg:
		if m.regs[in.which] = *at; *at == 0 {
			*at = in.v
		}
	case inc:
		*at++
	case lock:
		if *at != 0 {
			return m, false
		}
		*at = 1
	}
	return m, true
}

// draw returns a random program: 2 to 4 instructions a thread, or 1 to 2 where there are three, and
// an interrupt of 0 to 2.
func draw(rng *rand.Rand, drawn []kind) *[cpus + 1][]instr {
	code, n := new([cpus + 1][]instr), 2+rng.IntN(cpus-1)
	for i := range code {
		size := 2 + rng.IntN(7-2*n)
		switch {
		case i == handler:
			size = rng.IntN(3)
		case i >= n:
			size = 0
		}
		locked := false
		for j := range size {
			in := instr{drawn[rng.IntN(len(drawn))], rng.IntN(2), 1 + rng.IntN(2), 4*i + j}
			switch {
			case in.kind == ldPtr || in.kind == stPtr || in.kind == stRelease:
				in.x, in.v = 2, rng.IntN(3)
			case in.kind == lock && (locked || i == handler):
				in.kind = ld
			case in.kind == lock:
				in.x, locked = lockAt, true
			}
			code[i] = append(code[i], in)
		}
		if locked {
			code[i] = append(code[i], instr{unlock, lockAt, 0, 0})
		}
	}
	return code
}

// TestMachine has random programs end as the machine ends, in every way that it can and in no
// other.
func TestMachine(t *testing.T) { runMachines(t, 300, drawn, false) }

// TestMachinePSO is TestMachine where stores pass stores.
func TestMachinePSO(t *testing.T) { runMachines(t, 200, drawnPSO, true) }

func runMachines(t *testing.T, n int, drawn []kind, pso bool) {
	rng := rand.New(rand.NewPCG(1, 2))
	if testing.Short() {
		n /= 10
	}
	ways := 0
	for i := range n {
		code := draw(rng, drawn)
		want, got := map[string]bool{}, map[string]bool{}
		m := machine{code: code, pso: pso}
		if len(code[handler]) == 0 {
			m.irq = 2
		}
		m.ends(map[machine]bool{}, want)
		rep := explore.Last(explore.Exhaust(context.Background(), random(code, pso, got),
			explore.Options{Bound: explore.Unbounded}))
		if !rep.Complete() || len(rep.Endings) != 1 {
			t.Fatalf("program %d: %v: %s: %+v", i, code, rep.Coverage(), rep.Endings)
		}
		if ways += len(want); !maps.Equal(got, want) {
			t.Fatalf("program %d: %v\nends with %v\nthe machine with %v", i, *code,
				slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
	}
	t.Logf("%d ways to end", ways)
}

// computer is the memory of a random program, and its registers, which are no memory.
type computer struct {
	schedule.Object
	x    [2]atomic.Int
	ptr  mem.Ptr[*vars]
	lock spin.Lock
	irq  interrupt.Irq
}

// random is a random program, which says what it ends with.
func random(code *[cpus + 1][]instr, pso bool, got map[string]bool) schedule.Program {
	return schedule.Program{Name: "random", New: func() func(*schedule.Exec) {
		c, file := new(computer), new(registers)
		c.Bind(c, "c")
		file.Bind(file, "r")
		file.SetPrivate()
		var objects [3]*vars
		for i := range objects[1:] {
			objects[i+1] = new(vars)
			objects[i+1].Bind(objects[i+1], "object")
		}
		c.irq.Init(func(t *schedule.Thread) { c.run(t, file, &objects, code[handler]) })
		return func(e *schedule.Exec) {
			if pso {
				e.ReorderStores()
			} else {
				e.BufferStores()
			}
			e.Static(&c.Object, 0)
			e.Static(&file.Object, 0)
			e.Static(&objects[1].Object, 0)
			e.Static(&objects[2].Object, 1)
			for i := range cpus {
				t := e.Go(fmt.Sprintf("P%d", i), func(t *schedule.Thread) {
					c.run(t, file, &objects, code[i])
				})
				if i == 0 && len(code[handler]) > 0 {
					interrupt.Boot(e, "irq", &c.irq, t, 1)
				}
			}
			e.AtEnd(func(*schedule.Exec) {
				p := slices.Index(objects[:], c.ptr.Peek())
				var r [regs]int
				for i := range r {
					r[i] = int(file.r[i].Value())
				}
				memory := [words]int{c.x[0].Peek(), c.x[1].Peek(), p}
				if c.lock.IsLocked() {
					memory[lockAt] = 1
				}
				got[fmt.Sprint(r, memory)] = true
			})
		}
	}}
}

type registers struct {
	schedule.Object
	r [regs]schedule.Cell
}

// run runs code.
func (c *computer) run(t *schedule.Thread, file *registers, objects *[3]*vars, code []instr) {
	for _, in := range code {
		to := &file.r[in.which]
		switch in.kind {
		case ld:
			to.Set(uint64(c.x[in.x].Read(t)))
		case st:
			c.x[in.x].Set(t, in.v)
		case ldPtr:
			to.Set(uint64(slices.Index(objects[:], c.ptr.Read(t))))
		case stPtr:
			c.ptr.Write(t, objects[in.v])
		case wmb:
			mem.SmpWmb(t)
		case stRelease:
			c.ptr.StoreRelease(t, objects[in.v])
		case mfence:
			mem.SmpMb(t)
		case xchg:
			to.Set(uint64(c.x[in.x].Xchg(t, in.v)))
		case cmpxchg:
			to.Set(uint64(c.x[in.x].Cmpxchg(t, 0, in.v)))
		case inc:
			c.x[in.x].Inc(t)
		case lock:
			c.lock.Lock(t)
		case unlock:
			c.lock.Unlock(t)
		}
	}
}
