package explore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

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

// Every program that is exhausted has a test like this.
func ExampleCheckStates() {
	n, err := explore.CheckStates(increments(2, 0, 1), 1000, 1)
	fmt.Println(n, "pairs compared,", err)
	// Output:
	// 1000 pairs compared, <nil>
}

// Before a long search: how long is it going to be?
func ExampleEstimateSize() {
	p := increments(2, 0, 1)
	opt := explore.Options{Bound: explore.Unbounded}
	e := explore.EstimateSize(context.Background(), p, opt, 2000, 1)
	fmt.Printf("about %.0f executions, standard error %.0f%%, at least about %.0f nodes\n",
		e.Executions, 100*e.Error, e.Nodes)
	// Output:
	// about 69 executions, standard error 1%, at least about 41 nodes
}

// The number of states that other model checkers count.
func ExampleCountStates() {
	opt := explore.Options{Bound: explore.Unbounded}
	n, r := explore.CountStates(context.Background(), increments(2, 0, 1), opt)
	fmt.Println(n, "states,", r.Nodes, "nodes,", r.All, "executions")
	// Output:
	// 75 states, 41 nodes, 70 executions
}

// A search that outlives its process: whoever calls this next goes on from the file.
func ExampleCheckpoint() {
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)
	opt := explore.Options{Bound: explore.Unbounded, MaxNodes: 20}
	opt.Checkpoint.File = filepath.Join(dir, "increments")
	for {
		r := explore.Last(explore.Exhaust(context.Background(), increments(2, 0, 1), opt))
		fmt.Println(r.Stop, r.Nodes)
		if r.Stop != explore.NodeLimit {
			break
		}
		opt.MaxNodes *= 2
	}
	// Output:
	// node limit 20
	// node limit 40
	// exhausted 41
}
