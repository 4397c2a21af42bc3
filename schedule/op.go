package schedule

// Mode says how an operation touches its cell and how it is ordered: a set of
// the bits below. How it is ordered matters where stores wait in store buffers
// ([Exec.BufferStores]): a locked instruction (Reads, Writes and Marked), a barrier and what
// sleeps wait for them; a release does where they pass each other; an acquire does where loads
// pass each other ([Exec.ReorderLoads]). Else memory is sequentially consistent.
type Mode uint16

// The bits of a Mode. A plain access has neither Marked nor an ordering.
const (
	Reads   Mode = 1 << iota // the operation depends on the cell
	Writes                   // the operation changes the cell
	Marked                   // READ_ONCE, WRITE_ONCE, atomics: not a data race
	Acquire                  // nothing later moves before it
	Release                  // nothing earlier moves after it
	Blocks                   // it may have to wait

	// Interruptible marks a wait that a signal ends. When nothing can happen any
	// more but for such waits, every waiter gets one ([Thread.Interrupted]), as a
	// user would press ^C.
	Interruptible

	// Frees marks the freeing of the object: on one that is free already it is
	// a [DoubleFree], where any other step is a [UseAfterFree].
	Frees

	// Sleeps marks the end of a wait for which a kernel leaves the CPU even if nobody is in the
	// way, as for a grace period without a reader. If another goes before it, that is no
	// preemption.
	Sleeps

	PlainRead  = Reads
	PlainWrite = Writes
	ReadOnce   = Reads | Marked
	WriteOnce  = Writes | Marked
	RMW        = Reads | Writes | Marked // an atomic that orders nothing
	RMWFull    = RMW | Acquire | Release // an atomic that returns a value
	LockOp     = Reads | Writes | Marked | Acquire | Blocks
	UnlockOp   = Writes | Marked | Release
	Barrier    = Marked | Acquire | Release
	Compiler   = Marked // orders what the compiler does, and nothing that the CPU does
)

// An Op is what a parked thread will do in its next step. If it Blocks and neither Reads nor
// Writes, Cell is what it waits for and not touched.
type Op struct {
	Verb string // as the kernel spells it: "percpu_ref_get"
	Cell *Cell  // what it touches; nil: nothing that is shared
	Mode Mode
}

// Conflicts reports whether the order of a and b can matter through the cells
// they name: the same cell, and at least one of them writes. That is not all that
// can matter: a step may touch other cells too (a wake-up, a list neighbour), and
// the beginning and end of a read-side section decide what a grace period waits for
// although they name none. To reduce a search by, there are [Footprints].
func (a Op) Conflicts(b Op) bool {
	return a.Cell != nil && a.Cell == b.Cell && (a.Mode|b.Mode)&Writes != 0
}

// A Gate says whether a blocked operation could be taken now. It must depend
// on nothing but cells and t, and change nothing. A gate is usually a pointer
// to the primitive itself, so that waiting allocates nothing.
type Gate interface {
	Open(t *Thread) bool
}
