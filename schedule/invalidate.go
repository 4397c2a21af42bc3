package schedule

// Loads that pass loads ([Exec.ReorderLoads]). Each thread has an invalidate queue, as McKenney has
// it ("Memory Barriers: a Hardware View for Software Hackers", 2010, section 4): what another CPU
// has written to memory goes into it with what was there before, and until that invalidation is
// processed a load may return the old value. A load barrier processes all.
//
// To read an old value is to have loaded before the loads that come earlier in the code. While none
// of these has seen anything that is newer, the thread might as well have run before it came. So an
// old value is read only where one has: those are the first in the queue, whose number is kept with
// it. Which is read is chosen where it is read. The loads of one word stay in order, since what is
// older than the value that was read is processed with it; and so do an acquire, or the load of a
// pointer, and what comes after it, or what it leads to: what is older than it is processed then.
// A pointer that was there when the pointer to it came, and an acquire of what was, come no sooner
// than that. Stores stay behind the loads before them.
//
// A primitive loads with [Thread.Load] or [Ptr.Load]. One that looks at a cell otherwise sees what is
// in memory. So this allows less than SPARC's relaxed memory order, and less than the memory model of
// the kernel: no load sees what is stored later (LB), all see a store at the same time, a locked
// instruction is a full barrier, and who has an address twice has it from the last load; behind two
// addresses that come one behind the other there is a load barrier, and in an acquire of what the
// thread itself has stored. But an address that was computed, of an element of an array, is a
// dependency only if the model says so ([Thread.DependsOn]). The queue has a mark then of what the
// element comes behind, so that a chain of those is followed, whatever is written and whatever not.

// ReorderLoads is [Exec.ReorderStores], and a load may pass loads before it: it may return what was
// in memory since the last load barrier of its thread.
func (e *Exec) ReorderLoads() {
	e.ReorderStores()
	e.rmo = true
}

// ReordersLoads reports whether loads pass loads.
func (e *Exec) ReordersLoads() bool { return e.rmo }

// bootInvalid gives each thread its queue.
func (e *Exec) bootInvalid(threads []*Thread) {
	for i, t := range threads {
		if t.keptOld == nil {
			t.keptOld = &invalidateQueue{}
			t.keptOld.Bind(t.keptOld, "invalidate queue")
			t.keptOld.SetPrivate()
			t.keptOld.unseen = true // what is in it depends on what loads are known
		}
		t.invalid = t.keptOld
		e.Static(&t.invalid.Object, i)
		if t.agent != nil {
			t.invalid.shut()
		}
	}
}

// Load is [Cell.Value] of the cell of the step under way, where an old value may be read.
func (t *Thread) Load(c *Cell) uint64 {
	if c.spied && t.invalid != nil {
		v, _ := t.loads(c)
		return v
	}
	return c.Value()
}

// Load is [Ptr.Get] of the cell of the step under way, where an old pointer may be read, and
// [Cell.Value].
func (c *Ptr[P]) Load(t *Thread) (p P, v uint64) {
	if !c.spied || t.invalid == nil {
		return c.Get(), c.Value()
	}
	v, w := t.loads(&c.Cell)
	switch {
	case v == 0:
	case w != nil:
		p, _ = w.with.(P)
	default:
		p = c.p
	}
	return p, v
}

// LoadsNoOlder has no later load of c return what is older than what the step under way has loaded:
// for one word of the kernel that is two cells, of which that is the other.
func (t *Thread) LoadsNoOlder(c *Cell) {
	if t.invalid != nil {
		t.invalid.settle(c, t.OldUpTo(t.invalid.asOf))
	}
}

// DependsOn has no later load of c come before the one with which t has loaded index last: the
// address of c, an element of an array, was computed from that. If t has stored that itself, it is
// what index comes behind that matters.
func (t *Thread) DependsOn(c, index *Cell) {
	q := t.invalid
	if q == nil {
		return
	}
	came := q.used() - 1
	for came >= 0 && !q.marks(came, index) {
		came--
	}
	if _, w := t.exec.forwarded(index); w != nil || came >= 0 && q.isOwn(came) {
		came = -1
	}
	if came = max(came, q.bound(index)); came >= 0 {
		q.after(c, came)
	}
}

// LoadBarrier is smp_rmb(), as part of a step of t: no load that follows passes one before it.
func (t *Thread) LoadBarrier() {
	if t.invalid != nil {
		t.invalid.process()
	}
}

// loads returns a value of c that t may read, and what it is from unless that is memory. Where there
// is more than one, which is chosen here.
func (t *Thread) loads(c *Cell) (v uint64, from *waitingStore) {
	q := t.invalid
	v = c.noted()
	t.knows(c)
	if _, from = t.exec.forwarded(c); from != nil {
		q.asOf = t.exec.steps
		t.exec.showLoad(t, Loading{Cell: c})
		q.timeless(c, v, t.op.Mode, true)
		return v, from
	}
	at, l := q.choose(t, c)
	if at < q.used() {
		q.read = q.old[at].waitingStore
		v, from = q.read.val, &q.read
		l.Over, l.Passed, l.Old = q.old[at].over, q.old[at].passed, v != c.val
		if rec := t.exec.rec; rec != nil && l.Old {
			rec.outdated(c, l)
		}
	}
	if came := q.came(at, c); came >= 0 {
		l.Came = q.old[came].over
	}
	q.asOf = l.Came
	t.exec.showLoad(t, l)
	q.loaded(at, c, v, t.op.Mode)
	return v, from
}

// choose has the slot chosen whose value t reads from c. If it is none, but what is in memory, that
// is how many there are.
func (q *invalidateQueue) choose(t *Thread, c *Cell) (at int, l Loading) {
	var values [maxInvalid + 1]int // the first slot with each value, but values[0]: memory
	n := 1
	values[0] = q.used()
next:
	for i := q.used() - 1; i >= 0; i-- {
		if !q.holds(i, c) {
			continue
		}
		v := q.old[i].val
		if v == c.val {
			values[0] = i
			continue
		}
		for j := range values[1:n] {
			if q.old[values[j+1]].val == v {
				values[j+1] = i
				continue next
			}
		}
		if i < q.readable() {
			values[n] = i
			n++
		}
	}
	at, l = values[0], Loading{Cell: c}
	if n > 1 {
		at = values[t.choose(n)]
	}
	for _, i := range values[:n] {
		l.Older, l.Newer = l.Older || i < at, l.Newer || i > at
	}
	return at, l
}

// came returns the last slot of c before slot at: what is in that was written over when the value
// of slot at came. If there is none it returns -1.
func (q *invalidateQueue) came(at int, c *Cell) int {
	for at--; at >= 0 && !q.holds(at, c) && !q.marks(at, c); {
		at--
	}
	return at
}

// loaded is called when v was read from c in a step of mode m, and the slot of it is at. What is in
// the last slot of c before that was written over when v came. All that is before that slot may be
// read from now on, where the load does not stand in the way; and the slot stays, to say when v came.
func (q *invalidateQueue) loaded(at int, c *Cell, v uint64, m Mode) {
	came := q.came(at, c)
	if own := came >= 0 && q.isOwn(came); own || came < 0 {
		q.timeless(c, v, m, own)
		return
	}
	object := uint64(0)
	if c.ptr {
		object = v
	}
	if i := q.bound(c); i > came && (m&Acquire != 0 || object != 0) {
		q.processTo(i)
		return
	}
	for i := q.readable(); i < came; i++ {
		q.old[i].passed = q.exec.steps
	}
	q.set(q.used(), max(q.readable(), came))
	q.put(came, c.ID()|isMark, object)
	for i := came - 1; i >= 0; i-- {
		switch {
		case m&Acquire != 0:
			q.remove(i)
		case q.holds(i, c), q.marks(i, c), object != 0 && q.object(i) == object:
			q.forget(i)
		}
	}
	q.trim()
}

// timeless is loaded where no slot says when v came: it was there at first, or the thread has stored
// it itself.
func (q *invalidateQueue) timeless(c *Cell, v uint64, m Mode, own bool) {
	switch {
	case own && m&Acquire != 0:
		q.process() // it may have stored what it has loaded
	case m&Acquire != 0, c.ptr && v != 0:
		q.processTo(q.bound(c))
	}
}

// bound returns the last slot that no load of c comes before, -1 if there is none: that of the
// pointer to the object that c is in, or what its address was computed from.
func (q *invalidateQueue) bound(c *Cell) int {
	i := q.used() - 1
	for ; i >= 0; i-- {
		switch cell := q.cell(i); {
		case cell == c.ID()|isMark|isBound, cell&isMark != 0 && q.slots[i].val.val == c.obj.id:
			return i
		}
	}
	return i
}

// after has no load of c come before slot came.
func (q *invalidateQueue) after(c *Cell, came int) {
	mark := c.ID() | isMark | isBound
	for i := q.used() - 1; i >= 0; i-- {
		if q.cell(i) != mark {
			continue
		}
		if i >= came {
			return
		}
		q.remove(i)
		came--
	}
	q.insert(came+1, mark, q.old[came].over)
	q.settle(c, came)
}

// outdates is called when c has got a value in memory, and had v before: whoever may still read that
// keeps it. Who shares the CPU of whoever has stored may not.
func (e *Exec) outdates(c *Cell, v uint64) {
	with := e.was
	e.was = nil
	if c.private || e.next == nil {
		return
	}
	b := e.draining
	if b == nil {
		b = e.next.cpu.stores
		if a := &c.obj.alloc; a.Thread == e.next && a.Step == e.steps {
			return // nobody else can see it yet
		}
	}
	for _, t := range e.threads {
		switch q := t.invalid; {
		case q == nil:
		case t.cpu.stores == b:
			q.processCell(c)
			if q.used() > 0 && c.obj.loaders[c.num].Intersects(t.self) {
				e.wait(q, waitingStore{val: ownStore}, c.ID()|isMark)
			}
		case v != c.val && c.obj.loaders[c.num].Intersects(t.self) && q.state.Value()&isShut == 0:
			e.wait(q, waitingStore{val: v, with: with}, c.ID())
		}
	}
}

// OldUpTo returns how many of the old values that t keeps have been written over up to a step.
func (t *Thread) OldUpTo(step int) int {
	if t.invalid == nil {
		return 0
	}
	n := 0
	for n < t.invalid.used() && t.invalid.old[n].over <= step {
		n++
	}
	return n
}

// comesTo is called when t is about to take a step. What loads cannot pass processes all already
// now, as far as anybody can tell.
func (q *invalidateQueue) comesTo(o *Op) {
	if o.ordersLoads() {
		q.shut()
	}
}

// begins is called when t takes a step that it has come to.
func (q *invalidateQueue) begins(t *Thread) {
	o := &t.op
	q.open()
	if c := o.Cell; c != nil && o.Mode&(Reads|Writes|Blocks) == Reads|Blocks {
		t.knows(c)
		if v, from := t.exec.forwarded(c); from != nil {
			q.timeless(c, v, o.Mode, true)
		} else {
			q.loaded(q.used(), c, v, o.Mode) // the last load of a loop
		}
	}
}

// ordersLoads reports whether no load that follows o, or is part of it, passes one before it.
func (o *Op) ordersLoads() bool {
	switch use := o.Mode & (Reads | Writes); use {
	case Reads | Writes:
		return o.Mode&Marked != 0 // as it drains
	case Reads:
		return o.Mode&Release != 0 // a load behind smp_rmb()
	default:
		return o.Mode&(Blocks|Acquire) != 0
	}
}

// processOn processes what the threads on a CPU keep: it has gone through a full barrier.
func (e *Exec) processOn(b *storeBuffer) {
	if !e.rmo {
		return
	}
	for _, t := range e.threads {
		if t.invalid != nil && t.cpu.stores == b {
			t.invalid.process()
		}
	}
}
