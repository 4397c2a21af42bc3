package explore_test

import (
	"runtime"
	"slices"
	"testing"

	. "github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

func TestWalk(t *testing.T) {
	p := increments(1, 0, 1)
	tapes := func(seed uint64) (out []string) {
		for s := range Sample(ctx, p, NewWalk(seed), Options{}) {
			if out = append(out, s.String()); len(out) == 6000 {
				return out
			}
		}
		return nil
	}
	first := tapes(1)
	if !slices.Equal(first, tapes(1)) {
		t.Error("one seed gives two sequences")
	}
	if slices.Equal(first, tapes(2)) {
		t.Error("two seeds give one sequence")
	}
	// All six executions have three or two decisions, in each the walk goes
	// one of two ways: probabilities are 1/4 and 1/8.
	counts := make(map[string]int)
	for _, s := range first {
		counts[s]++
	}
	for s, n := range counts {
		if n < 600 || n > 1700 {
			t.Errorf("tape %q came %d times of 6000", s, n)
		}
	}
	if len(counts) != 6 {
		t.Errorf("%d different executions, want 6", len(counts))
	}
}

// TestSampleAllocates counts what executions allocate once the runner is warm.
func TestSampleAllocates(t *testing.T) {
	const warm, runs = 1000, 10000
	var before, after runtime.MemStats
	n := 0
	for range Sample(ctx, increments(2, 0, 1, 2), NewWalk(1), Options{}) {
		if n++; n == warm {
			runtime.ReadMemStats(&before)
		} else if n == warm+runs {
			runtime.ReadMemStats(&after)
			break
		}
	}
	// The runtime may allocate a little of its own.
	if allocs := after.Mallocs - before.Mallocs; allocs > runs/100 {
		t.Errorf("%d allocations in %d executions", allocs, runs)
	}
}
