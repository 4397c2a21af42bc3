// Package seqlock is seqlock_t (include/linux/seqlock.h): a spin lock for writers, and a
// sequence number by which readers, who take no lock, find out that there was a writer.
//
// Steps: WriteSeqlock two, taking the lock and making the sequence odd; WriteSequnlock two,
// making it even and giving the lock back (three, if unlocks have a tail). ReadSeqbegin one,
// enabled while the sequence is even: the kernel spins until it is. ReadSeqretry one.
//
// The barriers are part of the steps: what is written comes between the two of the writer
// (smp_wmb()), what is read between those of the reader (smp_rmb()).
//
// Misuse: that of the spin lock. That a reader may spin for a writer whom it keeps from going on,
// package lockdep reports.
//
// Not modelled: readers who take the lock (read_seqlock_excl()), seqcount_t, latches.
package seqlock

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Lock is a seqlock_t. The zero value is unlocked.
type Lock struct {
	sequence schedule.Cell
	lock     spin.Lock
}

// WriteSeqlock is write_seqlock().
func (l *Lock) WriteSeqlock(t *schedule.Thread) {
	const verb = "write_seqcount_begin"
	l.lock.Lock(t)
	lockdep.Acquire(t, &l.sequence, lockdep.Seqcount)
	l.step(t, verb, schedule.Acquire)
	l.next(t)
	t.StoreBarrier() // its smp_wmb()
	lockdep.Acquired(t, &l.sequence, verb, lockdep.Seqcount)
}

// WriteSequnlock is write_sequnlock().
func (l *Lock) WriteSequnlock(t *schedule.Thread) {
	l.step(t, "write_seqcount_end", schedule.Release)
	t.StoreBarrier() // its smp_wmb(), which what is stored after the unlock does not pass either
	l.next(t)
	lockdep.Release(t, &l.sequence)
	l.lock.Unlock(t)
}

func (l *Lock) step(t *schedule.Thread, verb string, m schedule.Mode) {
	t.Step(schedule.Op{Verb: verb, Cell: &l.sequence, Mode: schedule.WriteOnce | m})
}

func (l *Lock) next(t *schedule.Thread) { t.Store(&l.sequence, l.sequence.Value()+1) }

// ReadSeqbegin is read_seqbegin(): it returns the sequence when there is no writer.
func (l *Lock) ReadSeqbegin(t *schedule.Thread) uint64 {
	lockdep.Acquire(t, &l.sequence, lockdep.Seqcount|lockdep.Read|lockdep.IrqsOff)
	t.Await(schedule.Op{Verb: "read_seqbegin", Cell: &l.sequence,
		Mode: schedule.ReadOnce | schedule.Acquire | schedule.Blocks}, l)
	return t.Observe(l.sequence.Value())
}

// Open is the gate of ReadSeqbegin. A lock in freed memory can be read at once: the step
// then finds out.
func (l *Lock) Open(*schedule.Thread) bool {
	return l.sequence.Value()&1 == 0 || !l.sequence.Object().Live()
}

// ReadSeqretry is read_seqretry(): it reports whether there has been a writer since
// ReadSeqbegin returned seq.
func (l *Lock) ReadSeqretry(t *schedule.Thread, seq uint64) bool {
	t.Step(schedule.Op{Verb: "read_seqretry", Cell: &l.sequence,
		Mode: schedule.ReadOnce | schedule.Release})
	return t.ObserveBool(l.sequence.Value() != seq)
}

// IsLocked reports whether there is a writer, without a step, for fingerprints.
func (l *Lock) IsLocked() bool { return l.lock.IsLocked() }
