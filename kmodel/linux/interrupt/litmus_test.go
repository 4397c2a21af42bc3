package interrupt_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/interrupt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type vars struct {
	schedule.Object
	irq   interrupt.Irq
	x     mem.Int
	lock  spin.Lock
	mutex mutex.Mutex
}

// A body is what a thread or a handler does.
type body func(v *vars, t *schedule.Thread)

// build makes a program of a thread and an interrupt on its CPU, which comes n times at
// most. Bad is what the condition says of x at the end.
func build(n int, thread, handler body, bad func(x int) bool) func(*litmus.Program) {
	return func(p *litmus.Program) {
		v := litmus.Static[vars](p, "v")
		v.irq.Init(func(t *schedule.Thread) { handler(v, t) })
		p.Agents(func(e *schedule.Exec) {
			th := e.Go("P0", func(t *schedule.Thread) { thread(v, t) })
			interrupt.Boot(e, "irq", &v.irq, th, n)
		})
		p.Exists(func() bool { return bad(v.x.Peek()) })
	}
}

func inc(v *vars, t *schedule.Thread) { v.x.Write(t, v.x.Read(t)+1) }

func incIrqsOff(v *vars, t *schedule.Thread) {
	preempt.LocalIrqDisable(t)
	inc(v, t)
	preempt.LocalIrqEnable(t)
}

func incLocked(v *vars, t *schedule.Thread) {
	v.lock.Lock(t)
	inc(v, t)
	v.lock.Unlock(t)
}

func incLockedIrq(v *vars, t *schedule.Thread) {
	v.lock.LockIrq(t)
	inc(v, t)
	v.lock.UnlockIrq(t)
}

func incMutex(v *vars, t *schedule.Thread) { v.mutex.Lock(t) }

func never(int) bool { return false }

// beside is build with a thread on another CPU besides.
func beside(other body, f func(*litmus.Program)) func(*litmus.Program) {
	return func(p *litmus.Program) {
		v := litmus.Static[vars](p, "other")
		f(p)
		p.Thread("P1", func(t *schedule.Thread) { other(v, t) })
	}
}

var litmusTests = []litmus.Test{{
	// It comes before the read, between read and write, or not at all: nothing comes after
	// the last step.
	Name: "INC+irq", Build: build(1, inc, inc, func(x int) bool { return x == 2 }),
	Verdict: litmus.Sometimes, Counts: "2 pass, 1 exists",
}, {
	// The handler runs to its end before the thread goes on: what it has half done is not
	// seen there.
	Name: "INC+irq+half", Build: build(1, inc, func(v *vars, t *schedule.Thread) {
		v.x.Write(t, 10)
		v.x.Write(t, v.x.Read(t)+10)
	}, func(x int) bool { return x == 10 || x == 11 }),
	Verdict: litmus.Never, Counts: "3 pass",
}, {
	// Where interrupts are off it does not come: before that, or behind.
	Name: "INC+irqs-off+irq", Build: build(1, incIrqsOff, inc, never),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	Name: "INC+irq-twice", Build: build(2, inc, inc, func(x int) bool { return x > 3 }),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	// Another CPU goes on meanwhile: 6 ways if it does not come, and twice 21.
	Name: "INC+irq+other", Build: beside(inc, build(1, inc, inc, func(x int) bool { return x > 2 })),
	Verdict: litmus.Never, Counts: "48 pass",
}, {
	// The handler waits for the thread, which waits for the handler.
	Name: "LOCK+irq", Build: build(1, incLocked, incLocked, never),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "2 pass, 3 deadlock",
}, {
	Name: "LOCK+irqs-off+irq", Build: build(1, incLockedIrq, incLocked, never),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "2 pass",
}, {
	// A handler may not sleep.
	Name: "MISUSE+sleep", Build: build(1, inc, incMutex, never),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Sometimes, Counts: "1 pass, 2 sleep-in-atomic",
}}

func TestLitmus(t *testing.T) { litmus.Run(t, litmusTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests) }
