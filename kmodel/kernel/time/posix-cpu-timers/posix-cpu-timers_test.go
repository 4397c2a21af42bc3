package posixcputimers

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
)

var suite = verify.Suite{
	Programs: Programs(),
	Large: func(p program.Program) bool {
		return testing.Short() && p.Scenario == "exit-vs-delete"
	},
}

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestWorkloads(t *testing.T)   { suite.Workloads(t, 20_000) }
func TestDeterminism(t *testing.T) { suite.Determinism(t) }
func TestAllocs(t *testing.T)      { suite.Allocs(t) }

// TestStates takes the fixed programs, and workloads that have all calls.
func TestStates(t *testing.T) {
	suite.States(t, nil,
		"000"+"0"+"00"+"01", // a zombie with one timer, waited for; it is deleted
		"111"+"1"+"110"+"112"+"01")
}
