// Package sock is the lock of a socket that tasks take, lock_sock() (include/net/sock.h).
//
// Steps: LockSock one, enabled while no task owns the socket; ReleaseSock one. The kernel has a
// word that says so, under a spin lock that both take and give back (sk_lock.slock): nobody else
// looks at the word without it, so each is one step, and there is no tail as in package mutex.
//
// Misuse: as package mutex.
//
// Not modelled: bh_lock_sock(), by which softirqs see whether a task owns the socket, the
// backlog that they leave to it, and lock_sock_fast().
package sock

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Lock is a socket_lock_t. The zero value is unlocked.
type Lock struct {
	owner schedule.Cell // thread number + 1, 0: free
}

// LockSock is lock_sock().
func (l *Lock) LockSock(t *schedule.Thread) {
	preempt.MightSleep(t, "lock_sock")
	lockdep.Acquire(t, &l.owner, 0)
	t.Await(schedule.Op{Verb: "lock_sock", Cell: &l.owner, Mode: schedule.LockOp}, l)
	l.owner.Set(uint64(t.ID) + 1)
	lockdep.Acquired(t, &l.owner, "lock_sock", 0)
}

// Open is the gate of LockSock. A lock in freed memory can be taken at once: the step then finds
// out.
func (l *Lock) Open(*schedule.Thread) bool {
	return l.owner.Value() == 0 || !l.owner.Object().Live()
}

// ReleaseSock is release_sock().
func (l *Lock) ReleaseSock(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "release_sock", Cell: &l.owner, Mode: schedule.UnlockOp})
	lockdep.Release(t, &l.owner)
	l.owner.Set(0)
}

// IsLocked is sock_owned_by_user() without a step, for fingerprints.
func (l *Lock) IsLocked() bool { return l.owner.Value() != 0 }
