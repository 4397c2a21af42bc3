package explore_test

import (
	"context"
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// Two threads add 1 to a counter twice, without a lock. Of the 70 executions the
// six in which the additions take turns pass.
func ExampleExhaust() {
	p := increments(2, 0, 1)
	opt := explore.Options{Bound: explore.Unbounded}
	var last explore.Report
	for last = range explore.Exhaust(context.Background(), p, opt) {
		fmt.Printf("bound %d: %d nodes\n", last.Bound, last.Nodes)
	}
	fmt.Println(last.Coverage())
	total, _ := last.Total()
	fmt.Println(total, "executions, by preemptions", last.Executions)
	for _, end := range last.Endings {
		fmt.Println(end.Category, end.Executions)
		if end.Outcome == schedule.Fail {
			w := end.Witness
			fmt.Printf("tape %s: %d preemption, %d switches, %d steps\n",
				w.Tape, w.Preemptions, w.Switches, w.Steps)
		}
	}
	// Output:
	// bound 0: 7 nodes
	// bound 1: 25 nodes
	// bound 2: 39 nodes
	// bound 3: 41 nodes
	// bound 4: 41 nodes
	// exhaustive: more than 4 preemptions reach no new state; chance of a hash collision below 2e-36
	// 70 executions, by preemptions [2 6 18 18 18 6 2]
	// pass [2 2 2 0 0 0 0]
	// lost-update of b [0 4 16 18 18 6 2]
	// tape 01: 1 preemption, 2 switches, 8 steps
}

// A sampler runs until somebody has had enough.
func ExampleSample() {
	runs := 0
	for s, r := range explore.Sample(context.Background(), increments(2, 0, 1),
		explore.NewWalk(1), explore.Options{}) {
		if runs++; r.Outcome == schedule.Fail {
			fmt.Printf("execution %d fails: %v, tape %s\n", runs, r.Failure.Kind, s)
			break
		}
	}
	// Output:
	// execution 1 fails: lost-update, tape 1010111
}

// Every program that is exhausted has a test like this.
func ExampleCheckStates() {
	n, err := explore.CheckStates(increments(2, 0, 1), 1000, 1)
	fmt.Println(n, "pairs compared,", err)
	// Output:
	// 1000 pairs compared, <nil>
}
