package explore

import (
	"bytes"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// CheckStates tests the contract of [schedule.Exec.State] on p: two prefixes of
// executions with the same state behave the same under every common
// continuation. It runs random executions, finds two different prefixes that
// come to the same state, goes on from both with the same random choice of
// threads, and compares at every further decision the enabled threads, the
// number of alternatives, what each thread will do next and the state, and at
// the end the category.
//
// It goes on until it has compared the given number of pairs, and returns how
// many it has. They are fewer if the program has few such pairs; a caller who
// needs thousands must look. The error shows both prefixes and where they part.
//
// What a model keeps outside cells, does not pass through
// [schedule.Thread.Observe], or forgets while it still matters
// ([schedule.Thread.Forget]) shows here, if random executions can show it.
func CheckStates(p schedule.Program, pairs int, seed uint64) (compared int, err error) {
	untilKnown(func(loads *schedule.Loads) { compared, err = checkStates(p, pairs, seed, loads) })
	return compared, err
}

func checkStates(
	p schedule.Program, pairs int, seed uint64, loads *schedule.Loads,
) (compared int, err error) {
	c := newChecker(p, seed)
	c.runner.Loads = loads
	defer c.runner.Close()
	// Most executions of most programs give a pair. So many tries are enough
	// to tell the programs that have none.
	for tries := 20*pairs + 1000; compared < pairs && tries > 0; tries-- {
		pr, found := c.findPair()
		if !found {
			continue
		}
		same, err := c.compare(&pr, c.walk.pcg.Uint64())
		if err != nil {
			return compared, err
		}
		if same {
			compared++
		}
	}
	return compared, nil
}

// compare goes on from both prefixes of a pair. It reports false if there is
// nothing to compare, since an execution is invalid.
func (c *checker) compare(pr *pair, suffix uint64) (bool, error) {
	if err := c.follow(&c.a, pr.a, pr.place, suffix, false); err != nil {
		return false, err
	}
	if err := c.follow(&c.b, pr.b, pr.place, suffix, false); err != nil {
		return false, err
	}
	if len(c.a.sights) == 0 || len(c.b.sights) == 0 {
		return false, nil
	}
	if slices.Equal(c.a.sights, c.b.sights) {
		return true, nil
	}
	// Once more, in words. Nothing else is slow here.
	if err := c.follow(&c.a, pr.a, pr.place, suffix, true); err != nil {
		return false, err
	}
	if err := c.follow(&c.b, pr.b, pr.place, suffix, true); err != nil {
		return false, err
	}
	return false, pr.error(c.program, c.a.lines, c.b.lines)
}

// A place is a state, and whether it is one in the middle of a step. Who ran
// last is no part of it, as it is of a [key]: which decision stands for which
// thread depends on that, but not what the threads do.
type place struct {
	state  schedule.State
	choose bool
}

func placeOf(e *schedule.Exec) place { return place{e.State(), e.Enabled().Empty()} }

// A pair is two prefixes that come to one place. A prefix is the decisions
// taken, not canonical: its length says where it ends.
type pair struct {
	place place
	a, b  []byte
}

// error shows two continuations that should be the same: both prefixes, and the
// first lines that differ.
func (pr *pair) error(program string, a, b []string) error {
	i := 0
	for i < min(len(a), len(b))-1 && a[i] == b[i] {
		i++
	}
	return fmt.Errorf("%s: two prefixes come to one state and then behave differently: "+
		"something is kept outside cells, not observed, or forgotten too early\n"+
		"prefix %q and prefix %q\nafter %d common decisions:\n  %s\n  %s",
		program, schedule.Tape(pr.a).String(), schedule.Tape(pr.b).String(), i, a[i], b[i])
}

// A checker finds pairs and follows them. Everything it does follows from its
// seed, so that an error can be had again.
type checker struct {
	program string
	runner  *schedule.Runner
	walk    walk
	known   map[place]prefixes
	taken   []byte // the decisions of all executions that prefixes are of
	find    finder
	a, b    follower

	base   []byte // the prefix of the family
	births int    // executions of the family still to come
}

// prefixes are some that lead to one place. They have no pointers: there are hundreds of
// thousands, which the garbage collector would go through again and again.
type prefixes struct {
	n  uint32
	in [keep]struct{ from, to uint32 } // of checker.taken
}

const (
	// horizon is after how many decisions a comparison ends. Some programs
	// never do.
	horizon = 256
	// keep is how many prefixes are remembered for a place, and maxKnown for
	// how many places. What is forgotten then costs a few pairs.
	keep     = 4
	maxKnown = 1 << 17
	// family is how many executions begin alike. Those of a program that first
	// chooses what it will do, in a thousand ways, would hardly ever meet else.
	family = 16
)

func newChecker(p schedule.Program, seed uint64) *checker {
	c := &checker{program: p.Name, known: make(map[place]prefixes)}
	c.runner = schedule.NewRunner(p)
	c.runner.Wide = true
	c.walk.seed(seed)
	return c
}

// findPair runs a random execution and returns one of its prefixes, chosen
// at random, with another that is known to lead to the same place.
func (c *checker) findPair() (pr pair, found bool) {
	f := &c.find
	*f = finder{stroll: newStroll(c.walk.pcg.Uint64()), digits: f.digits[:0], places: f.places[:0]}
	if c.births > 0 {
		f.prefix = c.base
	}
	c.runner.Run(f)
	if c.births--; c.births < 0 {
		c.births = family
		c.base = append(c.base[:0], f.digits[:c.walk.below(len(f.digits)+1)]...)
	}
	if len(c.known) > maxKnown {
		clear(c.known)
		c.taken = c.taken[:0]
	}
	start := uint32(len(c.taken))
	c.taken = append(c.taken, f.digits...)
	candidates, kept := 0, false
	for i, at := range f.places {
		prefix, list := f.digits[:i], c.known[at]
		fresh := true
		for _, r := range list.in[:list.n] {
			other := c.taken[r.from:r.to]
			if bytes.Equal(other, prefix) {
				fresh = false
				continue
			}
			if candidates++; c.walk.below(candidates) == 0 {
				pr, found = pair{at, other, prefix}, true
			}
		}
		if list.n < keep && fresh {
			list.in[list.n] = struct{ from, to uint32 }{start, start + uint32(i)}
			list.n++
			c.known[at], kept = list, true
		}
	}
	if !kept {
		c.taken = c.taken[:start]
	}
	return pr, found
}

// follow runs prefix and goes on with random decisions. In f.sights it leaves
// what there was to be seen after the prefix, one number for each decision and one
// for the end, and in f.lines the same in words if these are wanted. There is
// nothing if the execution is invalid: the step limit is no part of the state.
func (c *checker) follow(f *follower, prefix []byte, at place, suffix uint64, words bool) error {
	*f = follower{stroll: newStroll(suffix), prefix: prefix, place: at,
		sights: f.sights[:0], lines: f.lines[:0], words: words}
	res := c.runner.Run(f)
	switch {
	case len(f.sights) == horizon:
		return nil
	case res.Outcome == schedule.Abandoned || f.pos < len(prefix):
		return fmt.Errorf("%s: tape %q: the program is not deterministic: "+
			"a second run came to another state, see Runner.CheckDeterminism",
			c.program, schedule.Tape(prefix).String())
	case res.Outcome == schedule.Invalid:
		f.sights = f.sights[:0]
		return nil
	}
	state := c.runner.Exec().State()
	end := fmt.Sprintf("%v after %d steps, state %016x", CategoryOf(res), res.Steps-f.base, state)
	f.sights = append(f.sights, xxhash.Sum64String(end))
	if words {
		f.lines = append(f.lines, end)
	}
	return nil
}

// A stroll is a walk over threads. It knows to stay with one: the walk hardly
// ever gets far into one thread before another starts. Its choice of threads
// depends on which are enabled and nothing else, so that two strolls with one
// seed go the same way from the same state.
type stroll struct {
	walk
	stay int // of eight decisions, how many stay with the thread chosen last
	last int // its number
}

func newStroll(seed uint64) stroll {
	var s stroll
	s.seed(seed)
	s.stay = []int{0, 4, 7}[s.below(3)]
	return s
}

func (s *stroll) Choose(e *schedule.Exec, n int) int {
	set := e.Enabled()
	if set.Empty() {
		return s.below(n)
	}
	if stay := s.below(8) < s.stay; !stay || !set.Has(s.last) {
		s.last = set.Nth(s.below(n))
	}
	return alternative(e, s.last)
}

// A finder repeats a prefix, then strolls, and remembers its way.
type finder struct {
	stroll
	prefix []byte
	digits []byte
	places []place // of each decision
}

func (f *finder) Choose(e *schedule.Exec, n int) int {
	pos := len(f.digits)
	d := 0
	if pos >= len(f.prefix) {
		d = f.stroll.Choose(e, n)
	} else if d = int(f.prefix[pos]); d >= n {
		return -1 // not deterministic: follow says so
	}
	f.digits = append(f.digits, byte(d))
	f.places = append(f.places, placeOf(e))
	return d
}

// A follower repeats a prefix, then strolls and remembers what it sees.
type follower struct {
	stroll
	prefix []byte
	pos    int
	place  place // at the end of the prefix
	base   int   // steps there
	sights []uint64
	words  bool
	lines  []string
}

func (f *follower) Choose(e *schedule.Exec, n int) int {
	if f.pos < len(f.prefix) {
		d := int(f.prefix[f.pos])
		f.pos++
		if d >= n {
			return -1
		}
		return d
	}
	if len(f.sights) == 0 {
		f.base = e.Steps()
	}
	if len(f.sights) == 0 && placeOf(e) != f.place || len(f.sights) == horizon {
		return -1
	}
	f.sights = append(f.sights, sight(e, n, f.base))
	if f.words {
		f.lines = append(f.lines, describe(e, n, f.base))
	}
	return f.stroll.Choose(e, n)
}

// What a thread will do next, besides an operation.
const (
	willRest  = "idle"
	willEnd   = "finished"
	willDoubt = "" // see next
)

// next returns what t will do next: a verb and a cell. Within a step the thread
// that takes it has no next one yet: an agent that has not said what it begins
// still has its last op.
func next(e *schedule.Exec, t *schedule.Thread) (verb string, c *schedule.Cell) {
	switch {
	case t.Idle():
		return willRest, nil
	case t.Finished():
		return willEnd, nil
	case e.Enabled().Empty():
		return willDoubt, nil
	}
	return t.Op().Verb, t.Op().Cell
}

// sight returns what there is to be seen at a decision, as a hash.
func sight(e *schedule.Exec, n, base int) uint64 {
	s := e.State()
	lo, hi := e.Enabled().Words()
	var h uint64
	for _, v := range [...]uint64{uint64(n), uint64(e.Steps() - base), lo, hi, s.Lo, s.Hi} {
		h = stir(h, v)
	}
	for _, t := range e.Threads() {
		verb, c := next(e, t)
		h = stir(h, xxhash.Sum64String(verb))
		h = stir(h, cellID(c))
	}
	return h
}

// stir mixes v into the hash h.
func stir(h, v uint64) uint64 {
	hi, lo := bits.Mul64(h^v, 0x9e3779b97f4a7c15)
	return hi ^ lo + h
}

// describe returns what sight hashes, as a line of text.
func describe(e *schedule.Exec, n, base int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d alternatives after %d steps, enabled %v, state %016x",
		n, e.Steps()-base, e.Enabled(), e.State())
	for _, t := range e.Threads() {
		if verb, c := next(e, t); verb != willDoubt {
			fmt.Fprintf(&b, "; %s %s", t.Name, verb)
			if c != nil {
				fmt.Fprintf(&b, " %s (cell %x)", cellName(c), cellID(c))
			}
		}
	}
	return b.String()
}

// cellID identifies a cell by what is part of the state.
func cellID(c *schedule.Cell) uint64 {
	if c == nil || c.Object() == nil {
		return 0
	}
	return c.ID()
}

// cellName names a cell likewise. The number in [schedule.Object.Name] is no part
// of the state: it may count the objects of all threads, in the order in which they
// were allocated.
func cellName(c *schedule.Cell) string {
	if c == nil || c.Object() == nil {
		return ""
	}
	o := c.Object()
	name := o.Kind() + strings.TrimPrefix(c.Name(), o.Name())
	if t := o.Allocated().Thread; t != nil {
		name += " of " + t.Name
	}
	return name
}
