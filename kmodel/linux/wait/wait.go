// Package wait is the wait queue (include/linux/wait.h, kernel/sched/wait.c): how a thread
// sleeps for a condition without losing the wake-up.
//
// A [Queue] is one at which threads sleep. The order that the kernel prescribes is a model's
// to keep, step by step, unless it is [Queue.WaitEvent]:
//
//	for {
//		q.PrepareToWait(t, wait.TaskInterruptible)
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
// Steps: PrepareToWait, its exclusive form and PrepareToWaitEvent one (queued and no longer
// running, under the queue's lock), Schedule one, enabled when the thread has been woken,
// FinishWait one, and a second that touches the queue if the thread finds itself still on it;
// AbortExclusiveWait two, of which the second always does; AddWaitQueue, RemoveWaitQueue,
// SetCurrentState, Active, HasSleeper, SendSignal and SignalPending one each.
//
// WakeUp one, and a second if it has woken anybody, in which it gives the queue's lock
// back. Between the two, with preemption and interrupts off, a thread that it has woken
// may run on another CPU already, find itself off the queue, and free the queue without
// ever having taken its lock: then the second step is a use after free. Who takes the
// lock waits for it: all operations of the queue but Active, and the first step of FinishWait
// and of AbortExclusiveWait. If spin unlocks have a tail ([spin.SetTail]) the second step is
// that, whether it has woken anybody or not, and the lock is free. Nobody but who frees the
// queue can tell the two steps from one, so a queue in an object that is never freed
// ([schedule.Object.Static]) has one.
//
// Who waits exclusively is behind all others, in the order in which they came: WakeUp wakes
// all others and the first of these that sleeps. Who runs already is passed over, and stays
// on the queue (autoremove_wake_function()): he was woken through another queue, by a signal,
// or is in FinishWait. A thread that AddWaitQueue has put there stays in any case
// (default_wake_function()).
//
// A [Head] is a queue at which objects wait, each with a wake function of its own, which a
// wake-up calls with the lock: epoll, aio, io_uring. There every access is a step.
//
// Nothing is taken under the lock of a Queue, so it is in no order of locks: lockdep does not
// see it. It does see that of a Head.
//
// Misuse: sleeping where that is forbidden ([schedule.SleepInAtomic]). wait_event() calls
// might_sleep() first, since 3.19, and so may a model ([preempt.MightSleep]). Adding an entry
// that is on the queue, or removing one that is not, is [schedule.ListCorrupt], WakeUpLocked
// without the lock [schedule.LockRule], and waking a thread that has finished without leaving
// the queue [schedule.UseAfterFree], of its stack. A wake-up
// that never comes is [schedule.Deadlock], or, for an interruptible sleep, a signal
// once nothing else can happen: a user may wait for ever. A signal that comes at any time is
// somebody's [SendSignal].
//
// Memory is sequentially consistent, or that of x86 ([schedule.Exec.BufferStores]): then the
// smp_mb() before waitqueue_active() is seen to be missing ([Queue.Active]) or not
// ([Queue.HasSleeper]). That of set_current_state() is a part of its step, and so is the release
// of list_del_init_careful() (since 5.9), by which finish_wait() may look without the lock: that
// these are missing cannot be seen. What a thread does to a Queue or to states, all but the looks
// (Active, SignalPending), waits for its stores, also where the kernel does not: in
// __set_current_state(), and in finish_wait() of who is off the queue. It is in memory at once.
// What is done to a Head waits in the buffer: add_wait_queue() is not a full barrier, and who looks
// at the condition next, as poll() does, needs smp_mb(). Where loads pass loads
// ([schedule.Exec.ReorderLoads]) the looks, and those of [Entry.Empty], may see what is old.
//
// The first 16 threads may sleep, and 12 of them exclusively at one queue.
//
// Not modelled: timeouts, wake-ups for no reason, swait, wait_woken(), bookmarks, a thread with two
// entries at one queue, an entry that is queued for exclusive waiting and then prepared for
// the other, or the other way round; that the first whom a wake-up wakes runs before it wakes
// the next (at a Queue); and the unlock at the end of PrepareToWait, FinishWait and the like:
// who frees the queue just before it, because it is not Active any more, or, where unlocks
// have a tail, because he has had the lock since, is not found.
package wait

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Queue is a wait_queue_head_t at which threads sleep.
type Queue struct {
	waiters schedule.Cell `flags:"threads"`         // set of thread numbers
	lock    schedule.Cell `words:"unlocked,locked"` // locked between the two steps of wake_up()
	kept    schedule.Cell `flags:"threads"`         // of waiters: those that wake-ups leave there
	tail    order         // of waiters: those that wait exclusively
}

// PrepareToWait is prepare_to_wait(): queue the thread and say that it is about
// to sleep.
func (q *Queue) PrepareToWait(t *schedule.Thread, state State) {
	q.begin(t, "prepare_to_wait")
	q.prepare(t, state, false)
}

// PrepareToWaitExclusive is prepare_to_wait_exclusive(): behind those that are there. It
// reports whether there was nobody, as in 5.15; that of 5.12 does not.
func (q *Queue) PrepareToWaitExclusive(t *schedule.Thread, state State) bool {
	q.begin(t, "prepare_to_wait_exclusive")
	first := t.ObserveBool(q.waiters.Value() == 0)
	q.prepare(t, state, true)
	return first
}

// PrepareToWaitEvent is prepare_to_wait_event(), as in 4.9. If a signal is pending, and
// state is such that one counts, it takes the thread off the queue and reports false:
// -ERESTARTSYS. Whoever wakes after that wakes somebody else, and whoever has done so before
// has made the condition true, which the caller tests next.
func (q *Queue) PrepareToWaitEvent(t *schedule.Thread, state State, exclusive bool) bool {
	q.begin(t, "prepare_to_wait_event")
	if t.ObserveBool(signalPendingState(t, state)) {
		q.remove(t.Bit())
		return false
	}
	q.prepare(t, state, exclusive)
	return true
}

// begin is the step in which an operation of the thread's own entry has the lock.
func (q *Queue) begin(t *schedule.Thread, verb string) {
	t.Await(schedule.Op{Verb: verb, Cell: &q.waiters, Mode: schedule.RMWFull}, q)
	facility.Of(t.Exec()).of(t) // may it sleep?
}

func (q *Queue) prepare(t *schedule.Thread, state State, exclusive bool) {
	if q.waiters.Value()&t.Bit() == 0 {
		q.add(t, exclusive)
		q.keep(t, false)
	}
	facility.Of(t.Exec()).set(t, state)
}

func (q *Queue) add(t *schedule.Thread, exclusive bool) {
	q.waiters.Set(q.waiters.Value() | t.Bit())
	if exclusive {
		q.tail.push(t)
	}
}

// remove takes threads off the queue, if they are on it.
func (q *Queue) remove(threads uint64) {
	all := q.waiters.Value()
	q.waiters.Set(all &^ threads)
	if all&threads != 0 {
		q.tail.drop(threads)
	}
}

// FinishWait is finish_wait(): run again, and leave the queue unless a wake-up has
// taken the thread off it already, in which case the queue is not touched. The look
// (list_empty_careful(), at what is on the thread's own stack) is made without the
// queue's lock, so a wake-up may still come before the thread takes it.
func (q *Queue) FinishWait(t *schedule.Thread) {
	s := facility.Of(t.Exec())
	t.Step(schedule.Op{Verb: "finish_wait", Cell: &s.state[t.ID], Mode: schedule.RMW})
	s.set(t, TaskRunning)
	if t.ObserveBool(q.waiters.Value()&t.Bit() != 0) {
		q.begin(t, "finish_wait")
		q.remove(t.Bit())
	}
}

// AbortExclusiveWait is abort_exclusive_wait(), which came with 777c6c5f1f6e (2.6.29); 4.4 has
// it, and 4.9 not any more. It is FinishWait of a thread that waited exclusively and gives up
// because of a signal. If a wake-up has taken it off the queue meanwhile, that goes to the next.
func (q *Queue) AbortExclusiveWait(t *schedule.Thread) {
	const verb = "abort_exclusive_wait"
	s := facility.Of(t.Exec())
	t.Step(schedule.Op{Verb: verb, Cell: &s.state[t.ID], Mode: schedule.RMW})
	s.set(t, TaskRunning)
	q.begin(t, verb)
	woken := uint64(0)
	if q.waiters.Value()&t.Bit() != 0 {
		q.remove(t.Bit())
	} else {
		woken = q.wakeCommon(t, TaskInterruptible, 1)
	}
	q.end(t, "abort_exclusive_wait (tail)", woken)
}

// AddWaitQueue is add_wait_queue() of a DECLARE_WAITQUEUE(): a wake-up leaves the thread on
// the queue.
func (q *Queue) AddWaitQueue(t *schedule.Thread) { q.addKept(t, "add_wait_queue", false) }

// AddWaitQueueExclusive is add_wait_queue_exclusive().
func (q *Queue) AddWaitQueueExclusive(t *schedule.Thread) {
	q.addKept(t, "add_wait_queue_exclusive", true)
}

func (q *Queue) addKept(t *schedule.Thread, verb string, exclusive bool) {
	q.begin(t, verb)
	if q.waiters.Value()&t.Bit() != 0 {
		t.Fail(schedule.ListCorrupt, q.lock.Object(), schedule.Party{}, "adds what is on a list")
	}
	q.add(t, exclusive)
	q.keep(t, true)
}

// keep says whether a wake-up leaves the thread on the queue.
func (q *Queue) keep(t *schedule.Thread, on bool) {
	if kept := q.kept.Value(); kept&t.Bit() != 0 != on {
		q.kept.Set(kept ^ t.Bit())
	}
}

// RemoveWaitQueue is remove_wait_queue(): it takes the lock, woken or not.
func (q *Queue) RemoveWaitQueue(t *schedule.Thread) {
	q.begin(t, "remove_wait_queue")
	if q.kept.Value()&t.Bit() == 0 {
		t.Fail(schedule.ListCorrupt, q.lock.Object(), schedule.Party{}, "deletes what is not on a list")
	}
	q.remove(t.Bit())
	q.keep(t, false)
}

// Open is the gate of whoever takes the lock of the queue. That of a queue in freed memory
// can be taken at once: the step then finds out.
func (q *Queue) Open(*schedule.Thread) bool {
	return q.lock.Value() == 0 || !q.lock.Object().Live()
}

// Active is waitqueue_active(): a look without the lock.
func (q *Queue) Active(t *schedule.Thread) bool { return q.active(t, schedule.PlainRead) }

// HasSleeper is wq_has_sleeper(), or smp_mb() and waitqueue_active() one by one: no store from
// before comes after the look.
func (q *Queue) HasSleeper(t *schedule.Thread) bool {
	return q.active(t, schedule.PlainRead|schedule.Barrier)
}

func (q *Queue) active(t *schedule.Thread, m schedule.Mode) bool {
	t.Step(schedule.Op{Verb: "waitqueue_active", Cell: &q.waiters, Mode: m})
	return t.ObserveBool(t.Load(&q.waiters) != 0)
}

// WaitEvent is wait_event().
func (q *Queue) WaitEvent(t *schedule.Thread, condition func(*schedule.Thread) bool) {
	q.waitEvent(t, TaskUninterruptible, false, condition)
}

// WaitEventInterruptible is wait_event_interruptible(). It reports whether it has seen the
// condition; else there was a signal.
func (q *Queue) WaitEventInterruptible(t *schedule.Thread,
	condition func(*schedule.Thread) bool) bool {
	return q.waitEvent(t, TaskInterruptible, false, condition)
}

// WaitEventExclusive is wait_event_exclusive_cmd() without commands.
func (q *Queue) WaitEventExclusive(t *schedule.Thread, condition func(*schedule.Thread) bool) {
	q.waitEvent(t, TaskUninterruptible, true, condition)
}

// WaitEventInterruptibleExclusive is wait_event_interruptible_exclusive(), which reports what
// WaitEventInterruptible does.
func (q *Queue) WaitEventInterruptibleExclusive(t *schedule.Thread,
	condition func(*schedule.Thread) bool) bool {
	return q.waitEvent(t, TaskInterruptible, true, condition)
}

// waitEvent is ___wait_event(), as in 4.9, and what comes before it in all of them.
func (q *Queue) waitEvent(t *schedule.Thread, state State, exclusive bool,
	condition func(*schedule.Thread) bool) bool {
	preempt.MightSleep(t, "wait_event")
	if condition(t) {
		return true
	}
	for {
		sleeps := q.PrepareToWaitEvent(t, state, exclusive)
		if condition(t) {
			break
		}
		if !sleeps {
			return false // finish_wait() would find nothing to do
		}
		Schedule(t)
	}
	q.FinishWait(t)
	return true
}
