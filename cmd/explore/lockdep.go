package main

import (
	"fmt"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// A lockdepReport is what -lockdep says of a program.
type lockdepReport struct {
	Classes      []string     `json:"classes"`
	Dependencies []string     `json:"dependencies"`
	Reports      []lockReport `json:"reports"`
}

type lockReport struct {
	Title string     `json:"title"`
	Chain []string   `json:"chain"`
	Facts []lockFact `json:"facts"`
}

type lockFact struct {
	Kind string `json:"kind"`
	From string `json:"from,omitempty"`
	To   string `json:"to"`
	Text string `json:"text"`
	Tape string `json:"tape"`
}

// watch returns p such that its executions are watched for the order of locks, if that is
// asked for; the order is nil if not.
func (c *command) watch(p kernelProgram) (kernelProgram, *lockdep.Order) {
	if !c.lockdep {
		return p, nil
	}
	order, build := new(lockdep.Order), p.New
	p.New = func() (in instance) {
		in = build()
		in.Begin = order.Watch(in.Begin)
		return in
	}
	return p, order
}

// lockdepOf returns what there is to say of an order of locks of p, nil if there is none. It
// runs the witnesses again, to name their steps.
func (c *command) lockdepOf(p kernelProgram, order *lockdep.Order) *lockdepReport {
	if order == nil {
		return nil
	}
	l := &lockdepReport{
		Classes: append([]string{}, order.Classes()...), Dependencies: []string{}, Reports: []lockReport{},
	}
	for _, f := range order.Facts() {
		if f.Kind == lockdep.Dependency {
			l.Dependencies = append(l.Dependencies, f.From+" -> "+f.To)
		}
	}
	r := schedule.NewRunner(p.Schedule())
	defer r.Close()
	r.Mute = c.mute
	for _, rep := range order.Reports() {
		out := lockReport{Title: rep.Title, Chain: rep.Chain}
		for _, f := range rep.Facts {
			tr, err := r.Replay(f.Tape)
			if err != nil {
				panic(err) // it has been run
			}
			out.Facts = append(out.Facts, lockFact{
				f.Kind.String(), f.From, f.To, f.Describe(tr), triage.TapeText(f.Tape),
			})
		}
		l.Reports = append(l.Reports, out)
	}
	return l
}

// found reports whether anything is wrong with the order of locks, as far as it is known.
func (l *lockdepReport) found() bool { return l != nil && len(l.Reports) > 0 }

// verdict is what the first line says behind how executions end.
func (l *lockdepReport) verdict() string {
	if !l.found() {
		return ""
	}
	return "; " + plural(len(l.Reports), "lockdep report")
}

// size says how much was looked at.
func (l *lockdepReport) size() string {
	return fmt.Sprintf("%s of locks, %s",
		plural(len(l.Classes), "class"), plural(len(l.Dependencies), "dependency"))
}

// brief is the part of a line that is about the order of locks.
func (l *lockdepReport) brief() string {
	if !l.found() {
		return "lockdep: no report"
	}
	var out []string
	for _, r := range l.Reports {
		out = append(out, r.Title+": "+strings.Join(r.Chain, " -> "))
	}
	return "LOCKDEP: " + strings.Join(out, ", ")
}

// writeLockdep prints each report, with executions that show how it comes to that.
func (s *statement) writeLockdep(row func(label, format string, args ...any)) {
	row("lockdep", "%s; %s", s.lockdep.size(), plural(len(s.lockdep.Reports), "report"))
	for _, r := range s.lockdep.Reports {
		row("report", "%s", r.Title)
		row("", "%s", strings.Join(r.Chain, " -> "))
		for _, f := range r.Facts {
			for line := range strings.SplitSeq(f.Text, ", ") {
				row("", "%s", line)
			}
			row("", "  go run ./cmd/explore%s -tape %s %s", s.limits.muteFlag(), f.Tape, s.program.Name())
		}
	}
}
