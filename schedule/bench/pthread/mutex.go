package pthread

import (
	"math/bits"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Mutex is a pthread_mutex_t. The zero value is unlocked.
type Mutex struct {
	owner schedule.Cell // thread number + 1, 0: free
}

// Lock is pthread_mutex_lock(). It is enabled while nobody holds the mutex.
func (m *Mutex) Lock(t *schedule.Thread) {
	await(t, schedule.Op{Verb: "pthread_mutex_lock", Cell: &m.owner, Mode: schedule.LockOp}, m)
	m.owner.Set(uint64(t.ID) + 1)
}

// Open is the gate of Lock. A mutex in freed memory can be taken at once: the step then
// finds out.
func (m *Mutex) Open(*schedule.Thread) bool {
	return m.owner.Value() == 0 || !m.owner.Object().Live()
}

// Unlock is pthread_mutex_unlock().
func (m *Mutex) Unlock(t *schedule.Thread) {
	await(t, schedule.Op{Verb: "pthread_mutex_unlock", Cell: &m.owner, Mode: schedule.UnlockOp}, nil)
	m.release(t)
}

func (m *Mutex) release(t *schedule.Thread) {
	if m.owner.Value() != uint64(t.ID)+1 {
		t.Fail(schedule.LockRule, m.owner.Object(), schedule.Party{}, "releases a mutex that it does not hold")
	}
	m.owner.Set(0)
}

// A Cond is a pthread_cond_t. The zero value has no waiters. Threads from the 65th on cannot
// wait: see [schedule.Thread.Bit].
type Cond struct {
	waiting schedule.Cell // set of thread numbers
	woken   schedule.Cell // set of those that have been woken and have not returned
}

// Wait is pthread_cond_wait(). The first step releases m and begins to wait; the second
// takes m again, and is enabled when the thread has been woken and m is free.
func (c *Cond) Wait(t *schedule.Thread, m *Mutex) {
	await(t, schedule.Op{Verb: "pthread_cond_wait", Cell: &c.waiting, Mode: schedule.RMWFull}, nil)
	m.release(t)
	me := t.Bit()
	c.waiting.Set(c.waiting.Value() | me)
	w := &waiting.Of(t.Exec()).woken[t.ID]
	*w = woken{c, m}
	await(t, schedule.Op{Verb: "pthread_cond_wait (return)", Cell: &m.owner, Mode: schedule.LockOp}, w)
	c.woken.Set(c.woken.Value() &^ me)
	m.owner.Set(uint64(t.ID) + 1)
}

// woken is the gate of the return from Wait.
type woken struct {
	cond  *Cond
	mutex *Mutex
}

// Open implements [schedule.Gate].
func (w *woken) Open(t *schedule.Thread) bool {
	return w.cond.woken.Value()&t.Bit() != 0 && w.mutex.Open(t)
}

// Signal is pthread_cond_signal(): it wakes one of the waiters, if there are any, which
// the schedule chooses.
func (c *Cond) Signal(t *schedule.Thread) {
	await(t, schedule.Op{Verb: "pthread_cond_signal", Cell: &c.waiting, Mode: schedule.RMWFull}, nil)
	set := c.waiting.Value()
	if set == 0 {
		return
	}
	for range t.Choose(bits.OnesCount64(set)) {
		set &= set - 1
	}
	c.wake(set & -set)
}

// Broadcast is pthread_cond_broadcast(): it wakes all waiters.
func (c *Cond) Broadcast(t *schedule.Thread) {
	await(t, schedule.Op{Verb: "pthread_cond_broadcast", Cell: &c.waiting, Mode: schedule.RMWFull}, nil)
	c.wake(c.waiting.Value())
}

func (c *Cond) wake(set uint64) {
	c.waiting.Set(c.waiting.Value() &^ set)
	c.woken.Set(c.woken.Value() | set)
}
