package fuzz

import (
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
	// seedCalm is how many calm decisions are behind each. The engine changes a byte more
	// readily than it appends one.
	seedCalm = 32
)

// seeds returns inputs to begin with: executions that pass, as SURW draws them, evenly from
// the shortest to the longest. They choose threads and system calls in many ways, so that
// what the engine changes is often the schedule of calls that have to do with each other. The
// same program has the same ones, for ever.
func seeds(p program.Program) (out [][]byte) {
	r := schedule.NewRunner(p.Schedule())
	defer r.Close()
	s := sample.NewSURW(1)
	var passed []schedule.Tape
	for range seedsTried {
		if sample.Once(r, s).Outcome == schedule.Pass {
			passed = append(passed, slices.Clone(r.Taken()))
		}
	}
	slices.SortStableFunc(passed, func(a, b schedule.Tape) int { return len(b) - len(a) })
	n := min(seedsDrawn, len(passed))
	for i := range n {
		t := passed[i*len(passed)/n]
		out = append(out, append(t, make(schedule.Tape, seedCalm)...).Bytes())
	}
	return out
}

// TestSeeds: every workload begins with so many, all different, that pass.
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
		slices.SortFunc(inputs, slices.Compare)
		if len(slices.CompactFunc(inputs, slices.Equal)) < seedsDrawn/2 {
			t.Errorf("%s: most seeds are the same", target.Name)
		}
		r := schedule.NewRunner(p.Schedule())
		for _, in := range inputs {
			if r.RunBytes(in).Outcome != schedule.Pass {
				t.Errorf("%s: %s does not pass", target.Name, in)
			}
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
