package sample

import (
	"math"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// PCT gives every thread a random priority and lets the highest go on; the thread that takes
// one of d-1 random steps, the i-th of them in the order in which they are drawn, then gets the
// i-th priority below all others (Burckhardt, Kothari, Musuvathi and Nagarakatte, "A randomized
// scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010, section 3). A bug
// that takes d orders of steps is found with probability at least 1/(n k^(d-1)) in each
// execution of n threads and at most k steps, if each thread has a step of its own before those
// that are ordered: one that has taken none can be held back by its first priority alone.
//
// Deviation: k, which the paper has given, is the most steps met so far, those of the first
// execution from the second on. The first is assumed to take 50.
type PCT struct {
	chance
	points   // the changes
	k        length
	last     int // steps of the last execution
	threads  width
	priority [schedule.MaxThreads]int // highest goes first
	chose    bool                     // see Chose
}

// NewPCT returns a PCT for bugs of the given depth, at least 1.
func NewPCT(seed uint64, depth int) *PCT {
	return &PCT{chance: newChance(seed), points: newPoints(depth - 1), threads: few}
}

// Depth returns what depth of bugs p is for.
func (p *PCT) Depth() int { return len(p.at) + 1 }

// Chose reports whether p has decided anything but which thread goes on, such as what a load reads.
func (p *PCT) Chose() bool { return p.chose }

// PCTConfidence returns with which probability at least so many executions of a [PCT] would
// have come to a bug of its depth or less: 1-(1-1/(n k^(d-1)))^runs for n threads and k steps,
// which must not be fewer than any of these executions has had. It is for executions that come
// after one of k steps: to those before PCT has given fewer, or 50 to the first, and the bound
// is not theirs. Nor is it of a bug that needs a thread held back that has taken no step, see PCT,
// nor of executions in which anything else is decided too: see [PCT.Chose].
func PCTConfidence(threads, steps, depth, runs int) float64 {
	if runs == 0 {
		return 0 // also where each is certain to find it
	}
	once := 1 / (float64(threads) * math.Pow(float64(max(1, steps)), float64(depth-1)))
	return -math.Expm1(float64(runs) * math.Log1p(-once))
}

// Forget makes k the steps of the last execution: those that come are of another program, or
// of another setup of a workload, and the longest of all would be too long for most.
func (p *PCT) Forget() { p.k = length(p.last) }

// Begin implements [Sampler].
func (p *PCT) Begin() {
	for i := range int(p.threads) {
		j := p.below(i + 1)
		p.priority[i] = p.priority[j]
		p.priority[j] = i
	}
	p.draw(&p.chance, p.k, 1)
}

// Step implements [Sampler]. Of two changes at one step the second counts.
func (p *PCT) Step(t *schedule.Thread) bool {
	for step := t.Exec().Steps(); p.next < len(p.at) && p.at[p.next].step <= step; p.next++ {
		p.priority[t.ID] = -1 - p.at[p.next].nth
	}
	return true
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
		p.chose = true
		return p.below(n)
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
