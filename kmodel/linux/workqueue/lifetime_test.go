package workqueue_test

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// objects makes a program over an object, which p points to, with the functions of its
// work items.
func objects(workers int, fn, rcuFn func(t *schedule.Thread, o *object),
	f func(p prog, o func() *object)) func(*litmus.Program) {
	return build(workers, func(p prog) {
		cache := slab.NewCache("obj", func(o *object) {
			o.work.Init(func(t *schedule.Thread) { fn(t, o) })
			o.rwork.Init(func(t *schedule.Thread) { rcuFn(t, o) })
			o.rcu.Init(func(t *schedule.Thread) { slab.Free(t, "kfree", o) })
		})
		var o *object
		p.Begin(func(e *schedule.Exec) {
			o = cache.AllocBoot(e)
			p.p.Init(o)
			p.keep.Put(o)
		})
		f(p, func() *object { return o })
	})
}

// touch reads the object.
func touch(t *schedule.Thread, o *object) { o.x.ReadOnce(t) }

var lifetimeTests = []litmus.Test{{
	// The function may free the item that it runs for: the worker does not touch it
	// afterwards.
	Name: "FREE+fn", Build: objects(1, kfree, nil, func(p prog, o func() *object) {
		p.Thread("P0", func(t *schedule.Thread) { workqueue.ScheduleWork(t, &o().work) })
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The object is freed with the item queued, before the worker has got to it or while
	// it runs.
	Name: "FREE+queued", Build: objects(1, touch, nil, func(p prog, o func() *object) {
		p.Thread("P0", func(t *schedule.Thread) {
			workqueue.ScheduleWork(t, &o().work)
			kfree(t, o())
		})
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "1 pass, 2 use-after-free",
}, {
	// The function frees the object, and somebody has queued the item again meanwhile: it
	// is on the list, in freed memory, and its turn comes. If the second
	// schedule_work() is later, it touches freed memory itself; if it is earlier, the
	// item was pending.
	Name: "FREE+fn+requeued", Build: objects(1, kfree, nil, func(p prog, o func() *object) {
		p.Thread("P0", func(t *schedule.Thread) {
			workqueue.ScheduleWork(t, &o().work)
			p.r[1].SetBool(workqueue.ScheduleWork(t, &o().work))
		})
		p.Exists(func() bool { return p.r[1].Get() == 1 }) // queued, and nothing came of it
	}),
	Verdict: litmus.Never, Counts: "1 pass, 2 use-after-free",
}, {
	// As above with two workers.
	Name: "FREE+fn+requeued+2workers",
	Build: objects(2, kfree, nil, func(p prog, o func() *object) {
		p.Thread("P0", func(t *schedule.Thread) {
			workqueue.ScheduleWork(t, &o().work)
			p.r[1].SetBool(workqueue.QueueWork(t, &o().work))
		})
		p.Exists(func() bool { return p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "2 pass, 6 use-after-free",
}}

// booted makes the program of an rcu_work test, with one kworker.
func booted(fn func(t *schedule.Thread, o *object),
	f func(p prog, o func() *object)) func(*litmus.Program) {
	return objects(1, nil, fn, func(p prog, o func() *object) {
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, rcu.Split) })
		f(p, o)
	})
}

// reads adds a reader that follows p.
func (p prog) reads() {
	p.Thread("reader", func(t *schedule.Thread) {
		rcu.ReadLock(t)
		if o := p.p.Dereference(t); o != nil {
			o.x.ReadOnce(t)
		}
		rcu.ReadUnlock(t)
	})
}

// queue is queue_rcu_work() of the object.
func queue(t *schedule.Thread, o *object) bool { return workqueue.QueueRcuWork(t, &o.rwork) }

// run counts the runs in the object.
func run(t *schedule.Thread, o *object) { o.x.WriteOnce(t, o.x.Peek()+1) }

// unlinks adds a thread that unlinks the object, by x, and queues the item, with the result
// in r[1]; another that queues it too; and a reader that leaves in r[2] whether it was
// unlinked, and in r[3] how often the item had run later in the section.
func (p prog) unlinks(o func() *object) {
	p.Thread("unlinker", func(t *schedule.Thread) {
		p.x.WriteOnce(t, 1)
		p.r[1].SetBool(queue(t, o()))
	})
	p.Thread("other", func(t *schedule.Thread) { queue(t, o()) })
	p.Thread("reader", func(t *schedule.Thread) {
		rcu.ReadLock(t)
		p.r[2].Set(p.x.ReadOnce(t))
		p.r[3].Set(o().x.ReadOnce(t))
		rcu.ReadUnlock(t)
	})
}

// found is the condition that the reader of unlinks has found the object linked.
func (p prog) found() bool { return p.r[2].Get() == 0 }

var rcuTests = []litmus.Test{{
	// Unlinked first: the item runs, and frees, after the grace period.
	Name: "RCUWORK+unlink+queue", Build: booted(kfree, func(p prog, o func() *object) {
		p.reads()
		p.Thread("P0", func(t *schedule.Thread) {
			p.p.Assign(t, nil)
			queue(t, o())
		})
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "60 pass",
}, {
	// The grace period began before the object was unlinked.
	Name: "RCUWORK+queue+unlink", Build: booted(kfree, func(p prog, o func() *object) {
		p.reads()
		p.Thread("P0", func(t *schedule.Thread) {
			queue(t, o())
			p.p.Assign(t, nil)
		})
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "539 pass, 50 use-after-free",
}, {
	// The unlinker finds the item pending and is told false: no grace period begins after
	// its unlink, and the item runs while a reader that has found the object is there.
	Name: "RCUWORK+false", Build: booted(run, func(p prog, o func() *object) {
		p.unlinks(o)
		p.Exists(func() bool { return p.r[1].Get() == 0 && p.found() && p.r[3].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "16484 pass, 15 exists",
}, {
	// It is told true: the run that follows, the second if it was not the first to queue
	// the item, waits for that reader.
	Name: "RCUWORK+true", Build: booted(run, func(p prog, o func() *object) {
		p.unlinks(o)
		p.Exists(func() bool { return p.r[1].Get() == 1 && p.found() && p.r[3].Get() == 2 })
	}),
	Verdict: litmus.Never, Counts: "16499 pass",
}, {
	// There are as many runs as calls that returned true.
	Name: "RCUWORK+twice", Build: booted(func(t *schedule.Thread, o *object) { touch(t, o) },
		func(p prog, o func() *object) {
			p.Thread("P0", func(t *schedule.Thread) { p.r[1].SetBool(queue(t, o())) })
			p.Thread("P1", func(t *schedule.Thread) { p.r[2].SetBool(queue(t, o())) })
			p.Exists(func() bool { return p.r[1].Get()+p.r[2].Get() == 0 })
		}),
	Verdict: litmus.Never, Counts: "18 pass",
}, {
	// Between the two steps of queue_rcu_work() the item is pending and not queued:
	// schedule_work() of the same item does not queue it.
	Name: "RCUWORK+schedule_work", Build: booted(touch, func(p prog, o func() *object) {
		p.Thread("P0", func(t *schedule.Thread) { p.r[1].SetBool(queue(t, o())) })
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[2].SetBool(workqueue.ScheduleWork(t, &o().rwork.Work))
		})
		p.Exists(func() bool { return p.r[1].Get()+p.r[2].Get() == 0 })
	}),
	Verdict: litmus.Never, Counts: "12 pass",
}, {
	// The item is not run, nor queued, before the reader that is there leaves.
	Name: "RCUWORK+waits",
	Build: booted(func(t *schedule.Thread, o *object) { o.x.WriteOnce(t, 1) },
		func(p prog, o func() *object) {
			p.Thread("reader", func(t *schedule.Thread) {
				rcu.ReadLock(t)
				p.r[7].Set(1)
				p.y.ReadOnce(t)
				p.r[2].SetBool(p.r[1].Get() == 1 && o().x.Peek() == 1)
				rcu.ReadUnlock(t)
			})
			p.Thread("P0", func(t *schedule.Thread) {
				p.x.WriteOnce(t, 1)
				p.r[1].Set(p.r[7].Get())
				queue(t, o())
			})
			p.Exists(func() bool { return p.r[2].Get() == 1 })
		}),
	Verdict: litmus.Never, Counts: "54 pass",
}, {
	// schedule_work() waits for no grace period.
	Name: "WORK+unlink+schedule_work",
	Build: objects(1, kfree, nil, func(p prog, o func() *object) {
		p.reads()
		p.Thread("P0", func(t *schedule.Thread) {
			p.p.Assign(t, nil)
			workqueue.ScheduleWork(t, &o().work)
		})
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "44 pass, 1 use-after-free",
}, {
	// The item has a head of its own: its function may queue the object's.
	Name: "RCUWORK+kfree_rcu", Build: booted(
		func(t *schedule.Thread, o *object) { rcu.Call(t, &o.rcu) },
		func(p prog, o func() *object) {
			p.reads()
			p.Thread("P0", func(t *schedule.Thread) {
				p.p.Assign(t, nil)
				queue(t, o())
			})
		}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "69 pass",
}}
