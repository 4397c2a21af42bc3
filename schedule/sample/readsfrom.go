package sample

import "github.com/kschedfuzz/kschedfuzz/schedule"

// ReadsFrom draws, for each execution, one to three constraints, which write a read shall
// see, or shall not see, and hurries and holds threads to have them come true; where they
// say nothing it decides as [POS] does. It is the scheduler of RFF without its fuzzing
// (Wolff, Shi, Duck, Mathur and Roychoudhury, "Greybox fuzzing for concurrency testing",
// ASPLOS 2024, section 4.2 and figure 2). For that, [ReadsFrom.BeginWith] takes constraints
// from elsewhere.
//
// A [Constraint] names two accesses to a cell that executions so far have made, or its initial
// value, one time in two by what they do only, whoever does it; else by the thread too,
// or by the thread and for the how-manieth time. That a read shall see a write is dropped
// once it has; that it shall not, when it does. Locks count: an unlock writes what the
// next lock reads.
//
// Deviations: what a location in the code is to RFF is the cell and the mode of the access
// here, for an operation does not know its place; cells are drawn by how often they are
// accessed; a write that changes nothing, a failed compare and exchange, counts as one.
type ReadsFrom struct {
	*ranks
	rest   Sampler   // whose these are, and who decides where constraints say nothing
	pool   []traffic // of all cells, in the order in which they were first met
	index  cellIndex
	weight int // of shared cells
	progress
	run int // number of the execution
}

const (
	// drawn is the most constraints that are drawn for an execution.
	drawn = 3
	// maxPool is the most cells that are told apart, and the most kinds of access to one.
	maxPool = 1 << 12
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

// NewReadsFrom returns a ReadsFrom.
func NewReadsFrom(seed uint64) *ReadsFrom {
	pos := NewPOS(seed)
	return &ReadsFrom{ranks: &pos.ranks, rest: pos}
}

// NewReadsFromDemote returns a ReadsFrom that decides as a [Demote] does where constraints say
// nothing.
func NewReadsFromDemote(seed uint64) *ReadsFrom {
	under := NewDemote(seed)
	return &ReadsFrom{ranks: &under.ranks, rest: under}
}

// Forget makes r as it was at first, but for its randomness, as [SURW.Forget].
func (r *ReadsFrom) Forget() {
	r.index.forget()
	r.pool, r.weight = r.pool[:0], 0
	*r.ranks = ranks{chance: r.chance, threads: few, demotes: r.demotes}
}

// Begin implements [Sampler].
func (r *ReadsFrom) Begin() {
	r.start()
	n := 0
	var list [drawn]Constraint
	if r.weight > 0 {
		n = 1 + r.below(drawn)
		for i := range n {
			list[i], _ = r.Draw()
		}
	}
	r.progress.begin(list[:n])
}

// BeginWith is Begin with the given constraints, of which the first [MaxConstraints] count.
func (r *ReadsFrom) BeginWith(list []Constraint) {
	r.start()
	r.progress.begin(list)
}

func (r *ReadsFrom) start() {
	r.rest.Begin()
	r.run++
}

// Draw returns a constraint about a shared cell; false if none is known.
func (r *ReadsFrom) Draw() (c Constraint, ok bool) {
	if r.weight == 0 {
		return c, false
	}
	at := r.below(r.weight)
	i := 0
	for ; at >= r.pool[i].weight; i++ {
		at -= r.pool[i].weight
	}
	t := &r.pool[i]
	c = Constraint{Cell: t.cell, Never: r.below(2) == 0}
	exact := max(0, r.below(4)-1) // 0, 0: by mode; 1: by thread; 2: by number
	if k := r.below(t.writes + 1); k < t.writes {
		c.Write = r.side(t, k, schedule.Writes, exact)
	}
	c.Read = r.side(t, r.below(t.reads), schedule.Reads, exact)
	return c, true
}

// side returns access number i of those of t that have the given bit in their mode.
func (r *ReadsFrom) side(t *traffic, i int, bit schedule.Mode, exact int) Access {
	at := 0
	for ; t.kinds[at].mode&bit == 0 || i > 0; at++ {
		if t.kinds[at].mode&bit != 0 {
			i--
		}
	}
	k := &t.kinds[at]
	a := Access{Mode: k.mode, Thread: Anybody, Nth: AnyTime}
	if exact > 0 {
		a.Thread = k.thread
	}
	if exact > 1 {
		a.Nth = r.below(k.most)
	}
	return a
}

// Step implements [Sampler].
func (r *ReadsFrom) Step(t *schedule.Thread) bool {
	r.rest.Step(t)
	c := t.Op().Cell
	if c == nil || c.Object() == nil {
		r.pending[t.ID].epoch = 0
		return true
	}
	id := c.ID()
	r.learn(id, t)
	r.step(t, id)
	return true
}

// learn counts a step of t on the cell.
func (r *ReadsFrom) learn(cell uint64, t *schedule.Thread) {
	i, known := r.index.find(cell)
	if !known {
		if i = len(r.pool); i == maxPool {
			return
		}
		r.index.put(cell, i)
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

// Choose implements [schedule.Chooser].
func (r *ReadsFrom) Choose(e *schedule.Exec, n int) int {
	if e.Enabled().Empty() || r.n == 0 {
		return r.rest.Choose(e, n)
	}
	waiting := set(0)
	for id := range e.Enabled().All {
		if r.pending[id].epoch != r.epoch {
			r.look(e.Threads()[id])
		}
		waiting |= r.pending[id].read
	}
	best, band := -1, held
	for id := range e.Enabled().All {
		b := r.band(&r.pending[id], waiting)
		if best < 0 || b > band || b == band && r.priority[id] > r.priority[best] {
			best, band = id, b
		}
	}
	return of(e, best)
}
