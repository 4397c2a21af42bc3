package guided

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// known is what Engines that share know of their program.
type known struct {
	graph        graph
	corpus       corpus
	combinations combinations
	learnt       int // states that QLearning of each may have
	complete     atomic.Bool

	mu   sync.Mutex               // of who joins
	team atomic.Pointer[[]*tally] // of all Engines, in the order in which they were made
}

// A tally is what one Engine has counted. The others only read it.
type tally struct {
	_ cacheLine

	executions, repeated, decisions, memories, lastNew, unguided atomic.Int64
	discovery                                                    atomic.Uint64 // bits of a float64

	visits counts // of nodes
	states counts // that it was the first to meet, of entries
	chosen counts // how often it went back to entries

	_ cacheLine
}

// join makes a tally one of the team.
func (k *known) join(t *tally) {
	t.discovery.Store(math.Float64bits(1))
	k.mu.Lock()
	defer k.mu.Unlock()
	team := append(slices.Clone(k.members()), t)
	k.team.Store(&team)
}

// members returns the tallies of all Engines that share.
func (k *known) members() []*tally {
	if team := k.team.Load(); team != nil {
		return *team
	}
	return nil
}

// executions returns how many all of them have made.
func (k *known) executions() (n int64) {
	for _, t := range k.members() {
		n += t.executions.Load()
	}
	return n
}

// Share returns another Engine, of the same program but for another goroutine: each knows what
// the other has come to. It decides by its own seed, and pays its own arms. What they do
// depends on who is quicker, so an execution is repeated by its tape, not by a seed. The
// Engine that New has made goes on with the stream, and leaves more alone the more they are;
// those that Share has made leave none alone.
//
// Share may be called by anybody.
func (en *Engine) Share(seed uint64) *Engine { return newEngine(seed, en.known) }

// Complete reports whether nothing is left to see, as Stats does, in less time.
func (en *Engine) Complete() bool { return en.complete.Load() }

// Stats returns what is known so far, by all that share. It may be called by anybody.
func (en *Engine) Stats() (s Stats) {
	team := en.members()
	for _, t := range team {
		s.Executions += int(t.executions.Load())
		s.Repeated += int(t.repeated.Load())
		s.Decisions += int(t.decisions.Load())
		s.Memories += int(t.memories.Load())
		s.LastNew = max(s.LastNew, int(t.lastNew.Load()))
		s.Unguided += int(t.unguided.Load())
	}
	s.Discovery = math.Float64frombits(team[0].discovery.Load())
	s.Full = en.graph.full() || en.corpus.full()
	s.Complete = en.complete.Load()
	return s
}
