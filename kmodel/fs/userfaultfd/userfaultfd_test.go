package userfaultfd

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/fs/exec"
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/kmodel/mm/mmap"
)

var rest = Rest{
	DoCoredump: exec.DoCoredump, ExitMm: exec.ExitMm, ExitMmap: mmap.ExitMmap,
	FindVmaPrev: mmap.FindVmaPrev, VmaMerge: mmap.VmaMerge,
}

var suite = verify.Suite{Programs: Programs(rest)}

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestWorkloads(t *testing.T)   { suite.Workloads(t, 20_000) }
func TestDeterminism(t *testing.T) { suite.Determinism(t) }
func TestAllocs(t *testing.T)      { suite.Allocs(t) }

// TestStates takes the fixed programs, and workloads that have all calls.
func TestStates(t *testing.T) {
	suite.States(t, nil,
		"0"+"000"+"000", // a crash after a register; a register
		"1"+"0101"+"113"+"2012")
}
