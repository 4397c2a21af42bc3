package main

import (
	"context"
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/schedule/guided"
	samplers "github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// guide runs executions of p, each guided by those before: with -j, by those of all workers.
func (c *command) guide(ctx context.Context, p kernelProgram, pr *progress) *statement {
	first := guided.New(c.seed, guided.Options{})
	engines := []samplers.Sampler{first}
	for i := 1; i < c.workers; i++ {
		engines = append(engines, first.Share(c.seed+uint64(i)<<32))
	}
	return c.take(ctx, p, pr, c.guided, engines...)
}

// nothingLeft reports whether the executions were guided until there was nothing left to
// see.
func (s *sample) nothingLeft() bool { return s.engine != nil && s.engine.Complete() }

// guidedCovered says what guided executions stand for. When nothing is left to see that is
// the same as in an exhaustive search, but that states are told apart by 64 bits.
func (s *sample) guidedCovered() string {
	st := s.engine.Stats()
	if st.Complete {
		return fmt.Sprintf("all alternatives of %s, merged by state (64 bits), by %s",
			count(st.Decisions, "decision"), count(s.runs, "execution"))
	}
	text := fmt.Sprintf("%s guided by what was new: %s, %s; the last new one in execution %s",
		count(s.runs, "execution"), count(st.Decisions, "decision"),
		count(st.Memories, "memory state"), group(st.LastNew))
	if st.Full {
		text += "; more were not told apart"
	}
	return text
}

// writeGuided prints what the executions that were not guided say.
func (s *sample) writeGuided(row func(label, format string, args ...any)) {
	if st := s.engine.Stats(); !st.Complete && st.Discovery < 1 {
		row("unguided", "%s among them; 95%% sure that less than %.2g of such end in a state "+
			"that none of them ended in", count(st.Unguided, "execution"), st.Discovery)
	}
}

// A guidance is a record of [guided.Stats].
type guidance struct {
	Decisions   int     `json:"decisions"`
	Memories    int     `json:"memories"`
	LastNew     int     `json:"last_new"`
	Repeated    int     `json:"repeated"`
	Unguided    int     `json:"unguided"`
	Discovery   float64 `json:"discovery"`
	NothingLeft bool    `json:"nothing_left"`
}

// fillGuided fills in what guided executions have come to.
func (s *sample) fillGuided(o *outcome) {
	st := s.engine.Stats()
	o.Strategy = "guided"
	o.Guided = &guidance{
		st.Decisions, st.Memories, st.LastNew, st.Repeated, st.Unguided, st.Discovery, st.Complete,
	}
}
