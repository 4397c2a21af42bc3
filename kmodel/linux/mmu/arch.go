package mmu

import "github.com/kschedfuzz/kschedfuzz/schedule"

// An Arch is what an architecture does with address spaces.
type Arch interface {
	// SwitchMm is switch_mm_irqs_off(): have c translate for next.
	SwitchMm(t *schedule.Thread, c *CPU, prev, next *Struct)
	// FlushTlbPage has no CPU translate page p of mm any more as it did before. The
	// caller has changed the page table.
	FlushTlbPage(t *schedule.Thread, mm *Struct, p int)
}

// A Hotplug is an [Arch] that says what it does when a CPU goes offline and comes back.
type Hotplug interface {
	// CPUDisable is the part of __cpu_disable() that follows when c is offline.
	CPUDisable(t *schedule.Thread, c *CPU)
	// SMPCallin is the part of smp_callin() that comes before c is online.
	SMPCallin(t *schedule.Thread, c *CPU)
}

// A Variant is the code of an architecture as some kernels had it, or as it might have been,
// with the generic code of that time.
type Variant struct {
	Name     string // "sparc-5.9"
	Versions string
	About    string
	New      func(m *Machine) Arch
	UseMm    UseMm
	Hotplug  bool // the Arch is a [Hotplug] too
	Offline  bool // it is as another variant but for what happens when a CPU goes offline
	Exec     bool // it is as another variant but for exec_mmap()
}

// UseMm says how kthread_use_mm() is done.
type UseMm uint

const (
	// IrqsOn is before 38cf307c1f20 (5.9): with interrupts on.
	IrqsOn UseMm = 1 << iota
	// MmLast assigns current->mm after switch_mm(). Never upstream.
	MmLast
	// ExecIrqsOn is before d53c3dfb23c4 (5.10): exec_mmap() with interrupts on.
	ExecIrqsOn
	// ActivateIrqsOff is ARCH_WANT_IRQS_OFF_ACTIVATE_MM: they are off in activate_mm() too,
	// unless ExecIrqsOn.
	ActivateIrqsOff
	// LazyTLBShootdown is MMU_LAZY_TLB_SHOOTDOWN (6.4): who has but borrowed an mm holds no
	// reference, so that kthread_use_mm() takes one of its own, whether the mm was borrowed
	// before or not, and kthread_unuse_mm() drops that.
	LazyTLBShootdown
	// Membarrier is 618758ed3a4f (5.11): a full barrier when current->mm has been set, and
	// one before it is cleared, for membarrier().
	Membarrier
)
