package verify

import (
	"context"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// Classes searches p a second time, with footprints instead of states, and if it has few
// executions a third time, with neither. What these find and what [Exhaust] finds must be
// the same: the ways to end; and in the third search, how many classes end so. It returns
// the number of classes, or false if there are too many: more than 600, with -short 20.
func Classes(t *testing.T, p program.Program) (n uint64, few bool) {
	t.Helper()
	most := 600
	if testing.Short() {
		most = 20
	}
	opt := explore.Options{Bound: explore.Unbounded, MaxNodes: most}
	got := explore.Classes(context.Background(), p.Schedule(), opt)
	if got.Stop == explore.NodeLimit {
		return 0, false
	}
	states := Exhaust(t, p, 0)
	same := slices.EqualFunc(got.Endings, states.Endings, func(a, b explore.Ending) bool {
		return a.Category == b.Category && a.Witness.Preemptions >= b.Witness.Preemptions
	})
	if !same || !got.Complete() {
		t.Errorf("%s: %v: classes end with %v, executions with %v", p.Name(), got.Stop,
			got.Endings, states.Endings)
	}
	if n, ok := states.Total(); ok && n <= uint64(most) {
		opt.MaxNodes = 0
		if _, err := explore.CheckClasses(p.Schedule(), opt, most); err != nil {
			t.Error(err)
		}
	}
	return got.Classes, true
}
