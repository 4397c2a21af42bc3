package explore_test

import (
	"math"
	"reflect"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	. "github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// TestEstimate compares estimates with exact numbers. Its seeds are fixed, so that it
// cannot fail by chance.
func TestEstimate(t *testing.T) {
	for _, p := range []schedule.Program{
		independent(1), independent(3, 2), increments(2, 0, 1), increments(1, 0, 1, 2),
		workers(0, 1, 2), choices(), detour(),
	} {
		for _, bound := range []int{0, 1, Unbounded} {
			want := Unreduced(ctx, p, all(bound))
			nodes := float64(exhaust(p, bound).Nodes)
			e := EstimateSize(ctx, p, all(bound), 4000, 1)
			n := float64(want.Runs)
			got, _ := e.Executions.Float64()
			if math.Abs(got-n) > 4*e.Error*got+1e-9 || e.Error > 0.2 {
				t.Errorf("%s, bound %d: %g executions, error %g, want %g",
					p.Name, bound, got, e.Error, n)
			}
			if float64(e.Seen) > nodes || e.Nodes > 1.1*nodes || e.Nodes < nodes/2 {
				t.Errorf("%s, bound %d: %g nodes, %d of them seen, want %g",
					p.Name, bound, e.Nodes, e.Seen, nodes)
			}
			again := EstimateSize(ctx, p, all(bound), 4000, 1)
			if !reflect.DeepEqual(again, e) {
				t.Errorf("%s: %+v, then %+v", p.Name, e, again)
			}
		}
	}
}

// TestEstimateError looks whether the standard error is one: of many estimates, about
// two thirds are within it, and nearly all within twice as much.
func TestEstimateError(t *testing.T) {
	p := increments(2, 0, 1)
	const seeds = 300
	within, twice, sum := 0, 0, 0.0
	for seed := range uint64(seeds) {
		e := EstimateSize(ctx, p, all(Unbounded), 500, seed)
		got, _ := e.Executions.Float64()
		sum += got
		off := math.Abs(got - 70)
		if off < e.Error*got {
			within++
		}
		if off < 2*e.Error*got {
			twice++
		}
	}
	if within < seeds*60/100 || within > seeds*76/100 || twice < seeds*92/100 {
		t.Errorf("of %d estimates %d are within the error, %d within twice as much",
			seeds, within, twice)
	}
	if mean := sum / seeds; math.Abs(mean-70) > 0.5 {
		t.Errorf("mean of the estimates: %g, want 70", mean)
	}
}

// TestEstimateLarge has more executions than a float64 can say.
func TestEstimateLarge(t *testing.T) {
	e := EstimateSize(ctx, independent(400, 400, 400), all(Unbounded), 50, 1)
	if e.Executions.MantExp(nil) < 1500 || e.Executions.IsInf() || !(e.Error > 0 && e.Error <= 1) {
		t.Errorf("%.3g executions, error %g", e.Executions, e.Error)
	}
}

func TestEstimateCancelled(t *testing.T) {
	e := EstimateSize(doneAfter(10), increments(2, 0, 1), Options{}, 1000, 1)
	if e.Probes != 10 {
		t.Errorf("%d probes, want 10", e.Probes)
	}
	EstimateSize(doneAfter(0), increments(2, 0, 1), Options{}, 1000, 1)
}
