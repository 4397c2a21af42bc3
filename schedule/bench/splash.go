package bench

import (
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench/pthread"
)

// factor is Splash2.lu, as it is run on a matrix of one element: two threads go from
// barrier to barrier, and the one that began the other asks at its end whether both are
// through. The macro that would wait for that is empty. Fixed, it waits.
type factor struct {
	schedule.Object
	idlock       pthread.Mutex
	id           pthread.Int
	sense, count pthread.Int // of the barrier
	element      pthread.Int
	times        pthread.Int
	finished     pthread.Int
	fixed        bool
}

func newFactor(s *scene, fixed bool) {
	f := &factor{fixed: fixed}
	s.static(f, "matrix")
	s.thread("check", f.check)
	s.thread("slave", f.slave)
}

func (f *factor) slave(t *schedule.Thread) {
	f.solve(t)
	if f.fixed {
		f.finished.Add(t, 1)
	} else {
		f.finished.Inc(t, 1)
	}
}

func (f *factor) check(t *schedule.Thread) {
	f.slave(t)
	if f.fixed {
		f.finished.Await(t, (*both)(&f.finished))
	}
	pthread.Assert(t, f.finished.Read(t) == 2, "the other thread is not through")
}

// both is the gate that is open when both threads are through.
type both pthread.Int

// Open implements [schedule.Gate].
func (x *both) Open(*schedule.Thread) bool { return (*pthread.Int)(x).Peek() == 2 }

// solve has the first to come do what there is to do of one block.
func (f *factor) solve(t *schedule.Thread) {
	f.idlock.Lock(t)
	first := f.id.Read(t) == 0
	f.id.Inc(t, 1)
	f.idlock.Unlock(t)
	f.barrier(t)
	if first {
		f.element.Read(t)
	}
	f.barrier(t)
	f.barrier(t) // the diagonal block is divided
	f.barrier(t) // the blocks beside it, of which there are none
	f.barrier(t)
	if first {
		f.times.Write(t, 1)
	}
}

// barrier turns the sense when both have come, who are counted up, and down the next time.
func (f *factor) barrier(t *schedule.Thread) {
	sense := f.sense.Read(t)
	by, last, passed := 1, 2, schedule.Gate((*set)(&f.sense))
	if sense != 0 {
		by, last, passed = -1, 0, (*unset)(&f.sense)
	}
	n := f.count.Read(t)
	for !f.count.CompareAndSwap(t, n, n+by) {
		n = f.count.Read(t)
	}
	if n+by == last {
		f.sense.Write(t, 1-sense)
	}
	f.sense.Await(t, passed)
}
