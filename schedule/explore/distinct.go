package explore

import (
	"context"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// CountStates returns the last report of [Exhaust], and the number of different states
// that there are between two steps, the first and the last included, as far as the
// report has come. This is the number that other model checkers give. Nodes are others:
// states with a decision to take, times the threads that can have run last.
//
// Options.Symmetry and Options.Checkpoint are ignored.
//
// It takes 50 to 100 bytes more for each state and up to twice the time. It adds an agent
// that never does anything, so the program must have one thread less than it may.
func CountStates(ctx context.Context, p schedule.Program, opt Options) (states int, r Report) {
	opt.Symmetry, opt.Checkpoint = nil, Checkpoint{}
	var spies []*spy
	build := p.New
	p.New = func() func(*schedule.Exec) {
		begin, s := build(), &spy{seen: make(map[schedule.State]struct{})}
		spies = append(spies, s)
		return func(e *schedule.Exec) {
			begin(e)
			e.Agent("observer", s)
		}
	}
	r = Last(Exhaust(ctx, p, opt))
	all := spies[0].seen
	for _, s := range spies[1:] {
		for state := range s.seen { // in any order: it is a union
			all[state] = struct{}{}
		}
	}
	return len(all), r
}

// A spy is an agent that is asked after every step whether it is ready. It never is, but
// looks around.
type spy struct{ seen map[schedule.State]struct{} }

// Ready implements [schedule.Agent].
func (s *spy) Ready(t *schedule.Thread) bool {
	s.seen[t.Exec().State()] = struct{}{}
	return false
}

// Run implements [schedule.Agent].
func (s *spy) Run(*schedule.Thread) {}
