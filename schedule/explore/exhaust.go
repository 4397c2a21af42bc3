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
// Several workers do not wait for the caller: they are about the next bound while the report
// of the last is computed and looked at. If no more reports are wanted, they are stopped. So
// of several workers a checkpoint may be in a bound whose predecessor was not reported yet:
// what goes on from it begins with a later report than one worker would, and ends with the
// same.
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
//
// Where loads pass loads, all of it begins anew when a thread loads what it was not known to load
// ([schedule.Loads]). No bound is reported twice, and what the reports count is of the last search.
func Exhaust(ctx context.Context, p schedule.Program, opt Options) iter.Seq[Report] {
	return func(yield func(Report) bool) {
		loads, last := new(schedule.Loads), -1
		once := func(r Report) bool {
			if r.Stop == Continues && r.Bound <= last { // by a search that began anew
				return true
			}
			last = r.Bound
			return yield(r)
		}
		for !exhaust(ctx, p, opt, loads, once) {
			opt.anew = true
		}
	}
}

// exhaust is Exhaust by what loads are known. It reports whether it knew of all.
func exhaust(
	ctx context.Context, p schedule.Program, opt Options, loads *schedule.Loads,
	yield func(Report) bool,
) bool {
	s := newSearch(ctx, p, opt, loads)
	defer s.close()
	return s.run(yield)
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
	loads   *schedule.Loads // known when it began, of which each worker has a copy
	knew    int             // how many
	opt     Options
	workers []*worker
	running sync.WaitGroup // those at work, if there are several
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

func newSearch(
	ctx context.Context, p schedule.Program, opt Options, loads *schedule.Loads,
) *search {
	s := &search{
		graph: newGraph(), ctx: ctx, program: p, opt: opt, now: []uint32{0},
		loads: loads, knew: loads.Len(),
	}
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
	w.runner.Wide, w.runner.Loads = true, new(schedule.Loads)
	w.runner.Loads.Add(s.loads.All())
	return w
}

func (s *search) close() {
	for _, w := range s.workers {
		w.runner.Close()
	}
}

// run is Exhaust. What is computed from the graph is computed bound by bound, since all of
// it is final then: see count.go and minimal.go. Several workers are about the next bound
// meanwhile, and while the caller looks at the report; one waits.
func (s *search) run(yield func(Report) bool) (done bool) {
	if err := s.resume(); err != nil {
		s.stop, s.err = BadCheckpoint, err
		r := s.outline()
		r.Bound = -1
		s.fill(&r)
		yield(r)
		return true
	}
	defer s.abandon()
	s.expand()
	for {
		s.join()
		if s.stop == beginsAnew {
			for _, w := range s.workers {
				s.loads.Add(w.runner.Loads.All())
			}
			return false
		}
		r := s.outline()
		ahead := r.Stop == Continues && len(s.workers) > 1
		if ahead {
			s.advance()
		}
		s.conclude(&r)
		goesOn := yield(r)
		switch {
		case r.Stop != Continues:
			return true
		case !goesOn:
			s.abandon()
			s.save()
			return true
		case !ahead:
			s.advance()
		}
	}
}

// expand takes every edge that belongs to the bound. With several workers it only begins
// to, see join. Nodes that are discovered on the way are added to now, if their edges
// belong to it as well. First come first served keeps the ways short, and leaves more for
// detours than last come first served would.
func (s *search) expand() {
	s.busy = len(s.workers)
	if s.busy == 1 {
		s.workers[0].work()
		return
	}
	for _, w := range s.workers {
		s.running.Go(w.work)
	}
}

// join waits for the workers, and decides whether the bound was the last.
func (s *search) join() {
	s.running.Wait()
	switch {
	case s.crash != nil:
		panic(s.crash)
	case s.stop != Continues:
	case len(s.next) == 0:
		s.stop = Exhausted
	case s.bound >= s.opt.Bound:
		s.stop = AtBound
	}
	s.known = s.endings
}

// advance begins the next bound.
func (s *search) advance() {
	s.bound++
	s.turn, s.now, s.next = 0, s.next, s.now[:0]
	s.starts = append(s.starts, s.size)
	s.expand()
}

// abandon has the workers end what they are about, and waits for that. Of those that rest
// one may be writing a checkpoint, which is done under mu and says why it ends.
func (s *search) abandon() {
	s.mu.Lock()
	s.halt(Cancelled, nil)
	s.mu.Unlock()
	s.running.Wait()
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

// outline returns what a report says of how far the workers have come. They must have been
// joined.
func (s *search) outline() Report {
	r := Report{
		Program: s.program.Name, Bound: s.bound, Stop: s.stop, Err: s.err,
		Nodes: int(s.size) - 1, Edges: s.alts - 1,
	}
	if s.stop != Continues && s.stop != Exhausted && s.stop != AtBound {
		r.Bound--
	}
	r.Runs, r.Steps = s.effort()
	return r
}

// conclude computes the rest of the report. If the search continues, workers may be about
// the next bound. If it does not, that is saved.
func (s *search) conclude(r *Report) {
	switch r.Stop {
	case Exhausted:
		s.finishLast(r.Bound)
	case Continues, AtBound:
		s.finishLevel(r.Bound, len(s.workers) > 1)
	}
	if r.Stop != Continues {
		s.save()
		r.Stop, r.Err = s.stop, s.err
	}
	s.fill(r)
}

// finishLast finishes the last level and counts the executions of the exhausted graph, all
// together and by bound. With several workers two do that: laying out needs nothing of the
// level, and the two counts share nothing but the layout.
func (s *search) finishLast(level int) {
	var l *layout
	s.both(func() { s.finishLevel(level, false) }, func() { l = s.layOut() })
	if l == nil {
		s.cycle = max(s.cycle, PreemptiveCycle)
		s.countOn(nil)
		return
	}
	s.both(func() { s.totals(l) }, func() { s.countOn(s.newLaneCounter(l)) })
}

// both calls two functions, at the same time if there are several workers.
func (s *search) both(f, g func()) {
	if len(s.workers) == 1 {
		f()
		g()
		return
	}
	var wg sync.WaitGroup
	wg.Go(f)
	g()
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

// fill adds to a report what has been computed. The two share nothing after that.
func (s *search) fill(r *Report) {
	witnesses := s.witnesses(r)
	r.Executions, r.Overflow = slices.Clone(s.counts), s.over
	r.Cycle, r.All = s.cycle, s.all
	for i, end := range s.known {
		counts := make([]uint64, len(s.counts))
		copy(counts, end.counts)
		r.Endings = append(r.Endings, Ending{
			Category: end.Category, Executions: counts, All: end.all, Witness: witnesses[i],
		})
	}
	slices.SortFunc(r.Endings, func(a, b Ending) int { return a.Compare(b.Category) })
}
