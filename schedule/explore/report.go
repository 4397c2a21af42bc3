package explore

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/internal/plural"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Unbounded is the preemption bound that excludes nothing.
const Unbounded = math.MaxInt

// DefaultMaxNodes is the most nodes [Exhaust] keeps unless Options.MaxNodes
// says otherwise. They take 1 to 3 GB, by how many alternatives they have.
const DefaultMaxNodes = 10_000_000

// Options says what to explore, and how far. The zero value of every field is
// valid.
type Options struct {
	// Bound is the most preemptions an execution may have, 0 or more, or
	// Unbounded.
	Bound int
	// MaxNodes ends Exhaust with NodeLimit when it would need more nodes. 0
	// means DefaultMaxNodes. Unreduced keeps no nodes and ignores it.
	MaxNodes int
	// MaxBytes ends Exhaust with MemoryLimit when its graph would need more
	// memory, in bytes. What the graph needs to be worked up at the end of a bound is
	// counted in. 0 means no limit.
	MaxBytes int64
	// Workers is how many executions Exhaust runs at the same time, each with its own
	// instance of the program. 0 means 1. As many as there are cores is good.
	Workers int
	// Symmetry, unless nil, has Exhaust treat states as one that differ in the names of
	// threads only.
	Symmetry *Symmetry
	// Checkpoint, unless its File is empty, has Exhaust go on from where an earlier
	// one has left it.
	Checkpoint Checkpoint
	// MaxSteps is [schedule.Runner.MaxSteps]. Exhaust applies it to the path by
	// which it first reaches a node.
	MaxSteps int
	// Mute is [schedule.Runner.Mute].
	Mute schedule.Kinds
	// Progress, unless nil, is called by Exhaust about every progressEvery
	// executions, for somebody who waits. It must not take long: all workers may have
	// to wait. It is called from different goroutines, one at a time, but with several
	// workers also while the caller of Exhaust has a report.
	Progress func(Progress)

	anew bool // without what the checkpoint has saved: of fewer loads
}

// progressEvery is after how many executions Options.Progress is called: a
// millisecond or so.
const progressEvery = 256

// Progress says how far a search has come.
type Progress struct {
	Bound int // being searched
	// Of the nodes that the bound is known to begin new executions from, so many
	// are done, or in the hands of other workers. More may become known.
	Done, Queued int

	Nodes int // as in Report, so far
	Runs  int
	Steps uint64

	Classes int // of [Classes], which has no bounds and no nodes
}

// runner returns a runner for p, as the options say.
func (o Options) runner(p schedule.Program) *schedule.Runner {
	if min(o.Bound, o.MaxNodes, o.MaxSteps, o.Workers) < 0 || o.MaxBytes < 0 {
		panic(fmt.Sprintf("explore: negative option: %+v", o))
	}
	r := schedule.NewRunner(p)
	r.MaxSteps, r.Mute = o.MaxSteps, o.Mute
	return r
}

// A Category is how an execution ended, as far as a fast run can tell without
// making names. It depends on the last state and step alone, not on how they
// were reached: it has no step number, and not the other party of a failure. Nor has
// it the function: the same operation fails in two functions as one category. Which
// failures are one bug is for package triage to say.
type Category struct {
	Outcome schedule.Outcome
	Reason  string        // of Invalid
	Kind    schedule.Kind // of Fail, like the rest
	Thread  int           // number of the thread whose step failed, else -1
	Verb    string        // of that step
	Object  string        // kind of the object concerned
	Note    string
}

// CategoryOf returns the category of r.
func CategoryOf(r schedule.Result) Category {
	c := Category{Outcome: r.Outcome, Thread: -1}
	switch r.Outcome {
	case schedule.Invalid:
		c.Reason = r.Reason
	case schedule.Fail:
		f := &r.Failure
		c.Kind, c.Verb, c.Note = f.Kind, f.Op.Verb, f.Note
		if f.Thread != nil {
			c.Thread = f.Thread.ID
		}
		if f.Obj != nil {
			c.Object = f.Obj.Kind()
		}
	}
	return c
}

// Compare orders categories: Invalid, Pass, then the failures from cause to
// symptom.
func (c Category) Compare(d Category) int {
	return cmp.Or(
		cmp.Compare(c.Outcome, d.Outcome), cmp.Compare(c.Reason, d.Reason),
		cmp.Compare(c.Kind, d.Kind), cmp.Compare(c.Thread, d.Thread),
		cmp.Compare(c.Verb, d.Verb), cmp.Compare(c.Object, d.Object),
		cmp.Compare(c.Note, d.Note),
	)
}

// String returns a phrase such as "use-after-free of ctx in percpu_ref_get by
// thread 0".
func (c Category) String() string {
	if c.Outcome != schedule.Fail {
		return strings.TrimSuffix(c.Outcome.String()+": "+c.Reason, ": ")
	}
	text := c.Kind.String()
	if c.Object != "" {
		text += " of " + c.Object
	}
	if c.Verb != "" {
		text += " in " + c.Verb
	}
	if c.Thread >= 0 {
		text += fmt.Sprintf(" by thread %d", c.Thread)
	}
	if c.Note != "" {
		text += " (" + c.Note + ")"
	}
	return text
}

// A Witness is an execution that ends in a category.
type Witness struct {
	Tape        schedule.Tape // canonical
	Preemptions int
	Switches    int
	Steps       int
	// Minimal says that no execution of the category comes before this one in
	// the order of preemptions, context switches, steps, shorter tapes, smaller
	// digits from the left. Where it is false the exploration ended too early to
	// say so; in a report of Exhaust the number of preemptions is the least
	// all the same.
	Minimal bool
}

// WitnessOf returns the execution of a tape that ended as r says. It keeps the tape.
func WitnessOf(tape schedule.Tape, r schedule.Result) Witness {
	return Witness{Tape: tape, Preemptions: r.Preemptions, Switches: r.Switches, Steps: r.Steps}
}

// Compare returns a negative number if w comes before v in the order of Minimal, 0 if neither
// does, a positive one if v comes before w.
func (w Witness) Compare(v Witness) int {
	return cmp.Or(
		cmp.Compare(w.Preemptions, v.Preemptions), cmp.Compare(w.Switches, v.Switches),
		cmp.Compare(w.Steps, v.Steps), cmp.Compare(len(w.Tape), len(v.Tape)),
		slices.Compare(w.Tape, v.Tape),
	)
}

// An Ending is one way in which executions ended.
type Ending struct {
	Category
	// Executions counts those of this category, as Report.Executions does all,
	// and All is their number as Report.All is of all.
	Executions []uint64
	All        *big.Int
	Witness    Witness
	Classes    uint64 // of [Classes]
}

// Stop says why an exploration has ended.
type Stop uint8

// The reasons.
const (
	Continues     Stop = iota // it has not: another report follows
	Exhausted                 // nothing is left: higher bounds reach nothing new
	AtBound                   // Options.Bound is finished
	NodeLimit                 // Options.MaxNodes
	MemoryLimit               // Options.MaxBytes
	Cancelled                 // the context was
	Unsound                   // the program breaks the contract of State, see Report.Err
	BadCheckpoint             // it cannot be read or written, see Report.Err

	// beginsAnew: more loads are known than before, see [schedule.Loads]. Nobody gets a report
	// of that.
	beginsAnew
)

var stopNames = [...]string{
	"continues", "exhausted", "bound reached", "node limit", "memory limit", "cancelled",
	"unsound", "bad checkpoint", "begins anew",
}

func (s Stop) String() string { return stopNames[s] }

// Cycle says whether a program can come back to a state it has been in, which
// takes [schedule.Thread.Forget] or an agent.
type Cycle uint8

// The cycles.
const (
	// Acyclic programs have finitely many executions. Reports of bounds before
	// the last say so of the part they have seen.
	Acyclic Cycle = iota
	// PreemptiveCycle: every cycle takes a preemption. There are finitely many
	// executions for each bound, but no total.
	PreemptiveCycle
	// CalmCycle: a cycle without a preemption, so that one bound has
	// executions without end. From there on nothing is counted.
	CalmCycle
)

// A Report is what an exploration has come to.
type Report struct {
	Program string
	// Bound is the highest finished bound, -1 if there is none: every
	// execution with at most so many preemptions is covered. If Stop is
	// Exhausted, all others are too: they add nothing.
	Bound int
	Stop  Stop
	Err   error // of Unsound and BadCheckpoint

	// Endings are the categories met, in the order of Category.Compare. In a
	// report that did not finish a bound they include what that bound found.
	Endings []Ending

	// Executions[j] is the number of executions with exactly j preemptions, for
	// the finished bounds: up to Bound or, if Stop is Exhausted, up to
	// Options.Bound. No zeros follow the last number. An execution is counted
	// to its end, whatever its number of steps: in a program in which one state
	// is reached by short and by long ways, MaxSteps may keep Unreduced from
	// going so far.
	Executions []uint64
	// Overflow says that Executions ends early, since the next number does not
	// fit.
	Overflow bool
	Cycle    Cycle
	// All is the number of all executions of the program, with however many
	// preemptions, however large. Nil if it is not known: unless Stop is Exhausted
	// and Cycle is Acyclic.
	All *big.Int

	Nodes int    // of the graph: a state, who ran last, a decision to take
	Edges int    // alternatives of all nodes
	Runs  int    // executions run, whole or in part
	Steps uint64 // in all of them

	// ByClass says that the report is of [Classes]. Then there are so many classes; and of
	// the runs, so many ended since everything that could go on was covered elsewhere, and
	// so many were of a class that had been run before.
	ByClass           bool
	Classes           uint64
	Blocked, Repeated int
}

// Complete reports whether the report covers every execution of the program:
// nothing was left, and no execution ran into the step limit.
func (r *Report) Complete() bool {
	return r.Stop == Exhausted && r.invalid() == nil
}

// invalid returns the ending of executions that say nothing, if there were any.
func (r *Report) invalid() *Ending {
	for i := range r.Endings {
		if r.Endings[i].Outcome == schedule.Invalid {
			return &r.Endings[i]
		}
	}
	return nil
}

// Failed reports whether some execution failed.
func (r *Report) Failed() bool {
	return slices.ContainsFunc(r.Endings, func(e Ending) bool { return e.Outcome == schedule.Fail })
}

// Fewest returns the kinds of failure that were met, with the fewest preemptions of each.
func (r *Report) Fewest() map[schedule.Kind]int {
	out := map[schedule.Kind]int{}
	for _, e := range r.Endings {
		if e.Outcome != schedule.Fail {
			continue
		}
		if n, ok := out[e.Kind]; !ok || e.Witness.Preemptions < n {
			out[e.Kind] = e.Witness.Preemptions
		}
	}
	return out
}

// Minimal returns the witness of c, and whether there is one.
func (r *Report) Minimal(c Category) (Witness, bool) {
	for i := range r.Endings {
		if r.Endings[i].Category == c {
			return r.Endings[i].Witness, true
		}
	}
	return Witness{}, false
}

// Total returns Report.All where it is known and fits.
func (r *Report) Total() (n uint64, ok bool) {
	if r.All == nil || !r.All.IsUint64() {
		return 0, false
	}
	return r.All.Uint64(), true
}

// CollisionBound returns a bound on the chance that two different states had
// the same hash, which could have hidden something: about n*n/2^129 for n
// nodes.
func (r *Report) CollisionBound() float64 {
	return math.Ldexp(float64(r.Nodes)*float64(r.Nodes), -129)
}

// Coverage returns one sentence that says what was covered, and what was not.
// It claims no more than the report can stand for.
func (r *Report) Coverage() string {
	var covered string
	switch {
	case r.ByClass && r.Stop == Exhausted:
		covered = "exhaustive up to the order of independent steps"
	case r.ByClass:
		covered = fmt.Sprintf("%s of executions; incomplete: %v", plural.Of(r.Classes, "class"), r.Stop)
	case r.Stop == Exhausted && r.Nodes == 0:
		covered = "exhaustive"
	case r.Stop == Exhausted && r.Bound == 0:
		covered = "exhaustive: preemptions reach no new state"
	case r.Stop == Exhausted:
		covered = fmt.Sprintf("exhaustive: more than %s reach no new state", preemptions(r.Bound))
	case r.Bound < 0:
		covered = "no bound finished"
	default:
		covered = fmt.Sprintf("all executions with at most %s", preemptions(r.Bound))
	}
	if r.Nodes > 0 {
		covered += fmt.Sprintf("; chance of a hash collision below %.0e", r.CollisionBound())
	}
	switch {
	case r.Stop == Unsound:
		covered += fmt.Sprintf("; not to be trusted: %v", r.Err)
	case r.Stop == BadCheckpoint:
		covered += fmt.Sprintf("; incomplete: %v", r.Err)
	case r.ByClass:
	case r.Stop == NodeLimit, r.Stop == MemoryLimit, r.Stop == Cancelled:
		covered += fmt.Sprintf("; incomplete: %v after %s", r.Stop, plural.Of(r.Nodes, "node"))
	}
	if bad := r.invalid(); bad != nil {
		covered += fmt.Sprintf("; incomplete: what follows %q is not covered", bad.Reason)
	}
	return covered
}

func preemptions(n int) string { return plural.Of(n, "preemption") }
