package schedule

import (
	"fmt"
	"strings"
)

// A Trace is a recorded execution: everything that a fast run does not know.
type Trace struct {
	Program string
	Tape    Tape // canonical: strict replay repeats the trace
	Result  Result
	Threads []ThreadInfo
	Objects []ObjectInfo // in the order in which they came to be
	Initial []Change     // what was in them before the first step, where it is not 0
	Events  []Event

	FailStack  []Frame // where the failure was raised: in its step, or after it
	AllocStack []Frame // where the object of the failure was allocated
}

// ThreadInfo describes a thread of a [Trace].
type ThreadInfo struct {
	// Name is that of the [Thread], and a number where the program has several of it:
	// "io_destroy#2".
	Name  string
	Agent bool
	// State is "finished", "failed", "idle", "blocked" or "enabled": how the
	// execution left it.
	State string
	// Verb, Object and Stack say what it would have done next, and where, if it is
	// inside its function.
	Verb, Object string
	Stack        []Frame
	IrqsOff      bool // on its CPU, then
	// Interrupts is the number of the thread whose CPU an interrupt handler takes, else -1.
	Interrupts int
}

// Plain returns the name without a number: what the thread runs, not which of several.
func (info *ThreadInfo) Plain() string {
	name, _, _ := strings.Cut(info.Name, "#")
	return name
}

// Pending returns what the thread would have done next in one phrase, such as
// "spin_lock mm->ioctx_lock".
func (info *ThreadInfo) Pending() string {
	return strings.TrimSuffix(info.Verb+" "+info.Object, " ")
}

// ObjectInfo describes an object of a [Trace]: an allocation, so that memory that is
// allocated again is another one.
type ObjectInfo struct {
	Name string // "ctx2"
	Kind string // "ctx"
	// Step is the one in which, or after which, it was allocated; 0: it was there before
	// the first.
	Step int
	// Static objects are never freed. Those of a [Facility] are a primitive's own.
	Static, Facility bool
	Cells            []CellInfo // each 0, or NULL, when the object is allocated
}

// CellInfo describes a cell of an object. What a primitive keeps in several has one
// name for all of them.
type CellInfo struct {
	Path    string // name below the object: "users"
	Pointer bool
	Part    string // name inside the primitive of that path: "percpu"; may be empty
}

// A Change is a cell that has got another value.
type Change struct {
	Object int    // index of [Trace.Objects]
	Cell   int    // index of its Cells
	Value  string // written as that of an [Event] is
}

// An Event is one step of a [Trace].
type Event struct {
	Step    int    // from 1
	Thread  int    // number
	Verb    string // "percpu_ref_get"
	Object  string // "ctx->users"; empty if the step touches nothing shared
	Mode    Mode
	Value   string // what the step returned, or else what it left in the object; may be empty
	Stored  bool   // Value was left, not returned
	Now     string // what the step left in the object, if it changed it
	Memory  string // what was in memory if the step has loaded an old value: see ReorderLoads
	Over    int    // then, the step that has written over that value
	Passed  int    // then, the load before it that has seen something newer
	Made    int    // the step that has made the store that this one brings to memory
	Stack   []Frame
	Choices []int    // what Thread.Choose answered within the step
	Means   []string // by number of the choice, what it means, or "": see [Thread.Means]
	Freed   []string
	Changes []Change // of all cells, not only of the object of the step

	// How the step has left its thread. They are false of its last one, which of an agent is that
	// of each piece of work, unless that has failed.
	IrqsOff bool // on its CPU
	Atomic  bool // it may not sleep

	// Blocked are the threads inside of their functions that cannot go on after it, by number,
	// unless a signal comes: see [Interruptible].
	Blocked []int

	// Decision is the position in the tape of the decision that chose this
	// step, counted from 0, or -1 where there was none to take. Preempted is the
	// number of the thread that could have gone on instead, or -1.
	Decision  int
	Preempted int
}

// Func returns the kernel function that takes the step: the innermost that is
// not a primitive's, else the outermost.
func (ev *Event) Func() string { return KernelFunc(ev.Stack) }

// Event returns the event of the step of p, or nil if p is nobody.
func (tr *Trace) Event(p Party) *Event {
	if p.Thread == nil || p.Step < 1 || p.Step > len(tr.Events) {
		return nil
	}
	return &tr.Events[p.Step-1]
}

// Replay runs s again and records everything. It reads s strictly: a decision
// that does not fit, or is left over, is an error that names its position. The
// trace up to there is returned with it.
func (r *Runner) Replay(s Tape) (*Trace, error) {
	c := &strictReader{s: s}
	tr := r.Record(c)
	if err := c.finish(); err != nil {
		return tr, fmt.Errorf("%s: tape %q: %w", r.program.Name, s.String(), err)
	}
	return tr, nil
}

// Record runs one execution with the decisions of c and records everything.
func (r *Runner) Record(c Chooser) *Trace {
	e := &r.exec
	if e.stacks == nil {
		e.stacks = map[pcs][]Frame{}
	}
	e.rec = newRecorder(e)
	defer func() { e.rec = nil }()
	res := r.Run(c)
	tr := &Trace{
		Program: r.program.Name, Tape: append(Tape(nil), r.Taken()...),
		Result: res, Events: e.rec.events, Threads: e.rec.threads,
		Objects: e.rec.objects, Initial: e.rec.initial,
		FailStack: e.rec.failed, AllocStack: e.rec.allocs[res.Failure.Obj],
	}
	return tr
}

// CheckDeterminism runs s twice and compares the enabled sets at every
// decision, the number of steps, the outcome and the final state. A difference
// means that the model depends on something that is not in the schedule: a map
// range, a clock, a goroutine, an address.
func (r *Runner) CheckDeterminism(s Tape) error {
	defer func(m *Memo) { r.Memo = m }(r.Memo)
	r.Memo = nil // run, both times
	a := r.RunTape(s)
	digest, state := r.exec.digest, r.exec.State()
	b := r.RunTape(s)
	switch {
	case r.exec.digest != digest || a.Decisions != b.Decisions:
		return fmt.Errorf("%s: tape %q: the model is not deterministic: two runs met different enabled sets (%d and %d decisions)",
			r.program.Name, s.String(), a.Decisions, b.Decisions)
	case a.Outcome != b.Outcome || a.Steps != b.Steps || a.Failure.Kind != b.Failure.Kind || r.exec.State() != state:
		return fmt.Errorf("%s: tape %q: the model is not deterministic: %v after %d steps, then %v after %d steps",
			r.program.Name, s.String(), a.Outcome, a.Steps, b.Outcome, b.Steps)
	}
	return nil
}
