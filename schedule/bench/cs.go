package bench

import (
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench/pthread"
)

// account is CS.account: the sum is tested with a wrong sign, which shows when the test
// comes last.
type account struct {
	schedule.Object
	m                    pthread.Mutex
	balance              pthread.Int
	deposited, withdrawn pthread.Int
	fixed                bool
}

const (
	opening = 8 // of the account
	paidIn  = 3
	paidOut = 2
)

func newAccount(s *scene, fixed bool) {
	a := &account{fixed: fixed}
	s.static(a, "account")
	s.init(a.init)
	s.thread("deposit", a.deposit)
	s.thread("withdraw", a.withdraw)
	s.thread("check", a.check)
}

func (a *account) init(*schedule.Exec) { a.balance.Init(opening) }

func (a *account) deposit(t *schedule.Thread) {
	a.m.Lock(t)
	a.balance.Inc(t, paidIn)
	a.deposited.Write(t, 1)
	a.m.Unlock(t)
}

func (a *account) withdraw(t *schedule.Thread) {
	a.m.Lock(t)
	a.balance.Inc(t, -paidOut)
	a.withdrawn.Write(t, 1)
	a.m.Unlock(t)
}

func (a *account) check(t *schedule.Thread) {
	a.m.Lock(t)
	if a.deposited.Read(t) != 0 && a.withdrawn.Read(t) != 0 {
		sum := opening - paidIn - paidOut // the wrong formula
		if a.fixed {
			sum = opening + paidIn - paidOut
		}
		pthread.Assert(t, a.balance.Read(t) == sum, "the balance is wrong")
	}
	a.m.Unlock(t)
}

// lazy is CS.lazy01: two additions, and a third thread that expects that they have not
// both been made. Fixed, it expects no more than is true.
type lazy struct {
	schedule.Object
	m     pthread.Mutex
	data  pthread.Int
	limit int
}

func newLazy(s *scene, fixed bool) {
	l := &lazy{limit: 3}
	if fixed {
		l.limit = 4
	}
	s.static(l, "lazy")
	s.thread("one", l.one)
	s.thread("two", l.two)
	s.thread("check", l.check)
}

func (l *lazy) one(t *schedule.Thread) { l.add(t, 1) }
func (l *lazy) two(t *schedule.Thread) { l.add(t, 2) }

func (l *lazy) add(t *schedule.Thread, by int) {
	l.m.Lock(t)
	l.data.Inc(t, by)
	l.m.Unlock(t)
}

func (l *lazy) check(t *schedule.Thread) {
	l.m.Lock(t)
	pthread.Assert(t, l.data.Read(t) < l.limit, "both additions have been made")
	l.m.Unlock(t)
}

// ring is CS.token_ring: three threads hand a number on. Only if they come in the order of
// the ring, all hold the same in the end. Fixed, they wait for their turn.
type ring struct {
	schedule.Object
	m     pthread.Mutex
	c     pthread.Cond
	x     [3]pthread.Int
	done  [3]pthread.Int
	fixed bool
}

func newRing(s *scene, fixed bool) {
	r := &ring{fixed: fixed}
	s.static(r, "ring")
	s.thread("first", r.first)
	s.thread("second", r.second)
	s.thread("third", r.third)
	s.thread("check", r.check)
}

func (r *ring) first(t *schedule.Thread)  { r.pass(t, 0) }
func (r *ring) second(t *schedule.Thread) { r.pass(t, 1) }
func (r *ring) third(t *schedule.Thread)  { r.pass(t, 2) }

func (r *ring) pass(t *schedule.Thread, i int) {
	r.m.Lock(t)
	for r.fixed && i > 0 && r.done[i-1].Read(t) == 0 {
		r.c.Wait(t, &r.m)
	}
	from := r.x[(i+2)%3].Read(t)
	if i == 0 {
		from = (from + 1) % 4
	}
	r.x[i].Write(t, from)
	r.done[i].Write(t, 1)
	if r.fixed {
		r.c.Broadcast(t)
	}
	r.m.Unlock(t)
}

func (r *ring) check(t *schedule.Thread) {
	r.m.Lock(t)
	for i := range r.done {
		if r.done[i].Read(t) == 0 {
			r.m.Unlock(t)
			return
		}
	}
	x := r.x[0].Read(t)
	for i := 1; i < len(r.x); i++ {
		pthread.Assert(t, r.x[i].Read(t) == x, "the ring holds two numbers")
	}
	r.m.Unlock(t)
}

// crossed is CS.deadlock01: two locks in two orders. Fixed, in one.
type crossed struct {
	schedule.Object
	a, b    pthread.Mutex
	counter pthread.Int
	fixed   bool
}

func newCrossed(s *scene, fixed bool) {
	d := &crossed{fixed: fixed}
	s.static(d, "crossed")
	s.thread("ab", d.ab)
	s.thread("ba", d.ba)
}

func (d *crossed) ab(t *schedule.Thread) { d.count(t, &d.a, &d.b) }

func (d *crossed) ba(t *schedule.Thread) {
	if d.fixed {
		d.count(t, &d.a, &d.b)
	} else {
		d.count(t, &d.b, &d.a)
	}
}

func (d *crossed) count(t *schedule.Thread, outer, inner *pthread.Mutex) {
	outer.Lock(t)
	inner.Lock(t)
	d.counter.Inc(t, 1)
	inner.Unlock(t)
	outer.Unlock(t)
}

// carter is CS.carter01: two groups exclude each other with a lock l, which the first of a
// group takes and the last gives back, counting under m. Who waits for l holds m, which
// whoever holds l needs to give it back. Fixed, each takes l for itself, before m. There is one
// thread in each group, and two more that do nothing to the purpose.
type carter struct {
	schedule.Object
	m, l  pthread.Mutex
	count [2]pthread.Int
	other [2]pthread.Int
	fixed bool
}

func newCarter(s *scene, fixed bool) {
	c := &carter{fixed: fixed}
	s.static(c, "carter")
	s.thread("a", c.a)
	s.thread("b", c.b)
	s.thread("c", c.c)
	s.thread("d", c.d)
}

func (c *carter) a(t *schedule.Thread) { c.visit(t, &c.count[0]) }
func (c *carter) b(t *schedule.Thread) { c.visit(t, &c.count[1]) }
func (c *carter) c(t *schedule.Thread) { c.other[0].Write(t, 1) }
func (c *carter) d(t *schedule.Thread) { c.other[1].Write(t, 1) }

func (c *carter) visit(t *schedule.Thread, count *pthread.Int) {
	if c.fixed {
		c.l.Lock(t)
	}
	c.m.Lock(t)
	count.Inc(t, 1)
	if count.Read(t) == 1 && !c.fixed {
		c.l.Lock(t)
	}
	c.m.Unlock(t)
	c.m.Lock(t)
	count.Inc(t, -1)
	if count.Read(t) == 0 && !c.fixed {
		c.l.Unlock(t)
	}
	c.m.Unlock(t)
	if c.fixed {
		c.l.Unlock(t)
	}
}

// bluetooth is CS.bluetooth_driver (also the running example of KISS, Qadeer and Wu, PLDI
// 2004): a request looks whether the driver is being stopped and then counts itself in; the
// driver may have been stopped in between. Fixed, it counts itself in and then looks.
type bluetooth struct {
	schedule.Object
	stopping, stopped pthread.Int
	pending           pthread.Int // requests, and 1 for the driver
	event             pthread.Int // the last of them is gone
	fixed             bool
}

func newBluetooth(s *scene, fixed bool) {
	b := &bluetooth{fixed: fixed}
	s.static(b, "driver")
	s.init(b.init)
	s.mainRuns = true
	s.thread("stop", b.stop)
	s.thread("add", b.add)
}

func (b *bluetooth) init(*schedule.Exec) { b.pending.Init(1) }

func (b *bluetooth) add(t *schedule.Thread) {
	if b.fixed {
		b.pending.Add(t, 1)
	}
	stopping := b.stopping.Read(t) != 0
	if !stopping {
		if !b.fixed {
			b.pending.Add(t, 1)
		}
		pthread.Assert(t, b.stopped.Read(t) == 0, "a request after the driver was stopped")
	}
	if !stopping || b.fixed {
		b.put(t)
	}
}

func (b *bluetooth) put(t *schedule.Thread) {
	if b.pending.Add(t, -1) == 0 {
		b.event.Write(t, 1)
	}
}

func (b *bluetooth) stop(t *schedule.Thread) {
	b.stopping.Write(t, 1)
	b.put(t)
	b.event.Await(t, (*set)(&b.event))
	b.stopped.Write(t, 1)
}
