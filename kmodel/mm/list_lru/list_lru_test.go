package listlru

import (
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
	verify.States(t, 400, suite.Fixed(func(p program.Program) bool {
		return p.Scenario == "destroy-under-sb_lock" // a single thread
	})...)
	for _, v := range variants {
		for _, digits := range []string{
			"000" + "000" + "0010", // umount; online
			"010" + "0" + "3310" + "12" + "00" + "1014",
			"101" + "0104" + "011021" + "11432",
		} {
			p := schedule.Program{Name: v.name + " " + digits, New: func() func(*schedule.Exec) {
				w, script := newWorkload(newSystem(v.changes)), verify.NewScript(digits)
				w.choose = script.Choose
				return script.Before(w.begin)
			}}
			verify.States(t, 400, p)
		}
	}
}
