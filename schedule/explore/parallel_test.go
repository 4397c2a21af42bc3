package explore_test

import (
	"reflect"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	. "github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// effortless returns r without what depends on who took which edge.
func effortless(r Report) Report {
	r.Runs, r.Steps = 0, 0
	return r
}

// sequence returns all reports, without the effort.
func sequence(p schedule.Program, opt Options) (out []Report) {
	for r := range Exhaust(ctx, p, opt) {
		out = append(out, effortless(r))
	}
	return out
}

// TestWorkers compares every report of searches with one and with several workers.
func TestWorkers(t *testing.T) {
	programs := []schedule.Program{
		independent(1), independent(5, 5, 5), increments(2, 0, 1), increments(2, 0, 1, 2),
		locked(0, 1, 2), inversion(0, 1), workers(0, 1, 2), choices(), rounds(), again(),
		detour(), stubborn(), forever(), ring(),
	}
	seeds := uint64(100)
	if testing.Short() {
		seeds = 20
	}
	for seed := range seeds {
		programs = append(programs, random(seed, seed%2 == 0))
	}
	for _, p := range programs {
		for _, bound := range []int{1, Unbounded} {
			want := sequence(p, all(bound))
			for _, n := range []int{2, 3, 8} {
				got := sequence(p, Options{Bound: bound, Workers: n})
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("%s: %d workers:\n%+v, want\n%+v", p.Name, n, got, want)
				}
			}
		}
	}
}

// TestWorkersStop stops in the middle of things.
func TestWorkersStop(t *testing.T) {
	p := increments(2, 0, 1, 2)
	for _, n := range []int{0, 1, 100, 1000} {
		r := Last(Exhaust(doneAfter(n), p, Options{Bound: Unbounded, Workers: 4}))
		if r.Stop != Cancelled || r.Runs != n {
			t.Errorf("cancelled after %d: %d runs, %s", n, r.Runs, r.Coverage())
		}
		replay(t, p, r)
	}
	for _, n := range []int{1, 10, 100} {
		r := Last(Exhaust(ctx, p, Options{Bound: Unbounded, Workers: 4, MaxNodes: n}))
		if r.Stop != NodeLimit || r.Nodes != n {
			t.Errorf("limit %d: %d nodes, %s", n, r.Nodes, r.Coverage())
		}
		replay(t, p, r)
	}
	if r := Last(Exhaust(ctx, hidden(true), Options{Bound: 9, Workers: 4})); r.Stop != Unsound {
		t.Errorf("hidden state: %s", r.Coverage())
	}
}

// TestWorkersCrash has the panic of a model come out of Exhaust.
func TestWorkersCrash(t *testing.T) {
	p := program("crash", nil, nil,
		thread("a", func(t *schedule.Thread, b *board) { store(t, &b.x, 1) }),
		thread("b", func(t *schedule.Thread, b *board) {
			if load(t, &b.x) == 0 {
				panic("a mistake")
			}
		}))
	for _, n := range []int{1, 4} {
		func() {
			defer func() {
				if c, ok := recover().(*schedule.Crash); !ok || c.Value != "a mistake" {
					t.Errorf("%d workers: no crash: %v", n, c)
				}
			}()
			Last(Exhaust(ctx, p, Options{Bound: Unbounded, Workers: n}))
		}()
	}
}
