package explore_test

import (
	"context"
	"math/big"
	"reflect"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	. "github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

var ctx = context.Background()

func all(bound int) Options { return Options{Bound: bound} }

// exhaust returns the last report.
func exhaust(p schedule.Program, bound int) Report {
	return Last(Exhaust(ctx, p, all(bound)))
}

// same fails unless both reports hold the same numbers: endings with their
// counts and minimal witnesses, and totals. What Exhaust knows beyond a bound that cuts
// off Unreduced is left out.
func same(t *testing.T, got, want Report) {
	t.Helper()
	if want.All == nil {
		got.Endings = slices.Clone(got.Endings)
		for i := range got.Endings {
			got.Endings[i].All = nil
		}
	} else if got.All == nil || got.All.Cmp(want.All) != 0 {
		t.Errorf("%s: %v executions in all, want %v", got.Program, got.All, want.All)
	}
	if !reflect.DeepEqual(got.Executions, want.Executions) {
		t.Errorf("%s: %v executions, want %v", got.Program, got.Executions, want.Executions)
	}
	if !reflect.DeepEqual(got.Endings, want.Endings) {
		t.Errorf("%s: endings\n%+v, want\n%+v", got.Program, got.Endings, want.Endings)
	}
}

// TestAgainstUnreduced holds the search against the enumeration, for every
// bound. That includes the minimal witnesses: Unreduced takes the minimum
// over all executions.
func TestAgainstUnreduced(t *testing.T) {
	programs := []schedule.Program{
		independent(1), independent(3, 2), independent(2, 2, 2),
		increments(1, 0, 1), increments(2, 0, 1), increments(1, 0, 1, 2),
		locked(0, 1), locked(0, 1, 2), inversion(0, 1),
		workers(0, 1, 2), choices(), rounds(), again(), detour(),
	}
	for _, p := range programs {
		t.Run(p.Name, func(t *testing.T) {
			for _, bound := range []int{0, 1, 2, 3, Unbounded} {
				want := Unreduced(ctx, p, all(bound))
				same(t, exhaust(p, bound), want)
			}
		})
	}
}

// TestAgainstUnreducedRandom does the same with programs that nobody thought
// of.
func TestAgainstUnreducedRandom(t *testing.T) {
	seeds := uint64(300)
	if testing.Short() {
		seeds = 75
	}
	executions, endings, skipped := 0, 0, 0
	for seed := range seeds {
		p := random(seed, false)
		bound := Unbounded
		if seed%2 == 0 {
			bound = int(seed/2) % 4
		}
		want := Unreduced(doneAfter(5_000), p, all(bound))
		if want.Stop == Cancelled {
			skipped++
			continue
		}
		same(t, exhaust(p, bound), want)
		executions += want.Runs
		endings += len(want.Endings)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d programs, %d of them too large, %d executions, %d endings",
		seeds, skipped, executions, endings)
}

// TestProgress holds every report on the way, not only the last one.
func TestProgress(t *testing.T) {
	p := increments(2, 0, 1)
	bound := 0
	for r := range Exhaust(ctx, p, all(Unbounded)) {
		if r.Bound != bound {
			t.Fatalf("report %d is of bound %d", bound, r.Bound)
		}
		if r.Stop == Continues {
			same(t, r, Unreduced(ctx, p, all(bound)))
		} else if !r.Complete() {
			t.Errorf("the last report ends with %v", r.Stop)
		}
		bound++
	}
	if bound < 3 {
		t.Errorf("%d reports, want one for each bound", bound)
	}
	for range Exhaust(ctx, p, all(Unbounded)) {
		break // a consumer may have had enough
	}
}

func binomial(n, k int) uint64 {
	b := uint64(1)
	for i := range k {
		b = b * uint64(n-i) / uint64(i+1)
	}
	return b
}

// TestBinomials compares with numbers from a textbook. Two threads of n and m
// steps can be shuffled in n+m over n ways. A shuffle is a sequence of blocks;
// every change of block but the one after the thread that finishes first is
// a preemption, so with j+2 blocks there are j. A thread of n steps falls
// into k blocks in n-1 over k-1 ways.
func TestBinomials(t *testing.T) {
	for n := 1; n <= 6; n++ {
		for m := 1; m <= 6; m++ {
			r := exhaust(independent(n, m), Unbounded)
			total, ok := r.Total()
			if want := binomial(n+m, n); !ok || total != want {
				t.Errorf("%d+%d steps: %d executions, want %d", n, m, total, want)
			}
			for j, got := range r.Executions {
				more, less := (j+3)/2, (j+2)/2
				want := binomial(n-1, more-1)*binomial(m-1, less-1) +
					binomial(m-1, more-1)*binomial(n-1, less-1)
				if got != want {
					t.Errorf("%d+%d steps, %d preemptions: %d, want %d", n, m, j, got, want)
				}
			}
		}
	}
}

// TestTotals counts shuffles that take several words.
func TestTotals(t *testing.T) {
	for _, n := range []int{10, 40, 150} {
		r := exhaust(independent(n, n), Unbounded)
		want := new(big.Int).Binomial(int64(2*n), int64(n))
		if r.All.Cmp(want) != 0 || r.Endings[0].All.Cmp(want) != 0 {
			t.Errorf("2 threads of %d steps: %v executions, want %v", n, r.All, want)
		}
	}
	// The total is that of the program, whatever the bound to which it was counted.
	r, want := exhaust(increments(2, 0, 1), 4), exhaust(increments(2, 0, 1), Unbounded)
	if r.Stop != Exhausted || len(r.Executions) != 5 || r.All.Cmp(want.All) != 0 {
		t.Errorf("bound 4: %v, %v executions, %v in all", r.Stop, r.Executions, r.All)
	}
}

// TestNodes counts nodes. Two threads of n and m steps have one for the start
// and, wherever both have steps left, one for each that can have run last.
func TestNodes(t *testing.T) {
	for _, tt := range [][2]int{{1, 1}, {3, 2}, {40, 30}} {
		n, m := tt[0], tt[1]
		r := exhaust(independent(n, m), Unbounded)
		want := 1 + (n-1)*m + n*(m-1)
		if r.Nodes != want || r.Edges != 2*want {
			t.Errorf("%d+%d steps: %d nodes, %d edges, want %d, %d",
				n, m, r.Nodes, r.Edges, want, 2*want)
		}
		if r.Runs > 1+r.Edges-r.Nodes { // one for each edge that is not calm
			t.Errorf("%d+%d steps: %d runs for %d edges", n, m, r.Runs, r.Edges)
		}
	}
}

// TestByHand holds numbers that were worked out on paper.
func TestByHand(t *testing.T) {
	tests := []struct {
		program schedule.Program
		all     []uint64
		failed  []uint64
		tape    string // minimal of the failure
	}{
		// Shuffles of load store and load store: 6. Both orders of the whole
		// are right, the four others lose an update: with both loads first, one
		// preemption if the stores follow in the other order of the loads, and
		// two if in the same. The first of them is the calm start, a switch to t1
		// at the second decision, and t1 to its end.
		{increments(1, 0, 1), []uint64{2, 2, 2}, []uint64{0, 2, 2}, "01"},
		// A thread that holds one lock is preempted and the other takes its
		// first: deadlock, in two ways. Or it is preempted after the inner
		// unlock, the other takes that lock and must wait. Or nothing happens.
		{inversion(0, 1), []uint64{2, 4}, []uint64{0, 2}, "01"},
	}
	for _, tt := range tests {
		r := exhaust(tt.program, Unbounded)
		if !reflect.DeepEqual(r.Executions, tt.all) {
			t.Errorf("%s: %v executions, want %v", r.Program, r.Executions, tt.all)
		}
		for _, end := range r.Endings {
			if end.Outcome != schedule.Fail {
				continue
			}
			if !reflect.DeepEqual(end.Executions, tt.failed) {
				t.Errorf("%s: %v fail, want %v", r.Program, end.Executions, tt.failed)
			}
			if end.Witness.Tape.String() != tt.tape {
				t.Errorf("%s: %v: %q, want %q", r.Program, end.Category, end.Witness.Tape, tt.tape)
			}
		}
	}
}

// TestOrderOfCreation makes the threads in every order. The names of threads
// change, no number does.
func TestOrderOfCreation(t *testing.T) {
	perms := [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	for _, make := range []func(perm ...int) schedule.Program{
		workers, locked,
		func(perm ...int) schedule.Program { return increments(2, perm...) },
	} {
		var first Report
		for i, perm := range perms {
			r := exhaust(make(perm...), Unbounded)
			if !r.Complete() {
				t.Fatalf("%s: %s", r.Program, r.Coverage())
			}
			if i == 0 {
				first = r
			}
			if !reflect.DeepEqual(r.Executions, first.Executions) {
				t.Errorf("%s %v: %v executions, want %v",
					r.Program, perm, r.Executions, first.Executions)
			}
			for j, end := range r.Endings { // no category here names a thread
				if !reflect.DeepEqual(end.Executions, first.Endings[j].Executions) {
					t.Errorf("%s %v: %v: %v executions, want %v", r.Program, perm,
						end.Category, end.Executions, first.Endings[j].Executions)
				}
			}
		}
	}
}

// TestWitness replays minimal witnesses.
func TestWitness(t *testing.T) {
	for _, p := range []schedule.Program{increments(2, 0, 1), inversion(0, 1), choices()} {
		r := exhaust(p, Unbounded)
		replay(t, p, r)
		for _, end := range r.Endings {
			if !end.Witness.Minimal {
				t.Errorf("%s: %v: not minimal", p.Name, end.Category)
			}
		}
	}
}

// replay fails unless every witness of rep, replayed strictly, ends as it says.
func replay(t *testing.T, p schedule.Program, rep Report) {
	t.Helper()
	r := schedule.NewRunner(p)
	defer r.Close()
	for _, end := range rep.Endings {
		w := end.Witness
		tr, err := r.Replay(w.Tape)
		if err != nil || CategoryOf(tr.Result) != end.Category ||
			tr.Result.Preemptions != w.Preemptions ||
			tr.Result.Switches != w.Switches || tr.Result.Steps != w.Steps {
			t.Errorf("%s: %v: witness %+v replays as %+v, %v",
				p.Name, end.Category, w, tr.Result, err)
		}
	}
}
