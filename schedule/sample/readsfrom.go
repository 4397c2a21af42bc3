package sample

import "github.com/kschedfuzz/kschedfuzz/schedule"

// ReadsFrom draws, for each execution, one to three wishes about which write a read shall
// see, or shall not see, and hurries and holds threads to have them come true; where they
// say nothing it decides as [POS] does. It is the scheduler of RFF without its fuzzing
// (Wolff, Shi, Duck, Mathur and Roychoudhury, "Greybox fuzzing for concurrency testing",
// ASPLOS 2024, section 4.2 and figure 2).
//
// A wish names two accesses to a cell that executions so far have made, or its initial
// value, one time in two by what they do only, whoever does it; else by the thread too,
// or by the thread and for the how-manieth time. That a read shall see a write is dropped
// once it has; that it shall not, when it does. Locks count: an unlock writes what the
// next lock reads.
//
// Deviations: what a location in the code is to RFF is the cell and the mode of the access
// here, for an operation does not know its place; cells are drawn by how often they are
// accessed; a write that changes nothing, a failed compare and exchange, counts as one.
type ReadsFrom struct {
	pos    *POS
	pool   []traffic // of all cells, in the order in which they were first met
	index  map[uint64]int
	weight int // of shared cells
	wishes [maxWishes]wish
	n      int // wishes of this execution
	run    int // number of the execution
}

const (
	maxWishes = 3
	// maxPool is the most cells that are told apart, and the most kinds of access to one.
	maxPool = 1 << 12
	anybody = -1
	anyTime = -1
)

// traffic is the kinds of access that a cell has seen.
type traffic struct {
	cell   uint64
	kinds  []kind
	reads  int // kinds that read
	writes int
	weight int // accesses in an execution, 0 if one thread makes them all, or none writes
}

// kind is the accesses of a thread in one mode.
type kind struct {
	mode      schedule.Mode
	thread    int
	now, most int // in this execution, in any
	run       int // that now is of
}

// access is what a wish says of one side.
type access struct {
	mode   schedule.Mode // 0: the initial value
	thread int           // anybody
	nth    int           // anyTime, or from 0; then it is of a thread
	met    int           // so many were made
}

// A wish is that read sees write, or never does.
type wish struct {
	cell        uint64
	write, read access
	never       bool
	last        bool // the cell holds what write has written
	dropped     bool
}

// NewReadsFrom returns a ReadsFrom.
func NewReadsFrom(seed uint64) *ReadsFrom {
	return &ReadsFrom{pos: NewPOS(seed), index: map[uint64]int{}}
}

// Forget makes r as it was at first, but for its randomness, as [SURW.Forget].
func (r *ReadsFrom) Forget() {
	clear(r.index)
	r.pool, r.weight = r.pool[:0], 0
	r.pos.threads = few
}

// Begin implements [Sampler].
func (r *ReadsFrom) Begin() {
	r.pos.Begin()
	r.run++
	r.n = 0
	if r.weight == 0 {
		return
	}
	r.n = 1 + r.pos.below(maxWishes)
	for i := range r.n {
		r.wishes[i] = r.draw()
	}
}

// draw returns a wish about a shared cell.
func (r *ReadsFrom) draw() wish {
	at := r.pos.below(r.weight)
	i := 0
	for ; at >= r.pool[i].weight; i++ {
		at -= r.pool[i].weight
	}
	t := &r.pool[i]
	w := wish{cell: t.cell, never: r.pos.below(2) == 0}
	exact := max(0, r.pos.below(4)-1) // 0, 0: by mode; 1: by thread; 2: by number
	if k := r.pos.below(t.writes + 1); k < t.writes {
		w.write = r.side(t, k, schedule.Writes, exact)
	} else {
		w.last = true
	}
	w.read = r.side(t, r.pos.below(t.reads), schedule.Reads, exact)
	return w
}

// side returns access number i of those of t that have the given bit in their mode.
func (r *ReadsFrom) side(t *traffic, i int, bit schedule.Mode, exact int) access {
	at := 0
	for ; t.kinds[at].mode&bit == 0 || i > 0; at++ {
		if t.kinds[at].mode&bit != 0 {
			i--
		}
	}
	k := &t.kinds[at]
	a := access{mode: k.mode, thread: anybody, nth: anyTime}
	if exact > 0 {
		a.thread = k.thread
	}
	if exact > 1 {
		a.nth = r.pos.below(k.most)
	}
	return a
}

// is reports whether a is the step that t is to take on the cell.
func (a *access) is(t *schedule.Thread) bool {
	return a.of(t) && (a.nth == anyTime || a.nth == a.met)
}

func (a *access) of(t *schedule.Thread) bool {
	return a.mode == t.Op().Mode && (a.thread == anybody || a.thread == t.ID)
}

// Step implements [Sampler].
func (r *ReadsFrom) Step(t *schedule.Thread) bool {
	r.pos.Step(t)
	c := t.Op().Cell
	if c == nil || c.Object() == nil {
		return true
	}
	id := c.ID()
	r.learn(id, t)
	for i := range r.wishes[:r.n] {
		if w := &r.wishes[i]; w.cell == id && !w.dropped {
			w.dropped = w.last && w.read.is(t)
			if t.Op().Mode&schedule.Writes != 0 {
				w.last = w.write.is(t)
			}
			if w.write.of(t) {
				w.write.met++
			}
			if w.read.of(t) {
				w.read.met++
			}
		}
	}
	return true
}

// learn counts a step of t on the cell.
func (r *ReadsFrom) learn(cell uint64, t *schedule.Thread) {
	i, known := r.index[cell]
	if !known {
		if i = len(r.pool); i == maxPool {
			return
		}
		r.index[cell] = i
		tr := traffic{cell: cell}
		if i < cap(r.pool) {
			tr.kinds = r.pool[:i+1][i].kinds[:0] // from before it was forgotten
		}
		r.pool = append(r.pool, tr)
	}
	tr := &r.pool[i]
	k := tr.kind(t.Op().Mode, t.ID)
	if k == nil {
		return
	}
	if k.run != r.run {
		k.run, k.now = r.run, 0
	}
	if k.now++; k.now > k.most {
		k.most = k.now
		r.weight -= tr.weight
		tr.weigh()
		r.weight += tr.weight
	}
}

// kind returns the kind of access, which is added if need be; nil if there are too many.
func (tr *traffic) kind(mode schedule.Mode, thread int) *kind {
	for i := range tr.kinds {
		if k := &tr.kinds[i]; k.mode == mode && k.thread == thread {
			return k
		}
	}
	if len(tr.kinds) == maxPool {
		return nil
	}
	tr.kinds = append(tr.kinds, kind{mode: mode, thread: thread})
	tr.reads += int(mode & schedule.Reads / schedule.Reads)
	tr.writes += int(mode & schedule.Writes / schedule.Writes)
	return &tr.kinds[len(tr.kinds)-1]
}

// weigh counts the accesses, if it can matter who comes first.
func (tr *traffic) weigh() {
	sum, shared := 0, false
	for i := range tr.kinds {
		sum += tr.kinds[i].most
		shared = shared || tr.kinds[i].thread != tr.kinds[0].thread
	}
	tr.weight = 0
	if shared && tr.reads > 0 && tr.writes > 0 {
		tr.weight = sum
	}
}

// End implements [Sampler].
func (r *ReadsFrom) End(e *schedule.Exec, res schedule.Result) { r.pos.End(e, res) }

// Choose implements [schedule.Chooser].
func (r *ReadsFrom) Choose(e *schedule.Exec, n int) int {
	if e.Enabled().Empty() || r.n == 0 {
		return r.pos.Choose(e, n)
	}
	wanted := r.wanted(e)
	best, band := -1, 0
	for id := range e.Enabled().All {
		b := r.band(e.Threads()[id], wanted)
		if best < 0 || b > band || b == band && r.pos.priority[id] > r.pos.priority[best] {
			best, band = id, b
		}
	}
	return of(e, best)
}

// wanted returns the set of wishes whose read is pending.
func (r *ReadsFrom) wanted(e *schedule.Exec) (set uint) {
	for id := range e.Enabled().All {
		t := e.Threads()[id]
		for i := range r.wishes[:r.n] {
			if w := &r.wishes[i]; w.concerns(t) && w.read.is(t) {
				set |= 1 << i
			}
		}
	}
	return set
}

func (w *wish) concerns(t *schedule.Thread) bool {
	c := t.Op().Cell
	return !w.dropped && !t.Idle() && c != nil && c.Object() != nil && c.ID() == w.cell
}

// band returns 2 if the step of t is wished for, 0 if it is to be held, and 1 if nothing is
// said of it, or both.
func (r *ReadsFrom) band(t *schedule.Thread, wanted uint) int {
	take, avoid := false, false
	for i := range r.wishes[:r.n] {
		w := &r.wishes[i]
		if !w.concerns(t) {
			continue
		}
		reads, writes := w.read.is(t), w.write.is(t)
		other := t.Op().Mode&schedule.Writes != 0 && !writes
		waits := wanted>>i&1 != 0
		if w.last == w.never { // the read would not do now what is wished
			avoid = avoid || reads || w.never && writes
			take = take || !w.never && waits && writes || w.never && waits && other
		} else {
			take = take || reads
			avoid = avoid || w.never && writes || !w.never && other && !reads
		}
	}
	switch {
	case take == avoid:
		return 1
	case take:
		return 2
	}
	return 0
}
