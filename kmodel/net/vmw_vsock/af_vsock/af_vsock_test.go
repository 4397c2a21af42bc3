package afvsock

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
)

var suite = verify.Suite{Programs: Programs()}

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestWorkloads(t *testing.T)   { suite.Workloads(t, 150_000) }
func TestDeterminism(t *testing.T) { suite.Determinism(t) }
func TestAllocs(t *testing.T)      { suite.Allocs(t) }

// TestStates takes the fixed programs, and a workload whose peer resets: connect(); a signal,
// connect() with O_NONBLOCK, shutdown(). All of setsockopt-vs-connect but one step is under a lock.
func TestStates(t *testing.T) {
	suite.States(t, func(p program.Program) bool { return p.Scenario == "setsockopt-vs-connect" },
		"1"+"0"+"00"+"2"+"513")
}
