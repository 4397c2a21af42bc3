package schedule

// What a step uses that other threads can use too.
//
// Two steps are independent if neither changes what the other uses. Next to each other,
// they may then change places: the second reads what it has read, so it does what it has
// done, and the first as well. That is all that a search needs to know to leave out
// executions that differ by the order of independent steps only.
//
// What is used is found out, not declared: every look at a cell and every change of one
// is noted while a step is under way, a store of the value that is there as a look. What
// threads share besides cells has a [Shared]; the package itself has one for whether a
// thread has finished and one for whether a CPU can be interrupted. A gate that was open
// is part of the step: whoever changes what it looks at may close it. A step that fails
// ends the execution, and so is independent of nothing.

// A Touch is one thing that a step has used.
type Touch struct {
	Key    uint64 // of the thing, the same in all executions of a runner
	Writes bool   // the step has changed it
}

// A Footprint is what a step has used, each thing once.
type Footprint []Touch

// Conflicts reports whether one of the two changes what the other uses. It takes time
// proportional to the product of their lengths, which are about ten.
func (f Footprint) Conflicts(g Footprint) bool {
	for _, a := range f {
		for _, b := range g {
			if a.Key == b.Key && (a.Writes || b.Writes) {
				return true
			}
		}
	}
	return false
}

// Add returns f with what g has and f has not. It may use the array of f.
func (f Footprint) Add(g Footprint) Footprint {
	for _, b := range g {
		f = f.touch(0, b.Key, b.Writes)
	}
	return f
}

// touch adds a thing to the footprint that begins at lo.
func (f Footprint) touch(lo int, key uint64, writes bool) Footprint {
	for i := len(f) - 1; i >= lo; i-- {
		if f[i].Key == key {
			f[i].Writes = f[i].Writes || writes
			return f
		}
	}
	return append(f, Touch{key, writes})
}

// A Shared stands for what threads share although it is in no cell: the list that a
// queue is kept in, or something that one thread has done and another one asks about.
// The zero value is ready. It has parts, which are independent of each other.
type Shared struct{ id uint64 }

// Reads says that the step under way, or the gate that is being asked, depends on a part.
func (s *Shared) Reads(t *Thread, part int) {
	if t.exec.foot != nil {
		s.note(t, part, false)
	}
}

// ReadsAll is Reads for the parts of all threads.
func (s *Shared) ReadsAll(t *Thread) {
	if e := t.exec; e.foot != nil {
		for _, other := range e.threads {
			s.note(t, other.ID, false)
		}
	}
}

// Writes says that the step under way changes a part.
func (s *Shared) Writes(t *Thread, part int) {
	if t.exec.foot != nil {
		s.note(t, part, true)
	}
}

// note is out of line so that the two are inlined.
//
//go:noinline
func (s *Shared) note(t *Thread, part int, writes bool) {
	t.exec.foot.touch(t.exec.foot.key(s, part), writes)
}

// Shows says that part n is what own says of thread n, which changes in steps of thread n only:
// whoever asks it of another thread calls Reads or ReadsAll, and nobody need call Writes. To be
// called by [Facility] objects, once an execution.
func (s *Shared) Shows(e *Exec, own func(t *Thread) bool) {
	if e.foot != nil {
		e.foot.shows = append(e.foot.shows, shown{s, own, false})
	}
}

// A shown is a Shared of Shows, and what it said when the step under way began.
type shown struct {
	*Shared
	own func(t *Thread) bool
	was bool
}

// The keys of what is no cell. Those of cells are smaller.
const (
	sharedKey   = 1<<62 + iota<<40 // and the number of the Shared, and the part
	finishedKey                    // and the number of the thread
	cpuKey                         // and the number of the thread that has the CPU

	maxParts = 256
)

// Footprints keeps the footprints of the steps of an execution, see
// [Runner.Footprints]. What it returns is valid until the next execution.
type Footprints struct {
	steps   []taken
	asked   []asked
	touches Footprint // of all steps and gates, one after the other
	shared  uint64    // how many there are
	shows   []shown

	on      bool // a step is under way, or a gate is being asked
	lo      int  // where its footprint begins
	enabled Set
	state   State
	signal  bool
	cpu     *CPU // that can be interrupted, of the thread whose step is under way
	was     CPU  // at its beginning
}

// A span is a part of Footprints.touches.
type span struct{ lo, hi int }

type taken struct {
	span
	by            *Thread
	enabled       Set
	signal, fails bool
	state         State
	asked         int // where what was asked before it begins
}

type asked struct {
	span
	thread int
	open   bool
}

// A Taken is a step of an execution.
type Taken struct {
	Thread  int
	Enabled Set // threads that were enabled
	// Signal says that the waiters had got a signal before, since nobody was enabled:
	// see [Interruptible].
	Signal bool
	Fails  bool  // it has ended the execution
	State  State // before it
	Footprint
}

// An Asked is what a gate, or an agent that may be ready, has answered, and what it has
// looked at for that.
type Asked struct {
	Thread int
	Open   bool
	Footprint
}

// Len returns the number of steps so far. A decision of [Thread.Choose] belongs to the
// last, or to the beginning if there is none.
func (f *Footprints) Len() int { return len(f.steps) }

// Now returns the set of threads that were enabled after the last step, and the state.
func (f *Footprints) Now() (enabled Set, s State) { return f.enabled, f.state }

// Step returns step i, from 0.
func (f *Footprints) Step(i int) Taken {
	s := &f.steps[i]
	return Taken{s.by.ID, s.enabled, s.signal, s.fails, s.state, f.at(s.span)}
}

func (f *Footprints) at(s span) Footprint { return f.touches[s.lo:s.hi:s.hi] }

// Asked calls yield with what was asked before step i, or after the last. Threads that
// have no gate and whose CPU cannot be interrupted are not asked.
func (f *Footprints) Asked(i int, yield func(Asked) bool) {
	from, to := 0, len(f.asked)
	if i > 0 {
		from = f.steps[i-1].asked
	}
	if i < len(f.steps) {
		to = f.steps[i].asked
	}
	for _, a := range f.asked[from:to] {
		if !yield(Asked{a.thread, a.open, f.at(a.span)}) {
			return
		}
	}
}

func (f *Footprints) reset() {
	f.steps, f.asked, f.touches = f.steps[:0], f.asked[:0], f.touches[:0]
	f.shows, f.on, f.signal, f.cpu = f.shows[:0], false, false, nil
}

func (f *Footprints) touch(key uint64, writes bool) {
	if f.on {
		f.touches = f.touches.touch(f.lo, key, writes)
	}
}

func (f *Footprints) key(s *Shared, part int) uint64 {
	if s.id == 0 {
		f.shared++
		s.id = f.shared
	}
	return sharedKey + s.id*maxParts + uint64(part)
}

// finish ends the step that is under way.
func (f *Footprints) finish() {
	if !f.on {
		return
	}
	last := &f.steps[len(f.steps)-1]
	for _, s := range f.shows {
		if t := last.by; s.own(t) != s.was {
			f.touch(f.key(s.Shared, t.ID), true)
		}
	}
	if c := f.cpu; c != nil {
		now, was := c.irqsOff > 0, f.was.irqsOff > 0
		f.touch(cpuKey+uint64(c.num), now != was || c.handler != f.was.handler)
	}
	f.on = false
	last.hi = len(f.touches)
}

// openSet is what [Exec.openSet] returns. It asks every thread, also the agents that are
// known to have nothing to do: what they would look at counts.
func (f *Footprints) openSet(e *Exec) (set Set) {
	f.finish()
	f.on = true
	for _, t := range e.threads {
		f.lo = len(f.touches)
		if t.cpu.handlers > 0 {
			f.touch(cpuKey+uint64(t.cpu.num), false)
		}
		open := t.open()
		if open {
			set = set.Union(t.self)
		}
		if n := len(f.touches); n > f.lo {
			f.asked = append(f.asked, asked{span{f.lo, n}, t.ID, open})
		}
	}
	f.on, f.enabled, f.state = false, set, e.State()
	return set
}

// begin begins a step of t.
func (f *Footprints) begin(t *Thread) {
	f.lo, f.on = len(f.touches), true
	from := 0
	if n := len(f.steps); n > 0 {
		from = f.steps[n-1].asked
	}
	f.steps = append(f.steps, taken{
		span: span{f.lo, f.lo}, by: t, enabled: f.enabled, signal: f.signal,
		state: f.state, asked: len(f.asked),
	})
	f.signal = false
	for _, a := range f.asked[from:] {
		if a.thread == t.ID { // of two, if there was a signal, the last has more
			f.touches = f.touches.addSpan(f.lo, a.span)
		}
	}
	for i := range f.shows {
		f.shows[i].was = f.shows[i].own(t)
	}
	if f.cpu = nil; t.cpu.handlers > 0 {
		f.cpu, f.was = t.cpu, *t.cpu
	}
}

// addSpan adds a part of f to the footprint that begins at lo.
func (f Footprint) addSpan(lo int, s span) Footprint {
	for i := s.lo; i < s.hi; i++ {
		f = f.touch(lo, f[i].Key, f[i].Writes)
	}
	return f
}

// fail says that the step that is under way has failed, if anybody wants to know.
func (f *Footprints) fail() {
	if f != nil && f.on {
		f.steps[len(f.steps)-1].fails = true
	}
}

// noted notes that a cell is looked at. Value is inlined only if this is not.
//
//go:noinline
func (c *Cell) noted() uint64 {
	e := c.obj.exec
	if f := e.foot; f != nil {
		f.touch(c.ID(), false)
	}
	if e.tso {
		v, _ := e.forwarded(c)
		return v
	}
	return c.val
}

// stored notes that a cell has been given the value that it had.
func (e *Exec) stored(c *Cell) {
	c.noted()
	if e.rec != nil {
		e.rec.stored(c)
	}
	if e.rmo {
		e.outdates(c, c.val)
	}
	if e.tso {
		e.overtake(c)
	}
}

// changed notes that a cell has got another value.
func (e *Exec) changed(c *Cell, old uint64) {
	if e.foot != nil {
		e.foot.touch(c.ID(), true)
	}
	if e.rec != nil {
		e.rec.changed(c)
	}
	if e.rmo {
		e.outdates(c, old)
	}
	if e.tso {
		e.overtake(c)
	}
}

// spying says of which cells somebody wants to know what is done with them.
type spying uint8

const (
	spiesNone   spying = iota
	spiesMemory        // where stores wait: of those that are not private
	spiesAll           // of a recorder, or for footprints
)

// spy has what is done with the cells of o noted, or not any more.
func (o *Object) spy(on spying) {
	o.spied = on
	o.self.spied = on == spiesAll
	for _, c := range o.cells {
		c.spied = on == spiesAll || on == spiesMemory && !c.private
	}
}
