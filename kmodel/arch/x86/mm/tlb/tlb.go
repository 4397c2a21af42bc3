// Package tlb is how a CPU of x86 comes into mm_cpumask (switch_mm() of
// asm/mmu_context.h) against a flush that looks there whom to interrupt (arch/x86/mm/tlb.c).
//
// Each side writes what the other one reads:
//
//	CPU 0, the flush                      CPU 1, the switch
//
//	clear the entry of the page table     set the bit in mm_cpumask
//	read mm_cpumask                       read the entry of the page table
//
// If CPU 0 does not see the bit, it sends no interrupt and the page is freed. That is right
// if CPU 1 then does not see the entry, and so cannot have it in its TLB. That neither sees
// what the other one has written is impossible as long as memory is sequentially consistent:
// one of the two reads comes last. On x86 it is possible, since a store waits in a buffer of
// its CPU while later loads are done, unless there is a full barrier between the two lines on
// each side. On CPU 1 there are two, the atomic that sets the bit and the load of CR3. On
// CPU 0 there was none if it does not run the mm itself (if it does, INVLPG is one).
//
// So 4.4, the code without the barrier, fails with store buffers (4.4-tso) and never without.
// smp_mb() and INVLPG wait until what the CPU has stored is in memory; so do an interrupt that is
// sent, and an atomic operation on the page.
//
// # What of this is the kernel's
//
// The code follows 4.4, and is the same from 3.6 on, which was the first to have
// flush_tlb_mm_range() and to interrupt by smp_call_function_many(). But clearAndFlush_ is
// nobody's: a caller of flush_tlb_mm_range() that clears the entry by a plain store, while its CPU
// does not run the mm. None is known. Those who take a page away from an mm that they do not run,
// as reclaim and truncating do, clear the entry by ptep_get_and_clear(), which is an XCHG and so
// the barrier; reclaim then calls flush_tlb_page(), to which the patch adds no smp_mb() for that
// case. So this is the order that the patch guarantees to any caller, and what fails without it is
// the order, not a known path.
//
// Not modelled: lazy TLB mode, by which a switch to a kernel thread loads no CR3, and
// leave_mm(); the mm_cpumask of the other mm; flushes of all, page tables that are freed,
// translations that a CPU loads ahead of their use.
//
// Start reading at flushTlbMmRange and switchMm.
package tlb

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mmu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/smp"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// clearAndFlush_ takes page p away and frees it, by pte_clear(). Its name ends in an underscore
// because it is no function of the kernel, and none is known that does this.
func (s *system) clearAndFlush_(t *schedule.Thread, p int) {
	s.pageTable.ptl.Lock(t)
	if page := s.Mm.Pte(t, p); page != nil {
		if s.Has(flushFirst) {
			s.flushTlbMmRange(t, p)
			s.Mm.PteClear(t, p)
		} else {
			s.Mm.PteClear(t, p)
			s.flushTlbMmRange(t, p)
		}
		mmu.FreePage(t, page)
	}
	s.pageTable.ptl.Unlock(t)
}

// flushTlbMmRange is flush_tlb_mm_range() of page p.
func (s *system) flushTlbMmRange(t *schedule.Thread, p int) {
	preempt.Disable(t)
	c := s.This(t)
	if c.Current() != &s.Mm {
		if s.Has(barrier) {
			mem.SmpMb(t) // synchronize with switchMm
		}
	} else {
		c.FlushPage(t, "invlpg", p)
	}
	if s.Mm.Cpumask.AnyBut(t, c.Num) {
		s.flushTlbOthers(t, p)
	}
	preempt.Enable(t)
}

// flushTlbOthers is flush_tlb_others().
func (s *system) flushTlbOthers(t *schedule.Thread, p int) {
	smp.CallFunctionMany(t, &s.Mm.Cpumask, &s.Mm.Context.Flush, p, true)
}

// flushTlbFunc is flush_tlb_func(), the handler.
func (s *system) flushTlbFunc(t *schedule.Thread, p int) { s.This(t).FlushPage(t, "invlpg", p) }

// contextSwitch is the part of context_switch() that switches to a task of another mm.
func (s *system) contextSwitch(t *schedule.Thread, mm *mmu.Struct) {
	preempt.IrqDisable(t)
	c := s.This(t)
	s.switchMm(t, c, mm)
	c.SetMm(t, mm)
	preempt.IrqEnable(t)
}

// switchMm is switch_mm(), from the other mm to the mm, or the other way round.
func (s *system) switchMm(t *schedule.Thread, c *mmu.CPU, next *mmu.Struct) {
	if next == &s.other {
		c.LoadPgd(t, "load_cr3", next)
		s.Mm.Cpumask.ClearCPU(t, c.Num) // of the previous mm
		return
	}
	next.Cpumask.SetCPU(t, c.Num)
	c.LoadPgd(t, "load_cr3", next) // a full barrier
}

// copyFromUser is two loads from page p.
func (s *system) copyFromUser(t *schedule.Thread, p int) {
	c := s.This(t)
	if c.Load(t, p) {
		c.Load(t, p)
	}
}
