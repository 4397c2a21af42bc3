package workqueue_test

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A wait is what a program calls for its item.
type wait = func(t *schedule.Thread, w *workqueue.Work) bool

var flush, cancel, sync wait = workqueue.FlushWork, workqueue.CancelWork, workqueue.CancelWorkSync

func nothing(*schedule.Thread, *workqueue.Work) bool { return false }

// frees makes a program that queues the item of an object, whose function uses the object,
// and frees that after f.
func frees(workers int, fn func(t *schedule.Thread, o *object), f wait) func(*litmus.Program) {
	return objects(workers, fn, nil, func(p prog, o func() *object) {
		p.Thread("P0", func(t *schedule.Thread) {
			workqueue.ScheduleWork(t, &o().work)
			f(t, &o().work)
			kfree(t, o())
		})
	})
}

// waited makes a program that queues the item of an object and calls f for it.
func waited(fn func(t *schedule.Thread, o *object), f wait) func(*litmus.Program) {
	return objects(1, fn, nil, func(p prog, o func() *object) {
		p.Thread("P0", func(t *schedule.Thread) {
			workqueue.ScheduleWork(t, &o().work)
			f(t, &o().work)
		})
	})
}

// requeue uses the object and queues its item again, twice.
func requeue(t *schedule.Thread, o *object) {
	if o.x.Peek() < 2 {
		o.x.WriteOnce(t, o.x.Peek()+1)
		workqueue.ScheduleWork(t, &o.work)
	}
}

// counted makes a program in which the function of item 0, of two steps, counts in r[0] the
// runs that have begun and in x those that have ended.
func counted(workers int, f func(p prog, w *workqueue.Work)) func(*litmus.Program) {
	return build(workers, func(p prog) {
		p.work[0].Init(func(t *schedule.Thread) {
			p.r[0].Inc()
			p.y.WriteOnce(t, 1)
			p.x.WriteOnce(t, p.x.Peek()+1)
		})
		f(p, &p.work[0])
	})
}

// locked makes a program whose item takes a mutex, and which calls f for it with that mutex
// held, or after.
func locked(held bool, f wait) func(*litmus.Program) {
	return build(1, func(p prog) {
		w := &p.work[0]
		w.Init(func(t *schedule.Thread) {
			p.m.Lock(t)
			p.m.Unlock(t)
		})
		p.Thread("P0", func(t *schedule.Thread) {
			workqueue.ScheduleWork(t, w)
			p.m.Lock(t)
			if held {
				f(t, w)
			}
			p.m.Unlock(t)
			if !held {
				f(t, w)
			}
		})
	})
}

// inItself makes a program whose item calls f for itself.
func inItself(f wait) func(*litmus.Program) {
	return build(2, func(p prog) {
		p.work[0].Init(func(t *schedule.Thread) { f(t, &p.work[0]) })
		p.queues("P0", 0)
	})
}

// atomically makes a program that calls f with a spin lock held.
func atomically(f wait) func(*litmus.Program) {
	return build(1, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.lock.Lock(t)
			f(t, &p.work[0])
			p.lock.Unlock(t)
		})
	})
}

var flushTests = []litmus.Test{{
	// Queued, and not waited for.
	Name: "KFREE", Build: frees(1, touch, nothing),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "1 pass, 2 use-after-free",
}, {
	// flush_work() waits for the function.
	Name: "KFREE+flush_work", Build: frees(1, touch, flush),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "3 pass",
}, {
	// cancel_work() does not: the function runs on.
	Name: "KFREE+cancel_work", Build: frees(1, touch, cancel),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "3 pass, 1 use-after-free",
}, {
	// cancel_work_sync() does.
	Name: "KFREE+cancel_work_sync", Build: frees(1, touch, sync),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "3 pass",
}, {
	// Of a function that queues its item again flush_work() waits for one run only.
	Name: "KFREE+flush_work+requeue", Build: frees(1, requeue, flush),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "23 pass, 33 use-after-free",
}, {
	// While it is cancelled it cannot be queued.
	Name: "KFREE+cancel_work_sync+requeue", Build: frees(2, requeue, sync),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "27 pass",
}, {
	// Somebody else may queue it later.
	Name: "KFREE+cancel_work_sync+queued",
	Build: objects(1, touch, nil, func(p prog, o func() *object) {
		p.Thread("P0", func(t *schedule.Thread) {
			sync(t, &o().work)
			kfree(t, o())
		})
		p.Thread("P1", func(t *schedule.Thread) { workqueue.ScheduleWork(t, &o().work) })
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "5 pass, 3 use-after-free",
}, {
	// A function that frees its own object. flush_work() touches the item when it begins and
	// not when it ends.
	Name: "FREE+fn+flush_work", Build: waited(kfree, flush),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "2 pass, 1 use-after-free",
}, {
	// cancel_work_sync() touches it when it ends too. All is well if the function never ran.
	Name: "FREE+fn+cancel_work_sync", Build: waited(kfree, sync),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "1 pass, 2 use-after-free",
}, {
	// flush_work() reports false if the item has run, and has waited for nothing.
	Name: "FLUSH+true", Build: counted(1, func(p prog, w *workqueue.Work) {
		p.Thread("P0", func(t *schedule.Thread) {
			workqueue.ScheduleWork(t, w)
			p.r[1].SetBool(flush(t, w))
		})
		p.Exists(func() bool { return p.r[1].Get() == 0 })
	}),
	Verdict: litmus.Sometimes, Counts: "3 pass, 1 exists",
}, {
	// Whatever it reports, the run that was queued has ended.
	Name: "FLUSH+ended", Build: counted(1, func(p prog, w *workqueue.Work) {
		p.Thread("P0", func(t *schedule.Thread) {
			workqueue.ScheduleWork(t, w)
			flush(t, w)
			p.r[2].Set(p.x.Peek())
		})
		p.Exists(func() bool { return p.r[2].Get() == 0 })
	}),
	Verdict: litmus.Never, Counts: "4 pass",
}, {
	// Also the second of two, though the first still runs when it is queued.
	Name: "FLUSH+ended+requeued", Build: counted(2, func(p prog, w *workqueue.Work) {
		p.Thread("P0", func(t *schedule.Thread) {
			for range 2 {
				p.r[1].SetBool(workqueue.ScheduleWork(t, w))
			}
			flush(t, w)
			p.r[2].Set(p.x.Peek())
		})
		p.Exists(func() bool { return p.r[2].Get() < 1+p.r[1].Get() })
	}),
	Verdict: litmus.Never, Counts: "68 pass",
}, {
	// Not a run that somebody else queues meanwhile.
	Name: "FLUSH+later", Build: counted(1, func(p prog, w *workqueue.Work) {
		p.Thread("P0", func(t *schedule.Thread) {
			workqueue.ScheduleWork(t, w)
			flush(t, w)
			p.r[2].SetBool(p.r[0].Get() > p.x.Peek())
		})
		p.Thread("P1", func(t *schedule.Thread) { workqueue.ScheduleWork(t, w) })
		p.Exists(func() bool { return p.r[2].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "59 pass, 16 exists",
}, {
	// Two may wait for one item.
	Name: "FLUSH+2waiters", Build: counted(1, func(p prog, w *workqueue.Work) {
		p.Thread("P0", func(t *schedule.Thread) {
			workqueue.ScheduleWork(t, w)
			flush(t, w)
			p.r[1].SetBool(p.x.Peek() == 0)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[2].SetBool(flush(t, w) && p.x.Peek() == 0)
		})
		p.Exists(func() bool { return p.r[1].Get()+p.r[2].Get() > 0 })
	}),
	Verdict: litmus.Never, Counts: "42 pass",
}, {
	// The items behind are not waited for.
	Name: "FLUSH+behind", Build: build(1, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			workqueue.ScheduleWork(t, &p.work[0])
			workqueue.ScheduleWork(t, &p.work[1])
			flush(t, &p.work[0])
			p.r[1].Set(p.r[0].Get())
		})
		p.Exists(func() bool { return p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "3 pass, 3 exists",
}, {
	// An item that waits for one behind it, on the only worker.
	Name: "FLUSH+in-item", Build: build(1, func(p prog) {
		p.work[0].Init(func(t *schedule.Thread) { flush(t, &p.work[1]) })
		p.queues("P0", 0, 1)
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "1 pass, 2 deadlock",
}, {
	// Another worker runs that.
	Name: "FLUSH+in-item+2workers", Build: build(2, func(p prog) {
		p.work[0].Init(func(t *schedule.Thread) { flush(t, &p.work[1]) })
		p.queues("P0", 0, 1)
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "12 pass",
}, {
	// In its own function an item waits for itself.
	Name: "FLUSH+itself", Build: inItself(flush),
	Bad: schedule.Deadlock, Verdict: litmus.Always, Counts: "2 deadlock",
}, {
	// As above.
	Name: "CANCEL_SYNC+itself", Build: inItself(sync),
	Bad: schedule.Deadlock, Verdict: litmus.Always, Counts: "2 deadlock",
}, {
	// It may take itself off the queue.
	Name: "CANCEL+itself", Build: inItself(cancel),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "2 pass",
}, {
	// With a lock that the function takes.
	Name: "FLUSH+lock", Build: locked(true, flush),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "3 pass, 3 deadlock",
}, {
	// Without.
	Name: "FLUSH+unlock", Build: locked(false, flush),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "40 pass",
}, {
	// cancel_work_sync() waits if the function has begun.
	Name: "CANCEL_SYNC+lock", Build: locked(true, sync),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "4 pass, 2 deadlock",
}, {
	// Without the lock.
	Name: "CANCEL_SYNC+unlock", Build: locked(false, sync),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "40 pass",
}, {
	// cancel_work() waits for nobody.
	Name: "CANCEL+lock", Build: locked(true, cancel),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "14 pass",
}, {
	// flush_work() sleeps, though there is nothing to wait for.
	Name: "SLEEP+flush_work", Build: atomically(flush),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// As above.
	Name: "SLEEP+cancel_work_sync", Build: atomically(sync),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// cancel_work() does not.
	Name: "SLEEP+cancel_work", Build: atomically(cancel),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Never, Counts: "1 pass",
}}

// cancels makes a program that queues item 0 and then calls f for it. r[1] is how often it
// was taken off the queue, r[2] whether it ran when f had returned.
func cancels(f wait) func(*litmus.Program) {
	return counted(1, func(p prog, w *workqueue.Work) {
		p.Thread("P0", func(t *schedule.Thread) {
			workqueue.ScheduleWork(t, w)
			p.r[1].SetBool(f(t, w))
			p.r[2].SetBool(p.r[0].Get() > p.x.Peek())
		})
		p.Exists(func() bool { return p.r[1].Get()+p.x.Peek() != 1 || p.r[2].Get() == 1 })
	})
}

// stuck makes a program whose item waits for a completion that a thread gives when f has
// returned. Another thread cancels the item meanwhile.
func stuck(f wait) func(*litmus.Program) {
	return build(1, func(p prog) {
		p.work[0].Init(p.done.WaitForCompletion)
		p.queues("P0", 0)
		p.Thread("P1", func(t *schedule.Thread) { sync(t, &p.work[0]) })
		p.Thread("P2", func(t *schedule.Thread) {
			f(t, &p.work[0])
			p.done.Complete(t)
		})
	})
}

// rcuFrees is frees for the item that is queued after a grace period.
func rcuFrees(f func(t *schedule.Thread, w *workqueue.RcuWork) bool) func(*litmus.Program) {
	return booted(touch, func(p prog, o func() *object) {
		p.reads()
		p.Thread("P0", func(t *schedule.Thread) {
			p.p.Assign(t, nil)
			queue(t, o())
			f(t, &o().rwork)
			kfree(t, o())
		})
	})
}

var cancelTests = []litmus.Test{{
	// It is run or cancelled, not both, and cancel_work() may return while it runs.
	Name: "CANCEL+or-run", Build: cancels(cancel),
	Verdict: litmus.Sometimes, Counts: "2 pass, 2 exists",
}, {
	// cancel_work_sync() may not.
	Name: "CANCEL_SYNC+or-run", Build: cancels(sync),
	Verdict: litmus.Never, Counts: "4 pass",
}, {
	// Of two who cancel it one is told that it was queued, or it has run; and it does not run
	// when either returns.
	Name: "CANCEL_SYNC+2", Build: counted(1, func(p prog, w *workqueue.Work) {
		cancel := func(t *schedule.Thread) {
			if sync(t, w) {
				p.r[1].Inc()
			}
			if p.r[0].Get() > p.x.Peek() {
				p.r[2].Set(1)
			}
		}
		p.Thread("P0", func(t *schedule.Thread) {
			workqueue.ScheduleWork(t, w)
			cancel(t)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if p.y.ReadOnce(t) == 1 { // it runs, or has
				cancel(t)
			}
		})
		p.Exists(func() bool { return p.r[1].Get()+p.x.Peek() != 1 || p.r[2].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "28 pass",
}, {
	// Who queues it while it is cancelled is told that it is pending, and it never runs.
	Name: "CANCEL_SYNC+schedule_work", Build: counted(1, func(p prog, w *workqueue.Work) {
		p.Thread("P0", func(t *schedule.Thread) { sync(t, w) })
		p.Thread("P1", func(t *schedule.Thread) { p.r[1].SetBool(workqueue.ScheduleWork(t, w)) })
		p.Exists(func() bool { return p.r[1].Get()+p.x.Peek() == 0 })
	}),
	Verdict: litmus.Sometimes, Counts: "5 pass, 1 exists",
}, {
	// cancel_work() leaves no such gap.
	Name: "CANCEL+schedule_work", Build: counted(1, func(p prog, w *workqueue.Work) {
		p.Thread("P0", func(t *schedule.Thread) { p.r[2].SetBool(cancel(t, w)) })
		p.Thread("P1", func(t *schedule.Thread) { p.r[1].SetBool(workqueue.ScheduleWork(t, w)) })
		p.Exists(func() bool { return p.r[1].Get() != p.r[2].Get()+p.x.Peek() })
	}),
	Verdict: litmus.Never, Counts: "5 pass",
}, {
	// The other thread queues the item before that, or after.
	Name: "OBSERVE+cancel_work", Build: build(1, func(p prog) {
		p.work[0].Init(func(*schedule.Thread) {})
		p.Observe(func(t *schedule.Thread) bool { return cancel(t, &p.work[0]) },
			func(t *schedule.Thread) { workqueue.ScheduleWork(t, &p.work[0]) })
	}),
	Verdict: litmus.Sometimes, Counts: "60 pass, 15 exists",
}, {
	// A second cancel_work_sync() waits for the first, and that for the function.
	Name: "CANCEL_SYNC+canceling", Build: stuck(sync),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "33 pass, 3 deadlock",
}, {
	// cancel_work() leaves it to the first.
	Name: "CANCEL+canceling", Build: stuck(cancel),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "45 pass",
}, {
	// flush_work() waits for the function.
	Name: "FLUSH+canceling", Build: stuck(flush),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "39 pass, 5 deadlock",
}, {
	// Who waits for an item that is cancelled goes on, and has waited for nothing.
	Name: "FLUSH+cancelled", Build: counted(1, func(p prog, w *workqueue.Work) {
		p.Thread("P0", func(t *schedule.Thread) {
			workqueue.ScheduleWork(t, w)
			p.r[1].SetBool(flush(t, w))
		})
		p.Thread("P1", func(t *schedule.Thread) { cancel(t, w) })
		p.Exists(func() bool { return p.r[1].Get() == 1 && p.x.Peek() == 0 })
	}),
	Verdict: litmus.Sometimes, Counts: "23 pass, 1 exists",
}, {
	// Also while an earlier run goes on, which it would have waited for if the item had not
	// been queued again.
	Name: "FLUSH+cancelled+running", Build: counted(1, func(p prog, w *workqueue.Work) {
		p.Thread("P0", func(t *schedule.Thread) {
			workqueue.ScheduleWork(t, w)
			workqueue.ScheduleWork(t, w)
			flush(t, w)
			p.r[1].SetBool(p.x.Peek() == 0)
		})
		p.Thread("P1", func(t *schedule.Thread) { cancel(t, w) })
		p.Exists(func() bool { return p.r[1].Get() == 1 && p.x.Peek() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "157 pass, 5 exists",
}, {
	// Before the grace period is over the item is not queued: flush_work() finds nothing.
	Name: "RCUWORK+flush_work", Build: rcuFrees(
		func(t *schedule.Thread, w *workqueue.RcuWork) bool { return flush(t, &w.Work) }),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "633 pass, 629 use-after-free",
}, {
	// flush_rcu_work() waits for the callback first.
	Name: "RCUWORK+flush_rcu_work", Build: rcuFrees(workqueue.FlushRcuWork),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "14098 pass",
}, {
	// cancel_work_sync() tries until the callback has queued the item.
	Name: "RCUWORK+cancel_work_sync", Build: rcuFrees(
		func(t *schedule.Thread, w *workqueue.RcuWork) bool { return sync(t, &w.Work) }),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "371 pass",
}, {
	// And cancel_work() too, but it does not wait for the function.
	Name: "RCUWORK+cancel_work", Build: rcuFrees(
		func(t *schedule.Thread, w *workqueue.RcuWork) bool { return cancel(t, &w.Work) }),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "278 pass, 109 use-after-free",
}, {
	// It touches freed memory at once, though it would have had to wait.
	Name: "RCUWORK+freed+cancel_work", Build: booted(touch, func(p prog, o func() *object) {
		p.Thread("P0", func(t *schedule.Thread) {
			queue(t, o())
			kfree(t, o())
			cancel(t, &o().rwork.Work)
		})
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "9 use-after-free",
}, {
	// flush_rcu_work() reports false if there was nothing.
	Name: "RCUWORK+flush_rcu_work+idle", Build: booted(touch, func(p prog, o func() *object) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.r[1].SetBool(workqueue.FlushRcuWork(t, &o().rwork))
		})
		p.Exists(func() bool { return p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}}
