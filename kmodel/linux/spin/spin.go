// Package spin is spinlock_t (include/linux/spinlock.h).
//
// Steps: Lock one, enabled while nobody holds the lock; Trylock and TrylockIrq one, which
// do not wait; Unlock one, and a second if unlocks have a tail ([SetTail]). Preemption is
// off from the lock to the end of the unlock, tail included, so a holder is a reader of
// RCU-sched. LockIrq and TrylockIrq also keep the interrupt handlers of this CPU away, LockBh
// the softirqs.
//
// Misuse: taking a lock that one holds, releasing one that one does not hold,
// finishing with one held ([schedule.LockRule]); sleeping while holding one
// ([schedule.SleepInAtomic]).
//
// That irqs or softirqs were on once where a handler takes the lock, package lockdep reports,
// whether or not it comes to the deadlock. (It does not with a callback of RCU, which has a CPU
// of its own.)
//
// Not modelled: spinning itself, fairness, reader-writer spin locks, spin_trylock_bh(), and
// spin_unlock_irq() that turns interrupts on although they were off before spin_lock_irq(): here
// they stay off, as with irqsave and irqrestore.
package spin

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Lock is a spinlock_t. The zero value is unlocked.
type Lock struct {
	owner schedule.Cell // thread number + 1, 0: free
}

type config struct{ tail bool }

var facility = schedule.NewFacility[config]()

func (c *config) Reset(*schedule.Exec) { c.tail = false }

// SetTail says whether an unlock touches the memory of the lock once more after
// somebody else could have taken it, as paravirtual spin locks (Xen looks whether
// anybody spins) and those of RT may. It is off unless a program turns it on when it begins.
func SetTail(e *schedule.Exec, on bool) { facility.Of(e).tail = on }

// Tail reports what SetTail said.
func Tail(e *schedule.Exec) bool { return facility.Of(e).tail }

// Lock is spin_lock().
func (l *Lock) Lock(t *schedule.Thread) { l.lock(t, "spin_lock", 0) }

// LockIrq is spin_lock_irq() or spin_lock_irqsave().
//
// Where a handler could interrupt, interrupts go off in a step before, so that it
// cannot come while the thread spins. Elsewhere they go off in the step that takes the
// lock: to be a reader of RCU-sched any earlier would hide interleavings.
func (l *Lock) LockIrq(t *schedule.Thread) {
	if preempt.NeedsStep(t) {
		preempt.IrqDisable(t)
		l.lock(t, "spin_lock_irq", 0)
	} else {
		l.lock(t, "spin_lock_irq", lockdep.IrqsOff)
		preempt.IrqDisable(t)
	}
}

// Trylock is spin_trylock(): it reports whether the lock was free, and is taken now.
func (l *Lock) Trylock(t *schedule.Thread) bool {
	const verb = "spin_trylock"
	t.Step(schedule.Op{Verb: verb, Cell: &l.owner, Mode: schedule.RMW | schedule.Acquire})
	if !t.ObserveBool(l.owner.Value() == 0) {
		return false
	}
	l.take(t, verb, lockdep.Try)
	return true
}

// TrylockIrq is spin_trylock_irq() or spin_trylock_irqsave(): it reports whether the lock
// was free, and is taken now.
func (l *Lock) TrylockIrq(t *schedule.Thread) bool {
	const verb = "spin_trylock_irq"
	early := preempt.NeedsStep(t)
	if early {
		preempt.IrqDisable(t)
	}
	t.Step(schedule.Op{Verb: verb, Cell: &l.owner, Mode: schedule.RMW | schedule.Acquire})
	if !t.ObserveBool(l.owner.Value() == 0) {
		if early {
			preempt.IrqEnable(t)
		}
		return false
	}
	l.take(t, verb, lockdep.Try|lockdep.IrqsOff)
	if !early {
		preempt.IrqDisable(t)
	}
	return true
}

// LockBh is spin_lock_bh(). Softirqs go off where interrupts do in LockIrq.
func (l *Lock) LockBh(t *schedule.Thread) {
	if preempt.BhNeedsStep(t) {
		preempt.LocalBhDisable(t)
		l.lock(t, "spin_lock_bh", 0)
	} else {
		l.lock(t, "spin_lock_bh", lockdep.BhOff)
		preempt.BhDisable(t)
	}
}

func (l *Lock) lock(t *schedule.Thread, verb string, how lockdep.How) {
	lockdep.Acquire(t, &l.owner, how)
	t.Await(schedule.Op{Verb: verb, Cell: &l.owner, Mode: schedule.LockOp}, l)
	l.take(t, verb, how)
}

// take is the part of a step that takes the lock, which is free.
func (l *Lock) take(t *schedule.Thread, verb string, how lockdep.How) {
	preempt.Disable(t)
	l.owner.Set(uint64(t.ID) + 1)
	lockdep.Acquired(t, &l.owner, verb, how)
}

// Open is the gate of Lock. A lock in freed memory can be taken at once: the
// step then finds out.
func (l *Lock) Open(*schedule.Thread) bool { return l.owner.Value() == 0 || !l.owner.Object().Live() }

// Unlock is spin_unlock().
func (l *Lock) Unlock(t *schedule.Thread) { l.unlock(t, "spin_unlock", "spin_unlock (tail)") }

// UnlockIrq is spin_unlock_irq() or spin_unlock_irqrestore().
func (l *Lock) UnlockIrq(t *schedule.Thread) {
	l.unlock(t, "spin_unlock_irq", "spin_unlock_irq (tail)")
	preempt.IrqEnable(t)
}

// UnlockBh is spin_unlock_bh().
func (l *Lock) UnlockBh(t *schedule.Thread) {
	l.unlock(t, "spin_unlock_bh", "spin_unlock_bh (tail)")
	preempt.BhEnable(t)
}

func (l *Lock) unlock(t *schedule.Thread, verb, tail string) {
	t.Step(schedule.Op{Verb: verb, Cell: &l.owner, Mode: schedule.UnlockOp})
	lockdep.Release(t, &l.owner)
	t.Store(&l.owner, 0)
	if Tail(t.Exec()) {
		t.Step(schedule.Op{Verb: tail, Cell: &l.owner, Mode: schedule.ReadOnce})
	}
	preempt.Enable(t)
}

// IsLocked is spin_is_locked() without a step, for fingerprints.
func (l *Lock) IsLocked() bool { return l.owner.Value() != 0 }

// Cell returns the cell that stands for the lock in traces and in lockdep.
func (l *Lock) Cell() *schedule.Cell { return &l.owner }
