package mmu_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/cpumask"
	mm "github.com/kschedfuzz/kschedfuzz/kmodel/linux/mmu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/smp"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// none is an architecture that the tests do by hand.
var none = mm.Variant{New: func(*mm.Machine) mm.Arch { return nil }}

// two makes a program of a thread on CPU 0, which uses the mm, and one on CPU 1. Neither
// takes interrupts.
func two(p0, p1 func(m *mm.Machine, r [8]litmus.Reg, t *schedule.Thread),
	bad func(m *mm.Machine, r [8]litmus.Reg) bool) func(*litmus.Program) {
	return func(p *litmus.Program) {
		m, _ := mm.NewMachine(&none)
		r := p.Regs()
		p.Begin(func(e *schedule.Exec) {
			m.Boot(e, 2)
			m.CPUs[0].BootUser()
			smp.Boot(e, 2)
		})
		p.Thread("P0", func(t *schedule.Thread) { p0(m, r, t) })
		p.Thread("P1", func(t *schedule.Thread) { p1(m, r, t) })
		p.Exists(func() bool { return bad != nil && bad(m, r) })
	}
}

// loads reads page 0 twice.
func loads(m *mm.Machine, r [8]litmus.Reg, t *schedule.Thread) {
	r[0].SetBool(m.CPUs[0].Load(t, 0))
	r[1].SetBool(m.CPUs[0].Load(t, 0))
}

// unmap clears the page table, has flush called, and frees the page.
func unmap(flush func(m *mm.Machine, t *schedule.Thread)) func(m *mm.Machine, r [8]litmus.Reg,
	t *schedule.Thread) {
	return func(m *mm.Machine, _ [8]litmus.Reg, t *schedule.Thread) {
		page := m.Mm.PtepGetAndClear(t, 0)
		flush(m, t)
		mm.FreePage(t, page)
	}
}

func broadcast(m *mm.Machine, t *schedule.Thread) { m.Broadcast(t, "tlbie", 0) }
func flushAll(m *mm.Machine, t *schedule.Thread)  { m.CPUs[0].FlushAll(t, "flush") }
func flushOwn(m *mm.Machine, t *schedule.Thread)  { m.CPUs[1].FlushPage(t, "flush", 0) }
func flushNot(*mm.Machine, *schedule.Thread)      {}

// idle takes one step.
func idle(_ *mm.Machine, _ [8]litmus.Reg, t *schedule.Thread) { t.Step(schedule.Op{Verb: "nop"}) }

func copyMask(cpu int) func(m *mm.Machine, r [8]litmus.Reg, t *schedule.Thread) {
	return func(m *mm.Machine, _ [8]litmus.Reg, t *schedule.Thread) {
		m.Mm.Cpumask.Copy(t, cpumask.Of(cpu))
	}
}

var litmusTests = []litmus.Test{{
	// Without a flush an entry that was loaded is used when the page is free already.
	Name: "TLB+noflush", Build: two(loads, unmap(flushNot), nil),
	Bad: schedule.StaleTLB, Verdict: litmus.Sometimes, Counts: "5 pass, 1 stale-tlb",
}, {
	// A flush of another CPU does not help.
	Name: "TLB+flush-own", Build: two(loads, unmap(flushOwn), nil),
	Bad: schedule.StaleTLB, Verdict: litmus.Sometimes, Counts: "9 pass, 1 stale-tlb",
}, {
	// After a flush that follows the change of the page table, nothing is loaded again.
	Name: "TLB+broadcast", Build: two(loads, unmap(broadcast), nil),
	Bad: schedule.StaleTLB, Verdict: litmus.Never, Counts: "10 pass",
}, {
	Name: "TLB+flush-all", Build: two(loads, unmap(flushAll), nil),
	Bad: schedule.StaleTLB, Verdict: litmus.Never, Counts: "10 pass",
}, {
	// Between the change of the page table and the flush the old entry may be used.
	Name: "TLB+late-use", Build: two(loads, unmap(broadcast),
		func(m *mm.Machine, r [8]litmus.Reg) bool { return r[1].Get() == 1 }),
	Verdict: litmus.Sometimes, Counts: "8 pass, 2 exists",
}, {
	// The load of a page table flushes: nothing is used that was loaded before.
	Name: "TLB+load-pgd", Build: two(idle, func(m *mm.Machine, r [8]litmus.Reg, t *schedule.Thread) {
		c := &m.CPUs[0]
		c.Load(t, 0)
		page := m.Mm.Pte(t, 0)
		m.Mm.SetPteAt(t, 0, nil)
		c.LoadPgd(t, "load_cr3", &m.Mm)
		mm.FreePage(t, page)
		r[0].SetBool(c.Load(t, 0))
	}, func(m *mm.Machine, r [8]litmus.Reg) bool { return r[0].Get() != 0 }),
	Bad: schedule.StaleTLB, Verdict: litmus.Never, Counts: "7 pass",
}, {
	// A CPU with no context of a user loads nothing.
	Name: "TLB+context", Build: two(idle, func(m *mm.Machine, r [8]litmus.Reg, t *schedule.Thread) {
		r[0].SetBool(m.CPUs[1].Load(t, 0))
	}, func(m *mm.Machine, r [8]litmus.Reg) bool { return r[0].Get() != 0 }),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// A page that has moved is found at one of the two addresses, or in between at none.
	Name: "PTE+move", Build: two(func(m *mm.Machine, r [8]litmus.Reg, t *schedule.Thread) {
		r[0].SetBool(m.Mm.PtePresent(t, 0))
		r[1].SetBool(m.Mm.PtePresent(t, 1))
	}, func(m *mm.Machine, _ [8]litmus.Reg, t *schedule.Thread) {
		mm.FreePage(t, m.Mm.PtepGetAndClear(t, 1))
		m.Mm.SetPteAt(t, 1, m.Mm.PtepGetAndClear(t, 0))
	}, func(_ *mm.Machine, r [8]litmus.Reg) bool { return r[0].Get()+r[1].Get() == 0 }),
	Verdict: litmus.Sometimes, Counts: "14 pass, 1 exists",
}, {
	// The last reference frees the page, whoever drops it.
	Name: "PAGE+put", Build: two(idle, func(m *mm.Machine, _ [8]litmus.Reg, t *schedule.Thread) {
		page := m.Mm.PtepGetAndClear(t, 0)
		page.Refcount.Init(2)
		mm.PutPage(t, page)
		mm.PutPage(t, page)
		page.Refcount.Inc(t)
	}, nil),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "6 use-after-free",
}, {
	// A user's CPU must stay in mm_cpumask.
	Name: "MASK+lost", Build: two(idle, copyMask(1), nil),
	Bad: schedule.CpumaskLost, Verdict: litmus.Always, Counts: "2 cpumask-lost",
}, {
	Name: "MASK+kept", Build: two(idle, copyMask(0), nil),
	Bad: schedule.CpumaskLost, Verdict: litmus.Never, Counts: "2 pass",
}, {
	// The kernel goes on.
	Name: "MASK+lost+mute", Build: two(idle, copyMask(1), nil),
	Mute: schedule.KindSet(schedule.CpumaskLost),
	Bad:  schedule.CpumaskLost, Verdict: litmus.Never, Counts: "2 pass",
}, {
	// Who is no user any more may be lost.
	Name: "MASK+unuse", Build: two(func(m *mm.Machine, _ [8]litmus.Reg, t *schedule.Thread) {
		m.CPUs[0].SetMm(t, nil)
	}, copyMask(1), nil),
	Bad: schedule.CpumaskLost, Verdict: litmus.Sometimes, Counts: "1 pass, 1 cpumask-lost",
}, {
	// A new user is found out when it is one.
	Name: "MASK+use", Build: two(idle, func(m *mm.Machine, _ [8]litmus.Reg, t *schedule.Thread) {
		m.CPUs[1].SetMm(t, &m.Mm)
		m.CPUs[1].SetUsing(t)
	}, nil),
	Bad: schedule.CpumaskLost, Verdict: litmus.Always, Counts: "2 cpumask-lost",
}, {
	// mmget_not_zero() takes a reference from whoever has one, or fails.
	Name: "MM+mmget_not_zero", Build: two(func(m *mm.Machine, _ [8]litmus.Reg, t *schedule.Thread) {
		m.Mm.Mmgrab(t)
		m.Mm.Mmput(t)
	}, func(m *mm.Machine, _ [8]litmus.Reg, t *schedule.Thread) {
		if m.Mm.MmgetNotZero(t) {
			m.Mm.Mmput(t)
		}
	}, func(m *mm.Machine, _ [8]litmus.Reg) bool {
		return m.Mm.MmUsers.Peek() != 0 || m.Mm.MmCount.Peek() != 1
	}),
	Verdict: litmus.Never, Counts: "7 pass",
}, {
	Name: "MM+underflow", Build: two(idle, func(m *mm.Machine, _ [8]litmus.Reg, t *schedule.Thread) {
		m.Mm.Mmdrop(t)
	}, nil),
	Bad: schedule.RefUnderflow, Verdict: litmus.Always, Counts: "2 refcount-underflow",
}, {
	// mmput() may sleep, even if it is not the last.
	Name: "MM+mmput+atomic", Build: two(func(m *mm.Machine, _ [8]litmus.Reg, t *schedule.Thread) {
		m.Mm.Mmget(t)
		preempt.PreemptDisable(t)
		m.Mm.Mmput(t)
		preempt.PreemptEnable(t)
	}, func(*mm.Machine, [8]litmus.Reg, *schedule.Thread) {}, nil),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}}

func TestLitmus(t *testing.T) { litmus.Run(t, litmusTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests) }
