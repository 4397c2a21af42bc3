package ntty

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
)

var suite = verify.Suite{Programs: Programs()}

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestWorkloads(t *testing.T)   { suite.Workloads(t, 50_000) }
func TestDeterminism(t *testing.T) { suite.Determinism(t) }
func TestAllocs(t *testing.T)      { suite.Allocs(t) }

// TestStates takes the fixed programs, and a workload in raw mode: a large write and a small one;
// something typed.
func TestStates(t *testing.T) { suite.States(t, nil, "0"+"0"+"110"+"02") }
