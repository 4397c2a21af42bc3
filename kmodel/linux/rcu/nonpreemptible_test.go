package rcu_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rwsem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// between makes a program of a reader without a section, which does something between
// following the pointer and using it, against a writer.
func between(f rcu.Flavours, then func(p *prog, t *schedule.Thread),
	free ...func(p *prog, t *schedule.Thread)) func(*litmus.Program) {
	return build(f, func(p *prog) {
		p.owned().Thread("reader", func(t *schedule.Thread) {
			if o := p.p.DereferenceRaw(t); o != nil {
				then(p, t)
				o.data.ReadOnce(t)
			}
		})
		p.Thread("writer", func(t *schedule.Thread) {
			for _, step := range free {
				step(p, t)
			}
		})
	})
}

// What a reader does meanwhile.
func nothing(*prog, *schedule.Thread)         {}
func condResched(_ *prog, t *schedule.Thread) { preempt.CondResched(t) }
func mightSleep(_ *prog, t *schedule.Thread)  { preempt.MightSleep(t, "msleep") }
func spinLockUnlock(p *prog, t *schedule.Thread) {
	p.lock.Lock(t)
	p.lock.Unlock(t)
}

func mutexLockUnlock(p *prog, t *schedule.Thread) {
	p.m.Lock(t)
	p.m.Unlock(t)
}

// twoReads has a thread read x and then y, with something in between, and another write them
// with a grace period in between. Bad is that the first read has not seen the first write, and
// the second has seen the second.
func twoReads(f rcu.Flavours, then func(t *schedule.Thread)) func(*litmus.Program) {
	return build(f, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.r[0].Set(p.x.ReadOnce(t))
			then(t)
			p.r[1].Set(p.y.ReadOnce(t))
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			rcu.Synchronize(t)
			p.y.WriteOnce(t, 1)
		})
		p.Exists(func() bool { return p.r[0].Get() == 0 && p.r[1].Get() == 1 })
	})
}

// sleepsInSection makes a program of a reader that sleeps between following the pointer and using
// it.
func sleepsInSection(f rcu.Flavours) func(*litmus.Program) {
	return build(f, func(p *prog) {
		p.owned().Thread("reader", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			if o := p.p.Dereference(t); o != nil {
				preempt.MightSleep(t, "msleep")
				o.data.ReadOnce(t)
			}
			rcu.ReadUnlock(t)
		})
		p.writes(p.unlink, p.kfreeRcu)
	})
}

// ownGracePeriod has a thread use the object after it has given it to call_rcu().
func ownGracePeriod(f rcu.Flavours, then func(p *prog, t *schedule.Thread)) func(*litmus.Program) {
	return build(f, func(p *prog) {
		p.owned().Thread("P0", func(t *schedule.Thread) {
			p.unlink(t)
			rcu.CallSched(t, &p.o.rcu)
			then(p, t)
			p.o.data.ReadOnce(t)
		})
	})
}

// set is the gate of who spins until x is not 0.
type set struct{ *prog }

// Open implements [schedule.Gate].
func (p set) Open(*schedule.Thread) bool { return p.x.Peek() != 0 }

// spinsFor has a thread wait without sleeping for what another does after a grace period.
func spinsFor(f rcu.Flavours) func(*litmus.Program) {
	return build(f, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.y.WriteOnce(t, 1)
			t.Await(schedule.Op{Verb: "cpu_relax", Mode: schedule.Marked | schedule.Blocks}, set{p})
		})
		p.writes(rcu.Synchronize, func(t *schedule.Thread) { p.x.WriteOnce(t, 1) })
	})
}

// A waiting is what threads wait for that another has while it waits for a grace period.
type waiting struct {
	schedule.Object
	sem  rwsem.Sem
	work workqueue.Work
}

// waits has P0 wait for what the writer has during a grace period.
func waits(wait func(p *prog, w *waiting, t *schedule.Thread)) func(*litmus.Program) {
	return build(rcu.NonPreemptible, func(p *prog) {
		w := litmus.Static[waiting](p.Program, "w")
		w.work.Init(func(t *schedule.Thread) { mutexLockUnlock(p, t) })
		p.Agents(func(e *schedule.Exec) { workqueue.Boot(e, 1) })
		p.Thread("P0", func(t *schedule.Thread) { wait(p, w, t) })
		p.writes(w.sem.DownWrite, p.m.Lock, rcu.Synchronize, p.m.Unlock, w.sem.UpWrite)
	})
}

var nonPreemptibleTests = []litmus.Test{{
	// Who runs in the kernel is a reader, in a section or not.
	Name:  "NONPREEMPT+nolock+call",
	Build: between(rcu.NonPreemptible, nothing, unlink, callAndFree),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Never, Counts: "7 pass",
}, {
	// Preemptible RCU does not see him, merged or not.
	Name: "MERGED+nolock+call", Build: between(rcu.Merged, nothing, unlink, callAndFree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "8 pass, 1 use-after-free",
}, {
	// There is one flavour.
	Name:  "NONPREEMPT+nolock+call_sched",
	Build: between(rcu.NonPreemptible, nothing, unlink, schedAndFree),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Never, Counts: "7 pass",
}, {
	// synchronize_rcu() waits for him too.
	Name:  "NONPREEMPT+nolock+sync",
	Build: between(rcu.NonPreemptible, nothing, unlink, sync, free),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Never, Counts: "7 pass",
}, {
	// A section changes nothing: the lookup of aio is safe.
	Name:  "NONPREEMPT+rcu+call_sched",
	Build: against(rcu.NonPreemptible, lock, unlock, unlink, schedAndFree),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Never, Counts: "22 pass",
}, {
	// He who comes after call_rcu() is not waited for.
	Name:  "NONPREEMPT+nolock+call+unlink",
	Build: between(rcu.NonPreemptible, nothing, callAndFree, unlink),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "9 pass, 1 use-after-free",
}, {
	// Who sleeps in between is not protected.
	Name:  "NONPREEMPT+nolock+sleep",
	Build: between(rcu.NonPreemptible, mightSleep, unlink, callAndFree),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "8 pass, 1 use-after-free",
}, {
	// As above: a mutex that nobody holds is a place to switch too, see might_sleep().
	Name:  "NONPREEMPT+nolock+mutex",
	Build: between(rcu.NonPreemptible, mutexLockUnlock, unlink, callAndFree),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "23 pass, 10 use-after-free",
}, {
	// And cond_resched() is.
	Name:  "NONPREEMPT+nolock+cond_resched",
	Build: between(rcu.NonPreemptible, condResched, unlink, callAndFree),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "8 pass, 1 use-after-free",
}, {
	// A spin lock is none, whether one has to wait for it or not.
	Name:  "NONPREEMPT+nolock+spin",
	Build: between(rcu.NonPreemptible, spinLockUnlock, spinLock, unlink, callAndFree, spinUnlock),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Never, Counts: "12 pass",
}, {
	// Two reads in one stretch are a section.
	Name:    "NONPREEMPT+sync+2reads",
	Build:   twoReads(rcu.NonPreemptible, func(*schedule.Thread) {}),
	Verdict: litmus.Never, Counts: "11 pass",
}, {
	// In two system calls they are two.
	Name:    "NONPREEMPT+sync+2calls",
	Build:   twoReads(rcu.NonPreemptible, func(t *schedule.Thread) { t.Forget(1) }),
	Verdict: litmus.Sometimes, Counts: "14 pass, 1 exists",
}, {
	// What is given to call_rcu() may be used until one sleeps, without any section: the grace
	// period waits for who began it. This is what keeps exit_aio() safe.
	Name: "NONPREEMPT+own", Build: ownGracePeriod(rcu.NonPreemptible, nothing),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// Merged it may not.
	Name: "MERGED+own", Build: ownGracePeriod(rcu.Merged, nothing),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "2 pass, 1 use-after-free",
}, {
	// And not after one has slept.
	Name: "NONPREEMPT+own+sleep", Build: ownGracePeriod(rcu.NonPreemptible, mightSleep),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "2 pass, 1 use-after-free",
}, {
	// An interrupt handler holds the grace period up.
	Name: "NONPREEMPT+handler+call", Build: handler(rcu.NonPreemptible, callAndFree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "13 pass",
}, {
	// But its end is none of the task that it has interrupted.
	Name: "NONPREEMPT+interrupted+call", Build: build(rcu.NonPreemptible, func(p *prog) {
		p.owned().Interrupted("reader", func(t *schedule.Thread) {
			if o := p.p.DereferenceRaw(t); o != nil {
				o.data.ReadOnce(t)
			}
		}, p.Irq(func(t *schedule.Thread) { p.x.WriteOnce(t, 1) }))
		p.writes(p.unlink, p.kfreeRcu)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "84 pass",
}, {
	// A callback does, while it runs.
	Name: "NONPREEMPT+callback-reader", Build: build(rcu.NonPreemptible, (*prog).callbackReads),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "8 pass",
}, {
	// Callbacks of both sorts are in one queue: those of a CPU start in order.
	Name: "NONPREEMPT+FIFO+flavours", Build: build(rcu.NonPreemptible, func(p *prog) {
		p.callbacks().writes(p.call(0), p.callSched(1))
		p.ran(21)
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// Merged, they are too.
	Name: "MERGED+FIFO+flavours", Build: build(rcu.Merged, func(p *prog) {
		p.callbacks().writes(p.call(0), p.callSched(1))
		p.ran(21)
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// rcu_barrier() waits for the callbacks of call_rcu_sched().
	Name:  "NONPREEMPT+EXIT+sched+barrier",
	Build: exits(rcu.NonPreemptible, rcu.CallSched, rcu.Barrier),
	Bad:   schedule.UseAfterFree, Verdict: litmus.Never, Counts: "4 pass",
}, {
	// A grace period does not end while somebody spins for what comes after it.
	Name: "NONPREEMPT+spins", Build: spinsFor(rcu.NonPreemptible),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "3 pass, 1 deadlock",
}, {
	// Merged, he is no reader.
	Name: "MERGED+spins", Build: spinsFor(rcu.Merged),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "4 pass",
}, {
	// Who sleeps for it is none either: in down_read(),
	Name: "NONPREEMPT+waits+rwsem", Build: waits(func(_ *prog, w *waiting, t *schedule.Thread) {
		w.sem.DownRead(t)
		w.sem.UpRead(t)
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "9 pass",
}, {
	// in mutex_lock(),
	Name:  "NONPREEMPT+waits+mutex",
	Build: waits(func(p *prog, _ *waiting, t *schedule.Thread) { mutexLockUnlock(p, t) }),
	Bad:   schedule.Deadlock, Verdict: litmus.Never, Counts: "20 pass",
}, {
	// in flush_work(),
	Name: "NONPREEMPT+waits+flush", Build: waits(func(_ *prog, w *waiting, t *schedule.Thread) {
		workqueue.ScheduleWork(t, &w.work)
		workqueue.FlushWork(t, &w.work)
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "4014 pass",
}, {
	// in cancel_work_sync().
	Name: "NONPREEMPT+waits+cancel", Build: waits(func(_ *prog, w *waiting, t *schedule.Thread) {
		workqueue.ScheduleWork(t, &w.work)
		workqueue.CancelWorkSync(t, &w.work)
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "3393 pass",
}, {
	// A section is none to sleep in, though nothing would be preempted.
	Name: "NONPREEMPT+MISUSE+sleep", Build: alone(rcu.NonPreemptible, sleepInside),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// A kernel warns of it and goes on, and the section protects no longer,
	Name: "NONPREEMPT+MISUSE+sleep+mute", Build: sleepsInSection(rcu.NonPreemptible),
	Mute: sleepMuted,
	Bad:  schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "26 pass, 1 use-after-free",
}, {
	// as it does where a reader may be preempted.
	Name: "MERGED+MISUSE+sleep+mute", Build: sleepsInSection(rcu.Merged),
	Mute: sleepMuted,
	Bad:  schedule.UseAfterFree, Verdict: litmus.Never, Counts: "22 pass",
}, {
	// With preemption off, after the warning, it sleeps, and waits for itself no more.
	Name:  "NONPREEMPT+MISUSE+sync-preempt-off+mute",
	Build: alone(rcu.NonPreemptible, syncPreemptOff),
	Mute:  sleepMuted,
	Bad:   schedule.Deadlock, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// rcu_dereference() wants rcu_read_lock() all the same.
	Name: "NONPREEMPT+MISUSE+dereference",
	Build: alone(rcu.NonPreemptible, func(p *prog, t *schedule.Thread) {
		p.p.Dereference(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}}

// TestSleepingReader looks at what a failure names: the step that began the section, and the
// section, unless it is preempt_count that keeps the thread from sleeping.
func TestSleepingReader(t *testing.T) {
	for _, f := range []rcu.Flavours{rcu.Split, rcu.Merged, rcu.NonPreemptible} {
		row := litmus.Test{Name: "sleep", Build: alone(f, sleepInside)}
		r := schedule.NewRunner(row.Schedule())
		got := r.RunTape(nil).Failure
		r.Close()
		if got.Kind != schedule.SleepInAtomic || got.Other.Step != 1 || got.Note != "mutex_lock" ||
			(got.Obj == nil) != (f == rcu.NonPreemptible) {
			t.Errorf("flavours %d: %+v", f, got)
		}
	}
}
