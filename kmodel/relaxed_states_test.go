package kmodel_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// TestRelaxedStates tests what searches rest on where loads pass loads.
func TestRelaxedStates(t *testing.T) {
	every, pairs := 5, 30
	if testing.Short() {
		every, pairs = 30, 10
	}
	compared, swapped := 0, 0
	for i, p := range kmodel.Programs() {
		if i%every != 0 || p.Order() != "" {
			continue
		}
		relaxed := p.With(program.RMO).Schedule()
		n, err := explore.CheckStates(relaxed, pairs, 1)
		if err != nil {
			t.Error(err)
		}
		compared += n
		if n, err = explore.CheckSwaps(relaxed, pairs, 1); err != nil {
			t.Error(err)
		}
		swapped += n
	}
	if compared < 10*pairs || swapped < 10*pairs {
		t.Errorf("only %d pairs compared and %d exchanged", compared, swapped)
	}
}
