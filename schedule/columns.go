package schedule

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// ColumnsWidth is the width that reports give to [Trace.WriteColumns]: what a
// mail, a terminal and a page of source all have room for.
const ColumnsWidth = 100

// The geometry of the picture, in characters.
const (
	gutter    = 5  // the number of the step and a space
	textWidth = 40 // what every column has at least: "percpu_ref_tryget_live ctx->users = 1"
	indent    = 2  // of a step below its function
	hanging   = 4  // of what did not fit on the line, further still
)

// WriteColumns writes the trace as kernel people write a race down: time goes
// downwards, a column for each thread, one step a row.
//
//	io_getevents            io_destroy              [kworker]
//	lookup_ioctx()
//	  rcu_dereference mm->ioctx_table = ctx
//	  -- preempted --
//	                        kill_ioctx()
//	                          rcu_assign_pointer mm->ioctx_table <- NULL
//	                          -- blocked: wait_for_completion done --
//
// A line that ends in () is the kernel function that takes the steps below it; where
// two follow each other, the first is the system call that the second is part of.
// A step is the verb and the object, then "= v" if it returned v, "<- v" if it
// left v in the object. The two racing steps, the one that failed and the one
// that made it fail, have a * before them. Agents are in brackets, as ps writes
// kernel threads. A thread that takes no step has no column, unless it is
// blocked in a deadlock.
//
// Since a row belongs to one thread, its text may run on below the heading of
// the next column; it is folded where the page ends, and no name is ever cut: one
// that is wider than the page sticks out.
//
// Write before the runner that made the trace runs again: an object that no
// step names is asked for its name.
func (tr *Trace) WriteColumns(w io.Writer, width int) error {
	c := &columns{
		tr: tr, width: width, prev: -1,
		at: make([]int, len(tr.Threads)),
		fn: make([]string, len(tr.Threads)), outer: make([]string, len(tr.Threads)),
	}
	c.layout()
	c.heading()
	for i := range tr.Events {
		c.event(&tr.Events[i])
	}
	c.ending()
	_, err := io.WriteString(w, c.out.String())
	return err
}

// columns is a picture that is being drawn.
type columns struct {
	tr    *Trace
	width int
	order []int    // the threads that have a column, from left to right
	at    []int    // of each thread: where its column begins, -1: nowhere
	fn    []string // of each thread: the function written last
	outer []string // of each thread: the system call or callback it is in
	prev  int      // the thread of the row above, -1 at the top
	out   strings.Builder
}

// layout finds the columns that are needed and where they begin: tasks to the
// left, agents to the right. They share the width evenly, but no column gets
// less than textWidth: they move together instead.
func (c *columns) layout() {
	used := make([]bool, len(c.at))
	for i := range c.tr.Events {
		used[c.tr.Events[i].Thread] = true
	}
	for _, agents := range []bool{false, true} {
		for i, info := range c.tr.Threads {
			c.at[i] = -1
			if info.Agent == agents && (used[i] || c.deadlocked(info)) {
				c.order = append(c.order, i)
			}
		}
	}
	n, room := len(c.order), c.width-gutter
	apart := room
	if n > 1 {
		apart = max(hanging, min(room/n, (room-textWidth)/(n-1)))
	}
	for i, thread := range c.order {
		c.at[thread] = gutter + i*apart
	}
}

// heading names the columns: on one line, or stepping down like a staircase
// where a name would touch the next one.
func (c *columns) heading() {
	line := ""
	for _, i := range c.order {
		info := c.tr.Threads[i]
		name := info.Name
		if info.Agent {
			name = "[" + name + "]"
		}
		if len(line) >= c.at[i] {
			c.out.WriteString(line + "\n")
			line = ""
		}
		line += strings.Repeat(" ", c.at[i]-len(line)) + name
	}
	if line != "" {
		c.out.WriteString(line + "\n")
	}
}

// event draws one step: why the thread above stopped, the function if it is
// another one, and the row.
func (c *columns) event(ev *Event) {
	if c.prev >= 0 && c.prev != ev.Thread {
		if why := c.stopped(ev); why != "" {
			c.note(c.prev, why)
		}
	}
	c.prev = ev.Thread
	c.function(ev)
	mark := ""
	if c.racing(ev) {
		mark = "*"
	}
	c.write(ev.Thread, fmt.Sprintf("%*d", gutter-2, ev.Step), indent, mark+ev.text())
	f := &c.tr.Result.Failure
	if c.tr.Result.Outcome == Fail && f.Kind != Deadlock && c.tr.Event(f.Party) == ev {
		c.note(ev.Thread, joinNote(f.Kind.String(), f.Note))
	}
}

// function writes where the step is, if that is not where the last one was: its
// function, and before that the system call, unless the thread is called after it.
func (c *columns) function(ev *Event) {
	fn, outer := ev.site(), ev.outermost()
	if outer != c.outer[ev.Thread] && outer != "" {
		c.outer[ev.Thread] = outer
		c.fn[ev.Thread] = ""
		if outer != fn && outer != c.tr.Threads[ev.Thread].Name {
			c.write(ev.Thread, "", 0, outer+"()")
		}
	}
	if fn != c.fn[ev.Thread] {
		c.fn[ev.Thread] = fn
		if fn != "" {
			c.write(ev.Thread, "", 0, fn+"()")
		}
	}
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

// text returns the step as it stands in its row.
func (ev *Event) text() string {
	s := ev.Verb
	if ev.Object != "" {
		s += " " + ev.Object
	}
	switch {
	case ev.Value == "" || packed(ev.Value):
	case !ev.Stored:
		s += " = " + ev.Value
	case ev.Mode&(Blocks|Frees) == 0 && !strings.Contains(ev.Verb, "unlock"):
		// What locks keep in their word, and freed memory, is our own affair.
		s += " <- " + ev.Value
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

// packed reports whether a value is a number that no kernel variable holds here:
// several that a primitive keeps in one word, such as a place in a queue.
func packed(value string) bool {
	v, err := strconv.ParseInt(value, 10, 64)
	return err == nil && int64(int32(v)) != v
}

// racing reports whether ev is one of the two steps of the failure. A deadlock
// has none: it shows at no step.
func (c *columns) racing(ev *Event) bool {
	f := &c.tr.Result.Failure
	if c.tr.Result.Outcome != Fail || f.Kind == Deadlock {
		return false
	}
	return c.tr.Event(f.Party) == ev || c.tr.Event(f.Other) == ev
}

// stopped returns why the thread of the row above does not take the step of ev:
// it was preempted, it is blocked, or, with nothing to say, it has finished.
func (c *columns) stopped(ev *Event) string {
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
	if info.Verb != "" && !c.deadlocked(info) {
		return joinNote("blocked", info.Pending())
	}
	return ""
}

// deadlocked reports whether info is of a thread that a deadlock has left
// blocked.
func (c *columns) deadlocked(info ThreadInfo) bool {
	return c.tr.Result.Outcome == Fail && c.tr.Result.Failure.Kind == Deadlock &&
		info.State == "blocked"
}

// ending writes what no step shows: who is left in a deadlock, what was found
// when all was over, why an execution says nothing.
func (c *columns) ending() {
	for i, info := range c.tr.Threads {
		if c.deadlocked(info) {
			c.note(i, joinNote("blocked for ever", info.Pending()))
		}
	}
	r := &c.tr.Result
	f := &r.Failure
	switch {
	case r.Outcome == Invalid:
		fmt.Fprintf(&c.out, "%*s-- stopped: %s --\n", gutter, "", r.Reason)
	case r.Outcome == Fail && f.Thread == nil:
		name := ""
		if f.Obj != nil {
			name = f.Obj.Name()
		}
		what := joinNote(strings.TrimSpace(f.Kind.String()+" "+name), f.Note)
		fmt.Fprintf(&c.out, "%*s-- at the end: %s --\n", gutter, "", what)
	}
}

// note writes a remark in the column of a thread.
func (c *columns) note(thread int, text string) {
	c.write(thread, "", indent, "-- "+text+" --")
}

// write puts text into the column of a thread, folded at the edge of the page.
// A text that begins with * has it in the margin of the column.
func (c *columns) write(thread int, number string, in int, text string) {
	margin := ""
	if rest, marked := strings.CutPrefix(text, "*"); marked {
		margin, text = "*", rest
	}
	for i, line := range fold(text, c.width-c.at[thread]-in, hanging) {
		if i == 1 {
			number, margin = "", ""
			in += hanging
		}
		fmt.Fprintf(&c.out, "%-*s%-*s%s\n", c.at[thread], number, in, margin, line)
	}
}

// fold breaks text at spaces into lines of at most width characters, the
// second and later ones narrower by hang. A single word is never broken, and
// the "--" that closes a remark stays with the word before it.
func fold(text string, width, hang int) []string {
	var lines []string
	line := ""
	words := strings.Fields(text)
	if n := len(words); n > 1 && words[n-1] == "--" {
		words = append(words[:n-2:n-2], words[n-2]+" --")
	}
	for _, word := range words {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) <= width:
			line += " " + word
		default:
			if len(lines) == 0 {
				width -= hang
			}
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

// joinNote returns "what: note", or what alone.
func joinNote(what, note string) string {
	if note == "" {
		return what
	}
	return what + ": " + note
}
