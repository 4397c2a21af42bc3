package mmu_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	mm "github.com/kschedfuzz/kschedfuzz/kmodel/linux/mmu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type flag struct {
	schedule.Object
	x mem.Int
}

// cleared is who clears an entry of the page table and then says so, and who is told and looks.
func cleared(
	between func(*schedule.Thread), present func(m *mm.Machine, t *schedule.Thread) bool,
) func(*litmus.Program) {
	return func(p *litmus.Program) {
		f := litmus.Static[flag](p, "flag")
		two(func(m *mm.Machine, _ [8]litmus.Reg, t *schedule.Thread) {
			page := m.Mm.PtepGetAndClear(t, 0)
			f.x.StoreRelease(t, 1)
			mm.FreePage(t, page)
		}, func(m *mm.Machine, r [8]litmus.Reg, t *schedule.Thread) {
			r[0].Set(f.x.ReadOnce(t))
			between(t)
			r[1].SetBool(present(m, t))
		}, func(_ *mm.Machine, r [8]litmus.Reg) bool { return r[0].Get() == 1 && r[1].Get() == 1 })(p)
	}
}

func ptePresent(m *mm.Machine, t *schedule.Thread) bool { return m.Mm.PtePresent(t, 0) }

func pte(m *mm.Machine, t *schedule.Thread) bool { return m.Mm.Pte(t, 0) != nil }

// walks loads through a TLB that is empty.
func walks(m *mm.Machine, t *schedule.Thread) bool {
	m.CPUs[1].LoadPgd(t, "load_cr3", &m.Mm)
	return m.CPUs[1].Load(t, 0)
}

// rmoTests are of memory where loads pass loads: what the kernel looks at is one, and what the
// hardware walks is not.
var rmoTests = []litmus.Test{{
	Name: "MP+pte_present", Build: cleared(func(*schedule.Thread) {}, ptePresent),
	Verdict: litmus.Sometimes, Counts: "15 pass, 3 exists",
}, {
	Name: "MP+rmb+pte_present", Build: cleared(mem.SmpRmb, ptePresent),
	Verdict: litmus.Never, Counts: "35 pass",
}, {
	Name: "MP+pte", Build: cleared(func(*schedule.Thread) {}, pte),
	Verdict: litmus.Sometimes, Counts: "15 pass, 3 exists",
}, {
	Name: "MP+rmb+pte", Build: cleared(mem.SmpRmb, pte),
	Verdict: litmus.Never, Counts: "35 pass",
}, {
	Name: "MP+page-walk", Build: cleared(func(*schedule.Thread) {}, walks),
	Verdict: litmus.Never, Counts: "35 pass",
}}

// TestRMO runs the table of loads that pass loads.
func TestRMO(t *testing.T) {
	for i := range rmoTests {
		rmoTests[i].RMO = true
	}
	litmus.Run(t, rmoTests)
}
