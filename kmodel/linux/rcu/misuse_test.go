package rcu_test

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// alone makes a program of one thread.
func alone(f rcu.Flavours, body func(p *prog, t *schedule.Thread)) func(*litmus.Program) {
	return build(f, func(p *prog) {
		p.callbacks().Thread("P0", func(t *schedule.Thread) { body(p, t) })
	})
}

// syncInside waits for a grace period in a section.
func syncInside(_ *prog, t *schedule.Thread) {
	rcu.ReadLock(t)
	rcu.Synchronize(t)
	rcu.ReadUnlock(t)
}

// syncPreemptOff waits for one with preemption off.
func syncPreemptOff(_ *prog, t *schedule.Thread) {
	preempt.Disable(t)
	rcu.Synchronize(t)
	preempt.Enable(t)
}

// sleepInside sleeps in a section.
func sleepInside(p *prog, t *schedule.Thread) {
	rcu.ReadLock(t)
	p.m.Lock(t)
	p.m.Unlock(t)
	rcu.ReadUnlock(t)
}

var sleepMuted = schedule.KindSet(schedule.SleepInAtomic)

var misuseTests = []litmus.Test{{
	// There is no section to leave.
	Name: "MISUSE+unlock", Build: alone(rcu.Split, func(_ *prog, t *schedule.Thread) {
		rcu.ReadUnlock(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// One unlock too many.
	Name: "MISUSE+unlock-twice", Build: alone(rcu.Split, func(_ *prog, t *schedule.Thread) {
		rcu.ReadLock(t)
		rcu.ReadUnlock(t)
		rcu.ReadUnlock(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// The section is left open.
	Name: "MISUSE+exit", Build: alone(rcu.Split, func(_ *prog, t *schedule.Thread) {
		rcu.ReadLock(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// The section of RCU-sched is.
	Name: "MISUSE+exit-sched", Build: alone(rcu.Split, func(_ *prog, t *schedule.Thread) {
		rcu.ReadLockSched(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// There is no section of RCU-sched to leave.
	Name: "MISUSE+unlock-sched", Build: alone(rcu.Split, func(_ *prog, t *schedule.Thread) {
		rcu.ReadUnlockSched(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// A callback leaves a section open.
	Name: "MISUSE+exit-callback", Build: build(rcu.Split, func(p *prog) {
		p.head[0].Init(rcu.ReadLock)
		p.writes(p.call(0))
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// The head is queued until its callback starts, if it has not when it is queued again.
	Name: "MISUSE+call-twice", Build: build(rcu.Split, func(p *prog) {
		p.callbacks().writes(p.call(0), p.call(0))
	}),
	Bad: schedule.LockRule, Verdict: litmus.Sometimes, Counts: "1 pass, 1 lock-rule",
}, {
	// In both flavours at a time is no better.
	Name: "MISUSE+call-both", Build: build(rcu.Split, func(p *prog) {
		p.callbacks().writes(p.call(0), p.callSched(0))
	}),
	Bad: schedule.LockRule, Verdict: litmus.Sometimes, Counts: "1 pass, 1 lock-rule",
}, {
	// By two CPUs.
	Name: "MISUSE+call-2cpus", Build: build(rcu.Split, func(p *prog) {
		p.callbacks().writes(p.call(0))
		p.Thread("other", p.call(0))
	}),
	Bad: schedule.LockRule, Verdict: litmus.Sometimes, Counts: "2 pass, 2 lock-rule",
}, {
	// rcu_dereference() outside any section.
	Name: "MISUSE+dereference", Build: alone(rcu.Split, func(p *prog, t *schedule.Thread) {
		p.p.Dereference(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// A kernel warns of it and goes on.
	Name: "MISUSE+dereference+mute", Build: alone(rcu.Split, func(p *prog, t *schedule.Thread) {
		p.p.Dereference(t)
	}),
	Mute: schedule.KindSet(schedule.LockRule),
	Bad:  schedule.LockRule, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// After the section.
	Name: "MISUSE+dereference-after", Build: alone(rcu.Split, func(p *prog, t *schedule.Thread) {
		rcu.ReadLock(t)
		rcu.ReadUnlock(t)
		p.p.Dereference(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// rcu_dereference() wants rcu_read_lock(): preemption off takes
	// rcu_dereference_sched(), merged or not.
	Name: "MISUSE+dereference-sched", Build: alone(rcu.Merged, func(p *prog, t *schedule.Thread) {
		preempt.Disable(t)
		p.p.Dereference(t)
		preempt.Enable(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// rcu_dereference_raw() asks for nothing.
	Name: "DEREFERENCE+raw", Build: alone(rcu.Split, func(p *prog, t *schedule.Thread) {
		p.p.DereferenceRaw(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// It waits for itself: "Illegal synchronize_rcu() in RCU read-side critical section"
	// comes before might_sleep().
	Name: "MISUSE+sync-inside", Build: alone(rcu.Split, syncInside),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// As above, if sleeping in a section is let pass.
	Name: "MISUSE+sync-inside+mute", Build: alone(rcu.Split, syncInside), Mute: sleepMuted,
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// synchronize_rcu() sleeps.
	Name: "MISUSE+sync-preempt-off", Build: alone(rcu.Split, syncPreemptOff),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// Split, it goes on after the warning: nobody is in a section of preemptible RCU.
	Name: "MISUSE+sync-preempt-off+mute", Build: alone(rcu.Split, syncPreemptOff), Mute: sleepMuted,
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// Merged, it waits for itself.
	Name:  "MISUSE+sync-preempt-off+merged",
	Build: alone(rcu.Merged, syncPreemptOff), Mute: sleepMuted,
	Bad: schedule.Deadlock, Verdict: litmus.Always, Counts: "1 deadlock",
}, {
	// A callback may not wait for a grace period.
	Name: "MISUSE+sync-callback", Build: build(rcu.Split, func(p *prog) {
		p.head[0].Init(rcu.Synchronize)
		p.writes(p.call(0))
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// A reader may be preempted, but may not sleep.
	Name: "MISUSE+sleep", Build: alone(rcu.Split, sleepInside),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// A kernel warns of it and goes on.
	Name: "MISUSE+sleep+mute", Build: alone(rcu.Split, sleepInside), Mute: sleepMuted,
	Bad: schedule.SleepInAtomic, Verdict: litmus.Never, Counts: "1 pass",
}}
