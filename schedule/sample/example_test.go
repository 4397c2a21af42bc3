package sample_test

import (
	"context"
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// A sampler runs until somebody has had enough.
func ExampleRun() {
	p, err := bench.Find("CS.account")
	if err != nil {
		fmt.Println(err)
		return
	}
	r := schedule.NewRunner(p.Schedule(bench.Main1))
	defer r.Close()
	runs := 0
	for tape, res := range sample.Run(context.Background(), r, sample.NewWalk(1)) {
		if runs++; res.Outcome == schedule.Fail {
			fmt.Printf("execution %d fails: %v, tape %s\n", runs, res.Failure.Kind, tape)
			break
		}
	}
	// Output:
	// execution 2 fails: kernel-bug, tape 11
}
