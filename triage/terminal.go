package triage

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// What a terminal is told to colour its text.
const (
	plain = "\x1b[m"
	bold  = "\x1b[1m"
	alarm = "\x1b[1;31m"
)

// laneANSI are the colours of threads.
var laneANSI = [laneColors]string{
	"\x1b[36m", "\x1b[33m", "\x1b[32m", "\x1b[35m", "\x1b[34m", "\x1b[37m",
}

// headwords begin the lines of a text that are found by them.
var headwords = []string{
	"program ", "why: ", "chance: ", "critical pair: ", "certificate: ", "other failures ", "to repeat:",
}

// WriteTerminal writes what [Report.WriteText] does, in colour: one for each thread, and
// one for what is wrong.
func (r *Report) WriteTerminal(w io.Writer) error {
	var text bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		return err
	}
	before, rest, _ := strings.Cut(text.String(), r.Columns)
	var b bytes.Buffer
	for i, line := range strings.SplitAfter(before, "\n") {
		if i == 0 {
			paint(&b, alarm, line)
		} else {
			r.paintLine(&b, line)
		}
	}
	r.paintColumns(&b)
	for _, line := range strings.SplitAfter(rest, "\n") {
		r.paintLine(&b, line)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// paint writes a line in a colour, which ends before the line does.
func paint(b *bytes.Buffer, color, line string) {
	text, end := strings.CutSuffix(line, "\n")
	if text == "" || color == "" {
		b.WriteString(line)
		return
	}
	b.WriteString(color + text + plain)
	if end {
		b.WriteByte('\n')
	}
}

// paintLine writes a line of prose: the words that begin a part of the report are bold.
func (r *Report) paintLine(b *bytes.Buffer, line string) {
	for _, head := range headwords {
		if strings.HasPrefix(line, head) {
			fmt.Fprint(b, bold, head, plain, line[len(head):])
			return
		}
	}
	for _, a := range r.Accesses {
		if strings.HasPrefix(line, a.Role+": ") {
			paint(b, bold, line)
			return
		}
	}
	b.WriteString(line)
}

// paintColumns writes the columns, each line in the colour of its thread.
func (r *Report) paintColumns(b *bytes.Buffer) {
	rows, color := r.Interleaving.Rows, ""
	lanes := map[int]string{}
	for i, thread := range r.Interleaving.Lanes() {
		lanes[thread] = laneANSI[i%laneColors]
	}
	for _, line := range strings.SplitAfter(r.Columns, "\n") {
		// A line that does not begin the next row goes on with the last one.
		if len(rows) > 0 && rows[0].begins(line) {
			color = lanes[rows[0].Thread]
			if rows[0].Racing {
				color = alarm
			}
			rows = rows[1:]
		}
		paint(b, color, line)
	}
}

// begins reports whether line is the first of a row.
func (row *Row) begins(line string) bool {
	words, want := strings.Fields(line), strings.Fields(row.Text)
	number := fmt.Sprint(row.Step)
	for _, skip := range []struct {
		word string
		is   bool
	}{{number, row.Step > 0}, {"*", row.Racing}, {"--", row.Note}} {
		if skip.is {
			if len(words) == 0 || words[0] != skip.word {
				return false
			}
			words = words[1:]
		}
	}
	return len(words) > 0 && len(want) > 0 && words[0] == want[0]
}
