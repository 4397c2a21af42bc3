package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// interval is how often the line of progress is written.
const interval = 250 * time.Millisecond

// A progress writes one line again and again, for somebody who waits, and what else is
// to be said meanwhile. Where nobody can be waiting, for standard error is no terminal,
// there is no line.
type progress struct {
	w       io.Writer
	width   int // of the terminal; 0: it is none
	name    string
	written bool // a line is there, and must be cleared
	last    time.Time
	start   time.Time // of the program, or of the command

	bound int // that is being searched, from since
	since time.Time
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w, start: time.Now()}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.width = 80
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			p.width = width
		}
	}
	return p
}

// program begins the progress of another program.
func (p *progress) program(name string, i, n int) {
	p.name, p.start, p.last, p.bound = name, time.Now(), time.Now(), -1
	if n > 1 {
		p.name = fmt.Sprintf("%d/%d %s", i+1, n, name)
	}
}

// together shows how many programs are through where several are searched at a time.
func (p *progress) together(i, n int) {
	if p.width > 0 {
		p.name = "explore"
		p.line("%d of %s are through", i, count(n, "program"))
	}
}

// due reports whether the line is to be written now.
func (p *progress) due() bool {
	if p.width == 0 || time.Since(p.last) < interval {
		return false
	}
	p.last = time.Now()
	return true
}

// line writes the line, from its start and no longer than the terminal is wide.
func (p *progress) line(format string, args ...any) {
	text := p.name + ": " + fmt.Sprintf(format, args...)
	text = text[:min(len(text), p.width-1)]
	fmt.Fprintf(p.w, "\r\x1b[K%s", text)
	p.written = true
}

// cells shows how far a table is, and which cells are being measured. How long these take
// nobody knows.
func (p *progress) cells(done, of int, running []string) {
	if p.width > 0 {
		p.name = "explore"
		p.line("%d of %s, %v: %s", done, count(of, "cell"),
			time.Since(p.start).Round(time.Second), strings.Join(running, ", "))
	}
}

// clear takes the line away.
func (p *progress) clear() {
	if p.written {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.written = false
	}
}

// note writes a line that stays.
func (p *progress) note(format string, args ...any) {
	p.clear()
	fmt.Fprintf(p.w, format, args...)
}

// exhaust shows the progress of a search. How many bounds there will be nobody knows;
// the time left is that of the bound.
func (p *progress) exhaust(s explore.Progress) {
	if p.bound != s.Bound {
		p.bound, p.since = s.Bound, time.Now()
	}
	if !p.due() {
		return
	}
	rate := float64(s.Runs) / time.Since(p.start).Seconds()
	text := fmt.Sprintf("bound %d", s.Bound)
	if s.Queued > 0 {
		done := float64(s.Done) / float64(s.Queued)
		text += fmt.Sprintf(" %.0f%%", 100*done)
		if spent := time.Since(p.since); done > 0.02 && spent > time.Second {
			left := time.Duration(float64(spent) * (1 - done) / done)
			text += fmt.Sprintf(", %v left in it", left.Round(time.Second))
		}
	}
	p.line("%s, %s, %s executions/s", text, count(s.Nodes, "state"), group(int(rate)))
}

// sample shows the progress of a sample.
func (p *progress) sample(s *sample, of int) {
	if s.runs%64 != 0 || !p.due() {
		return
	}
	runs, text := s.runs, ""
	if s.engine != nil {
		st := s.engine.Stats()
		runs = st.Executions // of all workers
		text = fmt.Sprintf(", %s, %s, last new %s, bound %.2g",
			count(st.Decisions, "decision"), count(st.Memories, "memory state"), group(st.LastNew), st.Discovery)
	}
	spent := time.Since(p.start)
	done := float64(runs) / float64(of)
	left := time.Duration(float64(spent) * (1 - done) / done)
	p.line("%.0f%% of %s, %s/s, %v left%s", 100*done, count(of, "execution"),
		group(int(float64(runs)/spent.Seconds())), left.Round(time.Second), text)
}

// classes shows the progress of a search by class.
func (p *progress) classes(s explore.Progress) {
	if !p.due() {
		return
	}
	rate := float64(s.Runs) / time.Since(p.start).Seconds()
	p.line("%s, %s executions/s", count(s.Classes, "class"), group(int(rate)))
}
