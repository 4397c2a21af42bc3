// Package interrupt is functions that a device or the timer has a CPU call
// (include/linux/interrupt.h).
//
// The program says on whose CPU an interrupt comes and how often at most ([Boot]). The
// schedule says whether it comes, and before which step.
//
// Steps: a handler starts with one, where interrupts are on and no other handler runs on
// that CPU; while it runs, the thread does not. Preemption and interrupts are off in it. It
// does not come any more once the thread has finished.
//
// Misuse: sleeping in a handler ([schedule.SleepInAtomic]). One that waits for a lock that
// the thread has taken with interrupts on is [schedule.Deadlock].
//
// Not modelled: threaded handlers, masking one interrupt and not others. Calls from other
// CPUs are package smp.
package interrupt

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// An Irq is an interrupt, as a field of the object that it is about. It calls one function
// all its life.
type Irq struct {
	left   schedule.Cell // how often it may still come
	fn     func(t *schedule.Thread)
	thread *schedule.Thread // whose CPU it comes on
	agent  source
}

// Init sets the handler. It belongs in the constructor of the object.
func (irq *Irq) Init(fn func(t *schedule.Thread)) { irq.fn = fn }

// Boot has the interrupt come on the CPU of a thread, n times at most. A program calls it
// when it begins, after it has created the thread.
func Boot(e *schedule.Exec, name string, irq *Irq, on *schedule.Thread, n int) {
	irq.thread, irq.agent.irq = on, irq
	irq.left.Set(uint64(n))
	e.Handler(name, on.CPU(), &irq.agent)
}

// Left returns how often it may still come, for fingerprints.
func (irq *Irq) Left() int { return int(irq.left.Value()) }

// source is the agent that calls the handler.
type source struct{ irq *Irq }

// Ready implements [schedule.Agent].
func (a *source) Ready(*schedule.Thread) bool {
	return a.irq.left.Value() > 0 && !a.irq.thread.Finished()
}

// Run implements [schedule.Agent].
func (a *source) Run(t *schedule.Thread) {
	t.CPU().DisableIrqs()
	preempt.Disable(t)
	t.Begin(schedule.Op{Verb: "interrupt", Cell: &a.irq.left, Mode: schedule.RMW})
	a.irq.left.Set(a.irq.left.Value() - 1)
	a.irq.fn(t)
	preempt.Enable(t)
	t.CPU().EnableIrqs()
}
