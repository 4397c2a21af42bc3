package triage

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// WriteText writes the report as plain text, for a terminal or a mail: what happens, the
// interleaving, the steps that take part with their stacks, why, how small it is, and how to
// repeat it.
func (r *Report) WriteText(w io.Writer) error {
	// Written in one piece, so that an error cannot leave half a report.
	var b bytes.Buffer
	fmt.Fprintln(&b, r.Title)
	for i, sentence := range r.Story {
		if i == 0 {
			b.WriteByte('\n')
		}
		writeWrapped(&b, "", sentence)
	}
	r.writeProgram(&b)
	fmt.Fprintf(&b, "\n%s", r.Columns)
	r.writeSplat(&b)
	r.writeExplanation(&b)
	b.WriteByte('\n')
	r.writeNumbers(&b)
	r.writeSlips(&b)
	if r.About.Command != "" {
		fmt.Fprintf(&b, "\nto repeat:\n  %s\n", r.About.Command)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// writeProgram writes what was run.
func (r *Report) writeProgram(b *bytes.Buffer) {
	fmt.Fprintf(b, "\nprogram %s", r.Program)
	if r.About.Versions != "" {
		fmt.Fprintf(b, " (%s)", r.About.Versions)
	}
	b.WriteByte('\n')
	if r.About.Patches != "" {
		writeWrapped(b, "        ", r.About.Patches)
	}
	if r.About.Mute != 0 {
		fmt.Fprintf(b, "gone on after %s\n", KindsText(r.About.Mute))
	}
}

// writeSplat writes what failed and who took part.
func (r *Report) writeSplat(b *bytes.Buffer) {
	if len(r.Splat) > 0 {
		fmt.Fprintf(b, "\n%s\n", strings.Join(r.Splat, "\n"))
	}
	for _, a := range r.Accesses {
		a.write(b)
		if a.Role == "failed" && r.Note != "" {
			fmt.Fprintf(b, "  note: %s\n", r.Note)
		}
	}
	for _, wt := range r.Waits {
		wt.write(b)
	}
}

// writeWrapped writes the words of text in lines of at most [schedule.ColumnsWidth], each
// after indent. What a variant has to say of itself is a sentence at times.
func writeWrapped(b *bytes.Buffer, indent, text string) {
	wrap(b, schedule.ColumnsWidth, indent, indent, text)
}

// wrap writes the words of text in lines of at most so many characters, the first after
// first and the others after indent. No word is cut.
func wrap(b *bytes.Buffer, width int, first, indent, text string) {
	line := first
	for i, w := range strings.Fields(text) {
		switch {
		case i == 0:
			line += w
		case len(line)+1+len(w) > width:
			fmt.Fprintln(b, line)
			line = indent + w
		default:
			line += " " + w
		}
	}
	fmt.Fprintln(b, line)
}

func (a *Access) write(b *bytes.Buffer) {
	if a.Task == "" {
		fmt.Fprintf(b, "\n%s: %s, before the first step\n", a.Role, a.Text)
		return
	}
	fmt.Fprintf(b, "\n%s: %s, by %s", a.Role, a.Text, taskName(a.Task, a.Agent))
	switch {
	case a.Step > 0 && (a.After || a.Stack == nil):
		fmt.Fprintf(b, ", after step %d", a.Step)
	case a.Step > 0:
		fmt.Fprintf(b, ", step %d", a.Step)
	}
	b.WriteByte('\n')
	for _, fn := range a.Stack {
		fmt.Fprintf(b, "  %s\n", fn)
	}
}

func (w *Wait) write(b *bytes.Buffer) {
	fmt.Fprintf(b, "\nblocked: task %s, in %s\n", w.Task, strings.TrimSpace(w.Verb+" "+w.Object))
	if w.Last != nil {
		w.Last.write(b)
	}
}

// writeNumbers writes what the execution takes, what is known to be minimal
// about that, and its tape.
func (r *Report) writeNumbers(b *bytes.Buffer) {
	b.WriteString(r.Measure.String())
	if r.Agents > 0 {
		b.WriteString(", " + count(r.Agents, "agent"))
	}
	b.WriteByte('\n')
	if r.Original != nil && r.Original.String() != r.Measure.String() {
		fmt.Fprintf(b, "minimized from %s\n", r.Original.String())
	}
	if r.Certificate != nil {
		fmt.Fprintf(b, "%s\n", r.Certificate.String())
	}
	fmt.Fprintf(b, "tape %s\nsignature %s\n", TapeText(r.Tape), r.Signature.String())
}

func (r *Report) writeExplanation(b *bytes.Buffer) {
	if r.Explanation != nil {
		fmt.Fprintf(b, "\n%s\n", r.Explanation.String())
	}
	for _, l := range r.elsewhere() {
		writeWrapped(b, "  ", l.Line())
	}
	for _, l := range r.old() {
		fmt.Fprintf(b, "%v\n", &l)
	}
	if text := r.chance(); text != "" {
		fmt.Fprintf(b, "\n%s\n", text)
	}
}

// old returns the loads of old values that matter.
func (r *Report) old() []OldLoad {
	if r.Explanation == nil {
		return nil
	}
	return r.Explanation.Old
}

// chance returns the text of the chance, "" if it is not known.
func (r *Report) chance() string {
	if r.Chance == nil {
		return ""
	}
	return r.Chance.String()
}

func (r *Report) writeSlips(b *bytes.Buffer) {
	if len(r.Slips) == 0 {
		return
	}
	b.WriteString("\nother failures met on the way, of the same bug or of another:\n")
	for _, s := range r.Slips {
		fmt.Fprintf(b, "  %s\n    tape %s\n", s.Title, TapeText(s.Tape))
	}
}

// taskName writes agents in brackets, as the columns do.
func taskName(name string, agent bool) string {
	if agent {
		return "[" + name + "]"
	}
	return "task " + name
}

// TapeText returns the digits of s, and "0", which means the same, for the
// empty tape: nobody can type or read nothing.
func TapeText(s schedule.Tape) string {
	if s = s.Canonical(); len(s) == 0 {
		return "0"
	}
	return s.String()
}

// count returns "1 thread", "2 threads", "2 context switches".
func count(n int, what string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(what, "ch"):
		what += "es"
	default:
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
