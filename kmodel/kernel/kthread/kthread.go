// Package kthread is a kernel thread that becomes a user of an address space
// (kernel/kthread.c: kthread_use_mm()), against the flushes of those whose address space
// it is. The architectures (kmodel/arch) say what mm_cpumask is there, and who trims it.
//
// The nouns: a user of an mm runs with current->mm set and holds an mm_users. A kernel
// thread that was one stays on it lazily, with active_mm alone and an mm_count. A CPU
// that is in neither state may still be in mm_cpumask, with entries left in its TLB.
//
// The story: to have an mm_users one had to get it, with mmget(), from somebody who had
// one. So whoever found himself the only user knew that nobody else was running the mm,
// or would start to, and could forget the other CPUs. mmget_not_zero() (d2005e3f41d4)
// makes a user out of whoever has a reference to the struct, and io_uring (2b188cc1bb85)
// runs the mm with that. A thread that comes between the test and the forgetting runs
// the mm on a CPU that no flush reaches any more: not this one, which it cannot be hurt
// by, but the next.
//
// The code follows v5.9 with 38cf307c1f20, which has kthread_use_mm() switch with
// interrupts off. The worker is that of io_uring in 5.9: __io_sq_thread_acquire_mm(),
// accesses to user memory, kthread_unuse_mm(), mmput(). Variants of 5.12 and 6.4 have the
// kthread_use_mm() of then: barriers for membarrier(), which is not modelled, and in 6.4 who
// has but borrowed an mm holds no reference. From 5.12
// on the threads of io_uring are threads of the process. There the worker stands for others
// that get their mm_users from outside, as kfd_sdma_activity_worker() does by get_task_mm().
//
// In one scenario a CPU that has borrowed the mm goes offline and comes back, before the
// worker runs there: cpu_down() and cpu_up(), as far as the mm and its TLB go.
//
// Not modelled: task_lock(), which nobody else takes here; exit of the process, whose
// threads are users until the end; mappings, of which there are only the pages; the locks of
// page tables: each page is in one of its own, so that nobody waits for another's; faults, but
// for their failing; switches of the scheduler (package kmodel/fs/exec has those).
package kthread

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	mm "github.com/kschedfuzz/kschedfuzz/kmodel/linux/mmu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/smp"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// system is what the threads of a program share.
type system struct {
	*mm.Machine
	arch  mm.Arch
	useMm mm.UseMm
}

func newSystem(v *mm.Variant) *system {
	m, arch := mm.NewMachine(v)
	return &system{m, arch, v.UseMm}
}

// kthreadUseMm is kthread_use_mm().
func (s *system) kthreadUseMm(t *schedule.Thread) {
	c := s.This(t)
	shootdown := s.useMm&mm.LazyTLBShootdown != 0
	if shootdown {
		s.Mm.Mmgrab(t)
	}
	irqsOff := s.useMm&mm.IrqsOn == 0
	if irqsOff {
		preempt.IrqDisable(t) // hold off TLB flush interrupts while switching
	}
	activeMm := c.ActiveMm(t)
	other := activeMm != &s.Mm
	if other && !shootdown {
		s.Mm.Mmgrab(t)
	}
	if other || shootdown {
		c.SetActiveMm(t, &s.Mm)
	}
	if s.useMm&mm.MmLast == 0 {
		c.SetMm(t, &s.Mm)
	}
	s.arch.SwitchMm(t, c, activeMm, &s.Mm)
	if s.useMm&mm.MmLast != 0 {
		c.SetMm(t, &s.Mm)
	}
	c.SetUsing(t)
	if irqsOff {
		preempt.IrqEnable(t)
	}
	if other || shootdown {
		activeMm.MmdropLazyTLB(t)
	} else if s.useMm&mm.Membarrier != 0 {
		mem.SmpMb(t)
	}
}

// execMmap is exec_mmap() of a kernel thread, as far as its mm goes: it takes the one that
// exec has made, and drops the one that was borrowed. task_lock() keeps the scheduler away,
// but no interrupt. The full story is in package kmodel/fs/exec.
func (s *system) execMmap(t *schedule.Thread) {
	c := s.This(t)
	irqsOff := s.useMm&mm.ExecIrqsOn == 0
	preempt.Disable(t) // task_lock(), which nobody else takes here
	var activeMm *mm.Struct
	if irqsOff {
		mem.SmpMb(t) // membarrier_exec_mmap()
		preempt.IrqDisable(t)
		activeMm = c.ActiveMm(t)
		c.SetActiveMm(t, &s.Bprm)
		c.SetMm(t, &s.Bprm)
	} else {
		activeMm = c.ActiveMm(t)
		mem.SmpMb(t) // membarrier_exec_mmap()
		c.SetMm(t, &s.Bprm)
		c.SetActiveMm(t, &s.Bprm)
	}
	if irqsOff && s.useMm&mm.ActivateIrqsOff == 0 {
		preempt.IrqEnable(t)
		irqsOff = false
	}
	s.arch.SwitchMm(t, c, activeMm, &s.Bprm) // activate_mm()
	if irqsOff {
		preempt.IrqEnable(t)
	}
	preempt.Enable(t)
	activeMm.MmdropLazyTLB(t)
}

// kthreadUnuseMm is kthread_unuse_mm(). The mm remains as active_mm.
func (s *system) kthreadUnuseMm(t *schedule.Thread) {
	if s.useMm&mm.Membarrier != 0 {
		mem.SmpMb(t) // smp_mb__after_spinlock(), of task_lock()
	}
	s.This(t).SetMm(t, nil)
	if s.useMm&mm.LazyTLBShootdown != 0 {
		s.Mm.Mmdrop(t)
	}
}

// ioSqThreadAcquireMm is __io_sq_thread_acquire_mm(): it fails if the process is gone.
func (s *system) ioSqThreadAcquireMm(t *schedule.Thread) bool {
	if !s.Mm.MmgetNotZero(t) {
		return false // -EFAULT
	}
	s.kthreadUseMm(t)
	return true
}

// ioSqThreadDropMm is io_sq_thread_drop_mm().
func (s *system) ioSqThreadDropMm(t *schedule.Thread) {
	s.kthreadUnuseMm(t)
	s.Mm.Mmput(t)
}

// cpuDown is cpu_down() of the CPU that t runs on, where the idle task has borrowed the mm:
// idle_task_exit() and finish_cpu() give it up.
func (s *system) cpuDown(t *schedule.Thread) {
	c := s.This(t)
	smp.SetCPUOnline(t, false)
	s.arch.(mm.Hotplug).CPUDisable(t, c)
	activeMm := c.ActiveMm(t)
	if activeMm != &s.InitMm {
		s.arch.SwitchMm(t, c, activeMm, &s.InitMm)
		c.SetActiveMm(t, &s.InitMm)
	}
	activeMm.Mmdrop(t)
}

// cpuUp is cpu_up(): smp_callin() on the CPU that t runs on, where the idle task begins
// with init_mm.
func (s *system) cpuUp(t *schedule.Thread) {
	c := s.This(t)
	s.arch.(mm.Hotplug).SMPCallin(t, c)
	s.InitMm.Mmgrab(t)
	c.SetActiveMm(t, &s.InitMm)
	smp.SetCPUOnline(t, true)
}

// copyFromUser is copy_from_user().
func (s *system) copyFromUser(t *schedule.Thread, p int) { s.This(t).Load(t, p) }

// __vmMunmap is __vm_munmap() of one page, by munmap(). Since dd2283f2605e (4.20) it keeps
// mmap_lock for reading only when nobody can find the mapping any more, and then takes the page
// away.
func (s *system) __vmMunmap(t *schedule.Thread, p int) {
	s.Mm.MmapLock.DownWrite(t)
	s.Mm.MmapLock.DowngradeWrite(t) // __do_munmap
	s.zap(t, p)
	s.Mm.MmapLock.UpRead(t)
}

// vmMmapPgoff is vm_mmap_pgoff() of one page, by mmap(), populated. For that the kernel takes
// mmap_lock a second time, for reading.
func (s *system) vmMmapPgoff(t *schedule.Thread, p int) {
	s.Mm.MmapLock.DownWrite(t)
	s.Mm.Populate(t, p)
	s.Mm.MmapLock.UpWrite(t)
}

// doMadvise is do_madvise() of one page, with MADV_DONTNEED.
func (s *system) doMadvise(t *schedule.Thread, p int) {
	s.Mm.MmapLock.DownRead(t)
	s.zap(t, p)
	s.Mm.MmapLock.UpRead(t)
}

// tryToUnmap is try_to_unmap() as reclaim calls it: from any task, without mmap_lock.
func (s *system) tryToUnmap(t *schedule.Thread, p int) { s.zap(t, p) }

// pageMkclean is page_mkclean(), which reclaim calls before it writes a page out, from any
// task: what it takes away is only the right to write, which is not modelled, and it
// flushes.
func (s *system) pageMkclean(t *schedule.Thread, p int) { s.arch.FlushTlbPage(t, &s.Mm, p) }

// zap is what unmapping comes to: clear the entry of the page table, flush, and then
// free the page.
func (s *system) zap(t *schedule.Thread, p int) {
	page := s.Mm.PtepGetAndClear(t, p)
	if page == nil {
		return
	}
	s.arch.FlushTlbPage(t, &s.Mm, p)
	mm.FreePage(t, page)
}
