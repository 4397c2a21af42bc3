package schedule

import "math/bits"

// Store buffers: the memory of x86, and of sparc64, total store order (Owens, Sarkar and Sewell,
// "A better x86 memory model: x86-TSO", TPHOLs 2009, section 3).
//
// Each CPU has a buffer. A store goes into it and is in memory some time later, in the order in
// which the CPU made them; who loads on that CPU sees the last one that waits there, who loads on
// another does not. That is all that is weaker than sequentially consistent memory: a load may be
// done before a store that comes earlier in the code. So it is the one order that takes a full
// barrier on such a machine. Stores that pass each other too are in reorder.go.
//
// An agent of each CPU writes the oldest store to memory, or one that may pass it. What must not
// pass a store that waits is not enabled while one does: a locked instruction, smp_mb(), a sleep,
// an interrupt, another thread on that CPU; see drains. The end of a grace period empties all of
// them ([Exec.DrainStores]).
//
// A primitive stores with [Thread.Store], [Ptr.Store] or [Kept.Store]. One that does not, but calls
// [Cell.Set], may make its store where other stores wait: these are written to memory in the same
// step, as if it were a locked instruction. What one step stores, the links of a list, gets to
// memory in one step too: others see all of it or nothing, as without buffers. So this allows less
// than x86 does or, with stores that pass each other, the kernel's memory model, and never more.
// But what a model leaves out, such as a lock, may order stores.

// maxStores is the most stores that wait in a buffer. One more, and all are written.
const maxStores = 8

// A storeBuffer is that of one CPU.
type storeBuffer struct {
	Object
	state   Cell // how many wait, and which thread has made them; 0: none
	where   Cell // which CPU it stands for: see [Thread.RunsOn]
	barrier Cell // 1: the next store passes none of them
	slots   [maxStores]struct{ cell, val, passes Cell }
	waiting [maxStores]waitingStore // what the cells stand for
	agent   *Thread

	// Of the stores of the step under way, if step is that:
	step    int
	made    int  // how many wait: the last ones
	spilled bool // they do not: some are in memory, so all must be

	of, name string // of the thread that the CPU was made for, and of the agent
}

// A waitingStore is a store that is not in memory yet.
type waitingStore struct {
	cell *Cell
	val  uint64
	of   compound // unless nil: cell is part of it
	with any      // and this is what comes with the word
	made int      // the step that has made it, for traces
}

// A compound is a [Ptr] or a [Kept].
type compound interface{ put(v uint64, with any) }

// write makes the store in memory.
func (w *waitingStore) write() {
	if w.of != nil {
		w.of.put(w.val, w.with)
	} else {
		w.cell.Set(w.val)
	}
}

const (
	byBits = 8 // of state: more than MaxThreads

	// follows is a bit of what stands for the cell of a store: the step that has made it has made
	// the one before it too.
	follows = 1 << 63
)

// The bits of where: the number of the CPU, from 1, and above that on which CPUs it has been.
const (
	whereBits = 8
	elsewhere = 1<<whereBits - 1 // another thread has taken that CPU since
)

// BufferStores makes memory that of x86, with a store buffer for each CPU. The program calls
// it when it begins, before anything is allocated; what a thread shares its CPU with counts as of
// then when all threads are there.
func (e *Exec) BufferStores() {
	if len(e.static)+len(e.heap) > 0 {
		panic("schedule: BufferStores after something has been allocated")
	}
	e.tso, e.shown, e.spying = true, true, max(e.spying, spiesMemory)
}

// bootStores gives each CPU its buffer and the agent that empties it.
func (e *Exec) bootStores() {
	for i, n := 0, len(e.threads); i < n; i++ {
		t := e.threads[i]
		if t.cpu != &t.own {
			continue
		}
		if t.buffer == nil {
			t.buffer = &storeBuffer{}
			t.buffer.Bind(t.buffer, BufferKind)
			t.buffer.SetPrivate()
		}
		b := t.buffer
		if b.of != t.Name {
			b.of, b.name = t.Name, t.Name+"'s stores"
		}
		b.step = -1
		e.Static(&b.Object, i)
		t.own.stores, b.agent = b, e.Agent(b.name, b)
	}
}

// Store is [Cell.Set] where the store may wait in the buffer of the CPU.
func (t *Thread) Store(c *Cell, v uint64) {
	if !t.exec.tso {
		c.Set(v)
		return
	}
	t.buffered(waitingStore{cell: c, val: v})
}

// Store is [Ptr.Put] where the store may wait in the buffer of the CPU.
func (c *Ptr[P]) Store(t *Thread, p P) {
	if !t.exec.tso {
		c.Put(p)
		return
	}
	var null P
	w := waitingStore{cell: &c.Cell, of: c, with: p}
	if p != null {
		w.val = p.Header().id
	}
	t.buffered(w)
}

// seen is Get where stores may wait.
func (c *Ptr[P]) seen() P {
	if _, w := c.obj.exec.forwarded(&c.Cell); w != nil {
		p, _ := w.with.(P)
		return p
	}
	return c.p
}

// put implements compound.
func (c *Ptr[P]) put(_ uint64, with any) {
	q, _ := with.(P) // P may be an interface, and nil
	c.Put(q)
}

// buffered puts a store into the buffer.
func (t *Thread) buffered(w waitingStore) {
	b := t.cpu.stores
	if b.step != t.exec.steps {
		b.step, b.made, b.spilled = t.exec.steps, 0, false
	}
	w.made = t.exec.steps
	if b.spilled || !b.takes(t, w) {
		w.write()
	}
	b.agent.Rouse()
	if rec := t.exec.rec; rec != nil {
		rec.buffered(w.cell, w.val)
	}
}

// takes puts a store of the step under way into the buffer, if there is room for all of its stores.
// Else what the step has made is in memory.
func (b *storeBuffer) takes(t *Thread, w waitingStore) bool {
	n, key := b.used(), w.cell.ID()
	for i := n - b.made; i < n; i++ {
		if b.holds(i, w.cell) { // instead of one that nobody else sees
			b.waiting[i] = w
			b.slots[i].val.Set(w.val)
			return true
		}
	}
	if n == maxStores {
		if b.made == maxStores {
			b.drain(nil)
			return false
		}
		b.write(0, n-b.made, nil)
		n = b.made
	}
	if b.made++; b.made > 1 {
		key |= follows
	}
	b.waiting[n] = w
	b.slots[n].cell.Set(key)
	b.slots[n].val.Set(w.val)
	if t.exec.pso && b.made == 1 && n > 0 {
		b.slots[n].passes.Set(b.order(t.op.Mode))
	}
	b.set(n+1, t)
	return true
}

// holds reports whether store i is to c.
func (b *storeBuffer) holds(i int, c *Cell) bool {
	return b.waiting[i].cell == c && b.slots[i].cell.val&^follows == c.ID()
}

// used returns how many stores wait.
func (b *storeBuffer) used() int { return int(b.state.Value() >> byBits) }

func (b *storeBuffer) set(n int, by *Thread) {
	v := uint64(n) << byBits
	if n > 0 {
		v |= uint64(by.ID)
	}
	b.state.Set(v)
}

// write writes n stores to memory, from store i on, unless to over: what is there comes after them.
func (b *storeBuffer) write(i, n int, over *Cell) {
	e := b.exec
	e.draining = b
	var out [maxStores]waitingStore
	for j := range n {
		if w := &b.waiting[i+j]; w.cell != over && b.lives(i+j) {
			out[j] = *w
		}
	}
	b.remove(i, n)
	for j := range out[:n] {
		if w := &out[j]; w.cell != nil {
			w.write()
		}
	}
	e.draining = nil
}

// remove takes n stores out of the buffer.
func (b *storeBuffer) remove(i, n int) {
	left, by := b.used()-n, b.by()
	copy(b.waiting[i:left], b.waiting[i+n:])
	for j := i; j < left+n; j++ {
		var cell, val, passes uint64
		if j < left {
			from := &b.slots[j+n]
			cell, val, passes = from.cell.val, from.val.val, from.passes.val
		}
		b.slots[j].cell.Set(cell)
		b.slots[j].val.Set(val)
		b.slots[j].passes.Set(passes)
	}
	b.slots[0].passes.Set(passesAny) // it has none before it
	b.set(left, by)
	if left == 0 {
		b.barrier.Set(0)
	}
}

// lives reports whether the memory that store i is to is still what it was. If it has been freed
// since, nothing in the kernel sees the store: KASAN has looked when it was made.
func (b *storeBuffer) lives(i int) bool {
	c := b.waiting[i].cell
	return c.obj.Live() && b.holds(i, c)
}

// by returns the thread that has made the stores that wait.
func (b *storeBuffer) by() *Thread { return b.exec.threads[b.state.Value()&(1<<byBits-1)] }

// drain writes all to memory but what is to over.
func (b *storeBuffer) drain(over *Cell) {
	b.spilled = b.made > 0 // of an older step nobody asks
	if n := b.used(); n > 0 {
		b.write(0, n, over)
	}
}

// DrainStores writes what waits in any buffer to memory, as part of the step under way: every CPU
// has gone through a full barrier.
func (e *Exec) DrainStores() {
	if !e.tso {
		return
	}
	for _, t := range e.threads {
		if b := t.own.stores; b != nil {
			b.drain(nil)
		}
	}
	for _, t := range e.threads { // now that all is in memory
		t.LoadBarrier()
	}
}

// DrainStores writes what waits in the buffer of the CPU of t to memory, as part of the step under
// way, which may be another thread's: that CPU has gone through a full barrier.
func (t *Thread) DrainStores() {
	if b := t.cpu.stores; b != nil {
		b.drain(nil)
		t.exec.processOn(b)
	}
}

// DrainStoresTo is DrainStores for each other CPU in whose buffer a store to c waits: for a
// primitive that has its operations come one after the other although t may have no lock.
func (t *Thread) DrainStoresTo(c *Cell) {
	if !t.exec.tso {
		return
	}
	for _, u := range t.exec.threads {
		if b := u.own.stores; b != nil && b != t.cpu.stores && b.waits(c) {
			b.drain(nil)
		}
	}
}

// waits reports whether a store to c does.
func (b *storeBuffer) waits(c *Cell) bool {
	for i := range b.used() {
		if b.holds(i, c) {
			return true
		}
	}
	return false
}

// BuffersStores reports whether stores wait in buffers.
func (e *Exec) BuffersStores() bool { return e.tso }

// RunsOn says that t runs on the CPU of that number, 0 to 47, where a program keeps something by
// CPU without giving t one. To come there from another takes a context switch, and so does another
// thread before it that has been there: those are full barriers. A thread that has not said where
// it runs has been there from the start, if nobody else has.
func (t *Thread) RunsOn(cpu int) {
	if !t.exec.tso {
		return
	}
	here, been, taken := uint64(cpu)+1, uint64(1)<<(whereBits+cpu), false
	own := t.cpu.stores
	for _, u := range t.exec.threads {
		b := u.own.stores
		if b == nil || b == own {
			continue
		}
		v := b.where.Value()
		taken = taken || v&been != 0
		if v&elsewhere == here {
			b.drain(nil)
			t.exec.processOn(b)
			b.where.Set(v | elsewhere)
		}
	}
	v := own.where.Value()
	if v&elsewhere != here && (v != 0 || taken) {
		own.drain(nil)
		t.exec.processOn(own)
	}
	own.where.Set(v&^elsewhere | here | been)
}

// Waiting returns how many stores wait in the buffer of the CPU that t was created with.
func (t *Thread) Waiting() int {
	if b := t.own.stores; b != nil {
		return b.used()
	}
	return 0
}

// Drains returns the steps of which one is the next of t if it is a store buffer in which stores
// wait: each is one of them that may get into memory.
func (t *Thread) Drains() (ops []Op) {
	b, ok := t.agent.(*storeBuffer)
	if !ok || t.state != idle {
		return nil
	}
	for set := b.next(); set != 0; set &= set - 1 {
		ops = append(ops, b.draining(bits.TrailingZeros8(set)))
	}
	return ops
}

// draining is the step that writes store i to memory, and what was stored with it. It is named
// after the last of them: to link what is added to a list, or to mark what is deleted.
func (b *storeBuffer) draining(i int) Op {
	for j := i + b.together(i) - 1; j >= i; j-- {
		if b.lives(j) {
			return Op{Verb: "drains", Cell: b.waiting[j].cell, Mode: WriteOnce}
		}
	}
	return Op{Verb: "drains to freed memory"}
}

// Pending implements [Sleeper].
func (b *storeBuffer) Pending() bool { return b.used() > 0 }

// Ready implements [Agent].
func (b *storeBuffer) Ready(*Thread) bool { return b.used() > 0 }

// Run implements [Agent]: a store gets into memory, with those of its step. Which, where more than
// one may, is chosen like what a thread does that chooses.
func (b *storeBuffer) Run(t *Thread) {
	set := b.next()
	if n := bits.OnesCount8(set); n > 1 {
		for range t.Choose(n) {
			set &= set - 1
		}
	}
	i := bits.TrailingZeros8(set)
	t.Begin(b.draining(i))
	if rec := t.exec.rec; rec != nil {
		rec.current().Made = b.waiting[i].made
	}
	b.write(i, b.together(i), nil)
}

// drains reports whether no store may wait when o is done.
func (o *Op) drains() bool {
	switch use := o.Mode & (Reads | Writes); {
	case o.Mode&Frees != 0:
		return true
	case use == Reads|Writes:
		return o.Mode&Marked != 0 // else it has no lock prefix
	case use == Reads: // a spin loop may be one; a full barrier, and then a load
		return o.Mode&Barrier == Barrier
	case use == Writes:
		return o.Mode&Blocks != 0
	}
	return o.Mode&(Blocks|Release) != 0 // it sleeps, or is a barrier
}

// passes reports whether t may take its step with what waits on its CPU.
func (t *Thread) passes() bool {
	b := t.cpu.stores
	return b == nil || b.used() == 0 || b.by() == t && !t.op.drains()
}

// openBuffered is openGate where stores may wait.
func (t *Thread) openBuffered() bool {
	if !t.passes() {
		return false
	}
	t.exec.view = t.cpu.stores
	open := t.openGate()
	t.exec.view = nil
	return open
}

// seer returns the buffer of the CPU on which the step under way is taken, or whose gate is asked;
// nil if it has none.
func (e *Exec) seer() *storeBuffer {
	if e.next != nil {
		return e.next.cpu.stores
	}
	return e.view
}

// forwarded returns the value of a cell as the thread that takes the step sees it, and the store
// that it sees, nil if that is in memory.
func (e *Exec) forwarded(c *Cell) (v uint64, w *waitingStore) {
	b := e.seer()
	if b == nil || e.draining != nil || c.private {
		return c.val, nil
	}
	for i := b.used() - 1; i >= 0; i-- {
		if b.holds(i, c) {
			return b.waiting[i].val, &b.waiting[i]
		}
	}
	return c.val, nil
}

// overtake is called when a cell has been set that no buffer was asked about: the stores that wait
// on the CPU were there before.
func (e *Exec) overtake(c *Cell) {
	b := e.seer()
	if b == nil || e.draining != nil || c.private {
		return
	}
	if a := &c.obj.alloc; a.Thread == e.next && a.Step == e.steps {
		return // nobody else can see it yet
	}
	b.drain(c)
}
