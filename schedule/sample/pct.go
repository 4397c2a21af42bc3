package sample

import (
	"math"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// PCT gives every thread a random priority and lets the highest go on; at d-1 random
// steps the thread that runs becomes the last of all (Burckhardt, Kothari, Musuvathi and
// Nagarakatte, "A randomized scheduler with probabilistic guarantees of finding bugs",
// ASPLOS 2010, section 3). A bug that takes d orders of steps is found with probability
// at least 1/(n k^(d-1)) in each execution of n threads and k steps.
//
// Deviations: k is the most steps met so far, 50 at first; a change that falls on a step
// at which nothing is to be decided takes effect at the next decision, when nothing else
// can have happened that a decision could have changed.
type PCT struct {
	chance
	blind
	points   // the changes
	k        length
	last     int // steps of the last execution
	threads  width
	priority [schedule.MaxThreads]int // highest goes first
	lowest   int
}

// NewPCT returns a PCT for bugs of the given depth, at least 1.
func NewPCT(seed uint64, depth int) *PCT {
	return &PCT{chance: newChance(seed), points: points{at: make([]int, depth-1)}, k: start, threads: few}
}

// Depth returns what depth of bugs p is for.
func (p *PCT) Depth() int { return len(p.at) + 1 }

// PCTConfidence returns with which probability at least so many executions of a [PCT] would
// have come to a bug of its depth or less: 1-(1-1/(n k^(d-1)))^runs for n threads and k steps,
// which must not be fewer than any of these executions has had. Of fewer than 50 steps
// PCT assumes 50, and so does this. The first executions, of which PCT does not know yet how
// long they are, are better for shallow bugs and worse for others than this says.
func PCTConfidence(threads, steps, depth, runs int) float64 {
	k := math.Max(float64(steps), float64(start))
	once := 1 / (float64(threads) * math.Pow(k, float64(depth-1)))
	return -math.Expm1(float64(runs) * math.Log1p(-once))
}

// Forget makes k the steps of the last execution: those that come are of another program, or
// of another setup of a workload, and the longest of all would be too long for most.
func (p *PCT) Forget() { p.k = length(max(1, p.last)) }

// Begin implements [Sampler].
func (p *PCT) Begin() {
	for i := range int(p.threads) {
		j := p.below(i + 1)
		p.priority[i] = p.priority[j]
		p.priority[j] = i
	}
	p.draw(&p.chance, p.k)
	p.lowest = -1
}

// End implements [Sampler].
func (p *PCT) End(e *schedule.Exec, res schedule.Result) {
	p.last = res.Steps
	p.k.see(res.Steps)
	p.threads.see(e)
}

// Choose implements [schedule.Chooser].
func (p *PCT) Choose(e *schedule.Exec, n int) int {
	if e.Enabled().Empty() {
		return p.below(n)
	}
	for range p.passed(e.Steps()) {
		if t := e.Last(); t != nil {
			p.priority[t.ID] = p.lowest
		}
		p.lowest--
	}
	return highest(e, &p.priority)
}

// highest returns the decision for the thread of the highest priority.
func highest[P int | uint64](e *schedule.Exec, priority *[schedule.MaxThreads]P) int {
	calm := e.Alternative(0)
	best, decision, d := calm.ID, 0, 0
	others := e.Enabled().Without(calm.ID)
	for id := range others.All {
		d++
		if priority[id] > priority[best] {
			best, decision = id, d
		}
	}
	return decision
}
