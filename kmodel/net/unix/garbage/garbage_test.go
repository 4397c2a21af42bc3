package garbage

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

// chord says of which programs few ways lead to one state: there is one thread.
func chord(p program.Program) bool { return p.Scenario == "chord-vs-gc" }

// TestStates takes the fixed programs, and a workload: MSG_PEEK, and close().
func TestStates(t *testing.T) { suite.States(t, chord, "0"+"0"+"0"+"02"+"01") }
