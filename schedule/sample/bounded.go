package sample

import "github.com/kschedfuzz/kschedfuzz/schedule"

// points are random steps at which something happens, each once.
type points struct {
	at   []point
	next int
}

// A point is a step, and which of the points it was in the order in which they were drawn.
type point struct{ step, nth int }

func newPoints(n int) points { return points{at: make([]point, n)} }

// draw draws all points among k steps, the first of which is from, and puts them in ascending order.
func (p *points) draw(c *chance, k length, from int) {
	steps := k.expected()
	for i := range p.at {
		at := point{from + c.below(steps), i}
		j := i
		for ; j > 0 && p.at[j-1].step > at.step; j-- {
			p.at[j] = p.at[j-1]
		}
		p.at[j] = at
	}
	p.next = 0
}

// passed returns how many points there were up to a step since it was last asked.
func (p *points) passed(step int) int {
	from := p.next
	for p.next < len(p.at) && p.at[p.next].step <= step {
		p.next++
	}
	return p.next - from
}

// Preemptions preempts the running thread at random steps, at most bound times in an
// execution, and lets it go on else; who is next, if somebody must be, is drawn
// uniformly. It is the random form of preemption bounding (Musuvathi and Qadeer,
// "Iterative context bounding for systematic testing of multithreaded programs", PLDI
// 2007).
type Preemptions struct {
	chance
	blind
	points
	k length
}

// NewPreemptions returns a Preemptions with at most bound of them an execution.
func NewPreemptions(seed uint64, bound int) *Preemptions {
	return &Preemptions{chance: newChance(seed), points: newPoints(bound)}
}

// Begin implements [Sampler]. Nobody runs before the first step who could be preempted.
func (p *Preemptions) Begin() { p.draw(&p.chance, p.k, 1) }

// End implements [Sampler].
func (p *Preemptions) End(_ *schedule.Exec, res schedule.Result) { p.k.see(res.Steps) }

// Choose implements [schedule.Chooser].
func (p *Preemptions) Choose(e *schedule.Exec, n int) int {
	switch preempted := p.passed(e.Steps()) > 0; {
	case e.Running() == nil:
		return p.below(n)
	case preempted:
		return 1 + p.below(n-1)
	}
	return 0
}

// Delays follows a round-robin scheduler without preemption, which goes on with the
// running thread and from one that cannot to the next by number; at random steps, at most
// bound of them, the thread that would be next is passed over once (Emmi, Qadeer and
// Rakamaric, "Delay-bounded scheduling", POPL 2011, section 3; the random form).
type Delays struct {
	chance
	blind
	points
	k length
}

// NewDelays returns a Delays with at most bound of them an execution.
func NewDelays(seed uint64, bound int) *Delays {
	return &Delays{chance: newChance(seed), points: newPoints(bound)}
}

// Begin implements [Sampler].
func (p *Delays) Begin() { p.draw(&p.chance, p.k, 0) }

// End implements [Sampler].
func (p *Delays) End(_ *schedule.Exec, res schedule.Result) { p.k.see(res.Steps) }

// Choose implements [schedule.Chooser].
func (p *Delays) Choose(e *schedule.Exec, n int) int {
	if e.Enabled().Empty() {
		return p.below(n)
	}
	next := 0
	if t := e.Running(); t != nil {
		next = t.ID
	} else if t := e.Last(); t != nil {
		next = t.ID + 1
	}
	for delays := p.passed(e.Steps()); ; next++ {
		if next %= len(e.Threads()); !e.Enabled().Has(next) {
			continue
		}
		if delays == 0 {
			return of(e, next)
		}
		delays--
	}
}
