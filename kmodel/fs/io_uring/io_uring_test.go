package iouring

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
)

// The kernel does not look whether percpu_ref_get() takes a count of 0 to 1.
var suite = verify.Suite{Programs: Programs(), Mute: muteResurrect}

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestWorkloads(t *testing.T)   { suite.Workloads(t, 20_000) }
func TestDeterminism(t *testing.T) { suite.Determinism(t) }
func TestAllocs(t *testing.T)      { suite.Allocs(t) }

// TestStates takes the fixed programs, and workloads that have all calls.
func TestStates(t *testing.T) {
	suite.States(t, nil,
		"00"+"0"+"1"+"01", // one request; the ring is closed first
		"11"+"1"+"0121"+"2")
}
