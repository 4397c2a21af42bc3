package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
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
	runs  int
	seen  map[uint64]struct{} // hashes of tapes
	full  bool
	met   map[explore.Category]int
	steps uint64

	threads, longest int            // the most of an execution, and the most steps
	depth            int            // of the bugs that PCT looks for; 0: it is another sampler
	engine           *guided.Engine // nil: they were independent of each other
}

// sample runs random executions of p.
func (c *command) sample(ctx context.Context, p kernelProgram, pr *progress) *statement {
	return c.take(ctx, p, pr, c.newSampler(), c.random)
}

// take runs n executions of p with the decisions of chooser.
func (c *command) take(
	ctx context.Context, p kernelProgram, pr *progress, chooser samplers.Sampler, n int,
) *statement {
	s := &sample{seen: map[uint64]struct{}{}, met: map[explore.Category]int{}}
	s.engine, _ = chooser.(*guided.Engine)
	if pct, ok := chooser.(*samplers.PCT); ok {
		s.depth = pct.Depth()
	}
	endings := map[explore.Category]explore.Witness{}
	start := time.Now()
	r := schedule.NewRunner(p.Schedule())
	defer r.Close()
	r.Mute = c.mute
	for tape, res := range samplers.Run(ctx, r, chooser) {
		s.add(tape, res)
		s.threads = max(s.threads, len(r.Exec().Threads()))
		cat := explore.CategoryOf(res)
		s.met[cat]++
		if w := witnessOf(tape, res); s.met[cat] == 1 || smaller(w, endings[cat]) {
			w.Tape = slices.Clone(w.Tape)
			endings[cat] = w
		}
		if pr.sample(s, n); s.runs == n || s.nothingLeft() {
			break
		}
	}
	st := &statement{program: p, limits: c.limits(), sample: s, duration: time.Since(start)}
	st.report = explore.Report{Program: p.Name(), Runs: s.runs, Steps: s.steps}
	for cat, w := range endings { // in any order: they are sorted below
		st.report.Endings = append(st.report.Endings, explore.Ending{Category: cat, Witness: w})
	}
	slices.SortFunc(st.report.Endings, func(a, b explore.Ending) int { return a.Compare(b.Category) })
	if st.covered = s.covered(st.report.Failed()); s.engine != nil {
		st.covered = s.guidedCovered()
	}
	return st
}

// newSampler returns the sampler of -sampler, which has been checked.
func (c *command) newSampler() samplers.Sampler {
	s, err := samplers.New(c.sampler, c.seed)
	if err != nil {
		panic(err)
	}
	return s
}

func (s *sample) add(tape schedule.Tape, res schedule.Result) {
	s.runs++
	s.steps += uint64(res.Steps)
	s.longest = max(s.longest, res.Steps)
	if s.full = len(s.seen) >= maxDistinct; !s.full {
		s.seen[xxhash.Sum64(tape)] = struct{}{}
	}
}

func witnessOf(tape schedule.Tape, res schedule.Result) explore.Witness {
	return explore.Witness{
		Tape: tape, Preemptions: res.Preemptions, Switches: res.Switches, Steps: res.Steps,
	}
}

func smaller(w, v explore.Witness) bool {
	return cmp.Or(
		cmp.Compare(w.Preemptions, v.Preemptions), cmp.Compare(w.Switches, v.Switches),
		cmp.Compare(w.Steps, v.Steps), cmp.Compare(len(w.Tape), len(v.Tape)),
		slices.Compare(w.Tape, v.Tape)) < 0
}

// covered says what a sample stands for. If nothing failed in n independent executions,
// a failure that has probability p had the chance (1-p)^n to be missed, which is below
// 5% from p = 3/n on.
func (s *sample) covered(failed bool) string {
	text := fmt.Sprintf("%s sampled at random, %s distinct",
		plural(s.runs, "execution"), s.distinct())
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

func (s *sample) writeText(row func(label, format string, args ...any)) {
	if n := s.met[explore.Category{Outcome: schedule.Pass, Thread: -1}]; n > 0 {
		row("passed", "%s", plural(n, "execution"))
	}
	for cat, n := range s.met {
		if cat.Outcome == schedule.Invalid {
			row("invalid", "%s ended by the %s", plural(n, "execution"), cat.Reason)
		}
	}
	if s.engine != nil {
		s.writeGuided(row)
	}
	if s.depth > 0 {
		s.writeConfidence(row)
	}
}

// writeConfidence says what executions of PCT would have found.
func (s *sample) writeConfidence(row func(label, format string, args ...any)) {
	row("confidence", "%.3g at least that so many come to a bug of depth %d or less, "+
		"with %s and %s an execution",
		samplers.PCTConfidence(s.threads, s.longest, s.depth, s.runs), s.depth,
		plural(s.threads, "thread"), plural(s.longest, "step"))
}

// fill fills in what a sample knows.
func (s *sample) fill(o *outcome) {
	o.Strategy, o.Stop, o.Distinct = "random", "done", len(s.seen)
	if s.engine != nil {
		s.fillGuided(o)
	}
	if s.early(o.Limits.Runs) {
		o.Stop = explore.Cancelled.String()
	}
}

// early reports whether the sample ended before it had so many executions.
func (s *sample) early(runs int) bool { return s.runs < runs && !s.nothingLeft() }
