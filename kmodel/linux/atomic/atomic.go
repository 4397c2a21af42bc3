// Package atomic is atomic_t (include/linux/atomic.h).
//
// Steps: every operation is one. Read and Set are plain marked accesses. Those
// that return nothing (Inc, Dec, Add) order nothing; those that return a value
// are full barriers, IncNotZero, AddUnless and Cmpxchg on success only. With store buffers
// ([schedule.Exec.BufferStores]) all but Read and Set are full barriers, as on x86.
//
// Misuse: none; an atomic_t may have any value. A count that must not be taken
// from 0 or fall below it is a refcount.
package atomic

import "github.com/kschedfuzz/kschedfuzz/schedule"

// An Int is an atomic_t or atomic_long_t.
type Int struct{ cell schedule.Cell }

func (x *Int) step(t *schedule.Thread, verb string, m schedule.Mode) int {
	t.Step(schedule.Op{Verb: verb, Cell: &x.cell, Mode: m})
	return int(x.cell.Value())
}

func (x *Int) set(v int) { x.cell.Set(uint64(v)) }

func observe(t *schedule.Thread, v int) int { return int(t.Observe(uint64(v))) }

// Read is atomic_read().
func (x *Int) Read(t *schedule.Thread) int {
	t.Step(schedule.Op{Verb: "atomic_read", Cell: &x.cell, Mode: schedule.ReadOnce})
	return observe(t, int(t.Load(&x.cell)))
}

// Set is atomic_set().
func (x *Int) Set(t *schedule.Thread, v int) {
	x.step(t, "atomic_set", schedule.WriteOnce)
	t.Store(&x.cell, uint64(v))
}

// Inc is atomic_inc().
func (x *Int) Inc(t *schedule.Thread) { x.set(x.step(t, "atomic_inc", schedule.RMW) + 1) }

// Dec is atomic_dec().
func (x *Int) Dec(t *schedule.Thread) { x.set(x.step(t, "atomic_dec", schedule.RMW) - 1) }

// Add is atomic_add().
func (x *Int) Add(t *schedule.Thread, n int) { x.set(x.step(t, "atomic_add", schedule.RMW) + n) }

// IncReturn is atomic_inc_return().
func (x *Int) IncReturn(t *schedule.Thread) int {
	v := x.step(t, "atomic_inc_return", schedule.RMWFull) + 1
	x.set(v)
	return observe(t, v)
}

// DecAndTest is atomic_dec_and_test(): it reports whether the count fell to 0.
func (x *Int) DecAndTest(t *schedule.Thread) bool {
	v := x.step(t, "atomic_dec_and_test", schedule.RMWFull) - 1
	x.set(v)
	return t.ObserveBool(v == 0)
}

// SubAndTest is atomic_sub_and_test().
func (x *Int) SubAndTest(t *schedule.Thread, n int) bool {
	v := x.step(t, "atomic_sub_and_test", schedule.RMWFull) - n
	x.set(v)
	return t.ObserveBool(v == 0)
}

// IncNotZero is atomic_inc_not_zero().
func (x *Int) IncNotZero(t *schedule.Thread) bool {
	v := x.step(t, "atomic_inc_not_zero", schedule.RMWFull)
	if v != 0 {
		x.set(v + 1)
	}
	return t.ObserveBool(v != 0)
}

// AddUnless is atomic_add_unless(): it adds n unless the value is u, and reports
// whether it did.
func (x *Int) AddUnless(t *schedule.Thread, n, u int) bool {
	v := x.step(t, "atomic_add_unless", schedule.RMWFull)
	if v != u {
		x.set(v + n)
	}
	return t.ObserveBool(v != u)
}

// Xchg is atomic_xchg().
func (x *Int) Xchg(t *schedule.Thread, v int) int {
	old := x.step(t, "atomic_xchg", schedule.RMWFull)
	x.set(v)
	return observe(t, old)
}

// Cmpxchg is atomic_cmpxchg(): it returns the value found.
func (x *Int) Cmpxchg(t *schedule.Thread, old, v int) int {
	found := x.step(t, "atomic_cmpxchg", schedule.RMWFull)
	if found == old {
		x.set(v)
	}
	return observe(t, found)
}

// Init is atomic_set() on memory that nobody else can see yet: no step.
func (x *Int) Init(v int) { x.set(v) }

// Peek returns the value without a step, for fingerprints and final checks.
func (x *Int) Peek() int { return int(x.cell.Value()) }
