package schedule

import (
	"fmt"
	"strconv"
	"strings"
)

// A Row is one line of the picture that [Trace.WriteColumns] draws: a step, the heading
// of a function, or a remark.
type Row struct {
	Thread int    // number; -1: the row is about no thread
	Step   int    // 0: it is no step
	Note   bool   // it says why a thread does not go on, or what is wrong
	Racing bool   // one of the two steps of the failure
	Text   string // a function's ends in (); of code outside of all it is the thread
}

// Rows returns what [Trace.WriteColumns] draws, from the top down. What is said there of
// writing it before the runner runs again is true of it too.
func (tr *Trace) Rows() []Row {
	c := &rows{
		tr: tr, prev: -1,
		fn: make([]string, len(tr.Threads)), outer: make([]string, len(tr.Threads)),
	}
	for i := range tr.Events {
		c.event(&tr.Events[i])
	}
	c.ending()
	return c.out
}

// rows are being made.
type rows struct {
	tr    *Trace
	fn    []string // of each thread: the function written last
	outer []string // of each thread: the system call or callback it is in
	prev  int      // the thread of the row above, -1 at the top
	out   []Row
}

// event adds one step: why the thread above stopped, the function if it is
// another one, and the row.
func (c *rows) event(ev *Event) {
	if c.prev >= 0 && c.prev != ev.Thread {
		if why := c.stopped(ev); why != "" {
			c.note(c.prev, why)
		}
	}
	c.prev = ev.Thread
	c.function(ev)
	c.out = append(c.out, Row{
		Thread: ev.Thread, Step: ev.Step, Racing: c.racing(ev), Text: ev.Text(),
	})
	f := &c.tr.Result.Failure
	if c.tr.Result.Outcome == Fail && f.Kind != Deadlock && c.tr.Event(f.Party) == ev {
		c.note(ev.Thread, joinNote(f.Kind.String(), f.Note))
	}
}

// function says where the step is, if that is not where the last one was: its
// function, and before that the system call, unless the thread is called after it.
func (c *rows) function(ev *Event) {
	fn, outer := ev.site(), ev.outermost()
	if outer != c.outer[ev.Thread] && outer != "" {
		c.outer[ev.Thread] = outer
		c.fn[ev.Thread] = ""
		if outer != fn && outer != c.tr.Threads[ev.Thread].Plain() {
			c.out = append(c.out, Row{Thread: ev.Thread, Text: outer + "()"})
		}
	}
	if fn != c.fn[ev.Thread] {
		c.fn[ev.Thread] = fn
		if fn != "" {
			c.out = append(c.out, Row{Thread: ev.Thread, Text: fn + "()"})
		} else if info := &c.tr.Threads[ev.Thread]; !info.Agent {
			// Back where there is no function of the kernel: not in the one above.
			c.out = append(c.out, Row{Thread: ev.Thread, Text: info.Plain()})
		}
	}
}

// note adds a remark about a thread.
func (c *rows) note(thread int, text string) {
	c.out = append(c.out, Row{Thread: thread, Note: true, Text: text})
}

// outermost returns the kernel function that the thread has entered first, a
// system call or a callback.
func (ev *Event) outermost() string {
	for i := len(ev.Stack) - 1; i >= 0; i-- {
		if f := ev.Stack[i]; !f.Primitive() && f.named() {
			return f.String()
		}
	}
	return ""
}

// named is false for a function literal whose name is a number.
func (f Frame) named() bool { return strings.Trim(f.Func, "0123456789") != "" }

// site is Func, but empty for what an agent does before it is in any kernel
// function, such as ending a grace period.
func (ev *Event) site() string {
	if ev.outermost() == "" {
		return ""
	}
	return ev.Func()
}

// Text returns the step as it stands in its row.
func (ev *Event) Text() string {
	s := ev.Verb
	if ev.Object != "" {
		s += " " + ev.Object
	}
	switch {
	case ev.Value == "" || packed(ev.Value):
	case !ev.Stored:
		s += " = " + ev.Value
		if ev.Now != "" && ev.Now != ev.Value && !packed(ev.Now) && !ev.private() {
			s += " (now " + ev.Now + ")"
		}
	case !ev.private():
		s += " <- " + ev.Value
	}
	if ev.Memory != "" {
		s += " (old; in memory: " + ev.Memory + ")"
		return s
	}
	for _, d := range ev.Choices {
		if d != 0 {
			s += fmt.Sprintf(" (choice %d)", d)
		}
	}
	for _, name := range ev.Freed {
		if name != ev.Object {
			s += " (frees " + name + ")"
		}
	}
	return s
}

// private reports whether what the step left is our own affair: what locks keep in their
// word, and freed memory.
func (ev *Event) private() bool {
	return ev.Mode&(Blocks|Frees) != 0 || strings.Contains(ev.Verb, "lock")
}

// packed reports whether a value is a number that no kernel variable holds here:
// several that a primitive keeps in one word, such as a place in a queue.
func packed(value string) bool {
	v, err := strconv.ParseInt(value, 10, 64)
	return err == nil && int64(int32(v)) != v
}

// racing reports whether ev is one of the two steps of the failure. A deadlock
// has none: it shows at no step.
func (c *rows) racing(ev *Event) bool {
	f := &c.tr.Result.Failure
	if c.tr.Result.Outcome != Fail || f.Kind == Deadlock {
		return false
	}
	return c.tr.Event(f.Party) == ev || c.tr.Event(f.Other) == ev
}

// stopped returns why the thread of the row above does not take the step of ev:
// it was preempted, it is blocked, or, with nothing to say, it has finished.
func (c *rows) stopped(ev *Event) string {
	if ev.Preempted == c.prev {
		return "preempted"
	}
	info := c.tr.Threads[c.prev]
	for i := ev.Step; i < len(c.tr.Events); i++ {
		next := &c.tr.Events[i]
		if next.Thread != c.prev {
			continue
		}
		// The scheduling point comes before the operation: what the thread
		// does when it goes on is what it was waiting to do. An agent that
		// goes on with a new piece of work was idle.
		if info.Agent && next.outermost() == "" {
			return ""
		}
		return joinNote("blocked", strings.TrimSpace(next.Verb+" "+next.Object))
	}
	// In a deadlock that is said at the end, for all at once.
	if info.Verb != "" && !c.tr.deadlocked(info) {
		return joinNote("blocked", info.Pending())
	}
	return ""
}

// deadlocked reports whether info is of a thread that a deadlock has left
// blocked.
func (tr *Trace) deadlocked(info ThreadInfo) bool {
	return tr.Result.Outcome == Fail && tr.Result.Failure.Kind == Deadlock &&
		info.State == "blocked"
}

// ending writes what no step shows: who is left in a deadlock, what was found
// when all was over, why an execution says nothing.
func (c *rows) ending() {
	for i, info := range c.tr.Threads {
		if c.tr.deadlocked(info) {
			c.note(i, joinNote("blocked for ever", info.Pending()))
		}
	}
	r := &c.tr.Result
	f := &r.Failure
	switch {
	case r.Outcome == Invalid:
		c.note(-1, "stopped: "+r.Reason)
	case r.Outcome == Fail && f.Thread == nil:
		name := ""
		if f.Obj != nil {
			name = f.Obj.Name()
		}
		what := joinNote(strings.TrimSpace(f.Kind.String()+" "+name), f.Note)
		c.note(-1, "at the end: "+what)
	}
}

// joinNote returns "what: note", or what alone.
func joinNote(what, note string) string {
	if note == "" {
		return what
	}
	return what + ": " + note
}
