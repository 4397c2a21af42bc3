// Package mutex is struct mutex (include/linux/mutex.h).
//
// Steps: Lock one, enabled while nobody holds the mutex; Trylock one, which does not wait;
// Unlock two: the release, and the tail that may touch the mutex although another task could
// already own it. So a mutex must never be what protects the lifetime of the object that
// contains it. The kernel's unlock has the tail if somebody waited at the release
// (__mutex_unlock_slowpath(); up to 4.9 not with CONFIG_DEBUG_MUTEXES, where a mutex is taken
// and released under wait_lock alone), and this one always. To have somebody wait takes a
// preemption more than is counted here, unless whoever holds the mutex sleeps. And he who waits
// sleeps until he is woken: he takes the mutex in between if he spins, or, since 3.15, is still
// about to sleep, or, since 4.10, if a third task takes it first, whose unlock wakes him.
//
// Misuse: as package spin; Lock may sleep.
//
// Not modelled: optimistic spinning, hand-off, mutex_lock_interruptible().
package mutex

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Mutex is a struct mutex. The zero value is unlocked.
type Mutex struct {
	owner schedule.Cell // thread number + 1, 0: free
}

// Lock is mutex_lock().
func (m *Mutex) Lock(t *schedule.Thread) {
	preempt.MightSleep(t, "mutex_lock")
	lockdep.Acquire(t, &m.owner, 0)
	t.Await(schedule.Op{Verb: "mutex_lock", Cell: &m.owner, Mode: schedule.LockOp}, m)
	m.owner.Set(uint64(t.ID) + 1)
	lockdep.Acquired(t, &m.owner, "mutex_lock", 0)
}

// Trylock is mutex_trylock(): it reports whether the mutex was free, and is taken now.
func (m *Mutex) Trylock(t *schedule.Thread) bool {
	const verb = "mutex_trylock"
	t.Step(schedule.Op{Verb: verb, Cell: &m.owner, Mode: schedule.RMW | schedule.Acquire})
	if !t.ObserveBool(m.owner.Value() == 0) {
		return false
	}
	m.owner.Set(uint64(t.ID) + 1)
	lockdep.Acquired(t, &m.owner, verb, lockdep.Try)
	return true
}

// Open is the gate of Lock. A mutex in freed memory can be taken at once: the
// step then finds out.
func (m *Mutex) Open(*schedule.Thread) bool {
	return m.owner.Value() == 0 || !m.owner.Object().Live()
}

// Unlock is mutex_unlock().
func (m *Mutex) Unlock(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "mutex_unlock", Cell: &m.owner, Mode: schedule.UnlockOp})
	lockdep.Release(t, &m.owner)
	m.owner.Set(0)
	t.Step(schedule.Op{Verb: "mutex_unlock (tail)", Cell: &m.owner, Mode: schedule.ReadOnce})
}

// IsLocked is mutex_is_locked() without a step, for fingerprints.
func (m *Mutex) IsLocked() bool { return m.owner.Value() != 0 }
