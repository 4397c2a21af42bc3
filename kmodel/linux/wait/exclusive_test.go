package wait_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// set is the condition.
func (p prog) set(t *schedule.Thread) bool { return p.x.ReadOnce(t) != 0 }

// never is a condition for nobody.
func never(*schedule.Thread) bool { return false }

func (p prog) waitExclusive(t *schedule.Thread) { p.q.WaitEventExclusive(t, p.set) }

// sleepExclusive sleeps once without a condition, and says in r whether it was woken.
func (p prog) sleepExclusive(t *schedule.Thread, r litmus.Reg) {
	p.q.PrepareToWaitExclusive(t, wait.TaskInterruptible)
	r.SetBool(wait.Schedule(t))
	p.q.FinishWait(t)
}

// sleepShared is sleepExclusive of who does not wait exclusively.
func (p prog) sleepShared(t *schedule.Thread, r litmus.Reg) {
	p.q.PrepareToWait(t, wait.TaskInterruptible)
	r.SetBool(wait.Schedule(t))
	p.q.FinishWait(t)
}

// crowd makes a program of two exclusive waiters for x and somebody who makes x true and wakes.
func crowd(wakeUp func(p prog, t *schedule.Thread)) func(*litmus.Program) {
	return build(func(p prog) {
		p.Thread("P0", p.waitExclusive)
		p.Thread("P1", p.waitExclusive)
		p.Thread("P2", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			wakeUp(p, t)
		})
	})
}

// herd makes a program of two sleepers and one wake_up(). The bad outcome is that both wake up.
func herd(a, b func(p prog, t *schedule.Thread, r litmus.Reg)) func(*litmus.Program) {
	return build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { a(p, t, p.r[0]) })
		p.Thread("P1", func(t *schedule.Thread) { b(p, t, p.r[1]) })
		p.Thread("P2", p.q.WakeUp)
		p.Exists(func() bool { return p.r[0].Get()+p.r[1].Get() == 2 })
	})
}

// inOrder makes a program of two sleepers, of whom the second comes when the first is there,
// and a wake-up when both are. finish is what the first does instead of sleeping.
func inOrder(second func(p prog, t *schedule.Thread, r litmus.Reg), finish bool,
	bad func(r0, r1 int) bool) func(*litmus.Program) {
	return build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.q.PrepareToWaitExclusive(t, wait.TaskInterruptible)
			p.y.WriteOnce(t, 1)
			if !finish {
				p.r[0].SetBool(wait.Schedule(t))
			}
			p.q.FinishWait(t)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if p.y.ReadOnce(t) == 1 {
				second(p, t, p.r[1])
			}
		})
		p.Thread("P2", func(t *schedule.Thread) {
			if p.y.ReadOnce(t) == 1 {
				p.q.WakeUp(t)
			}
		})
		p.Exists(func() bool { return bad(p.r[0].Get(), p.r[1].Get()) })
	})
}

// A giveUp is how an interruptible exclusive waiter waits for x. It reports whether it has
// seen that; else there is a signal.
type giveUp func(p prog, t *schedule.Thread) bool

// finishes is __wait_event_interruptible_exclusive() up to 2.6.28.
func finishes(p prog, t *schedule.Thread) bool { return p.until(t, p.q.FinishWait) }

// aborts is the same in 2.6.29 to 3.12.
func aborts(p prog, t *schedule.Thread) bool { return p.until(t, p.q.AbortExclusiveWait) }

// stays is __wait_event_exclusive_cmd().
func stays(p prog, t *schedule.Thread) bool {
	p.waitExclusive(t)
	return true
}

// waitsEvent is the same as finishes in 4.9.
func waitsEvent(p prog, t *schedule.Thread) bool {
	return p.q.WaitEventInterruptibleExclusive(t, p.set)
}

// leaves is waitsEvent without the test between the look for a signal and the return.
func leaves(p prog, t *schedule.Thread) bool {
	for p.q.PrepareToWaitEvent(t, wait.TaskInterruptible, true) {
		if p.set(t) {
			p.q.FinishWait(t)
			return true
		}
		wait.Schedule(t)
	}
	return false
}

func (p prog) until(t *schedule.Thread, abort func(*schedule.Thread)) bool {
	for {
		p.q.PrepareToWaitExclusive(t, wait.TaskInterruptible)
		if p.set(t) {
			p.q.FinishWait(t)
			return true
		}
		if wait.SignalPending(t) {
			abort(t)
			return false
		}
		wait.Schedule(t)
	}
}

// signalled makes a program of two exclusive waiters, of whom P0 gets a signal. If it has got
// what it waited for it wakes the next when it is through. The bad outcome is that P1 waits
// until nothing else can happen.
func signalled(f, other giveUp, when order) func(*litmus.Program) {
	return build(func(p prog) {
		var p0 *schedule.Thread
		p.Agents(func(e *schedule.Exec) {
			p0 = e.Go("P0", func(t *schedule.Thread) {
				if f(p, t) {
					p.q.WakeUp(t)
				}
			})
		})
		p.Thread("P1", func(t *schedule.Thread) {
			other(p, t)
			p.r[1].SetBool(t.Interrupted())
		})
		p.Thread("P2", func(t *schedule.Thread) {
			if when == early {
				wait.SendSignal(t, p0)
			}
			p.wake(t)
			if when == late {
				wait.SendSignal(t, p0)
			}
		})
		p.Exists(func() bool { return p.r[1].Get() == 1 })
	})
}

// An order is whether the signal is sent before the wake-up, or after it.
type order int

const (
	early order = iota
	late
)

var exclusiveTests = []litmus.Test{{
	// One wake-up, and two who sleep for it: the other sleeps on. (In 20 executions both sleep;
	// in 12 the first has seen x and is about to leave, and is woken all the same.)
	Name: "EXCL+two+one", Build: crowd(func(p prog, t *schedule.Thread) { p.q.WakeUp(t) }),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "5796 pass, 32 deadlock",
}, {
	// Two wake-ups.
	Name: "EXCL+two+nr", Build: crowd(func(p prog, t *schedule.Thread) { p.q.WakeUpNr(t, 2) }),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "9718 pass",
}, {
	Name: "EXCL+two+all", Build: crowd(func(p prog, t *schedule.Thread) { p.q.WakeUpAll(t) }),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "9718 pass",
}, {
	// The herd: all that wait run, for something that one of them will get.
	Name: "HERD+shared", Build: herd(prog.sleepShared, prog.sleepShared),
	Verdict: litmus.Sometimes, Counts: "46 pass, 12 exists",
}, {
	Name: "HERD+exclusive", Build: herd(prog.sleepExclusive, prog.sleepExclusive),
	Verdict: litmus.Never, Counts: "48 pass",
}, {
	// Who waits exclusively does not keep others from being woken, whoever came first.
	Name: "HERD+mixed", Build: herd(prog.sleepExclusive, prog.sleepShared),
	Verdict: litmus.Sometimes, Counts: "46 pass, 12 exists",
}, {
	// First come, first woken: P1 is not while P0 sleeps.
	Name: "ORDER+exclusive", Build: inOrder(prog.sleepExclusive, false,
		func(r0, r1 int) bool { return r0 == 0 && r1 == 1 }),
	Verdict: litmus.Never, Counts: "63 pass",
}, {
	// P0 is there and does not sleep: the wake-up passes it over.
	Name: "ORDER+exclusive+running", Build: inOrder(prog.sleepExclusive, true,
		func(_, r1 int) bool { return r1 == 1 }),
	Verdict: litmus.Sometimes, Counts: "73 pass, 66 exists",
}, {
	// P1 is in front of P0, although it has come later: P0 alone is woken only if P1 is not
	// there yet.
	Name: "ORDER+shared", Build: inOrder(prog.sleepShared, false,
		func(r0, r1 int) bool { return r0 == 1 && r1 == 1 }),
	Verdict: litmus.Sometimes, Counts: "60 pass, 18 exists",
}, {
	// Who is first is told so, in 5.15.
	Name: "OBSERVE+first", Build: build(func(p prog) {
		p.Observe(func(t *schedule.Thread) bool {
			first := p.q.PrepareToWaitExclusive(t, wait.TaskUninterruptible)
			p.q.FinishWait(t)
			return first
		}, func(t *schedule.Thread) {
			p.q.PrepareToWait(t, wait.TaskUninterruptible)
			p.q.FinishWait(t)
		})
	}),
	Verdict: litmus.Sometimes, Counts: "105 pass, 280 exists",
}, {
	// The signal is there before P0 looks for one, and P0 is still on the queue when the
	// wake-up comes: it gives up with the wake-up in its pocket, and P1 sleeps on.
	Name: "SIGNAL+finish_wait", Build: signalled(finishes, waitsEvent, early),
	Verdict: litmus.Sometimes, Counts: "137369 pass, 422 exists",
}, {
	// 777c6c5f1f6e (2.6.29): it finds itself off the queue, and wakes the next.
	Name: "SIGNAL+abort_exclusive_wait", Build: signalled(aborts, waitsEvent, early),
	Verdict: litmus.Never, Counts: "140757 pass",
}, {
	// The next, that is, in TASK_INTERRUPTIBLE: it passes the mode on that it is called with.
	Name: "SIGNAL+abort_exclusive_wait+uninterruptible", Build: signalled(aborts, stays, early),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "140335 pass, 422 deadlock",
}, {
	// In 4.9 it leaves the queue first and then tests the condition: either it has left
	// before the wake-up came, or it sees what that was for.
	Name: "SIGNAL+prepare_to_wait_event", Build: signalled(waitsEvent, waitsEvent, early),
	Verdict: litmus.Never, Counts: "143435 pass",
}, {
	Name: "SIGNAL+prepare_to_wait_event+uninterruptible", Build: signalled(waitsEvent, stays, early),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "143435 pass",
}, {
	// Nor does it matter that the signal comes later.
	Name: "SIGNAL+prepare_to_wait_event+late", Build: signalled(waitsEvent, waitsEvent, late),
	Verdict: litmus.Never, Counts: "79708 pass",
}, {
	// To leave without a look at the condition is no good: it has been woken, and then it sees
	// the signal.
	Name: "SIGNAL+prepare_to_wait_event+leave", Build: signalled(leaves, waitsEvent, late),
	Verdict: litmus.Sometimes, Counts: "32374 pass, 14 exists",
}, {
	// A signal ends an interruptible sleep, and no other.
	Name: "SIGNAL+interruptible", Build: build(func(p prog) { p.sends(p.q.WaitEventInterruptible) }),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "2 pass",
}, {
	Name: "SIGNAL+uninterruptible", Build: build(func(p prog) {
		p.sends(func(t *schedule.Thread, f func(*schedule.Thread) bool) bool {
			p.q.WaitEvent(t, f)
			return true
		})
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Always, Counts: "2 deadlock",
}, {
	// Whoever has been woken by a signal is passed over by the wake-up: P1 gets it.
	Name: "SIGNAL+passed", Build: build(func(p prog) {
		var p0 *schedule.Thread
		p.Agents(func(e *schedule.Exec) {
			p0 = e.Go("P0", func(t *schedule.Thread) {
				p.q.PrepareToWaitExclusive(t, wait.TaskInterruptible)
				wait.Schedule(t)
				p.y.WriteOnce(t, 1)
				p.q.FinishWait(t)
			})
		})
		p.Thread("P1", func(t *schedule.Thread) { p.sleepExclusive(t, p.r[1]) })
		p.Thread("P2", func(t *schedule.Thread) {
			wait.SendSignal(t, p0)
			if p.y.ReadOnce(t) == 0 {
				p.q.WakeUp(t)
			}
		})
		p.Exists(func() bool { return p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "120 pass, 773 exists",
}, {
	// signal_pending() is a look at a moment.
	Name: "OBSERVE+signal_pending", Build: build(func(p prog) {
		var reader *schedule.Thread
		p.Observe(func(t *schedule.Thread) bool {
			reader = t
			p.y.WriteOnce(t, 1)
			return wait.SignalPending(t)
		}, func(t *schedule.Thread) {
			if p.y.ReadOnce(t) != 0 {
				wait.SendSignal(t, reader)
			}
		})
	}),
	Verdict: litmus.Sometimes, Counts: "40 pass, 15 exists",
}, {
	// wake_up_interruptible() does not wake who sleeps otherwise.
	Name: "WAKE+interruptible", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.q.WaitEvent(t, p.set) })
		p.Thread("P1", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			p.q.WakeUpInterruptible(t)
		})
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "11 pass, 1 deadlock",
}, {
	Name: "WAKE+interruptible+interruptible", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.r[0].SetBool(!p.q.WaitEventInterruptible(t, p.set))
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			p.q.WakeUpInterruptible(t)
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "12 pass",
}}

// sends has P0 wait for what never comes, and a signal sent to it.
func (p prog) sends(wait_ func(*schedule.Thread, func(*schedule.Thread) bool) bool) {
	var p0 *schedule.Thread
	p.Agents(func(e *schedule.Exec) {
		p0 = e.Go("P0", func(t *schedule.Thread) { wait_(t, never) })
	})
	p.Thread("P1", func(t *schedule.Thread) { wait.SendSignal(t, p0) })
}

// addTests is add_wait_queue() and what goes with it.
var addTests = []litmus.Test{{
	// The state is set before each test: what makes x true later takes it back.
	Name: "ADD+state+test", Build: two(func(p prog, t *schedule.Thread) {
		p.q.AddWaitQueue(t)
		for {
			wait.SetCurrentState(t, wait.TaskUninterruptible)
			if p.set(t) {
				break
			}
			wait.Schedule(t)
		}
		wait.SetCurrentState(t, wait.TaskRunning)
		p.q.RemoveWaitQueue(t)
	}, prog.wake),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "16 pass",
}, {
	// It is set after the test: the wake-up between the two finds a thread that runs.
	Name: "ADD+test+state", Build: two(func(p prog, t *schedule.Thread) {
		p.q.AddWaitQueue(t)
		for !p.set(t) {
			wait.SetCurrentState(t, wait.TaskUninterruptible)
			wait.Schedule(t)
		}
		p.q.RemoveWaitQueue(t)
	}, prog.wake),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "9 pass, 1 deadlock",
}, {
	// Set once, it does not last for a second round, in which schedule() returns at once.
	Name: "ADD+state+once", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.q.AddWaitQueue(t)
			wait.SetCurrentState(t, wait.TaskUninterruptible)
			wait.Schedule(t)
			wait.Schedule(t)
			p.r[0].SetBool(!p.set(t))
			p.q.RemoveWaitQueue(t)
		})
		p.Thread("P1", p.wakeEarly)
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "3 pass, 2 exists, 5 deadlock",
}, {
	// A thread that stays on the queue is woken again.
	Name: "ADD+twice", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.q.AddWaitQueue(t)
			for p.x.ReadOnce(t) < 2 {
				wait.SetCurrentState(t, wait.TaskUninterruptible)
				if p.x.ReadOnce(t) < 2 {
					wait.Schedule(t)
				}
			}
			p.q.RemoveWaitQueue(t)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.wake(t)
			p.x.WriteOnce(t, 2)
			p.q.WakeUp(t)
		})
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "242 pass",
}, {
	// remove_wait_queue() takes the lock, so it waits for the end of the wake-up: TAIL+free
	// without the failure.
	Name: "ADD+free", Build: onWoken(nil, func(_ prog, o *woken, t *schedule.Thread) {
		o.q.AddWaitQueue(t)
		wait.SetCurrentState(t, wait.TaskUninterruptible)
		wait.Schedule(t)
		o.q.RemoveWaitQueue(t)
		o.free(t)
	}, wakes),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "2 pass, 2 deadlock",
}, {
	// Two exclusive waiters, both of whom stay; the second is woken while the first runs.
	Name: "ADD+exclusive", Build: build(func(p prog) {
		sleep := func(t *schedule.Thread) {
			p.q.AddWaitQueueExclusive(t)
			wait.SetCurrentState(t, wait.TaskUninterruptible)
			if !p.set(t) {
				wait.Schedule(t)
			}
			p.q.RemoveWaitQueue(t)
		}
		p.Thread("P0", sleep)
		p.Thread("P1", sleep)
		p.Thread("P2", func(t *schedule.Thread) {
			p.wake(t)
			p.q.WakeUp(t)
		})
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "11510 pass",
}, {
	// The entry is on the stack of a thread that is gone: no finish_wait().
	Name: "MISUSE+return", Build: two(func(p prog, t *schedule.Thread) {
		p.q.PrepareToWait(t, wait.TaskInterruptible)
	}, func(p prog, t *schedule.Thread) { p.q.WakeUp(t) }),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "1 pass, 1 use-after-free",
}, {
	Name: "MISUSE+return+exclusive", Build: two(func(p prog, t *schedule.Thread) {
		p.q.PrepareToWaitExclusive(t, wait.TaskInterruptible)
	}, func(p prog, t *schedule.Thread) { p.q.WakeUp(t) }),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "1 pass, 1 use-after-free",
}, {
	Name: "MISUSE+add+add", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.q.AddWaitQueue(t)
			p.q.AddWaitQueue(t)
		})
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	Name: "MISUSE+remove+remove", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.q.AddWaitQueue(t)
			p.q.RemoveWaitQueue(t)
			p.q.RemoveWaitQueue(t)
		})
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}}

// TestExclusive runs the table of who waits exclusively, and of signals.
func TestExclusive(t *testing.T) { litmus.Run(t, exclusiveTests) }

// TestAdd runs the table of add_wait_queue().
func TestAdd(t *testing.T) { litmus.Run(t, addTests) }
