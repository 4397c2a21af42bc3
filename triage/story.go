package triage

import (
	"fmt"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A teller tells a failure in a sentence: "io_getevents touches ctx in lookup_ioctx()
// (read ctx->user_id, step 60) after [kworker] has freed it in free_ioctx() (step 59)".
type teller struct {
	tr   *schedule.Trace
	f    *schedule.Failure
	who  string // took the failing step
	in   string // " in lookup_ioctx()", or empty
	at   string // "read ctx->user_id, step 60"
	obj  string // the object concerned: "ctx"
	cell string // the word concerned: "ctx->users"
	made *Access
}

// story returns what happens in the execution of tr in a sentence, and a second one about
// the preemptions that it takes. There are none if nothing fails.
func story(tr *schedule.Trace, accesses []Access) []string {
	f := &tr.Result.Failure
	if tr.Result.Outcome != schedule.Fail {
		return nil
	}
	t := &teller{tr: tr, f: f}
	for i := range accesses {
		a := &accesses[i]
		switch {
		case a.Role == "failed":
			t.who, t.in, t.at = bracketed(a.Task, a.Agent), a.in(), a.at()
		case a.Role == role(f.Kind) && a.Task != "":
			t.made = a
		}
	}
	if f.Obj != nil {
		t.obj = f.Obj.Name()
	}
	if t.cell = t.obj; f.Op.Cell != nil && (f.Obj == nil || f.Op.Cell.Object() == f.Obj) {
		t.cell = f.Op.Cell.Name()
	}
	out := []string{upperBare(t.tell()) + ".", t.preemptions() + "."}
	switch _, reported := headline(tr); {
	case reported:
	case f.Kind == schedule.UseAfterFree: // of a stack: see docs/lookup_ioctx.md, "In a kernel"
		out = append(out, "No check of the kernel is made for it; one may see what has come in its place.")
	default:
		out = append(out, "No check of the kernel reports it.")
	}
	return out
}

// in returns " in lookup_ioctx()", or nothing if the step is in no kernel function.
func (a *Access) in() string {
	if len(a.Stack) < 2 {
		return ""
	}
	return " in " + a.Stack[1] + "()"
}

func (a *Access) at() string {
	switch {
	case a.Step == 0:
		return a.Text + ", before the first step"
	case a.After:
		return fmt.Sprintf("%s, after step %d", a.Text, a.Step)
	}
	return fmt.Sprintf("%s, step %d", a.Text, a.Step)
}

// after says who had done what before, which made the failing step one; nothing if nobody
// is known to.
func (t *teller) after(done string) string {
	if t.made == nil {
		return ""
	}
	by := bracketed(t.made.Task, t.made.Agent)
	if by == t.who {
		by = "it"
	}
	return fmt.Sprintf(" after %s has %s%s (step %d)", by, done, t.made.in(), t.made.Step)
}

// meanwhile says who does what since an earlier step.
func (t *teller) meanwhile(does string) string {
	if t.made == nil {
		return " while somebody " + does
	}
	return fmt.Sprintf(" while %s %s%s (since step %d)", bracketed(t.made.Task, t.made.Agent),
		does, t.made.in(), t.made.Step)
}

// tell returns the sentence.
func (t *teller) tell() string {
	place := fmt.Sprintf("%s (%s)", t.in, t.at)
	switch t.f.Kind {
	case schedule.UseAfterFree:
		done := "freed it"
		if t.f.Obj != nil && t.f.Obj.OnStack() {
			done = "left its stack frame"
		}
		return t.who + " touches " + t.obj + place + t.after(done)
	case schedule.DoubleFree:
		return t.who + " frees " + t.obj + place + t.after("freed it")
	case schedule.OutOfBounds:
		if t.f.Note != "" {
			return t.who + " goes outside of " + t.obj + place + t.note()
		}
		return t.who + " goes beyond the end of " + t.obj + place
	case schedule.NullDereference:
		return t.who + " touches " + t.f.Note + " through NULL" + place
	case schedule.DoubleKill:
		return t.who + " kills " + t.cell + place + t.after("killed it")
	case schedule.RefResurrect:
		return t.who + " takes " + t.cell + " up from 0" + place + t.after("dropped the last reference")
	case schedule.RefUnderflow:
		return t.who + " drops " + t.cell + " too often" + place + t.after("dropped the last reference")
	case schedule.DoubleRelease:
		return t.who + " drops the last reference of " + t.cell + place + t.after("dropped it")
	case schedule.LateMunmap:
		return t.who + " changes the mappings" + place + t.meanwhile("walks them")
	case schedule.CpumaskLost:
		return t.f.Note + " runs " + t.obj + " and is not in its mm_cpumask, which shows when " +
			t.who + " does its step" + place
	case schedule.StaleTLB:
		t.who = t.f.Note // a CPU, which does not free
		return t.who + " translates an address to " + t.obj + place + t.after("freed that page")
	case schedule.StrayWrite:
		return t.who + " changes " + t.obj + place +
			t.after("taken away what it may change") + t.note()
	case schedule.SleepInAtomic:
		if inSchedule(t.tr) {
			return t.who + " sleeps" + place + t.atomic()
		}
		return t.who + " may sleep" + place + t.atomic()
	case schedule.Leak:
		if t.f.Note != "" { // the model says why, though something may point to it
			return "at the end nobody has freed " + t.obj + t.note()
		}
		return "nothing points to " + t.obj + " at the end, and nobody has freed it"
	case schedule.Deadlock:
		return t.stuck()
	case schedule.BugOn:
		return t.who + " comes to a failing assertion" + place + t.note()
	case schedule.ListCorrupt:
		return t.who + " " + t.f.Note + place
	}
	if t.who == "" {
		return "at the end " + t.obj + " is not as it has to be" + t.note()
	}
	return t.who + " breaks a rule" + place + t.note()
}

// note returns what is known beyond the kind.
func (t *teller) note() string {
	if t.f.Note == "" {
		return ""
	}
	return ": " + t.f.Note
}

// atomic says why a thread may not sleep.
func (t *teller) atomic() string {
	ev := event(t.tr, t.f.Other)
	switch {
	case ev == nil:
		return " with preemption or interrupts off"
	case ev.Object == "":
		return fmt.Sprintf(" after %s (step %d)", ev.Verb, ev.Step)
	}
	return fmt.Sprintf(" while it holds %s (%s, step %d)", ev.Object, ev.Verb, ev.Step)
}

// stuck says who waits for what in a deadlock.
func (t *teller) stuck() string {
	var out []string
	for _, b := range blockedThreads(t.tr) {
		info := t.tr.Threads[b.thread]
		out = append(out, fmt.Sprintf("%s waits in %s() for %s",
			bracketed(info.Name, info.Agent), b.fn, strings.TrimSpace(b.verb+" "+b.name)))
	}
	return strings.Join(out, ", ") + ", and nobody else can go on"
}

// maxTold is how many preemptions a story tells one by one.
const maxTold = 3

// preemptions says which threads are preempted, and where.
func (t *teller) preemptions() string {
	var told []string
	for i := range t.tr.Events {
		if p := t.tr.Events[i].Preempted; p >= 0 {
			told = append(told, t.preempted(p, i))
		}
	}
	n := len(told)
	switch {
	case n == 0 && t.tr.Result.Switches == 0:
		return "It takes no switch of threads"
	case n == 0:
		return "It takes no preemption: threads change only where one waits or has finished"
	case n > maxTold:
		return "It takes " + count(n, "preemption")
	}
	return "It takes " + count(n, "preemption") + ": of " + strings.Join(told, "; of ")
}

// preempted says where a thread was when the event i took the processor from it.
func (t *teller) preempted(thread, i int) string {
	info := &t.tr.Threads[thread]
	name := bracketed(info.Name, info.Agent)
	for i--; i >= 0; i-- {
		if ev := &t.tr.Events[i]; ev.Thread == thread {
			return fmt.Sprintf("%s in %s() after step %d", name, function(ev), ev.Step)
		}
	}
	return name + " before its first step"
}

// upperBare begins a sentence with a capital letter, unless that is a name's first.
func upperBare(text string) string {
	if strings.HasPrefix(text, "nothing ") || strings.HasPrefix(text, "at the end ") {
		return upper(text)
	}
	return text
}
