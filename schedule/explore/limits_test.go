package explore_test

import (
	"context"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	. "github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// What an exploration says where it cannot finish, or cannot count.

// TestCycles tells the three sorts apart.
func TestCycles(t *testing.T) {
	for _, tt := range []struct {
		program schedule.Program
		want    Cycle
	}{
		{forever(), CalmCycle}, {stubborn(), PreemptiveCycle}, {rounds(), Acyclic},
	} {
		r := exhaust(tt.program, Unbounded)
		_, counted := r.Total()
		if r.Cycle != tt.want || counted != (tt.want == Acyclic) || r.Stop != Exhausted {
			t.Errorf("%s: cycle %v, counted %v, %v", r.Program, r.Cycle, counted, r.Stop)
		}
	}
	// A bound that nothing reaches is no reason to count for ever.
	if r := exhaust(stubborn(), Unbounded-1); len(r.Executions) < schedule.DefaultMaxSteps {
		t.Errorf("counted to %d", len(r.Executions))
	}
	// A cycle that takes preemptions leaves the number for each bound.
	for bound := range 6 {
		r := exhaust(stubborn(), bound)
		same(t, r, Unreduced(ctx, stubborn(), all(bound)))
		if len(r.Executions) != bound+1 {
			t.Errorf("bound %d: counted to %d", bound, len(r.Executions)-1)
		}
	}
}

// TestMinimalWithCycles compares witnesses where there are too many executions
// to count. Unreduced looks at the short ones only: what it finds must not
// come before what Exhaust has found, and must be that if that is short.
func TestMinimalWithCycles(t *testing.T) {
	const short = 9
	seeds, cycles, same := uint64(150), 0, 0
	if testing.Short() {
		seeds = 50
	}
	for seed := range seeds {
		p := random(seed, true)
		got := exhaust(p, 2)
		if got.Cycle != CalmCycle {
			continue
		}
		u := Unreduced(doneAfter(10_000), p, Options{Bound: 2, MaxSteps: short})
		if u.Stop == Cancelled {
			continue
		}
		cycles++
		for _, want := range u.Endings {
			if want.Outcome == schedule.Invalid {
				continue
			}
			w, ok := got.Minimal(want.Category)
			switch {
			case !ok || !w.Minimal:
				t.Errorf("%s: no minimal witness of %v", p.Name, want.Category)
			case reflect.DeepEqual(w, want.Witness):
				same++
			case w.Preemptions < want.Witness.Preemptions || w.Steps >= short:
			default:
				t.Errorf("%s: %v: witness %+v, want %+v", p.Name, want.Category, w, want.Witness)
			}
		}
	}
	if cycles < int(seeds)/20 || same < int(seeds)/20 {
		t.Errorf("%d programs with cycles, %d witnesses the same: too few", cycles, same)
	}
}

// TestOverflow counts more than a word can hold. The numbers before stay, the
// rest of the report is as good as ever.
func TestOverflow(t *testing.T) {
	r := exhaust(independent(40, 40), Unbounded) // 80 over 40 is above 2^76
	if _, ok := r.Total(); ok || !r.Overflow {
		t.Errorf("overflow is not noticed: %v", r.Executions)
	}
	if len(r.Executions) == 0 || r.Executions[0] != 2 || r.Executions[1] != 78 {
		t.Errorf("numbers before the overflow: %v", r.Executions)
	}
	if !r.Complete() {
		t.Errorf("complete, though not counted: %s", r.Coverage())
	}
	// Where the numbers that were asked for fit, it does not matter that the next do not.
	fit := len(r.Executions)
	for bound := fit - 6; bound < fit+2; bound++ {
		b := exhaust(independent(40, 40), bound)
		if want := bound >= fit; b.Overflow != want || len(b.Executions) != min(bound+1, fit) {
			t.Errorf("bound %d of %d that fit: overflow %v, %d numbers",
				bound, fit-1, b.Overflow, len(b.Executions))
		}
	}
}

// TestNodeLimit stops at every stage. Whatever bound is said to be finished then
// has the right numbers.
func TestNodeLimit(t *testing.T) {
	p := increments(2, 0, 1, 2)
	nodes := exhaust(p, Unbounded).Nodes
	for _, limit := range []int{1, 10, 20, 50, 100, 200, nodes - 1, nodes} {
		r := Last(Exhaust(ctx, p, Options{Bound: Unbounded, MaxNodes: limit}))
		if limit == nodes {
			if !r.Complete() {
				t.Errorf("limit %d for %d nodes: %s", limit, nodes, r.Coverage())
			}
			continue
		}
		replay(t, p, r)
		if r.Stop != NodeLimit || r.Nodes != limit || r.Complete() {
			t.Errorf("limit %d: %d nodes, %s", limit, r.Nodes, r.Coverage())
		}
		if r.Bound < 0 {
			continue
		}
		want := Unreduced(ctx, p, all(r.Bound))
		if !reflect.DeepEqual(r.Executions, want.Executions) {
			t.Errorf("limit %d: %v executions, want %v", limit, r.Executions, want.Executions)
		}
	}
}

// doneAfter returns a context that is done after being asked so many times.
func doneAfter(times int) context.Context {
	c := &asked{Context: ctx}
	c.left.Store(int64(times))
	return c
}

type asked struct {
	context.Context
	left atomic.Int64
}

func (c *asked) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestCancel stops after so many executions. Ctx is asked before each.
func TestCancel(t *testing.T) {
	p := increments(2, 0, 1, 2)
	for _, n := range []int{0, 1, 100, 1000} {
		r := Last(Exhaust(doneAfter(n), p, all(Unbounded)))
		if r.Stop != Cancelled || r.Complete() || r.Runs != n {
			t.Errorf("cancelled after %d: %d runs, %s", n, r.Runs, r.Coverage())
		}
		u := Unreduced(doneAfter(n), p, all(Unbounded))
		if u.Stop != Cancelled || u.Complete() || u.Runs > n {
			t.Errorf("cancelled after %d: %d runs, %s", n, u.Runs, u.Coverage())
		}
	}
}

// TestStepLimit explores a program that does not end: never complete.
func TestStepLimit(t *testing.T) {
	body := func(t *schedule.Thread, b *board) {
		for {
			store(t, &b.x, load(t, &b.x)+1)
		}
	}
	p := program("runaway", nil, nil, thread("t", body))
	r := exhaust(p, Unbounded)
	if r.Complete() || r.Endings[0].Category.Reason != schedule.StepLimit {
		t.Errorf("a program without end: %s", r.Coverage())
	}
}

// TestStepLimitOfDetours explores a program that goes round for ever. No node is
// further than 20 steps, but Exhaust runs longer ways if it is let.
func TestStepLimitOfDetours(t *testing.T) {
	for _, limit := range []int{20, 30, 40} {
		r := Last(Exhaust(ctx, ring(), Options{Bound: Unbounded, MaxSteps: limit}))
		if !r.Complete() {
			t.Errorf("%d steps: %s", limit, r.Coverage())
		}
	}
}

// TestUnsound explores a program whose gate depends on what no state tells.
// Exhaust notices if it comes to one state with other threads enabled; the rest
// is for CheckStates.
func TestUnsound(t *testing.T) {
	r := exhaust(hidden(true), Unbounded)
	if r.Stop != Unsound || r.Err == nil || r.Complete() {
		t.Errorf("hidden state is not noticed: %s", r.Coverage())
	}
	t.Log(r.Coverage())
}

// TestCrash lets a panic of a model through, and cleans up behind it.
func TestCrash(t *testing.T) {
	p := program("crash", nil, nil,
		thread("a", func(t *schedule.Thread, b *board) { store(t, &b.x, 1) }),
		thread("b", func(t *schedule.Thread, b *board) {
			if load(t, &b.x) == 0 {
				panic("model")
			}
		}))
	defer func() {
		if c, ok := recover().(*schedule.Crash); !ok || c.Value != "model" {
			t.Errorf("recovered %v", c)
		}
	}()
	exhaust(p, Unbounded)
	t.Error("a panic of model code went unnoticed")
}

// TestDeterminism runs everything in many goroutines, and with one and many
// processors: reports are identical to the last field.
func TestDeterminism(t *testing.T) {
	programs := []schedule.Program{
		increments(2, 0, 1), inversion(0, 1), workers(0, 1, 2), choices(), forever(),
	}
	run := func() (out []Report) {
		for _, p := range programs {
			for r := range Exhaust(ctx, p, all(Unbounded)) {
				out = append(out, r)
			}
		}
		return out
	}
	want := run()
	old := runtime.GOMAXPROCS(1)
	if !reflect.DeepEqual(run(), want) {
		t.Error("another run on one processor gives another report")
	}
	runtime.GOMAXPROCS(max(old, 8))
	defer runtime.GOMAXPROCS(old)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if !reflect.DeepEqual(run(), want) {
				t.Error("another run among others gives another report")
			}
		})
	}
	wg.Wait()
}
