package pipe

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
)

var suite = verify.Suite{Programs: Programs()}

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestWorkloads(t *testing.T)   { suite.Workloads(t, 20_000) }
func TestDeterminism(t *testing.T) { suite.Determinism(t) }
func TestAllocs(t *testing.T)      { suite.Allocs(t) }

// TestStates takes the fixed programs, but for one in which all is inside of the mutex and
// nothing has two ways to a state, and workloads that have all calls.
func TestStates(t *testing.T) {
	inMutex := func(p program.Program) bool { return p.Scenario == "close-vs-close" && p.Racy() }
	suite.States(t, inMutex,
		"0"+"00"+"10"+"00"+"20", // a reader that waits; a writer
		"1"+"1"+"1"+"021"+"00"+"21"+"00"+"20")
}
