package wait_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A host has the queue in it, as the sighand_struct of a process has signalfd_wqh.
type host struct {
	schedule.Object
	q   wait.Head[*poller]
	rcu rcu.Head
}

func (h *host) free(t *schedule.Thread) { slab.Free(t, "kfree", h) }

// A poller waits there, as the eppoll_entry of an epoll instance does.
type poller struct {
	schedule.Object
	entry wait.Entry[*poller]
	whead mem.Ptr[*wait.Head[*poller]]
	key   mem.Int // with which it was woken last
	turn  mem.Int // when; 0: never

	hears bool // whether it leaves when the queue dies
	ret   int  // what its function returns
	p     *polls
}

// WaitEntry implements [wait.Waiter].
func (w *poller) WaitEntry() *wait.Entry[*poller] { return &w.entry }

// wake is the wake function. That of who hears is ep_poll_callback() since 4.13: it leaves,
// and forgets the queue last.
func (w *poller) wake(t *schedule.Thread, key int) int {
	w.key.Write(t, key)
	w.turn.Write(t, w.p.r[0].Inc())
	if key&wait.Pollfree != 0 && w.hears {
		wait.DelInit(t, w)
		w.whead.StoreRelease(t, nil)
	}
	return w.ret
}

// leave is ep_remove_wait_queue().
func (w *poller) leave(t *schedule.Thread) {
	rcu.ReadLock(t)
	if q := w.whead.LoadAcquire(t); q != nil {
		q.RemoveWaitQueue(t, w)
	}
	rcu.ReadUnlock(t)
}

// polls is a program of two pollers at a queue.
type polls struct {
	prog
	host    *host
	pollers [2]*poller
}

// polling makes such a program: begin puts the pollers on the queue, or not.
func polling(begin func(p *polls),
	threads ...func(p *polls, t *schedule.Thread)) func(*litmus.Program) {
	return build(func(q prog) {
		p := &polls{prog: q}
		hosts := slab.NewCache("host", func(h *host) { h.rcu.Init(h.free) })
		for i := range p.pollers {
			w := litmus.Static[poller](q.Program, []string{"w0", "w1"}[i])
			w.p, w.hears, w.ret = p, true, 1
			w.entry.InitFunc(w.wake)
			p.pollers[i] = w
		}
		p.Begin(func(e *schedule.Exec) {
			p.host = hosts.AllocBoot(e)
			p.hostPtr.Put(p.host)
			for _, w := range p.pollers {
				w.whead.Init(&p.host.q)
			}
			if begin != nil {
				begin(p)
			}
		})
		for i, f := range threads {
			p.Thread([]string{"P0", "P1", "P2"}[i], func(t *schedule.Thread) { f(p, t) })
		}
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, rcu.Merged) })
	})
}

// both has both of them wait, w1 in front, before the first step.
func both(p *polls) {
	for _, w := range p.pollers {
		p.host.q.Init(w)
	}
}

// addBoth has both of them wait exclusively.
func addBoth(p *polls, t *schedule.Thread) {
	for _, w := range p.pollers {
		p.host.q.AddWaitQueueExclusive(t, w)
	}
}

// deaf has w0 wait, as io_uring does: it does not hear of the end of the queue.
func deaf(p *polls) {
	p.pollers[0].hears = false
	p.host.q.Init(p.pollers[0])
}

// one has w0 wait.
func one(p *polls) { p.host.q.Init(p.pollers[0]) }

func leaves0(p *polls, t *schedule.Thread) { p.pollers[0].leave(t) }

// A death is the end of the queue.
type death func(p *polls, t *schedule.Thread)

// silent frees it and says nothing: signalfd up to 3.2.
func silent(p *polls, t *schedule.Thread) { p.host.free(t) }

// polled is signalfd_cleanup() up to 5.15.
func polled(p *polls, t *schedule.Thread) {
	if p.host.q.Active(t) {
		p.host.q.WakeUp(t, wait.Epollhup|wait.Pollfree)
	}
	rcu.Call(t, &p.host.rcu)
}

// pollfree is that since 5.16.
func pollfree(p *polls, t *schedule.Thread) {
	p.host.q.WakeUpPollfree(t)
	rcu.Call(t, &p.host.rcu)
}

// hasty has no grace period.
func hasty(p *polls, t *schedule.Thread) {
	p.host.q.WakeUpPollfree(t)
	p.host.free(t)
}

// alone has two exclusive pollers, and then the end of the queue; then both leave.
func alone(f death) func(*litmus.Program) {
	return polling(nil, func(p *polls, t *schedule.Thread) {
		addBoth(p, t)
		f(p, t)
		rcu.Barrier(t) // the queue has been freed
		for _, w := range p.pollers {
			w.leave(t)
		}
	})
}

// walk makes a program of a wake-up of two, of whom w1 is in front. The bad outcome is about
// the turns in which they have been woken.
func walk(begin func(p *polls), wakeUp func(p *polls, t *schedule.Thread),
	bad func(w0, w1 int) bool) func(*litmus.Program) {
	return func(q *litmus.Program) {
		var p *polls
		polling(func(r *polls) { p = r; begin(r) }, wakeUp)(q)
		q.Exists(func() bool { return bad(p.pollers[0].turn.Peek(), p.pollers[1].turn.Peek()) })
	}
}

var headTests = []litmus.Test{{
	// The last to be added is the first to be woken.
	Name: "WALK+order", Build: walk(both, func(p *polls, t *schedule.Thread) {
		p.host.q.WakeUp(t, 0)
	}, func(w0, w1 int) bool { return w0 != 2 || w1 != 1 }),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// Of those that wait exclusively, the first to be added, and no other.
	Name: "WALK+exclusive", Build: walk(func(*polls) {}, func(p *polls, t *schedule.Thread) {
		addBoth(p, t)
		p.host.q.WakeUp(t, wait.Epollin)
	}, func(w0, w1 int) bool { return w0 != 1 || w1 != 0 }),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// Unless its function says that it has not woken anybody: EPOLLEXCLUSIVE, and nobody is
	// in epoll_wait().
	Name: "WALK+exclusive+nobody", Build: walk(func(p *polls) { p.pollers[0].ret = 0 },
		func(p *polls, t *schedule.Thread) {
			addBoth(p, t)
			p.host.q.WakeUp(t, wait.Epollin)
		}, func(w0, w1 int) bool { return w0 != 1 || w1 != 2 }),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// wake_up_all() does not count.
	Name: "WALK+exclusive+all", Build: walk(func(*polls) {}, func(p *polls, t *schedule.Thread) {
		addBoth(p, t)
		p.host.q.WakeUpAll(t, wait.Epollin)
	}, func(w0, w1 int) bool { return w0 != 1 || w1 != 2 }),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// Who is not exclusive is in front.
	Name: "WALK+mixed", Build: walk(func(*polls) {}, func(p *polls, t *schedule.Thread) {
		p.host.q.AddWaitQueueExclusive(t, p.pollers[0])
		p.host.q.AddWaitQueue(t, p.pollers[1])
		p.host.q.WakeUp(t, wait.Epollin)
	}, func(w0, w1 int) bool { return w0 != 2 || w1 != 1 }),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// A function that returns less than 0 ends the walk.
	Name: "WALK+stop", Build: walk(func(p *polls) { both(p); p.pollers[1].ret = -1 },
		func(p *polls, t *schedule.Thread) { p.host.q.WakeUpAll(t, 0) },
		func(w0, w1 int) bool { return w0 != 0 || w1 != 1 }),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The queue is gone when w0 leaves it.
	Name: "POLLFREE+none", Build: polling(one, leaves0, silent),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "2 pass, 5 use-after-free",
}, {
	// It hears of that, and there is a grace period for whoever has found the queue before.
	Name: "POLLFREE+wake_up_poll", Build: polling(one, leaves0, polled),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "273 pass",
}, {
	Name: "POLLFREE+wake_up_pollfree", Build: polling(one, leaves0, pollfree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "679 pass",
}, {
	// There is none.
	Name: "POLLFREE+hasty", Build: polling(one, leaves0, hasty),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "453 pass, 217 use-after-free",
}, {
	// wake_up_poll() wakes one of two that wait exclusively, and the other does not hear of it.
	Name: "POLLFREE+wake_up_poll+exclusive", Build: alone(polled),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "3 use-after-free",
}, {
	// 42288cb44c4b (5.16): wake_up_pollfree() wakes both.
	Name: "POLLFREE+wake_up_pollfree+exclusive", Build: alone(pollfree),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "3 pass",
}, {
	// __wake_up_common() of 4.20 has a lockdep_assert_held(), that of 4.15 had not.
	Name: "MISUSE+wake_up_locked", Build: polling(one, func(p *polls, t *schedule.Thread) {
		p.host.q.WakeUpLocked(t, 1, 0)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// Whoever does not know of POLLFREE stays, and is warned of.
	Name: "POLLFREE+deaf", Build: polling(deaf, pollfree),
	Bad: schedule.BugOn, Verdict: litmus.Always, Counts: "1 kernel-bug",
}, {
	// The kernel goes on after that.
	Name: "POLLFREE+deaf+mute", Build: polling(deaf, leaves0, pollfree),
	Mute: schedule.KindSet(schedule.BugOn),
	Bad:  schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "637 pass, 15 use-after-free",
}, {
	// The entry is freed while it is queued: the wake-up finds out.
	Name: "POLLFREE+entry", Build: build(func(p prog) {
		pollers := slab.NewCache("poller", func(w *poller) { w.entry.InitFunc(w.wake) })
		hosts := slab.NewCache[host]("host", nil)
		p.Begin(func(e *schedule.Exec) {
			h, w := hosts.AllocBoot(e), pollers.AllocBoot(e)
			p.hostPtr.Put(h)
			w.p = &polls{prog: p}
			h.q.Init(w)
			p.pollerPtr.Put(w)
		})
		p.Thread("P0", func(t *schedule.Thread) { slab.Free(t, "kfree", p.pollerPtr.Get()) })
		p.Thread("P1", func(t *schedule.Thread) { p.hostPtr.Get().q.WakeUp(t, 0) })
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "2 pass, 5 use-after-free",
}}

// TestHead runs the table of wake functions.
func TestHead(t *testing.T) { litmus.Run(t, headTests) }
