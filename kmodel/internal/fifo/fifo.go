// Package fifo keeps things that CPUs have queued, to be run later: RCU callbacks,
// work items, requests that a device has. It knows the order in which each CPU queued
// them, and none across CPUs.
package fifo

import (
	"fmt"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// An Entry is the place of one thing in a queue. It is part of the thing, and so
// part of the object that the thing is in.
type Entry struct {
	// place is 0 when not queued, else the CPU (see cpuOf) above placeBits, the rank
	// among what that CPU has queued, and above both the marks.
	place schedule.Cell
}

const (
	placeBits = 32
	markShift = 40
	maxMarks  = 64 - markShift // which threads have a mark: so many, from the first on
)

// Mark returns the mark of a thread, by which it finds again what it waits for: a bit of
// the high part of a word, the rest of which is the caller's. It panics if t has none; verb
// is what t waits in.
func Mark(t *schedule.Thread, verb string) uint64 {
	if t.ID >= maxMarks {
		panic(fmt.Sprintf("fifo: %s in thread %d (%s): threads 0 to %d may; create it sooner",
			verb, t.ID, t.Name, maxMarks-1))
	}
	return 1 << (markShift + t.ID)
}

// bootCPU is the CPU of what was queued before the first step, which none of the threads has.
// It lies among theirs, where it was when there were 64 of them: places are in cells.
const bootCPU = 65

// cpuOf returns the number of the CPU of thread id in a place: id+1, but for bootCPU.
func cpuOf(id int) uint64 {
	if id+1 < bootCPU {
		return uint64(id + 1)
	}
	return uint64(id + 2)
}

// Cell returns the cell that operations on the entry name.
func (en *Entry) Cell() *schedule.Cell { return &en.place }

// Queued reports whether the entry is in a queue.
func (en *Entry) Queued() bool { return en.place.Value() != 0 }

// AddMark adds a mark to an entry that is queued. It has it until it leaves the queue.
func (en *Entry) AddMark(mark uint64) { en.place.Set(en.place.Value() | mark) }

// Marked reports whether the entry is queued and has the mark.
func (en *Entry) Marked(mark uint64) bool { return en.place.Value()&mark != 0 }

// CPU returns the number of the CPU on which it is queued, 1 to 255.
func (en *Entry) CPU() uint64 { return en.where() >> placeBits }

// where returns the place without the marks.
func (en *Entry) where() uint64 { return en.place.Value() & (1<<markShift - 1) }

// Item is what a queue holds.
type Item interface {
	comparable
	Entry() *Entry
}

// A Queue holds items, ordered by the identity of their cells: an order that
// does not depend on the history, so that two histories that lead to the same
// queues are the same state.
type Queue[I Item] struct {
	items  []I
	queued schedule.Shared // what there is in items
}

// Reset empties the queue at the start of an execution.
func (q *Queue[I]) Reset() { q.items = q.items[:0] }

// Len returns the number of items.
func (q *Queue[I]) Len() int { return len(q.items) }

// At returns item i, in the order of their identity.
func (q *Queue[I]) At(i int) I { return q.items[i] }

// Index returns the place of an item that is queued, in the order of At.
func (q *Queue[I]) Index(it I) int { return slices.Index(q.items, it) }

// Look says that the current step of t, or a gate, depends on what is queued.
func (q *Queue[I]) Look(t *schedule.Thread) { q.queued.Reads(t, 0) }

// Push queues it on the CPU of t, behind what that CPU has queued already.
func (q *Queue[I]) Push(t *schedule.Thread, it I) { q.PushTo(t, cpuOf(t.ID), it) }

// PushTo queues it on the CPU of that number (see [Entry.CPU]), in the current step of t.
func (q *Queue[I]) PushTo(t *schedule.Thread, cpu uint64, it I) {
	q.queued.Writes(t, 0)
	q.push(cpu<<placeBits, it)
}

// PushBoot queues it before the first step, on a CPU that none of the threads has.
func (q *Queue[I]) PushBoot(it I) { q.push(bootCPU<<placeBits, it) }

func (q *Queue[I]) push(cpu uint64, it I) {
	last := cpu
	for _, other := range q.items {
		if p := other.Entry().where(); p>>placeBits == cpu>>placeBits && p > last {
			last = p
		}
	}
	it.Entry().place.Set(last + 1)
	i := len(q.items)
	q.items = append(q.items, it)
	for ; i > 0 && q.items[i-1].Entry().place.ID() > it.Entry().place.ID(); i-- {
		q.items[i] = q.items[i-1]
	}
	q.items[i] = it
}

// First reports whether item i is the first that its CPU has queued.
func (q *Queue[I]) First(i int) bool { return q.FirstBut(i, nil) }

// FirstBut reports whether item i is the first that its CPU has queued, but for those
// that pass says to pass over.
func (q *Queue[I]) FirstBut(i int, pass func(I) bool) bool {
	p := q.items[i].Entry().where()
	for _, other := range q.items {
		o := other.Entry().where()
		if o>>placeBits == p>>placeBits && o < p && (pass == nil || !pass(other)) {
			return false
		}
	}
	return true
}

// Remove takes item i out, in the current step of t, and returns the marks that it had.
func (q *Queue[I]) Remove(t *schedule.Thread, i int) (marks uint64) {
	q.queued.Writes(t, 0)
	c := &q.items[i].Entry().place
	marks = c.Value() &^ (1<<markShift - 1)
	c.Set(0)
	q.items = append(q.items[:i], q.items[i+1:]...)
	return marks
}
