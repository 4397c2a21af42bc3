// Package workqueue is work items and the kworkers that run them
// (include/linux/workqueue.h).
//
// Steps: ScheduleWork and QueueWork one, which finds the item pending already or queues it; the
// item starts with one step of a kworker, which clears pending before it calls the
// function, so that the item may be queued again while it runs. QueueRcuWork two, if the item
// was not pending: set pending, and call_rcu(). CancelWork one, FlushWork one, and a second if
// there is anything to wait for, CancelWorkSync two: from the first to the second the item is
// pending, so that nobody can queue it, not even its own function.
//
// Items start in the order in which a CPU queued them. One that is queued again while it runs
// goes to the CPU that it runs for (last_pool), behind what is there, and a second worker that
// comes to it passes it: what is behind may start first. One item never runs on two workers at
// once. Before 3.7 (dbf2576e37da) it does if it is queued on two CPUs, unless the workqueue has
// WQ_NON_REENTRANT.
//
// The function runs in process context: it may sleep.
//
// Misuse: waiting where sleeping is forbidden ([schedule.SleepInAtomic]). Waiting for an item
// in its own function, or with a lock that the function takes, is [schedule.Deadlock]; package
// lockdep reports it where it comes to none.
//
// The code of flushing and cancelling follows v4.20 and is that of 3.7 to 6.9, as far as anybody
// sees. Who comes upon an item that another cancels (-ENOENT of try_to_grab_pending()) waits for
// the end of that: with flush_work(), and another try, up to 8603e1b30027 (4.0); asleep until
// cwt_wakefn() wakes it since then. (Without preemption the tries may keep the other off the CPU
// for ever.) Upon one that is pending and not queued yet (-EAGAIN) it tries again. Both are a
// gate here. Since 6.10 an item that is cancelled is disabled, by a count, instead of pending, and
// of two who cancel it neither waits for the other first. No model of ours shows any of that: they
// queue items, and none flushes or cancels one.
//
// That an item starts is a full barrier between clearing pending and the function, as it is since
// 346c09f80459 (4.6). Before, with store buffers, more can happen than is modelled.
//
// The first 24 threads may wait.
//
// Not modelled: a task that migrates between two calls, and so queues on two CPUs; delayed work;
// workqueues of their own, and so flushing and destroying one; the limits of a pool. The
// number of kworkers is the program's ([Boot]).
package workqueue

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/fifo"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Work is a struct work_struct. It calls one function all its life.
type Work struct {
	pending schedule.Cell // 0, isPending, isCanceling
	running schedule.Cell // see below, and the marks of those who wait for that run
	entry   fifo.Entry
	fn      func(t *schedule.Thread)
}

const (
	isPending   = 1
	isCanceling = 3 // cancel_work_sync() is under way: pending, and not queued

	isRunning = 1
	isAgain   = 2 // it was queued while it ran, and has ended
	cpuShift  = 8 // on which CPU it was queued, while it runs
	cpuMask   = 1<<8 - 1
)

// Entry returns the item's place in the queue.
func (w *Work) Entry() *fifo.Entry { return &w.entry }

// Init is INIT_WORK(). It belongs in the constructor of the object.
func (w *Work) Init(fn func(t *schedule.Thread)) { w.fn = fn }

type state struct {
	queue  fifo.Queue[*Work]
	worker worker
	booted bool
}

var facility = schedule.NewFacility[state]()

func (s *state) Reset(*schedule.Exec) {
	s.queue.Reset()
	s.booted = false
}

// names of the workers that a program may have.
var names = [...]string{"kworker", "kworker2", "kworker3", "kworker4"}

// Boot creates n kworkers, at most 4. A program that queues work calls it when it
// begins. With one, items run one after the other.
func Boot(e *schedule.Exec, n int) {
	s := facility.Of(e)
	s.booted = true
	s.worker.s, s.worker.n = s, n
	for i, name := range names[:n] {
		s.worker.threads[i] = e.Agent(name, &s.worker)
	}
}

// ScheduleWork is schedule_work(): it reports whether the item was not pending
// already.
func ScheduleWork(t *schedule.Thread, w *Work) bool { return queue(t, w, "schedule_work") }

// QueueWork is queue_work(), to any workqueue: they are all one here. It reports what
// ScheduleWork does.
func QueueWork(t *schedule.Thread, w *Work) bool { return queue(t, w, "queue_work") }

func queue(t *schedule.Thread, w *Work, verb string) bool {
	if !testAndSetPending(t, w, verb) {
		return false
	}
	w.enqueue(t)
	return true
}

// testAndSetPending is a step. It reports whether pending was clear.
func testAndSetPending(t *schedule.Thread, w *Work, verb string) bool {
	t.Step(schedule.Op{Verb: verb, Cell: &w.pending, Mode: schedule.RMWFull})
	clear := w.pending.Value() == 0
	w.pending.Set(w.pending.Value() | isPending)
	return t.ObserveBool(clear)
}

func (w *Work) enqueue(t *schedule.Thread) {
	s := facility.Of(t.Exec())
	s.check(w)
	if running(w) {
		s.queue.PushTo(t, w.running.Value()>>cpuShift&cpuMask, w)
	} else {
		s.queue.Push(t, w)
	}
	for _, th := range s.worker.threads[:s.worker.n] {
		th.Rouse()
	}
}

// check panics if a model has forgotten what comes before the use of an item.
func (s *state) check(w *Work) {
	switch {
	case !s.booted:
		panic("workqueue: work is queued before Boot")
	case w.fn == nil:
		panic("workqueue: " + w.pending.Name() + " is used before its Init")
	}
}

// worker is the agent that runs items.
type worker struct {
	s       *state
	threads [len(names)]*schedule.Thread
	n       int
}

// Pending implements [schedule.Sleeper].
func (a *worker) Pending() bool { return a.s.queue.Len() > 0 }

// ready reports whether item i may start: it is not running, and is the first of its CPU
// but for those that it passes. What is in freed memory is come to at once.
func (s *state) ready(i int) bool {
	w := s.queue.At(i)
	if !w.running.Object().Live() {
		return true
	}
	pass := running
	if s.worker.n > 1 {
		pass = runningOrAgain
	}
	return !running(w) && s.queue.FirstBut(i, pass)
}

func running(w *Work) bool { return w.running.Value()&isRunning != 0 }

// runningOrAgain is what another worker passes over: an item that is queued again while it runs is
// set aside for the worker that runs it (move_linked_works() of a collision).
func runningOrAgain(w *Work) bool { return w.running.Value()&(isRunning|isAgain) != 0 }

// Ready reports whether there is an item to run.
func (a *worker) Ready(t *schedule.Thread) bool {
	s := a.s
	s.queue.Look(t)
	for i := range s.queue.Len() {
		if s.ready(i) {
			return true
		}
	}
	return false
}

// Run runs one of the items that may start; the schedule says which.
func (a *worker) Run(t *schedule.Thread) {
	s := a.s
	s.queue.Look(t)
	n := 0
	for i := range s.queue.Len() {
		if s.ready(i) {
			n++
		}
	}
	w, run := s.take(t, t.Choose(n))
	const verb = "process_one_work"
	t.Begin(schedule.Op{Verb: verb, Cell: &w.pending, Mode: schedule.RMWFull})
	w.running.Set(run)
	w.pending.Set(0)
	lockdep.MapAcquire(t, &w.pending, verb)
	w.fn(t)
	lockdep.MapRelease(t, &w.pending)
	w.running.Set(isRunning) // whoever waits for this run goes on
	switch {
	case !w.running.Object().Live(): // the function may free the item
	case w.entry.Queued():
		w.running.Set(isAgain)
	default:
		w.running.Set(0)
	}
}

// take takes the nth item that may start off the queue, and returns it and what it is as it runs.
func (s *state) take(t *schedule.Thread, nth int) (w *Work, run uint64) {
	for i := range s.queue.Len() {
		if !s.ready(i) {
			continue
		}
		if nth == 0 {
			w = s.queue.At(i)
			run = isRunning | w.entry.CPU()<<cpuShift
			return w, run | s.queue.Remove(t, i)
		}
		nth--
	}
	panic("workqueue: no such item")
}

// An RcuWork is a struct rcu_work: an item that is queued after a grace period.
type RcuWork struct {
	Work
	head rcu.Head
}

// Init is INIT_RCU_WORK(). It belongs in the constructor of the object.
func (w *RcuWork) Init(fn func(t *schedule.Thread)) {
	w.Work.Init(fn)
	w.head.Init(w.rcuWorkRcufn)
}

// QueueRcuWork is queue_rcu_work(): if the item was not pending, queue it after a
// grace period and report true; else false, and no grace period is promised.
func QueueRcuWork(t *schedule.Thread, w *RcuWork) bool {
	if !testAndSetPending(t, &w.Work, "queue_rcu_work") {
		return false
	}
	rcu.Call(t, &w.head)
	return true
}

// rcuWorkRcufn is rcu_work_rcufn(), the callback that queues the item.
func (w *RcuWork) rcuWorkRcufn(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "queue_work", Cell: &w.pending, Mode: schedule.RMWFull})
	w.enqueue(t)
}
