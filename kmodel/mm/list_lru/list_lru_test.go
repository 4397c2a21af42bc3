package listlru

import (
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

var suite = verify.Suite{Programs: Programs(), Large: three}

// three says which programs are left out with -short: those of three threads, but for the
// kernel's own and two of the designs.
func three(p program.Program) bool {
	return testing.Short() && p.Scenario == "resize-vs-drain-vs-destroy" &&
		p.Variant != "real" && p.Variant != "P2" && p.Variant != "P6"
}

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestWorkloads(t *testing.T)   { suite.Workloads(t, 60_000) }
func TestDeterminism(t *testing.T) { suite.Determinism(t) }
func TestAllocs(t *testing.T)      { suite.Allocs(t) }

// TestStates takes the fixed programs, and a few workloads that between them make every
// call.
func TestStates(t *testing.T) {
	suite.States(t, func(p program.Program) bool {
		return p.Scenario == "destroy-under-sb_lock" // a single thread
	},
		"000"+"000"+"0010", // umount; online
		"010"+"0"+"3310"+"12"+"00"+"1014",
		"101"+"0104"+"011021"+"11432",
	)
}

// TestNoNodes: of P4, while one list_lru is resized and has been taken off, the one behind it is
// destroyed; what the resizer walks on to has no nodes.
func TestNoNodes(t *testing.T) {
	i := slices.IndexFunc(suite.Programs, func(p program.Program) bool {
		return p.Scenario == "workload" && p.Variant == "P4"
	})
	r := schedule.NewRunner(suite.Programs[i].Schedule())
	defer r.Close()
	const tape = "11000000010112000000000020000000100000000002"
	res := r.RunTape(schedule.FromBytes([]byte(tape)))
	if got := res.Failure.Kind; res.Outcome != schedule.Fail || got != schedule.NullDereference {
		t.Errorf("%v: %v, want %v", res.Outcome, got, schedule.NullDereference)
	}
}
