// Package rwsem is struct rw_semaphore (include/linux/rwsem.h): many readers or one
// writer, in the order in which they came.
//
// Who cannot have the semaphore at once is queued, and whoever comes while anybody is
// queued is queued behind them. So a writer that waits keeps new readers out, and a
// thread that is a reader already and asks to be one again waits for the writer, which
// waits for the thread: [schedule.Deadlock], though nobody took anything twice for
// writing.
//
// Steps: DownRead and DownWrite one where the semaphore is free to take. Otherwise that
// step queues the thread, and there is a second (rwsem_down_read_failed), enabled when
// it is its turn: readers when no writer is before them, a writer when it is the first
// and nobody has the semaphore. UpRead, UpWrite and DowngradeWrite one each.
//
// Misuse: taking for writing what one holds, taking for reading what one holds for
// writing, releasing or downgrading what one does not hold, or not so, finishing while
// holding it ([schedule.LockRule]). Both may sleep ([schedule.SleepInAtomic]).
//
// A second down_read() is no failure where it does not wait. Package lockdep reports it.
//
// The first 31 threads may wait, and 10 at a time.
//
// Not modelled: who takes the semaphore before those who are queued (optimistic spinning,
// lock stealing); that since v5.3 the first of the queue, if it is a reader, takes all
// readers of it along, past the writers between them; the trylocks; and the look at the
// queue that an unlock takes when the semaphore is another's already.
package rwsem

import (
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Sem is a struct rw_semaphore. The zero value is free.
type Sem struct {
	count schedule.Cell // writer, or the number of readers
	queue schedule.Cell // those who wait, the first in the lowest bits; see entry
}

// writer is the count while a writer holds the semaphore.
const writer = 1 << 32

// An entry of the queue is the number of a thread + 1, and whether it wants to write. The
// order is part of the state, since it decides who is next: hence one word.
const (
	entryBits = 6
	entryMask = 1<<entryBits - 1
	writes    = 1 << 5
	maxQueue  = 64 / entryBits

	maxWaiters = writes - 1 // which threads may wait: so many, from the first on
)

func entry(t *schedule.Thread, write bool) uint64 {
	if write {
		return uint64(t.ID+1) | writes
	}
	return uint64(t.ID + 1)
}

// DownRead is down_read().
func (s *Sem) DownRead(t *schedule.Thread) {
	preempt.MightSleep(t, "down_read")
	how := lockdep.Read
	if s.count.Value() == writer {
		how = 0 // if that is t it would wait for ever
	}
	lockdep.Acquire(t, &s.count, how)
	t.Step(schedule.Op{Verb: "down_read", Cell: &s.count, Mode: schedule.LockOp})
	if s.count.Value() == writer || s.queue.Value() != 0 {
		s.wait(t, false, "rwsem_down_read_failed")
	}
	s.count.Set(s.count.Value() + 1)
	lockdep.Acquired(t, &s.count, "down_read", lockdep.Read)
}

// DownWrite is down_write().
func (s *Sem) DownWrite(t *schedule.Thread) {
	preempt.MightSleep(t, "down_write")
	lockdep.Acquire(t, &s.count, 0)
	t.Step(schedule.Op{Verb: "down_write", Cell: &s.count, Mode: schedule.LockOp})
	if s.count.Value() != 0 || s.queue.Value() != 0 {
		s.wait(t, true, "rwsem_down_write_failed")
	}
	s.count.Set(writer)
	lockdep.Acquired(t, &s.count, "down_write", 0)
}

// wait queues t and returns when it has left the queue again. Whether there was anything
// to wait for, it has observed.
func (s *Sem) wait(t *schedule.Thread, write bool, verb string) {
	t.Observe(1)
	if t.ID >= maxWaiters {
		panic(fmt.Sprintf("rwsem: thread %d (%s) waits: threads 0 to %d may; create it sooner",
			t.ID, t.Name, maxWaiters-1))
	}
	n := 0
	for s.queue.Value()>>(n*entryBits) != 0 {
		n++
	}
	if n == maxQueue {
		panic("rwsem: too many threads wait")
	}
	s.queue.Set(s.queue.Value() | entry(t, write)<<(n*entryBits))
	preempt.ContextSwitch(t)
	t.Await(schedule.Op{Verb: verb, Cell: &s.count, Mode: schedule.LockOp}, s)
	at := s.find(t) * entryBits
	q := s.queue.Value()
	s.queue.Set(q&(1<<at-1) | q>>(at+entryBits)<<at)
}

// find returns the place of t in the queue.
func (s *Sem) find(t *schedule.Thread) int {
	n := 0
	for s.queue.Value()>>(n*entryBits)&entryMask&^writes != uint64(t.ID+1) {
		n++
	}
	return n
}

// Open is the gate of those who wait. A semaphore in freed memory can be had at once:
// the step then finds out.
func (s *Sem) Open(t *schedule.Thread) bool {
	if !s.count.Object().Live() {
		return true
	}
	n := s.find(t)
	q := s.queue.Value()
	if q>>(n*entryBits)&writes != 0 {
		return n == 0 && s.count.Value() == 0
	}
	for ; n > 0; n-- {
		if q>>((n-1)*entryBits)&writes != 0 {
			return false
		}
	}
	return s.count.Value() != writer
}

// UpRead is up_read().
func (s *Sem) UpRead(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "up_read", Cell: &s.count, Mode: schedule.UnlockOp})
	lockdep.Release(t, &s.count)
	if s.count.Value() == writer {
		t.Fail(schedule.LockRule, s.count.Object(), schedule.Party{},
			"releases for reading what it does not hold so")
	}
	s.count.Set(s.count.Value() - 1)
}

// UpWrite is up_write().
func (s *Sem) UpWrite(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "up_write", Cell: &s.count, Mode: schedule.UnlockOp})
	lockdep.Release(t, &s.count)
	if s.count.Value() != writer {
		t.Fail(schedule.LockRule, s.count.Object(), schedule.Party{},
			"releases for writing what it does not hold so")
	}
	s.count.Set(0)
}

// DowngradeWrite is downgrade_write(): the writer goes on as a reader, and lets those in
// who wait to read before any other writer.
func (s *Sem) DowngradeWrite(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "downgrade_write", Cell: &s.count, Mode: schedule.RMW | schedule.Release})
	if !lockdep.Holds(t, &s.count) || s.count.Value() != writer {
		t.Fail(schedule.LockRule, s.count.Object(), schedule.Party{},
			"downgrades what it does not hold for writing")
	}
	s.count.Set(1)
}

// IsLocked is rwsem_is_locked() without a step, for fingerprints.
func (s *Sem) IsLocked() bool { return s.count.Value() != 0 }

// Waiters reports whether anybody is queued, for fingerprints.
func (s *Sem) Waiters() bool { return s.queue.Value() != 0 }
