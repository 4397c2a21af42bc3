package bench_test

import (
	"context"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// classesOfGenMC is how many executions GenMC has of programs that it can read.
var classesOfGenMC = map[string]uint64{
	"CS.carter01": 4, "CS.deadlock01": 3, "CS.twostage": 3,
}

// TestClasses searches the programs that have few classes by class and by state, as they are
// and fixed, and exchanges independent steps of all of them. None that is crowded has few, so
// of those only some classes are run.
func TestClasses(t *testing.T) {
	most, want, tries := 200, 83, 20
	if testing.Short() {
		most, want, tries = 20, 75, 2
	}
	covered := 0
	for _, p := range bench.Programs() {
		for _, s := range []schedule.Program{p.Schedule(bench.Main1), p.Fixed(bench.Main1)} {
			if _, err := explore.CheckSwaps(s, tries, 1); err != nil {
				t.Error(err)
			}
			opt := explore.Options{Bound: explore.Unbounded, MaxNodes: most}
			if crowded(p) {
				opt.MaxNodes = min(most, 5)
			}
			got := explore.Classes(context.Background(), s, opt)
			if got.Stop == explore.NodeLimit {
				continue
			}
			covered++
			opt.MaxNodes = 0
			states := explore.Last(explore.Exhaust(context.Background(), s, opt))
			if !got.Complete() || !slices.EqualFunc(got.Endings, states.Endings, sameEnding) {
				t.Errorf("%s: %v: classes end with %v, states with %v", s.Name, got.Stop, got.Endings,
					states.Endings)
			}
		}
		if n, ok := classesOfGenMC[p.Name]; ok {
			s := p.Schedule(bench.Main1)
			if r := explore.Classes(context.Background(), s, explore.Options{}); r.Classes != n {
				t.Errorf("%s: %d classes, want %d", s.Name, r.Classes, n)
			}
		}
	}
	if covered < want {
		t.Errorf("%d programs covered, want %d or more", covered, want)
	}
}

// sameEnding compares an ending by class with one by state, which knows the fewest
// preemptions.
func sameEnding(a, b explore.Ending) bool {
	return a.Category == b.Category && a.Witness.Preemptions >= b.Witness.Preemptions
}
