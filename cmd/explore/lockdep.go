package main

import (
	"fmt"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/cmd/internal/lockorder"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
)

// A lockdepReport is what -lockdep says of a program.
type lockdepReport struct {
	Classes      []string           `json:"classes"`
	Dependencies []string           `json:"dependencies"`
	Reports      []lockorder.Report `json:"reports"`
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
		Classes: append([]string{}, order.Classes()...), Dependencies: []string{},
		Reports: append([]lockorder.Report{}, lockorder.Tell(p, c.mute, order.Reports())...),
	}
	for _, f := range order.Facts() {
		if f.Kind == lockdep.Dependency {
			l.Dependencies = append(l.Dependencies, f.From+" -> "+f.To)
		}
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
	return "; " + count(len(l.Reports), "lockdep report")
}

// size says how much was looked at.
func (l *lockdepReport) size() string {
	return fmt.Sprintf("%s of locks, %s",
		count(len(l.Classes), "class"), count(len(l.Dependencies), "dependency"))
}

// brief is the part of a line that is about the order of locks.
func (l *lockdepReport) brief() string {
	if !l.found() {
		return "lockdep: no report"
	}
	var out []string
	for _, r := range l.Reports {
		out = append(out, r.String())
	}
	return "LOCKDEP: " + strings.Join(out, ", ")
}

// writeLockdep prints each report, with executions that show how it comes to that.
func (s *statement) writeLockdep(row func(label, format string, args ...any)) {
	row("lockdep", "%s; %s", s.lockdep.size(), count(len(s.lockdep.Reports), "report"))
	for _, r := range s.lockdep.Reports {
		row("report", "%s", r.Title)
		for _, line := range r.Lines(s.program.Name(), s.limits.muteFlag()) {
			row("", "%s", line)
		}
	}
}
