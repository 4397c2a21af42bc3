// Package sample has the samplers of the literature, and three of our own: choosers that take
// random decisions, each with a distribution of its own. A [Sampler] begins anew for every
// execution, and may watch its steps; [Run] is the loop around it.
//
// No sampler is best. A random walk finds what many schedules show and never what takes a thread
// held back for long; [PCT] holds one back and moves it at d points, and has a bound for it; [POS]
// is fair to orders of steps that conflict; [SURW] is uniform over the interleavings of the
// accesses to one object; [ReadsFrom] wants a read to see a write that it has not seen; [QLearning]
// goes where it has been least; [Delays] and [Preemptions] stay near a calm schedule, where most
// bugs are. [Demote], ours, holds threads back as PCT does, but at a rate; SURW and ReadsFrom can
// leave to it what they say nothing about. [New] makes one by its name.
//
// All of them decide only where two or more threads could go on, since executions ask
// only there, and all draw the choices of a workload ([schedule.Exec.Choose]) uniformly.
// Each says where else it deviates from its paper. What most learn from one execution for
// the next is how long executions are, and of how many threads; SURW and ReadsFrom also
// which accesses there are. QLearning learns states, and takes memory for each; what else
// is guided by what was seen before is package schedule/guided.
package sample

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Sampler takes the decisions of one execution after the other.
type Sampler interface {
	schedule.Chooser
	// Begin prepares for the next execution.
	Begin()
	schedule.Watcher // of every step, unless see Looks; it ends no execution
	// End is told how the execution ended.
	End(e *schedule.Exec, res schedule.Result)
}

// A Looker is a [Sampler] that need not be shown the steps of every execution: to show them
// takes time.
type Looker interface {
	// Looks reports, once the execution has begun, whether it is to be shown its steps.
	Looks() bool
}

// Looks reports whether s is to be shown the steps of the execution that has begun: not those
// of this package whose Step does nothing, and else if it is no [Looker] or says so. What embeds
// one of these may have a Step of its own, so that is shown them.
func Looks(s Sampler) bool {
	switch s := s.(type) {
	case *Walk, *QLearning, *Delays, *Preemptions:
		return false
	case Looker:
		return s.Looks()
	}
	return true
}

// blind is a sampler that looks at no step.
type blind struct{}

// Step implements [Sampler].
func (blind) Step(*schedule.Thread) bool { return true }

// Names returns the names that [New] knows, those of the literature first.
func Names() []string { return append(Published(), "demote", "surw-demote", "rf-demote") }

// Published returns the names of the samplers of the literature.
func Published() []string {
	return []string{
		"walk", "pct2", "pct3", "pct5", "pos", "surw", "rf", "qlearn",
		"delays2", "delays5", "preemptions2", "preemptions5",
	}
}

// New returns the sampler of that name. The same seed decides the same, until its [Revision]
// goes up.
func New(name string, seed uint64) (Sampler, error) {
	switch name {
	case "walk":
		return NewWalk(seed), nil
	case "pct2":
		return NewPCT(seed, 2), nil
	case "pct3":
		return NewPCT(seed, 3), nil
	case "pct5":
		return NewPCT(seed, 5), nil
	case "pos":
		return NewPOS(seed), nil
	case "surw":
		return NewSURW(seed), nil
	case "rf":
		return NewReadsFrom(seed), nil
	case "qlearn":
		return NewQLearning(seed), nil
	case "delays2":
		return NewDelays(seed, 2), nil
	case "delays5":
		return NewDelays(seed, 5), nil
	case "preemptions2":
		return NewPreemptions(seed, 2), nil
	case "preemptions5":
		return NewPreemptions(seed, 5), nil
	case "demote":
		return NewDemote(seed), nil
	case "surw-demote":
		return NewSURWDemote(seed), nil
	case "rf-demote":
		return NewReadsFromDemote(seed), nil
	}
	return nil, fmt.Errorf("sampler %q: no such sampler; there are: %s",
		name, strings.Join(Names(), ", "))
}

// Run runs one execution after the other on r with the decisions of s, until ctx is done
// or the caller has had enough. The tape is canonical; it and what the result points to
// are valid until the next execution. Once warm, an execution allocates nothing.
func Run(
	ctx context.Context, r *schedule.Runner, s Sampler,
) iter.Seq2[schedule.Tape, schedule.Result] {
	return func(yield func(schedule.Tape, schedule.Result) bool) {
		for ctx.Err() == nil {
			if res := Once(r, s); !yield(r.Taken(), res) {
				return
			}
		}
	}
}

// Once runs one execution on r with the decisions of s.
func Once(r *schedule.Runner, s Sampler) schedule.Result {
	s.Begin()
	if Looks(s) {
		r.Watch = s
	}
	res := r.Run(s)
	s.End(r.Exec(), res)
	r.Watch = nil
	return res
}

// chance is the randomness of a sampler: math/rand/v2 promises the sequence of PCG.
type chance struct{ pcg numbers }

func newChance(seed uint64) chance {
	var c chance
	c.pcg.Seed(seed, 0)
	return c
}

// below returns a random number below n, at most 2^32, without bias: 32 random bits are
// mapped to n ranges of equal size, the rest is rejected (Lemire, "Fast random integer
// generation in an interval", ACM TOMACS 2019).
func (c *chance) below(n int) int {
	m := uint32(n)
	for {
		product := uint64(uint32(c.pcg.Uint64()>>32)) * uint64(m)
		if low := uint32(product); low >= m || low >= -m%m {
			return int(product >> 32)
		}
	}
}

// of returns the decision that stands for thread id, which must be enabled.
func of(e *schedule.Exec, id int) int {
	calm := e.Alternative(0).ID
	if id == calm {
		return 0
	}
	return 1 + e.Enabled().Without(calm).Below(id)
}

// width is how many threads there are: the most so far, and few at first. Priorities are
// drawn for so many, so that what a seed decides does not depend on how many there could be.
type width int

// few is assumed of the first execution. Threads above it have no priority of their own in
// it.
const few width = 16

func (w *width) see(e *schedule.Exec) { *w = max(*w, width(len(e.Threads()))) }

// length keeps how long executions are: the most steps so far, which stands for k where
// papers want the length known; 0 if nothing was run.
type length int

// start is assumed of the first execution.
const start = 50

// expected returns how many steps an execution is assumed to take.
func (k length) expected() int {
	if k == 0 {
		return start
	}
	return int(k)
}

func (k *length) see(steps int) { *k = max(*k, length(steps)) }
