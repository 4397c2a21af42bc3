package triage

import (
	"fmt"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Place names a step so that it can be found in other executions, and in other
// variants: the Nth time that a thread does what it does there.
type Place struct {
	Thread int    `json:"thread"`
	Verb   string `json:"verb"`
	Kind   string `json:"kind,omitempty"` // of the object; empty: the step touches nothing shared
	Path   string `json:"path,omitempty"` // of the cell in the object
	Nth    int    `json:"nth"`            // from 1, whatever the accessors are called

	// For people.
	Task  string `json:"task"`
	Agent bool   `json:"agent,omitempty"`
	Func  string `json:"func,omitempty"` // kernel function
	Step  int    `json:"step"`           // in the execution that is explained
	// Next says that the execution ends before the step: it is the one that the thread
	// would take next, or waits to take.
	Next bool `json:"next,omitempty"`
	// Absent says that it is not even that: the step is an agent's in other executions.
	Absent bool `json:"absent,omitempty"`
}

// step is p without what differs from one execution to another.
func (p *Place) step() Place {
	return Place{Thread: p.Thread, Verb: deed(p.Verb), Kind: p.Kind, Path: p.Path, Nth: p.Nth}
}

// String returns "io_getevents: read ctx->user_id in lookup_ioctx, step 60".
func (p *Place) String() string {
	object := p.Kind
	if p.Path != "" {
		object += "->" + p.Path
	}
	s := strings.TrimSpace(p.Verb + " " + object)
	if p.Func != "" {
		s += " in " + p.Func
	}
	who := strings.TrimPrefix(taskName(p.Task, p.Agent), "task ")
	switch {
	case p.Absent:
		return fmt.Sprintf("%s: %s, not taken here", who, s)
	case p.Next:
		return fmt.Sprintf("%s: %s, its next step", who, s)
	}
	return fmt.Sprintf("%s: %s, step %d", who, s, p.Step)
}

// accessors are the ways in which C spells a load, and a store. Another variant may have another
// one, and takes the same step.
var accessors = map[string]string{
	"READ_ONCE": "read", "smp_load_acquire": "read",
	"rcu_dereference": "read", "rcu_dereference_raw": "read", "rcu_access_pointer": "read",
	"WRITE_ONCE": "write", "smp_store_release": "write",
	"rcu_assign_pointer": "write", "RCU_INIT_POINTER": "write",
}

// deed returns what a verb does, however it is spelt.
func deed(verb string) string {
	if d, ok := accessors[verb]; ok {
		return d
	}
	return verb
}

// doing is what a place has of the class of steps that it counts.
type doing struct {
	thread           int
	verb, kind, path string
}

func (p *Place) doing() doing { return doing{p.Thread, deed(p.Verb), p.Kind, p.Path} }

func doingOf(t *schedule.Thread, op schedule.Op) doing {
	d := doing{thread: t.ID, verb: deed(op.Verb)}
	if c := op.Cell; c != nil && c.Object() != nil {
		d.kind, d.path = c.Object().Kind(), c.Path()
	}
	return d
}

// An Order says that one step comes before another. An execution breaks it if After is
// taken and Before was not; else it keeps it, also if neither is ever taken.
type Order struct {
	Before, After Place
	Reads         Reading
}

// A Reading says which of the two steps of an order is a load that counts as taken when what it
// has read was in memory.
type Reading uint8

// The readings. Where no load passes another they are the same.
const (
	AsTaken  Reading = iota // neither
	ReadsOld                // Before: it has read what was there before After
	ReadsNew                // After: it has read what Before has left there, or something newer
)

var readings = [...]string{AsTaken: "", ReadsOld: "old", ReadsNew: "new"}

// String returns "old" or "new", and nothing for AsTaken.
func (r Reading) String() string { return readings[r] }

// store returns which of the steps of an order is not the load: 0 for Before, 1 for After.
func (r Reading) store() int {
	if r == ReadsOld {
		return 1
	}
	return 0
}

// load returns the load of an order that has one, and the other step.
func (o *Order) load() (load, store *Place) {
	if o.Reads == ReadsOld {
		return &o.Before, &o.After
	}
	return &o.After, &o.Before
}

// A Choice is what was chosen within a step, such as which object an allocation takes. An execution
// breaks it if the step is taken and something else is chosen.
type Choice struct {
	Which int // of those in the step, from 1
	Taken int
	Of    int // alternatives: 0 to Of-1
}

// A Cause is what an explanation is made of: an order of two steps, or if Of is not 0 a choice in
// the step Before.
type Cause struct {
	Order
	Choice
}

// places returns the places of all steps of the execution that tr is the trace of, and
// of those that threads would have taken next, numbered from there.
func places(r *schedule.Runner, tr *schedule.Trace) []Place {
	var out []Place
	counts := map[doing]int{}
	add := func(t *schedule.Thread, op schedule.Op) {
		d := doingOf(t, op)
		counts[d]++
		out = append(out, Place{
			Thread: d.thread, Verb: op.Verb, Kind: d.kind, Path: d.path, Nth: counts[d],
			Task: tr.Threads[t.ID].Name, Agent: t.IsAgent(), Step: len(out) + 1,
		})
	}
	r.Watch = schedule.WatcherFunc(func(t *schedule.Thread) bool { add(t, t.Op()); return true })
	r.RunTape(tr.Tape)
	r.Watch = nil
	for i := range out {
		out[i].Func = kernelFunc(tr.Events[i].Stack)
	}
	for i, info := range tr.Threads {
		t := r.Exec().Threads()[i]
		next := t.Drains()
		if (info.State == "enabled" || info.State == "blocked") && t.Op().Verb == info.Verb {
			next = []schedule.Op{t.Op()}
		}
		for _, op := range next {
			add(t, op)
			out[len(out)-1].Func, out[len(out)-1].Next = kernelFunc(info.Stack), true
		}
	}
	return out
}

// switches returns orders that all executions like the one with these steps keep, and
// no others: for each step of a thread, what every other thread had done last, where that
// is not known from the step before. Any order of two of these steps is implied by one of
// them.
func switches(steps []Place) []Cause {
	threads := 0
	for i := range steps {
		threads = max(threads, steps[i].Thread+1)
	}
	var out []Cause
	last := make([]int, threads) // index of each thread's last step, from 1
	known := make([][]int, threads)
	for i := range known {
		known[i] = make([]int, threads)
	}
	for i := range steps {
		y := steps[i].Thread
		for x := range threads {
			if x == y || last[x] <= known[y][x] {
				continue
			}
			out = append(out, Cause{Order: Order{Before: steps[last[x]-1], After: steps[i]}})
			if !steps[i].Next {
				known[y][x] = last[x]
			}
		}
		if !steps[i].Next {
			last[y] = i + 1
		}
	}
	return out
}
