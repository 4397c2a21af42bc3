package explore_test

import (
	"context"
	"reflect"
	"runtime"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	. "github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// Several workers are in the next bound while the caller has the report of the last. These
// tests end the search then.

// gone waits until there are no more goroutines than there were.
func gone(t *testing.T, before int) {
	t.Helper()
	for range 1_000_000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// TestAheadStop has the caller want no more after some reports. Those are the ones of a
// search with one worker, nothing goes on behind them, and the checkpoint is good.
func TestAheadStop(t *testing.T) {
	programs := []schedule.Program{
		increments(2, 0, 1, 2), independent(5, 5, 5), workers(0, 1, 2), stubborn(), forever(),
	}
	seeds := uint64(15)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		programs = append(programs, random(seed, seed%2 == 0))
	}
	for _, p := range programs {
		want := sequence(p, all(5))
		before := runtime.NumGoroutine()
		for _, n := range []int{1, 2, 3, 4} {
			if testing.Short() && n%2 == 0 {
				continue
			}
			opt := checkpointed(t, Options{Bound: 5, Workers: n})
			opt.Checkpoint.Every = 1 // so that some are being written when it is stopped
			for wanted := range min(len(want), 3) {
				var got []Report
				for r := range Exhaust(ctx, p, opt) {
					if got = append(got, effortless(r)); r.Bound == wanted {
						break
					}
				}
				gone(t, before)
				if last := got[len(got)-1]; !reflect.DeepEqual(last, want[wanted]) {
					t.Fatalf("%s: %d workers, bound %d:\n%+v, want\n%+v",
						p.Name, n, wanted, last, want[wanted])
				}
			}
			got := effortless(Last(Exhaust(ctx, p, opt)))
			if !reflect.DeepEqual(got, want[len(want)-1]) {
				t.Fatalf("%s: %d workers, resumed:\n%+v, want\n%+v",
					p.Name, n, got, want[len(want)-1])
			}
		}
	}
}

// TestAheadCancel cancels the search while the caller has a report. The last one says how
// far it came, with the numbers of the bounds that were finished.
func TestAheadCancel(t *testing.T) {
	p := increments(2, 0, 1, 2)
	want := exhaust(p, Unbounded)
	before := runtime.NumGoroutine()
	for _, n := range []int{2, 4} {
		for at := range 4 {
			c, cancel := context.WithCancel(ctx)
			var last Report
			for r := range Exhaust(c, p, Options{Bound: Unbounded, Workers: n}) {
				if last = r; r.Bound == at {
					cancel()
				}
			}
			cancel()
			gone(t, before)
			if last.Bound < at || last.Stop != Cancelled && last.Stop != Exhausted {
				t.Errorf("%d workers, cancelled at bound %d: %s", n, at, last.Coverage())
			}
			if got := last.Executions; !reflect.DeepEqual(got, want.Executions[:len(got)]) {
				t.Errorf("%d workers: %v executions, want %v", n, got, want.Executions)
			}
			replay(t, p, last)
		}
	}
}

// TestAheadPanic has the caller panic over a report.
func TestAheadPanic(t *testing.T) {
	before := runtime.NumGoroutine()
	func() {
		defer func() {
			if recover() != "enough" {
				t.Error("the panic of the caller is lost")
			}
		}()
		for range Exhaust(ctx, increments(3, 0, 1), Options{Bound: Unbounded, Workers: 4}) {
			panic("enough")
		}
	}()
	gone(t, before)
}

// TestAheadCrash has a model panic that takes one preemption. Who looks at executions
// without any gets their report, and no panic.
func TestAheadCrash(t *testing.T) {
	p := program("crash", nil, nil,
		thread("a", func(t *schedule.Thread, b *board) {
			store(t, &b.x, 1)
			store(t, &b.x, 2)
		}),
		thread("b", func(t *schedule.Thread, b *board) {
			if load(t, &b.x) == 1 {
				panic("a mistake")
			}
		}))
	for _, n := range []int{1, 2, 4} {
		opt := Options{Bound: Unbounded, Workers: n}
		for r := range Exhaust(ctx, p, opt) {
			if r.Bound != 0 || r.Stop != Continues {
				t.Errorf("%d workers: %s", n, r.Coverage())
			}
			break
		}
		reports := 0
		func() {
			defer func() {
				if c, ok := recover().(*schedule.Crash); !ok || c.Value != "a mistake" {
					t.Errorf("%d workers: no crash: %v", n, c)
				}
			}()
			for range Exhaust(ctx, p, opt) {
				reports++
			}
		}()
		if reports != 1 {
			t.Errorf("%d workers: %d reports before the crash, want 1", n, reports)
		}
	}
}
