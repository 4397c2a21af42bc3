package spin_test

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// alone makes a program of one thread.
func alone(f func(p prog, t *schedule.Thread)) func(*litmus.Program) {
	return build(func(p prog) { p.Thread("P0", func(t *schedule.Thread) { f(p, t) }) })
}

var irqTests = []litmus.Test{{
	// The interrupt comes while the thread it interrupts holds the lock: the handler
	// spins, and the holder cannot go on.
	Name: "IRQ+lock", Build: build(func(p prog) {
		p.Interrupted("P0", p.section, p.Irq(p.section))
		p.lost()
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "2 pass, 3 deadlock",
}, {
	// With interrupts off while it holds the lock the thread is not interrupted.
	Name: "IRQ+lockirq", Build: build(func(p prog) {
		p.Interrupted("P0", p.sectionIrq, p.Irq(p.section))
		p.lost()
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "2 pass",
}, {
	// Nor are increments lost.
	Name: "IRQ+lockirq+inc", Build: build(func(p prog) {
		p.Interrupted("P0", p.sectionIrq, p.Irq(p.section))
		p.lost()
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// It does not come either while who did not wait for the lock has it.
	Name: "IRQ+trylockirq", Build: build(func(p prog) {
		p.Interrupted("P0", func(t *schedule.Thread) {
			if p.a.TrylockIrq(t) {
				p.x.Write(t, p.x.Read(t)+1)
				p.a.UnlockIrq(t)
			}
		}, p.Irq(p.section))
		p.lost()
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// An interrupt on another CPU waits for the lock while its holder goes on.
	Name: "IRQ+lock+othercpu", Build: build(func(p prog) {
		p.Thread("P0", p.section)
		irq := p.Irq(p.section)
		p.Agents(func(e *schedule.Exec) { e.Agent("irq", irq) })
		p.lost()
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "6 pass",
}, {
	// Interrupts off keep the handler away, but no other CPU: it is the lock that
	// excludes, and there is none.
	Name: "IRQ+irqoff+othercpu", Build: build(func(p prog) {
		inc := func(t *schedule.Thread) { p.x.Write(t, p.x.Read(t)+1) }
		p.Thread("P0", func(t *schedule.Thread) {
			preempt.IrqDisable(t)
			inc(t)
			preempt.IrqEnable(t)
		})
		p.Thread("P1", inc)
		p.lost()
	}),
	Verdict: litmus.Sometimes, Counts: "2 pass, 4 exists",
}, {
	// Another CPU holds the lock, and the interrupted one waits for it with interrupts
	// on: the handler may come, and waits too.
	Name: "IRQ+lock+holder-othercpu", Build: build(func(p prog) {
		p.Interrupted("P0", func(t *schedule.Thread) { p.y.Write(t, 1) }, p.Irq(p.section))
		p.Thread("P1", p.section)
		p.lost()
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "26 pass",
}, {
	// spin_lock_irq() where no interrupt can come has the steps of spin_lock(): as many
	// executions as INC+locks.
	Name: "INC+lockirqs", Build: build(func(p prog) {
		p.Thread("P0", p.sectionIrq)
		p.Thread("P1", p.sectionIrq)
		p.lost()
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// Sections with interrupts off nest, as with spin_lock_irqsave(): the inner unlock
	// leaves them off.
	Name: "IRQ+nested", Build: build(func(p prog) {
		p.Interrupted("P0", func(t *schedule.Thread) {
			p.a.LockIrq(t)
			p.b.LockIrq(t)
			p.b.UnlockIrq(t)
			p.x.Write(t, p.x.Read(t)+1)
			p.a.UnlockIrq(t)
		}, p.Irq(p.section))
		p.lost()
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "2 pass",
}}

// bhInIrq takes a lock with softirqs off within a section with interrupts off.
func bhInIrq(p prog, t *schedule.Thread) {
	p.a.LockIrq(t)
	p.b.LockBh(t)
	p.b.UnlockBh(t)
	p.a.UnlockIrq(t)
}

var misuseTests = []litmus.Test{{
	// A spin lock is not recursive: its holder would spin for ever.
	Name: "MISUSE+recursive", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.Lock(t)
		p.a.Lock(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// As above, with interrupts off.
	Name: "MISUSE+recursive-irq", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.LockIrq(t)
		p.a.LockIrq(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// Nobody holds it.
	Name: "MISUSE+unlock", Build: alone(func(p prog, t *schedule.Thread) { p.a.Unlock(t) }),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// It is released twice.
	Name: "MISUSE+unlock-twice", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.Lock(t)
		p.a.Unlock(t)
		p.a.Unlock(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// Another thread holds it, or nobody: before, between and after P0's three steps.
	Name: "MISUSE+unlock-other", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.a.Lock(t)
			p.x.Write(t, 1)
			p.a.Unlock(t)
		})
		p.Thread("P1", func(t *schedule.Thread) { p.a.Unlock(t) })
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "4 lock-rule",
}, {
	// The thread finishes and keeps the lock.
	Name: "MISUSE+exit", Build: alone(func(p prog, t *schedule.Thread) { p.a.Lock(t) }),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// mutex_lock() may sleep, whether anybody holds the mutex or not.
	Name: "MISUSE+sleep", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.Lock(t)
		p.m.Lock(t)
		p.m.Unlock(t)
		p.a.Unlock(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// A kernel warns of it and goes on.
	Name: "MISUSE+sleep+mute", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.Lock(t)
		p.m.Lock(t)
		p.m.Unlock(t)
		p.a.Unlock(t)
	}),
	Mute: schedule.KindSet(schedule.SleepInAtomic),
	Bad:  schedule.SleepInAtomic, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// After the unlock it may sleep.
	Name: "SLEEP+after", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.LockIrq(t)
		p.a.UnlockIrq(t)
		p.m.Lock(t)
		p.m.Unlock(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// spin_unlock_irq() of a lock that was taken with interrupts on.
	Name: "MISUSE+unlockirq", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.Lock(t)
		p.a.UnlockIrq(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// spin_unlock_bh() of a lock that was taken with softirqs on.
	Name: "MISUSE+unlockbh", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.Lock(t)
		p.a.UnlockBh(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// spin_unlock() of a lock that was taken with spin_lock_bh(): softirqs stay off.
	Name: "MISUSE+lockbh-unlock", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.LockBh(t)
		p.a.Unlock(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// spin_unlock_bh() would run softirqs with interrupts off.
	Name: "MISUSE+lockirq-unlockbh", Build: alone(bhInIrq),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// A kernel warns of it and goes on.
	Name: "MISUSE+lockirq-unlockbh+mute", Build: alone(bhInIrq),
	Mute: schedule.KindSet(schedule.LockRule),
	Bad:  schedule.LockRule, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The other way round is allowed.
	Name: "NEST+lockbh-lockirq", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.LockBh(t)
		p.b.LockIrq(t)
		p.b.UnlockIrq(t)
		p.a.UnlockBh(t)
		preempt.MightSleep(t, "msleep")
	}),
	Bad: schedule.LockRule, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// It is a spin lock.
	Name: "MISUSE+sleep-bh", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.LockBh(t)
		p.m.Lock(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// spin_unlock() of a lock that was taken with spin_lock_irq(): interrupts stay off.
	Name: "MISUSE+lockirq-unlock", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.LockIrq(t)
		p.a.Unlock(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// A handler may not sleep.
	Name: "MISUSE+sleep-in-irq", Build: build(func(p prog) {
		p.Interrupted("P0", func(t *schedule.Thread) { p.x.Write(t, 1) },
			p.Irq(func(t *schedule.Thread) { p.m.Lock(t) }))
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "2 sleep-in-atomic",
}}
