package explore

import (
	"fmt"
	"sync/atomic"

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
// They look at the graph without a lock, see table.go; it is taken to add a node, to get
// a share of the queue, and to rest.

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
	on             *edge
	base, switched int
	detour         bool // the edge's node was not reached on its own way
	passed         int  // edges in a row that had been taken before

	share []uint32 // of the queue, see take
	// Edges that are taken, but must be taken again: on their own way, or by
	// the search that goes on from the checkpoint.
	dropped []claimed

	runs  atomic.Int64 // so far
	steps atomic.Uint64

	_ [cacheLine]byte // a worker writes into itself all the time
}

// work takes edges until there are none left in the bound, or the search has stopped.
func (w *worker) work() {
	for w.assign() {
		w.settle(w.execute())
	}
}

// assign gives the worker an edge, waiting for one if other workers may yet find some.
// It reports false if there are no more.
func (w *worker) assign() bool {
	for {
		if !w.halted.Load() && !w.saving.Load() {
			if c, ok := w.take(); ok && w.ctx.Err() == nil {
				w.tell()
				w.begin(c)
				return true
			} else if ok {
				w.dropped = append(w.dropped, c)
				w.halt(Cancelled, nil)
			}
		}
		if !w.rest() {
			return false
		}
	}
}

// take returns an edge that belongs to the bound and was not taken yet: one that the worker
// has dropped, else one of its share of the queue.
func (w *worker) take() (c claimed, ok bool) {
	if n := len(w.dropped); n > 0 {
		c = w.dropped[n-1]
		w.dropped = w.dropped[:n-1]
		return c, true
	}
	for ; len(w.share) > 0; w.share = w.share[1:] {
		c.Node = w.share[0]
		if c.Alt, ok = w.claim(w.node(c.Node)); ok {
			return c, true
		}
	}
	return c, false
}

// rest waits until there may be something to take again. It reports false if there will
// be nothing. While all workers rest, the last of them writes a checkpoint that is due.
func (w *worker) rest() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy--
	for !w.halted.Load() {
		switch {
		case w.saving.Load():
			if w.busy == 0 {
				w.save()
				w.saving.Store(false)
				w.idle.Broadcast()
				continue
			}
		case len(w.dropped) > 0 || len(w.share) > 0 || w.deal():
			w.busy++
			return true
		case w.busy == 0:
			w.idle.Broadcast()
			return false
		}
		w.idle.Wait()
	}
	w.idle.Broadcast()
	return false
}

// maxShare is how many nodes of the queue a worker gets at once.
const maxShare = 64

// deal gives the worker a share of the queue, small enough for all of them to have enough
// to the end. It reports false if there is nothing. It holds mu.
func (w *worker) deal() bool {
	queue := w.now[w.turn:]
	n := min(len(queue), 1+len(queue)/(4*len(w.workers)), maxShare)
	w.share = queue[:n]
	w.turn += n
	return n > 0
}

// halt ends the search. The first who does so says why.
func (s *search) halt(stop Stop, err error) {
	if s.halted.CompareAndSwap(false, true) {
		s.stop, s.err = stop, err
	}
}

// begin prepares the execution that takes an edge.
func (w *worker) begin(c claimed) {
	nd := w.node(c.Node)
	w.key, w.choices = nd.key, int(nd.n)
	w.from, w.alt, w.on, w.detour = c.Node, c.Alt, w.edge(c), false
	w.tape = w.tape[:0]
	if c.Node != 0 { // which is no decision
		w.tape = append(w.path(w.tape, c.Node), c.Alt)
	}
	w.pos, w.base, w.switched, w.passed = 0, 0, 0, 0
}

// tell calls Options.Progress, if it is time for that.
func (w *worker) tell() {
	if w.opt.Progress == nil || w.runs.Load()%progressEvery != 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p := Progress{
		Bound: w.bound, Done: w.turn - len(w.share), Queued: len(w.now), Nodes: int(w.size) - 1,
	}
	p.Runs, p.Steps = w.effort()
	w.opt.Progress(p)
}

// effort returns how many executions all workers have run, and their steps.
func (s *search) effort() (runs int, steps uint64) {
	for _, w := range s.workers {
		runs += int(w.runs.Load())
		steps += w.steps.Load()
	}
	return runs, steps
}

// execute runs the tape, and what follows. It returns the panic of a model, for the
// caller of Exhaust to get it.
func (w *worker) execute() (res schedule.Result, crash any) {
	defer func() { crash = recover() }()
	return w.runner.Run(w), nil
}

// settle does with the edge that the worker is on what the end of the execution says.
func (w *worker) settle(res schedule.Result, crash any) {
	w.runs.Add(1)
	w.steps.Add(uint64(res.Steps))
	switch open := atomic.LoadUint32(&w.on.to) == unexpanded; {
	case crash != nil:
		w.mu.Lock()
		w.crash = crash
		w.mu.Unlock()
		w.halt(Unsound, nil)
	case w.runner.LoadsKnown() != w.knew: // the states are others now
		w.halt(beginsAnew, nil)
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
		w.saving.Store(true)
	}
}

// Choose implements [schedule.Chooser]: first the tape, whose end is checked to
// lead where it led before, then new edges as long as there are any.
func (w *worker) Choose(e *schedule.Exec, n int) int {
	if w.runner.LoadsKnown() != w.knew {
		return -1
	}
	if w.pos == len(w.tape) {
		return w.arrive(e, w.keyOf(e), n)
	}
	alt := w.tape[w.pos]
	last := w.pos == len(w.tape)-1
	if int(alt) >= n || last && (w.keyOf(e) != w.key || n != w.choices) {
		return w.diverged()
	}
	w.pos++
	if last {
		w.base, w.switched = e.Steps(), e.Switches()
	}
	return w.decision(e, alt, n)
}

// arrive completes the edge that the execution is on with the node that it has come to,
// and decides how to go on.
func (w *worker) arrive(e *schedule.Exec, k key, n int) int {
	if w.halted.Load() {
		return -1
	}
	at := w.find(k)
	if at == 0 {
		var isNew bool
		if at, isNew = w.discover(e, k, n); at == 0 {
			return -1
		} else if isNew {
			w.leave(e, at, 0)
			return w.decision(e, 0, n)
		}
	}
	return w.meet(e, at, n)
}

// meet is arrive at a known node. If it has an edge left, the execution goes on there.
func (w *worker) meet(e *schedule.Exec, at uint32, n int) int {
	nd := w.node(at)
	if !w.alike(e, nd, n) {
		return w.unlike(e, at, n)
	}
	if !w.link(at, e.Steps(), e.Switches()) {
		return -1
	}
	alt, ok := w.claim(nd)
	if ok {
		w.passed = 0
	} else if alt, ok = w.pass(nd); !ok {
		return -1
	}
	w.detour = true
	w.leave(e, at, alt)
	return w.decision(e, alt, n)
}

// maxPassed is how many edges are passed in a row: programs with cycles may never end.
const maxPassed = 64

// pass returns an alternative of nd, which has no edge left, for the execution to go
// on all the same: to a neighbour that has one or else calmly. That costs less than to
// abandon it, which takes every thread out of whatever it is in, and to run the whole way
// to another edge; and it may come to a node that has an edge left.
func (w *worker) pass(nd *node) (alt uint8, ok bool) {
	w.passed++
	edges := w.alternatives(nd)
	for alt := range edges {
		to := atomic.LoadUint32(&edges[alt].to)
		if to == unexpanded || to >= terminal {
			continue
		}
		if _, ok := w.left(w.node(to)); ok {
			return uint8(alt), true
		}
	}
	return 0, atomic.LoadUint32(&edges[0].to) != unexpanded && w.passed < maxPassed
}

// discover adds the node that e has come to, unless there is one with its key by now, and
// reports which it has done. It returns 0 if the search has come to a limit.
func (w *worker) discover(e *schedule.Exec, k key, n int) (id uint32, isNew bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if id = w.find(k); id != 0 {
		return id, false
	}
	if int(w.size) > w.opt.MaxNodes {
		w.halt(NodeLimit, nil)
		return 0, false
	}
	if !w.reserve(n, w.opt.MaxBytes) {
		w.halt(MemoryLimit, nil)
		return 0, false
	}
	nd := node{
		key: k, parent: w.from, alt: w.alt, level: uint32(w.bound),
		enabled: fold(e.Enabled()), n: uint8(n), taken: 1, preempt: e.Running() != nil,
	}
	id = w.add(nd)
	w.link(id, e.Steps(), e.Switches())
	w.publish(id)
	if nd.preempt {
		w.next = append(w.next, id)
	} else {
		w.now = append(w.now, id)
		w.idle.Signal()
	}
	return id, true
}

// leave begins the edge that is alternative alt of node id.
func (w *worker) leave(e *schedule.Exec, id uint32, alt uint8) {
	w.from, w.alt, w.on = id, alt, w.edge(claimed{id, alt})
	w.base, w.switched = e.Steps(), e.Switches()
}

// link completes the edge that the execution is on. If it was complete, it must lead where
// it led before; link reports false if it does not, and the search has ended.
func (w *worker) link(to uint32, steps, switches int) bool {
	ed := w.on
	now := edge{
		to: to, steps: uint32(steps - w.base), switches: uint32(switches - w.switched),
	}
	if atomic.LoadUint32(&ed.to) == unexpanded {
		ed.steps, ed.switches = now.steps, now.switches
		atomic.StoreUint32(&ed.to, to)
		return true
	}
	if *ed == now {
		return true
	}
	w.halt(Unsound, fmt.Errorf("tapes %q and %q come to one state, but alternative %d leads to "+
		"two: the program keeps state outside cells, see CheckStates",
		w.tapeTo(w.from), w.runner.Taken(), w.alt))
	return false
}

// finish completes the edge with the end of the execution. A category is met
// first in the bound of its fewest preemptions; the rest of its witness waits for
// the end of the bound.
func (w *worker) finish(res schedule.Result) {
	c := w.category(res)
	if i, known := (*w.byCat.Load())[c]; known {
		w.link(terminal|i, res.Steps, res.Switches)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	i, known := (*w.byCat.Load())[c]
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
	w.halt(Unsound, fmt.Errorf("tape %q led to two states in two executions: "+
		"the program is not deterministic, see Runner.CheckDeterminism", w.runner.Taken()))
	return -1
}

// unlike ends the search because e has come to the key of node id, but does not
// decide the same there: the hash does not stand for the state. That this
// shows here takes luck; CheckStates looks for it.
func (w *worker) unlike(e *schedule.Exec, id uint32, n int) int {
	nd := w.node(id)
	w.halt(Unsound, fmt.Errorf("tapes %q and %q come to one state, "+
		"but enable threads %016b and %016b, with %d and %d alternatives: "+
		"the program keeps state outside cells, see CheckStates",
		w.tapeTo(id), w.runner.Taken(), nd.enabled, fold(e.Enabled()), nd.n, n))
	return -1
}
