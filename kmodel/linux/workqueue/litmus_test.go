package workqueue_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/completion"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type global struct {
	schedule.Object
	x, y mem.Int
	work [3]workqueue.Work
	lock spin.Lock
	m    mutex.Mutex
	done completion.Completion
	p    rcu.Ptr[*object]
	keep schedule.Ptr[*object] // so that nothing leaks
}

// An object has a work item in it, and one that is queued after a grace period.
type object struct {
	schedule.Object
	x     mem.Int
	work  workqueue.Work
	rwork workqueue.RcuWork
	rcu   rcu.Head
}

// A prog makes the programs of the tables: threads over three work items and plain words.
// r[0] has a digit for each run of an item, in the order in which they started.
type prog struct {
	*litmus.Program
	*global
	r [8]litmus.Reg
}

// build makes a program with n kworkers.
func build(n int, f func(p prog)) func(*litmus.Program) {
	return func(lp *litmus.Program) {
		p := prog{lp, litmus.Static[global](lp, "g"), lp.Regs()}
		for i := range p.work {
			p.work[i].Init(func(t *schedule.Thread) { p.ran(i + 1) })
		}
		p.Agents(func(e *schedule.Exec) { workqueue.Boot(e, n) })
		f(p)
	}
}

func (p prog) ran(digit int) { p.r[0].Set(10*p.r[0].Get() + digit) }

// queues adds a thread that queues items, in that order.
func (p prog) queues(name string, items ...int) {
	p.Thread(name, func(t *schedule.Thread) {
		for _, i := range items {
			workqueue.ScheduleWork(t, &p.work[i])
		}
	})
}

// again has the runs of item 0 take a step, which is their end: 1 and 4.
func (p prog) again() {
	p.work[0].Init(func(t *schedule.Thread) {
		p.ran(1)
		p.x.Write(t, 1)
		p.ran(4)
	})
}

// unlike is the condition that the items have run in another order than these.
func (p prog) unlike(orders ...int) {
	p.Exists(func() bool {
		for _, o := range orders {
			if p.r[0].Get() == o {
				return false
			}
		}
		return true
	})
}

var litmusTests = []litmus.Test{{
	// One run for one schedule_work() that has returned true.
	Name: "WORK+once", Build: build(1, func(p prog) {
		p.queues("P0", 0)
		p.unlike(1)
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The second finds it pending, or it runs once more: in between, the worker has
	// cleared pending.
	Name: "WORK+twice", Build: build(1, func(p prog) {
		p.queues("P0", 0, 0)
		p.unlike(1)
	}),
	Verdict: litmus.Sometimes, Counts: "1 pass, 1 exists",
}, {
	// There are as many runs as calls that returned true.
	Name: "WORK+twice+true", Build: build(2, func(p prog) {
		for i, name := range []string{"P0", "P1"} {
			p.Thread(name, func(t *schedule.Thread) {
				p.r[i+1].SetBool(workqueue.ScheduleWork(t, &p.work[0]))
			})
		}
		p.work[0].Init(func(t *schedule.Thread) {
			p.x.Write(t, 1)
			p.r[0].Inc()
		})
		p.Exists(func() bool { return p.r[0].Get() != p.r[1].Get()+p.r[2].Get() })
	}),
	Verdict: litmus.Never, Counts: "20 pass",
}, {
	// The other thread queues the item too, before or after. (It comes back only when the
	// item has run.)
	Name: "OBSERVE+schedule_work", Build: build(1, func(p prog) {
		p.Observe(func(t *schedule.Thread) bool { return !workqueue.ScheduleWork(t, &p.work[0]) },
			func(t *schedule.Thread) { workqueue.ScheduleWork(t, &p.work[0]) })
		p.work[0].Init(func(*schedule.Thread) {})
	}),
	Verdict: litmus.Sometimes, Counts: "171 pass, 84 exists",
}, {
	// The function sees what was before the schedule_work().
	Name: "MP+work", Build: build(1, func(p prog) {
		p.work[0].Init(func(t *schedule.Thread) { p.r[1].SetBool(p.x.Read(t) == 0) })
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.Write(t, 1)
			workqueue.ScheduleWork(t, &p.work[0])
		})
		p.Exists(func() bool { return p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// Even if it returns false: the item is pending, so its function has not started and
	// will see x.
	Name: "MP+work+pending", Build: build(1, func(p prog) {
		p.work[0].Init(func(t *schedule.Thread) { p.r[1].Set(p.x.Read(t)) })
		p.queues("P0", 0)
		p.Thread("P1", func(t *schedule.Thread) {
			p.x.Write(t, 1)
			workqueue.ScheduleWork(t, &p.work[0])
		})
		p.Exists(func() bool { return p.r[1].Get() != 1 })
	}),
	Verdict: litmus.Never, Counts: "12 pass",
}, {
	// Pending is cleared before the function is called, so the item can be queued again
	// while it runs.
	Name: "WORK+requeue", Build: build(1, func(p prog) {
		p.work[0].Init(func(t *schedule.Thread) {
			if p.r[0].Inc() == 1 {
				p.r[1].SetBool(workqueue.ScheduleWork(t, &p.work[0]))
			}
			p.x.Write(t, 1)
		})
		p.queues("P0", 0)
		p.Exists(func() bool { return p.r[0].Get() != 2 || p.r[1].Get() != 1 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// Queued again while it runs, it waits for its own end, though a worker is idle.
	Name: "WORK+requeue+2workers", Build: build(2, func(p prog) {
		p.work[0].Init(func(t *schedule.Thread) {
			p.r[1].Max(p.r[0].Inc())
			p.x.Write(t, 1)
			p.x.Write(t, 2)
			p.r[0].Set(p.r[0].Get() - 1)
		})
		p.queues("P0", 0, 0)
		p.Exists(func() bool { return p.r[1].Get() > 1 })
	}),
	Verdict: litmus.Never, Counts: "14 pass",
}, {
	// Items of one CPU start in order.
	Name: "FIFO+cpu", Build: build(1, func(p prog) {
		p.queues("P0", 0, 1, 2)
		p.unlike(123)
	}),
	Verdict: litmus.Never, Counts: "5 pass",
}, {
	// With two workers too: start in order, that is, not end.
	Name: "FIFO+cpu+2workers", Build: build(2, func(p prog) {
		p.queues("P0", 0, 1, 2)
		p.unlike(123)
	}),
	Verdict: litmus.Never, Counts: "40 pass",
}, {
	// The second may end before the first has.
	Name: "FIFO+ends+2workers", Build: build(2, func(p prog) {
		for i := range 2 {
			p.work[i].Init(func(t *schedule.Thread) {
				p.x.Read(t)
				p.ran(i + 1)
			})
		}
		p.queues("P0", 0, 1)
		p.unlike(12)
	}),
	Verdict: litmus.Sometimes, Counts: "16 pass, 4 exists",
}, {
	// With one worker they run one after the other.
	Name: "FIFO+ends", Build: build(1, func(p prog) {
		for i := range 2 {
			p.work[i].Init(func(t *schedule.Thread) {
				p.x.Read(t)
				p.ran(i + 1)
			})
		}
		p.queues("P0", 0, 1)
		p.unlike(12)
	}),
	Verdict: litmus.Never, Counts: "3 pass",
}, {
	// Items of two CPUs start in any order, even if one was queued after the other.
	Name: "FIFO+2cpus", Build: build(1, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			workqueue.ScheduleWork(t, &p.work[0])
			p.x.Write(t, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if p.x.Read(t) == 1 {
				workqueue.ScheduleWork(t, &p.work[1])
			}
		})
		p.Exists(func() bool { return p.r[0].Get() == 21 })
	}),
	Verdict: litmus.Sometimes, Counts: "9 pass, 1 exists",
}, {
	// Queued again while it runs, an item is set aside for the worker that runs it, and
	// the one behind it is started by the other (move_linked_works() of a collision). So
	// the first run may wait for the second item.
	Name: "FIFO+collision", Build: build(2, func(p prog) {
		p.work[0].Init(func(t *schedule.Thread) {
			if p.r[1].Inc() == 1 {
				p.done.WaitForCompletion(t)
			}
		})
		p.work[1].Init(p.done.Complete)
		p.queues("P0", 0, 0, 1)
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "8 pass",
}, {
	// The one behind may start when the first run has ended already, and the second has not begun:
	// the other worker has come to it by then. (4 is the end of a run.)
	Name: "FIFO+collision+end", Build: build(2, func(p prog) {
		p.again()
		p.queues("P0", 0, 0, 1)
		p.Exists(func() bool { return p.r[0].Get() == 14214 })
	}),
	Verdict: litmus.Sometimes, Counts: "96 pass, 16 exists",
}, {
	// A single worker comes to it when it is done with the first.
	Name: "FIFO+again", Build: build(1, func(p prog) {
		p.again()
		p.queues("P0", 0, 0, 1)
		p.unlike(14142, 142)
	}),
	Verdict: litmus.Never, Counts: "10 pass",
}, {
	// Nor has the item an order with what comes after it on the CPU that queues it again: it goes
	// to the CPU on which it runs (last_pool).
	Name: "FIFO+last_pool", Build: build(1, func(p prog) {
		p.again()
		p.queues("P0", 0)
		p.queues("P1", 0, 1)
		p.Exists(func() bool { return p.r[0].Get() == 14214 })
	}),
	Verdict: litmus.Sometimes, Counts: "25 pass, 11 exists",
}, {
	// Or before it.
	Name: "FIFO+last_pool+before", Build: build(1, func(p prog) {
		p.again()
		p.queues("P0", 0)
		p.queues("P1", 1, 0)
		p.Exists(func() bool { return p.r[0].Get() == 14142 })
	}),
	Verdict: litmus.Sometimes, Counts: "31 pass, 3 exists",
}, {
	// There it waits for its turn, behind what that CPU has queued.
	Name: "FIFO+last_pool+turn", Build: build(1, func(p prog) {
		p.again()
		p.Thread("P0", func(t *schedule.Thread) {
			workqueue.ScheduleWork(t, &p.work[0])
			workqueue.ScheduleWork(t, &p.work[1])
			p.y.Write(t, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if p.y.Read(t) == 1 {
				workqueue.ScheduleWork(t, &p.work[0])
				p.r[1].SetBool(p.r[0].Get() == 1) // while it runs
			}
		})
		p.Exists(func() bool { return p.r[1].Get() == 1 && p.r[0].Get() != 14214 })
	}),
	Verdict: litmus.Never, Counts: "88 pass",
}, {
	// The only worker waits for an item that is behind it.
	Name: "FIFO+wait", Build: build(1, func(p prog) {
		p.work[0].Init(p.done.WaitForCompletion)
		p.work[1].Init(p.done.Complete)
		p.queues("P0", 0, 1)
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Always, Counts: "2 deadlock",
}, {
	// Another worker runs it.
	Name: "FIFO+wait+2workers", Build: build(2, func(p prog) {
		p.work[0].Init(p.done.WaitForCompletion)
		p.work[1].Init(p.done.Complete)
		p.queues("P0", 0, 1)
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "4 pass",
}, {
	// The function is in process context: it may sleep.
	Name: "SLEEP", Build: build(1, func(p prog) {
		p.work[0].Init(func(t *schedule.Thread) {
			p.m.Lock(t)
			p.m.Unlock(t)
		})
		p.queues("P0", 0)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// schedule_work() itself does not sleep.
	Name: "SLEEP+schedule_work", Build: build(1, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.lock.LockIrq(t)
			workqueue.ScheduleWork(t, &p.work[0])
			p.lock.UnlockIrq(t)
		})
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Never, Counts: "2 pass",
}, {
	// The function returns with a lock held ("workqueue leaked lock").
	Name: "MISUSE+exit", Build: build(1, func(p prog) {
		p.work[0].Init(p.m.Lock)
		p.queues("P0", 0)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}}

// TestWork runs the table.
func TestWork(t *testing.T) { litmus.Run(t, litmusTests) }

// TestLifetime runs the table of items in objects that are freed.
func TestLifetime(t *testing.T) { litmus.Run(t, lifetimeTests) }

// TestRcuWork runs the table of rcu_work.
func TestRcuWork(t *testing.T) { litmus.Run(t, rcuTests) }

// TestFlush runs the table of who waits for an item.
func TestFlush(t *testing.T) { litmus.Run(t, flushTests) }

// TestCancel runs the table of who takes one off the queue.
func TestCancel(t *testing.T) { litmus.Run(t, cancelTests) }

func TestContract(t *testing.T) {
	litmus.Contract(t, litmusTests, lifetimeTests, rcuTests, flushTests, cancelTests)
}

func kfree(t *schedule.Thread, o *object) { slab.Free(t, "kfree", o) }
