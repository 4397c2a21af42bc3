package sample

import "github.com/kschedfuzz/kschedfuzz/schedule"

// Lag gives every thread a random priority and lets the highest go on; whoever takes a step falls
// behind, with probability 1/8: below all that have not, to a random place among those that have.
// So it is like PCT, but changes priorities at a rate: it need know neither how many steps an
// execution has nor what depth to look for, and has no bound. Who redraws at each step seldom holds
// a thread back for long, and who has a few changes in the whole execution has too few for a long
// one (docs/benchmark, "What was tried").
//
// It is our own, and so are [NewSURWLag] and [NewReadsFromLag], which decide by it where SURW and
// ReadsFrom say nothing. In the first execution, and the first after a Forget, threads from number
// 16 on begin below all others.
type Lag struct{ ranks }

// NewLag returns a Lag.
func NewLag(seed uint64) *Lag {
	return &Lag{ranks{chance: newChance(seed), threads: few, lags: true}}
}

// Begin implements [Sampler].
func (l *Lag) Begin() { l.begin() }

// Step implements [Sampler].
func (l *Lag) Step(t *schedule.Thread) bool {
	l.took(t.ID)
	return true
}

// ranks are random priorities of threads.
type ranks struct {
	chance
	threads  width
	priority [schedule.MaxThreads]uint64 // highest goes first
	lags     bool                        // they are those of a Lag; else each step draws anew
}

const (
	// lagging is how many steps there are to one after which a thread falls behind.
	lagging = 8
	// fresh is the bit of the priority of a thread that has not.
	fresh = 1 << 63
)

// begin draws them all.
func (r *ranks) begin() {
	for i := range int(r.threads) {
		r.priority[i] = r.pcg.Uint64()
		if r.lags {
			r.priority[i] |= fresh
		}
	}
}

// took is told that a thread has taken a step.
func (r *ranks) took(id int) {
	switch x := r.pcg.Uint64(); {
	case !r.lags:
		r.priority[id] = x
	case x%lagging == 0:
		r.priority[id] = x &^ fresh
	}
}

// End implements [Sampler].
func (r *ranks) End(e *schedule.Exec, _ schedule.Result) { r.threads.see(e) }

// Choose implements [schedule.Chooser].
func (r *ranks) Choose(e *schedule.Exec, n int) int {
	if e.Enabled().Empty() {
		return r.below(n)
	}
	return highest(e, &r.priority)
}
