package workqueue

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/fifo"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// FlushWork is flush_work(): it waits until the item has run as it is queued now or, if it
// is not queued, until it does not run any more, and reports whether there was anything to
// wait for. If it is queued again meanwhile, that is not waited for. If it is cancelled,
// FlushWork returns, even while an earlier run goes on: what the kernel waits for is an item of
// its own behind this one, which another worker may run then.
//
// An item that is pending and not queued yet, as an [RcuWork] is before its grace period has
// ended, it does not wait for: that is [FlushRcuWork].
func FlushWork(t *schedule.Thread, w *Work) bool {
	const verb = "flush_work"
	preempt.MightSleep(t, verb)
	facility.Of(t.Exec()).check(w)
	lockdep.MapTouch(t, &w.pending)
	t.Step(schedule.Op{Verb: verb, Cell: &w.running, Mode: schedule.RMWFull})
	mark := fifo.Mark(t, verb)
	if w.entry.Queued() {
		w.entry.AddMark(mark)
	} else {
		w.markRun(mark)
	}
	if !t.ObserveBool(w.waits(mark)) {
		return false
	}
	preempt.ContextSwitch(t)
	// It neither reads nor writes: the function may free the item.
	t.Await(schedule.Op{Verb: "flush_work ends", Cell: &w.running,
		Mode: schedule.Barrier | schedule.Blocks}, (*flushed)(w))
	return true
}

// markRun has mark wait for the end of the run that is under way, if there is one.
func (w *Work) markRun(mark uint64) {
	if running(w) {
		w.running.Set(w.running.Value() | mark)
	}
}

// waits reports whether mark has anything to wait for.
func (w *Work) waits(mark uint64) bool {
	return w.entry.Marked(mark) || w.running.Value()&mark != 0
}

// flushed is the gate of those who wait for an item.
type flushed Work

// Open implements [schedule.Gate].
func (w *flushed) Open(t *schedule.Thread) bool {
	return !(*Work)(w).waits(fifo.Mark(t, "flush_work"))
}

// FlushRcuWork is flush_rcu_work(): if the item is pending, it waits for the callbacks of
// RCU, of which one queues it, and then for the item. It reports what FlushWork does.
func FlushRcuWork(t *schedule.Thread, w *RcuWork) bool {
	t.Step(schedule.Op{Verb: "flush_rcu_work", Cell: &w.pending, Mode: schedule.ReadOnce})
	if !t.ObserveBool(t.Load(&w.pending) != 0) {
		return FlushWork(t, &w.Work)
	}
	rcu.Barrier(t)
	FlushWork(t, &w.Work)
	return true
}

// CancelWork is cancel_work(): it takes the item off the queue, and reports whether it was
// there. The item may be running. It does not sleep; while an [RcuWork] is pending and not
// queued yet, it tries again.
func CancelWork(t *schedule.Thread, w *Work) bool {
	stolen := w.grab(t, "cancel_work", (*unownedOrCanceling)(w))
	if stolen {
		w.pending.Set(0)
	}
	return stolen
}

// CancelWorkSync is cancel_work_sync(): it takes the item off the queue and waits until it
// does not run any more. It reports whether the item was queued, not whether it ran. When it
// returns, the item is neither pending nor running, unless somebody has queued it since. If
// somebody else is cancelling it, it waits for that first.
func CancelWorkSync(t *schedule.Thread, w *Work) bool {
	const verb = "cancel_work_sync"
	preempt.MightSleep(t, verb)
	stolen := w.grab(t, verb, (*unowned)(w))
	w.pending.Set(isCanceling)
	w.markRun(fifo.Mark(t, verb))
	lockdep.MapTouch(t, &w.pending)
	preempt.ContextSwitch(t)
	t.Await(schedule.Op{Verb: "cancel_work_sync ends", Cell: &w.pending,
		Mode: schedule.UnlockOp | schedule.Blocks}, (*flushed)(w))
	w.pending.Set(0)
	return stolen
}

// grab is try_to_grab_pending(), one step: it takes the item off the queue, and reports
// whether it was there. While the gate is closed the kernel tries again.
func (w *Work) grab(t *schedule.Thread, verb string, g schedule.Gate) bool {
	s := facility.Of(t.Exec())
	s.check(w)
	t.Await(schedule.Op{Verb: verb, Cell: &w.pending, Mode: schedule.RMWFull | schedule.Blocks}, g)
	queued := w.entry.Queued()
	if queued {
		s.queue.Remove(t, s.queue.Index(w))
		w.running.Set(w.running.Value() &^ isAgain)
	}
	return t.ObserveBool(queued)
}

// owned reports whether the item is pending and not queued: somebody cancels it, or a
// callback of RCU is to queue it. One in freed memory is not: the step then finds out.
func (w *Work) owned() bool {
	return w.pending.Value() != 0 && !w.entry.Queued() && w.pending.Object().Live()
}

// unowned is the gate of cancel_work_sync().
type unowned Work

// Open implements [schedule.Gate].
func (w *unowned) Open(*schedule.Thread) bool { return !(*Work)(w).owned() }

// unownedOrCanceling is the gate of cancel_work(), which leaves an item to whoever cancels it.
type unownedOrCanceling Work

// Open implements [schedule.Gate].
func (w *unownedOrCanceling) Open(*schedule.Thread) bool {
	return w.pending.Value() == isCanceling || !(*Work)(w).owned()
}
