package explore_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	. "github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// TestCheckStates runs the check on programs that keep the contract, most of
// them with an agent, a choice, a lock or a forgotten place in it.
func TestCheckStates(t *testing.T) {
	pairs := 2000
	if testing.Short() {
		pairs = 300
	}
	for _, p := range []schedule.Program{
		increments(2, 0, 1), increments(2, 0, 1, 2), locked(0, 1, 2, 3), workers(0, 1, 2),
		choices(), rounds(), independent(3, 3),
	} {
		n, err := CheckStates(p, pairs, 1)
		if err != nil {
			t.Error(err)
		}
		if n < pairs {
			t.Errorf("%s: %d pairs compared", p.Name, n)
		}
	}
	if n, err := CheckStates(independent(3), 1000, 1); n != 0 || err != nil {
		t.Errorf("one thread has no pairs: %d compared, %v", n, err)
	}
}

// TestCheckStatesFindsHiddenState runs it on programs that do not, with several
// seeds: it must not take luck.
func TestCheckStatesFindsHiddenState(t *testing.T) {
	for _, gated := range []bool{false, true} {
		for seed := range uint64(10) {
			n, err := CheckStates(hidden(gated), 1000, seed)
			if err == nil {
				t.Errorf("gated %v, seed %d: nothing found in %d pairs", gated, seed, n)
			} else if seed == 0 {
				t.Log(n, err)
			}
		}
	}
}
