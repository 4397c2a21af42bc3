package kmodel

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// TestSwaps holds the footprints of all programs, workloads included, against what
// happens when two independent steps change places.
func TestSwaps(t *testing.T) {
	pairs := 50
	if testing.Short() {
		pairs = 5
	}
	total := 0
	for _, p := range Programs() {
		n, err := explore.CheckSwaps(p.Schedule(), pairs, 1)
		if err != nil {
			t.Error(err)
		}
		total += n
	}
	if total < 20*pairs {
		t.Errorf("only %d pairs exchanged", total)
	}
}
