package sample

import "github.com/kschedfuzz/kschedfuzz/schedule"

// Demote gives every thread a random priority and lets the highest go on; whoever takes a step is
// demoted, with probability 1/8: below all that have not been, to a random place among those that
// have. So it is like PCT, but changes priorities at a rate: it need know neither how many steps an
// execution has nor what depth to look for, and has no bound. Who redraws at each step seldom holds
// a thread back for long, and who has a few changes in the whole execution has too few for a long
// one (docs/benchmark, "What was tried").
//
// It is our own, and so are [NewSURWDemote] and [NewReadsFromDemote], which decide by it where SURW
// and ReadsFrom say nothing. In the first execution, and the first after a Forget, threads from
// number 16 on begin below all others.
type Demote struct{ ranks }

// NewDemote returns a Demote.
func NewDemote(seed uint64) *Demote {
	return &Demote{ranks{chance: newChance(seed), threads: few, demotes: true}}
}

// Begin implements [Sampler].
func (d *Demote) Begin() { d.begin() }

// Step implements [Sampler].
func (d *Demote) Step(t *schedule.Thread) bool {
	d.took(t.ID)
	return true
}

// ranks are random priorities of threads.
type ranks struct {
	chance
	threads  width
	priority [schedule.MaxThreads]uint64 // highest goes first
	demotes  bool                        // they are those of a Demote; else each step draws anew
}

const (
	// demoting is how many steps there are to one after which a thread is demoted.
	demoting = 8
	// fresh is the bit of the priority of a thread that has not been.
	fresh = 1 << 63
)

// begin draws them all.
func (r *ranks) begin() {
	for i := range int(r.threads) {
		r.priority[i] = r.pcg.Uint64()
		if r.demotes {
			r.priority[i] |= fresh
		}
	}
}

// took is told that a thread has taken a step.
func (r *ranks) took(id int) {
	switch x := r.pcg.Uint64(); {
	case !r.demotes:
		r.priority[id] = x
	case x%demoting == 0:
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
