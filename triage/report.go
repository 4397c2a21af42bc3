package triage

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// About is what is to be said of a program that no trace of it tells. Every
// field may be empty.
type About struct {
	Versions string         // the kernels that had this code: "4.16"
	Patches  string         // what distinguishes the variant, and what its reader must know
	Mute     schedule.Kinds // after which executions went on, as a kernel does after a warning
	Command  string         // repeats the execution: "go run ./cmd/minimize ..."
	Variants []Variant      // the others of the same program
	// SourceFile returns the kernel source file that a function of a model is in; "" if it is not
	// known, as it is of none if this is nil.
	SourceFile func(model, function string) string
}

// A Variant is another variant of a program, as [About] describes its own.
type Variant struct {
	Name     string   `json:"name"`
	Versions string   `json:"versions,omitempty"`
	Patches  string   `json:"patches,omitempty"`
	Fails    []string `json:"fails,omitempty"` // kinds that it is known to fail with
	Then     []string `json:"then,omitempty"`  // others, if the kernel goes on
}

// A Report is what a developer is told of one failing execution. It is made of
// text and numbers only, so it outlives the runner that the trace came from,
// and other formats than [Report.WriteText] need nothing else.
type Report struct {
	Title     string
	Story     []string // what happens, in a few sentences; none if nothing fails
	Signature Signature
	Program   string
	About     About
	Note      string   // of the failure
	Splat     []string // what a kernel prints between title and stack, where it is more
	Accesses  []Access // the failing step first, then who made it one
	Waits     []Wait   // of a deadlock
	Columns   string   // the interleaving, see [schedule.Trace.WriteColumns]
	Measure   Measure
	Agents    int           // that the program has, beside Measure.Threads
	Tape      schedule.Tape // repeats the execution

	Interleaving *Interleaving // Columns as data

	// What [Minimize] adds; nil and empty in a report of a trace alone.
	Original    *Measure
	Certificate *Certificate
	Slips       []Slip

	// What [Explain] and [ChanceOf] add.
	Explanation *Explanation
	Elsewhere   Elsewhere // variants by what the explanation's orders come to in them
	Chance      *Chance
}

// An Access is a step as a splat tells it.
type Access struct {
	Role  string   `json:"role"`           // what it did in this story: "failed", "freed", "allocated"
	Task  string   `json:"task,omitempty"` // empty: it was so from the start
	Agent bool     `json:"agent,omitempty"`
	Step  int      `json:"step,omitempty"`
	Text  string   `json:"text"`            // verb and object
	Stack []string `json:"stack,omitempty"` // innermost first; the first is the primitive
	After bool     `json:"after,omitempty"` // it is no step: it came after Step
}

// A Wait is a thread that a deadlock has blocked.
type Wait struct {
	Task   string  `json:"task"`
	Verb   string  `json:"verb"` // what it waits to do
	Object string  `json:"object,omitempty"`
	Last   *Access `json:"last,omitempty"` // the last step of somebody else on the object
}

// NewReport makes the report of the failure that tr shows. It must be made
// before the runner of tr runs again: the objects of a failure are the runner's.
func NewReport(tr *schedule.Trace, about About) *Report {
	var columns bytes.Buffer
	if err := tr.WriteColumns(&columns, schedule.ColumnsWidth); err != nil {
		panic(err) // a bytes.Buffer takes everything
	}
	r := &Report{
		Title: Title(tr), Signature: Of(tr), Program: tr.Program, About: about,
		Note: tr.Result.Failure.Note, Columns: columns.String(),
		Measure: traceMeasure(tr), Tape: tr.Tape, Interleaving: newInterleaving(tr),
	}
	r.Agents = len(tr.Threads) - r.Measure.Threads
	if tr.Result.Outcome != schedule.Fail {
		return r
	}
	if tr.Result.Failure.Kind == schedule.Deadlock {
		r.Waits, r.Story = waits(tr), story(tr, nil)
		return r
	}
	r.Accesses = accesses(tr)
	r.Story = story(tr, r.Accesses)
	if tr.Result.Failure.Kind == schedule.SleepInAtomic {
		r.Note = "" // the call, which is in Accesses
		r.Splat = atomicSplat(tr)
	}
	return r
}

// atomicSplat returns the lines of the splat that say why the task may not sleep: the lock that
// it took last, and where. A reader of preemptible RCU is not in_atomic(), of which
// schedule() has no line, and its warning of a reader none at all.
func atomicSplat(tr *schedule.Trace) []string {
	f := &tr.Result.Failure
	ev, name := event(tr, f.Other), tr.Threads[f.Thread.ID].Name
	var out []string
	reader, preemptible := inReader(tr)
	switch {
	case inSchedule(tr) && reader && preemptible:
		return nil
	case inSchedule(tr):
	case reader && !preemptible:
		out = append(out, "Illegal context switch in RCU read-side critical section!")
	case reader:
		out = append(out, "in_atomic(): 0, name: "+name)
	default:
		out = append(out, "in_atomic(): 1, name: "+name)
	}
	if ev == nil {
		return out
	}
	return append(out, "lock held by "+name+":",
		" #0:  ("+cmp.Or(ev.Object, ev.Verb)+"), at: "+function(ev))
}

// accesses tells the failing step, the step that made it one, and where the
// object came from, as far as there are such steps.
func accesses(tr *schedule.Trace) []Access {
	f := &tr.Result.Failure
	var out []Access
	if f.Thread != nil {
		a := newAccess(tr, "failed", event(tr, f.Party))
		if a.Task == "" { // raised before the thread had taken any step
			a.Task, a.Agent, a.Text = tr.Threads[f.Thread.ID].Name, f.Thread.IsAgent(), f.Op.Verb
		}
		if f.Kind == schedule.SleepInAtomic { // the call fails before it is a step
			a.Text, a.After = f.Note, true
			a.Stack = append([]string{f.Note}, kernelFuncs(tr.FailStack)...)
		}
		out = append(out, a)
	}
	if f.Other.Thread != nil && f.Kind != schedule.Leak {
		out = append(out, newAccess(tr, role(f.Kind), event(tr, f.Other)))
	}
	// Where a lock came from says nothing about how it was misused.
	if f.Obj != nil && f.Kind != schedule.LockRule && f.Kind != schedule.SleepInAtomic {
		out = append(out, allocation(tr, f.Obj))
	}
	return out
}

// allocation tells where o came from. Allocating is no step: the step named is the one
// before it.
func allocation(tr *schedule.Trace, o *schedule.Object) Access {
	a := newAccess(tr, "allocated", event(tr, o.Allocated()))
	a.Text, a.Stack = o.Name(), kernelFuncs(tr.AllocStack)
	return a
}

// role says what the other party of a failure of kind k did.
func role(k schedule.Kind) string {
	switch k {
	case schedule.UseAfterFree, schedule.DoubleFree:
		return "freed"
	case schedule.LockRule, schedule.SleepInAtomic:
		return "lock taken"
	case schedule.ListCorrupt:
		return "list changed"
	case schedule.DoubleKill:
		return "first killed"
	case schedule.RefResurrect, schedule.RefUnderflow:
		return "count fell to 0"
	case schedule.DoubleRelease:
		return "first released"
	}
	return "raced with"
}

func newAccess(tr *schedule.Trace, role string, ev *schedule.Event) Access {
	if ev == nil {
		return Access{Role: role}
	}
	info := tr.Threads[ev.Thread]
	return Access{
		Role: role, Task: info.Name, Agent: info.Agent, Step: ev.Step,
		Text: strings.TrimSpace(ev.Verb + " " + ev.Object),
		// The verb is the kernel's name of what the functions of primitives do together.
		Stack: append([]string{ev.Verb}, kernelFuncs(ev.Stack)...),
	}
}

// kernelFuncs returns the functions of a stack that are not primitives'.
func kernelFuncs(stack []schedule.Frame) []string {
	var out []string
	for _, f := range stack {
		if !f.Primitive() {
			out = append(out, f.String())
		}
	}
	return out
}

// waits tells the blocked threads of a deadlock, and for each who was at the
// object last. That is the holder of a lock, unless it was released again.
func waits(tr *schedule.Trace) []Wait {
	var out []Wait
	for _, b := range blockedThreads(tr) {
		w := Wait{Task: tr.Threads[b.thread].Name, Verb: b.verb, Object: b.name}
		for i := len(tr.Events) - 1; i >= 0 && b.name != ""; i-- {
			ev := &tr.Events[i]
			if ev.Object != b.name || ev.Thread == b.thread {
				continue
			}
			last := newAccess(tr, "last there", ev)
			w.Last = &last
			break
		}
		out = append(out, w)
	}
	return out
}
