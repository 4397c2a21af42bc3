package triage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A choiceLog is what was chosen in an execution with these steps, as causes of it.
type choiceLog struct {
	reader schedule.TapeReader
	steps  []Place
	at     int // number of the step under way
	causes []Cause
}

// choices returns the causes that are choices of the execution of tape, which has these steps. An
// execution that takes these steps in an order that is as good, and keeps the causes, is the same.
func choices(r *schedule.Runner, tape schedule.Tape, steps []Place) []Cause {
	l := &choiceLog{steps: steps}
	l.reader.Reset(tape)
	r.Watch = l
	r.Run(l)
	r.Watch = nil
	return l.causes
}

// Step implements [schedule.Watcher].
func (l *choiceLog) Step(t *schedule.Thread) bool {
	l.at = t.Exec().Steps()
	return true
}

// Choose implements [schedule.Chooser].
func (l *choiceLog) Choose(e *schedule.Exec, n int) int {
	d := l.reader.Choose(e, n)
	switch {
	case subjectOf(e) != choice:
	case e.Steps() > l.at:
		l.first(e.Steps())
	case e.Asked() > 0:
		l.causes = append(l.causes, Cause{
			Order:  Order{Before: l.steps[l.at-1]},
			Choice: Choice{Which: e.Asked(), Taken: d, Of: n},
		})
	}
	return d
}

// first is called when an agent chooses what to begin. The step tells what it was. So it comes
// before the next of that sort.
func (l *choiceLog) first(step int) {
	p := &l.steps[step-1]
	for i := step; i < len(l.steps); i++ {
		q := &l.steps[i]
		if q.Thread == p.Thread && deed(q.Verb) == deed(p.Verb) && q.doing() != p.doing() {
			l.causes = append(l.causes, Cause{Order: Order{Before: *p, After: *q}})
			return
		}
	}
}

// Loaded implements [schedule.LoadWatcher].
func (l *choiceLog) Loaded(t *schedule.Thread, ld schedule.Loading) bool {
	if !ld.Older && !ld.Newer || ld.Cell != t.Op().Cell {
		return true
	}
	add := func(before, after int, r Reading) {
		l.causes = append(l.causes, Cause{Order: Order{l.steps[before-1], l.steps[after-1], r}})
	}
	if ld.Newer {
		add(l.at, ld.Over, ReadsOld)
	}
	if ld.Older {
		add(ld.Came, l.at, ReadsNew)
	}
	return true
}

// tell adds what the choices mean, and which old values matter.
func (x *explainer) tell(ex *Explanation) error {
	tr, err := x.r.Replay(x.tape)
	if err != nil {
		return err
	}
	for i := range ex.Because {
		if r := &ex.Because[i]; r.Of > 0 {
			if means := tr.Events[r.Before.Step-1].Means; r.Which <= len(means) {
				r.Meaning = means[r.Which-1]
			}
		}
	}
	for i := range tr.Events {
		if tr.Events[i].Memory == "" {
			continue
		}
		l := x.oldLoad(tr.Events, i)
		because := slices.ContainsFunc(ex.Because, func(r Reason) bool {
			return r.Reads == ReadsOld && r.Before.Step == l.Load.Step
		})
		if because || l.Barrier > 0 {
			ex.Old = append(ex.Old, l)
		}
	}
	return nil
}

func (x *explainer) oldLoad(events []schedule.Event, i int) OldLoad {
	ev := &events[i]
	l := OldLoad{
		Calls: len(x.setup) > 0,
		Load:  x.steps[i], Value: ev.Value, Memory: ev.Memory,
		Store: x.steps[ev.Over-1], Passed: x.steps[ev.Passed-1],
	}
	if made := events[ev.Over-1].Made; made > 0 {
		l.Made = &x.steps[made-1]
	}
	l.Barrier = x.barrier(&l.Load)
	return l
}

// barrier returns how many states there are with an smp_rmb() before the load, if no execution
// fails so then; else 0. The executions that it allows are among those in which what is loaded
// there, whoever runs that code, is what is in memory.
func (x *explainer) barrier(load *Place) int {
	x.ordered = &codePlace{verb: deed(load.Verb), kind: load.Kind, call: x.call(load.Step)}
	defer func() { x.ordered = nil }()
	x.prepare(nil)
	x.states = 0
	if x.explore(func(wanted bool) bool { return !wanted }) {
		return x.states
	}
	return 0
}

// call returns the place in the code that takes a step of the execution.
func (x *explainer) call(step int) (call uintptr) {
	x.r.Watch = schedule.WatcherFunc(func(t *schedule.Thread) bool {
		if t.Exec().Steps() == step {
			call = t.Call()
		}
		return true
	})
	x.r.RunTape(x.tape)
	x.r.Watch = nil
	return call
}

// says returns what a reason says of its Before, and of which other step, nil if of none.
func (r *Reason) says() (text string, of *Place) {
	switch {
	case r.Of > 0 && r.Meaning != "":
		return "chooses " + r.Meaning, nil
	case r.Of > 0:
		return fmt.Sprintf("takes choice %d, from 0", r.Taken), nil
	case r.Reads == ReadsNew:
		return "is seen by", &r.After
	case r.Reads == ReadsOld:
		return "reads what was there before", &r.After
	}
	return "comes before", &r.After
}

// facts returns what there is to say of the load, in lines.
func (l *OldLoad) facts() []string {
	out := []string{fmt.Sprintf("has read %s; in memory: %s", l.Value, l.Memory)}
	if l.Made == nil {
		out = append(out, fmt.Sprintf("does not see %v", &l.Store))
	} else {
		out = append(out, fmt.Sprintf("does not see %v,", &l.Store),
			fmt.Sprintf("the store of %v", l.Made))
	}
	out = append(out, fmt.Sprintf("passes %v", &l.Passed))
	if l.Barrier > 0 {
		among := ""
		if l.Calls {
			among = " of these calls"
		}
		out = append(out, "with smp_rmb() before it no execution"+among+" fails so, all explored: "+
			count(l.Barrier, "state"))
	}
	return out
}

// String returns it in a few lines.
func (l *OldLoad) String() string {
	return fmt.Sprintf("old value: %v\n  %s", &l.Load, strings.Join(l.facts(), "\n  "))
}

// Fewest says that the reasons are the fewest.
func (ex *Explanation) Fewest() string { return "fewer " + ex.causes() + " would not do" }

// causes returns the name of what there is among the reasons.
func (ex *Explanation) causes() string {
	if slices.ContainsFunc(ex.Because, func(r Reason) bool { return r.Of > 0 }) {
		return "orders and choices"
	}
	return "orders"
}
