package schedule

import (
	"fmt"
	"io"
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
// A line that ends in () is the kernel function that takes the steps below it; where two follow
// each other, the first is the system call that the second is part of. A step is the verb and the
// object, then "<- v" if it left v in the object, or "= v" if it returned v, and "(now w)" too if
// it left another value w. Threads of one name are numbered, io_destroy#1 and io_destroy#2. The two
// racing steps, the one that failed and the one that made it fail, have a * before them. Agents are
// in brackets, as ps writes kernel threads. A thread that takes no step has no column, unless it is
// blocked in a deadlock.
//
// Since a row belongs to one thread, its text may run on below the heading of
// the next column; it is folded where the page ends, and no name is ever cut: one
// that is wider than the page sticks out.
//
// Write before the runner that made the trace runs again: an object that no
// step names is asked for its name.
func (tr *Trace) WriteColumns(w io.Writer, width int) error {
	c := &columns{tr: tr, width: width, at: make([]int, len(tr.Threads))}
	c.layout()
	c.heading()
	for _, row := range tr.Rows() {
		c.row(row)
	}
	_, err := io.WriteString(w, c.out.String())
	return err
}

// columns is a picture that is being drawn.
type columns struct {
	tr    *Trace
	width int
	order []int // the threads that have a column, from left to right
	at    []int // of each thread: where its column begins, -1: nowhere
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
			if info.Agent == agents && (used[i] || c.tr.deadlocked(info)) {
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

// row draws one row.
func (c *columns) row(row Row) {
	switch {
	case row.Thread < 0:
		fmt.Fprintf(&c.out, "%*s-- %s --\n", gutter, "", row.Text)
	case row.Step > 0:
		c.write(row.Thread, fmt.Sprintf("%*d", gutter-2, row.Step), indent, row.Racing, row.Text)
	case row.Note:
		c.write(row.Thread, "", indent, false, "-- "+row.Text+" --")
	default:
		c.write(row.Thread, "", 0, false, row.Text)
	}
}

// write puts text into the column of a thread, folded at the edge of the page. What is
// racing has a * in the margin of the column.
func (c *columns) write(thread int, number string, in int, racing bool, text string) {
	margin := ""
	if racing {
		margin = "*"
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
// second and later ones narrower by hang. A single word is never broken, nor is what is
// in brackets, "(now 2)", nor "= 1", and the "--" that closes a remark stays with the word
// before it.
func fold(text string, width, hang int) []string {
	var lines, words []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		last := len(words) - 1
		if last >= 0 && (word == "--" || open(words[last])) {
			words[last] += " " + word
		} else {
			words = append(words, word)
		}
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

// open reports whether word begins what is in brackets and does not end it, or is the sign
// before a value.
func open(word string) bool {
	return word[0] == '(' && !strings.Contains(word, ")") || word == "=" || word == "<-"
}
