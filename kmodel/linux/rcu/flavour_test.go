package rcu_test

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// against makes a program of a reader with the given section against a writer that
// unlinks the object and then frees it.
func against(f rcu.Flavours, begin, end func(p *prog, t *schedule.Thread),
	free ...func(p *prog, t *schedule.Thread)) func(*litmus.Program) {
	return build(f, func(p *prog) {
		p.owned().readsWith(
			func(t *schedule.Thread) { begin(p, t) },
			func(t *schedule.Thread) { end(p, t) })
		p.Thread("writer", func(t *schedule.Thread) {
			for _, step := range free {
				step(p, t)
			}
		})
	})
}

// The sections that a reader may have.
func lock(_ *prog, t *schedule.Thread)          { rcu.ReadLock(t) }
func unlock(_ *prog, t *schedule.Thread)        { rcu.ReadUnlock(t) }
func disable(_ *prog, t *schedule.Thread)       { preempt.PreemptDisable(t) }
func enable(_ *prog, t *schedule.Thread)        { preempt.PreemptEnable(t) }
func irqDisable(_ *prog, t *schedule.Thread)    { preempt.LocalIrqDisable(t) }
func irqEnable(_ *prog, t *schedule.Thread)     { preempt.LocalIrqEnable(t) }
func bhDisable(_ *prog, t *schedule.Thread)     { preempt.LocalBhDisable(t) }
func bhEnable(_ *prog, t *schedule.Thread)      { preempt.LocalBhEnable(t) }
func schedLock(_ *prog, t *schedule.Thread)     { rcu.ReadLockSched(t) }
func schedUnlock(_ *prog, t *schedule.Thread)   { rcu.ReadUnlockSched(t) }
func spinLock(p *prog, t *schedule.Thread)      { p.lock.Lock(t) }
func spinUnlock(p *prog, t *schedule.Thread)    { p.lock.Unlock(t) }
func spinLockIrq(p *prog, t *schedule.Thread)   { p.lock.LockIrq(t) }
func spinUnlockIrq(p *prog, t *schedule.Thread) { p.lock.UnlockIrq(t) }

// mixed is a section of both sorts, the first of which ends before the pointer is read.
func mixed(_ *prog, t *schedule.Thread) {
	rcu.ReadLock(t)
	preempt.Disable(t)
	rcu.ReadUnlock(t)
}

// What a writer does.
func unlink(p *prog, t *schedule.Thread)       { p.unlink(t) }
func free(p *prog, t *schedule.Thread)         { p.free(t) }
func sync(_ *prog, t *schedule.Thread)         { rcu.Synchronize(t) }
func callAndFree(p *prog, t *schedule.Thread)  { p.kfreeRcu(t) }
func schedAndFree(p *prog, t *schedule.Thread) { p.kfreeSched(t) }

var flavourTests = []litmus.Test{{
	// The lookup of aio: RCU-sched does not see a reader of preemptible RCU.
	Name: "SPLIT+rcu+call_sched", Build: against(rcu.Split, lock, unlock, unlink, schedAndFree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "44 pass, 1 use-after-free",
}, {
	// From v4.20 on it does.
	Name: "MERGED+rcu+call_sched", Build: against(rcu.Merged, lock, unlock, unlink, schedAndFree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "22 pass",
}, {
	// Its own flavour sees it.
	Name: "MERGED+rcu+call", Build: against(rcu.Merged, lock, unlock, unlink, callAndFree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "22 pass",
}, {
	// Preemption off is a reader of RCU-sched.
	Name:  "SPLIT+preempt+call_sched",
	Build: against(rcu.Split, disable, enable, unlink, schedAndFree),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Never, Counts: "22 pass",
}, {
	// And none of preemptible RCU.
	Name: "SPLIT+preempt+call", Build: against(rcu.Split, disable, enable, unlink, callAndFree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "44 pass, 1 use-after-free",
}, {
	// Merged, it is one.
	Name: "MERGED+preempt+call", Build: against(rcu.Merged, disable, enable, unlink, callAndFree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "22 pass",
}, {
	// rcu_read_lock_sched() is preempt_disable().
	Name:  "SPLIT+read_lock_sched+call_sched",
	Build: against(rcu.Split, schedLock, schedUnlock, unlink, schedAndFree),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Never, Counts: "5 pass",
}, {
	// synchronize_rcu() waits for preemptible RCU only.
	Name: "SPLIT+preempt+sync", Build: against(rcu.Split, disable, enable, unlink, sync, free),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "44 pass, 1 use-after-free",
}, {
	// Merged, for both.
	Name: "MERGED+preempt+sync", Build: against(rcu.Merged, disable, enable, unlink, sync, free),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "22 pass",
}, {
	// So does a grace period of merged flavours for preemptible readers.
	Name: "MERGED+rcu+sync", Build: against(rcu.Merged, lock, unlock, unlink, sync, free),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "22 pass",
}, {
	// Interrupts off: a reader of RCU-sched.
	Name:  "SPLIT+irqoff+call_sched",
	Build: against(rcu.Split, irqDisable, irqEnable, unlink, schedAndFree),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Never, Counts: "22 pass",
}, {
	// But none of preemptible RCU.
	Name:  "SPLIT+irqoff+call",
	Build: against(rcu.Split, irqDisable, irqEnable, unlink, callAndFree),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "44 pass, 1 use-after-free",
}, {
	// Who holds a spin lock has preemption off.
	Name:  "SPLIT+spin+call_sched",
	Build: against(rcu.Split, spinLock, spinUnlock, unlink, schedAndFree),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Never, Counts: "22 pass",
}, {
	// As above, with interrupts off.
	Name:  "SPLIT+spin_irq+call_sched",
	Build: against(rcu.Split, spinLockIrq, spinUnlockIrq, unlink, schedAndFree),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Never, Counts: "22 pass",
}, {
	// As above, with softirqs off.
	Name:  "SPLIT+bh+call_sched",
	Build: against(rcu.Split, bhDisable, bhEnable, unlink, schedAndFree),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Never, Counts: "22 pass",
}, {
	// A spin lock is no section of preemptible RCU.
	Name: "SPLIT+spin+call", Build: against(rcu.Split, spinLock, spinUnlock, unlink, callAndFree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "44 pass, 1 use-after-free",
}, {
	// Merged, it is.
	Name: "MERGED+spin+call", Build: against(rcu.Merged, spinLock, spinUnlock, unlink, callAndFree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "22 pass",
}, {
	// A lock that was taken before the unlink is held by the reader, so RCU-sched waits;
	// but a reader that comes after call_rcu_sched() is not waited for.
	Name:  "SPLIT+spin+call_sched+unlink",
	Build: against(rcu.Split, spinLock, spinUnlock, schedAndFree, unlink),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "89 pass, 16 use-after-free",
}, {
	// As above with interrupts off: where none can come, they go off with the lock.
	Name:  "SPLIT+spin_irq+call_sched+unlink",
	Build: against(rcu.Split, spinLockIrq, spinUnlockIrq, schedAndFree, unlink),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "89 pass, 16 use-after-free",
}, {
	// As above with preempt_disable(): the reader's section has not begun when
	// call_rcu_sched() is called, if that comes first.
	Name:  "SPLIT+preempt+call_sched+unlink",
	Build: against(rcu.Split, disable, enable, schedAndFree, unlink),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "89 pass, 16 use-after-free",
}, {
	// As above with local_irq_disable().
	Name:  "SPLIT+irqoff+call_sched+unlink",
	Build: against(rcu.Split, irqDisable, irqEnable, schedAndFree, unlink),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "89 pass, 16 use-after-free",
}, {
	// Preemption is off until the tail of an unlock is over.
	Name: "SPLIT+spin-tail+call_sched", Build: build(rcu.Split, func(p *prog) {
		p.Begin(func(e *schedule.Exec) { spin.SetTail(e, true) })
		p.head[0].Init(func(*schedule.Thread) { p.r[1].Set(p.r[7].Get()) })
		p.Thread("reader", func(t *schedule.Thread) {
			p.lock.Lock(t)
			p.r[7].Set(1)
			p.lock.Unlock(t)
			p.r[7].Set(0)
		})
		p.Thread("writer", func(t *schedule.Thread) {
			rcu.CallSched(t, &p.head[0])
			p.r[0].Set(p.r[7].Get())
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "7 pass",
}, {
	// A section of RCU-sched inside one of preemptible RCU: merged, the reader is one
	// until both have ended.
	Name: "MERGED+mixed+call", Build: against(rcu.Merged, mixed, enable, unlink, callAndFree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "32 pass",
}, {
	// A section of RCU-sched that ends inside one of preemptible RCU ends nothing.
	Name: "MERGED+inner+call", Build: build(rcu.Merged, func(p *prog) {
		p.owned().Thread("reader", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			o := p.p.Dereference(t)
			preempt.Disable(t)
			p.x.ReadOnce(t)
			preempt.Enable(t)
			if o != nil {
				o.data.ReadOnce(t)
			}
			rcu.ReadUnlock(t)
		})
		p.writes(p.unlink, p.kfreeRcu)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "33 pass",
}, {
	// Split, preemptible RCU does not wait for the rest.
	Name: "SPLIT+mixed+call", Build: against(rcu.Split, mixed, enable, unlink, callAndFree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "71 pass, 1 use-after-free",
}, {
	// Split, RCU-sched does.
	Name: "SPLIT+mixed+call_sched", Build: against(rcu.Split, mixed, enable, unlink, schedAndFree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "32 pass",
}, {
	// The inner section of RCU-sched, that of a spin lock, does not end the outer one.
	Name: "SPLIT+nested+call_sched", Build: build(rcu.Split, func(p *prog) {
		p.Thread("reader", func(t *schedule.Thread) {
			preempt.Disable(t)
			o := p.p.DereferenceRaw(t)
			p.lock.Lock(t)
			p.lock.Unlock(t)
			if o != nil {
				o.data.ReadOnce(t)
			}
			preempt.Enable(t)
		})
		p.writes(p.unlink, p.kfreeSched)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "14 pass",
}, {
	// An interrupt handler is a reader of RCU-sched.
	Name: "SPLIT+handler+call_sched", Build: handler(rcu.Split, schedAndFree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "13 pass",
}, {
	// But none of preemptible RCU.
	Name: "SPLIT+handler+call", Build: handler(rcu.Split, callAndFree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "18 pass, 1 use-after-free",
}}

// handler makes a program in which an interrupt handler follows the pointer.
func handler(f rcu.Flavours, free func(p *prog, t *schedule.Thread)) func(*litmus.Program) {
	return build(f, func(p *prog) {
		p.Thread("writer", func(t *schedule.Thread) {
			p.unlink(t)
			free(p, t)
		})
		p.Interrupted("other", func(*schedule.Thread) {}, p.Irq(func(t *schedule.Thread) {
			if o := p.p.DereferenceRaw(t); o != nil {
				o.data.ReadOnce(t)
			}
		}))
	})
}
