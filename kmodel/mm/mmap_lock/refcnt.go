package mmaplock

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The values of vm_refcnt.
const (
	vmaLockOffset = 0x40000000            // a writer excludes readers
	vmaRefLimit   = vmaLockOffset - 1 - 1 // VMA_REF_LIMIT: the most that a reader may find
)

// refcnt is a refcount_t as vm_refcnt is one: with the operations that package refcount has not.
// That of a mapping that is free may be touched.
type refcnt struct{ schedule.Cell }

func (r *refcnt) step_(t *schedule.Thread, verb string, m schedule.Mode) int {
	t.Step(schedule.Op{Verb: verb, Cell: &r.Cell, Mode: m})
	return int(t.Observe(r.Value()))
}

// incNotZero_ is __refcount_inc_not_zero_limited_acquire(). It returns what was there.
func (r *refcnt) incNotZero_(t *schedule.Thread) int {
	old := r.step_(t, "refcount_inc_not_zero_limited_acquire", schedule.RMW|schedule.Acquire)
	if old != 0 && old <= vmaRefLimit {
		r.Set(uint64(old + 1))
	}
	return old
}

// addNotZero_ is refcount_add_not_zero().
func (r *refcnt) addNotZero_(t *schedule.Thread, n int) bool {
	old := r.step_(t, "refcount_add_not_zero", schedule.RMW)
	if old != 0 {
		r.Set(uint64(old + n))
	}
	return old != 0
}

// dec_ is refcount_dec_and_test(). It returns what is left.
func (r *refcnt) dec_(t *schedule.Thread) int {
	n := r.step_(t, "refcount_dec_and_test", schedule.RMW|schedule.Release|schedule.Acquire)
	if n == 0 {
		t.Fail(schedule.RefUnderflow, r.Object(), schedule.Party{}, "underflow")
	}
	r.Set(uint64(n - 1))
	return n - 1
}

// sub_ is refcount_sub_and_test().
func (r *refcnt) sub_(t *schedule.Thread, n int) {
	r.Set(uint64(r.step_(t, "refcount_sub_and_test",
		schedule.RMW|schedule.Release|schedule.Acquire) - n))
}

// read_ is refcount_read().
func (r *refcnt) read_(t *schedule.Thread) int {
	t.Step(schedule.Op{Verb: "refcount_read", Cell: &r.Cell, Mode: schedule.ReadOnce})
	return int(t.Observe(t.Load(&r.Cell)))
}

// setRelease_ is refcount_set_release().
func (r *refcnt) setRelease_(t *schedule.Thread, n int) {
	t.Step(schedule.Op{Verb: "refcount_set_release", Cell: &r.Cell,
		Mode: schedule.WriteOnce | schedule.Release})
	t.Store(&r.Cell, uint64(n))
}

// rcuwait is struct rcuwait: the number of the thread that waits, + 1.
type rcuwait struct{ task schedule.Cell }

func (w *rcuwait) store_(t *schedule.Thread, v uint64) {
	t.Step(schedule.Op{Verb: "rcu_assign_pointer", Cell: &w.task,
		Mode: schedule.WriteOnce | schedule.Release})
	t.Store(&w.task, v)
}

// prepareToRcuwait is prepare_to_rcuwait().
func (s *system) prepareToRcuwait(t *schedule.Thread, w *rcuwait) { w.store_(t, uint64(t.ID+1)) }

// sleepUnless_ is once around the loop of rcuwait_wait_event(): it reports whether the count is
// what it is to be, or sleeps.
func (s *system) sleepUnless_(t *schedule.Thread, r *refcnt, target int) bool {
	wait.SetCurrentState(t, wait.TaskUninterruptible)
	if r.read_(t) == target {
		return true
	}
	wait.Schedule(t)
	return false
}

// finishRcuwait is finish_rcuwait().
func (s *system) finishRcuwait(t *schedule.Thread, w *rcuwait) {
	w.store_(t, 0)
	wait.SetCurrentState(t, wait.TaskRunning)
}

// rcuwaitWakeUp is rcuwait_wake_up().
func (s *system) rcuwaitWakeUp(t *schedule.Thread, w *rcuwait) {
	rcu.ReadLock(t)
	mem.SmpMb(t)
	t.Step(schedule.Op{Verb: "rcu_dereference", Cell: &w.task, Mode: schedule.ReadOnce})
	if id := t.Observe(t.Load(&w.task)); id != 0 {
		wait.DefaultWakeFunction(t, s.threads[id-1], wait.TaskNormal) // wake_up_process
	}
	rcu.ReadUnlock(t)
}
