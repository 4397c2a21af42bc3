package bench

import (
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench/pthread"
)

// spinning is the other programs of CHESS with the work-stealing queue, where thieves and
// owner take a lock of their own, which is tried for with an exchange.
//
// CHESS.IWSQ has the bug of CHESS.WSQ. In CHESS.IWSQWS and CHESS.SWSQ, with two thieves, the
// queue is right, and what is wrong is how each thread keeps what function it is in
// ([frames]).
type spinning struct {
	schedule.Object
	lock       pthread.Int // 1: taken
	head, tail pthread.Int
	mask       pthread.Int
	elems      [stealSlots]pthread.Int // item + 1
	done       [stealItems]pthread.Int
	atOnce     bool    // all items are pushed, and then all popped
	frames     *frames // or nil
	off        int     // by which the test of the capacity is off
}

func newInterlocked(s *scene, fixed bool) {
	q := &spinning{off: 1}
	if fixed {
		q.off = 0
	}
	q.scene(s, 1)
}

func newSpinning(atOnce bool) func(s *scene, fixed bool) {
	return func(s *scene, fixed bool) {
		q := &spinning{atOnce: atOnce, frames: &frames{fixed: fixed}}
		s.static(q.frames, "frames")
		s.init(q.frames.init)
		q.scene(s, framesOf-1)
	}
}

func (q *spinning) scene(s *scene, thieves int) {
	s.static(q, "wsq")
	s.init(q.init)
	for i := range thieves {
		s.thread("thief", func(t *schedule.Thread) { q.thief(t, 1+i) })
	}
	s.thread("owner", q.owner)
	s.end(q.end)
}

func (q *spinning) init(*schedule.Exec) { q.mask.Init(1) }

// end checks that no item was lost.
func (q *spinning) end(e *schedule.Exec) {
	for i := range q.done {
		if q.done[i].Peek() != 1 {
			e.FailAtEnd(schedule.LostUpdate, &q.Object, schedule.Party{}, "an item was lost")
		}
	}
}

func (q *spinning) owner(t *schedule.Thread) {
	pops := stealItems
	for i := range stealItems {
		q.frames.note(t, 0)
		q.push(t, i)
		if i%2 == 1 && !q.atOnce {
			q.frames.note(t, 0)
			q.do(t, q.pop(t))
			pops--
		}
	}
	for range pops {
		q.frames.note(t, 0)
		q.do(t, q.pop(t))
	}
}

func (q *spinning) thief(t *schedule.Thread, me int) {
	q.frames.enter(t, me)
	for range stealRounds {
		q.frames.note(t, me)
		q.do(t, q.steal(t, me))
	}
	q.frames.leave(t, me)
}

// do does an item, if there is one.
func (q *spinning) do(t *schedule.Thread, item int) {
	if item >= 0 {
		pthread.Assert(t, q.done[item].Add(t, 1) == 1, "an item is done twice")
	}
}

func (q *spinning) acquire(t *schedule.Thread, me int) {
	q.frames.enter(t, me)
	q.frames.note(t, me)
	for q.lock.Exchange(t, 1) != 0 {
		q.frames.note(t, me)
		q.lock.Await(t, (*unset)(&q.lock))
		q.frames.note(t, me)
	}
	q.frames.leave(t, me)
}

func (q *spinning) release(t *schedule.Thread, me int) {
	q.frames.enter(t, me)
	q.frames.note(t, me)
	q.lock.Store(t, 0)
	q.frames.leave(t, me)
}

func (q *spinning) read(t *schedule.Thread, n int) int {
	return q.elems[n&q.mask.Read(t)].Read(t) - 1
}

func (q *spinning) steal(t *schedule.Thread, me int) (item int) {
	q.frames.enter(t, me)
	q.frames.note(t, me)
	q.acquire(t, me)
	q.frames.note(t, me)
	head := q.head.Load(t)
	q.frames.note(t, me)
	q.head.Store(t, head+1)
	q.frames.note(t, me)
	if head < q.tail.Load(t) {
		item = q.read(t, head)
	} else {
		q.frames.note(t, me)
		q.head.Store(t, head)
		item = -1
	}
	q.frames.note(t, me)
	q.release(t, me)
	q.frames.leave(t, me)
	return item
}

func (q *spinning) pop(t *schedule.Thread) (item int) {
	q.frames.enter(t, 0)
	if last, ok := q.back(t); ok {
		item = q.read(t, last)
	} else {
		item = q.popLocked(t)
	}
	q.frames.leave(t, 0)
	return item
}

// back moves the tail back, and forth again if nothing was left to pop.
func (q *spinning) back(t *schedule.Thread) (last int, ok bool) {
	q.frames.note(t, 0)
	last = q.tail.Load(t) - 1
	q.frames.note(t, 0)
	q.tail.Store(t, last)
	q.frames.note(t, 0)
	if q.head.Load(t) <= last {
		return last, true
	}
	q.frames.note(t, 0)
	q.tail.Store(t, last+1)
	return last, false
}

func (q *spinning) popLocked(t *schedule.Thread) (item int) {
	q.frames.enter(t, 0)
	q.frames.note(t, 0)
	q.acquire(t, 0)
	item = -1
	last, ok := q.back(t)
	if ok {
		item = q.read(t, last)
	}
	q.frames.note(t, 0)
	if q.head.Load(t) > last {
		q.frames.note(t, 0)
		q.head.Store(t, 0)
		q.frames.note(t, 0)
		q.tail.Store(t, 0)
		item = -1
	}
	q.frames.note(t, 0)
	q.release(t, 0)
	q.frames.leave(t, 0)
	return item
}

func (q *spinning) push(t *schedule.Thread, item int) {
	q.frames.enter(t, 0)
	q.frames.note(t, 0)
	tail := q.tail.Load(t)
	q.frames.note(t, 0)
	if tail < q.head.Load(t)+q.mask.Read(t)+q.off {
		q.elems[tail&q.mask.Read(t)].Write(t, item+1)
		q.frames.note(t, 0)
		q.tail.Store(t, tail+1)
	} else {
		q.frames.note(t, 0)
		q.pushLocked(t, item)
	}
	q.frames.leave(t, 0)
}

func (q *spinning) pushLocked(t *schedule.Thread, item int) {
	q.frames.enter(t, 0)
	q.frames.note(t, 0)
	q.acquire(t, 0)
	q.grow(t)
	q.frames.note(t, 0)
	tail := q.tail.Load(t)
	q.elems[tail&q.mask.Read(t)].Write(t, item+1)
	q.frames.note(t, 0)
	q.tail.Store(t, tail+1)
	q.frames.note(t, 0)
	q.release(t, 0)
	q.frames.leave(t, 0)
}

// grow moves the head into the array, and doubles that if it is full.
func (q *spinning) grow(t *schedule.Thread) {
	q.frames.note(t, 0)
	head := q.head.Load(t)
	q.frames.note(t, 0)
	count, mask := q.tail.Load(t)-head, q.mask.Read(t)
	head &= mask
	q.frames.note(t, 0)
	q.head.Store(t, head)
	q.frames.note(t, 0)
	q.tail.Store(t, head+count)
	if count < mask {
		return
	}
	var moved [stealSlots]int
	for i := range count {
		moved[i] = q.elems[(head+i)&mask].Read(t)
	}
	for i := range count {
		q.elems[i].Write(t, moved[i])
	}
	q.mask.Write(t, 2*mask+1)
	q.frames.note(t, 0)
	q.head.Store(t, 0)
	q.frames.note(t, 0)
	q.tail.Store(t, count)
}

// frames is a vector of a stack for each thread, of the functions that it is in: for a
// search by state. A thread makes the vector long enough when it begins, without a lock: it may
// become shorter again by that, and what another thread has in it is gone. Fixed, it is long
// enough from the beginning. What is in a frame is not modelled.
type frames struct {
	schedule.Object
	length pthread.Int
	depth  [framesOf]pthread.Int
	fixed  bool
}

const framesOf = 3

// init leaves the stack of the main thread, number 0, which is the owner's too.
func (f *frames) init(*schedule.Exec) {
	f.depth[0].Init(1)
	f.length.Init(1)
	if f.fixed {
		f.length.Init(framesOf)
	}
}

func (f *frames) enter(t *schedule.Thread, me int) {
	if f == nil {
		return
	}
	if f.length.Read(t) <= me {
		f.resize(t, me+1)
	}
	f.at(t, me).Inc(t, 1)
}

func (f *frames) resize(t *schedule.Thread, n int) {
	length := f.length.Read(t)
	for i := length; i < n; i++ {
		f.depth[i].Write(t, 0)
	}
	for i := n; i < length; i++ {
		f.depth[i].Write(t, 0)
	}
	f.length.Write(t, n)
}

// note says where in its function a thread is.
func (f *frames) note(t *schedule.Thread, me int) {
	if f != nil {
		f.top(t, me)
	}
}

func (f *frames) leave(t *schedule.Thread, me int) {
	if f != nil {
		f.depth[me].Write(t, f.top(t, me)-1)
	}
}

func (f *frames) top(t *schedule.Thread, me int) int {
	n := f.at(t, me).Read(t)
	pthread.Assert(t, n > 0, "the stack of the thread is gone")
	return n
}

func (f *frames) at(t *schedule.Thread, me int) *pthread.Int {
	pthread.Assert(t, me < f.length.Read(t), "the vector ends before the thread")
	return &f.depth[me]
}
