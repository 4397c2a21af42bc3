package lockdep

import "github.com/kschedfuzz/kschedfuzz/schedule"

// Work items. Lockdep has a map for each, as if it were a lock which the worker has while it
// calls the function, and which whoever flushes it takes for a moment. So who flushes it under a
// lock that the function takes makes a cycle, whether or not the item is queued then. Not every
// kernel does that: see the package comment.
//
// Nothing of this is kept unless somebody asks.

// MapAcquire is lock_map_acquire() where the function of a work item is called, in the current
// step of t.
func MapAcquire(t *schedule.Thread, c *schedule.Cell, verb string) {
	if s := facility.Of(t.Exec()); s.asked != nil {
		s.asked.acquire(t, s, c, work, now(t))
		Acquired(t, c, verb, work)
	}
}

// MapRelease is lock_map_release() where the function has returned.
func MapRelease(t *schedule.Thread, c *schedule.Cell) {
	if s := facility.Of(t.Exec()); s.asked != nil {
		Release(t, c)
	}
}

// MapTouch is lock_map_acquire() and lock_map_release() of who is about to wait for a work item.
func MapTouch(t *schedule.Thread, c *schedule.Cell) {
	if s := facility.Of(t.Exec()); s.asked != nil {
		s.asked.acquire(t, s, c, work, next(t))
	}
}
