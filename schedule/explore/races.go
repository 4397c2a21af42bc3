package explore

import (
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Races, and what they make Classes try.
//
// Happens-before is the order of the steps of each thread, and of steps that conflict. A
// step e and a later one f of thread q race if they conflict, nothing is between them in
// that order, and no earlier step of q happens after e. Then there may be executions in
// which f comes before e. Let rest be the steps after e that do not happen after e, to
// the end of the execution. They could be taken without e, so each thread whose first
// step in rest has no other step of rest before it could be tried where e was taken. If
// one of them is or will be, that is enough. If rest is empty, q itself must be.
//
// Why that is enough. Claim: when everything has been tried from a point with certain
// threads asleep, then of every sequence w of steps that can be taken from there, none of
// which that can come first is of a thread asleep, something has been run that has w as
// its beginning, up to the order of independent steps. Assume that for all points further
// down. Let w be such a sequence and no thread that can begin it have been tried. For a
// thread p that has been, let w(p) be as much of the beginning of w as commutes with the
// step of p. If that is all of w, the point behind p gives it. Else let f be the step
// that follows. Take p with the longest w(p), of several the one tried last. The point
// behind p gives an execution that has w(p), and f if it is still enabled, as its
// beginning, and there p and f race. So some thread i was tried that can begin rest,
// which has all of w(p). Either its step is in w(p) and can begin w. Or it is not, so it
// commutes with p and w(p), and w(i) is no shorter than w(p); and i was not asleep behind
// p, so it was tried after p. Or rest is empty, so w(p) is, and q can begin w. All three
// are contradictions.
//
// If p has closed the gate of q, there is no f, but q is blocked behind w(p) by a look at
// what p has written. Where in the execution at hand something else was taken before that
// and has left the gate open, or closed it too, that races with q in its turn, and is
// delayed until the look is of what p has written.
//
// This last step is tested, not proven: it is not shown here that delaying ends with such a
// look, and with w(i) no shorter each time. CheckClasses compares with all executions, on
// random programs whose gates look at several things (mixed_test.go) and on the models that
// have few executions.

// A race is a step, and the thread whose step should come before.
type race struct {
	at, thread int
	done       int // a step whose thread is tried at the first one, as it should; or -1
}

// An effect is what is known of a step after it.
type effect struct {
	use
	signal        bool
	writes, reads uint64   // bits that stand for what it has changed, and only looked at
	clock         []uint16 // how many steps of each thread happen before it; itself counts
	races         []race
	hash          schedule.State
}

// analyse finds the races of what is new in the execution, and has everything tried that
// races demand.
func (c *classes) analyse() {
	for k := max(c.branch, 0); k < c.length; k++ {
		c.points[k].take(c.foot.Step(k))
		c.order(k)
		c.wait(k + 1)
	}
	for k := range c.length {
		c.demand(c.points[k].races)
		c.demand(c.points[k+1].waits)
	}
	if n := c.length - 1; n >= 0 && c.points[n].fails {
		p := &c.points[n]
		others := p.enabled.Minus(p.sleep).Without(p.thread)
		if !others.Empty() && !others.Intersects(p.tried) {
			p.tried = p.tried.With(first(others, nil))
		}
	}
}

// take notes what a step has used.
func (p *point) take(s schedule.Taken) {
	p.Footprint = append(p.Footprint[:0], s.Footprint...)
	p.fails, p.signal = s.Fails, s.Signal
	p.reads, p.writes = 0, 0
	for _, t := range s.Footprint {
		if t.Writes {
			p.writes |= mark(t.Key)
		} else {
			p.reads |= mark(t.Key)
		}
	}
}

// mark returns the bit that stands for a key: some have the same.
func mark(key uint64) uint64 { return 1 << (key * 0x9e3779b97f4a7c15 >> 58) }

// wrote reports whether the step has changed something.
func (p *point) wrote(key uint64) bool {
	return p.writes&mark(key) != 0 &&
		slices.Contains(p.Footprint, schedule.Touch{Key: key, Writes: true})
}

// conflicts reports whether two steps are dependent.
func (p *point) conflicts(q *point) bool {
	if !p.fails && !q.fails && p.writes&(q.reads|q.writes)|p.reads&q.writes == 0 {
		return false
	}
	return p.use.conflicts(&q.use)
}

// order computes what happens before step k, and which earlier steps it races with: going
// back, those that conflict and do not happen before it by what was found so far.
func (c *classes) order(k int) {
	p := &c.points[k]
	p.clock = append(p.clock[:0], make([]uint16, len(c.runner.Exec().Threads()))...)
	p.races = p.races[:0]
	for j := k - 1; j >= 0; j-- {
		if q := &c.points[j]; q.thread == p.thread {
			copy(p.clock, q.clock)
			break
		}
	}
	p.clock[p.thread]++
	signal := p.signal
	for j := k - 1; j >= 0; j-- {
		q := &c.points[j]
		if !p.after(q) {
			if p.conflicts(q) {
				p.races = append(p.races, race{j, p.thread, -1})
				p.join(q)
			} else if signal {
				p.join(q)
			}
		}
		signal = signal || q.signal
	}
	p.hash = p.digest()
}

// after reports whether p happens after q, or is it.
func (p *point) after(q *point) bool { return p.clock[q.thread] >= q.clock[q.thread] }

func (p *point) join(q *point) {
	for i, n := range q.clock {
		p.clock[i] = max(p.clock[i], n)
	}
}

// wait finds who has closed the gates that are closed before step k: the last that has
// written each thing that was looked at.
func (c *classes) wait(k int) {
	p := &c.points[k]
	p.waits = p.waits[:0]
	c.foot.Asked(k, func(a schedule.Asked) bool {
		if !a.Open {
			for _, t := range a.Footprint {
				if w := c.writer(k, a.Thread, t.Key); w >= 0 && !c.waits(w, k, a.Thread) {
					p.waits = append(p.waits, race{w, a.Thread, -1})
				}
			}
		}
		return true
	})
}

// writer returns the last step before k that has written something; -1 if there is none,
// or it is one of the thread or happens before one.
func (c *classes) writer(k, thread int, key uint64) int {
	w := k - 1
	for w >= 0 && !c.points[w].wrote(key) {
		w--
	}
	for j := k - 1; w >= 0 && j >= w; j-- {
		if p := &c.points[j]; p.thread == thread {
			if p.after(&c.points[w]) {
				return -1
			}
			break
		}
	}
	return w
}

// waits reports whether it is known already, up to step k, that thread waits for step w.
func (c *classes) waits(w, k, thread int) bool {
	for j := w + 1; j <= k; j++ {
		for _, r := range c.points[j].waits {
			if r.at == w && r.thread == thread {
				return true
			}
		}
	}
	return false
}

// demand has something tried for each of the races.
func (c *classes) demand(races []race) {
	for i := range races {
		if r := &races[i]; r.done < 0 || r.done >= c.branch {
			c.reverse(r)
		}
	}
}

// reverse has a thread tried at the first step of a race, unless one is that will do.
func (c *classes) reverse(r *race) {
	e := &c.points[r.at]
	var begins [schedule.MaxThreads]int32 // the step of rest with which each thread begins
	var set, seen schedule.Set            // those that can come first, and all that have a step
	r.done = -1
	for i := r.at + 1; i < c.length; i++ {
		p := &c.points[i]
		if seen.Has(p.thread) {
			continue // with its first step, what follows it is not first, or happens after e
		}
		if seen = seen.With(p.thread); !p.after(e) && c.begins(p, set, &begins) {
			if e.tried.Has(p.thread) {
				r.done = i
				return
			}
			set = set.With(p.thread)
			begins[p.thread] = int32(i)
		}
	}
	switch {
	case c.closed(r):
	case set.Empty():
		if e.enabled.Has(r.thread) {
			e.tried = e.tried.With(r.thread)
		}
	case set.Has(r.thread):
		e.tried = e.tried.With(r.thread)
		r.done = int(begins[r.thread])
	default:
		thread := first(set, nil)
		e.tried = e.tried.With(thread)
		r.done = int(begins[thread])
	}
}

// begins reports whether p happens after none of the steps with which threads begin.
func (c *classes) begins(p *point, set schedule.Set, begins *[schedule.MaxThreads]int32) bool {
	for id := range set.All {
		if p.after(&c.points[begins[id]]) {
			return false
		}
	}
	return true
}

// closed reports whether a race cannot be reversed since the gate of its thread is closed
// before the first step, and nothing in rest writes what it looks at.
func (c *classes) closed(r *race) bool {
	closed := false
	c.foot.Asked(r.at, func(a schedule.Asked) bool {
		if a.Thread == r.thread { // the last answer counts: there may have been a signal
			closed = !a.Open && !c.opens(r.at, a.Footprint)
		}
		return true
	})
	return closed
}

// opens reports whether anything in rest writes what a gate has looked at.
func (c *classes) opens(e int, gate schedule.Footprint) bool {
	for i := e + 1; i < c.length; i++ {
		p := &c.points[i]
		if p.after(&c.points[e]) {
			continue
		}
		for _, t := range gate {
			if p.wrote(t.Key) {
				return true
			}
		}
	}
	return false
}

// first returns a thread of the set: the running one, else the one with the lowest number.
func first(set schedule.Set, running *schedule.Thread) int {
	if running != nil && set.Has(running.ID) {
		return running.ID
	}
	return set.First()
}

// digest returns a hash of a step by what is the same in all executions of a class: whose
// it is, what was chosen within it, and what happens before it.
func (p *point) digest() schedule.State {
	h := schedule.State{Lo: stir(1, uint64(p.thread)), Hi: stir(2, uint64(p.thread))}
	add := func(v uint64) { h.Lo, h.Hi = stir(h.Lo, v), stir(h.Hi, v) }
	for _, x := range p.picks {
		add(uint64(x.d)<<8 | uint64(x.n))
	}
	for i, n := range p.clock {
		if n > 0 {
			add(uint64(i)<<32 | uint64(n))
		}
	}
	return h
}

// name returns a hash of the class of the execution, the sum of those of its steps.
func (c *classes) name() (h schedule.State) {
	for _, x := range c.setup {
		h.Lo, h.Hi = stir(h.Lo, uint64(x.d)), stir(h.Hi, uint64(x.d)+1)
	}
	for i := range c.points[:c.length] {
		p := &c.points[i]
		h.Lo, h.Hi = h.Lo+p.hash.Lo, h.Hi+p.hash.Hi
	}
	return h
}
