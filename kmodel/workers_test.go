package kmodel_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// TestWorkers searches every fixed program that has no more than so many nodes with one
// worker and with two, which must come to the same report. With -race it also shows that
// instances of a program share nothing.
func TestWorkers(t *testing.T) {
	most, want := 2200, 307
	if testing.Short() {
		most, want = 200, 71
	}
	covered := 0
	for _, p := range kmodel.Programs() {
		if p.Workload {
			continue
		}
		opt := explore.Options{Bound: explore.Unbounded, MaxNodes: most}
		one := explore.Last(explore.Exhaust(context.Background(), p.Schedule(), opt))
		if one.Stop == explore.NodeLimit {
			continue
		}
		covered++
		opt.Workers = 2
		two := explore.Last(explore.Exhaust(context.Background(), p.Schedule(), opt))
		one.Runs, one.Steps, two.Runs, two.Steps = 0, 0, 0, 0 // the effort
		if !reflect.DeepEqual(one, two) {
			t.Errorf("%s: two workers:\n%+v, want\n%+v", p.Name(), two, one)
		}
	}
	if covered < want {
		t.Errorf("%d programs covered, want %d or more", covered, want)
	}
}
