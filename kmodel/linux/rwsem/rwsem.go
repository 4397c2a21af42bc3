// Package rwsem is struct rw_semaphore (include/linux/rwsem.h).
//
// Steps: DownRead one, if it need not wait, else two: to queue, and to be granted.
// DownWrite the same. UpRead and UpWrite one each. A reader waits while a writer has the
// semaphore and while a writer waits that came before it, so that a task that takes it
// for reading twice hangs if a writer came in between. A writer waits for whoever has it.
//
// Misuse: as package mutex. Both may sleep.
//
// Not modelled: the order among those that wait, beyond readers that came after a
// writer; downgrade_write(), the try and killable forms; a tail of the release.
package rwsem

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Semaphore is a struct rw_semaphore. The zero value is free.
type Semaphore struct {
	count   schedule.Cell                      // readers that have it, or writer
	waiting schedule.Cell                      // set of writers that wait
	behind  [schedule.MaxThreads]schedule.Cell // writers that a waiting reader comes after
}

// writer is the count while a writer has the semaphore.
const writer = 1 << 16

// DownRead is down_read().
func (s *Semaphore) DownRead(t *schedule.Thread) {
	preempt.MightSleep(t, "down_read")
	lockdep.Recursive(t, &s.waiting)
	t.Step(schedule.Op{Verb: "down_read", Cell: &s.count, Mode: schedule.LockOp})
	if t.ObserveBool(s.count.Value() == writer || s.waiting.Value() != 0) {
		s.behind[t.ID].Set(s.waiting.Value())
		op := schedule.Op{Verb: "down_read (waits)", Cell: &s.count, Mode: schedule.LockOp}
		t.Await(op, (*read)(s))
	}
	s.count.Set(s.count.Value() + 1)
	lockdep.Acquire(t, &s.count, "down_read")
}

// UpRead is up_read().
func (s *Semaphore) UpRead(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "up_read", Cell: &s.count, Mode: schedule.UnlockOp})
	lockdep.Release(t, &s.count)
	s.count.Set(s.count.Value() - 1)
}

// DownWrite is down_write().
func (s *Semaphore) DownWrite(t *schedule.Thread) {
	preempt.MightSleep(t, "down_write")
	lockdep.Recursive(t, &s.waiting)
	t.Step(schedule.Op{Verb: "down_write", Cell: &s.count, Mode: schedule.LockOp})
	if t.ObserveBool(s.count.Value() != 0) {
		s.waiting.Set(s.waiting.Value() | 1<<t.ID)
		op := schedule.Op{Verb: "down_write (waits)", Cell: &s.count, Mode: schedule.LockOp}
		t.Await(op, (*write)(s))
		s.granted(t)
	}
	s.count.Set(writer)
	// A writer is on record under another cell than a reader: to take the semaphore again
	// hangs for certain after a write, and only with a writer in between after a read.
	lockdep.Acquire(t, &s.waiting, "down_write")
}

// granted takes the writer t off what anybody waits for.
func (s *Semaphore) granted(t *schedule.Thread) {
	s.waiting.Set(s.waiting.Value() &^ (1 << t.ID))
	for i := range s.behind {
		if c := &s.behind[i]; c.Value() != 0 {
			c.Set(c.Value() &^ (1 << t.ID))
		}
	}
}

// UpWrite is up_write().
func (s *Semaphore) UpWrite(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "up_write", Cell: &s.count, Mode: schedule.UnlockOp})
	lockdep.Release(t, &s.waiting)
	s.count.Set(0)
}

// read and write are the gates of those that wait. A semaphore in freed memory can be
// taken at once: the step then finds out.
type (
	read  Semaphore
	write Semaphore
)

// Open implements [schedule.Gate].
func (s *read) Open(t *schedule.Thread) bool {
	return s.count.Value() != writer && s.behind[t.ID].Value() == 0 || !s.count.Object().Live()
}

// Open implements [schedule.Gate].
func (s *write) Open(*schedule.Thread) bool {
	return s.count.Value() == 0 || !s.count.Object().Live()
}
