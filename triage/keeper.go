package triage

import (
	"context"
	"math/bits"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A verdict is what keeping some orders comes to.
type verdict uint8

const (
	open     verdict = iota // the budget was spent
	fails                   // every execution that keeps them fails as wanted
	passes                  // one that keeps them does not: see tape
	excluded                // no execution keeps them
)

// A keeper looks at all executions of a program that keep some orders: a depth-first
// search over states. What it prunes is what breaks an order, as soon as it does.
//
// A node is a decision. What follows from it, and whether that keeps the orders, is a
// function of the state and of how often what each place counts has happened: an order is
// broken when its After comes before its Before, so which are kept so far is in the
// counts. Who ran last changes the numbers of the alternatives and nothing else, so it is
// no part of a node, as it is in [search].
type keeper struct {
	ctx     context.Context
	r       *schedule.Runner
	setup   schedule.Tape // the choices before the first step
	choices schedule.Tape // of the execution that is explained, those and the later ones
	want    Signature
	budget  *int // executions left, for this and later questions

	orders []Order
	counts []int                      // by doing, in this execution
	caps   []int                      // beyond which counts do not matter
	index  map[doing]int              // of counts
	of     [schedule.MaxThreads][]int // counts of each thread

	nodes []keeperNode
	edges []int32 // of the nodes, by alternative: a node, or leaf
	known map[keeperKey]int32
	stack []int32 // nodes with alternatives left
	tape  schedule.Tape
	pos   int
	at    int32 // node whose alternative alt is being taken
	alt   uint8

	apart   bool // states differ by who runs
	lenient bool // broken has the orders that are broken, and that ends nothing
	broken  uint64

	same   map[sight]bool // whether failures that look so are as wanted
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

// A sight is what can be seen of a failure without a replay. Those that look the same
// are taken for the same: the step of a failure says where it is, and the other party's
// thread who made it one.
type sight struct {
	kind  schedule.Kind
	doing doing
	other int
	obj   string
}

// ask looks at every execution that keeps the orders. tape is one that does and does not
// fail as wanted, if the answer is passes.
func (k *keeper) ask(orders []Order) (v verdict, tape schedule.Tape) {
	k.prepare(orders)
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

// explore calls end at the end of every execution that keeps the orders, with whether it
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
		k.prepare(k.orders)
	}
}

// search is explore by what loads are known.
func (k *keeper) search(end func(wanted bool) bool) bool {
	for k.start(); ; {
		if *k.budget <= 0 || k.ctx.Err() != nil {
			return false
		}
		*k.budget--
		if res := k.run(); res.Outcome != schedule.Abandoned {
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

func (k *keeper) prepare(orders []Order) {
	k.orders, k.nodes, k.edges, k.stack = orders, k.nodes[:0], k.edges[:0], k.stack[:0]
	k.counts, k.caps = k.counts[:0], k.caps[:0]
	k.index = map[doing]int{}
	k.known = map[keeperKey]int32{}
	for i := range k.of {
		k.of[i] = k.of[i][:0]
	}
	for i := range orders {
		for _, p := range []*Place{&orders[i].Before, &orders[i].After} {
			c, ok := k.index[p.doing()]
			if !ok {
				c = len(k.counts)
				k.index[p.doing()] = c
				k.counts, k.caps = append(k.counts, 0), append(k.caps, 0)
				k.of[p.Thread] = append(k.of[p.Thread], c)
			}
			k.caps[c] = max(k.caps[c], p.Nth)
		}
	}
}

// happened reports whether the step of p has been taken in this execution.
func (k *keeper) happened(p *Place) bool { return k.counts[k.index[p.doing()]] >= p.Nth }

// Step implements [schedule.Watcher]: it counts the steps that matter, and ends an
// execution that breaks an order.
func (k *keeper) Step(t *schedule.Thread) bool {
	if len(k.of[t.ID]) == 0 {
		return true
	}
	d := doingOf(t, t.Op())
	c, ok := k.index[d]
	if !ok || k.counts[c] >= k.caps[c] {
		return true
	}
	k.counts[c]++
	for i := range k.orders {
		o := &k.orders[i]
		if o.After.doing() == d && o.After.Nth == k.counts[c] && !k.happened(&o.Before) {
			if !k.lenient {
				return false
			}
			k.broken |= 1 << i
		}
	}
	return true
}

// breaks returns the set of those of all orders that the execution of tape breaks.
func (k *keeper) breaks(all []Order, tape schedule.Tape) uint64 {
	k.prepare(all)
	clear(k.counts)
	k.lenient, k.broken = true, 0
	k.r.Watch = k
	k.r.RunTape(tape)
	k.r.Watch, k.lenient = nil, false
	return k.broken
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
	clear(k.counts)
	k.pos = 0
	k.r.Watch, k.r.Wide = k, true
	defer func() { k.r.Watch, k.r.Wide = nil, false }()
	return k.r.Run(k)
}

// Choose implements [schedule.Chooser]: the tape, then new nodes, calmly, until one is
// known.
func (k *keeper) Choose(e *schedule.Exec, n int) int {
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
	for _, count := range k.counts {
		hi, lo := bits.Mul64(key.counts+uint64(count)+1, 0x9e3779b97f4a7c15)
		key.counts = hi ^ lo
	}
	return key
}

// wanted reports whether the failure of the last run is the one to explain.
func (k *keeper) wanted(res *schedule.Result) bool {
	f := &res.Failure
	if f.Kind != k.want.Kind {
		return false
	}
	s := sight{kind: f.Kind, other: -1}
	if f.Thread != nil {
		s.doing = doingOf(f.Thread, f.Op)
	}
	if f.Other.Thread != nil {
		s.other = f.Other.Thread.ID
	}
	if f.Obj != nil {
		s.obj = f.Obj.Kind()
	}
	ok, known := k.same[s]
	if !known || f.Kind == schedule.Deadlock { // where threads wait is not in sight
		tr, err := k.r.Replay(slices.Clone(k.r.Taken()))
		ok = err == nil && Of(tr) == k.want
		k.same[s] = ok
	}
	return ok
}
