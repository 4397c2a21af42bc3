package guided

import (
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A burst is executions of a workload that begin with the same choices, its setup, and differ
// in the schedule. Of the setups of the kernel models one in 1 to 50 can fail, of the
// schedules of one that can, most often one in 20 to 280; so a schedule is drawn more often
// than a setup. The samplers begin anew with each: SURW that has counted the accesses of one
// setup takes a fourth of the executions there at best, and as many at worst, as one that has
// counted those of others.
//
// The longer a campaign, the longer its bursts: what many setups show is found first. A burst
// ends early if its executions end with no other memory than those before. One that does not
// leaves its setup to be mutated: some bursts begin with one of those, but for one choice.
//
// What memory an execution leaves takes no time to see, other than what it does on the way, and
// says no less of whether there is more to find (docs/benchmark).
type burst struct {
	setup schedule.Tape
	good  []schedule.Tape // setups of bursts that were not ended early
	next  int             // of them to be replaced
	n     int             // executions so far
	ends  []uint64        // memories that they have ended with
	stale int             // the last so many of them ended with one of those
}

const (
	// longest is the most executions of a burst, and growth how many executions there are
	// before the burst for each of its own.
	longest = 64
	growth  = 20
	// patience is how many executions that end as others have end a burst.
	patience = 6
	// mutants is the part of the bursts that begin with a setup that is a mutant of another.
	mutants = 0.1
	// maxGood is how many setups are kept to be mutated.
	maxGood = 64
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
	if b.n > patience && b.stale < patience && len(b.setup) > 0 {
		b.keep()
	}
	b.setup, b.n, b.stale, b.ends = b.setup[:0], 0, 0, b.ends[:0]
	if len(b.good) > 0 && en.fraction() < mutants {
		b.setup = append(b.setup, b.good[en.below(len(b.good))]...)
		b.setup[en.below(len(b.setup))] = uint8(en.below(schedule.MaxAlternatives))
		en.way = b.setup
	}
	for _, s := range en.watchers {
		if s, ok := s.(interface{ Forget() }); ok {
			s.Forget()
		}
	}
}

// repeatSetup returns the next decision of the setup. That these lead to where the burst is the
// graph knows from its first execution; so it is told nothing of them.
func (en *Engine) repeatSetup(e *schedule.Exec) int {
	if len(en.path) == 0 {
		en.path = append(en.path, place{})
	}
	return int(en.burst.setup[e.Decisions()])
}

// keep keeps the setup of the burst.
func (b *burst) keep() {
	if len(b.good) < maxGood {
		b.good = append(b.good, slices.Clone(b.setup))
		return
	}
	b.good[b.next] = append(b.good[b.next][:0], b.setup...)
	b.next = (b.next + 1) % maxGood
}

// endBurst is told of an execution of the burst.
func (en *Engine) endBurst(e *schedule.Exec) {
	b := &en.burst
	if b.n++; b.n == 1 {
		b.setup = append(b.setup[:0], e.Tape()[:min(en.choices, e.Decisions())]...)
	}
	memory := e.Memory()
	if b.stale++; !slices.Contains(b.ends, memory) {
		b.ends, b.stale = append(b.ends, memory), 0
	}
	if en.repeats && b.n > 1 && len(en.path) == 1 {
		b.stale = patience // nothing is left to see in this setup
	}
}
