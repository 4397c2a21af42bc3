package explore

import (
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Several workers on one search.
//
// What an edge leads to is a function of its node and alternative, and which nodes there
// are on each level does not depend on the order in which edges are taken, as long as
// no edge of the next bound is. So workers may take the edges of a bound in any order
// and in parallel, and the graph is the same but for how its nodes are numbered and by
// which way each was discovered. Nothing that a report says of a finished bound depends
// on either.
//
// One lock guards the search. It is not held where the time goes: while a worker
// repeats the way to its node, and between two decisions.

// A worker takes edges, one execution after the other, and is their chooser.
type worker struct {
	*search
	runner    *schedule.Runner
	canonical Canonical // nil: no symmetry

	// The execution under way: the decisions to repeat, the last of them a new
	// one, and how many have been; which decision the new one is.
	tape    schedule.Tape
	pos     int
	key     key
	choices int
	// The edge it is on, and its steps and switches where the edge began.
	from           uint32
	alt            uint8
	base, switched int
	detour         bool // the edge's node was not reached on its own way
	passed         int  // edges in a row that had been taken before
}

// work takes edges until there are none left in the bound, or the search has stopped.
func (w *worker) work() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.assign() {
		w.mu.Unlock()
		res, crash := w.execute()
		w.mu.Lock()
		w.settle(res, crash)
	}
}

// assign gives the worker an edge, waiting for one if other workers may yet find some.
// It reports false if there are no more.
func (w *worker) assign() bool {
	for w.stop == Continues {
		if w.saving {
			if w.busy == 0 {
				w.save()
				w.saving = false
				w.idle.Broadcast()
				continue
			}
		} else if c, ok := w.take(); ok {
			if w.ctx.Err() != nil {
				w.dropped = append(w.dropped, c)
				w.stop = Cancelled
				break
			}
			w.begin(c)
			return true
		} else if w.busy == 0 {
			break
		}
		w.waiting++
		w.idle.Wait()
		w.waiting--
	}
	w.idle.Broadcast()
	return false
}

// begin prepares the execution that takes an edge.
func (w *worker) begin(c claimed) {
	nd := &w.nodes[c.Node]
	w.key, w.choices = nd.key, int(nd.n)
	w.from, w.alt, w.detour = c.Node, c.Alt, false
	w.tape = w.tape[:0]
	if c.Node != 0 { // which is no decision
		w.tape = append(w.path(w.tape, c.Node), c.Alt)
	}
	w.pos, w.base, w.switched, w.passed = 0, 0, 0, 0
	w.busy++
	if w.opt.Progress != nil && w.runs%progressEvery == 0 {
		w.opt.Progress(w.progress())
	}
}

// execute runs the tape, and what follows. It returns the panic of a model, for the
// caller of Exhaust to get it.
func (w *worker) execute() (res schedule.Result, crash any) {
	defer func() { crash = recover() }()
	return w.runner.Run(w), nil
}

// settle does with the edge that the worker is on what the end of the execution says.
func (w *worker) settle(res schedule.Result, crash any) {
	w.busy--
	w.runs++
	w.steps += uint64(res.Steps)
	switch open := w.edges[w.nodes[w.from].edge+uint32(w.alt)].to == unexpanded; {
	case crash != nil:
		w.crash, w.stop = crash, Unsound
	case res.Outcome == schedule.Abandoned && !open: // at a known node
	case res.Outcome == schedule.Abandoned: // by the stop of the search
		w.dropped = append(w.dropped, claimed{w.from, w.alt})
	case w.pos < len(w.tape):
		w.diverged()
	case res.Outcome == schedule.Invalid && !open: // a long way, but no new edge
	case res.Outcome == schedule.Invalid && w.detour:
		// The steps may have been used up on the detour: with cycles it has no
		// end. The edge gets another chance on its own way.
		w.dropped = append(w.dropped, claimed{w.from, w.alt})
	default:
		w.finish(res)
	}
	if w.due() {
		w.saving = true
	}
	if w.waiting > 0 {
		w.idle.Broadcast()
	}
}

// progress tells how far the search is.
func (s *search) progress() Progress {
	return Progress{
		Bound: s.bound, Done: s.turn, Queued: len(s.now),
		Nodes: len(s.nodes) - 1, Runs: s.runs, Steps: s.steps,
	}
}

// Choose implements [schedule.Chooser]: first the tape, whose end is checked to
// lead where it led before, then new edges as long as there are any.
func (w *worker) Choose(e *schedule.Exec, n int) int {
	if w.pos == len(w.tape) {
		return w.arrive(e, w.keyOf(e), n)
	}
	d := int(w.tape[w.pos])
	last := w.pos == len(w.tape)-1
	if d >= n || last && (w.keyOf(e) != w.key || n != w.choices) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.diverged()
	}
	w.pos++
	if last {
		w.leave(e, w.from, w.alt)
	}
	return d
}

// arrive completes the edge that the execution is on with the node that it has come to,
// and decides how to go on.
func (w *worker) arrive(e *schedule.Exec, k key, n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stop != Continues {
		return -1
	}
	if at, known := w.find(k); known {
		return w.meet(e, at, n)
	}
	if len(w.nodes) > w.opt.MaxNodes {
		w.stop = NodeLimit
		return -1
	}
	if !w.reserve(n, w.opt.MaxBytes) {
		w.stop = MemoryLimit
		return -1
	}
	w.discover(e, k, n)
	return 0
}

// meet is arrive at a known node. If it has an edge left, the execution goes on there;
// but not with symmetry, where its alternatives are numbered as they are on its own way.
func (w *worker) meet(e *schedule.Exec, at uint32, n int) int {
	if !w.alike(e, &w.nodes[at], n) {
		return w.unlike(e, at, n)
	}
	if !w.link(at, e.Steps(), e.Switches()) {
		return -1
	}
	if w.canonical != nil {
		return -1
	}
	alt, ok := w.claim(at)
	if ok {
		w.passed = 0
	} else if alt, ok = w.pass(at); !ok {
		return -1
	}
	w.detour = true
	w.leave(e, at, alt)
	return int(alt)
}

// maxPassed is how many edges are passed in a row: programs with cycles may never end.
const maxPassed = 64

// pass returns an alternative of node id, which has no edge left, for the execution to go
// on all the same: to a neighbour that has one or else calmly. That costs less than to
// abandon it, which takes every thread out of whatever it is in, and to run the whole way
// to another edge; and it may come to a node that has an edge left.
func (w *worker) pass(id uint32) (alt uint8, ok bool) {
	w.passed++
	edges := w.alternatives(&w.nodes[id])
	for alt, ed := range edges {
		if ed.to != unexpanded && ed.to < terminal && w.left(&w.nodes[ed.to]) {
			return uint8(alt), true
		}
	}
	return 0, edges[0].to != unexpanded && w.passed < maxPassed
}

// discover adds the node that e has come to, and goes on from there.
func (w *worker) discover(e *schedule.Exec, k key, n int) {
	nd := node{
		key: k, parent: w.from, alt: w.alt, level: uint32(w.bound),
		enabled: fold(e.Enabled()), n: uint8(n), taken: 1, preempt: e.Running() != nil,
	}
	id := w.add(nd)
	w.link(id, e.Steps(), e.Switches())
	if nd.preempt {
		w.next = append(w.next, id)
	} else {
		w.now = append(w.now, id)
		if w.waiting > 0 {
			w.idle.Signal()
		}
	}
	w.leave(e, id, 0)
}

// leave begins the edge that is alternative alt of node id.
func (w *worker) leave(e *schedule.Exec, id uint32, alt uint8) {
	w.from, w.alt = id, alt
	w.base, w.switched = e.Steps(), e.Switches()
}

// link completes the edge that the execution is on. If it was complete, it must lead where
// it led before; link reports false if it does not, and the search has ended.
func (w *worker) link(to uint32, steps, switches int) bool {
	ed := &w.edges[w.nodes[w.from].edge+uint32(w.alt)]
	now := edge{
		to: to, steps: uint32(steps - w.base), switches: uint32(switches - w.switched),
	}
	if ed.to != unexpanded && *ed != now {
		w.stop = Unsound
		w.err = fmt.Errorf("tapes %q and %q come to one state, but alternative %d leads to "+
			"two: the program keeps state outside cells, see CheckStates",
			w.path(nil, w.from).String(), w.runner.Taken().String(), w.alt)
		return false
	}
	*ed = now
	return true
}

// finish completes the edge with the end of the execution. A category is met
// first in the bound of its fewest preemptions; the rest of its witness waits for
// the end of the bound.
func (w *worker) finish(res schedule.Result) {
	c := w.category(res)
	i, known := w.byCat[c]
	if !known {
		i = w.meetEnding(c, w.bound, claimed{w.from, w.alt})
	}
	if w.link(terminal|i, res.Steps, res.Switches) && !known {
		w.endings[i].witness = w.witness(w.endings[i].first, w.bound)
	}
}

// diverged ends the search because a tape that led to a node does not do so
// again. It returns what abandons the execution, like unlike.
func (w *worker) diverged() int {
	w.stop = Unsound
	w.err = fmt.Errorf("tape %q led to two states in two executions: "+
		"the program is not deterministic, see Runner.CheckDeterminism", w.tape.String())
	return -1
}

// unlike ends the search because e has come to the key of node id, but does not
// decide the same there: the hash does not stand for the state. That this
// shows here takes luck; CheckStates looks for it.
func (w *worker) unlike(e *schedule.Exec, id uint32, n int) int {
	nd := &w.nodes[id]
	w.stop = Unsound
	w.err = fmt.Errorf("tapes %q and %q come to one state, "+
		"but enable threads %016b and %016b, with %d and %d alternatives: "+
		"the program keeps state outside cells, see CheckStates",
		w.path(nil, id).String(), w.runner.Taken().String(), nd.enabled, e.Enabled(), nd.n, n)
	return -1
}
