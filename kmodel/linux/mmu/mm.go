// Package mmu is address spaces and what CPUs know of them (include/linux/mm_types.h,
// sched/mm.h, mmu_context.h): the two counts of an mm, its page table, mm_cpumask,
// and for each CPU current->mm, current->active_mm, the hardware context and the TLB.
//
// Steps: every access is one. The counts are atomics, as package atomic has them;
// mm_users of 0 drops the one mm_count that all users share. A [CPU] loads from user
// memory in one step ([CPU.Load]): through the TLB if the page is there, else through
// the page table, whose entry it puts into the TLB. Filling and invalidating are
// atomic to each other, as architectures promise (an invalidation waits for the
// walks that are under way). Where loads pass loads ([schedule.Exec.ReorderLoads]) Pte and PtePresent
// may see an old entry; the walk of the hardware does not, since it could put that into the TLB
// when it is invalid already, nor does it come before it is needed.
//
// Oracles: a load through a TLB entry whose page has been freed is
// [schedule.StaleTLB]. A CPU that uses an mm (current->mm is set and switch_mm() is
// done, [CPU.SetUsing]) and is not in mm_cpumask is [schedule.CpumaskLost]. No kernel that
// is modelled checks that, so a runner may mute it and see what comes of it. (With
// CONFIG_DEBUG_VM powerpc does in 6.13, when the CPU switches to another mm.)
//
// Not modelled: running out of context numbers, page faults (a load from what is not
// mapped just fails), huge pages, page-table pages, writes, exit_mmap().
package mmu

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/cpumask"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rwsem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/smp"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Pages is how many pages an address space has.
const Pages = 3

// A Struct is a struct mm_struct.
type Struct struct {
	schedule.Object
	MmUsers  atomic.Int   // users of the address space
	MmCount  atomic.Int   // references to the struct; all users together hold one
	Cpumask  cpumask.Mask // mm_cpumask(): CPUs that may have its translations
	MmapSem  rwsem.Sem    // of kernels up to 5.7
	MmapLock rwsem.Sem    // the same in kernels since 5.8
	pte      [Pages]schedule.Ptr[*Page]
	Context  Context
	m        *Machine
}

// A Context is mm_context_t: what architectures keep, each its part of it.
type Context struct {
	Lock       spin.Lock  // sparc
	ActiveCpus atomic.Int // powerpc: CPUs in mm_cpumask
	Flush      smp.Func   // invalidates one page
	Exit       smp.Func   // invalidates all, and trims mm_cpumask
}

// A Page is a page frame.
type Page struct {
	schedule.Object
	Refcount atomic.Int // page->_refcount, for those programs that count
}

// A Machine is the CPUs of a program with the mm that it is about.
type Machine struct {
	Mm     Struct // the mm
	InitMm Struct // init_mm, which has no user translations. Its mask is of no interest
	Bprm   Struct // bprm->mm, which exec_mmap() gives to its task; see BootExec
	CPUs   [smp.MaxCPUs]CPU
	pages  *slab.Cache[Page, *Page]
	useMm  UseMm
}

// NewMachine makes a machine. arch is told the mm once, to bind its functions.
func NewMachine(v *Variant) (*Machine, Arch) {
	m := &Machine{useMm: v.UseMm}
	m.Mm.Bind(&m.Mm, "mm")
	m.InitMm.Bind(&m.InitMm, "init_mm")
	m.Bprm.Bind(&m.Bprm, "bprm_mm")
	m.Mm.m, m.InitMm.m, m.Bprm.m = m, m, m
	m.Mm.Cpumask.OnDrop(m.CheckCpumask)
	m.pages = slab.NewCache[Page]("page", nil)
	for i := range m.CPUs {
		m.CPUs[i].bind(m, i)
	}
	return m, v.New(m)
}

// Boot begins an execution: CPUs 0 to n-1, lazily on init_mm, and the mm with its
// pages mapped and one user.
func (m *Machine) Boot(e *schedule.Exec, n int) {
	m.BootUnmapped(e, n)
	for p := range m.Mm.pte {
		m.BootPage(e, p)
	}
}

// BootUnmapped is Boot without the pages.
func (m *Machine) BootUnmapped(e *schedule.Exec, n int) {
	e.Static(&m.Mm.Object, 0)
	e.Static(&m.InitMm.Object, 0)
	for i := range m.CPUs[:n] {
		c := &m.CPUs[i]
		e.Static(&c.Object, 0)
		c.activeMm.Init(&m.InitMm)
		c.context.Put(&m.InitMm)
		c.user, c.dropped = schedule.Party{}, schedule.Party{}
	}
	m.InitMm.MmCount.Init(1 + m.lazyRefs(n))
	m.Mm.MmUsers.Init(1)
	m.Mm.MmCount.Init(1)
}

// lazyRefs returns how many references n borrowers of an mm hold.
func (m *Machine) lazyRefs(n int) int {
	if m.useMm&LazyTLBShootdown != 0 {
		return 0
	}
	return n
}

// BootPage has a new page mapped at p before the first step.
func (m *Machine) BootPage(e *schedule.Exec, p int) *Page {
	page := m.pages.AllocBoot(e)
	m.Mm.pte[p].Put(page)
	return page
}

// BootExec is part of the beginning of an execution with an exec: its mm is there.
func (m *Machine) BootExec(e *schedule.Exec) {
	e.Static(&m.Bprm.Object, 0)
	m.Bprm.MmUsers.Init(1)
	m.Bprm.MmCount.Init(1)
}

// This returns the CPU that t runs on.
func (m *Machine) This(t *schedule.Thread) *CPU { return &m.CPUs[smp.ProcessorID(t)] }

// Mmget is mmget(): the caller must be a user already.
func (mm *Struct) Mmget(t *schedule.Thread) { mm.MmUsers.Inc(t) }

// MmgetNotZero is mmget_not_zero(): a reference to the struct is enough.
func (mm *Struct) MmgetNotZero(t *schedule.Thread) bool { return mm.MmUsers.IncNotZero(t) }

// Mmput is mmput(), which may sleep whether it is the last or not.
func (mm *Struct) Mmput(t *schedule.Thread) {
	preempt.MightSleep(t, "mmput")
	if mm.MmUsers.DecAndTest(t) {
		mm.Mmdrop(t)
	}
}

// Mmgrab is mmgrab().
func (mm *Struct) Mmgrab(t *schedule.Thread) { mm.MmCount.Inc(t) }

// Mmdrop is mmdrop(). The last one frees the struct, which no program here comes to:
// a count that it takes to 0 is an error, and what check_mm() says of it.
func (mm *Struct) Mmdrop(t *schedule.Thread) {
	if mm.MmCount.DecAndTest(t) {
		t.Fail(schedule.RefUnderflow, &mm.Object, schedule.Party{}, "BUG: Bad rss-counter state")
	}
}

// MmgrabLazyTLB is mmgrab_lazy_tlb(), which before 6.4 is mmgrab().
func (mm *Struct) MmgrabLazyTLB(t *schedule.Thread) {
	if mm.m.useMm&LazyTLBShootdown == 0 {
		mm.Mmgrab(t)
	}
}

// MmdropLazyTLB is mmdrop_lazy_tlb(), which before 6.4 is mmdrop(). Without references it is
// smp_mb().
func (mm *Struct) MmdropLazyTLB(t *schedule.Thread) {
	if mm.m.useMm&LazyTLBShootdown == 0 {
		mm.Mmdrop(t)
	} else {
		mem.SmpMb(t)
	}
}

// PtepGetAndClear is ptep_get_and_clear(): it takes the page out of the page table and
// returns it, nil if there was none.
func (mm *Struct) PtepGetAndClear(t *schedule.Thread, p int) *Page {
	t.Step(schedule.Op{Verb: "ptep_get_and_clear", Cell: &mm.pte[p].Cell, Mode: schedule.RMWFull})
	page := mm.pte[p].Get()
	t.Observe(mm.pte[p].Value())
	mm.pte[p].Put(nil)
	return page
}

// Pte is a read of the page table: the page that is mapped at p, or nil.
func (mm *Struct) Pte(t *schedule.Thread, p int) *Page {
	t.Step(schedule.Op{Verb: "read", Cell: &mm.pte[p].Cell, Mode: schedule.PlainRead})
	page, v := mm.pte[p].Load(t)
	t.Observe(v)
	return page
}

// PtePresent is pte_present(): a look at the page table.
func (mm *Struct) PtePresent(t *schedule.Thread, p int) bool {
	t.Step(schedule.Op{Verb: "pte_present", Cell: &mm.pte[p].Cell, Mode: schedule.PlainRead})
	return t.ObserveBool(t.Load(&mm.pte[p].Cell) != 0)
}

// SetPteAt is set_pte_at().
func (mm *Struct) SetPteAt(t *schedule.Thread, p int, page *Page) {
	mm.setPte(t, "set_pte_at", p, page)
}

// PteClear is pte_clear(): a plain store.
func (mm *Struct) PteClear(t *schedule.Thread, p int) { mm.setPte(t, "pte_clear", p, nil) }

func (mm *Struct) setPte(t *schedule.Thread, verb string, p int, page *Page) {
	t.Step(schedule.Op{Verb: verb, Cell: &mm.pte[p].Cell, Mode: schedule.WriteOnce})
	mm.pte[p].Store(t, page)
}

// Populate maps a new page at p unless there is one. The caller holds mmap_lock.
func (mm *Struct) Populate(t *schedule.Thread, p int) {
	t.Step(schedule.Op{Verb: "set_pte_at", Cell: &mm.pte[p].Cell, Mode: schedule.RMW})
	if t.ObserveBool(mm.pte[p].Value() == 0) {
		mm.pte[p].Put(mm.m.pages.AllocAtomic(t))
	}
}

// AllocPage is alloc_page(): it is mapped nowhere.
func (m *Machine) AllocPage(t *schedule.Thread) *Page { return m.pages.Alloc(t) }

// FreePage is free_page().
func FreePage(t *schedule.Thread, page *Page) { slab.Free(t, "free_page", page) }

// PutPage is put_page(): drop a reference, and free the page if it was the last.
func PutPage(t *schedule.Thread, page *Page) {
	if page.Refcount.DecAndTest(t) {
		FreePage(t, page)
	}
}

// CheckCpumask is the oracle for [schedule.CpumaskLost], for a step that may have taken
// a CPU out of the mask. Copy and ClearCPU call it themselves.
func (m *Machine) CheckCpumask(t *schedule.Thread) {
	for i := range smp.Online(t.Exec()) {
		m.CPUs[i].check(t, m.CPUs[i].user)
	}
	m.Dropped(t)
}

// Dropped remembers, for reports, that this step has left CPUs out of the mask. A Clear
// needs it, which is only half of something and not checked.
func (m *Machine) Dropped(t *schedule.Thread) {
	for i := range smp.Online(t.Exec()) {
		if !m.Mm.Cpumask.Has(i) {
			m.CPUs[i].dropped = t.Now()
		}
	}
}
