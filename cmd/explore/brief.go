package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// writeBrief prints the statement as a line: the program, the verdict, which bound there was,
// and how much it is of.
func (s *statement) writeBrief(w io.Writer) error {
	r := &s.report
	parts := []string{s.verdict()}
	if s.report.Failed() {
		parts[0] += ": " + s.kinds()
	}
	parts = append(parts, s.bound(), s.size())
	if r.Err != nil {
		parts = append(parts, r.Err.Error())
	}
	switch {
	case r.Cycle != explore.Acyclic:
		parts = append(parts, "executions: without end")
	case r.All != nil:
		parts = append(parts, "executions: "+group(r.All))
	}
	if s.lockdep != nil {
		parts = append(parts, s.lockdep.brief())
	}
	if same, known := s.listed(); known && !same {
		parts = append(parts, "ANOTHER VERDICT than documented: "+verdictOf(s.program))
	}
	_, err := fmt.Fprintf(w, "%s (%s): %s\n",
		s.program.Name(), s.program.Versions, strings.Join(parts, "; "))
	return err
}

// kinds names the kinds of failure, each with its fewest preemptions.
func (s *statement) kinds() string {
	var out []string
	seen := map[string]bool{}
	for _, e := range s.failures() {
		if kind := e.Kind.String(); !seen[kind] {
			seen[kind] = true
			out = append(out, fmt.Sprintf("%s (%s)", kind, count(e.Witness.Preemptions, "preemption")))
		}
	}
	return strings.Join(out, ", ")
}

// size says how much was looked at.
func (s *statement) size() string {
	if s.report.ByClass {
		return count(int(s.report.Classes), "class")
	}
	return count(s.report.Nodes, "state")
}

// bound says which bound was needed, or that there was none.
func (s *statement) bound() string {
	switch r := &s.report; {
	case r.Complete():
		return "no bound"
	case r.ByClass:
		return "not every class was run"
	case r.Bound >= 0:
		return "at most " + count(r.Bound, "preemption")
	}
	return "not one bound was finished"
}

// A total is what the statements of several programs come to.
type total struct {
	programs, failing, bounded, workloads int
	states, classes                       int
	byClass                               bool
	expected                              bool // they are to fail as documented
	otherwise                             int  // and so many do not
	lockdep                               bool
	reported                              int // programs with reports of lockdep
}

func (t *total) add(s *statement) {
	t.programs++
	t.states += s.report.Nodes
	t.classes += int(s.report.Classes)
	t.byClass = t.byClass || s.report.ByClass
	t.lockdep = t.lockdep || s.lockdep != nil
	if s.lockdep.found() {
		t.reported++
	}
	if s.report.Failed() {
		t.failing++
	}
	if same, known := s.listed(); known && !same {
		t.otherwise++
	}
	if !s.report.Complete() {
		t.bounded++
	}
}

func (t *total) write(w io.Writer) error {
	size, explored := count(t.states, "state"), "all explored without a bound"
	if t.byClass {
		size, explored = count(t.classes, "class"), "all explored to the end"
	}
	if t.bounded > 0 {
		explored = fmt.Sprintf("%d explored in part", t.bounded)
	}
	reported := ""
	if t.expected {
		reported = fmt.Sprintf(" %d otherwise than documented,", t.otherwise)
	}
	if t.lockdep {
		reported = fmt.Sprintf(" %d with lockdep reports,", t.reported)
	}
	_, err := fmt.Fprintf(w, "%s: %d fail,%s %s; %s; "+
		"%s left out, too large to exhaust\n", count(t.programs, "program"),
		t.failing, reported, explored, size, count(t.workloads, "workload"))
	return err
}

// worse returns which of two statuses counts: one of a program that breaks the rules,
// else of a failure, else of an early end.
func worse(a, b int) int {
	for _, status := range []int{exitWrong, exitFailed, exitEarly} {
		if a == status || b == status {
			return status
		}
	}
	return exitDone
}
