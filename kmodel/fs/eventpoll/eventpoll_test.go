package eventpoll

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

// TestStates takes the fixed programs, and workloads that have all calls.
func TestStates(t *testing.T) {
	suite := verify.Suite{Programs: model.Programs()}
	suite.States(t, nil,
		"0"+"000"+"100", // one file is watched, and closed; the other is not
		"1"+"1112"+"013"+"001")
	suite.Programs = pollfreeModel.Programs()
	suite.States(t, nil,
		"0"+"0101"+"100", // what A has added is watched; it closes the instance
		"1"+"1112"+"00101"+"001"+"1")
}
