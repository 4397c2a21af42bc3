package triage

import (
	"cmp"
	"container/heap"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A search looks for the smallest execution with the wanted failure among all
// that begin with certain setup decisions. It is Dijkstra's algorithm on states:
// a node is a decision still to be taken, the cost of reaching it is (preemptions,
// context switches, steps), compared in this order, and it is reached by running
// the program from the start. So the first failure that comes out of the queue
// is the smallest, and when nodes with two preemptions come out, all executions
// with at most one have been seen.
//
// Package explore exhausts a program in much the same way. It searches the setup
// decisions along with the others, though, and knows categories, which do not
// say who freed the object.
type search struct {
	m     *minimizer
	setup schedule.Tape
	limit *cost // costs above are not looked at; nil: none
	nodes []searchNode
	queue queue
	known map[stateKey]cost // the cheapest way to each state so far

	ended []ending // executions of the wanted kind with another signature
	found *ending
	spent int // executions

	// The execution under way.
	tape    schedule.Tape
	pos     int
	stopped bool // at a decision, which is at
	at      searchNode
}

type cost struct{ preemptions, switches, steps int }

func (c cost) compare(o cost) int {
	return cmp.Or(cmp.Compare(c.preemptions, o.preemptions),
		cmp.Compare(c.switches, o.switches), cmp.Compare(c.steps, o.steps))
}

func costOf(m Measure) cost { return cost{m.Preemptions, m.Switches, m.Steps} }

// A searchNode is a decision still to be taken, and how it was reached.
type searchNode struct {
	cost   cost
	key    stateKey
	parent int32 // -1: the first decision after the setup
	alt    uint8 // the alternative of parent
	n      uint8 // alternatives
}

// An ending is an execution that failed.
type ending struct {
	cost cost
	tape schedule.Tape
}

// A stateKey stands for all that the future of an execution, and its cost,
// depends on: the state, whether a thread is to be chosen or something else,
// and which thread can go on without a switch.
type stateKey struct {
	state schedule.State
	last  int8 // -1: none that could go on; -2: not about threads
}

// outcome is what a search came to.
type outcome struct {
	tape      schedule.Tape // nil: none found
	complete  bool          // everything within the limit was looked at
	bound     int           // with so many preemptions everything was, at least
	elsewhere int           // failures of the kind with another signature, within bound
	states    int
	spent     int
}

// run searches until it is through, or has maxNodes nodes, or is stopped. It begins anew when
// states are no longer told from others by the same means, see [schedule.Loads].
func (s *search) run(maxNodes int) outcome {
	r := s.m.r
	wide := r.Wide
	r.Wide = true
	defer func() { r.Wide = wide }()
	for {
		knew := r.LoadsKnown()
		out := s.dijkstra(maxNodes)
		if r.LoadsKnown() == knew {
			return out
		}
		*s = search{m: s.m, setup: s.setup, limit: s.limit, spent: s.spent}
	}
}

// dijkstra is run by what loads are known. A state is closed when its node comes out of the queue:
// no later way to it is cheaper, since no step has a negative cost.
func (s *search) dijkstra(maxNodes int) outcome {
	s.known = make(map[stateKey]cost)
	s.try(-1, 0)
	closed := make(map[stateKey]bool)
	for len(s.queue) > 0 {
		id := s.queue[0].id
		nd := s.nodes[id]
		if s.found != nil && s.found.cost.compare(nd.cost) <= 0 {
			return s.outcome(len(closed), nil)
		}
		if len(closed) >= maxNodes || s.m.err != nil || s.m.ctx.Err() != nil {
			return s.outcome(len(closed), &nd.cost)
		}
		heap.Pop(&s.queue)
		if closed[nd.key] {
			continue
		}
		closed[nd.key] = true
		for alt := range nd.n {
			s.try(id, alt)
		}
	}
	return s.outcome(len(closed), nil)
}

// outcome sums up, and is careful about what it claims: a bound is only known
// when everything below it has come out of the queue. next is the cost of what
// would have come next, nil if nothing of interest is left.
func (s *search) outcome(states int, next *cost) outcome {
	out := outcome{complete: next == nil, states: states, spent: s.spent}
	switch {
	case s.found != nil && next == nil:
		out.bound = s.found.cost.preemptions - 1
	case next != nil:
		out.bound = next.preemptions - 1
	case s.limit != nil:
		out.bound = s.limit.preemptions
	default:
		out.bound = schedule.DefaultMaxSteps
	}
	if s.found != nil {
		out.tape = s.found.tape
	}
	for _, e := range s.ended {
		if e.cost.preemptions <= out.bound {
			out.elsewhere++
		}
	}
	return out
}

// try takes alternative alt of node id, from the start of the program, and goes
// on to the next decision or the end.
func (s *search) try(id int32, alt uint8) {
	s.tape = s.path(s.tape[:0], id)
	if id >= 0 {
		s.tape = append(s.tape, alt)
	}
	s.pos, s.stopped = 0, false
	res := s.m.r.Run(s)
	s.spent++
	if !s.stopped {
		s.end(&res)
		return
	}
	nd := s.at
	nd.parent, nd.alt = id, alt
	if s.limit != nil && nd.cost.compare(*s.limit) > 0 {
		return
	}
	// Another edge may have come here for less, and be in the queue or closed.
	if old, known := s.known[nd.key]; known && old.compare(nd.cost) <= 0 {
		return
	}
	s.known[nd.key] = nd.cost
	s.nodes = append(s.nodes, nd)
	heap.Push(&s.queue, queued{nd.cost, int32(len(s.nodes) - 1)})
}

// path appends the decisions that lead to node id.
func (s *search) path(tape schedule.Tape, id int32) schedule.Tape {
	tape = append(tape, s.setup...)
	if id < 0 {
		return tape
	}
	from := len(tape)
	for ; s.nodes[id].parent >= 0; id = s.nodes[id].parent {
		tape = append(tape, s.nodes[id].alt)
	}
	slices.Reverse(tape[from:])
	return tape
}

// Choose implements [schedule.Chooser].
func (s *search) Choose(e *schedule.Exec, n int) int {
	if s.pos < len(s.tape) {
		s.pos++
		return int(s.tape[s.pos-1]) % n
	}
	s.stopped = true
	s.at = searchNode{
		n:    uint8(n),
		cost: cost{e.Preemptions(), e.Switches(), e.Steps()},
		key:  stateKey{state: e.State(), last: -2},
	}
	if set := e.Enabled(); !set.Empty() {
		s.at.key.last = -1
		if last := e.Last(); last != nil && set.Has(last.ID) {
			s.at.key.last = int8(last.ID)
		}
	}
	return -1
}

// end looks at an execution that has come to its end.
func (s *search) end(res *schedule.Result) {
	if res.Outcome != schedule.Fail {
		return
	}
	at := cost{res.Preemptions, res.Switches, res.Steps}
	if s.limit != nil && at.compare(*s.limit) > 0 {
		return
	}
	if res.Failure.Kind != s.m.want.Kind {
		s.m.meet(res)
		return
	}
	// Asking for the signature costs a replay, so only for what would be the best.
	tape := append(schedule.Tape{}, s.m.r.Taken()...) // also the empty one is not nil
	if s.found != nil {
		if c := cmp.Or(at.compare(s.found.cost), shortlex(tape, s.found.tape)); c >= 0 {
			return
		}
	}
	if s.m.identify(res) {
		s.found = &ending{at, tape}
	} else {
		s.ended = append(s.ended, ending{cost: at})
	}
}

// queue is a heap of nodes by cost, then in the order in which they came.
type queue []queued

type queued struct {
	cost cost
	id   int32
}

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q queue) Less(i, j int) bool {
	return cmp.Or(q[i].cost.compare(q[j].cost), cmp.Compare(q[i].id, q[j].id)) < 0
}
func (q *queue) Push(x any) { *q = append(*q, x.(queued)) }
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}
