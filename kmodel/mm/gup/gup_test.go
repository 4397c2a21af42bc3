package gup

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
)

var suite = verify.Suite{Programs: Programs()}

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestWorkloads(t *testing.T)   { suite.Workloads(t, 20_000) }
func TestDeterminism(t *testing.T) { suite.Determinism(t) }
func TestAllocs(t *testing.T)      { suite.Allocs(t) }

// TestStates takes workloads that have all calls: a write against madvise(); two writes against a
// read and madvise() with, where there is a userfaultfd, another.
func TestStates(t *testing.T) {
	suite.States(t, nil, "0"+"0"+"00"+"01", "1"+"1"+"00"+"00"+"121")
}
