package smp_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/smp"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// joins is a CPU that comes into the mask and says so, and who is told and calls those in the mask.
// Bad is that the CPU is not called.
func joins(between func(*schedule.Thread)) func(*litmus.Program) {
	return build(2, 0,
		func(p prog, t *schedule.Thread, _ int) { p.r[1].Set(1) },
		func(p prog) bool { return p.r[0].Get() == 1 && p.r[1].Get() == 0 },
		func(p prog, t *schedule.Thread) {
			preempt.Disable(t)
			p.r[0].Set(p.x.ReadOnce(t))
			between(t)
			smp.CallFunctionMany(t, &p.mask, &p.f, 0, true)
			preempt.Enable(t)
		},
		func(p prog, t *schedule.Thread) {
			p.mask.SetCPU(t, 1)
			p.x.StoreRelease(t, 1)
		})
}

// rmoTests are of memory where loads pass loads: the mask is loaded.
var rmoTests = []litmus.Test{{
	Name: "MP+smp_call_function_many", Build: joins(func(*schedule.Thread) {}), RMO: true,
	Verdict: litmus.Sometimes, Counts: "16 pass, 1 exists",
}, {
	Name: "MP+rmb+smp_call_function_many", Build: joins(mem.SmpRmb), RMO: true,
	Verdict: litmus.Never, Counts: "29 pass",
}}

// TestRMO runs the table of loads that pass loads.
func TestRMO(t *testing.T) { litmus.Run(t, rmoTests) }
