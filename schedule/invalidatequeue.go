package schedule

// The invalidate queue as it is kept: slots in cells, so that they are part of the state, and beside
// them what a trace says of them. What goes in, and what a load makes of it, is in invalidate.go.

// maxInvalid is the most invalidations that wait in a queue. With one more the execution is [Invalid].
// (If the oldest were processed then, what can be read would depend on which loads are known, and a
// tape would not always be the same execution: see [Loads].) The workloads of the kernel models come
// to 50.
const maxInvalid = 64

// InvalidateLimit is the reason of an [Invalid] execution in which more is written than loads that
// pass loads can do without for so long.
const InvalidateLimit = "limit of the invalidate queues"

// An invalidateQueue is that of one thread.
type invalidateQueue struct {
	Object
	state Cell // how many wait, how many of them may be read, and isShut
	slots [maxInvalid]struct{ cell, val Cell }
	old   [maxInvalid]oldValue // what was in memory; what was written over first is first
	read  waitingStore         // one of them, by the step under way
	asOf  int                  // the step as of which is what that has loaded
}

// An oldValue is what was in memory, and what a trace says of it. An execution depends on no more of
// that than the slots have: of over, on which slots are of one step.
type oldValue struct {
	waitingStore
	over   int // the step that has written over it
	passed int // a load of the thread that has seen something newer; 0: none, so it may not be read
}

// The bits of the state of a queue. While it is shut nothing goes into it.
const (
	readBits = 8
	countOf  = 1<<readBits - 1
	isShut   = 1 << (2 * readBits)

	// isMark is a bit of what stands for the cell of a slot: the old value may not be read any more.
	// The value of such a slot is the object that has been reached by the pointer in that cell, if
	// any: what is loaded from there is no older. Or it is ownStore.
	isMark = 1 << 63
	// ownStore says that what came then is a store of the thread.
	ownStore = 1
	// isBound is a bit of a mark of a cell whose address was computed: no load of it comes before.
	// What is there may have come long before.
	isBound = 1 << 62
	// sameStep is a bit of what stands for the cell of a slot: what has written over it is the step
	// that has written over the slot before it: see [Thread.LoadsNoOlder].
	sameStep = 1 << 61
)

// used returns how many invalidations wait.
func (q *invalidateQueue) used() int { return int(q.state.Value() & countOf) }

// readable returns how many of them, the first ones, are of values that may be read.
func (q *invalidateQueue) readable() int { return int(q.state.Value() >> readBits & countOf) }

// set changes the two.
func (q *invalidateQueue) set(used, readable int) {
	q.state.Set(q.state.Value()&isShut | uint64(readable)<<readBits | uint64(used))
}

// wait puts an invalidation into a queue, with what stands for its cell.
func (e *Exec) wait(q *invalidateQueue, w waitingStore, cell uint64) {
	n := q.room()
	q.old[n] = oldValue{waitingStore: w, over: e.steps}
	q.put(n, cell, w.val)
	q.set(n+1, q.readable())
}

// room is used where one more is to go in.
func (q *invalidateQueue) room() int {
	n := q.used()
	if e := q.exec; n == maxInvalid {
		e.outcome, e.reason = Invalid, InvalidateLimit
		e.unwind()
	}
	return n
}

// insert puts a mark in front of slot at, as of when step over had written.
func (q *invalidateQueue) insert(at int, mark uint64, over int) {
	n, r := q.room(), q.readable()
	if at < r {
		r++
	}
	copy(q.old[at+1:n+1], q.old[at:n])
	q.old[at] = oldValue{over: over}
	for i := n; i > at; i-- {
		q.put(i, q.cell(i-1), q.slots[i-1].val.val)
	}
	q.put(at, mark, 0)
	q.set(n+1, r)
}

// put fills slot i, whose old value is there already.
func (q *invalidateQueue) put(i int, cell, val uint64) {
	if i > 0 && q.old[i].over == q.old[i-1].over {
		cell |= sameStep
	}
	q.slots[i].cell.Set(cell)
	q.slots[i].val.Set(val)
}

// cell returns what stands for the cell of slot i.
func (q *invalidateQueue) cell(i int) uint64 { return q.slots[i].cell.val &^ sameStep }

// holds reports whether slot i has an old value of c, in this life of its object.
func (q *invalidateQueue) holds(i int, c *Cell) bool { return q.cell(i) == c.ID() }

// marks reports whether slot i says no more than when the value of c came that was read.
func (q *invalidateQueue) marks(i int, c *Cell) bool { return q.cell(i) == c.ID()|isMark }

// isOwn reports whether slot i says when a store of the thread got into memory.
func (q *invalidateQueue) isOwn(i int) bool {
	return q.cell(i)&isMark != 0 && q.slots[i].val.val == ownStore
}

// object returns the identity of the object that slot i has a cell of, 0 if it has none.
func (q *invalidateQueue) object(i int) uint64 {
	return q.cell(i) &^ (isMark | isBound | maxCells)
}

// forget processes slot i, but for what it says of the object that its pointer has led to.
func (q *invalidateQueue) forget(i int) {
	if val := q.slots[i].val.val; q.cell(i)&isMark != 0 && val > ownStore {
		q.put(i, isMark, val)
	} else {
		q.remove(i)
	}
}

// trim takes away the first slots as far as they say only when something came: nothing is older.
func (q *invalidateQueue) trim() {
	for q.used() > 0 && q.cell(0)&isMark != 0 {
		q.remove(0)
	}
}

// remove processes slot i.
func (q *invalidateQueue) remove(i int) {
	n, r := q.used()-1, q.readable()
	if i < r {
		r--
	}
	copy(q.old[i:n], q.old[i+1:n+1])
	for ; i < n; i++ {
		q.put(i, q.cell(i+1), q.slots[i+1].val.val)
	}
	q.slots[n].cell.Set(0)
	q.slots[n].val.Set(0)
	q.set(n, r)
}

// processTo processes what is before slot i.
func (q *invalidateQueue) processTo(i int) {
	for i--; i >= 0; i-- {
		q.remove(i)
	}
	q.trim()
}

// process processes all.
func (q *invalidateQueue) process() {
	for q.used() > 0 {
		q.remove(q.used() - 1)
	}
}

func (q *invalidateQueue) processCell(c *Cell) {
	for i := q.used() - 1; i >= 0; i-- {
		if q.holds(i, c) || q.marks(i, c) {
			q.forget(i)
		}
	}
	q.trim()
}

// settle processes what the first n slots have of c, the last of which stays, to say when what
// can be read now came.
func (q *invalidateQueue) settle(c *Cell, n int) {
	came := false
	for i := n - 1; i >= 0; i-- {
		switch {
		case !q.holds(i, c) && !q.marks(i, c):
		case came:
			q.forget(i)
		default:
			came = true
			if q.holds(i, c) {
				q.put(i, c.ID()|isMark, 0)
			}
		}
	}
	q.trim()
}

// shut processes all, and has nothing go into the queue until its thread takes a step.
func (q *invalidateQueue) shut() {
	q.process()
	q.state.Set(isShut)
}

// open has what others store go into the queue from now on.
func (q *invalidateQueue) open() {
	if q.state.Value()&isShut != 0 {
		q.state.Set(0)
	}
}
