// Package powerpc is the TLB flushing of 64-bit Book3S powerpc with the radix MMU
// (arch/powerpc/mm/book3s64/radix_tlb.c, mm/mmu_context.c and include/asm/tlb.h), as far
// as mm_cpumask goes.
//
// The ordinary flush is an instruction that is broadcast to all CPUs and needs no mask.
// The mask, and active_cpus which counts it, are for doing without the broadcast: where
// only this CPU has ever run the mm, a local flush is enough. So that this remains true
// of a process which a kernel thread has once looked at, a flush with one user makes
// other CPUs give up the mm if they hold it lazily.
//
// In 0cef77c7 (4.18) the initiator sent the interrupts and then made itself the only
// member. A thread that became a user of the mm in between is forgotten. a665eec0 (5.10,
// 5.9.2) has the members take themselves out, unless they are users, and flush in any case.
// Since 5.12 a flush from anywhere may trim, so that two may do it at a time, and a
// kernel thread may trim itself: see exitLazyFlushTlb for what comes of that. Since 6.4 a CPU
// that holds the mm lazily holds no reference to it.
//
// Both sides have a full barrier: the flush between the store to the page table and the look
// at active_cpus and mm_cpumask, the switch between coming into them and the first load through
// the page table. On powerpc ptep_get_and_clear() orders nothing. Here it does, as a locked
// instruction of x86 does, so that with store buffers (explore -tso) the first is not missed.
//
// Hardware may fill a TLB without an access while a context is loaded. Here only loads
// fill it, and the translations that a lazy CPU has at the beginning. Not modelled:
// coprocessors, hypervisor calls, flushes of ranges and of the page walk cache.
package powerpc

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	mm "github.com/kschedfuzz/kschedfuzz/kmodel/linux/mmu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/smp"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// patches is the set of patches that a variant has applied.
type patches uint

const (
	// selfTrim is a665eec0 (5.10): the CPUs take themselves out of mm_cpumask.
	selfTrim patches = 1 << iota
	// trimFromAnywhere is 5.12: not only the single user trims.
	trimFromAnywhere
	// irqsOffSwitch is dfaed3e1fa70 (6.4): a kernel thread that trims itself, outside any
	// interrupt, gives up the mm with interrupts off.
	irqsOffSwitch
	// irqsOffAll has it look first, and leave mm_cpumask, with interrupts off as well.
	// Not upstream.
	irqsOffAll

	keepNoFlush   // without C3 of package sparc: no flush where the bit is kept
	countUnlooked // without C7: the handler takes 1 off active_cpus, bit or no bit
)

// Variants returns the history of powerpc.
func Variants() []mm.Variant {
	variant := func(name, versions, about string, p patches) mm.Variant {
		use := mm.ExecIrqsOn
		if p&selfTrim != 0 {
			use = mm.ActivateIrqsOff // d53c3dfb23c4 and 66acd46080bd are of the same series
		}
		if p&trimFromAnywhere != 0 {
			use |= mm.Membarrier
		}
		if p&irqsOffSwitch != 0 {
			use |= mm.LazyTLBShootdown // Book3S 64 selects it in the same release
		}
		return mm.Variant{Name: name, Versions: versions, About: about, UseMm: use,
			New: func(m *mm.Machine) mm.Arch { return newArch(m, p) }}
	}
	stable := variant("powerpc-5.9.2", "5.9.2-5.9.4",
		"a665eec0 with the exec_mmap of before, interrupts on", selfTrim)
	stable.UseMm, stable.Exec = mm.ExecIrqsOn, true
	return []mm.Variant{
		variant("powerpc-5.9", "5.9, 5.9.1",
			"0cef77c7: the initiator of a trimming flush resets mm_cpumask", 0),
		stable,
		variant("powerpc-5.10", "5.10", "a665eec0: CPUs take themselves out of mm_cpumask", selfTrim),
		variant("powerpc-5.10-c3", "mutant", "a665eec0 without the flush where the bit is kept",
			selfTrim|keepNoFlush),
		variant("powerpc-5.12", "5.12", "a flush from anywhere may trim mm_cpumask",
			selfTrim|trimFromAnywhere),
		variant("powerpc-5.12-c7", "mutant", "5.12 with active_cpus decremented unconditionally",
			selfTrim|trimFromAnywhere|countUnlooked),
		variant("powerpc-6.4", "6.4",
			"dfaed3e1fa70, MMU_LAZY_TLB_SHOOTDOWN: a trimming kernel thread gives up the mm with "+
				"interrupts off, and holds no reference to it",
			selfTrim|trimFromAnywhere|irqsOffSwitch),
		variant("powerpc-6.4-irqs", "proposal", "interrupts off while it looks and leaves mm_cpumask too",
			selfTrim|trimFromAnywhere|irqsOffSwitch|irqsOffAll),
	}
}

// arch implements [mm.Arch].
type arch struct {
	patches
	m *mm.Machine
}

func newArch(m *mm.Machine, p patches) *arch {
	a := &arch{p, m}
	m.Mm.Context.Exit.Init(a.doExitFlushLazyTlb)
	return a
}

func (a *arch) has(p patches) bool { return a.patches&p != 0 }

// SwitchMm implements [mm.Arch]. It is switch_mm(), which turns interrupts off for exec_mmap() of
// 5.9, whose activate_mm() it is: whoever else calls has them off, and calls
// switch_mm_irqs_off().
func (a *arch) SwitchMm(t *schedule.Thread, c *mm.CPU, prev, next *mm.Struct) {
	preempt.IrqDisable(t)
	a.switchMmIrqsOff(t, c, prev, next)
	preempt.IrqEnable(t)
}

// switchMmIrqsOff is switch_mm_irqs_off(). A CPU that comes into the mask has nothing
// left over in its TLB, so it need not flush. The mask of init_mm has had every CPU
// since boot.
func (a *arch) switchMmIrqsOff(t *schedule.Thread, c *mm.CPU, prev, next *mm.Struct) {
	if next != &a.m.InitMm && !next.Cpumask.TestCPU(t, c.Num) {
		next.Cpumask.SetCPU(t, c.Num)
		next.Context.ActiveCpus.Inc(t)
		mem.SmpMb(t) // paired with the one in radix__flushTlbPage
	}
	if prev != next {
		c.LoadContext(t, "switch_mmu_context", next)
	}
}

// FlushTlbPage implements [mm.Arch].
func (a *arch) FlushTlbPage(t *schedule.Thread, mm *mm.Struct, p int) {
	a.radix__flushTlbPage(t, mm, p)
}

// A flushType is enum tlb_flush_type.
type flushType uint8

const (
	flushNone flushType = iota
	flushLocal
	flushGlobal
)

// radix__flushTlbPage is radix__flush_tlb_page(), to which reclaim comes. munmap() and madvise()
// come to radix__flush_tlb_range_psize(), which chooses among the same ways.
func (a *arch) radix__flushTlbPage(t *schedule.Thread, mm *mm.Struct, p int) {
	preempt.Disable(t)
	mem.SmpMb(t) // the page table has been written, and the mask is read now
	c := a.m.This(t)
	kind := flushGlobal
	switch {
	case a.has(trimFromAnywhere):
		kind = a.flushTypeNeeded(t, c, mm)
	case mmIsThreadLocal(t, c, mm):
		kind = flushLocal
	case mmIsSinglethreaded(t, c, mm):
		a.exitFlushLazyTlbs(t, c, mm)
		kind = flushLocal
	}
	switch kind {
	case flushLocal:
		c.FlushPage(t, "tlbiel", p)
	case flushGlobal:
		a.m.Broadcast(t, "tlbie", p)
	}
	preempt.Enable(t)
}

// mmIsThreadLocal is mm_is_thread_local().
func mmIsThreadLocal(t *schedule.Thread, c *mm.CPU, mm *mm.Struct) bool {
	return mm.Context.ActiveCpus.Read(t) <= 1 && mm.Cpumask.TestCPU(t, c.Num)
}

// mmIsSinglethreaded is mm_is_singlethreaded(), up to 5.11.
func mmIsSinglethreaded(t *schedule.Thread, c *mm.CPU, mm *mm.Struct) bool {
	return mm.MmUsers.Read(t) <= 1 && c.Current() == mm
}

// flushTypeNeeded is flush_type_needed() of 5.12. Now and then, by a counter, it trims
// although it need not: the schedule says when.
func (a *arch) flushTypeNeeded(t *schedule.Thread, c *mm.CPU, mm *mm.Struct) flushType {
	active := mm.Context.ActiveCpus.Read(t)
	if active == 0 {
		return flushNone
	}
	if active == 1 && mm.Cpumask.TestCPU(t, c.Num) {
		if c.Current() != mm && tickAndTestTrimClock_(t) {
			a.exitLazyFlushTlb(t, c, mm)
			return flushNone
		}
		return flushLocal
	}
	if mm.MmUsers.Read(t) <= 1 && c.Current() == mm {
		a.exitFlushLazyTlbs(t, c, mm)
		return flushLocal
	}
	if !tickAndTestTrimClock_(t) {
		return flushGlobal
	}
	a.exitFlushLazyTlbs(t, c, mm)
	if c.Current() == mm {
		return flushLocal
	}
	if mm.Cpumask.TestCPU(t, c.Num) {
		a.exitLazyFlushTlb(t, c, mm)
	}
	return flushNone
}

// tickAndTestTrimClock_ is tick_and_test_trim_clock(), a counter of the CPU.
func tickAndTestTrimClock_(t *schedule.Thread) bool { return t.Choose(2) == 1 }

// exitFlushLazyTlbs is exit_flush_lazy_tlbs().
func (a *arch) exitFlushLazyTlbs(t *schedule.Thread, c *mm.CPU, mm *mm.Struct) {
	smp.CallFunctionMany(t, &mm.Cpumask, &mm.Context.Exit, 0, true)
	if !a.has(selfTrim) {
		a.mmResetThreadLocal(t, c, mm)
	}
}

// mmResetThreadLocal is mm_reset_thread_local().
func (a *arch) mmResetThreadLocal(t *schedule.Thread, c *mm.CPU, mm *mm.Struct) {
	mm.Context.ActiveCpus.Set(t, 1)
	mm.Cpumask.Clear(t)
	a.m.Dropped(t)
	mm.Cpumask.SetCPU(t, c.Num)
	a.m.CheckCpumask(t)
}

// doExitFlushLazyTlb is do_exit_flush_lazy_tlb(): the handler of a flush that trims.
func (a *arch) doExitFlushLazyTlb(t *schedule.Thread, _ int) {
	c, mm := a.m.This(t), &a.m.Mm
	switch {
	case a.has(trimFromAnywhere):
		a.exitLazyFlushTlb(t, c, mm)
		return
	case a.has(selfTrim):
		a.leaveMm_(t, c, mm)
		return
	}
	current := c.Mm(t)
	if current == mm {
		return // "Local CPU"
	}
	if c.ActiveMm(t) == mm {
		if current != nil {
			t.Fail(schedule.BugOn, &mm.Object, schedule.Party{}, "BUG_ON(current->mm)")
		}
		a.m.InitMm.Mmgrab(t)
		a.switchMmIrqsOff(t, c, mm, &a.m.InitMm)
		c.SetActiveMm(t, &a.m.InitMm)
		mm.Mmdrop(t)
	}
	c.FlushAll(t, "tlbiel")
}

// exitLazyFlushTlb is exit_lazy_flush_tlb(), which is the body of the handler since 5.12.
// In flushTypeNeeded it is called with interrupts on, by a kernel thread that has
// borrowed the mm. Then the handler can come between looking at active_mm and giving it
// up, which are both done again, or between looking at the bit and clearing it: then
// active_cpus is one too low for ever, and later flushes are local, or none at all.
// dfaed3e1fa70 turned interrupts off between the two places.
func (a *arch) exitLazyFlushTlb(t *schedule.Thread, c *mm.CPU, mm *mm.Struct) {
	a.leaveMm_(t, c, mm)
}

// leaveMm_ is what a CPU does that takes itself out of mm_cpumask, since 5.10.
func (a *arch) leaveMm_(t *schedule.Thread, c *mm.CPU, mm *mm.Struct) {
	current := c.Mm(t)
	if current == mm {
		if !a.has(keepNoFlush) {
			c.FlushAll(t, "tlbiel")
		}
		return
	}
	if a.has(irqsOffAll) {
		preempt.IrqDisable(t)
	}
	if c.ActiveMm(t) == mm {
		if current != nil {
			t.Warn(schedule.BugOn, &mm.Object, schedule.Party{},
				"WARN_ON_ONCE(current->mm != NULL)")
		}
		a.kthreadEndLazyTlb_(t, c, mm)
	}
	looks := a.has(trimFromAnywhere) && !a.has(countUnlooked)
	if !looks || mm.Cpumask.TestCPU(t, c.Num) {
		mm.Context.ActiveCpus.Dec(t)
		mm.Cpumask.ClearCPU(t, c.Num)
	}
	if a.has(irqsOffAll) {
		preempt.IrqEnable(t)
	}
	c.FlushAll(t, "tlbiel")
}

// kthreadEndLazyTlb_ is the part of exit_lazy_flush_tlb() that gives up the mm.
func (a *arch) kthreadEndLazyTlb_(t *schedule.Thread, c *mm.CPU, mm *mm.Struct) {
	if a.has(irqsOffSwitch) {
		preempt.IrqDisable(t)
	}
	a.m.InitMm.MmgrabLazyTLB(t)
	c.SetActiveMm(t, &a.m.InitMm)
	a.switchMmIrqsOff(t, c, mm, &a.m.InitMm)
	mm.MmdropLazyTLB(t)
	if a.has(irqsOffSwitch) {
		preempt.IrqEnable(t)
	}
}
