package lockdep

import (
	"cmp"
	"slices"
	"strconv"
	"sync"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Why a search that leaves out executions sees all of the order.
//
// An Order is no part of the state and changes no execution. It keeps facts of one thread: that
// it went for this lock while it held that one, and interrupts were on. Such a fact is a
// function of what the thread has observed so far, as all is that is local to a thread (see
// schedule/hash.go), and so of the state. Hence it is seen
//
//   - by a search that comes to every state, whichever way, and takes every step that is
//     possible there. That it may take one thread for another, where the program says that
//     they may be exchanged, does no harm: a fact does not say whose it is. Nor that a thread
//     forgets what it has observed, for it holds nothing then, see [schedule.Thread.Forget].
//   - by one that runs one execution of each class of those that differ by the order of
//     independent steps. In all of a class each thread does and observes the same. (A step that
//     fails, which ends the execution wherever the others are, depends on all before it.)
//   - where a [schedule.Memo] spares steps, since they have been taken in the same state.
//
// With a bound, at random, or from a checkpoint on, only what is run is seen.

// An Order is what is known of the order of locks, from all executions of a program that are
// watched for it. The zero value knows nothing. Several runners may run such executions at the
// same time; ask it when they have ended.
type Order struct {
	mu    sync.Mutex
	parts []*part
	told  []Fact // by Learn
}

// Watched returns p, its executions watched for o.
func Watched(p schedule.Program, o *Order) schedule.Program {
	build := p.New
	p.New = func() func(*schedule.Exec) { return o.Watch(build()) }
	return p
}

// Watch returns begin, the function that begins an execution of one runner, such that its
// executions are watched for o.
func (o *Order) Watch(begin func(e *schedule.Exec)) func(e *schedule.Exec) {
	p := &part{
		classes: map[*schedule.Cell]class{}, numbers: map[string]class{}, names: []string{""},
		facts: map[fact]Witness{},
	}
	o.mu.Lock()
	o.parts = append(o.parts, p)
	o.mu.Unlock()
	return func(e *schedule.Exec) {
		begin(e)
		facility.Of(e).asked = p
	}
}

// A part is what is known from the executions of one runner. So that runners need not wait for
// each other, each has its own.
type part struct {
	classes map[*schedule.Cell]class
	numbers map[string]class // by name
	names   []string         // by number
	facts   map[fact]Witness
}

// A class is the number of a class of locks, from 1, and in the low bits how many others of the
// class were held when the lock was taken, but no fewer than the same of one of those: who drops
// the first and takes a third does not go back.
type class uint32

const nested = maxHeld - 1

func (c class) plain() class { return c / maxHeld }

// A fact is what is kept, once. from is of dependencies.
type fact struct {
	kind     FactKind
	from, to class
}

// A FactKind says what a [Fact] is about.
type FactKind uint8

// The kinds.
const (
	Dependency      FactKind = iota // To was gone for while From was held
	Recursion                       // From is To, and it is one lock
	UsedInHardirq                   // To was gone for by an interrupt handler
	HardirqsEnabled                 // interrupts were on when To was taken, or while it was held
	UsedInSoftirq                   // To was gone for by the handler of a softirq
	SoftirqsEnabled                 // and softirqs were
)

var factNames = [...]string{
	"dependency", "recursion", "used in hardirq", "hardirqs enabled", "used in softirq",
	"softirqs enabled",
}

// String returns the kind in the words of the kernel.
func (k FactKind) String() string { return factNames[k] }

// A Fact is something that an Order knows.
type Fact struct {
	Kind     FactKind
	From, To string // classes, "inode->i_lock"; From is of dependencies and recursion
	Witness
}

// A Witness is an execution that shows a fact.
type Witness struct {
	Tape   schedule.Tape // leads there; what comes after does not matter
	Thread int           // of which it is a fact
	Held   int           // the step that took From, or what was held when interrupts went on
	Step   int           // the step that showed it; if Next, the thread's first after that one
	Next   bool
}

// acquire notes that t is going for c, in the step that w has.
func (p *part) acquire(t *schedule.Thread, s *state, c *schedule.Cell, how How, w Witness) {
	held := s.all(t)
	to := p.class(c, how, held)
	if s.hardirq[t.ID] {
		p.note(t, fact{UsedInHardirq, 0, to}, w)
	}
	if s.softirq[t.ID] {
		p.note(t, fact{UsedInSoftirq, 0, to}, w)
	}
	p.exposed(t, s, to, how, w)
	if h := again(held, c, to, how); h != nil {
		w.Held = h.At.Step
		p.note(t, fact{Recursion, h.class, h.class}, w)
		if how&work != 0 {
			return
		}
	}
	p.depend(t, held, to, w)
}

// again returns what is held of what is gone for once more: the same lock, or any work item of
// the class.
func again(held []Held, c *schedule.Cell, to class, how How) *Held {
	for i := range slices.Backward(held) {
		h := &held[i]
		if h.Cell == c || how&work != 0 && h.class.plain() == to.plain() {
			return h
		}
	}
	return nil
}

// now is the witness of what the current step of t shows.
func now(t *schedule.Thread) Witness { return Witness{Thread: t.ID, Step: t.Exec().Steps()} }

// next is that of what the next one of t shows, whenever it comes.
func next(t *schedule.Thread) Witness {
	return Witness{Thread: t.ID, Step: t.Exec().Steps(), Next: true}
}

// depend notes that t is going for a lock while it holds others, as check_prevs_add() does.
func (p *part) depend(t *schedule.Thread, held []Held, to class, w Witness) {
	for _, h := range slices.Backward(held) {
		if h.how&Unchecked != 0 || h.class.plain() == to.plain() && h.class >= to {
			continue
		}
		w.Held = h.At.Step
		p.note(t, fact{Dependency, h.class, to}, w)
		if h.how&Try == 0 {
			return // what was held when it was taken leads to it
		}
	}
}

// acquired notes that t takes h.
func (p *part) acquired(t *schedule.Thread, s *state, h *Held) {
	h.class = p.class(h.Cell, h.how, s.all(t))
	if h.how&Try != 0 {
		p.exposed(t, s, h.class, h.how, now(t))
	}
}

// enabled notes what could now interrupt t with all that it holds.
func (p *part) enabled(t *schedule.Thread, s *state) {
	w := now(t)
	for _, h := range s.all(t) {
		if h.how&Unchecked == 0 {
			w.Held = h.At.Step
			p.exposed(t, s, h.class, 0, w)
		}
	}
}

// exposed notes what could interrupt t where it takes or holds a lock of a class, as
// mark_usage() and mark_held_locks() do.
func (p *part) exposed(t *schedule.Thread, s *state, c class, how How, w Witness) {
	if how&IrqsOff != 0 || t.CPU().IrqsOff() {
		return
	}
	p.note(t, fact{HardirqsEnabled, 0, c}, w)
	if how&BhOff == 0 && !s.bhOff[t.ID] && !s.softirq[t.ID] {
		p.note(t, fact{SoftirqsEnabled, 0, c}, w)
	}
}

// note keeps f, unless it is known.
func (p *part) note(t *schedule.Thread, f fact, w Witness) {
	if _, known := p.facts[f]; known {
		return
	}
	w.Tape = slices.Clone(t.Exec().Tape().Canonical())
	p.facts[f] = w
}

// class returns the class of c for who holds that much. There is no second of a class of work
// items.
func (p *part) class(c *schedule.Cell, how How, held []Held) class {
	k, known := p.classes[c]
	if !known {
		k = p.number(className(c, how)) * maxHeld
		p.classes[c] = k
	}
	if how&work != 0 {
		return k
	}
	n, least := class(0), class(0)
	for i := range held {
		if h := held[i].class; h.plain() == k.plain() {
			n++
			least = max(least, h&nested)
		}
	}
	return k + max(n, least)
}

// number returns the number of the class of that name.
func (p *part) number(name string) class {
	if p.numbers[name] == 0 {
		p.numbers[name] = class(len(p.names))
		p.names = append(p.names, name)
	}
	return p.numbers[name]
}

// className returns the name of the class of c: that of its place, or what the kernel calls a
// map that is no lock's.
func className(c *schedule.Cell, how How) string {
	switch place := placeOf(c); {
	case how&work != 0:
		return workPrefix + place + ")"
	case how&Seqcount != 0:
		return place + ".seqcount"
	default:
		return place
	}
}

const workPrefix = "(work_completion)(&"

// placeOf returns the struct and the place in it, without which element of an array it is. What
// is all of its object is a global variable, a class of its own.
func placeOf(c *schedule.Cell) string {
	if c.Path() == "" {
		return c.Object().Kind()
	}
	owner := c.Object().Struct()
	if owner == "struct" { // of packages mm and mmu
		owner = "mm_struct"
	}
	name := []byte(owner + "->")
	index := false
	for _, b := range []byte(c.Path()) {
		switch {
		case b == '[':
			index = true
			name = append(name, "[*"...)
		case b == ']':
			index = false
		}
		if !index {
			name = append(name, b)
		}
	}
	return string(name)
}

// name returns the name of a class.
func (p *part) name(c class) string {
	name := p.names[c.plain()]
	if n := c & nested; n > 0 {
		name += "/" + strconv.Itoa(int(n))
	}
	return name
}

// Classes returns the names of all classes of which a lock was taken.
func (o *Order) Classes() (names []string) {
	for _, p := range o.parts {
		names = append(names, p.names[1:]...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Facts returns what o knows, each once, by kind and name. Of the witnesses of one runner it
// is the first one that was seen, of several the shortest of those.
func (o *Order) Facts() []Fact {
	o.mu.Lock()
	out := slices.Clone(o.told)
	o.mu.Unlock()
	for _, p := range o.parts {
		for f, w := range p.facts { // in any order: they are sorted below
			out = append(out, Fact{f.kind, p.name(f.from), p.name(f.to), w})
		}
	}
	return unique(out)
}

// unique sorts facts, and keeps of each the one with the shortest witness.
func unique(facts []Fact) []Fact {
	slices.SortFunc(facts, func(a, b Fact) int {
		return cmp.Or(a.compare(b), a.Witness.compare(b.Witness))
	})
	return slices.CompactFunc(facts, func(a, b Fact) bool { return a.compare(b) == 0 })
}

// Len returns how many facts executions have shown, those of each runner. It is to be asked as
// Facts is.
func (o *Order) Len() (n int) {
	for _, p := range o.parts {
		n += len(p.facts)
	}
	return n
}

// Learn adds facts that another order knows, of the same program, and reports whether there was
// any that o had not been told. So orders with a runner each can be looked at together while these
// run: each between two executions, and one without a runner, which learns of all, at any time.
func (o *Order) Learn(facts []Fact) bool {
	o.mu.Lock()
	had := len(o.told)
	o.told = unique(append(o.told, facts...))
	has := len(o.told)
	o.mu.Unlock()
	return has > had
}

func (f Fact) compare(g Fact) int {
	return cmp.Or(cmp.Compare(f.Kind, g.Kind), cmp.Compare(f.From, g.From), cmp.Compare(f.To, g.To))
}

func (w Witness) compare(v Witness) int {
	return cmp.Or(cmp.Compare(len(w.Tape), len(v.Tape)), slices.Compare(w.Tape, v.Tape),
		cmp.Compare(w.Thread, v.Thread), cmp.Compare(w.Step, v.Step))
}
