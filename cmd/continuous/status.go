package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/kschedfuzz/kschedfuzz/internal/plural"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// StatusSchema is the version of [Status], as it is in its field Schema.
const StatusSchema = "kschedfuzz-status/1"

// A Status is a campaign at a moment: what the page shows, status.json is, the metrics are
// made of and the summary says. docs/status.schema.json is the same for other languages.
type Status struct {
	Schema     string    `json:"schema"` // StatusSchema
	Now        time.Time `json:"now"`
	Started    time.Time `json:"started"` // this instance
	Starts     int       `json:"starts"`  // instances until now, this one included
	Seconds    float64   `json:"seconds"` // that all instances have run
	Executions int64     `json:"executions"`
	Rate       float64   `json:"executions_per_second"` // lately
	// Regressions is how many failures there are of programs that must never fail, and that
	// still fail, and how many reports of the order of their locks.
	Regressions int             `json:"regressions"`
	Canaries    Canaries        `json:"canaries"`
	Waiting     int             `json:"reports_waiting"`
	Corpus      CorpusStatus    `json:"corpus"`
	Memory      Use             `json:"memory"`
	Disk        Use             `json:"disk"`
	Targets     []TargetStatus  `json:"targets"`
	Failures    []FailureStatus `json:"failures"` // regressions first, then the newest
	Lockdep     []LockdepStatus `json:"lockdep"`  // in the same order
}

// Canaries are the targets that are known to fail. One that was not found to fail says that
// too little was run, or that what finds failures is broken.
type Canaries struct {
	All    int      `json:"all"`
	Silent []string `json:"silent"` // that were not found to fail
}

// CorpusStatus is how large the corpus is.
type CorpusStatus struct {
	Entries int   `json:"entries"`
	Bytes   int64 `json:"bytes"`
	Dropped int64 `json:"dropped"` // by this instance, for want of disk or memory
}

// A Use is how much of a limit is used, in bytes.
type Use struct {
	Used  int64 `json:"used"`
	Limit int64 `json:"limit"`
}

// A TargetStatus is one target.
type TargetStatus struct {
	Name       string  `json:"name"`
	Program    string  `json:"program"`
	Racy       bool    `json:"racy"` // it is known to fail
	Executions int64   `json:"executions"`
	Native     int64   `json:"native_executions"` // of these, by the Go fuzzer
	Rate       float64 `json:"executions_per_second"`
	Share      float64 `json:"share"` // of the time, from 0 to 1
	Failing    int64   `json:"failing_executions"`
	Invalid    int64   `json:"invalid_executions"`
	Species    int     `json:"species"`
	Full       bool    `json:"full"` // species were not kept: the limit of memory
	Inputs     int     `json:"inputs"`
	Todo       int     `json:"inputs_to_run"`
	Bugs       int     `json:"bugs"` // failures that have been seen since the start
	// LastNew is when a species was new the last time; missing: never.
	LastNew *time.Time `json:"last_new,omitempty"`
	NewAt   int64      `json:"last_new_at_execution"`
	Stream  Stream     `json:"stream"`
	History []point    `json:"history"`
}

// A Stream is what the stationary stream of a target tells, of this instance.
type Stream struct {
	Executions int `json:"executions"`
	Failures   int `json:"failures"`
	// Discovery is the estimated probability that one more execution of the stream shows
	// something that none has.
	Discovery float64 `json:"discovery_probability"`
	// Bound is a probability of failing that an execution of the stream is below, with
	// confidence 0.95; 1 if some failed.
	Bound float64 `json:"failure_bound_95"`
}

// A FailureStatus is one bug.
type FailureStatus struct {
	Target     string    `json:"target"`
	Program    string    `json:"program"`
	Title      string    `json:"title"`
	Signature  string    `json:"signature"`
	Regression bool      `json:"regression"` // its program must never fail
	Unlisted   bool      `json:"unlisted"`   // of another kind than its program is known to fail with
	Active     bool      `json:"active"`     // it has failed so since this instance was started
	Count      int64     `json:"count"`      // executions that failed so
	Found      time.Time `json:"found"`
	At         int64     `json:"found_at_execution"`
	Report     string    `json:"report,omitempty"` // directory; empty: not made yet
	Tape       string    `json:"tape"`             // minimal, if there is a report
	Size       string    `json:"size,omitempty"`
	Certified  string    `json:"certificate,omitempty"`
	Columns    string    `json:"columns,omitempty"` // the interleaving
}

// A LockdepStatus is what is wrong with the order of locks of a target.
type LockdepStatus struct {
	Target     string        `json:"target"`
	Program    string        `json:"program"`
	Title      string        `json:"title"`
	Chain      []string      `json:"chain"`      // classes, each taken while the one before is held
	Regression bool          `json:"regression"` // its program must never fail
	Active     bool          `json:"active"`     // it has been shown since this instance was started
	Found      time.Time     `json:"found"`
	At         int64         `json:"found_at_execution"`
	Facts      []LockdepFact `json:"facts"`  // that make it so
	Report     string        `json:"report"` // directory
}

// A LockdepFact is something about classes of locks, with an execution that shows it.
type LockdepFact struct {
	Kind string `json:"kind"`
	From string `json:"from,omitempty"` // of dependencies and recursion
	To   string `json:"to"`
	Text string `json:"text"` // who does that, and where
	Tape string `json:"tape"`
}

// status returns the status now.
func (c *campaign) status() *Status {
	pack := c.store.corpus.Pack()
	s := &Status{
		Schema: StatusSchema, Now: c.now().UTC(), Started: c.started.UTC(),
		Starts: c.before.Starts + 1, Seconds: c.seconds(), Waiting: c.bugs.len(),
		Corpus: CorpusStatus{Entries: pack.Len(), Bytes: pack.Size()},
		Memory: Use{memoryUsed(), c.config.Memory.bytes}, Disk: Use{Limit: c.config.Disk.bytes},
		Canaries: Canaries{Silent: []string{}}, Failures: []FailureStatus{},
		Lockdep: []LockdepStatus{},
	}
	s.Disk.Used, s.Corpus.Dropped = c.store.used()
	for i, t := range c.targets {
		ts := t.status(c.share.part(i))
		ts.Rate = c.rateOf(t)
		s.Targets = append(s.Targets, ts)
		s.Executions += ts.Executions
		s.Rate += ts.Rate
		if ts.Racy {
			s.Canaries.All++
			if ts.Bugs == 0 {
				s.Canaries.Silent = append(s.Canaries.Silent, t.name)
			}
		}
		s.Failures = append(s.Failures, t.failures()...)
		s.Lockdep = append(s.Lockdep, t.misorders()...)
	}
	for _, f := range s.Failures {
		if f.Regression && f.Active {
			s.Regressions++
		}
	}
	for _, r := range s.Lockdep {
		if r.Regression && r.Active {
			s.Regressions++
		}
	}
	slices.SortFunc(s.Failures, func(a, b FailureStatus) int {
		return cmp.Or(trueFirst(a.Regression, b.Regression), b.Found.Compare(a.Found),
			cmp.Compare(a.Target, b.Target), cmp.Compare(a.Signature, b.Signature))
	})
	slices.SortFunc(s.Lockdep, func(a, b LockdepStatus) int {
		return cmp.Or(trueFirst(a.Regression, b.Regression), b.Found.Compare(a.Found),
			cmp.Compare(a.Target, b.Target), cmp.Compare(a.Report, b.Report))
	})
	return s
}

// trueFirst compares two truths: what is so comes before what is not.
func trueFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// rateOf returns how many executions of t there were in a second lately.
func (c *campaign) rateOf(t *target) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rates[t].perSecond
}

// status returns the status of the target, but for its rate.
func (t *target) status(share float64) TargetStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := TargetStatus{
		Name: t.name, Program: t.program.Name(), Racy: t.program.Racy(),
		Executions: t.totals.Executions + t.totals.Native, Native: t.totals.Native,
		Share: share, Failing: t.totals.Failing, Invalid: t.totals.Invalid,
		Species: len(t.species), Full: t.full,
		Inputs: len(t.inputs), Todo: len(t.todo), Bugs: t.active(), NewAt: t.totals.NewAt,
		Stream: Stream{
			Executions: t.stream.executions, Failures: t.stream.failures,
			Discovery: t.stream.discovery(), Bound: t.stream.bound(),
		},
		History: append([]point{}, t.totals.History.Points...),
	}
	if last := t.totals.LastNew.UTC(); !last.IsZero() {
		s.LastNew = &last
	}
	return s
}

// failures returns the status of each bug of the target.
func (t *target) failures() (list []FailureStatus) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, b := range t.bugs {
		f := FailureStatus{
			Target: b.Target, Program: b.Program, Title: b.Title, Signature: b.Signature,
			Regression: b.regression(), Unlisted: b.unlisted(), Active: b.active, Count: b.Count,
			Found: b.Found.UTC(), At: b.Executions, Tape: b.Tape,
		}
		if r := b.report; r != nil {
			f.Report, f.Tape, f.Columns = failuresDir+"/"+b.name(), r.Tape, r.Columns
			f.Size = triage.Measure{
				Threads: r.Size.Threads, Calls: r.Size.Calls, Preemptions: r.Size.Preemptions,
				Switches: r.Size.Switches, Steps: r.Size.Steps,
			}.String()
			if r.Certificate != nil {
				f.Certified = r.Certificate.Text
			}
		}
		list = append(list, f)
	}
	return list
}

// writeSummary writes what a run came to, regressions first.
func (s *Status) writeSummary(w io.Writer) error {
	for _, f := range s.Failures {
		if f.Regression && f.Active {
			fmt.Fprintf(w, "REGRESSION: %s must never fail, and does: %s\n\t%s\n",
				f.Target, f.Title, cmp.Or(f.Report, "no report yet"))
		}
	}
	for _, r := range s.Lockdep {
		if r.Active {
			fmt.Fprintf(w, "%s: %s: %s\n\t%s\n", r.what(), r.Title, strings.Join(r.Chain, " -> "), r.Report)
		}
	}
	fmt.Fprintf(w, "%s of %s, %s kept, %s\n", plural.Of(s.Executions, "execution"),
		plural.Of(len(s.Targets), "target"), plural.Of(s.Corpus.Entries, "input"),
		plural.Of(len(s.Failures), "failure"))
	late, gone := 0, 0
	for _, f := range s.Failures {
		if !f.Active {
			gone++
		} else if f.Report == "" {
			late++
		}
	}
	if gone > 0 {
		fmt.Fprintf(w, "%d of the failures %s not seen since the start\n", gone, were(gone))
	}
	if late > 0 {
		fmt.Fprintf(w, "reports that are not made yet, which the next start does: %d\n", late)
	}
	if s.Corpus.Dropped > 0 {
		fmt.Fprintf(w, "%s %s not kept: the limits are %v of disk and %v of memory\n",
			plural.Of(s.Corpus.Dropped, "input"), were(s.Corpus.Dropped), size{s.Disk.Limit}, size{s.Memory.Limit})
	}
	if n := len(s.Canaries.Silent); n > 0 {
		fmt.Fprintf(w, "%d of %s known to fail %s not found to: %v\n",
			n, plural.Of(s.Canaries.All, "target"), were(n), s.Canaries.Silent)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "target\texecutions\tspecies\tinputs\tfailures\tdiscovery")
	for _, t := range s.Targets {
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\t%s\n",
			t.Name, t.Executions, t.Species, t.Inputs, t.Bugs, oneIn(t.Stream.Discovery))
	}
	return tw.Flush()
}

// what is what a report of the order of locks is of.
func (r *LockdepStatus) what() string {
	if r.Regression {
		return "REGRESSION: the order of locks of " + r.Target + ", which must never fail"
	}
	return "lockdep: " + r.Target
}

// oneIn writes a probability as people say it.
func oneIn(p float64) string {
	switch {
	case p <= 0:
		return "none seen once"
	case p >= 1:
		return "unknown"
	case p > 0.1:
		return fmt.Sprintf("%.2f", p)
	}
	return fmt.Sprintf("1 in %.0f", 1/p)
}

// were is what so many did.
func were[N int | int64](n N) string {
	if n == 1 {
		return "was"
	}
	return "were"
}
