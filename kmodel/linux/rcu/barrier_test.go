package rcu_test

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// exits has the object be what a module frees when it is unloaded, after wait. A callback
// that uses it is queued before.
func exits(f rcu.Flavours, call func(t *schedule.Thread, h *rcu.Head),
	wait func(t *schedule.Thread)) func(*litmus.Program) {
	return build(f, func(p *prog) {
		p.head[0].Init(func(t *schedule.Thread) {
			p.o.data.ReadOnce(t)
			p.o.data.WriteOnce(t, 2)
		})
		p.owned().writes(func(t *schedule.Thread) { call(t, &p.head[0]) }, wait, p.free)
	})
}

// done has the writer leave in r[1] which callbacks have run when it comes there.
func (p *prog) done(t *schedule.Thread) { p.r[1].Set(p.r[0].Get()) }

// barrierIn makes a program of one thread that waits for callback 0 between the two.
func barrierIn(before, after func(p *prog, t *schedule.Thread)) func(*litmus.Program) {
	return build(rcu.Split, func(p *prog) {
		p.callbacks().Thread("P0", func(t *schedule.Thread) {
			before(p, t)
			p.call(0)(t)
			rcu.Barrier(t)
			after(p, t)
		})
	})
}

var barrierTests = []litmus.Test{{
	// A module is unloaded with a callback queued: it runs when the module is gone.
	Name: "EXIT", Build: exits(rcu.Split, rcu.Call, func(*schedule.Thread) {}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "1 pass, 3 use-after-free",
}, {
	// rcu_barrier() before.
	Name: "EXIT+barrier", Build: exits(rcu.Split, rcu.Call, rcu.Barrier),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "4 pass",
}, {
	// synchronize_rcu() is not enough: a grace period is over when the callback may run, not
	// when it has.
	Name: "EXIT+sync", Build: exits(rcu.Split, rcu.Call, rcu.Synchronize),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "10 pass, 10 use-after-free",
}, {
	// The other way round neither: without a callback there is nothing to wait for, and the
	// reader uses what is freed.
	Name: "EXIT+barrier-reader", Build: build(rcu.Split, func(p *prog) {
		p.owned().reads()
		p.writes(p.unlink, rcu.Barrier, p.free)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "44 pass, 1 use-after-free",
}, {
	// With one it waits for the readers that the callback waits for.
	Name: "EXIT+call+barrier-reader", Build: build(rcu.Split, func(p *prog) {
		p.callbacks().owned().reads()
		p.writes(p.unlink, p.call(0), rcu.Barrier, p.free)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "104 pass",
}, {
	// Those of the other CPUs are waited for.
	Name: "BARRIER+2cpus", Build: build(rcu.Split, func(p *prog) {
		p.callbacks().Thread("other", func(t *schedule.Thread) {
			rcu.Call(t, &p.head[0])
			p.x.WriteOnce(t, 1)
		})
		p.writes(func(t *schedule.Thread) {
			called := p.x.ReadOnce(t)
			rcu.Barrier(t)
			p.r[1].SetBool(called == 1 && p.r[0].Get() == 0)
		})
		p.Exists(func() bool { return p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "31 pass",
}, {
	// Both of its own, and perhaps that of the other.
	Name: "BARRIER+2callbacks", Build: build(rcu.Split, func(p *prog) {
		p.callbacks().Thread("other", p.call(1))
		p.writes(p.call(0), p.call(2), rcu.Barrier, p.done)
		p.Exists(func() bool { return p.r[1].Get() != 13 && p.r[1].Get() < 100 })
	}),
	Verdict: litmus.Never, Counts: "119 pass",
}, {
	// One that is queued meanwhile is not waited for.
	Name: "BARRIER+later", Build: build(rcu.Split, func(p *prog) {
		p.callbacks().Thread("other", p.call(0))
		p.writes(rcu.Barrier, p.done)
		p.Exists(func() bool { return p.r[1].Get() == 0 })
	}),
	Verdict: litmus.Sometimes, Counts: "3 pass, 2 exists",
}, {
	// Nor is one that a callback queues, itself for example: that has to be stopped first.
	Name: "EXIT+barrier+requeue", Build: build(rcu.Split, func(p *prog) {
		p.head[0].Init(func(t *schedule.Thread) {
			p.o.data.ReadOnce(t)
			if p.r[0].Inc() == 1 {
				rcu.Call(t, &p.head[0])
			}
		})
		p.owned().writes(p.call(0), rcu.Barrier, p.free)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "12 pass, 9 use-after-free",
}, {
	// Two may wait for one callback.
	Name: "BARRIER+2waiters", Build: build(rcu.Split, func(p *prog) {
		p.callbacks().Thread("other", rcu.Barrier)
		p.writes(p.call(0), rcu.Barrier, p.done)
		p.Exists(func() bool { return p.r[1].Get() == 0 })
	}),
	Verdict: litmus.Never, Counts: "26 pass",
}, {
	// The callbacks of call_rcu_sched() are another flavour's.
	Name: "EXIT+sched+barrier", Build: exits(rcu.Split, rcu.CallSched, rcu.Barrier),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "10 pass, 10 use-after-free",
}, {
	// rcu_barrier_sched() waits for them.
	Name: "EXIT+sched+barrier_sched", Build: exits(rcu.Split, rcu.CallSched, rcu.BarrierSched),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "4 pass",
}, {
	// Merged, there is one flavour.
	Name: "EXIT+sched+barrier+merged", Build: exits(rcu.Merged, rcu.CallSched, rcu.Barrier),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "4 pass",
}, {
	// It sleeps.
	Name: "MISUSE+barrier-preempt-off", Build: barrierIn(disableNow, enableNow),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// In a section the callback waits for the section, and the section for the callback.
	Name: "MISUSE+barrier-inside", Build: barrierIn(lock, unlock),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// As above, if sleeping in a section is let pass.
	Name: "MISUSE+barrier-inside+mute", Build: barrierIn(lock, unlock), Mute: sleepMuted,
	Bad: schedule.Deadlock, Verdict: litmus.Always, Counts: "1 deadlock",
}, {
	// A callback waits for itself.
	Name: "MISUSE+barrier-callback", Build: build(rcu.Split, func(p *prog) {
		p.head[0].Init(rcu.Barrier)
		p.writes(p.call(0))
	}),
	Mute: sleepMuted,
	Bad:  schedule.Deadlock, Verdict: litmus.Always, Counts: "1 deadlock",
}}

func disableNow(_ *prog, t *schedule.Thread) { preempt.Disable(t) }
func enableNow(_ *prog, t *schedule.Thread)  { preempt.Enable(t) }
