package rcu_test

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// callbacks has callback i append digit i+1 to r[0].
func (p *prog) callbacks() *prog {
	for i := range p.head {
		p.head[i].Init(func(t *schedule.Thread) { p.r[0].Set(10*p.r[0].Get() + i + 1) })
	}
	return p
}

// call returns a step that queues callback i.
func (p *prog) call(i int) func(t *schedule.Thread) {
	return func(t *schedule.Thread) { rcu.Call(t, &p.head[i]) }
}

// callSched is call for RCU-sched.
func (p *prog) callSched(i int) func(t *schedule.Thread) {
	return func(t *schedule.Thread) { rcu.CallSched(t, &p.head[i]) }
}

// ran is the condition that the callbacks have run in the given order.
func (p *prog) ran(order int) { p.Exists(func() bool { return p.r[0].Get() == order }) }

// callbackReads has callback 0 follow the pointer, and the writer free the object after a
// grace period.
func (p *prog) callbackReads() {
	p.head[0].Init(func(t *schedule.Thread) {
		if o := p.p.DereferenceRaw(t); o != nil {
			o.data.ReadOnce(t)
		}
	})
	p.writes(p.call(0), p.unlink, rcu.Synchronize, p.free)
}

var callbackTests = []litmus.Test{{
	// Unlink, then call_rcu(): who has the pointer began before the grace period.
	Name: "deferred-free", Build: build(rcu.Split, func(p *prog) {
		p.owned().reads()
		p.writes(p.unlink, p.kfreeRcu)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "22 pass",
}, {
	// The grace period begins before the object is unlinked: a reader may come later,
	// find it and not be waited for.
	Name: "deferred-free+early", Build: build(rcu.Split, func(p *prog) {
		p.owned().reads()
		p.writes(p.kfreeRcu, p.unlink)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "89 pass, 16 use-after-free",
}, {
	// The object is never unlinked.
	Name: "deferred-free+linked", Build: build(rcu.Split, func(p *prog) {
		p.reads()
		p.writes(p.kfreeRcu)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "13 pass, 6 use-after-free",
}, {
	// The reader has no section: it is not waited for.
	Name: "deferred-free+nolock", Build: build(rcu.Split, func(p *prog) {
		p.owned().readsWith(func(*schedule.Thread) {}, func(*schedule.Thread) {})
		p.writes(p.unlink, p.kfreeRcu)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "8 pass, 1 use-after-free",
}, {
	// The use comes after the section.
	Name: "deferred-free+use-after-unlock", Build: build(rcu.Split, func(p *prog) {
		p.owned().Thread("reader", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			o := p.p.Dereference(t)
			rcu.ReadUnlock(t)
			if o != nil {
				o.data.ReadOnce(t)
			}
		})
		p.writes(p.unlink, p.kfreeRcu)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "25 pass, 3 use-after-free",
}, {
	// Two readers: the grace period waits for both.
	Name: "deferred-free+2readers", Build: build(rcu.Split, func(p *prog) {
		p.owned().reads()
		p.reads()
		p.writes(p.unlink, p.kfreeRcu)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "2542 pass",
}, {
	// Two writers find the pointer and queue the head of the same object. Whoever is
	// second finds it queued, or it has been freed.
	Name: "deferred-free+2writers", Build: build(rcu.Split, func(p *prog) {
		for _, name := range []string{"P0", "P1"} {
			p.Thread(name, func(t *schedule.Thread) {
				if o := p.p.DereferenceRaw(t); o != nil {
					p.unlink(t)
					rcu.Call(t, &o.rcu)
				}
			})
		}
	}),
	Bad:     schedule.LockRule,
	Verdict: litmus.Sometimes, Counts: "8 pass, 12 lock-rule, 36 use-after-free",
}, {
	// A reader that queues the object itself holds the grace period up until it leaves.
	Name: "CALL+reader", Build: build(rcu.Split, func(p *prog) {
		p.Thread("reader", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			o := p.p.Dereference(t)
			p.unlink(t)
			rcu.Call(t, &o.rcu)
			o.data.ReadOnce(t)
			rcu.ReadUnlock(t)
		})
		p.Thread("other", func(t *schedule.Thread) { p.x.WriteOnce(t, 1) })
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "9 pass",
}, {
	// Callbacks that one CPU has queued start in that order.
	Name: "FIFO+cpu", Build: build(rcu.Split, func(p *prog) {
		p.callbacks().writes(p.call(0), p.call(1), p.call(2))
		p.Exists(func() bool { return p.r[0].Get() != 123 })
	}),
	Verdict: litmus.Never, Counts: "5 pass",
}, {
	// Those of two CPUs in any order, even if the second was queued after the first.
	Name: "FIFO+2cpus", Build: build(rcu.Split, func(p *prog) {
		p.callbacks().writes(p.call(0), func(t *schedule.Thread) { p.x.WriteOnce(t, 1) })
		p.Thread("other", func(t *schedule.Thread) {
			if p.x.ReadOnce(t) == 1 {
				rcu.Call(t, &p.head[1])
			}
		})
		p.ran(21)
	}),
	Verdict: litmus.Sometimes, Counts: "9 pass, 1 exists",
}, {
	// Those of two flavours on one CPU too: a grace period of each.
	Name: "FIFO+flavours", Build: build(rcu.Split, func(p *prog) {
		p.callbacks().writes(p.call(0), p.callSched(1))
		p.ran(21)
	}),
	Verdict: litmus.Sometimes, Counts: "2 pass, 1 exists",
}, {
	// A callback whose grace period is over waits behind one of its CPU whose grace
	// period is not: the reader holds up the first only.
	Name: "FIFO+held-up", Build: build(rcu.Split, func(p *prog) {
		p.callbacks().inside()
		p.writes(p.call(0), p.call(1))
		p.Exists(func() bool { return p.r[0].Get() != 12 })
	}),
	Verdict: litmus.Never, Counts: "38 pass",
}, {
	// A callback runs once.
	Name: "CALLBACK+once", Build: build(rcu.Split, func(p *prog) {
		p.callbacks().inside()
		p.writes(p.call(0))
		p.Exists(func() bool { return p.r[0].Get() != 1 })
	}),
	Verdict: litmus.Never, Counts: "7 pass",
}, {
	// It runs after the section that was open when it was queued.
	Name: "CALLBACK+after-reader", Build: build(rcu.Split, func(p *prog) {
		p.inside()
		p.head[0].Init(func(t *schedule.Thread) { p.r[1].Set(p.r[7].Get()) })
		p.Thread("writer", func(t *schedule.Thread) {
			rcu.Call(t, &p.head[0])
			p.r[0].Set(p.r[7].Get())
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "7 pass",
}, {
	// But not after one that was opened later.
	Name: "CALLBACK+later-reader", Build: build(rcu.Split, func(p *prog) {
		p.inside()
		p.head[0].Init(func(t *schedule.Thread) { p.r[1].Set(p.r[7].Get()) })
		p.writes(p.call(0))
		p.Exists(func() bool { return p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "5 pass, 2 exists",
}, {
	// A callback that is under way is not queued: it may queue itself.
	Name: "CALLBACK+requeue", Build: build(rcu.Split, func(p *prog) {
		p.head[0].Init(func(t *schedule.Thread) {
			if p.r[0].Inc() == 1 {
				p.x.WriteOnce(t, 1)
				rcu.Call(t, &p.head[0])
			}
		})
		p.writes(p.call(0))
		p.Exists(func() bool { return p.r[0].Get() != 2 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// Nor does it run beside itself: the second run waits for the end of the first.
	Name: "CALLBACK+itself", Build: build(rcu.Split, func(p *prog) {
		p.head[0].Init(func(t *schedule.Thread) {
			p.r[1].Max(p.r[0].Inc())
			p.x.WriteOnce(t, 1)
			p.r[0].Set(p.r[0].Get() - 1)
		})
		p.writes(p.call(0), func(t *schedule.Thread) {
			if p.x.ReadOnce(t) == 1 {
				rcu.Call(t, &p.head[0])
			}
		})
		p.Exists(func() bool { return p.r[1].Get() > 1 })
	}),
	Verdict: litmus.Never, Counts: "3 pass",
}, {
	// A callback runs with preemption off, so merged grace periods wait for it as for
	// any reader.
	Name: "CALLBACK+merged-reader", Build: build(rcu.Merged, (*prog).callbackReads),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "13 pass",
}, {
	// As above, but preemptible RCU knows nothing of it.
	Name: "CALLBACK+split-reader", Build: build(rcu.Split, (*prog).callbackReads),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "18 pass, 1 use-after-free",
}, {
	// It may not sleep.
	Name: "CALLBACK+sleep", Build: build(rcu.Split, func(p *prog) {
		p.head[0].Init(func(t *schedule.Thread) { preempt.MightSleep(t, "msleep") })
		p.writes(p.call(0))
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// The head was freed before its callback has run. It is not there when its turn
	// comes; that it comes depends on the reader, which is no longer to be seen in the
	// freed memory.
	Name: "CALLBACK+freed", Build: build(rcu.Split, func(p *prog) {
		p.Thread("reader", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			p.x.ReadOnce(t)
			p.x.ReadOnce(t)
			rcu.ReadUnlock(t)
		})
		p.writes(p.kfreeRcu, p.free, func(t *schedule.Thread) { p.y.WriteOnce(t, 1) })
	}),
	Bad:     schedule.UseAfterFree,
	Verdict: litmus.Sometimes, Counts: "80 use-after-free, 152 double-free",
}}
