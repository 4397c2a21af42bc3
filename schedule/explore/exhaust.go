package explore

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Exhaust enumerates the executions of p by preemption bound, 0, 1, 2 and so on
// up to Options.Bound. It yields a report after each finished bound and ends
// with the first whose Stop is not Continues; [Last] returns that one. Where ctx is
// done, the last report tells how far it came.
//
// What a report says of finished bounds depends on p and opt only, not on how many
// workers there were: nodes, edges, endings with their counts and witnesses. Runs and
// Steps, the effort, are the same again only with one worker. So is, with more of them,
// what is not covered where executions run into the step limit: it depends on the way
// by which a node was first reached.
//
// The algorithm is a 0-1 breadth-first search. Of the edges that were not
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
// credited to the node's own way, not to the one just run. If it has none, the execution
// passes on along known edges, which saves up to half of the time again; that they lead
// where they led before is checked on the way.
//
// A bound is exact: there is no reduction within it that could lose an
// execution (bounded partial-order reduction must be careful there, Coons,
// Musuvathi and McKinley, OOPSLA 2013).
func Exhaust(ctx context.Context, p schedule.Program, opt Options) iter.Seq[Report] {
	return func(yield func(Report) bool) {
		s := newSearch(ctx, p, opt)
		defer s.close()
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

// A search is an Exhaust under way: the graph, and which edges are to be taken.
// Workers take them, each with a runner of its own; see worker.go. While they do, all
// that is not said to be otherwise belongs to whoever holds mu; see table.go.
type search struct {
	*graph
	ctx     context.Context
	program schedule.Program
	opt     Options
	workers []*worker
	bound   int

	halted atomic.Bool // workers are to end; by whom, see halt
	saving atomic.Bool // workers are to rest until the checkpoint is written

	_ [cacheLine]byte // above is what all workers read all the time

	mu   sync.Mutex
	idle *sync.Cond // there may be something to do, or nothing any more
	busy int        // workers that do not rest

	// Nodes whose alternatives other than 0 are to be taken, first come first
	// served: within the bound, from turn on, and with one preemption more.
	now, next []uint32
	turn      int

	stop  Stop
	err   error
	crash any // panic of a model

	saved time.Time // when the checkpoint was written last
	pause time.Duration
}

// A claimed edge is that of an alternative of a node.
type claimed struct {
	Node uint32
	Alt  uint8
}

func newSearch(ctx context.Context, p schedule.Program, opt Options) *search {
	s := &search{graph: newGraph(), ctx: ctx, program: p, opt: opt, now: []uint32{0}}
	s.idle = sync.NewCond(&s.mu)
	for range max(opt.Workers, 1) {
		s.workers = append(s.workers, s.newWorker())
	}
	s.opt.MaxNodes = min(cmp.Or(s.opt.MaxNodes, DefaultMaxNodes), maxGraph)
	return s
}

// newWorker returns one with a runner of its own, to be closed.
func (s *search) newWorker() *worker {
	w, p := &worker{search: s}, s.program
	if sym := s.opt.Symmetry; sym != nil {
		p.New = func() (begin func(*schedule.Exec)) {
			begin, w.canonical = sym.New()
			return begin
		}
	}
	w.runner = s.opt.runner(p)
	w.runner.Wide = true
	return w
}

func (s *search) close() {
	for _, w := range s.workers {
		w.runner.Close()
	}
}

// run is Exhaust. What is computed from the graph is computed bound by bound,
// since all of it is final then: see count.go and minimal.go.
func (s *search) run(yield func(Report) bool) {
	if err := s.resume(); err != nil {
		s.stop, s.err = BadCheckpoint, err
		yield(s.report(-1))
		return
	}
	for {
		s.expand()
		finished := s.bound
		if s.stop != Continues {
			finished--
		} else {
			s.conclude()
		}
		if s.stop != Continues {
			s.save()
		}
		if !yield(s.report(finished)) || s.stop != Continues {
			return
		}
		s.bound++
		s.turn, s.now, s.next = 0, s.next, s.now[:0]
		s.starts = append(s.starts, s.size)
	}
}

// expand takes every edge that belongs to the bound. Nodes that are discovered
// on the way are added to now, if their edges belong to it as well. First come
// first served keeps the ways short, and leaves more for detours than last come
// first served would.
func (s *search) expand() {
	s.busy = len(s.workers)
	if len(s.workers) == 1 {
		s.workers[0].work()
	} else {
		var wg sync.WaitGroup
		for _, w := range s.workers {
			wg.Go(w.work)
		}
		wg.Wait()
	}
	if s.crash != nil {
		panic(s.crash)
	}
}

// claim returns an alternative of nd that belongs to the bound and was not taken yet. It
// counts as taken from now on.
func (s *search) claim(nd *node) (alt uint8, ok bool) {
	for {
		taken, ok := s.left(nd)
		if !ok {
			return 0, false
		}
		if atomic.CompareAndSwapUint32(&nd.taken, taken, taken+1) {
			return uint8(taken), true
		}
	}
}

// left returns how many alternatives of a node are taken, and whether there is one to
// claim.
func (s *search) left(nd *node) (taken uint32, ok bool) {
	taken = atomic.LoadUint32(&nd.taken)
	return taken, taken < uint32(nd.n) && !(nd.preempt && int(nd.level) == s.bound)
}

// conclude computes what is known now that the bound is finished, and decides whether
// it was the last.
func (s *search) conclude() {
	s.finishLevel(s.bound, len(s.workers) > 1)
	switch {
	case len(s.next) == 0:
		s.stop = Exhausted
		s.countAll()
	case s.bound >= s.opt.Bound:
		s.stop = AtBound
	}
}

// countAll counts the executions of the exhausted graph, all together and by bound. The
// two share nothing but the graph, so with several workers they go on at the same time.
func (s *search) countAll() {
	if s.cycle != Acyclic {
		s.countOn(nil)
		return
	}
	order := s.topological()
	if order == nil {
		s.cycle = PreemptiveCycle
		s.countOn(nil)
		return
	}
	l := s.layOut(order)
	var wg sync.WaitGroup
	if len(s.workers) > 1 {
		wg.Go(func() { s.totals(l) })
	} else {
		s.totals(l)
	}
	s.countOn(s.newLaneCounter(l, order))
	wg.Wait()
}

// countOn counts the executions of the bounds beyond the one that exhausted
// the graph, as far as they were asked for. That takes no more executions.
// Where there is no end of them, it ends with the bound that no execution within
// the step limit can exceed. Where there is an end, c counts faster.
func (s *search) countOn(c *laneCounter) {
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
	more := s.countNext
	if c != nil {
		more = func() bool { return c.count(last) }
	}
	for len(s.counts) <= last && more() {
		if s.ctx.Err() != nil {
			s.stop = Cancelled
			return
		}
	}
}

// report makes a report, which shares nothing with the search.
func (s *search) report(bound int) Report {
	witnesses := s.witnesses()
	r := Report{
		Program: s.program.Name, Bound: bound, Stop: s.stop, Err: s.err,
		Executions: slices.Clone(s.counts), Overflow: s.over, Cycle: s.cycle, All: s.all,
		Nodes: int(s.size) - 1, Edges: s.alts - 1,
	}
	r.Runs, r.Steps = s.effort()
	for i := range s.endings {
		end := &s.endings[i]
		counts := make([]uint64, len(s.counts))
		copy(counts, end.counts)
		r.Endings = append(r.Endings, Ending{
			Category: end.Category, Executions: counts, All: end.all, Witness: witnesses[i],
		})
	}
	slices.SortFunc(r.Endings, func(a, b Ending) int { return a.Compare(b.Category) })
	return r
}
