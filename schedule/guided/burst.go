package guided

import "github.com/kschedfuzz/kschedfuzz/schedule"

// A burst is executions of a workload that begin with the same choices, its setup, and differ
// in the schedule. Of the setups of the kernel models one in 1 to 50 can fail, of the
// schedules of one that can, most often one in 20 to 280; so a schedule is drawn more often
// than a setup. The samplers begin anew with each: SURW that has counted the accesses of one
// setup takes a fourth of the executions there at best, and as many at worst, as one that has
// counted those of others.
//
// The longer a campaign, the longer its bursts: what many setups show is found first. A burst
// ends early if its executions show no new segments any more.
type burst struct {
	setup    schedule.Tape
	n        int // executions so far
	stale    int // the last so many of them showed no new segment
	segments segments
}

const (
	// longest is the most executions of a burst, and growth how many executions there are
	// before the burst for each of its own.
	longest = 64
	growth  = 20
	// patience is how many executions without a new segment end a burst.
	patience = 6
)

// bursting reports whether the execution is of a burst.
func (en *Engine) bursting() bool { return en.workload && en.mode == guidedMode }

// beginBurst goes on with the burst, or begins one.
func (en *Engine) beginBurst() {
	b := &en.burst
	if b.n < min(longest, int(en.tally.executions.Load())/growth) && b.stale < patience {
		en.way = b.setup
		return
	}
	b.setup, b.n, b.stale = b.setup[:0], 0, 0
	b.segments.forget()
	for _, s := range en.watchers {
		if s, ok := s.(interface{ Forget() }); ok {
			s.Forget()
		}
	}
}

// endBurst is told of an execution of the burst.
func (en *Engine) endBurst() {
	b := &en.burst
	if b.n++; b.n == 1 {
		b.setup = append(b.setup[:0], en.taken[:min(en.choices, len(en.taken))]...)
	}
	if b.stale++; b.segments.fresh {
		b.stale = 0
	}
}
