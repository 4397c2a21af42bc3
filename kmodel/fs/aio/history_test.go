package aio

import (
	"maps"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// TestVerdicts35 is TestVerdicts for the programs of history.go.
func TestVerdicts35(t *testing.T) {
	for _, p := range History() {
		t.Run(p.Scenario+"@"+p.Variant, func(t *testing.T) {
			want := map[schedule.Kind]int{}
			for _, e := range p.Expect {
				want[e.Kind] = e.Preemptions
			}
			r := exhaust(t, p, 0)
			if got := fewest(r); !maps.Equal(got, want) {
				t.Errorf("kinds and fewest preemptions %v, want %v (%d states)", got, want, r.Nodes)
			}
		})
	}
}
