package namespace

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

var suite = verify.Suite{Programs: Programs()}

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestWorkloads(t *testing.T)   { suite.Workloads(t, 20_000) }
func TestDeterminism(t *testing.T) { suite.Determinism(t) }
func TestAllocs(t *testing.T)      { suite.Allocs(t) }

// TestStates takes the fixed programs, and workloads that have all calls.
func TestStates(t *testing.T) {
	verify.States(t, 400, suite.Fixed(nil)...)
	for _, v := range model.Variants {
		for _, digits := range []string{
			"0" + "10" + "001" + "000", // an fstatat with migration; another without
			"1" + "01" + "1125" + "107" + "102",
		} {
			p := schedule.Program{Name: v.Name + " " + digits, New: func() func(*schedule.Exec) {
				w, script := newWorkload(newSystem(v.Changes)), verify.NewScript(digits)
				w.choose = script.Choose
				return script.Before(w.begin)
			}}
			verify.States(t, 400, p)
		}
	}
}
