// Package interrupt is functions that a device or the timer has a CPU call
// (include/linux/interrupt.h), interrupts and softirqs.
//
// The program says on whose CPU one comes and how often at most ([Boot], [BootSoftirq]). The
// schedule says whether it comes, and before which step.
//
// Steps: a handler starts with one, where interrupts are on; while it runs, the thread does
// not. Preemption and interrupts are off in it. That of a softirq starts where softirqs are on
// too, and no other handler runs on that CPU; interrupts are on in it, so that one may come.
// Neither comes any more once the thread has finished.
//
// Misuse: sleeping in a handler ([schedule.SleepInAtomic]). One that waits for a lock that
// the thread has taken with interrupts on, or softirqs, is [schedule.Deadlock].
//
// Not modelled: ksoftirqd, raising a softirq, threaded handlers, masking one interrupt and
// not others. Calls from other CPUs are package smp, callbacks of RCU package rcu.
package interrupt

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// An Irq is an interrupt, as a field of the object that it is about. It calls one function
// all its life.
type Irq struct {
	left   schedule.Cell // how often it may still come
	fn     func(t *schedule.Thread)
	thread *schedule.Thread // whose CPU it comes on
	soft   bool
	agent  source
}

// Init sets the handler. It belongs in the constructor of the object.
func (irq *Irq) Init(fn func(t *schedule.Thread)) { irq.fn = fn }

// Boot has the interrupt come on the CPU of a thread, n times at most. A program calls it
// when it begins, after it has created the thread.
func Boot(e *schedule.Exec, name string, irq *Irq, on *schedule.Thread, n int) {
	boot(e, name, irq, on, n, false)
}

// BootSoftirq is Boot of what softirqs call: a timer, a tasklet, the poll function of a network
// device.
func BootSoftirq(e *schedule.Exec, name string, irq *Irq, on *schedule.Thread, n int) {
	boot(e, name, irq, on, n, true)
}

func boot(e *schedule.Exec, name string, irq *Irq, on *schedule.Thread, n int, soft bool) {
	irq.thread, irq.agent.irq, irq.soft = on, irq, soft
	irq.left.Set(uint64(n))
	e.Handler(name, on.CPU(), &irq.agent)
}

// Left returns how often it may still come, for fingerprints.
func (irq *Irq) Left() int { return int(irq.left.Value()) }

// source is the agent that calls the handler.
type source struct{ irq *Irq }

// Ready implements [schedule.Agent].
func (a *source) Ready(t *schedule.Thread) bool {
	if a.irq.left.Value() == 0 || a.irq.thread.Finished() {
		return false
	}
	return !a.irq.soft || !t.CPU().InInterrupt() && !preempt.BhOff(a.irq.thread)
}

// Run implements [schedule.Agent].
func (a *source) Run(t *schedule.Thread) {
	if a.irq.soft {
		preempt.BhDisable(t)
		lockdep.SoftirqEnter(t)
		a.irq.call(t, "softirq")
		lockdep.SoftirqExit(t)
		preempt.BhEnable(t)
		return
	}
	preempt.IrqEnter(t)
	a.irq.call(t, "interrupt")
	preempt.IrqExit(t)
}

func (irq *Irq) call(t *schedule.Thread, verb string) {
	t.Begin(schedule.Op{Verb: verb, Cell: &irq.left, Mode: schedule.RMW})
	irq.left.Set(irq.left.Value() - 1)
	irq.fn(t)
}
