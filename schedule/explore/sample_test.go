package explore_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	. "github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

func TestCheckStates(t *testing.T) {
	for _, p := range []schedule.Program{
		increments(2, 0, 1), increments(2, 0, 1, 2), locked(0, 1, 2, 3), workers(0, 1, 2),
		choices(), rounds(), independent(3, 3),
	} {
		n, err := CheckStates(p, 2000, 1)
		if err != nil {
			t.Error(err)
		}
		if n < 2000 {
			t.Errorf("%s: %d pairs compared", p.Name, n)
		}
	}
	if n, err := CheckStates(independent(3), 1000, 1); n != 0 || err != nil {
		t.Errorf("one thread has no pairs: %d compared, %v", n, err)
	}
}
func TestCheckStatesFindsHiddenState(t *testing.T) {
	for _, gated := range []bool{false, true} {
		for seed := range uint64(10) {
			n, err := CheckStates(hidden(gated), 1000, seed)
			if err == nil {
				t.Errorf("gated %v, seed %d: nothing found in %d pairs", gated, seed, n)
			} else if seed == 0 {
				t.Log(n, err)
			}
		}
	}
}

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

func BenchmarkExhaust(b *testing.B) {
	for _, p := range []schedule.Program{
		increments(3, 0, 1), increments(3, 0, 1, 2), increments(2, 0, 1, 2, 3), locked(0, 1, 2, 3),
	} {
		b.Run(p.Name, func(b *testing.B) {
			b.ReportAllocs()
			var r Report
			nodes, runs, steps := 0, 0, uint64(0)
			for b.Loop() {
				r = exhaust(p, Unbounded)
				nodes += r.Nodes
				runs += r.Runs
				steps += r.Steps
			}
			s := b.Elapsed().Seconds()
			b.ReportMetric(float64(nodes)/s, "nodes/s")
			b.ReportMetric(float64(runs)/s, "runs/s")
			b.ReportMetric(float64(steps)/float64(runs), "steps/run")
			b.ReportMetric(float64(r.Nodes), "nodes")
		})
	}
}

func BenchmarkWalk(b *testing.B) {
	b.ReportAllocs()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for s, r := range Sample(ctx, increments(4, 0, 1), NewWalk(1), Options{}) {
		if _ = s; r.Steps != 16 {
			b.Fatal(r.Steps)
		}
		if !b.Loop() {
			break
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "executions/s")
	_ = strings.Contains
}
