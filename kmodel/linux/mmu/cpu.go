package mmu

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A CPU is what memory management sees of one, and of the task that runs on it: there
// is one for each CPU, and it does not change.
type CPU struct {
	schedule.Object
	Num      int
	mm       mem.Ptr[*Struct]      // current->mm
	activeMm mem.Ptr[*Struct]      // current->active_mm
	context  schedule.Ptr[*Struct] // whose translations the hardware may load
	using    schedule.Cell         // see SetUsing
	tlb      [Pages]schedule.Ptr[*Page]
	m        *Machine

	// For reports only.
	user    schedule.Party // the step of SetUsing
	dropped schedule.Party // the last step that left the CPU out of mm_cpumask
}

// names of the CPUs in traces.
var names = [...]string{"cpu0", "cpu1", "cpu2", "cpu3"}

func (c *CPU) bind(m *Machine, i int) {
	c.Bind(c, names[i])
	c.Num, c.m = i, m
}

// BootUser makes the task of c a user of the mm. It is no step.
func (c *CPU) BootUser() {
	c.bootContext()
	c.mm.Init(&c.m.Mm)
	c.using.Set(1)
}

// BootLazy makes the task of c a kernel thread that has borrowed the mm, with all its
// translations left over in the TLB. It is no step.
func (c *CPU) BootLazy() {
	c.bootContext()
	c.m.Mm.MmCount.Init(c.m.Mm.MmCount.Peek() + c.m.lazyRefs(1))
	c.BootTLB()
}

// BootTLB puts all translations of the mm into the TLB. It is no step.
func (c *CPU) BootTLB() {
	for p := range c.tlb {
		c.tlb[p].Put(c.m.Mm.pte[p].Get())
	}
}

func (c *CPU) bootContext() {
	mm := &c.m.Mm
	c.activeMm.Init(mm)
	c.m.InitMm.MmCount.Init(c.m.InitMm.MmCount.Peek() - c.m.lazyRefs(1))
	c.context.Put(mm)
	mm.Cpumask.Init(mm.Cpumask.Peek() | 1<<c.Num)
	mm.Context.ActiveCpus.Init(mm.Context.ActiveCpus.Peek() + 1)
}

// Mm reads current->mm.
func (c *CPU) Mm(t *schedule.Thread) *Struct { return c.mm.Read(t) }

// ActiveMm reads current->active_mm.
func (c *CPU) ActiveMm(t *schedule.Thread) *Struct { return c.activeMm.Read(t) }

// SetMm writes current->mm.
func (c *CPU) SetMm(t *schedule.Thread, mm *Struct) {
	c.mm.Write(t, mm)
	if mm == nil {
		c.using.Set(0)
	}
}

// SetActiveMm writes current->active_mm.
func (c *CPU) SetActiveMm(t *schedule.Thread, mm *Struct) { c.activeMm.Write(t, mm) }

// Current returns current->mm without a step. Only the task itself writes it, so for the
// task it is private; interrupts on its CPU must use Mm.
func (c *CPU) Current() *Struct { return c.mm.Peek() }

// ActiveOnMm reports whether current->active_mm is the mm, for fingerprints.
func (c *CPU) ActiveOnMm() bool { return c.activeMm.Peek() == &c.m.Mm }

// LoadContext has the hardware use the translations of mm from now on.
func (c *CPU) LoadContext(t *schedule.Thread, verb string, mm *Struct) {
	t.Step(schedule.Op{Verb: verb, Cell: &c.context.Cell, Mode: schedule.WriteOnce})
	c.context.Put(mm)
}

// LoadPgd is LoadContext of hardware whose contexts have no numbers: it flushes the TLB too.
func (c *CPU) LoadPgd(t *schedule.Thread, verb string, mm *Struct) {
	c.LoadContext(t, verb, mm)
	for p := range c.tlb {
		c.tlb[p].Put(nil)
	}
}

// SetUsing says that switch_mm() to current->mm is done: from now until current->mm is
// cleared, the CPU must be in mm_cpumask. It belongs to the step before it.
func (c *CPU) SetUsing(t *schedule.Thread) {
	c.using.Set(1)
	c.user = t.Now()
	c.check(t, c.dropped)
}

// Using reports whether the CPU must be in mm_cpumask.
func (c *CPU) Using() bool { return c.using.Value() != 0 }

// check is the oracle for [schedule.CpumaskLost]: one of t and other has taken the CPU out
// of the mask, the other one uses the mm there.
func (c *CPU) check(t *schedule.Thread, other schedule.Party) {
	if mm := &c.m.Mm; c.Using() && !mm.Cpumask.Has(c.Num) {
		t.Warn(schedule.CpumaskLost, &mm.Object, other, names[c.Num])
	}
}

// Load is a load from page p of user memory. It reports whether there is a page. With
// no context of a user loaded, there is none.
func (c *CPU) Load(t *schedule.Thread, p int) bool {
	t.Step(schedule.Op{Verb: "load", Cell: &c.tlb[p].Cell, Mode: schedule.ReadOnce})
	if c.context.Get() != &c.m.Mm {
		return t.ObserveBool(false)
	}
	if page := c.tlb[p].Get(); page != nil {
		if !page.Live() {
			t.Fail(schedule.StaleTLB, &page.Object, page.Freed(), names[c.Num])
		}
		return t.ObserveBool(true)
	}
	c.tlb[p].Put(c.m.Mm.pte[p].Get())
	return t.ObserveBool(c.tlb[p].Value() != 0)
}

// HasTLB reports whether there is an entry for page p, and whether it is stale: for
// fingerprints.
func (c *CPU) HasTLB(p int) (present, stale bool) {
	page := c.tlb[p].Get()
	return page != nil, page != nil && !page.Live()
}

// Mapped reports whether there is a page at p, for fingerprints.
func (mm *Struct) Mapped(p int) bool { return mm.pte[p].Get() != nil }

// FlushPage invalidates the entry for page p on this CPU.
func (c *CPU) FlushPage(t *schedule.Thread, verb string, p int) {
	t.Step(schedule.Op{Verb: verb, Cell: &c.tlb[p].Cell, Mode: schedule.WriteOnce})
	c.tlb[p].Put(nil)
}

// FlushAll invalidates all entries for the mm on this CPU.
func (c *CPU) FlushAll(t *schedule.Thread, verb string) {
	t.Step(schedule.Op{Verb: verb, Cell: &c.context.Cell, Mode: schedule.WriteOnce})
	for p := range c.tlb {
		c.tlb[p].Put(nil)
	}
}

// Broadcast invalidates the entry for page p on every CPU, whether in mm_cpumask or
// not: an instruction that the hardware carries to all, and the wait for its end.
func (m *Machine) Broadcast(t *schedule.Thread, verb string, p int) {
	t.Step(schedule.Op{Verb: verb, Cell: &m.Mm.pte[p].Cell, Mode: schedule.Barrier})
	for i := range m.CPUs {
		if c := &m.CPUs[i]; c.Live() {
			c.tlb[p].Put(nil)
		}
	}
}
