package explore

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

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
	c := newChecker(p, seed)
	defer c.runner.Close()
	// Most executions of most programs give a pair. So many tries are enough
	// to tell the programs that have none.
	for tries := 20*pairs + 1000; compared < pairs && tries > 0; tries-- {
		pr, found := c.findPair()
		if !found {
			continue
		}
		suffix := c.walk.pcg.Uint64()
		a, err := c.follow(pr.a, pr.place, suffix)
		if err != nil {
			return compared, err
		}
		b, err := c.follow(pr.b, pr.place, suffix)
		if err != nil {
			return compared, err
		}
		if a == nil || b == nil {
			continue
		}
		compared++
		if !slices.Equal(a, b) {
			return compared, pr.error(p.Name, a, b)
		}
	}
	return compared, nil
}

// A place is a state, and whether it is one in the middle of a step. Who ran
// last is no part of it, as it is of a [key]: which decision stands for which
// thread depends on that, but not what the threads do.
type place struct {
	state  schedule.State
	choose bool
}

func placeOf(e *schedule.Exec) place { return place{e.State(), e.Enabled() == 0} }

// A pair is two prefixes that come to one place. A prefix is the decisions
// taken, not canonical: its length says where it ends.
type pair struct {
	place place
	a, b  string
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
	walk    Walk
	known   map[place][]string // prefixes that lead to each place, at most keep

	base   string // the prefix of the family
	births int    // executions of the family still to come
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
	c := &checker{program: p.Name, known: make(map[place][]string)}
	c.runner = schedule.NewRunner(p)
	c.runner.Wide = true
	c.walk.Seed(seed)
	return c
}

// findPair runs a random execution and returns one of its prefixes, chosen
// at random, with another that is known to lead to the same place.
func (c *checker) findPair() (pr pair, found bool) {
	f := finder{stroll: newStroll(c.walk.pcg.Uint64())}
	if c.births > 0 {
		f.prefix = c.base
	}
	c.runner.Run(&f)
	digits := string(f.digits)
	if c.births--; c.births < 0 {
		c.births = family
		c.base = digits[:c.walk.below(len(digits)+1)]
	}
	if len(c.known) > maxKnown {
		clear(c.known)
	}
	candidates := 0
	for i, at := range f.places {
		prefix, list := digits[:i], c.known[at]
		for _, other := range list {
			if other == prefix {
				continue
			}
			if candidates++; c.walk.below(candidates) == 0 {
				pr, found = pair{at, other, prefix}, true
			}
		}
		if len(list) < keep && !slices.Contains(list, prefix) {
			c.known[at] = append(list, prefix)
		}
	}
	return pr, found
}

// follow runs prefix and goes on with random decisions. It returns what there
// was to be seen after the prefix, a line for each decision and one for the end;
// nil if the execution is invalid. The step limit is no part of the state.
func (c *checker) follow(prefix string, at place, suffix uint64) ([]string, error) {
	f := follower{stroll: newStroll(suffix), prefix: prefix, place: at}
	res := c.runner.Run(&f)
	switch {
	case len(f.lines) == horizon:
		return f.lines, nil
	case res.Outcome == schedule.Abandoned || f.pos < len(prefix):
		return nil, fmt.Errorf("%s: tape %q: the program is not deterministic: "+
			"a second run came to another state, see Runner.CheckDeterminism",
			c.program, schedule.Tape(prefix).String())
	case res.Outcome == schedule.Invalid:
		return nil, nil
	}
	end := fmt.Sprintf("%v after %d steps, state %016x",
		CategoryOf(res), res.Steps-f.base, c.runner.Exec().State())
	return append(f.lines, end), nil
}

// A stroll is a walk over threads. It knows to stay with one: the walk hardly
// ever gets far into one thread before another starts. Its choice of threads
// depends on which are enabled and nothing else, so that two strolls with one
// seed go the same way from the same state.
type stroll struct {
	Walk
	stay int // of eight decisions, how many stay with the thread chosen last
	last int // its number
}

func newStroll(seed uint64) stroll {
	var s stroll
	s.Seed(seed)
	s.stay = []int{0, 4, 7}[s.below(3)]
	return s
}

func (s *stroll) Choose(e *schedule.Exec, n int) int {
	set := e.Enabled()
	if set == 0 {
		return s.below(n)
	}
	if stay := s.below(8) < s.stay; !stay || set>>s.last&1 == 0 {
		for skip := s.below(n); skip > 0; skip-- {
			set &= set - 1
		}
		s.last = bits.TrailingZeros32(set)
	}
	d := 0
	for e.Alternative(d).ID != s.last {
		d++
	}
	return d
}

// A finder repeats a prefix, then strolls, and remembers its way.
type finder struct {
	stroll
	prefix string
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

// A follower repeats a prefix, then strolls and writes down what it sees.
type follower struct {
	stroll
	prefix string
	pos    int
	place  place // at the end of the prefix
	base   int   // steps there
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
	if f.lines == nil {
		f.base = e.Steps()
	}
	if f.lines == nil && placeOf(e) != f.place || len(f.lines) == horizon {
		return -1
	}
	f.lines = append(f.lines, describe(e, n, f.base))
	return f.stroll.Choose(e, n)
}

// describe returns what there is to be seen at a decision: a line of text, since
// texts are easy to compare and to show, and this need not be fast.
func describe(e *schedule.Exec, n, base int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d alternatives after %d steps, enabled %016b, state %016x",
		n, e.Steps()-base, e.Enabled(), e.State())
	for _, t := range e.Threads() {
		op := t.Op()
		switch {
		case t.Idle():
			fmt.Fprintf(&b, "; %s idle", t.Name)
		case t.Finished():
			fmt.Fprintf(&b, "; %s finished", t.Name)
		case e.Enabled() == 0:
			// Within a step the thread that takes it has no next one yet: an
			// agent that has not said what it begins still has its last op.
		default:
			fmt.Fprintf(&b, "; %s %s %s", t.Name, op.Verb, cellName(op.Cell))
		}
	}
	return b.String()
}

// cellName names a cell by what is part of the state. The number in
// [schedule.Object.Name] is not: it may count the objects of all threads, in
// the order in which they were allocated.
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
