package fuzz

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

const (
	// seedsDrawn is how many inputs a target begins with, besides the empty one and those that
	// a person wrote. The engine gives each 100 ms in turn.
	seedsDrawn = 16
	// seedsTried is how many executions they are chosen from.
	seedsTried = 4 * seedsDrawn
	// seedEnd is how many bytes follow the one from which on the schedule is drawn. What the
	// engine changes is these or the calls, by how many bytes there are of each.
	seedEnd = 8
	// seedEnds is how many ends are tried for a seed.
	seedEnds = 100
)

// seeds returns inputs to begin with: the threads and system calls of executions that pass, as
// SURW draws them, evenly from the shortest to the longest, and then an end that is drawn. So
// what the engine changes is another schedule of calls that have to do with each other, or other
// calls. The same program has the same ones, for ever.
func seeds(p program.Program) (out [][]byte) {
	r := schedule.NewRunner(p.Schedule())
	defer r.Close()
	s := &beginning{Sampler: sample.NewSURW(1)}
	var passed []begun
	for range seedsTried {
		s.decisions = 0
		if sample.Once(r, s).Outcome == schedule.Pass {
			passed = append(passed, begun{slices.Clone(r.Taken()), s.decisions})
		}
	}
	slices.SortStableFunc(passed, func(a, b begun) int { return len(b.tape) - len(a.tape) })
	n := min(seedsDrawn, len(passed))
	for i := range n {
		out = append(out, passed[i*len(passed)/n].seed(r, i))
	}
	return out
}

// A beginning is a sampler that counts the decisions before the first about threads.
type beginning struct {
	sample.Sampler
	decisions int
}

// Choose implements [schedule.Chooser].
func (b *beginning) Choose(e *schedule.Exec, n int) int {
	if e.Enabled().Empty() && e.Decisions() == b.decisions {
		b.decisions++
	}
	return b.Sampler.Choose(e, n)
}

// A begun is an execution that passes.
type begun struct {
	tape  schedule.Tape
	setup int // decisions before the first about threads
}

// seed returns an input that begins as b does and draws the rest, the first such that passes;
// the execution itself if hardly any does.
func (b begun) seed(r *schedule.Runner, number int) []byte {
	setup := make(schedule.Tape, b.setup)
	copy(setup, b.tape) // which is canonical
	for i := range seedEnds {
		in := fmt.Appendf(setup.Bytes(), "\xff%0*d", seedEnd, seedEnds*number+i)
		if r.RunBytes(in).Outcome == schedule.Pass {
			return in
		}
	}
	return b.tape.Bytes()
}

// TestSeeds: every workload begins with so many that pass, of many setups, and all with an end
// that is drawn.
func TestSeeds(t *testing.T) {
	for _, target := range kmodel.Targets() {
		p, err := target.Program("")
		if err != nil {
			t.Fatal(err)
		}
		inputs := seeds(p)
		if again := seeds(p); !slices.EqualFunc(inputs, again, slices.Equal) {
			t.Errorf("%s: other seeds the second time", target.Name)
		}
		if len(inputs) != seedsDrawn {
			t.Errorf("%s: %d seeds", target.Name, len(inputs))
		}
		r := schedule.NewRunner(p.Schedule())
		setups := map[string]bool{}
		for _, in := range inputs {
			if r.RunBytes(in).Outcome != schedule.Pass {
				t.Errorf("%s: %q does not pass", target.Name, in)
			}
			setup, _, drawn := bytes.Cut(in, []byte{0xff})
			if !drawn {
				t.Errorf("%s: %q has no end that is drawn", target.Name, in)
			}
			setups[string(setup)] = true
		}
		if len(setups) < seedsDrawn/2 {
			t.Errorf("%s: %d setups in %d seeds", target.Name, len(setups), len(inputs))
		}
		r.Close()
	}
}

// BenchmarkSeeds is what they add to the start of a target.
func BenchmarkSeeds(b *testing.B) {
	for _, name := range []string{"FuzzLookupIoctx", "FuzzIoReqCompletePost"} {
		b.Run(name, func(b *testing.B) {
			target, err := kmodel.FindTarget(name)
			if err != nil {
				b.Fatal(err)
			}
			p, err := target.Program("")
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				seeds(p)
			}
		})
	}
}
