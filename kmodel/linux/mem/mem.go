// Package mem is memory: words and pointers with the accesses that C code makes
// (asm-generic/rwonce.h, asm/barrier.h).
//
// A plain access, Read or Write, is what C does for x or x = v; it is subject to
// data races. ReadOnce and WriteOnce are marked, LoadAcquire and StoreRelease are
// ordered. Steps: every access is one. An x++ or x |= f on a plain word is two,
// unless a lock protects it; write it as a Read and a Write. A loop with cpu_relax() in it
// is one step, [schedule.Thread.Await] with a gate. That is open when the word has come only
// if the word is the loop's only exit: a loop that starts over, and looks at a lock or a
// pointer again, is left by what changes these too.
//
// Memory is sequentially consistent, or that of x86 ([schedule.Exec.BufferStores]): then a store
// of any kind may come after loads that follow it, unless SmpMb or a locked instruction is between.
// Or stores may pass stores too ([schedule.Exec.ReorderStores]): then SmpWmb and StoreRelease count.
// Or loads may pass loads as well ([schedule.Exec.ReorderLoads]): then SmpRmb and LoadAcquire do, and
// that a pointer is loaded before what it leads to. Stores that pass loads are not modelled.
package mem

import "github.com/kschedfuzz/kschedfuzz/schedule"

// SmpMb is smp_mb(): one step, which touches nothing.
func SmpMb(t *schedule.Thread) { t.Step(schedule.Op{Verb: "smp_mb", Mode: schedule.Barrier}) }

// SmpWmb is smp_wmb(): one step, which touches nothing.
func SmpWmb(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "smp_wmb", Mode: schedule.Compiler})
	t.StoreBarrier()
}

// SmpRmb is smp_rmb(): one step, which touches nothing.
func SmpRmb(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "smp_rmb", Mode: schedule.Marked | schedule.Acquire})
}

// NullDereference is an access to what, "ctx->users", where ctx is NULL: a step that fails, and that
// does not return.
func NullDereference(t *schedule.Thread, verb, what string) {
	t.Step(schedule.Op{Verb: verb})
	t.Fail(schedule.NullDereference, nil, schedule.Party{}, what)
}

// An Int is a word.
type Int struct{ cell schedule.Cell }

func (x *Int) load(t *schedule.Thread, verb string, m schedule.Mode) int {
	t.Step(schedule.Op{Verb: verb, Cell: &x.cell, Mode: m})
	return int(t.Observe(t.Load(&x.cell)))
}

func (x *Int) store(t *schedule.Thread, verb string, m schedule.Mode, v int) {
	t.Step(schedule.Op{Verb: verb, Cell: &x.cell, Mode: m})
	t.Store(&x.cell, uint64(v))
}

// Read is a plain load.
func (x *Int) Read(t *schedule.Thread) int { return x.load(t, "read", schedule.PlainRead) }

// Write is a plain store.
func (x *Int) Write(t *schedule.Thread, v int) { x.store(t, "write", schedule.PlainWrite, v) }

// ReadOnce is READ_ONCE().
func (x *Int) ReadOnce(t *schedule.Thread) int { return x.load(t, "READ_ONCE", schedule.ReadOnce) }

// WriteOnce is WRITE_ONCE().
func (x *Int) WriteOnce(t *schedule.Thread, v int) {
	x.store(t, "WRITE_ONCE", schedule.WriteOnce, v)
}

// LoadAcquire is smp_load_acquire().
func (x *Int) LoadAcquire(t *schedule.Thread) int {
	return x.load(t, "smp_load_acquire", schedule.ReadOnce|schedule.Acquire)
}

// StoreRelease is smp_store_release().
func (x *Int) StoreRelease(t *schedule.Thread, v int) {
	x.store(t, "smp_store_release", schedule.WriteOnce|schedule.Release, v)
}

// Init sets the word where nobody else can see it yet: no step.
func (x *Int) Init(v int) { x.cell.Set(uint64(v)) }

// Peek returns the word without a step, for fingerprints and final checks.
func (x *Int) Peek() int { return int(x.cell.Value()) }

// DependsOn says that x is an element of an array whose index t has computed from what it has loaded
// last from index: x is not loaded before. No step. (That a pointer is loaded before what it leads
// to, nobody need say.)
func (x *Int) DependsOn(t *schedule.Thread, index *Int) { t.DependsOn(&x.cell, &index.cell) }

// Cell returns the word's cell, for other primitives.
func (x *Int) Cell() *schedule.Cell { return &x.cell }

// A Ptr is a pointer.
type Ptr[P schedule.Pointer] struct{ ptr schedule.Ptr[P] }

func (x *Ptr[P]) load(t *schedule.Thread, verb string, m schedule.Mode) P {
	t.Step(schedule.Op{Verb: verb, Cell: &x.ptr.Cell, Mode: m})
	p, v := x.ptr.Load(t)
	t.Observe(v)
	return p
}

// Read is a plain load.
func (x *Ptr[P]) Read(t *schedule.Thread) P { return x.load(t, "read", schedule.PlainRead) }

// ReadOnce is READ_ONCE().
func (x *Ptr[P]) ReadOnce(t *schedule.Thread) P { return x.load(t, "READ_ONCE", schedule.ReadOnce) }

// LoadAcquire is smp_load_acquire().
func (x *Ptr[P]) LoadAcquire(t *schedule.Thread) P {
	return x.load(t, "smp_load_acquire", schedule.ReadOnce|schedule.Acquire)
}

func (x *Ptr[P]) store(t *schedule.Thread, verb string, m schedule.Mode, p P) {
	t.Step(schedule.Op{Verb: verb, Cell: &x.ptr.Cell, Mode: m})
	x.ptr.Store(t, p)
}

// Write is a plain store.
func (x *Ptr[P]) Write(t *schedule.Thread, p P) { x.store(t, "write", schedule.PlainWrite, p) }

// StoreRelease is smp_store_release().
func (x *Ptr[P]) StoreRelease(t *schedule.Thread, p P) {
	x.store(t, "smp_store_release", schedule.WriteOnce|schedule.Release, p)
}

// Init sets the pointer where nobody else can see it yet: no step.
func (x *Ptr[P]) Init(p P) { x.ptr.Put(p) }

// Peek returns the pointer without a step, for fingerprints and final checks.
func (x *Ptr[P]) Peek() P { return x.ptr.Get() }
