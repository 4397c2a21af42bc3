// Package sparc is the TLB flushing of sparc64 (arch/sparc/kernel/smp_64.c and
// include/asm/mmu_context_64.h), as far as mm_cpumask goes.
//
// A CPU comes into mm_cpumask when it switches to the mm. Up to 5.9 it left when a
// flush found that the mm had one user, by a plain copy of the initiator's own mask:
// "nobody else runs this mm, and nobody else can start to". Since mmget_not_zero()
// somebody can. bafb056c (5.10) took the copy out. What its message leaves as an
// exercise, to have the CPUs take themselves out when they get an interrupt, are the
// variants sparc-ipi: as it must be done, and without one of its conditions each.
//
// The conditions, for whoever does it on sparc64:
//
//	C1  a bit is cleared by its own CPU only, never by a remote plain store
//	C2  current->mm, active_mm and the mask bit change together, with interrupts off,
//	    in kthread_use_mm() (38cf307c1f20) and in exec_mmap() (d53c3dfb23c4)
//	C3  the handler flushes also when it keeps the bit
//	C4  initiator: store to the page table, full barrier, read of the mask;
//	    switcher: set of the bit, full barrier, first load through the page table.
//	    The first is the lock of flush_tsb_user(), which is not modelled: of sparc64
//	    ptep_get_and_clear() is a load and a store, and here a locked instruction
//	C5  the initiator waits for all handlers before pages are freed
//	C6  after a flush that trims only a local flush is due: every other member has
//	    flushed in its handler, or came after the page table was changed
//	C8  a CPU that goes offline gets no interrupts: its bit is cleared and its TLB
//	    flushed on the way down
//
// C7 is about active_cpus, which only powerpc has. C4 has no variant: it takes store
// buffers, with which explore -tso runs all of these, and is kmodel/arch/x86/mm/tlb. C6 has
// none of its own, since it follows from C3 and C4: a member that has not flushed is either
// one that kept its bit and went without (C3), one that the initiator did not see although
// it was there (C4), or one that it has not waited for (C5). To send the interrupt to some
// of the members only, to spare those that look busy, is C3 for the others.
//
// As for C8, the kernel flushes on the way up (smp_callin()) and leaves the bit, which is as
// good where only that CPU could use what is left. sparc-ipi does both; its mutant neither.
//
// The TLB is filled by software, for accesses only; the batch of a flush is one page
// here, for two or more: flush_tlb_pending() hands one alone to smp_flush_tlb_page(). Cross
// calls are modelled as interrupts that local_irq_disable() keeps away and that are waited
// for, which is true of smp_call_function_many() and not of the bare xcall vectors of
// smp_flush_tlb_page(): those flush and nothing else, and are waited for until they are
// delivered, which is taken for done, so for them there is no difference. Not modelled: the
// numbers of contexts, their exhaustion, TSBs, and smp_flush_tlb_mm(), which trims if there is
// one user, whoever runs.
package sparc

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/cpumask"
	mm "github.com/kschedfuzz/kschedfuzz/kmodel/linux/mmu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/smp"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// patches is what a variant does.
type patches uint

const (
	// noTrim is bafb056c (5.10): mm_cpumask is never trimmed.
	noTrim patches = 1 << iota
	// trimByIPI has the CPUs take themselves out of mm_cpumask. Never upstream.
	trimByIPI

	remoteReset // without C1: the initiator clears the bits
	keepNoFlush // without C3: no flush where the bit is kept
	noWait      // without C5
	keepOffline // without C8: a CPU goes offline and comes back as it is
)

// Variants returns the history of sparc64, and the exercise.
func Variants() []mm.Variant {
	variant := func(name, versions, about string, p patches, use mm.UseMm) mm.Variant {
		return mm.Variant{Name: name, Versions: versions, About: about, UseMm: use, Hotplug: true,
			New: func(m *mm.Machine) mm.Arch { return newArch(m, p) }}
	}
	const mutant, ipi = "mutant", noTrim | trimByIPI
	c8 := variant("sparc-ipi-c8", mutant,
		"sparc-ipi, but a CPU keeps its bit and its TLB while it is offline", ipi|keepOffline, 0)
	c8.Offline = true
	return []mm.Variant{
		variant("sparc-5.9", "5.9", "a flush with one user makes mm_cpumask its own CPU", 0,
			mm.ExecIrqsOn),
		variant("sparc-5.10", "5.10", "bafb056c: mm_cpumask is not trimmed", noTrim, 0),
		variant("sparc-ipi", "proposal", "CPUs take themselves out of mm_cpumask", ipi, 0),
		variant("sparc-ipi-c1", mutant, "sparc-ipi, but the initiator clears the bits",
			ipi|remoteReset, 0),
		variant("sparc-ipi-c2", mutant,
			"sparc-ipi with interrupts on in kthread_use_mm, current->mm set last, and in exec_mmap",
			ipi, mm.IrqsOn|mm.MmLast|mm.ExecIrqsOn),
		variant("sparc-ipi-c3", mutant, "sparc-ipi without the flush where the bit is kept",
			ipi|keepNoFlush, 0),
		variant("sparc-ipi-c5", mutant, "sparc-ipi without waiting for the handlers", ipi|noWait, 0),
		c8,
	}
}

// arch implements [mm.Arch] and [mm.Hotplug].
type arch struct {
	patches
	m *mm.Machine
}

func newArch(m *mm.Machine, p patches) *arch {
	a := &arch{p, m}
	m.Mm.Context.Flush.Init(a.tlbPendingFunc)
	m.Mm.Context.Exit.Init(a.doExitFlushLazyTlb)
	return a
}

func (a *arch) has(p patches) bool { return a.patches&p != 0 }

// SwitchMm implements [mm.Arch].
func (a *arch) SwitchMm(t *schedule.Thread, c *mm.CPU, _, next *mm.Struct) {
	a.switchMm(t, c, next)
}

// switchMm is switch_mm(). A CPU that runs an mm for the first time, or again after it
// was taken out of the mask, flushes what it may have left over. So it does no harm that
// for init_mm the context stays loaded.
func (a *arch) switchMm(t *schedule.Thread, c *mm.CPU, next *mm.Struct) {
	if next == &a.m.InitMm {
		return
	}
	next.Context.Lock.LockIrq(t)
	c.LoadContext(t, "tsb_context_switch", next)
	if !next.Cpumask.TestCPU(t, c.Num) {
		next.Cpumask.SetCPU(t, c.Num)
		c.FlushAll(t, "__flush_tlb_mm")
	}
	next.Context.Lock.UnlockIrq(t)
}

// FlushTlbPage implements [mm.Arch].
func (a *arch) FlushTlbPage(t *schedule.Thread, mm *mm.Struct, p int) {
	a.smpFlushTlbPending(t, mm, p)
}

// smpFlushTlbPending is smp_flush_tlb_pending(), and but for the way it calls the others
// smp_flush_tlb_page(), to which reclaim comes.
func (a *arch) smpFlushTlbPending(t *schedule.Thread, mm *mm.Struct, p int) {
	preempt.Disable(t) // get_cpu()
	c := a.m.This(t)
	single := (!a.has(noTrim) || a.has(trimByIPI)) && mm == c.Current() && mm.MmUsers.Read(t) == 1
	switch {
	case single && a.has(trimByIPI):
		smp.CallFunctionMany(t, &mm.Cpumask, &mm.Context.Exit, 0, !a.has(noWait))
		if a.has(remoteReset) {
			mm.Cpumask.Copy(t, cpumask.Of(c.Num))
		}
	case single:
		mm.Cpumask.Copy(t, cpumask.Of(c.Num))
	default:
		smp.CallFunctionMany(t, &mm.Cpumask, &mm.Context.Flush, p, !a.has(noWait))
	}
	c.FlushPage(t, "__flush_tlb_pending", p)
	preempt.Enable(t)
}

// tlbPendingFunc is tlb_pending_func(): the handler of an ordinary flush.
func (a *arch) tlbPendingFunc(t *schedule.Thread, p int) {
	a.m.This(t).FlushPage(t, "__flush_tlb_pending", p)
}

// doExitFlushLazyTlb is what do_exit_flush_lazy_tlb() of powerpc would be here: the
// handler of a flush that trims. The thread that it interrupts may have become a user
// since the initiator looked, and keeps its bit then.
func (a *arch) doExitFlushLazyTlb(t *schedule.Thread, _ int) {
	c, mm := a.m.This(t), &a.m.Mm
	if c.Mm(t) == mm {
		if !a.has(keepNoFlush) {
			c.FlushAll(t, "__flush_tlb_mm")
		}
		return
	}
	if c.ActiveMm(t) == mm {
		a.m.InitMm.Mmgrab(t)
		c.SetActiveMm(t, &a.m.InitMm)
		a.switchMm(t, c, &a.m.InitMm)
		mm.Mmdrop(t)
	}
	if !a.has(remoteReset) {
		mm.Cpumask.ClearCPU(t, c.Num)
	}
	c.FlushAll(t, "__flush_tlb_mm")
}

// CPUDisable implements [mm.Hotplug]. Only the exercise has anything to do here.
func (a *arch) CPUDisable(t *schedule.Thread, c *mm.CPU) {
	if a.has(trimByIPI) && !a.has(keepOffline) {
		a.m.Mm.Cpumask.ClearCPU(t, c.Num) // clear_tasks_mm_cpumask()
		c.FlushAll(t, "__flush_tlb_all")
	}
}

// SMPCallin implements [mm.Hotplug].
func (a *arch) SMPCallin(t *schedule.Thread, c *mm.CPU) {
	if !a.has(keepOffline) {
		c.FlushAll(t, "__flush_tlb_all")
	}
}
