package explore_test

import (
	"context"
	"slices"
	"testing"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
	. "github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// largestByHand is how many executions a program may have to be compared by all of them.
const largestByHand = 600

// TestClasses compares Classes with all executions, and with Exhaust, on the programs of the
// tests and on random ones.
func TestClasses(t *testing.T) {
	programs := []Program{
		independent(3, 3), increments(2, 0, 1), increments(1, 0, 1, 2), locked(0, 1, 2),
		inversion(0, 1), workers(0, 1, 2), choices(), rounds(), again(), detour(),
	}
	seeds, want := uint64(600), 934
	if testing.Short() {
		seeds, want = 75, 118
	}
	for seed := range seeds {
		programs = append(programs, random(seed, false), mixed(seed))
	}
	compared := 0
	for _, p := range programs {
		n, err := CheckClasses(p, Options{}, largestByHand)
		if err != nil {
			t.Error(err)
		}
		if n > 0 {
			compared++
			checkEndings(t, p)
		}
	}
	if compared != want {
		t.Errorf("%d programs compared, want %d", compared, want)
	}
}

// checkEndings compares what Classes and Exhaust say about how p can end.
func checkEndings(t *testing.T, p Program) {
	t.Helper()
	got, want := Classes(context.Background(), p, Options{}), exhaust(p, Unbounded)
	same := slices.EqualFunc(got.Endings, want.Endings, func(a, b Ending) bool {
		return a.Category == b.Category && a.Witness.Preemptions >= b.Witness.Preemptions
	})
	if !same || !got.Complete() || !want.Complete() {
		t.Errorf("%s: classes end with %v, executions with %v", p.Name, got.Endings, want.Endings)
	}
	for _, e := range got.Endings {
		r := NewRunner(p)
		if res := r.RunTape(e.Witness.Tape); CategoryOf(res) != e.Category {
			t.Errorf("%s: tape %q ends with %v, want %v", p.Name, e.Witness.Tape, CategoryOf(res), e)
		}
		r.Close()
	}
}

// TestClassCounts holds numbers that can be worked out.
func TestClassCounts(t *testing.T) {
	for _, tt := range []struct {
		p                Program
		classes, blocked int
	}{
		{independent(3, 3, 3), 1, 0}, // nothing is shared
		{locked(0, 1), 2, 0},         // who is first
		{locked(0, 1, 2), 6, 0},      // all orders of three
		{increments(1, 0, 1), 4, 0},  // r r w w: the reads commute, not so the writes; r w r w
		{inversion(0, 1), 3, 2},      // one after the other, or both wait
	} {
		r := Classes(context.Background(), tt.p, Options{})
		if int(r.Classes) != tt.classes || r.Blocked != tt.blocked || r.Stop != Exhausted {
			t.Errorf("%s: %d classes, %d blocked, %v; want %d, %d", tt.p.Name, r.Classes, r.Blocked,
				r.Stop, tt.classes, tt.blocked)
		}
	}
}

// TestClassesEarly ends searches before they are done.
func TestClassesEarly(t *testing.T) {
	r := Classes(context.Background(), locked(0, 1, 2), Options{MaxNodes: 4})
	if r.Stop != NodeLimit || r.Classes != 4 || r.Complete() {
		t.Errorf("limit of 4 classes: %v, %d classes", r.Stop, r.Classes)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r = Classes(ctx, locked(0, 1, 2), Options{}); r.Stop != Cancelled || r.Runs != 0 {
		t.Errorf("cancelled: %v, %d executions", r.Stop, r.Runs)
	}
	r = Classes(context.Background(), increments(3, 0, 1), Options{MaxSteps: 5, MaxNodes: 50})
	if r.Complete() {
		t.Error("step limit: complete")
	}
}
