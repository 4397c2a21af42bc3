package lockdep

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Describe says which thread shows the fact, and in which functions, by the trace of its tape.
func (f Fact) Describe(tr *schedule.Trace) string {
	who, where := tr.Threads[f.Thread].Name, f.where(tr)
	since := func() string {
		ev := &tr.Events[f.Held-1]
		fn := cmp.Or(ev.Func(), ev.Verb) // of a work item it is process_one_work
		return fmt.Sprintf("since %s() (step %d)", fn, ev.Step)
	}
	takes, holding := "takes", "holding"
	if isWork(f.To) {
		takes = "waits for"
	}
	if isWork(f.From) {
		holding = "running"
	}
	switch {
	case f.Kind == Dependency:
		return fmt.Sprintf("%s %s %s in %s, %s %s %s", who, takes, f.To, where, holding, f.From, since())
	case f.Kind == Recursion:
		return fmt.Sprintf("%s %s %s in %s, %s it %s", who, takes, f.To, where, holding, since())
	case f.Kind == UsedInHardirq:
		return fmt.Sprintf("%s takes %s in %s, handling an interrupt", who, f.To, where)
	case f.Kind == UsedInSoftirq:
		return fmt.Sprintf("%s takes %s in %s, handling a softirq", who, f.To, where)
	}
	what := "interrupts"
	if f.Kind == SoftirqsEnabled {
		what = "softirqs"
	}
	if f.Held > 0 {
		return fmt.Sprintf("%s turns %s on in %s, holding %s %s", who, what, where, f.To, since())
	}
	return fmt.Sprintf("%s takes %s in %s, %s on", who, f.To, where, what)
}

// isWork reports whether a class is of work items.
func isWork(name string) bool { return strings.HasPrefix(name, workPrefix) }

// where returns the function of the step that showed f, and its number. It may not have come to
// that: its thread waits for ever, or another's failure has ended the execution.
func (f Fact) where(tr *schedule.Trace) string {
	for i := range tr.Events {
		ev := &tr.Events[i]
		if !f.Next && ev.Step == f.Step || f.Next && ev.Step > f.Step && ev.Thread == f.Thread {
			return fmt.Sprintf("%s() (step %d)", ev.Func(), ev.Step)
		}
	}
	info, why := &tr.Threads[f.Thread], "where it waits"
	if info.State != "blocked" {
		why = "its next step"
	}
	return schedule.KernelFunc(info.Stack) + "() (" + why + ")"
}
