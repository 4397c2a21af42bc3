package triage

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
)

// delayHeader is the file that the patch adds. All of it is ours.
//
//go:embed delays/kschedfuzz_delay.h
var delayHeader string

const (
	delayFile = "include/linux/kschedfuzz_delay.h"
	ttyDir    = "drivers/tty/" // has a name of its own since 2.6.37
	commLen   = 15             // of current->comm, without the zero
	mutexTail = "mutex_unlock (tail)"
	drains    = "drains" // verb of the step in which a store buffer writes to memory
)

// WriteDelays writes what delays each thread of a real kernel where this execution preempts
// it, so that the others get the time they need: a patch that adds a header, and the calls,
// which are to be put in by hand, since it has not a line of the kernel's source: functions
// and comments say where each belongs.
func (r *Report) WriteDelays(w io.Writer) error {
	d := &delays{Report: r}
	d.find()
	d.intro()
	if len(d.points) > 0 {
		d.howTo()
		d.calls()
		d.header()
	}
	_, err := w.Write(d.out.Bytes())
	return err
}

// delays is such a text that is being made.
type delays struct {
	*Report
	points []delay
	out    prose
}

// A delay is a place at which a thread was preempted.
type delay struct {
	number int
	thread int
	last   *Step  // that it took before
	next   *Step  // that it took when it went on; nil: it never did
	file   string // kernel source file of fn; empty: it is not known
	fn     string // in which the delay belongs
	caller string // of fn, if that is a primitive; else empty
}

// find makes a delay of every preemption.
func (d *delays) find() {
	it := d.Interleaving
	for i := range it.Steps {
		thread := it.Steps[i].Preempted
		if thread < 0 {
			continue
		}
		p := delay{number: len(d.points) + 1, thread: thread}
		for j := range it.Steps {
			s := &it.Steps[j]
			switch {
			case s.Thread != thread:
			case j < i:
				p.last = s
			case p.next == nil:
				p.next = s
			}
		}
		if at := p.place(); at != nil {
			p.fn = at.function()
			p.file = d.sourceFile(at)
			if p.inside() {
				p.caller = p.fn + "()" + p.of()
				p.fn, p.file = at.call(), ""
			}
			d.points = append(d.points, p)
		}
	}
}

// place returns the step whose function the delay is put in: the one after it, so that it
// comes after all that leads there.
func (p *delay) place() *Step {
	if p.next != nil {
		return p.next
	}
	return p.last
}

// function returns the kernel function of a step, or its verb if there is none.
func (s *Step) function() string {
	if len(s.Stack) > 0 {
		return s.Stack[0]
	}
	return s.call()
}

// call is the primitive that the step is part of: percpu_ref_get takes two.
func (s *Step) call() string {
	verb, _, _ := strings.Cut(s.Verb, ":")
	verb, _, _ = strings.Cut(verb, " (")
	return verb
}

// sourceFile returns the kernel source file of the function of a step, or "" if it is not known.
func (d *delays) sourceFile(at *Step) string {
	if d.About.SourceFile == nil || len(at.Stack) == 0 {
		return ""
	}
	return d.About.SourceFile(at.Package, at.Stack[0])
}

// of names the file behind a function, if it is known.
func (p *delay) of() string {
	if p.file == "" {
		return ""
	}
	return " of " + p.file
}

// include is the file that gets the #include.
func (p *delay) include() string {
	if p.file == "" {
		return "the file of " + p.fn + "()"
	}
	return p.file
}

// intro says what the patch is for, and in which order things have to happen.
func (d *delays) intro() {
	d.out.item("", "Widen the window of: "+d.Title)
	d.out.para("Found in " + d.Program + ", a model of the kernel's code, with tape " +
		TapeText(d.Tape) + ". For a test kernel only.")
	if len(d.points) == 0 {
		d.out.para("No thread is preempted in this execution, so there is nothing to delay: run " +
			"the threads in the order below.")
	}
	d.out.para("The order to bring about:")
	d.out.WriteByte('\n')
	for i, s := range d.stretches() {
		d.out.item(fmt.Sprintf("%3d. ", i+1), s)
	}
	if slices.ContainsFunc(d.Interleaving.Steps, func(s Step) bool { return s.Verb == drains }) {
		d.out.para("What drains is a store that other CPUs do not see before. No delay keeps it " +
			"from them, and one in the thread that has made it, before it drains, lets it out: run " +
			"the threads on CPUs of their own, again and again.")
	}
	if slices.ContainsFunc(d.Interleaving.Steps, func(s Step) bool { return s.Memory != "" }) {
		d.out.para("What is old is what a CPU has loaded before its turn. No delay makes it do that.")
	}
	for _, text := range d.late() {
		d.out.para(text)
	}
	if ex := d.Explanation; ex != nil && ex.Found && len(ex.Because) > 0 {
		d.out.para("What matters of it:")
		d.out.WriteByte('\n')
		for _, r := range ex.Because {
			text := fmt.Sprintf("%v, before %v", &r.Before, &r.After)
			if says, of := r.says(); of == nil {
				text = fmt.Sprintf("%v, which %s", &r.Before, says)
			} else if r.Reads != AsTaken {
				text = fmt.Sprintf("%v, which %s %v", &r.Before, says, of)
			}
			d.out.item("  - ", text)
		}
	}
}

// stretches tells who runs from where to where, and why it stops there.
func (d *delays) stretches() []string {
	steps := d.Interleaving.Steps
	var out []string
	for from := 0; from < len(steps); {
		to := from
		for to+1 < len(steps) && steps[to+1].Thread == steps[from].Thread {
			to++
		}
		t := &d.Interleaving.Threads[steps[from].Thread]
		text := fmt.Sprintf("%s: %s", bracketed(t.Name, t.Agent), steps[from].where())
		if to > from {
			text += ", to " + steps[to].where()
		}
		if p := d.after(steps[to].Step, to+1 < len(steps)); p != nil {
			text += fmt.Sprintf("; delay %d", p.number)
		} else if d.sleeps(&steps[to]) {
			text += "; it sleeps for a grace period, mostly some milliseconds"
		}
		out = append(out, text)
		from = to + 1
	}
	return out
}

// sleeps reports whether the thread that takes the step waits for a grace period then, which takes
// a kernel long without any delay.
func (d *delays) sleeps(s *Step) bool {
	return slices.ContainsFunc(d.Interleaving.Sections, func(sec Section) bool {
		return sec.Sort == graceSection && sec.Thread == s.Thread && sec.From == s.Step &&
			strings.HasPrefix(s.Verb, "synchronize_")
	})
}

// after returns the delay of the thread that takes the step and is preempted then.
func (d *delays) after(step int, more bool) *delay {
	at := slices.IndexFunc(d.points, func(p delay) bool {
		return p.last != nil && p.last.Step == step
	})
	if at < 0 || !more {
		return nil
	}
	return &d.points[at]
}

// where tells a step with its function.
func (s *Step) where() string {
	text := strings.TrimSpace(s.Verb + " " + s.Object)
	if len(s.Stack) > 0 {
		text += " in " + s.Stack[0]
	}
	return fmt.Sprintf("%s (step %d)", text, s.Step)
}

// howTo says what is left to do by hand.
func (d *delays) howTo() {
	var names []string
	for _, p := range d.points {
		t := &d.Interleaving.Threads[p.thread]
		if name := comm(t.Name); !t.Agent && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		d.out.para("The tasks have to be called " + strings.Join(names, ", ") +
			", by prctl(PR_SET_NAME). Where a call has a name, nobody else is delayed.")
	}
	if text := d.kernel(); text != "" {
		d.out.para(text)
	}
	d.out.para("If a delay is too short for what has to happen meanwhile, a grace period for " +
		"example, make ms larger; if one has to outlast another that begins after it, call it twice.")
	moved := ""
	if slices.ContainsFunc(d.points, func(p delay) bool { return strings.HasPrefix(p.file, ttyDir) }) {
		moved = " (up to 2.6.36, " + ttyDir + " was drivers/char/)"
	}
	d.out.para("The patch below adds a header (git apply). The calls are to be put in by hand. The " +
		"files are those of the releases that the model is of" + moved + "; git grep finds a " +
		"function that is in another in your tree, and one of which none is named. Where a call " +
		"comes to stand after an if or a loop without braces, add them.")
}

// comm returns a name as current->comm has it, with the number if it has one.
func comm(name string) string {
	plain, nth, several := strings.Cut(name, "#")
	if several {
		nth = "#" + nth
	}
	return plain[:min(len(plain), commLen-len(nth))] + nth
}

// calls says what is put in by hand, file by file.
func (d *delays) calls() {
	var files []string
	for _, p := range d.points {
		if file := p.include(); !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	for _, file := range files {
		d.out.para("In " + file + ", after the last #include:")
		d.out.WriteString("\n#include <linux/kschedfuzz_delay.h>\n")
		for i := range d.points {
			if p := &d.points[i]; p.include() == file {
				d.out.para(p.where())
				d.out.WriteString("\n" + d.call(p) + "\n")
			}
		}
	}
}

// where says which function the delay is put into.
func (p *delay) where() string {
	switch {
	case p.caller == "":
		return "In " + p.fn + "()" + p.of() + ":"
	case p.next.Verb == mutexTail:
		return "In the slow path of mutex_unlock(), after it has released the mutex, as " + p.caller +
			" gets there: before it takes wait_lock, or, up to 3.14, with wait_lock (then the last " +
			"argument is true). It gets there only if somebody waits by then. If he sleeps by then " +
			"he is woken only after this, so whoever takes the mutex first during the delay has to " +
			"be another; or he is only about to sleep, or spins:"
	}
	return "In " + p.fn + "(), as " + p.caller + " calls it; if it is inline, in a copy for this call:"
}

// header is the patch that adds the file with the delay itself.
func (d *delays) header() {
	lines := strings.Split(strings.TrimSuffix(delayHeader, "\n"), "\n")
	fmt.Fprintf(&d.out, "---\ndiff --git a/%[1]s b/%[1]s\nnew file mode 100644\n", delayFile)
	fmt.Fprintf(&d.out, "--- /dev/null\n+++ b/%s\n@@ -0,0 +1,%d @@\n", delayFile, len(lines))
	for _, line := range lines {
		d.out.WriteString("+" + line + "\n")
	}
}

// call returns the lines of one delay.
func (d *delays) call(p *delay) string {
	t := &d.Interleaving.Threads[p.thread]
	var text []string
	add := func(s string) { text = append(text, s) }
	add(fmt.Sprintf("Delay %d, of %s, in %s().", p.number, bracketed(t.Name, t.Agent), p.fn))
	if p.last != nil {
		add("After: " + p.last.where() + ".")
	}
	if p.next != nil {
		add("Before: " + p.next.where() + ".")
	} else {
		add("It does not go on before the failure: " + t.Pending + ".")
	}
	if p.inside() {
		add("Both are steps of one " + p.fn + "().")
	}
	add(d.meanwhile(p))
	var b bytes.Buffer
	b.WriteString("\t/*\n")
	for _, s := range text {
		wrap(&b, mailWidth, "\t * ", "\t *   ", strings.ReplaceAll(s, "*/", "* /"))
	}
	b.WriteString("\t */\n")
	name, atomic := "NULL", t.Agent
	if !t.Agent {
		name = fmt.Sprintf("%q", comm(t.Name))
	}
	if p.last != nil && p.last.Atomic || d.interrupted(p) {
		atomic = true
	}
	fmt.Fprintf(&b, "\tkschedfuzz_delay(%d, %s, %v);", p.number, name, atomic)
	return b.String()
}

// inside reports whether the thread was preempted within a primitive.
func (p *delay) inside() bool {
	return p.last != nil && p.next != nil && p.last.Object == p.next.Object &&
		p.last.Verb != p.next.Verb && p.last.call() == p.next.call()
}

// meanwhile says what has to happen during a delay.
func (d *delays) meanwhile(p *delay) string {
	from, to := d.during(p)
	last := d.Interleaving.Steps[to-1]
	t := &d.Interleaving.Threads[last.Thread]
	who := bracketed(t.Name, t.Agent)
	if from == to {
		return fmt.Sprintf("Meanwhile: %s: %s.", who, last.where())
	}
	return fmt.Sprintf("Meanwhile: steps %d to %d, the last of them of %s: %s.",
		from, to, who, last.where())
}
