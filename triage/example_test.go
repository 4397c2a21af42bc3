package triage_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// exampleReport is of the toy lookup that a destroy overtakes.
func exampleReport() *triage.Report {
	r := schedule.NewRunner(lookupRace)
	defer r.Close()
	tape, err := schedule.Parse("1200000001")
	if err != nil {
		panic(err)
	}
	tr, err := r.Replay(tape)
	if err != nil {
		panic(err)
	}
	return triage.NewReport(tr, triage.About{Versions: "4.16"})
}

func ExampleReport_WriteJSON() {
	var out bytes.Buffer
	if err := exampleReport().WriteJSON(&out); err != nil {
		panic(err)
	}
	var d triage.Document
	if err := json.Unmarshal(out.Bytes(), &d); err != nil {
		panic(err)
	}
	fmt.Println(d.Title)
	for _, s := range d.Interleaving.Steps {
		if s.Racing {
			fmt.Println(s.Step, d.Interleaving.Threads[s.Thread].Name, s.Text, s.Stack)
		}
	}
	// Output:
	// KASAN: use-after-free in lookup_ctx
	// 9 kworker kfree ctx [free_ctx]
	// 10 io_getevents refcount_inc ctx->users [lookup_ctx read_events]
}

func ExampleReport_WriteDelays() {
	r := schedule.NewRunner(forget)
	defer r.Close()
	tr, err := r.Replay(nil)
	if err != nil {
		panic(err)
	}
	if err := triage.NewReport(tr, triage.About{}).WriteDelays(os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// Widen the window of: memory leak of ctx (allocated before the first
	// step)
	//
	// Found in toy/forget, a model of the kernel's code, with tape 0. For a
	// test kernel only.
	//
	// No thread is preempted in this execution, so there is nothing to delay:
	// run the threads in the order below.
	//
	// The order to bring about:
	//
	//   1. exit_mmap: atomic_inc mm->noise in getpid (step 1), to WRITE_ONCE
	//      mm->slot (step 4)
}
