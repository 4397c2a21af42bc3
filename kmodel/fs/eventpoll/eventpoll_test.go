package eventpoll

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
	for _, v := range variants {
		for _, digits := range []string{
			"0" + "000" + "100", // one file is watched, and closed; the other is not
			"1" + "1112" + "013" + "001",
		} {
			p := schedule.Program{Name: v.name + " " + digits, New: func() func(*schedule.Exec) {
				w, script := newWorkload(newSystem(v.changes), false), verify.NewScript(digits)
				w.choose = script.Choose
				return script.Before(w.begin)
			}}
			verify.States(t, 400, p)
		}
	}
	for _, v := range pollfreeVariants {
		for _, digits := range []string{
			"0" + "0101" + "100", // what A has added is watched; it closes the instance
			"1" + "1112" + "00101" + "001" + "1",
		} {
			p := schedule.Program{Name: v.name + " " + digits, New: func() func(*schedule.Exec) {
				w, script := newWorkload(newSystem(v.changes), true), verify.NewScript(digits)
				w.choose = script.Choose
				return script.Before(w.begin)
			}}
			verify.States(t, 400, p)
		}
	}
}
