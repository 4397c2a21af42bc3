package wait_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A woken has a queue in it, and is freed by or after a thread that has been woken there.
type woken struct {
	schedule.Object
	q   wait.Queue
	rcu rcu.Head
}

func (o *woken) free(t *schedule.Thread) { slab.Free(t, "kfree", o) }

// A part is what a thread of a program does with the object.
type part func(p prog, o *woken, t *schedule.Thread)

// onWoken makes a program of threads with an object.
func onWoken(begin func(e *schedule.Exec), parts ...part) func(*litmus.Program) {
	return build(func(p prog) {
		p.bootWoken()
		if begin != nil {
			p.Begin(begin)
		}
		for i, f := range parts {
			p.Thread([]string{"P0", "P1", "P2"}[i], func(t *schedule.Thread) { f(p, p.woken.Get(), t) })
		}
	})
}

func (p prog) bootWoken() {
	cache := slab.NewCache("obj", func(o *woken) { o.rcu.Init(o.free) })
	p.Begin(func(e *schedule.Exec) { p.woken.Put(cache.AllocBoot(e)) })
}

// onWokenRCU is onWoken with call_rcu().
func onWokenRCU(f rcu.Flavours, parts ...part) func(*litmus.Program) {
	return func(p *litmus.Program) {
		onWoken(nil, parts...)(p)
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, f) })
	}
}

// sleep sleeps on the queue, without a condition: who comes back has been woken.
func (o *woken) sleep(t *schedule.Thread) {
	o.q.PrepareToWait(t, wait.TaskUninterruptible)
	wait.Schedule(t)
	o.q.FinishWait(t)
}

func wakes(_ prog, o *woken, t *schedule.Thread) { o.q.WakeUp(t) }

func sleepsFrees(_ prog, o *woken, t *schedule.Thread) {
	o.sleep(t)
	o.free(t)
}

// sleepsLocksFrees takes the lock of the queue before it frees the object.
func sleepsLocksFrees(_ prog, o *woken, t *schedule.Thread) {
	o.sleep(t)
	o.q.PrepareToWait(t, wait.TaskUninterruptible)
	o.q.FinishWait(t)
	o.free(t)
}

// runsFrees does not sleep after all.
func runsFrees(_ prog, o *woken, t *schedule.Thread) {
	o.q.PrepareToWait(t, wait.TaskUninterruptible)
	o.q.FinishWait(t)
	o.free(t)
}

func sleepsCallsRCU(_ prog, o *woken, t *schedule.Thread) {
	o.sleep(t)
	rcu.Call(t, &o.rcu)
}

// sleepsTells says in x that it has been woken. Who sees that frees the object.
func sleepsTells(p prog, o *woken, t *schedule.Thread) {
	o.sleep(t)
	p.x.WriteOnce(t, 1)
}

// In every row the wake-up may come before P0 sleeps, which then hangs.
var tailTests = []litmus.Test{{
	// P0 is off the queue and takes no lock. The end of the wake-up is before, between or
	// after the three steps that P0 takes then.
	Name: "TAIL+free", Build: onWoken(nil, sleepsFrees, wakes),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes,
	Counts: "3 pass, 1 use-after-free, 1 deadlock",
}, {
	// It takes the lock, which the waker has until its end.
	Name: "TAIL+lock+free", Build: onWoken(nil, sleepsLocksFrees, wakes),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "3 pass, 1 deadlock",
}, {
	// As above, but the waker touches the lock once more when it has given it back, also if
	// nobody is there.
	Name:  "TAIL+lock+free+tail",
	Build: onWoken(func(e *schedule.Exec) { spin.SetTail(e, true) }, sleepsLocksFrees, wakes),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Sometimes,
	Counts: "6 pass, 1 use-after-free, 2 deadlock",
}, {
	// P0 does not sleep, and takes itself off, with the lock. The wake-up is too late, or finds it
	// before it runs, in three executions: TAIL+free.
	Name: "TAIL+running+free", Build: onWoken(nil, runsFrees, wakes),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "5 pass, 2 use-after-free",
}, {
	// As above, and in three more that fail it has woken nobody and is at its tail.
	Name:  "TAIL+running+free+tail",
	Build: onWoken(func(e *schedule.Exec) { spin.SetTail(e, true) }, runsFrees, wakes),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Sometimes,
	Counts: "9 pass, 5 use-after-free",
}, {
	// Who waits for the lock of what is freed meanwhile is not left waiting: P2 finds out if
	// P1 does not do so first.
	Name: "TAIL+free+wait", Build: onWoken(nil, sleepsFrees, wakes, wakes),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes,
	Counts: "18 pass, 12 use-after-free, 2 deadlock",
}, {
	// A grace period waits for the end of the wake-up, until which preemption is off.
	Name: "TAIL+call_rcu", Build: onWokenRCU(rcu.Merged, sleepsCallsRCU, wakes),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "4 pass, 1 deadlock",
}, {
	// One of preemptible RCU does not.
	Name: "TAIL+call_rcu+split", Build: onWokenRCU(rcu.Split, sleepsCallsRCU, wakes),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes,
	Counts: "5 pass, 1 use-after-free, 1 deadlock",
}, {
	// Unless the waker is a reader, as aio_complete() of 3.10 is.
	Name: "TAIL+call_rcu+reader",
	Build: onWokenRCU(rcu.Split, sleepsCallsRCU, func(p prog, o *woken, t *schedule.Thread) {
		rcu.ReadLock(t)
		wakes(p, o, t)
		rcu.ReadUnlock(t)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "20 pass, 2 deadlock",
}, {
	// Another wake-up takes the lock too, though it finds nobody.
	Name: "TAIL+wake_up+free",
	Build: onWoken(nil, sleepsTells, wakes, func(p prog, o *woken, t *schedule.Thread) {
		if p.x.ReadOnce(t) != 0 {
			o.q.WakeUp(t)
			o.free(t)
		}
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "28 pass, 3 deadlock",
}, {
	// So does the finish_wait() of P2, which nobody has woken: it runs already when P1 comes.
	Name: "TAIL+finish_wait+free",
	Build: onWoken(nil, sleepsTells, func(p prog, o *woken, t *schedule.Thread) {
		if p.y.ReadOnce(t) != 0 {
			o.q.WakeUp(t)
		}
	}, func(p prog, o *woken, t *schedule.Thread) {
		o.q.PrepareToWait(t, wait.TaskUninterruptible)
		p.q.FinishWait(t)
		p.y.WriteOnce(t, 1)
		woken := p.x.ReadOnce(t) != 0
		o.q.FinishWait(t)
		if woken {
			o.free(t)
		}
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "1343 pass, 44 deadlock",
}, {
	// P0 has been woken, gives up and wakes P1 in its place, which frees the object before P0 has
	// given the lock back, in 3 executions. In 8 the wake-up is for P1: TAIL+free.
	Name: "TAIL+abort_exclusive_wait+free",
	Build: onWoken(nil, func(_ prog, o *woken, t *schedule.Thread) {
		o.q.PrepareToWaitExclusive(t, wait.TaskInterruptible)
		if wait.Schedule(t) {
			o.q.AbortExclusiveWait(t)
		}
	}, func(p prog, o *woken, t *schedule.Thread) {
		o.q.PrepareToWaitExclusive(t, wait.TaskInterruptible)
		p.y.WriteOnce(t, 1)
		if wait.Schedule(t) {
			o.q.FinishWait(t)
			o.free(t)
		}
	}, func(p prog, o *woken, t *schedule.Thread) {
		if p.y.ReadOnce(t) == 1 {
			o.q.WakeUp(t)
		}
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "40 pass, 11 use-after-free",
}, {
	// An interrupt on the waker's CPU comes before the wake-up, or after its end.
	Name: "TAIL+irq+free", Build: build(func(p prog) {
		p.bootWoken()
		p.Thread("P0", func(t *schedule.Thread) { sleepsTells(p, p.woken.Get(), t) })
		p.Interrupted("P1", func(t *schedule.Thread) { wakes(p, p.woken.Get(), t) },
			p.Irq(func(t *schedule.Thread) {
				if p.x.ReadOnce(t) != 0 {
					p.woken.Get().free(t)
				}
			}))
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "32 pass, 4 deadlock",
}}

// TestTail runs the table of what comes between the two steps of wake_up().
func TestTail(t *testing.T) { litmus.Run(t, tailTests) }
