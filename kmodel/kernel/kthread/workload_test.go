package kthread

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// The fixed scenarios that the workload has among others.
const (
	// kthread_use_mm-vs-munmap-lazy, nearly: munmap twice; read both, lazy.
	scriptMunmap = "0" + "20001" + "01101"
	// madvise-vs-reclaim-lazy: load, madvise twice, load; nobody; reclaim, lazy.
	scriptReclaim = "1" + "411303111" + "000" + "01221"
)

// TestWorkloadRows shows what the numbers of a workload are. One of its choices of threads
// and calls, which is a fixed scenario, is explored: the failure needs that many
// preemptions. And random choices with fewer do not find it: no proof that there is none,
// but for the rows that say 0.
func TestWorkloadRows(t *testing.T) {
	runs := 6_000
	if testing.Short() {
		runs = 1_000
	}
	for _, p := range suite.Programs {
		if !p.Workload {
			continue
		}
		for _, e := range p.Expect {
			script := scriptMunmap
			if trims(p) {
				script = scriptReclaim
			}
			q := verify.Scripted(p, script)
			r := explore.Last(explore.Exhaust(context.Background(), q,
				explore.Options{Bound: e.Preemptions, Mute: e.Mute}))
			if n, ok := r.Fewest()[e.Kind]; !ok || n != e.Preemptions {
				t.Errorf("%s: fewest preemptions %v, want %v %d", q.Name, r.Fewest(), e.Kind,
					e.Preemptions)
			}
			if e.Preemptions > 0 {
				sampleFewer(t, p, e, runs)
			}
		}
	}
}

// sampleFewer runs random executions with fewer preemptions than e has.
func sampleFewer(t *testing.T, p program.Program, e program.Expect, runs int) {
	r := schedule.NewRunner(p.Schedule())
	defer r.Close()
	r.Mute = e.Mute
	c := &sparing{rng: rand.New(rand.NewPCG(5, 5))}
	for range runs {
		c.left = e.Preemptions - 1
		res := r.Run(c)
		if res.Preemptions >= e.Preemptions {
			t.Fatalf("%s: tape %q has %d preemptions", p.Name(), r.Taken(), res.Preemptions)
		}
		if res.Outcome == schedule.Fail && res.Failure.Kind == e.Kind {
			t.Errorf("%s: tape %q: %v with %d preemptions, want %d", p.Name(), r.Taken(), e.Kind,
				res.Preemptions, e.Preemptions)
			return
		}
	}
}

// sparing is a chooser that is random where it costs no preemption, and takes some of
// those that it has left.
type sparing struct {
	rng  *rand.Rand
	left int
}

func (c *sparing) Choose(e *schedule.Exec, n int) int {
	if e.Running() == nil { // a choice of the program too
		return c.rng.IntN(n)
	}
	if c.left > 0 && c.rng.IntN(12) == 0 {
		c.left--
		return 1 + c.rng.IntN(n-1)
	}
	return 0
}
