package triage

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// mailWidth is where prose is folded that may end up in a mail to a kernel list.
const mailWidth = 72

// WriteMarkdown writes the report for a mail or an issue: Markdown that reads as plain
// text. Prose is folded for a mail; splat, interleaving and commands are preformatted, as
// wide as they are.
func (r *Report) WriteMarkdown(w io.Writer) error {
	m := new(markdown)
	m.heading(escape(r.Title), "=")
	if len(r.Story) > 0 {
		m.para(escape(strings.Join(r.Story, " ")))
	}
	m.program(r)
	m.heading("Interleaving", "-")
	m.columns(r)
	m.what(r)
	m.why(r)
	m.chance(r)
	m.numbers(r)
	m.commits(r)
	m.slips(r)
	m.repeat(r)
	_, err := w.Write(m.Bytes())
	return err
}

// prose is text for a mail that is being written.
type prose struct{ bytes.Buffer }

// para writes a paragraph.
func (p *prose) para(text string) {
	p.WriteByte('\n')
	p.item("", text)
}

// item writes an entry of a list, or if mark is empty the text alone.
func (p *prose) item(mark, text string) {
	wrap(&p.Buffer, mailWidth, mark, strings.Repeat(" ", len(mark)), text)
}

// markdown is a report that is being written.
type markdown struct{ prose }

func (m *markdown) heading(text, line string) {
	if m.Len() > 0 {
		m.WriteByte('\n')
	}
	fmt.Fprintf(m, "%s\n%s\n", text, strings.Repeat(line, len(text)))
}

// block writes preformatted text.
func (m *markdown) block(text string) {
	fmt.Fprintf(m, "\n```\n%s\n```\n", strings.Trim(text, "\n"))
}

// columns is the interleaving. In a deadlock or a leak no step is to blame, and of a NULL pointer
// or an assertion there may be one.
func (m *markdown) columns(r *Report) {
	marked := 0
	for _, s := range r.Interleaving.Steps {
		if s.Racing {
			marked++
		}
	}
	m.para("Time goes downwards, one column for each thread, agents in brackets." + [...]string{
		"", " The step that fails has a * before it.", " The two racing steps have a * before them.",
	}[min(marked, 2)])
	m.block(r.Columns)
}

func (m *markdown) program(r *Report) {
	text := "In `" + r.Program + "`, a model of the kernel's code"
	if r.About.Versions != "" {
		text += " (" + escape(r.About.Versions) + ")"
	}
	m.para(text + ", not the kernel itself.")
	if r.About.Patches != "" {
		m.para("The variant: " + escape(r.About.Patches) + ".")
	}
	if r.About.Mute != 0 {
		m.para("The execution went on after `" + KindsText(r.About.Mute) +
			"`, as a kernel goes on after a warning.")
	}
}

// what writes the splat.
func (m *markdown) what(r *Report) {
	var b bytes.Buffer
	r.writeSplat(&b)
	if b.Len() > 0 {
		m.block(b.String())
	}
}

func (m *markdown) numbers(r *Report) {
	m.heading("How small it is", "-")
	text := r.Measure.String()
	if r.Agents > 0 {
		text += ", " + count(r.Agents, "agent")
	}
	if r.Original != nil && r.Original.String() != r.Measure.String() {
		text += "; minimized from " + r.Original.String()
	}
	m.para(text + ".")
	if r.Certificate != nil {
		m.block(r.Certificate.String())
	}
}

func (m *markdown) why(r *Report) {
	ex := r.Explanation
	if ex == nil {
		return
	}
	m.heading("Why", "-")
	if len(ex.Because) == 0 {
		m.para(upper(strings.TrimPrefix(ex.String(), "why: ")) + ".")
	} else {
		m.orders(ex)
	}
	for _, l := range r.elsewhere() {
		m.para(upper(escape(l.Line())) + ".")
	}
	for _, l := range r.old() {
		m.block(l.String())
	}
}

func (m *markdown) chance(r *Report) {
	if text := r.chance(); text != "" {
		m.block(text)
	}
}

func (m *markdown) orders(ex *Explanation) {
	what := strings.Replace(ex.causes(), "orders", "orders of two steps", 1)
	m.para("Every execution" + ex.among() + " fails so in which these " + what + " are kept:")
	m.WriteByte('\n')
	for i, r := range ex.Because {
		text, of := r.says()
		if text = fmt.Sprintf("`%v` %s", &r.Before, text); of != nil {
			text += fmt.Sprintf(" `%v`", of)
		}
		m.item(fmt.Sprintf("%d. ", i+1), text)
	}
	m.para(count(ex.States, "state") + " explored, all there are. " + upper(ex.Fewest()) + ": " +
		"without one of them it need not fail, as these tapes show.")
	m.WriteByte('\n')
	for i, r := range ex.Because {
		m.item("- ", fmt.Sprintf("without %d: `%s`", i+1, TapeText(r.Without)))
	}
}

// commits writes those that the variant is named after. That is all that is known
// of them here, so there is no tag to be copied.
func (m *markdown) commits(r *Report) {
	own := commits(r.About.Patches)
	if len(own) == 0 {
		return
	}
	m.heading("Commits", "-")
	m.para("The variant is named after " + strings.Join(own, ", ") + ". Which commit brought the " +
		"race, as the tag Fixes: would have to say, is not known here.")
}

func (m *markdown) slips(r *Report) {
	if len(r.Slips) == 0 {
		return
	}
	m.heading("Other failures met on the way", "-")
	m.para("They come of the same bug or of another.")
	m.WriteByte('\n')
	for _, s := range r.Slips {
		m.item("- ", escape(s.Title)+", tape `"+TapeText(s.Tape)+"`")
	}
}

func (m *markdown) repeat(r *Report) {
	m.heading("To repeat", "-")
	text := "tape " + TapeText(r.Tape) + "\nsignature " + r.Signature.String()
	if r.About.Command != "" {
		text += "\n\n" + r.About.Command
	}
	m.block(text)
}

// escape keeps Markdown from reading text as anything else. Underscores inside a word are
// safe, and kernel names are full of them.
func escape(text string) string {
	var b strings.Builder
	for i, c := range text {
		edge := i == 0 || i == len(text)-1 || text[i-1] == ' ' || text[i+1] == ' ' ||
			text[i-1] == '_' || text[i+1] == '_'
		if strings.ContainsRune("*`<\\", c) || c == '_' && edge {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// upper begins text with a capital letter.
func upper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
