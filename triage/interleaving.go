package triage

import (
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// An Interleaving is an execution step by step, in text and numbers: what
// [schedule.Trace] has of it, without the objects of its runner.
type Interleaving struct {
	Threads  []Thread  `json:"threads"`           // by number
	Objects  []Object  `json:"objects,omitempty"` // in the order in which they came to be
	Initial  []Change  `json:"initial,omitempty"` // what was in objects at first, where it is not 0
	Steps    []Step    `json:"steps"`
	Rows     []Row     `json:"rows"`               // the picture in columns, line by line
	Sections []Section `json:"sections,omitempty"` // by their first step
}

// A Thread is a thread of an [Interleaving], and how the execution left it.
type Thread struct {
	Name  string `json:"name"`
	Agent bool   `json:"agent,omitempty"` // softirq, kworker, interrupt
	State string `json:"state"`           // finished, failed, idle, blocked, enabled
	// Pending is what it would have done next.
	Pending string `json:"pending,omitempty"`
	// Interrupts is the name of the thread whose CPU it takes, if it is an interrupt handler of it.
	Interrupts string `json:"interrupts,omitempty"`
}

// An Object is an allocation of an [Interleaving], and what became of it.
type Object struct {
	Name  string `json:"name"` // "ctx2"
	Kind  string `json:"kind"` // "ctx"
	Cells []Cell `json:"cells,omitempty"`
	// Static objects are never freed. Internal ones are a primitive's own.
	Static   bool `json:"static,omitempty"`
	Internal bool `json:"internal,omitempty"`

	// Steps. Allocated is the last one before it, and 0 if the object was there from the
	// start; the others are 0 if the trace does not tell of such a step.
	Allocated int `json:"allocated,omitempty"`
	Unlinked  int `json:"unlinked,omitempty"`   // took away the last pointer to it in memory
	CountZero int `json:"count_zero,omitempty"` // took a count in it to 0, the first that did
	Freed     int `json:"freed,omitempty"`

	Count string `json:"count,omitempty"` // the count of CountZero: "users"
}

// A Cell is a word of an object. It is 0, or NULL, when the object is allocated.
type Cell struct {
	Path    string `json:"path,omitempty"` // name below the object; empty: it is all of it
	Pointer bool   `json:"pointer,omitempty"`
	Part    string `json:"part,omitempty"` // name inside the primitive that it is part of
}

// A Change is a cell that has got another value.
type Change struct {
	Object int    `json:"object"` // index of the interleaving's objects
	Cell   int    `json:"cell"`   // index of the object's cells
	Value  string `json:"value"`  // a number or what it means, NULL, the name of an object
}

// A Step is one step of an [Interleaving].
type Step struct {
	Step   int    `json:"step"`   // from 1
	Thread int    `json:"thread"` // number
	Verb   string `json:"verb"`
	Object string `json:"object,omitempty"` // empty: it touches nothing shared
	// Value is what the step returned, or if Stored what it left in the object.
	Value     string   `json:"value,omitempty"`
	Now       string   `json:"now,omitempty"`    // what it left in the object, if it changed it
	Memory    string   `json:"memory,omitempty"` // what was there if it returned an old value
	Stored    bool     `json:"stored,omitempty"`
	Text      string   `json:"text"`               // all of this as it stands in the columns
	Stack     []string `json:"stack,omitempty"`    // kernel functions, innermost first
	Racing    bool     `json:"racing,omitempty"`   // one of the two steps of the failure
	Choices   []int    `json:"choices,omitempty"`  // what the tape chose within the step
	Freed     []string `json:"freed,omitempty"`    // objects
	Changes   []Change `json:"changes,omitempty"`  // of memory
	Decision  int      `json:"decision"`           // place in the tape, from 0; -1: none
	Preempted int      `json:"preempted"`          // thread that could have gone on instead; -1: none
	Held      []string `json:"held,omitempty"`     // locks and sections that its thread is in, after it
	Atomic    bool     `json:"atomic,omitempty"`   // its thread may not sleep, after it
	Blocked   []int    `json:"blocked,omitempty"`  // threads that cannot go on after it, by number
	IrqsOff   bool     `json:"irqs_off,omitempty"` // on its CPU, after it
	Package   string   `json:"package,omitempty"`  // the model of the function: "kmodel/fs/aio"
}

// A Row is a line of the picture in columns: a step, the heading of a function, or a
// remark.
type Row struct {
	Thread int    `json:"thread"`           // -1: about none
	Step   int    `json:"step,omitempty"`   // 0: it is no step
	Note   bool   `json:"note,omitempty"`   // a remark
	Racing bool   `json:"racing,omitempty"` // a step of the failure
	Text   string `json:"text"`
}

func newInterleaving(tr *schedule.Trace) *Interleaving {
	it := &Interleaving{Steps: []Step{}, Rows: []Row{}}
	for _, info := range tr.Threads {
		thread := Thread{
			Name: info.Name, Agent: info.Agent, State: info.State, Pending: info.Pending(),
		}
		if info.Interrupts >= 0 {
			thread.Interrupts = tr.Threads[info.Interrupts].Name
		}
		it.Threads = append(it.Threads, thread)
	}
	for _, row := range tr.Rows() {
		it.Rows = append(it.Rows, Row(row))
	}
	for i := range tr.Events {
		it.Steps = append(it.Steps, newStep(&tr.Events[i]))
	}
	for _, row := range it.Rows {
		if row.Step > 0 {
			it.Steps[row.Step-1].Racing = row.Racing
		}
	}
	it.Initial = changes(tr.Initial)
	it.objects(tr)
	it.Sections = findSections(it.Steps)
	it.hold()
	return it
}

func newStep(ev *schedule.Event) Step {
	s := Step{
		Step: ev.Step, Thread: ev.Thread, Verb: ev.Verb, Object: ev.Object,
		Value: ev.Value, Stored: ev.Stored, Now: ev.Now, Memory: ev.Memory, Text: ev.Text(), Stack: kernelFuncs(ev.Stack),
		Choices: ev.Choices, Freed: ev.Freed, Changes: changes(ev.Changes),
		Decision: ev.Decision, Preempted: ev.Preempted,
		Atomic: ev.Atomic, IrqsOff: ev.IrqsOff, Blocked: ev.Blocked,
	}
	for _, f := range ev.Stack {
		if !f.Primitive() {
			s.Package = f.Package
			break
		}
	}
	return s
}

func changes(in []schedule.Change) []Change {
	var out []Change
	for _, ch := range in {
		out = append(out, Change(ch))
	}
	return out
}

// objects tells the objects, and their lives.
func (it *Interleaving) objects(tr *schedule.Trace) {
	for _, info := range tr.Objects {
		o := Object{
			Name: info.Name, Kind: info.Kind, Static: info.Static, Internal: info.Facility,
			Allocated: info.Step,
		}
		for _, c := range info.Cells {
			o.Cells = append(o.Cells, Cell(c))
		}
		it.Objects = append(it.Objects, o)
	}
	it.live()
}

// Lanes returns the threads that the rows tell of: tasks first, then agents, each by
// number.
func (it *Interleaving) Lanes() []int {
	var out []int
	for _, agents := range []bool{false, true} {
		for i, t := range it.Threads {
			seen := slices.ContainsFunc(it.Rows, func(r Row) bool { return r.Thread == i })
			if t.Agent == agents && seen {
				out = append(out, i)
			}
		}
	}
	return out
}

// object returns the object of that name that is there at a step, or nil.
func (it *Interleaving) object(name string, step int) *Object {
	for i := len(it.Objects) - 1; i >= 0; i-- {
		if o := &it.Objects[i]; o.Name == name && o.Allocated <= step {
			return o
		}
	}
	return nil
}
