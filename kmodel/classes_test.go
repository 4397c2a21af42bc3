package kmodel_test

import (
	"context"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// TestClasses searches every fixed program a second time, and those that have few
// executions a third time. What was found with states, with footprints and with neither
// must be the same: the ways to end; and in the third search, how many classes end so.
//
// A program is covered if it has no more than so many classes. They must not become fewer.
func TestClasses(t *testing.T) {
	most, wantCovered, wantByHand := 600, 360, 44
	if testing.Short() {
		most, wantCovered, wantByHand = 20, 185, 28
	}
	covered, byHand := 0, 0
	for _, p := range kmodel.Programs() {
		if p.Workload {
			continue
		}
		opt := explore.Options{Bound: explore.Unbounded, MaxNodes: most}
		got := explore.Classes(context.Background(), p.Schedule(), opt)
		if got.Stop == explore.NodeLimit {
			continue
		}
		covered++
		opt.MaxNodes = 0
		want := explore.Last(explore.Exhaust(context.Background(), p.Schedule(), opt))
		same := slices.EqualFunc(got.Endings, want.Endings, func(a, b explore.Ending) bool {
			return a.Category == b.Category && a.Witness.Preemptions >= b.Witness.Preemptions
		})
		if !same || !got.Complete() || !want.Complete() {
			t.Errorf("%s: %v: classes end with %v, executions with %v", p.Name(), got.Stop,
				got.Endings, want.Endings)
		}
		if n, ok := want.Total(); ok && n <= uint64(most) {
			if _, err := explore.CheckClasses(p.Schedule(), opt, most); err != nil {
				t.Error(err)
			}
			byHand++
		}
	}
	if covered < wantCovered || byHand < wantByHand {
		t.Errorf("%d programs covered, %d with few executions; want %d and %d, or more", covered, byHand,
			wantCovered, wantByHand)
	}
}
