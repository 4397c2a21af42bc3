package bench

import (
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench/pthread"
)

// bounded is Inspect.boundedBuffer, with the bug that PERIOD put into it: who gets waits
// until there is something, and then lets go of the lock once before it takes it. Fixed, it
// does not.
type bounded struct {
	schedule.Object
	m                 pthread.Mutex
	notFull, notEmpty pthread.Cond
	head, rear        pthread.Int
	putters, getters  pthread.Int // that wait
	slots             [boundedSlots]pthread.Int
	fixed             bool
}

const (
	boundedSlots  = 3 // one of which stays free
	boundedItems  = 4 // for each thread
	boundedOfEach = 2 // so many put, and so many get
)

func newBounded(s *scene, fixed bool) {
	b := &bounded{fixed: fixed}
	s.static(b, "buffer")
	for range boundedOfEach {
		s.thread("produce", b.produce)
	}
	for range boundedOfEach {
		s.thread("consume", b.consume)
	}
}

func (b *bounded) produce(t *schedule.Thread) {
	for i := range boundedItems {
		b.put(t, i)
		t.Forget(place(i, 0))
	}
}

func (b *bounded) consume(t *schedule.Thread) {
	for i := range boundedItems {
		b.get(t)
		t.Forget(place(i, 0))
	}
}

func (b *bounded) full(t *schedule.Thread) bool {
	return (b.rear.Read(t)+1)%boundedSlots == b.head.Read(t)
}

func (b *bounded) empty(t *schedule.Thread) bool { return b.head.Read(t) == b.rear.Read(t) }

func (b *bounded) put(t *schedule.Thread, item int) {
	b.m.Lock(t)
	if b.full(t) {
		b.putters.Inc(t, 1)
		for b.full(t) {
			b.notFull.Wait(t, &b.m)
		}
		b.putters.Inc(t, -1)
	}
	n := b.rear.Read(t)
	b.slots[n].Write(t, item)
	b.rear.Write(t, (n+1)%boundedSlots)
	if b.getters.Read(t) > 0 {
		b.notEmpty.Signal(t)
	}
	b.m.Unlock(t)
}

func (b *bounded) get(t *schedule.Thread) {
	b.m.Lock(t)
	if b.empty(t) {
		b.getters.Inc(t, 1)
		for b.empty(t) {
			b.notEmpty.Wait(t, &b.m)
		}
		b.getters.Inc(t, -1)
	}
	if !b.fixed {
		b.m.Unlock(t)
		b.m.Lock(t)
		pthread.Assert(t, !b.empty(t), "nothing is left to get")
	}
	n := b.head.Read(t)
	b.slots[n].Read(t)
	b.head.Write(t, (n+1)%boundedSlots)
	if b.putters.Read(t) > 0 {
		b.notFull.Signal(t)
	}
	b.m.Unlock(t)
}

// sorter is Inspect.qsort_mt: quicksort by a pool of threads. Who has divided what it is to
// sort hands the left part to one that is idle: it says that there is work before it has the
// lock of that thread, and what work with it. A thread that comes in between begins with what
// it had before, which is nothing at first, and then waits while it is told. Fixed, all is said
// under the lock.
//
// The 32 elements are those of the original, in that they are divided in the same way, and a
// part is sorted by writing its elements. Not modelled: two who sort the same elements, and
// that what has been sorted is divided otherwise the second time.
type sorter struct {
	schedule.Object
	al    pthread.Mutex // of what threads are idle
	idle  pthread.Int
	pool  [sortThreads]sortThread
	elems [32]pthread.Int // 1: in its place
	fixed bool
}

type sortThread struct {
	m     pthread.Mutex
	c     pthread.Cond
	state pthread.Int
	part  pthread.Int // of parts; 0: none
}

const (
	sortThreads = 4
	sortForks   = 4 // more elements than these on both sides, or nothing is handed on
)

// The states of a thread.
const (
	sortIdle = iota
	sortWork
	sortTerm
)

// A sortPart is a part of the elements, and what it is divided into. What is equal to the
// element by which it is divided is in between.
type sortPart struct {
	from, n     int
	left, right int // 0: it is not divided
}

// sortParts has all parts; the first is none.
var sortParts = [...]sortPart{
	{},
	{0, 32, 2, 3},
	{0, 24, 4, 5}, {27, 5, 0, 0},
	{0, 18, 6, 7}, {19, 5, 0, 0},
	{0, 1, 0, 0}, {3, 15, 8, 9},
	{3, 11, 10, 11}, {16, 2, 0, 0},
	{3, 5, 0, 0}, {11, 3, 0, 0},
}

func newSorter(s *scene, fixed bool) {
	x := &sorter{fixed: fixed}
	s.static(x, "sort")
	s.init(x.init)
	s.mainRuns = true
	for i := range x.pool {
		s.thread("sort", func(t *schedule.Thread) { x.work(t, &x.pool[i]) })
	}
	s.thread("begin", x.begin)
	s.end(x.end)
}

func (x *sorter) init(*schedule.Exec) { x.idle.Init(sortThreads) }

// end checks that all is sorted.
func (x *sorter) end(e *schedule.Exec) {
	for i := range x.elems {
		if x.elems[i].Peek() == 0 {
			e.FailAtEnd(schedule.LostUpdate, &x.Object, schedule.Party{}, "a part was not sorted")
			return
		}
	}
}

// begin has the first thread sort all.
func (x *sorter) begin(t *schedule.Thread) {
	q := &x.pool[0]
	q.m.Lock(t)
	q.part.Write(t, 1)
	q.state.Write(t, sortWork)
	x.idle.Inc(t, -1)
	q.c.Signal(t)
	q.m.Unlock(t)
}

func (x *sorter) work(t *schedule.Thread, q *sortThread) {
	for {
		q.m.Lock(t)
		for q.state.Read(t) == sortIdle {
			q.c.Wait(t, &q.m)
		}
		q.m.Unlock(t)
		if q.state.Read(t) == sortTerm {
			return
		}
		x.sort(t, q, q.part.Read(t))
		if x.rest(t, q) {
			return
		}
		t.Forget(0)
	}
}

// rest says that q is idle. If all are, it ends the others.
func (x *sorter) rest(t *schedule.Thread, q *sortThread) (last bool) {
	x.al.Lock(t)
	q.state.Write(t, sortIdle)
	x.idle.Inc(t, 1)
	last = x.idle.Read(t) == sortThreads
	for i := range x.pool {
		if other := &x.pool[i]; last && other != q {
			other.m.Lock(t)
			other.state.Write(t, sortTerm)
			other.c.Signal(t)
			other.m.Unlock(t)
		}
	}
	x.al.Unlock(t)
	return last
}

func (x *sorter) sort(t *schedule.Thread, q *sortThread, part int) {
	for part != 0 {
		p := sortParts[part]
		x.divide(t, p)
		if p.left != 0 && !x.handOn(t, p) {
			q.part.Write(t, p.left)
			x.sort(t, q, p.left)
		}
		part = p.right
	}
}

// divide reads the elements of a part and writes those that come to their place.
func (x *sorter) divide(t *schedule.Thread, p sortPart) {
	for i := range p.n {
		x.elems[p.from+i].Read(t)
	}
	left, right := sortParts[p.left], sortParts[p.right]
	for i := left.n; i < p.n-right.n; i++ {
		x.elems[p.from+i].Write(t, 1)
	}
}

// handOn gives the left of p to a thread that is idle, if there is one.
func (x *sorter) handOn(t *schedule.Thread, p sortPart) bool {
	if sortParts[p.left].n <= sortForks || sortParts[p.right].n <= sortForks {
		return false
	}
	q := x.allocate(t)
	if q == nil {
		return false
	}
	q.part.Write(t, p.left)
	q.c.Signal(t)
	q.m.Unlock(t)
	return true
}

// allocate returns a thread that was idle, with its lock.
func (x *sorter) allocate(t *schedule.Thread) *sortThread {
	x.al.Lock(t)
	for i := range x.pool {
		q := &x.pool[i]
		if q.state.Read(t) != sortIdle {
			continue
		}
		x.idle.Inc(t, -1)
		if x.fixed {
			q.m.Lock(t)
		}
		q.state.Write(t, sortWork)
		if !x.fixed {
			q.m.Lock(t)
		}
		x.al.Unlock(t)
		return q
	}
	x.al.Unlock(t)
	return nil
}
