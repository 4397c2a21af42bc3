// Package litmus runs tables of small programs, one for each thing that a primitive
// promises or forbids, in the manner of the kernel's tools/memory-model/litmus-tests. It
// is used from tests only.
//
// A [Test] is a row: a program of two or three short threads, a bad outcome, whether that
// is seen [Never], [Sometimes] or [Always], and how many executions there are of each
// outcome. The numbers are golden values. They come from two engines that share nothing
// but package schedule: one here (run.go), which runs every execution and is as plain as
// can be, and package explore, which merges states. Both must agree, whatever the order in
// which the threads are created. (For the few rows with tens of thousands of executions
// and more, explore counts alone: see plain.)
//
// To read the code: this file is what a row is written with, run.go what is done with it.
package litmus

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Verdict says how often the bad outcome is seen.
type Verdict uint8

// The verdicts, from the bad outcome's point of view. The zero Verdict is none of them.
const (
	Never Verdict = iota + 1
	Sometimes
	Always
)

func (v Verdict) String() string { return [...]string{"?", "Never", "Sometimes", "Always"}[v] }

// A Test is one row of a table. The comment above it says why the verdict is what it is.
type Test struct {
	Name string // the kernel's, where it has one: "MP+onceassign+derefonce"

	// Build makes the program, once for each runner.
	Build func(p *Program)

	// Bad is the outcome that the verdict is about: a kind of failure, or, if
	// NoFailure, that the condition of Program.Exists holds at the end.
	Bad     schedule.Kind
	Verdict Verdict

	// Counts is the number of executions of each outcome, from cause to symptom, such as
	// "4 pass, 1 use-after-free". "exists" is the condition of Program.Exists.
	Counts string

	// Mute is [schedule.Runner.Mute].
	Mute schedule.Kinds

	// TSO has stores wait in the store buffers of the CPUs: [schedule.Exec.BufferStores].
	TSO bool
	// PSO has them get into memory in another order too: [schedule.Exec.ReorderStores].
	PSO bool
	// RMO has loads return what was in memory before, too: [schedule.Exec.ReorderLoads].
	RMO bool
}

// A Program is the program of a row, as its Build makes it.
type Program struct {
	begin  []func(e *schedule.Exec)
	units  []func(e *schedule.Exec)
	exists func() bool
	memory *memory
}

// memory is what the registers are in.
type memory struct {
	schedule.Object
	r [8]schedule.Cell
}

// Begin has f called when an execution begins, before the threads are created: for
// what is there before the first step.
func (p *Program) Begin(f func(e *schedule.Exec)) { p.begin = append(p.begin, f) }

// Thread adds a thread.
func (p *Program) Thread(name string, body func(t *schedule.Thread)) {
	p.Agents(func(e *schedule.Exec) { e.Go(name, body) })
}

// Agents adds f, which creates agents, or threads that must be created in a given order.
// Threads and Agents are created in every order of them.
func (p *Program) Agents(f func(e *schedule.Exec)) { p.units = append(p.units, f) }

// Exists sets the condition on registers and memory at the end that is the bad
// outcome. It must not read anything but cells.
func (p *Program) Exists(f func() bool) { p.exists = f }

// Observe adds a thread that reads, takes two steps that are the same whatever it has
// read, and then one that is not; and a thread that writes. The bad outcome is that the
// first has read true. What a primitive returns and does not pass through
// [schedule.Thread.Observe] shows in [Contract] of such a row: the read may come before or
// after the write, and the states are the same.
func (p *Program) Observe(read func(t *schedule.Thread) bool, write func(t *schedule.Thread)) {
	r := p.Regs()[0]
	p.Thread("reader", func(t *schedule.Thread) {
		v := read(t)
		nop(t)
		nop(t)
		if v {
			nop(t)
			r.Set(1)
		}
	})
	p.Thread("writer", func(t *schedule.Thread) {
		write(t)
		nop(t)
		nop(t)
	})
	p.Exists(func() bool { return r.Get() == 1 })
}

func nop(t *schedule.Thread) { t.Step(schedule.Op{Verb: "nop"}) }

// A Reg is a register: where a thread leaves what Exists looks at, since the thread's own
// variables are forgotten when it finishes. Writing it is no step. What others have
// written to one a thread may copy to another at once, and do nothing else with it.
type Reg struct{ cell *schedule.Cell }

// Set changes the register.
func (r Reg) Set(v int) { r.cell.Set(uint64(v)) }

// SetBool is Set for a truth value.
func (r Reg) SetBool(v bool) {
	if v {
		r.Set(1)
	} else {
		r.Set(0)
	}
}

// Get returns the register.
func (r Reg) Get() int { return int(r.cell.Value()) }

// Inc adds 1 and returns the sum.
func (r Reg) Inc() int {
	r.Set(r.Get() + 1)
	return r.Get()
}

// Max raises the register to v.
func (r Reg) Max(v int) { r.Set(max(r.Get(), v)) }

// Regs returns the registers. They are 0 when an execution begins.
func (p *Program) Regs() [8]Reg {
	if p.memory == nil {
		p.memory = Static[memory](p, "r")
		p.memory.SetPrivate()
	}
	var out [8]Reg
	for i := range out {
		out[i] = Reg{&p.memory.r[i]}
	}
	return out
}

// Static returns a new object of type T that is there in every execution from its
// beginning, and is never freed.
func Static[T any, P interface {
	*T
	schedule.Header
}](p *Program, kind string) P {
	o := P(new(T))
	o.Header().Bind(o, kind)
	p.Begin(func(e *schedule.Exec) { e.Static(o.Header(), 0) })
	return o
}

// An Irq is an interrupt that comes once, at any time. It is an agent.
type Irq struct {
	schedule.Object
	came schedule.Cell
	f    func(t *schedule.Thread)
}

// Irq returns an interrupt whose handler is f. It runs as the handlers of the models do:
// with preemption and interrupts off.
func (p *Program) Irq(f func(t *schedule.Thread)) *Irq {
	i := Static[Irq](p, "irq")
	i.f = f
	return i
}

// Ready implements [schedule.Agent].
func (i *Irq) Ready(*schedule.Thread) bool { return i.came.Value() == 0 }

// Run implements [schedule.Agent].
func (i *Irq) Run(t *schedule.Thread) {
	preempt.IrqEnter(t)
	t.Begin(schedule.Op{Verb: "interrupt", Cell: &i.came, Mode: schedule.RMWFull})
	i.came.Set(1)
	i.f(t)
	preempt.IrqExit(t)
}

// Interrupted adds a thread and an interrupt that comes on its CPU.
func (p *Program) Interrupted(name string, body func(t *schedule.Thread), i *Irq) {
	p.Agents(func(e *schedule.Exec) { e.Handler("irq", e.Go(name, body).CPU(), i) })
}
