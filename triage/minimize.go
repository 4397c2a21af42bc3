package triage

import (
	"context"
	"fmt"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// The limits of [Options], if it does not say otherwise. They let a workload of
// a few calls be settled exactly and take seconds where that is out of reach.
const (
	DefaultExecutions = 200_000
	DefaultNodes      = 100_000
)

// Options says what Minimize may spend. The zero value is valid.
type Options struct {
	// Mute is [schedule.Runner.Mute]: what executions go on after.
	Mute schedule.Kinds
	// MaxSteps is [schedule.Runner.MaxSteps].
	MaxSteps int
	// Want is the failure to keep. Zero means the one that the tape shows.
	Want Signature
	// Executions is the most executions of one round of passes. 0 means
	// DefaultExecutions. It counts executions and not time, so that the result
	// is the same on every machine.
	Executions int
	// Nodes is the most nodes of the exact search for the final workload. 0
	// means DefaultNodes. The search counts its own executions.
	Nodes int
}

// A Result is what Minimize came to.
type Result struct {
	// Trace is a fresh replay of the final tape. Its runner never runs again,
	// so the objects of its failure stay what they were.
	Trace     *schedule.Trace
	Signature Signature
	Original  Measure
	Final     Measure
	// Slips are the other failures met on the way, from cause to symptom.
	Slips       []Slip
	Certificate Certificate
	Passes      []Pass // in the order in which they are run
	Rounds      int    // of all passes; the last changed nothing
	Executions  int
}

// A Slip is another failure that was met while minimizing. It is remembered and
// never followed: it is another bug.
type Slip struct {
	Signature Signature
	Title     string
	Tape      schedule.Tape
}

// A Pass is one way of making schedules smaller, and how it fared.
type Pass struct {
	Name     string
	Tries    int // executions
	Accepted int // that were smaller and failed the same way
}

// Report returns the report of the minimized execution.
func (res *Result) Report(about About) *Report {
	r := NewReport(res.Trace, about)
	r.Measure = res.Final
	r.Original, r.Certificate, r.Slips = &res.Original, &res.Certificate, res.Slips
	return r
}

// longestTape is how much of a tape an error has.
const longestTape = 80

// A NotReproducedError says that the tape given to Minimize does not fail, or
// not in the way wanted.
type NotReproducedError struct {
	Program string
	Tape    schedule.Tape // as given
	Result  schedule.Result
	Got     Signature // zero if it does not fail
	Want    Signature // zero if any failure would do
}

func (err *NotReproducedError) Error() string {
	tape := TapeText(err.Tape)
	if len(tape) > longestTape {
		tape = tape[:longestTape] + "..."
	}
	text := fmt.Sprintf("%s: tape %s", err.Program, tape)
	switch err.Result.Outcome {
	case schedule.Pass:
		text += fmt.Sprintf(" passes (%s)", count(err.Result.Steps, "step"))
	case schedule.Fail:
		text += fmt.Sprintf(" fails otherwise: as %q, want %q", err.Got, err.Want)
	default:
		text += fmt.Sprintf(" says nothing about the program: %s after %s",
			err.Result.Reason, count(err.Result.Steps, "step"))
	}
	return text
}

// Minimize returns the smallest execution of p that it can find with the
// failure that tape shows, smallest by [Measure.Compare], the same by
// [Signature]. The tape is read leniently. If it does not fail the error is a
// [NotReproducedError].
//
// It is a function of its arguments: no clock and no chance come into it. A
// second run, on the tape of the first, changes nothing. If ctx is done early
// the result so far is returned together with the error of ctx.
//
// # How it works
//
// A pass proposes tapes, or orders of threads, that should be smaller. It may
// propose anything: one function runs what it proposes (minimizer.propose) and
// accepts only what fails in the same way and has the smaller measure, so no pass
// can do harm, and one that is too bold costs time only. The passes work on
// decisions, never on bytes. They are, in this order:
//
//   - cut and zero: most decisions of a fuzzer's tape decide nothing. First,
//     since everything after it is the faster the less is left.
//   - workload: fewer threads and calls. What follows in the tape then means
//     something else, so the old schedule is carried over by the names of
//     threads, and where that does not fail a search looks for one that does.
//   - lower, pair, shift, merge: the schedule itself. Two switches can be
//     superfluous together and necessary each alone; hence pair, and merge,
//     which moves all steps of a thread between two switches at once.
//   - exact: where the workload is fixed and its states are few enough, a search
//     by states finds the smallest schedule outright, and what is smaller is
//     known not to exist. The [Certificate] says so, or how far it came.
//   - others: the same search in workloads of the same size near this one, where
//     that is cheap.
//   - smaller: the same search in every smaller workload, to know that there is none
//     that fails.
//
// Rounds of all passes follow until one changes nothing.
func Minimize(
	ctx context.Context, p schedule.Program, tape schedule.Tape, opt Options,
) (res Result, err error) {
	m := newMinimizer(ctx, p, opt)
	defer m.r.Close()
	defer func() {
		// A panic of model code is a bug of ours. It must not take the
		// caller's other work down with it.
		if v := recover(); v != nil {
			crash, ok := v.(*schedule.Crash)
			if !ok {
				panic(v)
			}
			err = crash
		}
	}()
	if err := m.begin(tape); err != nil {
		return Result{}, err
	}
	for m.round() {
	}
	if m.err != nil {
		return Result{}, m.err
	}
	if err := m.finish(&res); err != nil {
		return Result{}, err
	}
	return res, ctx.Err()
}

// A minimizer is a Minimize under way.
type minimizer struct {
	ctx     context.Context
	program schedule.Program
	opt     Options
	r       *schedule.Runner
	want    Signature

	original, best candidate
	rec            recorder
	reader         schedule.TapeReader
	pass           *Pass // that proposes now
	passes         []*Pass
	rounds, runs   int
	roundEnd       int   // value of runs that ends the round
	err            error // ends it all

	met    map[explore.Category]bool // failures whose signature is known
	slips  map[Signature]slip
	barren map[string]bool // workloads that were searched in vain
	exacts map[string]exact
	cert   Certificate

	listed    listing
	excluded  map[string]outcome // smaller workloads by their setup
	excluding int                // states that excluding took
	certified Smaller
}

type slip struct {
	Slip
	measure Measure
}

// A candidate is an execution that fails as wanted.
type candidate struct {
	Measure
	log []decision
}

func newMinimizer(ctx context.Context, p schedule.Program, opt Options) *minimizer {
	if opt.Executions == 0 {
		opt.Executions = DefaultExecutions
	}
	if opt.Nodes == 0 {
		opt.Nodes = DefaultNodes
	}
	m := &minimizer{
		ctx: ctx, program: p, opt: opt, r: schedule.NewRunner(p), want: opt.Want,
		met:    make(map[explore.Category]bool),
		slips:  make(map[Signature]slip),
		barren: make(map[string]bool),
		exacts: make(map[string]exact),

		excluded: make(map[string]outcome),
	}
	m.r.Mute, m.r.MaxSteps = opt.Mute, opt.MaxSteps
	return m
}

// begin runs the tape as it was given.
func (m *minimizer) begin(tape schedule.Tape) error {
	m.reader.Reset(tape)
	m.rec.reset(&m.reader)
	res := m.r.Run(&m.rec)
	m.runs++
	m.best = m.candidate(&res)
	m.original = m.best
	no := &NotReproducedError{Program: m.program.Name, Tape: tape, Result: res, Want: m.want}
	if res.Outcome != schedule.Fail {
		return no
	}
	tr, err := m.replay(m.best.Tape)
	if err != nil {
		return err
	}
	if no.Got = Of(tr); m.want == (Signature{}) {
		m.want = no.Got
	}
	if no.Got != m.want {
		return no
	}
	return nil
}

// candidate copies what is known of the execution that has just been run.
func (m *minimizer) candidate(res *schedule.Result) candidate {
	c := candidate{measure(m.r, res), slices.Clone(m.rec.log)}
	c.Tape = slices.Clone(c.Tape)
	return c
}

// replay records s. A tape that was taken from an execution and does not fit
// the next means that the model is not deterministic.
func (m *minimizer) replay(s schedule.Tape) (*schedule.Trace, error) {
	tr, err := m.r.Replay(s)
	if err != nil {
		return nil, fmt.Errorf("the model is not deterministic: %w", err)
	}
	return tr, nil
}

// stopped reports whether the round is over: out of its budget, or for good.
func (m *minimizer) stopped() bool {
	return m.runs >= m.roundEnd || m.err != nil || m.ctx.Err() != nil
}

// propose runs what c decides. It accepts the execution, and reports so, if it
// fails in the same way and is smaller. It is the only place that changes best.
func (m *minimizer) propose(c schedule.Chooser) bool {
	m.rec.reset(c)
	res := m.r.Run(&m.rec)
	m.runs++
	m.pass.Tries++
	if res.Outcome != schedule.Fail {
		return false
	}
	if res.Failure.Kind != m.want.Kind || measure(m.r, &res).Compare(m.best.Measure) >= 0 {
		m.meet(&res)
		return false
	}
	now := m.candidate(&res)
	if !m.identify(&res) {
		return false
	}
	m.best = now
	m.pass.Accepted++
	return true
}

// meet looks at a failure that is not a candidate: it may be another bug. A fast
// run cannot tell the signature, so only the first of each category is asked
// for it.
func (m *minimizer) meet(res *schedule.Result) {
	if !m.met[explore.CategoryOf(*res)] {
		m.identify(res)
	}
}

// identify records the execution that has just been run with result res, and
// reports whether it fails as wanted. If not, it is remembered. An error ends it all.
func (m *minimizer) identify(res *schedule.Result) (same bool) {
	m.met[explore.CategoryOf(*res)] = true
	at := measure(m.r, res)
	at.Tape = slices.Clone(at.Tape)
	tr, err := m.replay(at.Tape)
	if err != nil {
		m.err = err
		return false
	}
	m.runs++
	s := Of(tr)
	if s == m.want {
		return true
	}
	m.slipped(s, tr, at)
	return false
}

// slipped remembers another failure, by its smallest tape.
func (m *minimizer) slipped(s Signature, tr *schedule.Trace, at Measure) {
	if old, known := m.slips[s]; known && old.measure.Compare(at) <= 0 {
		return
	}
	m.slips[s] = slip{Slip{Signature: s, Title: Title(tr), Tape: at.Tape}, at}
}

// finish replays the result on a runner of its own, and compares.
func (m *minimizer) finish(res *Result) error {
	r := schedule.NewRunner(m.program)
	defer r.Close()
	r.Mute, r.MaxSteps = m.opt.Mute, m.opt.MaxSteps
	tr, err := r.Replay(m.best.Tape)
	if err != nil {
		return fmt.Errorf("the model is not deterministic: %w", err)
	}
	if Of(tr) != m.want {
		return fmt.Errorf("the model is not deterministic: %s: tape %s failed as %q, then as %q",
			m.program.Name, TapeText(m.best.Tape), m.want, Of(tr))
	}
	m.cert.Workloads = len(m.barren)
	if m.cert.Workload {
		m.cert.Smaller = &m.certified
	}
	*res = Result{
		Trace: tr, Signature: m.want, Original: m.original.Measure, Final: m.best.Measure,
		Certificate: m.cert, Rounds: m.rounds, Executions: m.runs,
	}
	for _, s := range m.slips {
		res.Slips = append(res.Slips, s.Slip)
	}
	slices.SortFunc(res.Slips, func(a, b Slip) int { return a.Signature.Compare(b.Signature) })
	for _, p := range m.passes {
		res.Passes = append(res.Passes, *p)
	}
	return nil
}
