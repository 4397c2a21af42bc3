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
	soft  [2]interrupt.Irq
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

// soft makes a program of a thread and what may come on its CPU: an interrupt, if irq is not
// nil, and as many softirqs. Each comes once at most. Bad is that all have come, and that x is
// 1 all the same: what somebody else has added is lost.
func soft(thread, irq body, softirqs ...body) func(*litmus.Program) {
	return func(p *litmus.Program) {
		v := litmus.Static[vars](p, "v")
		v.irq.Init(func(t *schedule.Thread) { irq(v, t) })
		for i, f := range softirqs {
			v.soft[i].Init(func(t *schedule.Thread) { f(v, t) })
		}
		p.Agents(func(e *schedule.Exec) {
			th := e.Go("P0", func(t *schedule.Thread) { thread(v, t) })
			if irq != nil {
				interrupt.Boot(e, "irq", &v.irq, th, 1)
			}
			for i := range softirqs {
				interrupt.BootSoftirq(e, []string{"softirq", "softirq2"}[i], &v.soft[i], th, 1)
			}
		})
		p.Exists(func() bool {
			return v.irq.Left()+v.soft[0].Left()+v.soft[1].Left() == 0 && v.x.Peek() == 1
		})
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

func incBhOff(v *vars, t *schedule.Thread) {
	preempt.LocalBhDisable(t)
	inc(v, t)
	preempt.LocalBhEnable(t)
}

func incLockedBh(v *vars, t *schedule.Thread) {
	v.lock.LockBh(t)
	inc(v, t)
	v.lock.UnlockBh(t)
}

// incTwice turns softirqs off twice and on once in between.
func incTwice(v *vars, t *schedule.Thread) {
	v.lock.LockBh(t)
	preempt.LocalBhDisable(t)
	preempt.LocalBhEnable(t)
	inc(v, t)
	v.lock.UnlockBh(t)
}

// nop has somebody who comes find the thread.
func nop(v *vars, t *schedule.Thread) { t.Step(schedule.Op{Verb: "nop"}) }

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

var softirqTests = []litmus.Test{{
	// As an interrupt does, it comes before the read, between read and write, or not at all.
	// What it does in between is lost.
	Name: "INC+softirq", Build: soft(inc, nil, inc),
	Verdict: litmus.Sometimes, Counts: "2 pass, 1 exists",
}, {
	// Where softirqs are off it does not come.
	Name: "INC+bh-off+softirq", Build: soft(incBhOff, nil, inc),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// Nor where interrupts are.
	Name: "INC+irqs-off+softirq", Build: soft(incIrqsOff, nil, inc),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// An interrupt does.
	Name: "INC+bh-off+irq", Build: soft(incBhOff, inc),
	Verdict: litmus.Sometimes, Counts: "4 pass, 1 exists",
}, {
	// A softirq does not interrupt another one.
	Name: "INC+2softirqs", Build: soft(nop, nil, inc, inc),
	Verdict: litmus.Never, Counts: "5 pass",
}, {
	// An interrupt interrupts it.
	Name: "INC+softirq+irq", Build: soft(nop, inc, inc),
	Verdict: litmus.Sometimes, Counts: "6 pass, 1 exists",
}, {
	// Unless they are off there.
	Name: "INC+softirq-irqs-off+irq", Build: soft(nop, inc, incIrqsOff),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	// The softirq waits for the thread, which waits for the softirq.
	Name: "LOCK+softirq", Build: soft(incLocked, nil, incLocked),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "2 pass, 3 deadlock",
}, {
	Name: "LOCK+bh-off+softirq", Build: soft(incLockedBh, nil, incLocked),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "2 pass",
}, {
	Name: "LOCK+irqs-off+softirq", Build: soft(incLockedIrq, nil, incLocked),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "2 pass",
}, {
	// Sections nest.
	Name: "LOCK+bh-off-twice+softirq", Build: soft(incTwice, nil, incLocked),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "2 pass",
}, {
	// spin_lock_bh() does not keep interrupts away.
	Name: "LOCK+bh-off+irq", Build: soft(incLockedBh, incLocked),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "3 pass, 3 deadlock",
}, {
	// A softirq with a lock that an interrupt takes. spin_lock_bh() has no step more there.
	Name: "LOCK+softirq+irq", Build: soft(nop, incLocked, incLockedBh),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "6 pass, 3 deadlock",
}, {
	Name: "LOCK+softirq-irqs-off+irq", Build: soft(nop, incLocked, incLockedIrq),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "6 pass",
}, {
	// A softirq may take it in the same way as others.
	Name: "LOCK+softirq-bh-off", Build: soft(incLockedBh, nil, incLockedBh),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "2 pass",
}, {
	// Softirqs are off on the CPU of the other thread: 15 ways if it does not come, and twice
	// 126.
	Name: "INC+softirq+other", Build: beside(incBhOff, soft(inc, nil, inc)),
	Verdict: litmus.Sometimes, Counts: "141 pass, 126 exists",
}, {
	// An interrupt may not turn softirqs on.
	Name: "MISUSE+bh-irq", Build: soft(nop, incBhOff),
	Bad: schedule.LockRule, Verdict: litmus.Sometimes, Counts: "1 pass, 1 lock-rule",
}, {
	// A softirq may not sleep.
	Name: "MISUSE+softirq-sleep", Build: soft(inc, nil, incMutex),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Sometimes, Counts: "1 pass, 2 sleep-in-atomic",
}}

func TestSoftirq(t *testing.T) { litmus.Run(t, softirqTests) }

func TestLitmus(t *testing.T) { litmus.Run(t, litmusTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests, softirqTests) }
