package mmaplock

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
)

var suite = verify.Suite{Programs: Programs()}

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestWorkloads(t *testing.T)   { suite.Workloads(t, 100_000) }
func TestDeterminism(t *testing.T) { suite.Determinism(t) }
func TestAllocs(t *testing.T)      { suite.Allocs(t) }

// TestStates takes the fixed programs, and a workload: a fault; munmap and execve.
func TestStates(t *testing.T) { suite.States(t, nil, "0"+"0"+"0"+"1"+"12") }
