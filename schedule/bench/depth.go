package bench

import (
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench/pthread"
)

// The programs here are for depth, as PCT counts it: a bug of depth d takes d orders of two
// steps to show. Here those take d-1 preemptions, since the two threads never wait for each
// other, so PCT must change priorities d-1 times and no less. Nothing in an execution that
// has the first orders right shows at once that it has; that is left to who looks.
const (
	minDepth = 2
	maxDepth = 8
)

// handshake is two threads that hand a number on, d times: each step of it is taken if it
// comes when its turn is, and is lost otherwise. The last should never be reached. Between
// two turns a thread does something of its own. Fixed, a lock keeps the threads apart.
type handshake struct {
	schedule.Object
	m     pthread.Mutex
	stage pthread.Int
	own   [2]pthread.Int
	depth int
	fixed bool
}

// handshakeOwn is how many steps of its own a thread takes before each turn. With depth 8
// an execution then has 45 steps.
const handshakeOwn = 4

func newHandshake(depth int) func(s *scene, fixed bool) {
	return func(s *scene, fixed bool) {
		h := &handshake{depth: depth, fixed: fixed}
		s.static(h, "hands")
		s.thread("ping", h.ping)
		s.thread("pong", h.pong)
	}
}

func (h *handshake) ping(t *schedule.Thread) { h.shake(t, 0) }
func (h *handshake) pong(t *schedule.Thread) { h.shake(t, 1) }

func (h *handshake) shake(t *schedule.Thread, side int) {
	if h.fixed {
		h.m.Lock(t)
	}
	for turn := side; turn <= h.depth; turn += 2 {
		for range handshakeOwn {
			h.own[side].Read(t)
		}
		if h.stage.CompareAndSwap(t, turn, turn+1) {
			pthread.Assert(t, turn < h.depth, "every turn has been taken")
		}
	}
	if h.fixed {
		h.m.Unlock(t)
	}
}

// chain is two threads that hand objects on: each looks one up that the other has published,
// takes hold of it, and publishes the next. Whoever comes too early gives up. The last
// object is destroyed by who has published it, while the other looks it up and is not
// protected. To come there takes depth-2 orders, and the race two more: the lookup before
// the slot is cleared, the use after the object has gone.
type chain struct {
	schedule.Object
	m       pthread.Mutex // of the fixed one with counts
	slots   [maxDepth]pthread.Ptr[*link]
	reading [2]pthread.Int // sides that are between rcu_read_lock() and rcu_read_unlock()
	links   [maxDepth]link // of the slots
	last    int            // which is destroyed
	fixed   bool
}

type link struct {
	schedule.Object
	count pthread.Int
}

const (
	lookup  = 0 // the side that looks the last object up
	destroy = 1 // the side that destroys it
)

func (c *chain) employ(s *scene, depth int, fixed bool) {
	c.last, c.fixed = depth-2, fixed
	s.static(c, "chain")
	for i := range c.links[:c.last] {
		s.static(&c.links[i], "link")
	}
	c.links[c.last].Bind(&c.links[c.last], "last")
	s.init(c.init)
}

// init publishes the first object.
func (c *chain) init(e *schedule.Exec) {
	if c.last == 0 {
		e.AllocBoot(&c.links[0].Object, 0)
	}
	c.slots[0].Init(&c.links[0])
	c.links[0].count.Init(1)
}

// follow hands on what side gets, and reports whether it came to the last object. Get
// looks an object up that nobody destroys, and takes hold of it.
func (c *chain) follow(t *schedule.Thread, side int, get func(t *schedule.Thread, i int) bool) bool {
	for i := range c.last {
		if (c.last-i)%2 != side {
			continue
		}
		if !get(t, i) {
			return false
		}
		next := &c.links[i+1]
		if i+1 == c.last {
			t.Alloc(&next.Object, 0)
		}
		next.count.Init(1)
		c.slots[i+1].Write(t, next)
	}
	return true
}

// refChain is a chain with reference counts: the one of the last object is taken up from 0,
// or after it was freed. Fixed, an object is looked up, counted and taken out of its slot
// under a lock.
type refChain struct {
	chain
	get func(t *schedule.Thread, i int) bool
}

func newRefChain(depth int) func(s *scene, fixed bool) {
	return func(s *scene, fixed bool) {
		c := &refChain{}
		c.get = c.take
		c.employ(s, depth, fixed)
		s.thread("lookup", c.lookup)
		s.thread("destroy", c.destroy)
	}
}

// take looks the object of slot i up and counts it up.
func (c *refChain) take(t *schedule.Thread, i int) bool {
	c.lock(t)
	l := c.slots[i].Read(t)
	if l != nil && l.count.Add(t, 1) == 1 {
		t.Fail(schedule.RefResurrect, &l.Object, schedule.Party{}, "")
	}
	c.unlock(t)
	return l != nil
}

func (c *refChain) lookup(t *schedule.Thread) {
	if c.follow(t, lookup, c.get) && c.take(t, c.last) {
		c.put(t)
	}
}

func (c *refChain) destroy(t *schedule.Thread) {
	if c.follow(t, destroy, c.get) {
		c.lock(t)
		c.slots[c.last].Write(t, nil)
		c.unlock(t)
		c.put(t)
	}
}

// put gives a reference of the last object back.
func (c *refChain) put(t *schedule.Thread) {
	if l := &c.links[c.last]; l.count.Add(t, -1) == 0 {
		pthread.Free(t, l)
	}
}

func (c *refChain) lock(t *schedule.Thread) {
	if c.fixed {
		c.m.Lock(t)
	}
}

func (c *refChain) unlock(t *schedule.Thread) {
	if c.fixed {
		c.m.Unlock(t)
	}
}

// rcuChain is a chain of RCU readers: the last object is freed after a grace period, but
// used after the end of the section in which it was looked up. Fixed, within it.
type rcuChain struct {
	chain
	gets [2]func(t *schedule.Thread, i int) bool
}

func newRCUChain(depth int) func(s *scene, fixed bool) {
	return func(s *scene, fixed bool) {
		c := &rcuChain{}
		c.gets = [2]func(*schedule.Thread, int) bool{c.getLookup, c.getDestroy}
		c.employ(s, depth, fixed)
		s.thread("lookup", c.lookup)
		s.thread("destroy", c.destroy)
	}
}

func (c *rcuChain) getLookup(t *schedule.Thread, i int) bool  { return c.use(t, lookup, i, true) }
func (c *rcuChain) getDestroy(t *schedule.Thread, i int) bool { return c.use(t, destroy, i, true) }

// use looks the object of slot i up and uses it, within its section or after it.
func (c *rcuChain) use(t *schedule.Thread, side, i int, within bool) bool {
	c.reading[side].Store(t, 1)
	l := c.slots[i].Read(t)
	if l != nil && within {
		l.count.Read(t)
	}
	c.reading[side].Store(t, 0)
	if l != nil && !within {
		l.count.Read(t)
	}
	return l != nil
}

func (c *rcuChain) lookup(t *schedule.Thread) {
	if c.follow(t, lookup, c.gets[lookup]) {
		c.use(t, lookup, c.last, c.fixed)
	}
}

func (c *rcuChain) destroy(t *schedule.Thread) {
	if c.follow(t, destroy, c.gets[destroy]) {
		c.slots[c.last].Write(t, nil)
		c.reading[lookup].Await(t, (*unset)(&c.reading[lookup])) // synchronize_rcu()
		pthread.Free(t, &c.links[c.last])
	}
}
