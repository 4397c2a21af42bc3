// Package cpumask is struct cpumask (include/linux/cpumask.h): a set of CPUs.
//
// Steps: every operation is one, since a mask is one word here (no more than 64
// CPUs). SetCPU and ClearCPU are atomic bit operations that order nothing; Copy and
// Clear are plain stores of the whole word. So a SetCPU that comes between what a
// thread has read and the Copy that it makes of it is lost, atomic or not. That is
// what the kernel does, not a misuse.
//
// Misuse: none.
//
// Not modelled: masks of several words, in which Copy is not one store.
package cpumask

import "github.com/kschedfuzz/kschedfuzz/schedule"

// A Mask is a struct cpumask. The zero value is empty.
type Mask struct {
	bits    schedule.Cell
	dropped func(t *schedule.Thread)
}

// Of returns the value of a mask with that CPU alone, cpumask_of().
func Of(cpu int) uint64 { return 1 << cpu }

// OnDrop has f called in every step of Copy and ClearCPU, after it: for an oracle. It
// belongs in the constructor of the object. A Clear is half of something, and whoever
// does the whole of it says so himself.
func (m *Mask) OnDrop(f func(t *schedule.Thread)) { m.dropped = f }

func (m *Mask) drop(t *schedule.Thread, v uint64) {
	m.bits.Set(v)
	if m.dropped != nil {
		m.dropped(t)
	}
}

// SetCPU is cpumask_set_cpu().
func (m *Mask) SetCPU(t *schedule.Thread, cpu int) {
	t.Step(schedule.Op{Verb: "cpumask_set_cpu", Cell: &m.bits, Mode: schedule.RMW})
	m.bits.Set(m.bits.Value() | Of(cpu))
}

// ClearCPU is cpumask_clear_cpu().
func (m *Mask) ClearCPU(t *schedule.Thread, cpu int) {
	t.Step(schedule.Op{Verb: "cpumask_clear_cpu", Cell: &m.bits, Mode: schedule.RMW})
	m.drop(t, m.bits.Value()&^Of(cpu))
}

// TestCPU is cpumask_test_cpu().
func (m *Mask) TestCPU(t *schedule.Thread, cpu int) bool {
	t.Step(schedule.Op{Verb: "cpumask_test_cpu", Cell: &m.bits, Mode: schedule.ReadOnce})
	return t.ObserveBool(t.Load(&m.bits)&Of(cpu) != 0)
}

// AnyBut is cpumask_any_but(), as callers use it: whether there is any CPU but this one.
func (m *Mask) AnyBut(t *schedule.Thread, cpu int) bool {
	t.Step(schedule.Op{Verb: "cpumask_any_but", Cell: &m.bits, Mode: schedule.ReadOnce})
	return t.ObserveBool(t.Load(&m.bits)&^Of(cpu) != 0)
}

// Copy is cpumask_copy() from a mask whose value is v.
func (m *Mask) Copy(t *schedule.Thread, v uint64) {
	t.Step(schedule.Op{Verb: "cpumask_copy", Cell: &m.bits, Mode: schedule.PlainWrite})
	m.drop(t, v)
}

// Clear is cpumask_clear().
func (m *Mask) Clear(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "cpumask_clear", Cell: &m.bits, Mode: schedule.PlainWrite})
	m.bits.Set(0)
}

// Init sets the mask where nobody else can see it yet: no step.
func (m *Mask) Init(v uint64) { m.bits.Set(v) }

// Peek returns the mask, CPU n being bit n. It is no step: for what is part of
// another step, for fingerprints and final checks.
func (m *Mask) Peek() uint64 { return m.bits.Value() }

// Has reports whether cpu is in the mask. It is no step.
func (m *Mask) Has(cpu int) bool { return m.Peek()>>cpu&1 != 0 }

// Cell returns the cell that stands for the mask in the operations of others.
func (m *Mask) Cell() *schedule.Cell { return &m.bits }
