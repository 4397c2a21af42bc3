package triage

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Measure is how large a failing execution is, most important first: whoever
// reads a race wants few threads and calls before few preemptions, since each
// of them is a thing to understand, and a preemption is one more than a switch
// at which the thread would have waited anyway.
type Measure struct {
	Threads     int // agents are not counted
	Calls       int // as a workload counts them, see [schedule.Exec.CountCalls]
	Preemptions int
	Switches    int
	Steps       int
	Tape        schedule.Tape // canonical; shorter first, then smaller digits from the left
}

// Compare returns a negative number if m is smaller than o, 0 if they are equal,
// a positive one if it is larger. Tapes are compared last, in shortlex order.
func (m Measure) Compare(o Measure) int {
	return cmp.Or(
		cmp.Compare(m.Threads, o.Threads),
		cmp.Compare(m.Calls, o.Calls),
		cmp.Compare(m.Preemptions, o.Preemptions),
		cmp.Compare(m.Switches, o.Switches),
		cmp.Compare(m.Steps, o.Steps),
		shortlex(m.Tape, o.Tape),
	)
}

// shortlex compares canonical tapes: the shorter first, then digit by digit.
func shortlex(a, b schedule.Tape) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), slices.Compare(a, b))
}

// String returns the numbers without the tape: "2 threads, 2 calls, 1 preemption,
// 4 context switches, 31 steps".
func (m Measure) String() string {
	s := count(m.Threads, "thread")
	if m.Calls > 0 {
		s += ", " + count(m.Calls, "call")
	}
	return fmt.Sprintf("%s, %s, %s, %s", s, count(m.Preemptions, "preemption"),
		count(m.Switches, "context switch"), count(m.Steps, "step"))
}

// measure returns the measure of the execution that r has just run. The tape
// is the runner's own until the next run.
func measure(r *schedule.Runner, res *schedule.Result) Measure {
	m := Measure{
		Calls: r.Exec().Calls(), Preemptions: res.Preemptions,
		Switches: res.Switches, Steps: res.Steps, Tape: r.Taken(),
	}
	for _, t := range r.Exec().Threads() {
		if !t.IsAgent() {
			m.Threads++
		}
	}
	return m
}

// traceMeasure returns what a trace tells of its measure: all but the calls.
func traceMeasure(tr *schedule.Trace) Measure {
	m := Measure{
		Preemptions: tr.Result.Preemptions, Switches: tr.Result.Switches,
		Steps: tr.Result.Steps, Tape: tr.Tape,
	}
	for _, info := range tr.Threads {
		if !info.Agent {
			m.Threads++
		}
	}
	return m
}
