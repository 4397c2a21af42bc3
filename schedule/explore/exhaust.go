package explore

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Exhaust enumerates the executions of p by preemption bound, 0, 1, 2 and so on
// up to Options.Bound. It yields a report after each finished bound and ends
// with the first whose Stop is not Continues; [Last] returns that one. Reports
// depend on p and opt only. Where ctx is done, the last report tells how far it
// came.
//
// The algorithm is a 0-1 search (algorithms.md 6.1). Of the edges that were not
// taken yet, one that needs fewest preemptions is next: its node is reached by
// running the program from the start, the alternative is taken, and the execution
// goes on calmly, discovering a node at each decision, until it ends or comes
// to a node that is known. Decision 0 is never a preemption, so going on calmly
// costs nothing, and every node is discovered with as few preemptions as it can
// be reached with.
//
// Having come to a known node, the execution need not end there: if the node
// has an edge left that belongs to the same bound, it takes that. It saves
// running the way to that node again: a fifth of all steps in the models of
// fs/aio, two thirds where threads are independent. What the edge leads to is
// credited to the node's own way, not to the one just run.
//
// A bound is exact: there is no reduction within it that could lose an
// execution (bounded partial-order reduction must be careful there, Coons,
// Musuvathi and McKinley, OOPSLA 2013).
func Exhaust(ctx context.Context, p schedule.Program, opt Options) iter.Seq[Report] {
	return func(yield func(Report) bool) {
		s := newSearch(ctx, p, opt)
		defer s.runner.Close()
		s.run(yield)
	}
}

// Last returns the last report of a sequence that has one.
func Last(reports iter.Seq[Report]) Report {
	var last Report
	for r := range reports {
		last = r
	}
	return last
}

// A search is an Exhaust under way, and the chooser of its executions.
type search struct {
	*graph
	ctx     context.Context
	program schedule.Program
	opt     Options
	runner  *schedule.Runner

	// Nodes whose alternatives other than 0 are to be taken, first come first
	// served: within the bound, and with one preemption more.
	now, next []uint32

	bound int
	stop  Stop
	err   error
	runs  int
	steps uint64

	// The execution under way: the decisions to repeat, the last of them a new
	// one, and how many have been.
	tape schedule.Tape
	pos  int
	// The edge it is on, and its steps and switches where the edge began.
	from           uint32
	alt            uint8
	base, switched int
	detour         bool // the edge's node was not reached on its own way
}

func newSearch(ctx context.Context, p schedule.Program, opt Options) *search {
	s := &search{graph: newGraph(), ctx: ctx, program: p, opt: opt, runner: opt.runner(p)}
	s.runner.Wide = true
	if s.opt.MaxNodes == 0 {
		s.opt.MaxNodes = DefaultMaxNodes
	}
	s.opt.MaxNodes = min(s.opt.MaxNodes, maxGraph)
	return s
}

// run is Exhaust. What is computed from the graph is computed bound by bound,
// since all of it is final then: see count.go and minimal.go.
func (s *search) run(yield func(Report) bool) {
	for {
		s.expand()
		finished := s.bound
		if s.stop != Continues {
			finished--
		} else {
			s.sortLevel(s.bound)
			s.priceLevel(s.bound)
			if s.cycle != CalmCycle {
				s.countNext()
			}
			s.conclude()
		}
		if !yield(s.report(finished)) || s.stop != Continues {
			return
		}
		s.bound++
		s.now, s.next = s.next, s.now[:0]
		s.starts = append(s.starts, uint32(len(s.nodes)))
	}
}

// expand takes every edge that belongs to the bound. Nodes that are discovered
// on the way are added to now, if their edges belong to it as well. First come
// first served keeps the ways short, and leaves more for detours than last come
// first served would.
func (s *search) expand() {
	if s.bound == 0 {
		s.execute(0, 0)
	}
	for i := 0; i < len(s.now) && s.stop == Continues; {
		if s.opt.Progress != nil && s.runs%progressEvery == 0 {
			s.opt.Progress(s.progress(i))
		}
		id := s.now[i]
		alt, ok := s.claim(id)
		if !ok {
			i++
			continue
		}
		s.tape = append(s.path(s.tape[:0], id), alt)
		s.execute(id, alt)
	}
}

func (s *search) progress(done int) Progress {
	return Progress{
		Bound: s.bound, Done: done, Queued: len(s.now),
		Nodes: len(s.nodes) - 1, Runs: s.runs, Steps: s.steps,
	}
}

// claim returns an alternative of node id that belongs to the bound and was
// not taken yet. It counts as taken from now on.
func (s *search) claim(id uint32) (alt uint8, ok bool) {
	nd := &s.nodes[id]
	if nd.taken == nd.n || nd.preempt && int(nd.level) == s.bound {
		return 0, false
	}
	nd.taken++
	return nd.taken - 1, true
}

// execute runs s.tape, which takes alternative alt of node id, and what
// follows.
func (s *search) execute(id uint32, alt uint8) {
	if s.ctx.Err() != nil {
		s.stop = Cancelled
		return
	}
	s.from, s.alt, s.detour = id, alt, false
	s.pos, s.base, s.switched = 0, 0, 0
	res := s.runner.Run(s)
	s.runs++
	s.steps += uint64(res.Steps)
	switch {
	case s.stop != Continues || res.Outcome == schedule.Abandoned:
	case s.pos < len(s.tape):
		s.diverged()
	case res.Outcome == schedule.Invalid && s.detour:
		// The steps may have been used up on the detour: with cycles it has no
		// end. The edge gets another chance on its own way.
		s.tape = append(s.path(s.tape[:0], s.from), s.alt)
		s.execute(s.from, s.alt)
	default:
		s.finish(res)
	}
}

// Choose implements [schedule.Chooser]: first the tape, whose end is checked to
// lead where it led before, then new edges as long as there are any.
func (s *search) Choose(e *schedule.Exec, n int) int {
	if s.pos < len(s.tape) {
		d := s.tape[s.pos]
		s.pos++
		if s.pos == len(s.tape) {
			s.leave(e, s.from, s.alt)
			if keyOf(e) != s.nodes[s.from].key || n != int(s.nodes[s.from].n) {
				return s.diverged()
			}
		}
		return int(d)
	}
	k := keyOf(e)
	at, known := s.find(k)
	if known {
		if nd := &s.nodes[at]; int(nd.n) != n || uint32(nd.enabled) != e.Enabled() {
			return s.unlike(e, at, n)
		}
		s.link(at, e.Steps(), e.Switches())
		alt, ok := s.claim(at)
		if !ok {
			return -1
		}
		s.detour = true
		s.leave(e, at, alt)
		return int(alt)
	}
	if s.full(s.opt.MaxNodes, n) {
		s.stop = NodeLimit
		return -1
	}
	s.discover(e, k, at, n)
	return 0
}

// discover adds the node that e has come to, and goes on from there.
func (s *search) discover(e *schedule.Exec, k key, slot uint32, n int) {
	nd := node{
		key: k, parent: s.from, alt: s.alt, level: uint32(s.bound),
		enabled: uint16(e.Enabled()), n: uint8(n), taken: 1, preempt: e.Running() != nil,
	}
	id := s.add(slot, nd)
	s.link(id, e.Steps(), e.Switches())
	if nd.preempt {
		s.next = append(s.next, id)
	} else {
		s.now = append(s.now, id)
	}
	s.leave(e, id, 0)
}

// leave begins the edge that is alternative alt of node id.
func (s *search) leave(e *schedule.Exec, id uint32, alt uint8) {
	s.from, s.alt = id, alt
	s.base, s.switched = e.Steps(), e.Switches()
}

// link completes the edge that the execution is on.
func (s *search) link(to uint32, steps, switches int) {
	s.edges[s.nodes[s.from].edge+uint32(s.alt)] = edge{
		to: to, steps: uint32(steps - s.base), switches: uint32(switches - s.switched),
	}
}

// finish completes the edge with the end of the execution. A category is met
// first in the bound of its fewest preemptions; the rest of its witness waits for
// the end of the bound.
func (s *search) finish(res schedule.Result) {
	c := CategoryOf(res)
	i, known := s.byCat[c]
	if !known {
		i = uint32(len(s.endings))
		s.byCat[c] = i
		s.endings = append(s.endings, ending{Category: c, level: uint32(s.bound), cost: unreached})
	}
	s.link(terminal|i, res.Steps, res.Switches)
	if !known {
		s.endings[i].witness = s.witness(s.from, s.alt, s.bound)
	}
}

// diverged ends the search because a tape that led to a node does not do so
// again. It returns what abandons the execution, like unlike.
func (s *search) diverged() int {
	s.stop = Unsound
	s.err = fmt.Errorf("tape %q led to two states in two executions: "+
		"the program is not deterministic, see Runner.CheckDeterminism", s.tape.String())
	return -1
}

// unlike ends the search because e has come to the key of node id, but does not
// decide the same there: the hash does not stand for the state. That this
// shows here takes luck; CheckStates looks for it.
func (s *search) unlike(e *schedule.Exec, id uint32, n int) int {
	nd := &s.nodes[id]
	s.stop = Unsound
	s.err = fmt.Errorf("tapes %q and %q come to one state, "+
		"but enable threads %016b and %016b, with %d and %d alternatives: "+
		"the program keeps state outside cells, see CheckStates",
		s.path(nil, id).String(), s.runner.Taken().String(), nd.enabled, e.Enabled(), nd.n, n)
	return -1
}

// conclude decides whether the bound just finished was the last.
func (s *search) conclude() {
	switch {
	case len(s.next) == 0:
		s.stop = Exhausted
		if s.cycle == Acyclic && !s.totals() {
			s.cycle = PreemptiveCycle
		}
		s.countOn()
	case s.bound == s.opt.Bound:
		s.stop = AtBound
	}
}

// countOn counts the executions of the bounds beyond the one that exhausted
// the graph, as far as they were asked for. That takes no more executions.
// Where there is no end of them, it ends with the bound that no execution within
// the step limit can exceed.
func (s *search) countOn() {
	last := s.opt.Bound
	switch s.cycle {
	case CalmCycle:
		return
	case PreemptiveCycle:
		if last == Unbounded {
			return
		}
		last = min(last, cmp.Or(s.opt.MaxSteps, schedule.DefaultMaxSteps))
	}
	for len(s.counts) <= last && s.countNext() {
		if s.ctx.Err() != nil {
			s.stop = Cancelled
			return
		}
	}
}

// report makes a report, which shares nothing with the search.
func (s *search) report(bound int) Report {
	r := Report{
		Program: s.program.Name, Bound: bound, Stop: s.stop, Err: s.err,
		Executions: slices.Clone(s.counts), Overflow: s.over, Cycle: s.cycle, All: s.all,
		Nodes: len(s.nodes) - 1, Edges: len(s.edges) - 1, Runs: s.runs, Steps: s.steps,
	}
	for i := range s.endings {
		end := &s.endings[i]
		counts := make([]uint64, len(s.counts))
		copy(counts, end.counts)
		r.Endings = append(r.Endings, Ending{end.Category, counts, end.all, end.witness})
	}
	slices.SortFunc(r.Endings, func(a, b Ending) int { return a.Compare(b.Category) })
	return r
}
