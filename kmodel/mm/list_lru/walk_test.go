package listlru

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
)

var walkSuite = verify.Suite{Programs: Walks()}

func TestWalkVerdicts(t *testing.T)    { walkSuite.Verdicts(t) }
func TestWalkCounts(t *testing.T)      { walkSuite.Counts(t, "testdata/counts-walk.txt") }
func TestWalkWorkloads(t *testing.T)   { walkSuite.Workloads(t, 20_000) }
func TestWalkDeterminism(t *testing.T) { walkSuite.Determinism(t) }
func TestWalkAllocs(t *testing.T)      { walkSuite.Allocs(t) }

// TestWalkStates takes workloads of two threads and three inodes: all have pages; one has.
func TestWalkStates(t *testing.T) {
	walkSuite.States(t, nil, "0000"+"0"+"00"+"00", "0101"+"0"+"110"+"00")
}
