package pthread

import "github.com/kschedfuzz/kschedfuzz/schedule"

// An Int is a shared variable. The zero value is 0.
type Int struct {
	v schedule.Cell
}

// Init gives x a value before the first step.
func (x *Int) Init(v int) { x.v.Set(uint64(v)) }

// Peek returns the value. It is no step: for what is looked at when all threads have
// finished, and for gates.
func (x *Int) Peek() int { return int(x.v.Value()) }

// Read is a plain read.
func (x *Int) Read(t *schedule.Thread) int { return x.read(t, "read", schedule.PlainRead) }

// Load is atomic_load().
func (x *Int) Load(t *schedule.Thread) int {
	return x.read(t, "atomic_load", schedule.ReadOnce|schedule.Acquire)
}

func (x *Int) read(t *schedule.Thread, verb string, mode schedule.Mode) int {
	await(t, schedule.Op{Verb: verb, Cell: &x.v, Mode: mode}, nil)
	return int(t.Observe(x.v.Value()))
}

// Write is a plain write.
func (x *Int) Write(t *schedule.Thread, v int) { x.write(t, "write", schedule.PlainWrite, v) }

// Store is atomic_store().
func (x *Int) Store(t *schedule.Thread, v int) {
	x.write(t, "atomic_store", schedule.WriteOnce|schedule.Release, v)
}

func (x *Int) write(t *schedule.Thread, verb string, mode schedule.Mode, v int) {
	await(t, schedule.Op{Verb: verb, Cell: &x.v, Mode: mode}, nil)
	x.v.Set(uint64(v))
}

// Inc is x++ of a variable that is not atomic: a read and a write, two steps.
func (x *Int) Inc(t *schedule.Thread, by int) { x.Write(t, x.Read(t)+by) }

// Add is atomic_fetch_add(), but returns the sum.
func (x *Int) Add(t *schedule.Thread, by int) int {
	await(t, schedule.Op{Verb: "atomic_add", Cell: &x.v, Mode: schedule.RMWFull}, nil)
	x.v.Set(x.v.Value() + uint64(by))
	return int(t.Observe(x.v.Value()))
}

// Exchange is atomic_exchange(): it returns the old value.
func (x *Int) Exchange(t *schedule.Thread, v int) int {
	await(t, schedule.Op{Verb: "atomic_exchange", Cell: &x.v, Mode: schedule.RMWFull}, nil)
	old := x.v.Value()
	x.v.Set(uint64(v))
	return int(t.Observe(old))
}

// CompareAndSwap is atomic_compare_exchange_strong().
func (x *Int) CompareAndSwap(t *schedule.Thread, old, v int) bool {
	await(t, schedule.Op{Verb: "atomic_compare_exchange", Cell: &x.v, Mode: schedule.RMWFull}, nil)
	if !t.ObserveBool(x.Peek() == old) {
		return false
	}
	x.v.Set(uint64(v))
	return true
}

// Await is a loop of Load that ends when g is open, without the polling: one step, enabled
// then. What was read is not told, so it is no part of what the thread knows.
func (x *Int) Await(t *schedule.Thread, g schedule.Gate) {
	const mode = schedule.ReadOnce | schedule.Acquire | schedule.Blocks
	await(t, schedule.Op{Verb: "atomic_load (await)", Cell: &x.v, Mode: mode}, g)
}

// A Ptr is a shared pointer. The zero value is NULL.
type Ptr[P schedule.Pointer] struct {
	p schedule.Ptr[P]
}

// Init gives x a value before the first step.
func (x *Ptr[P]) Init(p P) { x.p.Put(p) }

// Peek returns the pointer. It is no step.
func (x *Ptr[P]) Peek() P { return x.p.Get() }

// Read is a plain read.
func (x *Ptr[P]) Read(t *schedule.Thread) P {
	await(t, schedule.Op{Verb: "read", Cell: &x.p.Cell, Mode: schedule.PlainRead}, nil)
	t.Observe(x.p.Value())
	return x.p.Get()
}

// Write is a plain write.
func (x *Ptr[P]) Write(t *schedule.Thread, p P) {
	await(t, schedule.Op{Verb: "write", Cell: &x.p.Cell, Mode: schedule.PlainWrite}, nil)
	x.p.Put(p)
}

// Free is free(). A second one is [schedule.DoubleFree], and any step on a cell of what
// has been freed is [schedule.UseAfterFree].
func Free(t *schedule.Thread, o schedule.Header) {
	h := o.Header()
	await(t, schedule.Op{Verb: "free", Cell: h.Self(), Mode: schedule.Writes | schedule.Frees}, nil)
	t.Free(h)
}

// Assert fails the execution at the step that t has just taken, unless ok.
func Assert(t *schedule.Thread, ok bool, note string) {
	if !ok {
		var o *schedule.Object
		if c := t.Op().Cell; c != nil {
			o = c.Object()
		}
		t.Fail(schedule.BugOn, o, schedule.Party{}, note)
	}
}

// Dereference fails if p is NULL, at the step that has read it.
func Dereference[P schedule.Pointer](t *schedule.Thread, p P) {
	var null P
	Assert(t, p != null, "NULL is dereferenced")
}
