package triage

import (
	"context"
	"math/bits"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A verdict is what keeping some causes comes to.
type verdict uint8

const (
	open     verdict = iota // the budget was spent
	fails                   // every execution that keeps them fails as wanted
	passes                  // one that keeps them does not: see tape
	excluded                // no execution keeps them
)

// A keeper looks at all executions of a program that keep some causes: a depth-first
// search over states. What it prunes is what breaks one, as soon as it does.
//
// A node is a decision. What follows from it, and whether that keeps the causes, is a
// function of the state and of how often what each place counts has happened: an order is
// broken when its After comes before its Before, so which are kept so far is in the
// counts. (What a load may still read, and whether that was there before a store, is the
// one thing that these do not tell: see key.) Who ran last changes the numbers of the alternatives
// and nothing else, so it is no part of a node, as it is in [search].
type keeper struct {
	ctx     context.Context
	r       *schedule.Runner
	setup   schedule.Tape // the choices before the first step
	choices schedule.Tape // of the execution that is explained, those and the later ones
	want    Signature
	budget  *int // executions left, for this and later questions

	causes []Cause
	ends   [][2]int                   // of each the place in counts of Before, and of After
	stored []int                      // by cause with a load: the step of the store, once taken
	loaded []bool                     // and whether the load has read
	counts []int                      // by doing, in this execution
	caps   []int                      // beyond which counts do not matter
	index  map[doing]int              // of counts
	of     [schedule.MaxThreads][]int // counts of each thread

	// The step under way:
	step  int
	place int // in counts; -1: it does not matter
	fresh bool

	ordered *codePlace // where loads read no old value; nil: nowhere

	nodes []keeperNode
	edges []int32 // of the nodes, by alternative: a node, or leaf
	known map[keeperKey]int32
	stack []int32 // nodes with alternatives left
	tape  schedule.Tape
	pos   int
	at    int32 // node whose alternative alt is being taken
	alt   uint8

	apart   bool // states differ by who runs
	lenient bool // broken has the causes that are broken, and that ends nothing
	broken  schedule.Set

	states int
}

type keeperNode struct {
	parent   int32
	alt      uint8 // of parent
	n, taken uint8
	runs     bool // alternative 0 lets the running thread go on
	edge     int  // the first of its edges
}

// to returns what the alternatives of a node lead to.
func (k *keeper) to(id int32) []int32 {
	nd := &k.nodes[id]
	return k.edges[nd.edge : nd.edge+int(nd.n)]
}

// Leaves: what a node leads to where that is no other node.
const (
	leafOther  = -1 // an end that is not the one wanted
	leafWanted = -2
)

type keeperKey struct {
	state  schedule.State
	counts uint64 // hash of them
	choose bool
	runs   int8 // the running thread, if that matters; else -1
}

// ask looks at every execution that keeps the causes. tape is one that does and does not
// fail as wanted, if the answer is passes.
func (k *keeper) ask(causes []Cause) (v verdict, tape schedule.Tape) {
	k.prepare(causes)
	kept := false
	complete := k.explore(func(wanted bool) bool {
		kept = true
		if !wanted {
			v, tape = passes, slices.Clone(k.r.Taken())
		}
		return wanted
	})
	switch {
	case v == passes:
	case !complete:
		v = open
	case kept:
		v = fails
	default:
		v = excluded
	}
	return v, tape
}

// explore calls end at the end of every execution that keeps the causes, with whether it
// fails as wanted, until that returns false. Executions that come to the same node go on
// from there once. It reports whether it is through. It begins anew, and calls end again, when
// states are no longer told from others by the same means, see [schedule.Loads].
func (k *keeper) explore(end func(wanted bool) bool) bool {
	for {
		knew, states := k.r.LoadsKnown(), k.states
		if !k.search(end) {
			return false
		}
		if k.r.LoadsKnown() == knew {
			return true
		}
		k.states = states
		k.prepare(k.causes)
	}
}

// search is explore by what loads are known.
func (k *keeper) search(end func(wanted bool) bool) bool {
	for k.start(); ; {
		if *k.budget <= 0 || k.ctx.Err() != nil {
			return false
		}
		*k.budget--
		if res := k.run(); res.Outcome != schedule.Abandoned && k.read() {
			wanted := res.Outcome == schedule.Fail && k.wanted(&res)
			k.link(leafOther)
			if wanted {
				k.link(leafWanted)
			}
			if !end(wanted) {
				return false
			}
		}
		if !k.more() {
			return true
		}
	}
}

// link notes what the alternative that is being taken leads to.
func (k *keeper) link(to int32) {
	if k.at >= 0 {
		k.to(k.at)[k.alt] = to
	}
}

func (k *keeper) prepare(causes []Cause) {
	k.causes, k.nodes, k.edges, k.stack = causes, k.nodes[:0], k.edges[:0], k.stack[:0]
	k.ends, k.stored, k.loaded = k.ends[:0], make([]int, len(causes)), make([]bool, len(causes))
	k.counts, k.caps = k.counts[:0], k.caps[:0]
	k.index = map[doing]int{}
	k.known = map[keeperKey]int32{}
	for i := range k.of {
		k.of[i] = k.of[i][:0]
	}
	for i := range causes {
		ends := [2]int{k.count(&causes[i].Before), -1}
		if causes[i].Of == 0 {
			ends[1] = k.count(&causes[i].After)
		}
		k.ends = append(k.ends, ends)
	}
}

// count has the steps counted that p is one of, and returns their place in counts.
func (k *keeper) count(p *Place) int {
	c, ok := k.index[p.doing()]
	if !ok {
		c = len(k.counts)
		k.index[p.doing()] = c
		k.counts, k.caps = append(k.counts, 0), append(k.caps, 0)
		k.of[p.Thread] = append(k.of[p.Thread], c)
	}
	k.caps[c] = max(k.caps[c], p.Nth)
	return c
}

// begin is called when an execution begins.
func (k *keeper) begin() {
	clear(k.counts)
	clear(k.stored)
	clear(k.loaded)
	k.step, k.place, k.broken = -1, -1, schedule.Set{}
}

// happened reports whether the Before of a cause has been taken, or if end is 1 the After.
func (k *keeper) happened(cause, end int) bool {
	return k.counts[k.ends[cause][end]] >= k.nth(cause, end)
}

// now reports whether that is the step under way.
func (k *keeper) now(cause, end int) bool {
	at := k.ends[cause][end]
	return at >= 0 && at == k.place && k.counts[at] == k.nth(cause, end)
}

func (k *keeper) nth(cause, end int) int {
	if end == 0 {
		return k.causes[cause].Before.Nth
	}
	return k.causes[cause].After.Nth
}

// breaks is called when a cause is broken. It reports whether the execution goes on.
func (k *keeper) breaks(cause int) bool {
	k.broken = k.broken.With(cause)
	return k.lenient
}

// Step implements [schedule.Watcher]: it counts the steps that matter, and ends an
// execution that breaks an order.
func (k *keeper) Step(t *schedule.Thread) bool {
	k.step, k.place = t.Exec().Steps(), -1
	if k.ordered != nil {
		k.fresh = k.ordered.at(t)
	}
	if len(k.of[t.ID]) == 0 {
		return true
	}
	c, ok := k.index[doingOf(t, t.Op())]
	if !ok || k.counts[c] >= k.caps[c] {
		return true
	}
	k.counts[c]++
	k.place = c
	for i := range k.causes {
		if o := &k.causes[i]; o.Reads != AsTaken && t.Exec().ReordersLoads() {
			if k.now(i, o.Reads.store()) {
				k.stored[i] = k.step
			}
		} else if o.Of == 0 && k.now(i, 1) && !k.happened(i, 0) && !k.breaks(i) {
			return false
		}
	}
	return true
}

// Loaded implements [schedule.LoadWatcher]: it ends an execution in which a load has not read what
// it should.
func (k *keeper) Loaded(t *schedule.Thread, l schedule.Loading) bool {
	if k.step != t.Exec().Steps() || l.Cell != t.Op().Cell {
		return true
	}
	if k.ordered != nil && k.fresh && l.Old {
		return false
	}
	for i := range k.causes {
		r := k.causes[i].Reads
		if r == AsTaken || k.loaded[i] || !k.now(i, 1-r.store()) {
			continue
		}
		k.loaded[i] = true
		s := k.stored[i]
		before := s == 0 || l.Over > 0 && l.Over <= s
		if before != (r == ReadsOld) && !k.breaks(i) {
			return false
		}
	}
	return true
}

// read is called when an execution has ended. It reports whether no store was made that a load
// should have come before which was never taken.
func (k *keeper) read() bool {
	for i := range k.causes {
		if k.causes[i].Reads == ReadsOld && k.stored[i] > 0 && !k.happened(i, 0) && !k.breaks(i) {
			return false
		}
	}
	return true
}

// chosen is called when d was the answer to a choice of the step under way.
func (k *keeper) chosen(which, d int) bool {
	for i := range k.causes {
		c := &k.causes[i]
		if c.Which == which && k.now(i, 0) && c.Taken != d && !k.breaks(i) {
			return false
		}
	}
	return true
}

// brokenBy returns the set of those of all causes that the execution of tape breaks.
func (k *keeper) brokenBy(all []Cause, tape schedule.Tape) schedule.Set {
	k.prepare(all)
	k.begin()
	k.lenient = true
	k.r.Watch = k
	var from schedule.TapeReader
	from.Reset(tape)
	k.r.Run(&follower{&from, k})
	k.read()
	k.r.Watch, k.lenient = nil, false
	return k.broken
}

// A follower takes the decisions of another chooser and tells a keeper of them.
type follower struct {
	from schedule.Chooser
	k    *keeper
}

// Choose implements [schedule.Chooser].
func (f *follower) Choose(e *schedule.Exec, n int) int { return f.k.hear(e, f.from.Choose(e, n)) }

// hear returns the decision d, or -1 if that breaks a cause.
func (k *keeper) hear(e *schedule.Exec, d int) int {
	within := subjectOf(e) == choice && e.Steps() == k.step // else an agent chooses its step
	if d >= 0 && within && e.Asked() > 0 && !k.chosen(e.Asked(), d) {
		return -1
	}
	return d
}

// A codePlace is where a model takes a step, whatever object that is of, and whoever takes it.
type codePlace struct {
	verb, kind string
	call       uintptr
}

// at reports whether the step under way is taken there.
func (p *codePlace) at(t *schedule.Thread) bool {
	d := doingOf(t, t.Op())
	return d.verb == p.verb && d.kind == p.kind && t.Call() == p.call
}

// start sets out from the first decision after the setup.
func (k *keeper) start() {
	k.at, k.alt = -1, 0
	k.tape = append(k.tape[:0], k.setup...)
}

// more sets out from the last node that has an alternative left. It reports false if
// none has.
func (k *keeper) more() bool {
	for len(k.stack) > 0 {
		id := k.stack[len(k.stack)-1]
		nd := &k.nodes[id]
		if nd.taken == nd.n {
			k.stack = k.stack[:len(k.stack)-1]
			continue
		}
		k.at, k.alt = id, nd.taken
		nd.taken++
		k.tape = k.path(k.tape[:0], id)
		k.tape = append(k.tape, k.alt)
		return true
	}
	return false
}

func (k *keeper) path(s schedule.Tape, id int32) schedule.Tape {
	s = append(s, k.setup...)
	from := len(s)
	for ; k.nodes[id].parent >= 0; id = k.nodes[id].parent {
		s = append(s, k.nodes[id].alt)
	}
	slices.Reverse(s[from:])
	return s
}

func (k *keeper) run() schedule.Result {
	k.begin()
	k.pos = 0
	k.r.Watch, k.r.Wide = k, true
	defer func() { k.r.Watch, k.r.Wide = nil, false }()
	return k.r.Run(k)
}

// Choose implements [schedule.Chooser].
func (k *keeper) Choose(e *schedule.Exec, n int) int { return k.hear(e, k.next(e, n)) }

// next decides: the tape, then new nodes, calmly, until one is known.
func (k *keeper) next(e *schedule.Exec, n int) int {
	if k.pos < len(k.tape) {
		k.pos++
		return int(k.tape[k.pos-1]) % n
	}
	key := k.key(e)
	if id, ok := k.known[key]; ok {
		k.link(id)
		return -1
	}
	id := int32(len(k.nodes))
	k.known[key] = id
	k.states++
	k.link(id)
	k.nodes = append(k.nodes, keeperNode{
		parent: k.at, alt: k.alt, n: uint8(n), taken: 1, runs: key.runs >= 0, edge: len(k.edges),
	})
	k.edges = append(k.edges, make([]int32, n)...)
	k.at, k.alt = id, 0
	k.stack = append(k.stack, id)
	return 0
}

// key returns the key of the node that e has come to.
func (k *keeper) key(e *schedule.Exec) keeperKey {
	key := keeperKey{state: e.State(), choose: e.Enabled().Empty(), runs: -1}
	if t := e.Running(); t != nil && k.apart {
		key.runs = int8(t.ID)
	}
	add := func(n int) {
		hi, lo := bits.Mul64(key.counts+uint64(n)+1, 0x9e3779b97f4a7c15)
		key.counts = hi ^ lo
	}
	for _, count := range k.counts {
		add(count)
	}
	for i, step := range k.stored { // what of the old values was there before the store
		if step > 0 && !k.loaded[i] {
			load, _ := k.causes[i].load()
			add(e.Threads()[load.Thread].OldUpTo(step))
		}
	}
	return key
}

// wanted reports whether the failure of the last run is the one to explain.
func (k *keeper) wanted(res *schedule.Result) bool {
	if res.Failure.Kind != k.want.Kind {
		return false
	}
	tr, err := k.r.Replay(slices.Clone(k.r.Taken()))
	return err == nil && Of(tr) == k.want
}
