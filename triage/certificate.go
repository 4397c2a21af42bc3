package triage

import (
	"fmt"
	"strings"
)

// A Certificate says what is known to be minimal about a result, and how far
// the search came that knows it. It never says more than was searched.
type Certificate struct {
	// Preemptions is the number that the result takes.
	Preemptions int `json:"preemptions"`
	// Bound is the most preemptions of which it is known that no execution of
	// the program, with the same workload, fails this way: all were covered. -1
	// if not even those without a preemption were.
	Bound int `json:"bound"`
	// Smallest says that the result is the smallest of all by preemptions,
	// context switches and steps.
	Smallest bool `json:"smallest"`
	// Elsewhere counts executions that were met within the bound and failed with
	// the same kind, but another signature. Two executions that come to one
	// state are searched once, and a state does not tell who freed an object.
	// So where this is not 0 the bound holds for executions that differ in
	// their state only.
	Elsewhere int `json:"elsewhere,omitempty"`
	// Workload says that the program chooses its threads and calls: all of this
	// is about the choice that the result has made.
	Workload   bool   `json:"workload,omitempty"`
	States     int    `json:"states"`         // that were covered
	Executions int    `json:"executions"`     // that it took
	Stop       string `json:"stop,omitempty"` // why it went no further
	// Smaller is what is known of smaller workloads; nil if the program chooses nothing.
	Smaller *Smaller `json:"smaller,omitempty"`
	// Workloads counts the workloads, none larger than the result's, that were
	// searched for a smaller execution in vain: to the end, or until the budget
	// for one was spent. There are others.
	Workloads int `json:"workloads,omitempty"`
}

// Proven reports whether no execution with fewer preemptions fails this way.
func (c *Certificate) Proven() bool { return c.Bound >= c.Preemptions-1 }

// String returns the certificate in a few sentences, one to a line.
func (c *Certificate) String() string {
	var b strings.Builder
	b.WriteString("certificate: " + c.bound())
	switch {
	case c.Smallest:
		b.WriteString("\n  none with as many has fewer context switches, " +
			"or as many of those and fewer steps")
	case c.Proven():
		b.WriteString("\n  context switches and steps are locally minimal: " + c.Stop)
	}
	if c.Elsewhere > 0 {
		fmt.Fprintf(&b, "\n  not counting %s of the same kind in other functions",
			count(c.Elsewhere, "failure"))
	}
	if c.Smaller != nil {
		b.WriteString("\n  " + c.Smaller.String())
	}
	if c.Workloads > 0 {
		fmt.Fprintf(&b, "\n  also searched, and nothing smaller found: %s no larger than this one,\n"+
			"  made from it by small changes", count(c.Workloads, "workload"))
	}
	return b.String()
}

// bound says of which executions it is known that they do not fail this way.
func (c *Certificate) bound() string {
	what := "this program"
	if c.Workload {
		what = "these calls"
	}
	effort := fmt.Sprintf("%s, %s", count(c.States, "state"), count(c.Executions, "execution"))
	switch {
	case c.Preemptions == 0:
		return "fails without a preemption"
	case c.Proven():
		return fmt.Sprintf("no execution of %s with %s fails this way:\n  %s, complete",
			what, atMost(c.Preemptions-1), effort)
	case c.Bound < 0:
		return fmt.Sprintf("none, no bound was finished (%s after %s)", c.Stop, effort)
	}
	open := fmt.Sprint(c.Bound + 1)
	if c.Bound+1 < c.Preemptions-1 {
		open += fmt.Sprintf(" to %d", c.Preemptions-1)
	}
	return fmt.Sprintf("no execution of %s with %s fails this way;\n  %s after %s: %s is open",
		what, atMost(c.Bound), c.Stop, effort, open)
}

func atMost(preemptions int) string {
	if preemptions == 0 {
		return "no preemption"
	}
	return "at most " + count(preemptions, "preemption")
}
