package sample_test

import (
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// TestCrowd: of a hundred threads, too, the same seed decides the same, and the tapes repeat
// the executions.
func TestCrowd(t *testing.T) {
	p, err := bench.Find("CS.reorder_100")
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range bench.Forms() {
		a, b := schedule.NewRunner(p.Schedule(form)), schedule.NewRunner(p.Schedule(form))
		defer a.Close()
		defer b.Close()
		for _, name := range sample.Names() {
			one, _ := sample.New(name, 1)
			two, _ := sample.New(name, 1)
			for i := range 6 {
				res := sample.Once(a, one)
				if again := sample.Once(b, two); again.Steps != res.Steps || !slices.Equal(a.Taken(), b.Taken()) {
					t.Fatalf("%s, execution %d of %v: %q, and again %q", name, i, form, a.Taken(), b.Taken())
				}
				state := a.Exec().State()
				if b.RunTape(slices.Clone(a.Taken())); b.Exec().State() != state {
					t.Fatalf("%s, execution %d of %v: the tape ends in another state", name, i, form)
				}
			}
		}
	}
}
