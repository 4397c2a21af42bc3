package wait_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// object has a queue in it, which dies with it.
type object struct {
	schedule.Object
	q wait.Queue
}

// lifetime makes a program of a waiter and a waker over x and a queue in an object,
// which one of them frees.
func lifetime(waiter, waker func(p prog, o *object, t *schedule.Thread)) func(*litmus.Program) {
	return build(func(p prog) {
		cache := slab.NewCache[object]("obj", nil)
		var o *object
		p.Begin(func(e *schedule.Exec) {
			o = cache.AllocBoot(e)
			p.obj.Put(o)
		})
		p.Thread("P0", func(t *schedule.Thread) { waiter(p, o, t) })
		p.Thread("P1", func(t *schedule.Thread) { waker(p, o, t) })
	})
}

// sleep sleeps on the queue, without a condition.
func sleep(_ prog, o *object, t *schedule.Thread) {
	o.q.PrepareToWait(t, wait.TaskUninterruptible)
	wait.Schedule(t)
	o.q.FinishWait(t)
}

// waitX is wait_event(o->q, x), and touches nothing of o after that.
func waitX(p prog, o *object, t *schedule.Thread) {
	for {
		o.q.PrepareToWait(t, wait.TaskUninterruptible)
		if p.x.ReadOnce(t) != 0 {
			break
		}
		wait.Schedule(t)
	}
	o.q.FinishWait(t)
}

// waitOnce is waitX without the loop: any wake-up will do.
func waitOnce(p prog, o *object, t *schedule.Thread) {
	o.q.PrepareToWait(t, wait.TaskUninterruptible)
	if p.x.ReadOnce(t) == 0 {
		wait.Schedule(t)
	}
	o.q.FinishWait(t)
}

// wakeAndFree frees the object if it has woken somebody.
func wakeAndFree(p prog, o *object, t *schedule.Thread) {
	waiting := o.q.Active(t)
	p.x.WriteOnce(t, 1)
	o.q.WakeUpAll(t)
	if waiting {
		slab.Free(t, "kfree", o)
	}
}

var lifetimeTests = []litmus.Test{{
	// The wake-up takes the sleeper off the queue, so finish_wait() finds that it is on
	// none and does not touch it. (Without a condition the wake-up may come too early.)
	Name: "LIFETIME+woken", Build: lifetime(sleep, wakeAndFree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "12 pass, 1 deadlock",
}, {
	// The waiter is still on the queue: it has seen x, and nobody has woken it.
	Name: "LIFETIME+unwoken", Build: lifetime(waitX, func(p prog, o *object, t *schedule.Thread) {
		waiting := o.q.Active(t)
		p.x.WriteOnce(t, 1)
		if waiting {
			slab.Free(t, "kfree", o)
		} else {
			o.q.WakeUpAll(t)
		}
	}),
	Bad:     schedule.UseAfterFree,
	Verdict: litmus.Sometimes, Counts: "18 pass, 3 use-after-free, 2 deadlock",
}, {
	// The waiter frees it when it has seen x, and the wake-up comes late: all of it in two
	// executions, and in four it has taken the waiter off the queue, who is about to look
	// at x or has just done so, and gives the lock back late.
	Name: "LIFETIME+latewake", Build: lifetime(func(p prog, o *object, t *schedule.Thread) {
		waitX(p, o, t)
		slab.Free(t, "kfree", o)
	}, func(p prog, o *object, t *schedule.Thread) {
		p.x.WriteOnce(t, 1)
		o.q.WakeUp(t)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "17 pass, 6 use-after-free",
}, {
	// The woken thread goes round again, and puts itself on a queue that is gone.
	Name: "LIFETIME+wait_event", Build: lifetime(waitX, wakeAndFree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "32 pass, 19 use-after-free",
}, {
	// As above, but it does not go round again. finish_wait() looks whether the thread
	// is on the queue without a lock (list_empty_careful()), and if so takes the queue's
	// lock. The waiter has seen x, runs, and finds itself on the queue; then comes the
	// wake-up, which leaves who runs where it is, and the object is freed; then the waiter
	// takes the lock.
	Name: "LIFETIME+finish_wait", Build: lifetime(waitOnce, wakeAndFree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "41 pass, 1 use-after-free",
}, {
	// The sleeper is on two queues. The wake-up through one makes it run, so that through
	// the other finds nobody to wake and leaves it there: finish_wait() touches what is gone.
	Name: "LIFETIME+two-queues", Build: lifetime(func(p prog, o *object, t *schedule.Thread) {
		o.q.PrepareToWait(t, wait.TaskUninterruptible)
		p.q.PrepareToWait(t, wait.TaskUninterruptible)
		wait.Schedule(t)
		p.q.FinishWait(t)
		o.q.FinishWait(t)
	}, func(p prog, o *object, t *schedule.Thread) {
		waiting := p.q.Active(t)
		p.q.WakeUp(t)
		o.q.WakeUp(t)
		if waiting {
			slab.Free(t, "kfree", o)
		}
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes,
	Counts: "30 pass, 10 use-after-free, 7 deadlock",
}}

var misuseTests = []litmus.Test{{
	// schedule() with a spin lock held, even if it would return at once.
	Name: "MISUSE+spinlock", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.lock.Lock(t)
			wait.Schedule(t)
			p.lock.Unlock(t)
		})
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// A kernel warns of it and goes on.
	Name: "MISUSE+spinlock+mute", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.lock.Lock(t)
			wait.Schedule(t)
			p.lock.Unlock(t)
		})
	}),
	Mute: schedule.KindSet(schedule.SleepInAtomic),
	Bad:  schedule.SleepInAtomic, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// schedule() in a reader of preemptible RCU.
	Name: "MISUSE+rcu-reader", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			wait.Schedule(t)
			rcu.ReadUnlock(t)
		})
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// wake_up() may be called with a lock held.
	Name: "WAKE+spinlock", Build: build(func(p prog) {
		p.Thread("P0", p.waitEvent)
		p.Thread("P1", func(t *schedule.Thread) {
			p.lock.Lock(t)
			p.wake(t)
			p.lock.Unlock(t)
		})
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Never, Counts: "47 pass",
}}

// TestSleepsIn: a failure names schedule(), by which it is told from a call of might_sleep(), and
// the step that keeps the thread from sleeping. If it is the spin lock, it is not the section
// inside.
func TestSleepsIn(t *testing.T) {
	for _, tt := range []struct {
		name, verb string
		lock       bool
	}{
		{"reader", "rcu_read_lock", false},
		{"reader with a lock", "spin_lock", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := schedule.Program{Name: tt.name, New: func() func(*schedule.Exec) {
				v := new(vars)
				v.Bind(v, "v")
				return func(e *schedule.Exec) {
					e.Static(&v.Object, 0)
					rcu.Boot(e, rcu.Split)
					e.Go("P0", func(t *schedule.Thread) {
						if tt.lock {
							v.lock.Lock(t)
						}
						rcu.ReadLock(t)
						wait.Schedule(t)
					})
				}
			}}
			r := schedule.NewRunner(p)
			defer r.Close()
			tr, err := r.Replay(nil)
			if err != nil {
				t.Fatal(err)
			}
			f := &tr.Result.Failure
			if ev := tr.Event(f.Other); f.Kind != schedule.SleepInAtomic || f.Note != "schedule" ||
				ev == nil || ev.Verb != tt.verb {
				t.Errorf("%v in %q by %+v, want sleep-in-atomic in schedule by %s",
					f.Kind, f.Note, ev, tt.verb)
			}
		})
	}
}
