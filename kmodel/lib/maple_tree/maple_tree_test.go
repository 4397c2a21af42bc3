package mapletree

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
)

var suite = verify.Suite{Programs: Programs()}

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestWorkloads(t *testing.T)   { suite.Workloads(t, 150_000) }
func TestDeterminism(t *testing.T) { suite.Determinism(t) }
func TestAllocs(t *testing.T)      { suite.Allocs(t) }

// TestStates takes the fixed programs, and workloads: madvise and a page above, two pages below;
// who reads maps twice, and munmap or a fault.
func TestStates(t *testing.T) {
	verify.Suite{Programs: model.Programs()}.States(t, nil, "0"+"1"+"01"+"1"+"23")
	verify.Suite{Programs: maps.Programs()}.States(t, nil,
		"0"+"0"+"1"+"00"+"0"+"1", "1"+"0"+"1"+"00"+"0"+"1")
}
