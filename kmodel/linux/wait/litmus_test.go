package wait_test

import (
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type vars struct {
	schedule.Object
	q, q2 wait.Queue
	x, y  mem.Int
	lock  spin.Lock
	obj   schedule.Ptr[*object]
	woken schedule.Ptr[*woken]

	hostPtr   schedule.Ptr[*host]
	pollerPtr schedule.Ptr[*poller]
}

// A prog makes the programs of the tables: threads over a wait queue and its condition,
// that x is not 0.
type prog struct {
	*litmus.Program
	*vars
	r [8]litmus.Reg
}

func build(f func(p prog)) func(*litmus.Program) {
	return func(p *litmus.Program) { f(prog{p, litmus.Static[vars](p, "v"), p.Regs()}) }
}

// waitEvent is wait_event(q, x).
func (p prog) waitEvent(t *schedule.Thread) {
	for {
		p.q.PrepareToWait(t, wait.TaskUninterruptible)
		if p.x.ReadOnce(t) != 0 {
			break
		}
		wait.Schedule(t)
	}
	p.q.FinishWait(t)
}

// waitEventInterruptible is wait_event_interruptible(q, x). It reports whether x was seen.
func (p prog) waitEventInterruptible(t *schedule.Thread) (seen bool) {
	for {
		p.q.PrepareToWait(t, wait.TaskInterruptible)
		if seen = p.x.ReadOnce(t) != 0; seen || !wait.Schedule(t) {
			break
		}
	}
	p.q.FinishWait(t)
	return seen
}

// waitTested tests the condition once, before it is on the queue.
func (p prog) waitTested(t *schedule.Thread) {
	if p.x.ReadOnce(t) != 0 {
		return
	}
	p.q.PrepareToWait(t, wait.TaskUninterruptible)
	wait.Schedule(t)
	p.q.FinishWait(t)
}

// waitAdded is on the queue by add_wait_queue(), and sets its state itself.
func (p prog) waitAdded(t *schedule.Thread) {
	p.q.AddWaitQueue(t)
	for {
		wait.SetCurrentState(t, wait.TaskUninterruptible)
		if p.x.ReadOnce(t) != 0 {
			break
		}
		wait.Schedule(t)
	}
	wait.SetCurrentState(t, wait.TaskRunning)
	p.q.RemoveWaitQueue(t)
}

// wake makes the condition true and then wakes.
func (p prog) wake(t *schedule.Thread) {
	p.x.WriteOnce(t, 1)
	p.q.WakeUp(t)
}

// wakeActive wakes only if there is anybody to wake.
func (p prog) wakeActive(t *schedule.Thread) {
	p.x.WriteOnce(t, 1)
	if p.q.Active(t) {
		p.q.WakeUp(t)
	}
}

// wakeSleeper is wakeActive with smp_mb() in between.
func (p prog) wakeSleeper(t *schedule.Thread) {
	p.x.WriteOnce(t, 1)
	if p.q.HasSleeper(t) {
		p.q.WakeUp(t)
	}
}

// wakeActiveEarly looks for somebody to wake before it makes the condition true.
func (p prog) wakeActiveEarly(t *schedule.Thread) {
	active := p.q.Active(t)
	p.x.WriteOnce(t, 1)
	if active {
		p.q.WakeUp(t)
	}
}

// wakeEarly wakes, and then makes the condition true.
func (p prog) wakeEarly(t *schedule.Thread) {
	p.q.WakeUp(t)
	p.x.WriteOnce(t, 1)
}

// two makes a program of a waiter and a waker.
func two(waiter, waker func(p prog, t *schedule.Thread)) func(*litmus.Program) {
	return build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { waiter(p, t) })
		p.Thread("P1", func(t *schedule.Thread) { waker(p, t) })
	})
}

var litmusTests = []litmus.Test{{
	// The thread is on the queue before it tests. What makes x true later wakes it.
	Name: "WAIT+prepare+test", Build: two(prog.waitEvent, prog.wake),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "10 pass",
}, {
	// The wake-up comes between the test and prepare_to_wait(): it is lost, since nobody
	// is on the queue. (x, wake) fall into the one gap of the waiter's three steps.
	Name: "WAIT+test+prepare", Build: two(prog.waitTested, prog.wake),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "4 pass, 1 deadlock",
}, {
	// The waker wakes too early: the waiter finds x still false and sleeps.
	Name: "WAIT+wake+set", Build: two(prog.waitEvent, prog.wakeEarly),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "9 pass, 3 deadlock",
}, {
	// Store buffering, with the queue for one of the words: the waiter is on the queue
	// before it reads x, the waker writes x before it reads the queue.
	Name: "SB+waitqueue_active", Build: two(prog.waitEvent, prog.wakeActive),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "22 pass",
}, {
	// With store buffers the waker needs smp_mb() for that. The waiter has it in
	// prepare_to_wait().
	Name: "SB+waitqueue_active+tso", Build: two(prog.waitEvent, prog.wakeActive), TSO: true,
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "49 pass, 1 deadlock",
}, {
	Name: "SB+wq_has_sleeper+tso", Build: two(prog.waitEvent, prog.wakeSleeper), TSO: true,
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "34 pass",
}, {
	// The smp_mb() of set_current_state() is for who looks at the state, as every wake-up does:
	// were the state not in memory when x is read, it would wake nobody.
	Name: "SB+set_current_state+tso", Build: two(prog.waitAdded, prog.wake), TSO: true,
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "32 pass",
}, {
	// The look comes before the store: the waiter may come between the two. A store buffer
	// makes this of the row above, without the smp_mb() of the waker.
	Name: "SB+waitqueue_active-early", Build: two(prog.waitEvent, prog.wakeActiveEarly),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "8 pass, 1 deadlock",
}, {
	// Nobody wakes: no signal ends an uninterruptible sleep.
	Name: "SLEEP+uninterruptible", Build: build(func(p prog) { p.Thread("P0", p.waitEvent) }),
	Bad: schedule.Deadlock, Verdict: litmus.Always, Counts: "1 deadlock",
}, {
	// Nobody wakes: the signal comes, since a user may wait for ever.
	Name: "SLEEP+interruptible", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.waitEventInterruptible(t) })
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The signal says so: schedule() returns without a wake-up.
	Name: "SLEEP+signal", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.r[0].SetBool(p.waitEventInterruptible(t)) })
		p.Exists(func() bool { return p.r[0].Get() == 0 })
	}),
	Verdict: litmus.Always, Counts: "1 exists",
}, {
	// No signal comes while somebody else can still go on: the waiter is woken.
	Name: "SLEEP+signal+wake", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.r[0].SetBool(p.waitEventInterruptible(t)) })
		p.Thread("P1", p.wake)
		p.Exists(func() bool { return p.r[0].Get() == 0 })
	}),
	Verdict: litmus.Never, Counts: "10 pass",
}, {
	// A lost wake-up of an interruptible sleeper is no deadlock: the signal ends it.
	Name: "SLEEP+lost", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.waitEventInterruptible(t) })
		p.Thread("P1", p.wakeEarly)
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "12 pass",
}, {
	// Two sleepers, each interruptible: both get a signal.
	Name: "SLEEP+two", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.waitEventInterruptible(t) })
		p.Thread("P1", func(t *schedule.Thread) { p.waitEventInterruptible(t) })
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "120 pass",
}, {
	// The interruptible sleeper would wake the other on its way out, if it got a signal.
	// But the other is one that no signal wakes: it is hung until a user does something.
	Name: "SLEEP+signal+chain", Build: build(func(p prog) {
		p.Thread("P0", p.waitEvent)
		p.Thread("P1", func(t *schedule.Thread) {
			p.q2.PrepareToWait(t, wait.TaskInterruptible)
			wait.Schedule(t)
			p.q2.FinishWait(t)
			p.wake(t)
		})
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Always, Counts: "3 deadlock",
}, {
	// The signal stays pending: the next interruptible sleep returns at once too.
	Name: "SLEEP+signal+pending", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.r[0].SetBool(p.waitEventInterruptible(t))
			p.r[1].SetBool(p.waitEventInterruptible(t))
			p.y.WriteOnce(t, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if p.y.ReadOnce(t) != 0 {
				p.wake(t)
			}
		})
		p.Exists(func() bool { return p.r[0].Get() != 0 || p.r[1].Get() != 0 })
	}),
	Verdict: litmus.Never, Counts: "3 pass",
}, {
	// One wake_up() without exclusive waiters wakes both.
	Name: "WAKE+two", Build: build(func(p prog) {
		p.Thread("P0", p.waitEvent)
		p.Thread("P1", p.waitEvent)
		p.Thread("P2", p.wake)
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "3054 pass",
}, {
	// The wake-up comes between prepare_to_wait() and schedule(): schedule() returns at
	// once. One that comes before prepare_to_wait() is lost; this thread tests nothing.
	Name: "WAKE+schedule", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.q.PrepareToWait(t, wait.TaskUninterruptible)
			wait.Schedule(t)
			p.q.FinishWait(t)
		})
		p.Thread("P1", func(t *schedule.Thread) { p.q.WakeUpAll(t) })
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "1 pass, 1 deadlock",
}, {
	// A thread that is not on any queue is running: schedule() does not sleep.
	Name: "WAKE+running", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.q.PrepareToWait(t, wait.TaskInterruptible)
			p.q.FinishWait(t)
			p.r[0].SetBool(wait.Schedule(t))
		})
		p.Exists(func() bool { return p.r[0].Get() == 0 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// finish_wait() takes the thread off: waitqueue_active() is false afterwards.
	Name: "FINISH+active", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.q.PrepareToWait(t, wait.TaskUninterruptible)
			p.r[0].SetBool(!p.q.Active(t))
			p.q.FinishWait(t)
			p.r[1].SetBool(p.q.Active(t))
		})
		p.Exists(func() bool { return p.r[0].Get() != 0 || p.r[1].Get() != 0 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The look comes before or after the other thread has gone.
	Name: "OBSERVE+active", Build: build(func(p prog) {
		p.Observe(p.q.Active, func(t *schedule.Thread) {
			p.q.PrepareToWait(t, wait.TaskUninterruptible)
			p.q.FinishWait(t)
		})
	}),
	Verdict: litmus.Sometimes, Counts: "31 pass, 55 exists",
}, {
	// What finish_wait() has seen decides whether it has a second step. The wake-up comes
	// before the look or after it, and the queue is empty in both.
	Name: "OBSERVE+finish_wait", Build: build(func(p prog) {
		p.Observe(func(t *schedule.Thread) bool {
			p.q.PrepareToWait(t, wait.TaskUninterruptible)
			p.q.FinishWait(t)
			return true
		}, p.q.WakeUpAll)
	}),
	Verdict: litmus.Always, Counts: "78 exists",
}, {
	// A wake-up on another queue is none.
	Name: "WAKE+otherqueue", Build: build(func(p prog) {
		p.Thread("P0", p.waitEvent)
		p.Thread("P1", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			p.q2.WakeUp(t)
		})
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "9 pass, 1 deadlock",
}}

// TestWait runs the table.
func TestWait(t *testing.T) { litmus.Run(t, litmusTests) }

// TestLifetime runs the table of queues that are freed.
func TestLifetime(t *testing.T) { litmus.Run(t, lifetimeTests) }

// TestMisuse runs the table of what the package comment forbids.
func TestMisuse(t *testing.T) { litmus.Run(t, misuseTests) }

// TestCrowd: the 17th thread is told why it may not sleep, and the 13th why not exclusively.
func TestCrowd(t *testing.T) {
	for _, tt := range []struct {
		idle, waiters int
		want          string
	}{
		{15, 1, ""},
		{16, 1, "wait: thread 16 (waiter) may not sleep: threads 0 to 15 may"},
		{0, 12, ""},
		{0, 13, "wait: more than 12 wait exclusively"},
	} {
		got := crash(tt.idle, tt.waiters)
		if !strings.Contains(got, tt.want) || (got != "") != (tt.want != "") {
			t.Errorf("%d idle and %d waiters: %q, want %q", tt.idle, tt.waiters, got, tt.want)
		}
	}
}

// crash returns how a program of so many threads crashes.
func crash(idle, waiters int) (text string) {
	r := schedule.NewRunner(schedule.Program{Name: "crowd", New: func() func(*schedule.Exec) {
		v := new(vars)
		v.Bind(v, "v")
		return func(e *schedule.Exec) {
			e.Static(&v.Object, 0)
			for range idle {
				e.Go("idle", func(*schedule.Thread) {})
			}
			for range waiters {
				e.Go("waiter", func(t *schedule.Thread) {
					v.q.PrepareToWaitExclusive(t, wait.TaskInterruptible)
				})
			}
		}
	}})
	defer r.Close()
	defer func() {
		if c, _ := recover().(*schedule.Crash); c != nil {
			text = c.Error()
		}
	}()
	r.RunTape(nil)
	return ""
}

func TestContract(t *testing.T) {
	litmus.Contract(t, litmusTests, lifetimeTests, tailTests, misuseTests, exclusiveTests, addTests,
		headTests, pollTests)
}
