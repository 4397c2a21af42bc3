package super

import (
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	listlru "github.com/kschedfuzz/kschedfuzz/kmodel/mm/list_lru"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
)

// The programs run over the list_lrus of 4.9, and may go on after a might_sleep() splat.
var suite = verify.Suite{Programs: Programs(newLRUs), Mute: muteSleep}

func newLRUs() LRUs { return listlru.New() }

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestWorkloads(t *testing.T)   { suite.Workloads(t, 60_000) }
func TestDeterminism(t *testing.T) { suite.Determinism(t) }
func TestAllocs(t *testing.T)      { suite.Allocs(t) }

// TestMutants checks that whatever fails is a mutant that says of itself that in the kernel
// this cannot happen: reports print that below their title, and a reader of one must not
// take it for a bug of the kernel.
func TestMutants(t *testing.T) {
	for _, p := range suite.Programs {
		if p.Racy() && (p.Versions != "mutant" || !strings.Contains(p.Patches, "cannot happen")) {
			t.Errorf("%s fails; it is of %q, and says %q", p.Name(), p.Versions, p.Patches)
		}
	}
}

// TestStates takes the fixed programs, and a few workloads that between them make every
// call.
func TestStates(t *testing.T) {
	suite.States(t, func(p program.Program) bool {
		return p.Scenario == "umount" || p.Racy() // next to no schedules
	},
		"00"+"1"+"0"+"0"+"1"+"0"+"1", // umount; iterate_supers
		"01"+"1"+"1"+"021"+"1"+"1"+"01",
		"10"+"100"+"2031"+"01"+"2"+"0"+"1",
	)
}
