package main

import (
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/kschedfuzz/kschedfuzz/internal/plural"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// A statement is what can be said of a program when its exploration has ended.
type statement struct {
	program  kernelProgram
	report   explore.Report // of a sample too: endings, with how often each was met
	limits   limits
	sample   *sample           // nil: it was exhaustive
	estimate *explore.Estimate // nil: it was not one
	lockdep  *lockdepReport    // nil: nobody has asked for it
	states   int               // of -states; 0: not counted
	symmetry bool
	covered  string
	duration time.Duration
}

// limits is what was asked for. A nil number is no limit.
type limits struct {
	Preemptions *int     `json:"preemptions,omitempty"`
	Nodes       int      `json:"nodes,omitempty"`
	Bytes       int64    `json:"bytes,omitempty"`
	Runs        int      `json:"runs,omitempty"`
	Sampler     string   `json:"sampler,omitempty"`
	Seed        *uint64  `json:"seed,omitempty"`
	Workers     int      `json:"workers,omitempty"` // only where it makes a difference
	Steps       int      `json:"steps"`
	Mute        []string `json:"mute,omitempty"`

	byClass bool
	mute    schedule.Kinds
}

func (c *command) limits() limits {
	l := limits{Steps: schedule.DefaultMaxSteps, Mute: c.mute.Names(), mute: c.mute}
	if c.random > 0 {
		l.Runs, l.Sampler, l.Seed = c.random, c.sampler, &c.seed
		return l
	}
	if c.estimate+c.guided > 0 {
		l.Runs, l.Seed = c.estimate+c.guided, &c.seed // one of them is 0
		if c.workers > 1 {
			l.Workers = c.workers
		}
	} else {
		l.Nodes, l.Bytes, l.byClass = c.nodes, int64(c.memory)<<20, c.classes
	}
	if c.preemptions != unbounded {
		l.Preemptions = &c.preemptions
	}
	return l
}

// status returns the exit status that the statement stands for. Expected says that it is about
// what is documented, and not about whether anything fails.
func (s *statement) status(expected bool) int {
	same, known := s.listed()
	switch {
	case s.report.Err != nil:
		return exitWrong
	case expected && known && !same:
		return exitFailed
	case expected && s.early():
		return exitEarly
	case expected:
		return exitDone
	case s.report.Failed(), s.lockdep.found():
		return exitFailed
	case s.early():
		return exitEarly
	}
	return exitDone
}

// early reports whether the exploration ended before it had done what was asked.
func (s *statement) early() bool {
	switch {
	case s.sample != nil:
		return s.sample.early(s.limits.Runs)
	case s.estimate != nil:
		return s.report.Runs < s.limits.Runs
	}
	switch s.report.Stop {
	case explore.Exhausted:
		return !s.report.Complete()
	case explore.AtBound:
		return slices.ContainsFunc(s.report.Endings, func(e explore.Ending) bool {
			return e.Outcome == schedule.Invalid
		})
	}
	return true
}

// listed compares the failures with those that the program is documented to have. That they are
// the same is only known if everything was covered, that they are not maybe before.
func (s *statement) listed() (same, known bool) {
	if s.sample != nil || s.estimate != nil || !documented(s.program, s.limits.mute) {
		return false, false
	}
	if s.report.Complete() {
		return !s.otherwise(math.MaxInt), true
	}
	bound := s.report.Bound
	if s.report.ByClass {
		bound = -1
	}
	return false, s.otherwise(bound)
}

// documented reports whether somebody has said how p fails if executions go on after these kinds.
func documented(p kernelProgram, mute schedule.Kinds) bool {
	return !p.Workload && (mute == 0 ||
		slices.ContainsFunc(p.Expect, func(e program.Expect) bool { return e.Mute == mute }))
}

// otherwise reports whether the program fails otherwise than it is documented to, where all
// executions with at most so many preemptions were covered. The fewest preemptions are not known,
// by class.
func (s *statement) otherwise(bound int) bool {
	want, got := map[schedule.Kind]int{}, s.report.Fewest()
	for _, e := range s.program.Expect {
		if e.Mute == s.limits.mute {
			want[e.Kind] = e.Preemptions
		}
	}
	for kind, least := range want {
		n, ok := got[kind]
		if least <= bound && (!ok || n > least && !s.report.ByClass) {
			return true
		}
	}
	if s.program.Unlisted && len(want) > 0 {
		return false // it may fail in other ways too
	}
	for kind, n := range got {
		if least, ok := want[kind]; !ok || n < least {
			return true
		}
	}
	return false
}

// failures returns the endings that are failures, those that take the fewest
// preemptions first.
func (s *statement) failures() []explore.Ending {
	failed := slices.DeleteFunc(slices.Clone(s.report.Endings), func(e explore.Ending) bool {
		return e.Outcome != schedule.Fail
	})
	slices.SortStableFunc(failed, func(a, b explore.Ending) int {
		return a.Witness.Preemptions - b.Witness.Preemptions
	})
	return failed
}

// writeText prints the statement as a paragraph.
func (s *statement) writeText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s%s\n", s.program.Name(), s.program.Versions, s.verdict(),
		s.lockdep.verdict())
	row := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "  %-11s %s\n", label, fmt.Sprintf(format, args...))
	}
	row("covered", "%s", s.covered)
	row("limits", "%s", s.limits.text())
	switch {
	case s.sample != nil:
		s.sample.writeText(s.program, row)
	case s.estimate != nil:
		writeEstimate(row, s.estimate)
	case s.report.ByClass:
		s.writeClasses(row)
	default:
		s.writeCounts(row)
	}
	for _, e := range s.failures() {
		s.writeFailure(row, e)
	}
	if s.lockdep != nil {
		s.writeLockdep(row)
	}
	if same, known := s.listed(); known && same && s.program.Unlisted {
		row("documented", "%s", verdictOf(s.program))
	} else if known && same {
		row("documented", "the same: %s", verdictOf(s.program))
	} else if known {
		row("documented", "ANOTHER VERDICT: %s", verdictOf(s.program))
	}
	row("time", "%s", s.effort())
	_, err := io.WriteString(w, b.String())
	return err
}

// verdictOf returns the verdict that there is to compare one of p with.
func verdictOf(p kernelProgram) string {
	if p.Unlisted {
		return "without store buffers: " + expected(p)
	}
	return expected(p)
}

// verdict says in a phrase whether there were failures, and claims no more than was
// covered.
func (s *statement) verdict() string {
	switch {
	case s.estimate != nil:
		return "estimated"
	case s.report.Stop == explore.BadCheckpoint:
		return "not searched to the end"
	case s.report.Err != nil:
		return "NOT TO BE TRUSTED"
	case s.report.Failed():
		return "FAILS"
	case s.report.Complete() && s.sample == nil, s.sample != nil && s.sample.nothingLeft():
		return "no execution fails"
	case s.sample == nil && s.report.Bound >= 0:
		return fmt.Sprintf("no execution with at most %s fails", count(s.report.Bound, "preemption"))
	}
	return "no failure so far"
}

// writeCounts prints the exact numbers of an exhaustive search.
func (s *statement) writeCounts(row func(label, format string, args ...any)) {
	r := &s.report
	upTo := ""
	if s.symmetry {
		upTo = " and symmetry"
	}
	row("states", "%s to take with %s, merged by state%s",
		count(r.Nodes, "decision"), count(r.Edges, "alternative"), upTo)
	if s.states > 0 {
		row("", "%s between any two steps", group(s.states))
	}
	switch {
	case r.Cycle != explore.Acyclic:
		row("executions", "without end: the program can come back to a state it was in")
	case r.All != nil:
		row("executions", "%s", group(r.All))
	}
	if len(r.Executions) > 0 {
		var counts []string
		for _, n := range r.Executions[:min(len(r.Executions), 8)] {
			counts = append(counts, group(n))
		}
		if len(r.Executions) > 8 || r.Overflow {
			counts = append(counts, "...")
		}
		row("", "with 0, 1, 2 ... preemptions: %s", strings.Join(counts, "; "))
	}
}

// writeFailure prints one way to fail.
func (s *statement) writeFailure(row func(label, format string, args ...any), e explore.Ending) {
	row("failure", "%s", e.Category)
	if title := s.title(e); title != "" {
		row("", "%s", title)
	}
	least, sort := "at least ", "smallest"
	if s.sample != nil || s.report.ByClass {
		least, sort = "", "smallest seen"
	} else if !e.Witness.Minimal {
		sort = "one"
	}
	row("", "%s%s; %s: %s, %s", least, count(e.Witness.Preemptions, "preemption"), sort,
		count(e.Witness.Switches, "context switch"), count(e.Witness.Steps, "step"))
	switch {
	case s.sample != nil:
		row("", "%s of the executions", group(s.sample.met[e.Category]))
	case s.report.ByClass:
		row("", "%s of the classes", group(e.Classes))
	case e.All != nil:
		row("", "%s of the executions", group(e.All))
	}
	row("", "go run ./cmd/minimize -program %s%s %s",
		s.program.Name(), s.limits.muteFlag(), triage.TapeText(e.Witness.Tape))
}

// title returns what minimize calls the failure, and the name of the thread that fails: a category
// has a primitive and a number. It is "" of what is no failure.
func (s *statement) title(e explore.Ending) string {
	if e.Outcome != schedule.Fail {
		return ""
	}
	r := schedule.NewRunner(s.program.Schedule())
	defer r.Close()
	r.Mute, r.MaxSteps = s.limits.mute, s.limits.Steps
	tr, err := r.Replay(e.Witness.Tape)
	if err != nil {
		return err.Error()
	}
	title := triage.Title(tr)
	if t := tr.Result.Failure.Thread; t != nil {
		name := tr.Threads[t.ID].Name
		if t.IsAgent() {
			name = "[" + name + "]"
		}
		title += ", by " + name
	}
	return title
}

// muteFlag returns the flag that says again after which kinds executions went on.
func (l *limits) muteFlag() string {
	if l.mute == 0 {
		return ""
	}
	return " -mute " + triage.KindsText(l.mute)
}

// effort says how much work it was.
func (s *statement) effort() string {
	how := " run"
	if s.sample != nil && s.sample.looked > 0 {
		how = ", " + group(s.sample.looked) + " of them looked up by their states and not run"
	}
	return fmt.Sprintf("%.2f s: %s%s, %s", s.duration.Seconds(),
		count(s.report.Runs, "execution"), how, count(int(s.report.Steps), "step"))
}

// text says which bounds kept the exploration from more than it has covered.
func (l limits) text() string {
	var parts []string
	if l.Preemptions != nil {
		parts = append(parts, "at most "+count(*l.Preemptions, "preemption"))
	}
	if l.Nodes > 0 {
		what := "state"
		if l.byClass {
			what = "class"
		}
		parts = append(parts, "at most "+count(l.Nodes, what)+" kept")
	}
	if l.Bytes > 0 {
		parts = append(parts, fmt.Sprintf("at most %s MiB", group(int(l.Bytes>>20))))
	}
	if l.Runs > 0 {
		what := count(l.Runs, "execution")
		if l.Sampler != "" {
			what += ", " + l.Sampler
		}
		what += fmt.Sprintf(", seed %d", *l.Seed)
		if l.Workers > 0 {
			what += ", " + count(l.Workers, "worker")
		}
		parts = append(parts, what)
	}
	parts = append(parts, fmt.Sprintf("at most %s an execution", count(l.Steps, "step")))
	if l.Mute != nil {
		parts = append(parts, "goes on after "+strings.Join(l.Mute, ", "))
	}
	return strings.Join(parts, "; ")
}

// group writes a number with a comma before every three digits.
func group[N int | uint64 | *big.Int](n N) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// count writes a number and what there are so many of.
func count(n int, what string) string { return group(n) + " " + plural.Word(n, what) }
