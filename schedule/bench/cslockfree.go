package bench

import (
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench/pthread"
)

// buffers is CB.stringbuffer-jdk1.4: one buffer is appended to another, length first and
// then the characters, each under the lock of the buffer; meanwhile it may have become
// shorter. Fixed, the lock is held through both.
type buffers struct {
	schedule.Object
	m     pthread.Mutex
	count pthread.Int // of the one that is appended, and erased from
	other pthread.Int // of the one that is appended to
	fixed bool
}

const (
	bufferLength = 3
	bufferErased = 3
)

func newBuffers(s *scene, fixed bool) {
	b := &buffers{fixed: fixed}
	s.static(b, "sb")
	s.init(b.init)
	s.thread("append", b.append)
	s.thread("erase", b.erase)
}

func (b *buffers) init(*schedule.Exec) { b.count.Init(bufferLength) }

func (b *buffers) append(t *schedule.Thread) {
	b.m.Lock(t)
	length := b.count.Read(t)
	if !b.fixed {
		b.m.Unlock(t)
		b.m.Lock(t)
	}
	pthread.Assert(t, length <= b.count.Read(t), "characters behind the end")
	b.m.Unlock(t)
	b.other.Write(t, length)
}

func (b *buffers) erase(t *schedule.Thread) {
	b.add(t, -bufferErased)
	b.add(t, bufferErased)
}

func (b *buffers) add(t *schedule.Thread, n int) {
	b.m.Lock(t)
	b.count.Inc(t, n)
	b.m.Unlock(t)
}

// stealing is CHESS.WSQ: the work-stealing queue of Cilk-5 (Frigo, Leiserson and Randall,
// PLDI 1998: the THE protocol). The owner pushes and pops at the tail without the lock,
// thieves take from the head with it. A thief moves the head on before it reads the item, so
// the owner must leave one slot free, which it does not: it overwrites what is being
// stolen. Fixed, it does.
type stealing struct {
	schedule.Object
	m          pthread.Mutex
	head, tail pthread.Int
	mask       pthread.Int
	elems      [stealSlots]pthread.Int // item + 1
	done       [stealItems]pthread.Int
	fixed      bool
}

const (
	stealItems  = 4
	stealSlots  = 8 // after growing; it begins with 2
	stealRounds = 2
)

func newStealing(s *scene, fixed bool) {
	q := &stealing{fixed: fixed}
	s.static(q, "wsq")
	s.init(q.init)
	s.thread("owner", q.owner)
	s.thread("thief", q.thief)
	s.end(q.end)
}

func (q *stealing) init(*schedule.Exec) { q.mask.Init(1) }

// end checks that no item was lost. That none is done twice is checked where it is done.
func (q *stealing) end(e *schedule.Exec) {
	for i := range q.done {
		if q.done[i].Peek() != 1 {
			e.FailAtEnd(schedule.LostUpdate, &q.Object, schedule.Party{}, "an item was lost")
		}
	}
}

func (q *stealing) owner(t *schedule.Thread) {
	for i := range stealItems / 2 {
		q.push(t, 2*i)
		q.push(t, 2*i+1)
		q.do(t, q.pop(t))
	}
	for range stealItems / 2 {
		q.do(t, q.pop(t))
	}
}

func (q *stealing) thief(t *schedule.Thread) {
	for range stealRounds {
		q.do(t, q.steal(t))
	}
}

// do does an item, if there is one.
func (q *stealing) do(t *schedule.Thread, item int) {
	if item >= 0 {
		pthread.Assert(t, q.done[item].Add(t, 1) == 1, "an item is done twice")
	}
}

func (q *stealing) push(t *schedule.Thread, item int) {
	tail, mask := q.tail.Read(t), q.mask.Read(t)
	limit := q.head.Load(t) + mask + 1
	if q.fixed {
		limit--
	}
	if tail < limit {
		q.elems[tail&mask].Write(t, item+1)
		q.tail.Store(t, tail+1)
		return
	}
	q.m.Lock(t)
	tail, mask = q.grow(t, mask)
	q.elems[tail&mask].Write(t, item+1)
	q.tail.Store(t, tail+1)
	q.m.Unlock(t)
}

// grow doubles the queue if it is full, and moves it to the beginning of its memory.
func (q *stealing) grow(t *schedule.Thread, mask int) (tail, newMask int) {
	head := q.head.Load(t)
	tail = q.tail.Read(t)
	if tail-head < mask {
		return tail, mask
	}
	var items [stealSlots]int
	n := 0
	for i := head; i < tail; i++ {
		items[n] = q.elems[i&mask].Read(t)
		n++
	}
	for i, item := range items[:n] {
		q.elems[i].Write(t, item)
	}
	mask = 2*mask + 1
	q.mask.Write(t, mask)
	q.head.Store(t, 0)
	q.tail.Store(t, n)
	return n, mask
}

// pop takes from the tail: without the lock while there is more than thieves could take.
func (q *stealing) pop(t *schedule.Thread) int {
	tail := q.tail.Read(t) - 1
	q.tail.Store(t, tail)
	if q.head.Load(t) <= tail {
		return q.at(t, tail)
	}
	q.tail.Store(t, tail+1)
	q.m.Lock(t)
	item := -1
	q.tail.Store(t, tail)
	if q.head.Load(t) <= tail {
		item = q.at(t, tail)
	} else { // empty
		q.head.Store(t, 0)
		q.tail.Store(t, 0)
	}
	q.m.Unlock(t)
	return item
}

func (q *stealing) steal(t *schedule.Thread) int {
	q.m.Lock(t)
	head := q.head.Load(t)
	q.head.Store(t, head+1)
	item := -1
	if head < q.tail.Load(t) {
		item = q.at(t, head)
	} else {
		q.head.Store(t, head)
	}
	q.m.Unlock(t)
	return item
}

func (q *stealing) at(t *schedule.Thread, i int) int {
	return q.elems[i&q.mask.Read(t)].Read(t) - 1
}

// safeStack is SafeStack (Vyukov): a stack of slots without a lock, whose pop marks the
// next-link of the head before it takes the head off. It looks safe from reuse of a slot
// between the two and is not: two threads come to own one slot. It is the deepest bug of
// SCTBench. Fixed, pop and push are one step each: no other fix is known to us.
//
// A thread that can do nothing but try again waits until it would see something else; so
// it does where the original spins.
type safeStack struct {
	schedule.Object
	head, count pthread.Int
	next        [safeSlots]pthread.Int // -1: of one that is being popped
	owner       [safeSlots]pthread.Int
	m           pthread.Mutex // of the fixed one
	fixed       bool
}

const (
	safeSlots  = 3
	safeRounds = 2
)

func newSafeStack(s *scene, fixed bool) {
	st := &safeStack{fixed: fixed}
	s.static(st, "stack")
	s.init(st.init)
	for _, name := range []string{"a", "b", "c"} {
		s.thread(name, st.work)
	}
}

func (s *safeStack) init(*schedule.Exec) {
	s.count.Init(safeSlots)
	for i := range s.next {
		s.next[i].Init(i + 1)
	}
	s.next[safeSlots-1].Init(-1)
}

// work pops and pushes. It says where all that a thread knows is the round and the slot
// that it owns.
func (s *safeStack) work(t *schedule.Thread) {
	for round := range safeRounds {
		i := s.pop(t, round)
		s.owner[i].Write(t, t.ID+1)
		pthread.Assert(t, s.owner[i].Read(t) == t.ID+1, "a slot has two owners")
		s.push(t, round, i)
	}
}

func (s *safeStack) pop(t *schedule.Thread, round int) int {
	for {
		t.Forget(place(round, 0))
		s.count.Await(t, (*poppable)(s))
		s.lock(t)
		head := s.head.Load(t)
		next := s.next[head].Exchange(t, -1)
		if next >= 0 {
			if s.head.CompareAndSwap(t, head, next) {
				s.count.Add(t, -1)
				s.unlock(t)
				t.Forget(place(round, 1+head))
				return head
			}
			s.next[head].Exchange(t, next)
		}
		s.unlock(t)
	}
}

// poppable is the gate of a try: there is more than one slot, and the head is not being
// popped.
type poppable safeStack

// Open implements [schedule.Gate].
func (s *poppable) Open(*schedule.Thread) bool {
	return s.count.Peek() > 1 && s.next[s.head.Peek()].Peek() >= 0
}

func (s *safeStack) push(t *schedule.Thread, round, i int) {
	s.lock(t)
	for {
		if !s.fixed {
			t.Forget(place(round, 1+safeSlots+i))
		}
		head := s.head.Load(t)
		s.next[i].Store(t, head)
		if s.head.CompareAndSwap(t, head, i) {
			break
		}
	}
	s.count.Add(t, 1)
	s.unlock(t)
}

func (s *safeStack) lock(t *schedule.Thread) {
	if s.fixed {
		s.m.Lock(t)
	}
}

func (s *safeStack) unlock(t *schedule.Thread) {
	if s.fixed {
		s.m.Unlock(t)
	}
}
