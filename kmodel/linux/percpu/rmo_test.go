package percpu_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

var rmoTests = []litmus.Test{{
	// Who is told that a reference has been killed, and loads the mode after that. It would be old,
	// but its section begins in a grace period. (On a machine it need not: the barrier that is in
	// any of them may come later.)
	Name: "MP+percpu_ref_kill", Build: build(0, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.ref.Kill(t)
			p.x.StoreRelease(t, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			told := p.x.ReadOnce(t)
			if p.ref.TryGetLive(t) {
				p.r[3].Set(told)
				p.ref.Put(t)
			}
		})
		p.Exists(func() bool { return p.r[3].Get() == 1 })
	}),
	RMO: true, Verdict: litmus.Never, Counts: "2743904 pass",
}}

// TestRMO runs the table of loads that pass loads.
func TestRMO(t *testing.T) { litmus.Run(t, rmoTests) }
