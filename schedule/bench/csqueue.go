package bench

import (
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench/pthread"
)

// place is where a thread is that has just finished a round: all it knows is which, and
// another number.
func place(round, n int) uint64 { return uint64(round)<<8 | uint64(n) }

// circular is CS.circular_buffer: sender and receiver take turns, by two flags under a
// lock, but a turn that comes too early is lost, while the receiver goes on counting. Fixed,
// it counts what it has received.
type circular struct {
	schedule.Object
	m             pthread.Mutex
	send, receive pthread.Int // whose turn it is
	first, next   pthread.Int
	buffer        [10]pthread.Int
	fixed         bool
}

const circularRounds = 7

func newCircular(s *scene, fixed bool) {
	c := &circular{fixed: fixed}
	s.static(c, "buffer")
	s.init(c.init)
	s.thread("send", c.sends)
	s.thread("receive", c.receives)
}

func (c *circular) init(*schedule.Exec) { c.send.Init(1) }

func (c *circular) sends(t *schedule.Thread) {
	sent := 0
	for i := range circularRounds {
		c.m.Lock(t)
		if c.send.Read(t) != 0 {
			n := c.next.Read(t)
			c.buffer[n].Write(t, sent)
			c.next.Write(t, (n+1)%len(c.buffer))
			c.send.Write(t, 0)
			c.receive.Write(t, 1)
			sent++
		}
		c.m.Unlock(t)
		t.Forget(place(i, sent))
	}
}

func (c *circular) receives(t *schedule.Thread) {
	received := 0
	for i := range circularRounds {
		c.m.Lock(t)
		if c.receive.Read(t) != 0 {
			n := c.first.Read(t)
			want := i
			if c.fixed {
				want = received
			}
			pthread.Assert(t, c.buffer[n].Read(t) == want, "received what was sent in another round")
			c.first.Write(t, (n+1)%len(c.buffer))
			c.receive.Write(t, 0)
			c.send.Write(t, 1)
			received++
		}
		c.m.Unlock(t)
		t.Forget(place(i, received))
	}
}

// queue is CS.queue: as circular, with a queue of its own and an array that says what was
// put into it when. Fixed, the receiver looks at the place of what it has received.
type queue struct {
	schedule.Object
	m                pthread.Mutex
	enqueue, dequeue pthread.Int // whose turn it is
	head, tail       pthread.Int
	elements         [queueSize]pthread.Int
	stored           [queueSize]pthread.Int
	fixed            bool
}

const queueSize = 20

func newQueue(s *scene, fixed bool) {
	q := &queue{fixed: fixed}
	s.static(q, "queue")
	s.init(q.init)
	s.thread("enqueue", q.enqueues)
	s.thread("dequeue", q.dequeues)
}

func (q *queue) init(*schedule.Exec) { q.enqueue.Init(1) }

func (q *queue) put(t *schedule.Thread, v, at int) {
	n := q.tail.Read(t)
	q.elements[n].Write(t, v)
	q.tail.Write(t, n+1)
	q.stored[at].Write(t, v)
}

func (q *queue) enqueues(t *schedule.Thread) {
	v := 1
	q.m.Lock(t)
	q.put(t, v, 0)
	q.m.Unlock(t)
	t.Forget(place(0, v))
	for i := 1; i < queueSize; i++ {
		q.m.Lock(t)
		if q.enqueue.Read(t) != 0 {
			v++
			at := i
			if q.fixed {
				at = v - 1
			}
			q.put(t, v, at)
			q.enqueue.Write(t, 0)
			q.dequeue.Write(t, 1)
		}
		q.m.Unlock(t)
		t.Forget(place(i, v))
	}
}

func (q *queue) dequeues(t *schedule.Thread) {
	taken := 0
	for i := range queueSize {
		q.m.Lock(t)
		if q.dequeue.Read(t) != 0 {
			n := q.head.Read(t)
			v := q.elements[n].Read(t)
			q.head.Write(t, n+1)
			at := i
			if q.fixed {
				at = taken
			}
			pthread.Assert(t, v == q.stored[at].Read(t), "taken what was put in another round")
			q.dequeue.Write(t, 0)
			q.enqueue.Write(t, 1)
			taken++
		}
		q.m.Unlock(t)
		t.Forget(place(i, taken))
	}
}

// stack is CS.stack: who pops looks whether anything was ever pushed. Fixed, whether
// anything is left.
type stack struct {
	schedule.Object
	m     pthread.Mutex
	ever  pthread.Int
	top   pthread.Int
	slots [stackRounds]pthread.Int
	fixed bool
}

const stackRounds = 10

func newStack(s *scene, fixed bool) {
	st := &stack{fixed: fixed}
	s.static(st, "stack")
	s.thread("push", st.push)
	s.thread("pop", st.pop)
}

func (s *stack) push(t *schedule.Thread) {
	for i := range stackRounds {
		s.m.Lock(t)
		n := s.top.Read(t)
		s.slots[n].Write(t, i)
		s.top.Write(t, n+1)
		s.ever.Write(t, 1)
		s.m.Unlock(t)
		t.Forget(place(i, 0))
	}
}

func (s *stack) pop(t *schedule.Thread) {
	for i := range stackRounds {
		s.m.Lock(t)
		if s.ever.Read(t) != 0 {
			n := s.top.Read(t)
			if n > 0 {
				s.slots[n-1].Read(t)
				s.top.Write(t, n-1)
			} else {
				pthread.Assert(t, s.fixed, "pop of an empty stack")
			}
		}
		s.m.Unlock(t)
		t.Forget(place(i, 0))
	}
}

// twostage is CS.twostage: who writes does so in two stages, each under a lock of its own;
// who reads may come between them. Fixed, the first lock is held through both.
type twostage struct {
	schedule.Object
	m1, m2       pthread.Mutex
	data1, data2 pthread.Int
	fixed        bool
}

func newTwostage(writers, readers int) func(s *scene, fixed bool) {
	return func(s *scene, fixed bool) {
		w := &twostage{fixed: fixed}
		s.static(w, "stages")
		for range writers {
			s.thread("write", w.write)
		}
		for range readers {
			s.thread("read", w.read)
		}
	}
}

func (w *twostage) write(t *schedule.Thread) {
	w.m1.Lock(t)
	w.data1.Write(t, 1)
	if !w.fixed {
		w.m1.Unlock(t)
	}
	w.m2.Lock(t)
	w.data2.Write(t, w.data1.Read(t)+1)
	w.m2.Unlock(t)
	if w.fixed {
		w.m1.Unlock(t)
	}
}

func (w *twostage) read(t *schedule.Thread) {
	w.m1.Lock(t)
	v := w.data1.Read(t)
	w.m1.Unlock(t)
	if v == 0 {
		return
	}
	w.m2.Lock(t)
	pthread.Assert(t, w.data2.Read(t) == v+1, "the first stage without the second")
	w.m2.Unlock(t)
}

// reorder is CS.reorder: two words are written one after the other, without a lock, and
// both or none should be seen. All writers write the same: once one is through, nobody can
// see half any more. Fixed, with a lock.
type reorder struct {
	schedule.Object
	m     pthread.Mutex
	a, b  pthread.Int
	fixed bool
}

func newReorder(setters, checkers int) func(s *scene, fixed bool) {
	return func(s *scene, fixed bool) {
		r := &reorder{fixed: fixed}
		s.static(r, "pair")
		for range setters {
			s.thread("set", r.set)
		}
		for range checkers {
			s.thread("check", r.check)
		}
	}
}

func (r *reorder) set(t *schedule.Thread) {
	r.lock(t)
	r.a.Write(t, 1)
	r.b.Write(t, -1)
	r.unlock(t)
}

func (r *reorder) check(t *schedule.Thread) {
	r.lock(t)
	a, b := r.a.Read(t), r.b.Read(t)
	pthread.Assert(t, a == 0 && b == 0 || a == 1 && b == -1, "half of the pair")
	r.unlock(t)
}

func (r *reorder) lock(t *schedule.Thread) {
	if r.fixed {
		r.m.Lock(t)
	}
}

func (r *reorder) unlock(t *schedule.Thread) {
	if r.fixed {
		r.m.Unlock(t)
	}
}

// wronglock is CS.wronglock: one thread increments under a lock and looks whether that was
// all; the others increment under another lock. Fixed, there is one lock.
type wronglock struct {
	schedule.Object
	right, wrong pthread.Mutex
	data         pthread.Int
	fixed        bool
}

func newWronglock(others int) func(s *scene, fixed bool) {
	return func(s *scene, fixed bool) {
		w := &wronglock{fixed: fixed}
		s.static(w, "data")
		s.thread("check", w.check)
		for range others {
			s.thread("increment", w.increment)
		}
	}
}

func (w *wronglock) check(t *schedule.Thread) {
	w.right.Lock(t)
	x := w.data.Read(t)
	w.data.Inc(t, 1)
	pthread.Assert(t, w.data.Read(t) == x+1, "somebody else has written")
	w.right.Unlock(t)
}

func (w *wronglock) increment(t *schedule.Thread) {
	lock := &w.wrong
	if w.fixed {
		lock = &w.right
	}
	lock.Lock(t)
	w.data.Inc(t, 1)
	lock.Unlock(t)
}
