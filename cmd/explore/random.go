package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
	"github.com/kschedfuzz/kschedfuzz/schedule/guided"
	samplers "github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// maxDistinct is how many different tapes of a sample are told apart: 100 MB or so. Of
// what comes after them it is only known that there are no fewer.
const maxDistinct = 4_000_000

// A sample is what is known of random executions beyond a report.
type sample struct {
	runs    int
	seen    map[uint64]struct{} // hashes of tapes
	limit   int                 // of them
	full    bool
	met     map[explore.Category]int
	endings map[explore.Category]explore.Witness // the smallest
	steps   uint64
	looked  int // executions that were looked up and not run

	threads, longest int            // the most of an execution, and the most steps
	since            int            // executions that the sampler has expected to be as long
	depth            int            // of the bugs that PCT looks for; 0: it is another sampler
	chose            bool           // it has decided anything but which thread goes on
	engine           *guided.Engine // nil: they were independent of each other
}

// sample runs random executions of p.
func (c *command) sample(ctx context.Context, p kernelProgram, pr *progress) *statement {
	return c.take(ctx, p, pr, c.random, c.newSampler())
}

// take runs n executions of p, each with the decisions of one of the choosers, which work at
// the same time.
func (c *command) take(
	ctx context.Context, p kernelProgram, pr *progress, n int, choosers ...samplers.Sampler,
) *statement {
	watched, order := c.watch(p)
	start := time.Now()
	s := c.work(ctx, watched, pr, n, choosers)
	st := &statement{program: p, limits: c.limits(), sample: s, duration: time.Since(start)}
	st.lockdep = c.lockdepOf(p, order)
	st.report = explore.Report{Program: p.Name(), Runs: s.runs, Steps: s.steps}
	for cat, w := range s.endings { // in any order: they are sorted below
		st.report.Endings = append(st.report.Endings, explore.Ending{Category: cat, Witness: w})
	}
	slices.SortFunc(st.report.Endings, func(a, b explore.Ending) int { return a.Compare(b.Category) })
	if st.covered = s.covered(st.report.Failed()); s.engine != nil {
		st.covered = s.guidedCovered()
	}
	return st
}

// work has a worker for each chooser, the first with progress, run its part of n executions. If
// the model panics, so does work.
func (c *command) work(
	ctx context.Context, p kernelProgram, pr *progress, n int, choosers []samplers.Sampler,
) *sample {
	var (
		wg      sync.WaitGroup
		samples = make([]*sample, len(choosers))
		crashes = make([]any, len(choosers))
		left    atomic.Int64
	)
	left.Store(int64(n))
	for i, chooser := range choosers {
		samples[i] = newSample(chooser, len(choosers))
		wg.Go(func() {
			defer func() {
				if crashes[i] = recover(); crashes[i] != nil {
					left.Store(0)
				}
			}()
			c.run(ctx, p, chooser, samples[i], &left, func() {
				if i == 0 {
					pr.sample(samples[0], n)
				}
			})
		})
	}
	wg.Wait()
	for i, s := range samples {
		if crashes[i] != nil {
			panic(crashes[i])
		}
		if i > 0 {
			samples[0].join(s)
		}
	}
	return samples[0]
}

// run runs executions for a sample as long as any are left of those that all take from, or
// of what there is to see. It calls ran after each.
func (c *command) run(
	ctx context.Context, p kernelProgram, chooser samplers.Sampler, s *sample,
	left *atomic.Int64, ran func(),
) {
	if left.Add(-1) < 0 {
		return
	}
	r := schedule.NewRunner(p.Schedule())
	defer r.Close()
	r.Mute = c.mute
	memo := schedule.NewMemo(schedule.DefaultMemo)
	if c.lookUp && s.engine == nil { // what is guided goes where none has been
		r.Memo = memo
	}
	for tape, res := range samplers.Run(ctx, r, chooser) {
		s.add(tape, res)
		s.threads = max(s.threads, len(r.Exec().Threads()))
		if ran(); left.Add(-1) < 0 || s.nothingLeft() {
			break
		}
	}
	s.looked = memo.LookedUp()
	if pct, ok := chooser.(*samplers.PCT); ok {
		s.chose = pct.Chose()
	}
}

// newSampler returns the sampler of -sampler, which has been checked.
func (c *command) newSampler() samplers.Sampler {
	s, err := samplers.New(c.sampler, c.seed)
	if err != nil {
		panic(err)
	}
	return s
}

// newSample returns the sample of one of so many workers.
func newSample(chooser samplers.Sampler, workers int) *sample {
	s := &sample{
		seen: map[uint64]struct{}{}, limit: maxDistinct / workers,
		met: map[explore.Category]int{}, endings: map[explore.Category]explore.Witness{},
	}
	s.engine, _ = chooser.(*guided.Engine)
	if pct, ok := chooser.(*samplers.PCT); ok {
		s.depth = pct.Depth()
	}
	return s
}

// add adds an execution.
func (s *sample) add(tape schedule.Tape, res schedule.Result) {
	s.runs++
	s.steps += uint64(res.Steps)
	if s.since++; res.Steps > s.longest {
		s.longest, s.since = res.Steps, 0
	}
	if s.full = len(s.seen) >= s.limit; !s.full {
		s.seen[xxhash.Sum64(tape)] = struct{}{}
	}
	s.end(explore.CategoryOf(res), 1, explore.WitnessOf(tape, res))
}

// end counts n executions that ended so, w the smallest of them.
func (s *sample) end(cat explore.Category, n int, w explore.Witness) {
	if s.met[cat] == 0 || w.Compare(s.endings[cat]) < 0 {
		w.Tape = slices.Clone(w.Tape)
		s.endings[cat] = w
	}
	s.met[cat] += n
}

// join adds the executions of another worker.
func (s *sample) join(other *sample) {
	s.runs += other.runs
	s.steps += other.steps
	s.looked += other.looked
	switch {
	case other.longest > s.longest:
		s.longest, s.since = other.longest, other.since
	case other.longest == s.longest:
		s.since += other.since
	}
	s.threads = max(s.threads, other.threads)
	s.chose = s.chose || other.chose
	s.full = s.full || other.full
	maps.Copy(s.seen, other.seen)
	for cat, n := range other.met {
		s.end(cat, n, other.endings[cat])
	}
}

// covered says what a sample stands for. If nothing failed in n independent executions,
// a failure that has probability p had the chance (1-p)^n to be missed, which is below
// 5% from p = 3/n on.
func (s *sample) covered(failed bool) string {
	text := fmt.Sprintf("%s sampled at random, %s distinct",
		count(s.runs, "execution"), s.distinct())
	if !failed && s.runs >= 100 {
		text += fmt.Sprintf("; 95%% sure that less than %.2g of such executions fail",
			3/float64(s.runs))
	}
	return text
}

func (s *sample) distinct() string {
	text := group(len(s.seen))
	if s.full {
		text = "at least " + text
	}
	return text
}

func (s *sample) writeText(p kernelProgram, row func(label, format string, args ...any)) {
	if n := s.met[explore.Category{Outcome: schedule.Pass, Thread: -1}]; n > 0 {
		row("passed", "%s", count(n, "execution"))
	}
	for cat, n := range s.met {
		if cat.Outcome == schedule.Invalid {
			row("invalid", "%s ended by the %s", count(n, "execution"), cat.Reason)
		}
	}
	if s.engine != nil {
		s.writeGuided(row)
	}
	if s.depth > 0 {
		s.writeConfidence(p, row)
	}
}

// writeConfidence says what executions of PCT would have found, of those that came after the
// longest: to those before PCT's bound does not apply. Nor does it where the decisions are not all
// about threads.
func (s *sample) writeConfidence(p kernelProgram, row func(label, format string, args ...any)) {
	switch {
	case p.Workload:
		row("confidence", "none: each execution draws its own threads and calls")
		return
	case s.chose:
		row("confidence", "none: not only which thread goes on was chosen")
		return
	}
	row("confidence", "%.3g at least that %s come to a bug of depth %d or less, "+
		"with %s and %s an execution",
		samplers.PCTConfidence(s.threads, s.longest, s.depth, s.since),
		count(s.since, "execution"), s.depth,
		count(s.threads, "thread"), count(s.longest, "step"))
}

// fill fills in what a sample knows.
func (s *sample) fill(o *outcome) {
	o.Strategy, o.Stop = "random", "done"
	o.Distinct, o.LookedUp = len(s.seen), s.looked
	if s.engine != nil {
		s.fillGuided(o)
	}
	if s.early(o.Limits.Runs) {
		o.Stop = explore.Cancelled.String()
	}
}

// early reports whether the sample ended before it had so many executions.
func (s *sample) early(runs int) bool { return s.runs < runs && !s.nothingLeft() }
