// Package wait is the wait queue (include/linux/wait.h): how a thread sleeps for
// a condition without losing the wake-up.
//
// The order that the kernel prescribes is a model's to keep, step by step, as
// wait_event() does:
//
//	for {
//		q.PrepareToWait(t)
//		if condition(t) || !wait.Schedule(t) {
//			break
//		}
//	}
//	q.FinishWait(t)
//
// A wake-up between the test and Schedule makes Schedule return at once. One that
// comes before PrepareToWait is lost, which is why the condition is tested after
// it.
//
// Steps: PrepareToWait one (queued and no longer running, under the queue's lock),
// Schedule one, enabled when the thread has been woken, FinishWait one, and a second
// that touches the queue if the thread finds itself still on it; Active one.
//
// WakeUp one, and a second if it has woken anybody, in which it gives the queue's lock
// back. Between the two, with preemption and interrupts off, a thread that it has woken
// may run on another CPU already, find itself off the queue, and free the queue without
// ever having taken its lock: then the second step is a use after free. Who takes the
// lock (PrepareToWait, the second step of FinishWait, WakeUp) waits for it. If spin
// unlocks have a tail ([spin.SetTail]) the second step is that, whether it has woken anybody
// or not, and the lock is free. Nobody but who frees the queue can tell the two steps from
// one, so a queue in an object that is never freed ([schedule.Object.Static]) has one.
//
// Misuse: sleeping where that is forbidden ([schedule.SleepInAtomic]). wait_event() calls
// might_sleep() first, since 3.19, and so may a model ([preempt.MightSleep]). A wake-up
// that never comes is [schedule.Deadlock], or, for an interruptible sleep, a signal
// once nothing else can happen: a user may wait for ever.
//
// The first 16 threads may sleep.
//
// Not modelled: exclusive waiters, wake functions, timeouts, wake-ups for no reason,
// add_wait_queue() and remove_wait_queue(); and the unlock at the end of PrepareToWait and
// FinishWait: who frees the queue just before it, because it is not Active any more, or, where
// unlocks have a tail, because he has had the lock since, is not found.
package wait

import (
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Queue is a wait_queue_head_t.
type Queue struct {
	waiters schedule.Cell `flags:"threads"`         // set of thread numbers
	lock    schedule.Cell `words:"unlocked,locked"` // locked between the two steps of wake_up()
}

// maxTasks is which threads may sleep: so many, from the first on. Each has a cell, cells cost
// time in every execution, and no model needs half of these.
const maxTasks = 16

// tasks holds the state of every task, which waking changes from outside.
type tasks struct {
	schedule.Object
	sleeping [maxTasks]schedule.Cell // 1: not TASK_RUNNING
	bound    bool
}

var facility = schedule.NewFacility[tasks]()

func (s *tasks) Reset(e *schedule.Exec) {
	if !s.bound {
		s.bound = true
		s.Bind(s, "current")
	}
	facility.Static(e, &s.Object)
}

// PrepareToWait is prepare_to_wait(): queue the thread and say that it is about
// to sleep.
func (q *Queue) PrepareToWait(t *schedule.Thread) {
	t.Await(schedule.Op{Verb: "prepare_to_wait", Cell: &q.waiters, Mode: schedule.RMWFull}, q)
	if t.ID >= maxTasks {
		panic(fmt.Sprintf("wait: prepare_to_wait in thread %d (%s): threads 0 to %d may; "+
			"create it sooner", t.ID, t.Name, maxTasks-1))
	}
	q.waiters.Set(q.waiters.Value() | t.Bit())
	facility.Of(t.Exec()).sleeping[t.ID].Set(1)
}

// Schedule is schedule(): sleep until woken. It reports false if a signal came
// instead.
func Schedule(t *schedule.Thread) bool {
	return sleep(t, schedule.Marked|schedule.Blocks|schedule.Interruptible)
}

// ScheduleUninterruptible is schedule() in TASK_UNINTERRUPTIBLE: no signal ends it.
func ScheduleUninterruptible(t *schedule.Thread) { sleep(t, schedule.Marked|schedule.Blocks) }

func sleep(t *schedule.Thread, m schedule.Mode) bool {
	preempt.MightSleep(t, "schedule")
	s := facility.Of(t.Exec())
	t.Await(schedule.Op{Verb: "schedule", Cell: &s.sleeping[t.ID], Mode: m}, s)
	woken := t.ObserveBool(s.sleeping[t.ID].Value() == 0)
	s.sleeping[t.ID].Set(0) // a signal has the thread run too
	return woken
}

// Open is the gate of Schedule.
func (s *tasks) Open(t *schedule.Thread) bool { return s.sleeping[t.ID].Value() == 0 }

// FinishWait is finish_wait(): run again, and leave the queue unless a wake-up has
// taken the thread off it already, in which case the queue is not touched. The look
// (list_empty_careful(), at what is on the thread's own stack) is made without the
// queue's lock, so a wake-up may still come before the thread takes it.
func (q *Queue) FinishWait(t *schedule.Thread) {
	s := facility.Of(t.Exec())
	t.Step(schedule.Op{Verb: "finish_wait", Cell: &s.sleeping[t.ID], Mode: schedule.RMW})
	s.sleeping[t.ID].Set(0)
	if t.ObserveBool(q.waiters.Value()&t.Bit() != 0) {
		t.Await(schedule.Op{Verb: "finish_wait", Cell: &q.waiters, Mode: schedule.RMWFull}, q)
		q.waiters.Set(q.waiters.Value() &^ t.Bit())
	}
}

// Open is the gate of whoever takes the lock of the queue. That of a queue in freed memory
// can be taken at once: the step then finds out.
func (q *Queue) Open(*schedule.Thread) bool {
	return q.lock.Value() == 0 || !q.lock.Object().Live()
}

// WakeUpAll is wake_up_all(): make every waiter runnable and take it off the queue. One that
// runs already is left there (autoremove_wake_function()): it was woken through another queue,
// or is in FinishWait.
func (q *Queue) WakeUpAll(t *schedule.Thread) {
	t.Await(schedule.Op{Verb: "wake_up_all", Cell: &q.waiters, Mode: schedule.RMWFull}, q)
	s := facility.Of(t.Exec())
	set, woken := q.waiters.Value(), uint64(0)
	for i := range maxTasks {
		if set>>i&1 != 0 && s.sleeping[i].Value() != 0 {
			s.sleeping[i].Set(0)
			woken |= 1 << i
		}
	}
	q.waiters.Set(set &^ woken)
	if tail := spin.Tail(t.Exec()); (woken != 0 || tail) && !q.lock.Object().Static() {
		t.Observe(woken)
		q.unlock(t, tail)
	}
}

// unlock is the spin_unlock_irqrestore() at the end of wake_up_all(), when those who have been
// woken may run already, or the tail of that.
func (q *Queue) unlock(t *schedule.Thread, tail bool) {
	if !tail {
		q.lock.Set(1)
	}
	t.CPU().DisableIrqs() // in the kernel before the first step, which comes to the same
	preempt.Disable(t)
	t.Step(schedule.Op{Verb: "wake_up_all (tail)", Cell: &q.lock, Mode: schedule.UnlockOp})
	q.lock.Set(0)
	preempt.IrqEnable(t)
}

// WakeUp is wake_up(). Without exclusive waiters it wakes all of them.
func (q *Queue) WakeUp(t *schedule.Thread) { q.WakeUpAll(t) }

// Active is waitqueue_active(): a look without the lock.
func (q *Queue) Active(t *schedule.Thread) bool {
	t.Step(schedule.Op{Verb: "waitqueue_active", Cell: &q.waiters, Mode: schedule.PlainRead})
	return t.ObserveBool(q.waiters.Value() != 0)
}
