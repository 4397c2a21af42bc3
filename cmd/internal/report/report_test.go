package report_test

import (
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/cmd/internal/report"
	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// TestEndedIn has the later code that ends a failure: not a configuration of code that still has
// it, nor code in which other orders of the same calls come to it.
func TestEndedIn(t *testing.T) {
	const (
		rcu = "1e (4.16): a6d7cff472e0: the context is freed after an RCU delay; " +
			"it still fails otherwise: refcount-resurrect, then double-release, use-after-free"
		live  = "1f (4.17): baf10564fbb6: lookup_ioctx refuses a killed context"
		flush = "4.19: eb66ae030829: it is flushed before either is unlocked"
		lazy  = "powerpc-6.4 (6.4): dfaed3e1fa70, MMU_LAZY_TLB_SHOOTDOWN: a trimming kernel thread " +
			"gives up the mm with interrupts off, and holds no reference to it; " +
			"it still fails otherwise: stale-tlb"
	)
	for _, test := range []struct {
		program, tape string
		kind          schedule.Kind
		want          string
	}{
		{"fs/aio/io_cancel-vs-io_destroy@1d-3.17", "000010000000000000000000010000000000010000002",
			schedule.UseAfterFree, rcu},
		{"fs/aio/io_getevents-vs-io_destroy@1d-3.17", "00001000000000000000000001",
			schedule.RefResurrect, live},
		{"fs/aio/io_getevents-vs-io_destroy@1d", "0000100000000000000000000000000001",
			schedule.RefResurrect, live},
		{"fs/aio/exit_aio-full-table@1d", "001000000000000000001000001", schedule.UseAfterFree, ""},
		{"mm/mremap/mremap-vs-truncate@3.2", "00000000000002000000000000000001",
			schedule.StaleTLB, flush},
		{"mm/mremap/mremap-vs-reclaim@3.2", "0000000000000200000000000000001",
			schedule.StaleTLB, flush},
		{"mm/mremap/mremap-vs-migration@3.2", "0000000000000200000000000000001",
			schedule.StaleTLB, flush},
		{"kernel/kthread/madvise-vs-reclaim-lazy@powerpc-5.12", "1000101000000000000000001",
			schedule.StaleTLB, ""},
		{"kernel/kthread/madvise-vs-reclaim-lazy@powerpc-5.12", "10001010000000000011",
			schedule.RefUnderflow, lazy},
	} {
		// With -short one of those that end alike is enough.
		if _, scenario, _ := strings.Cut(test.program, "-vs-"); testing.Short() &&
			(scenario == "io_destroy@1d-3.17" && test.want == live ||
				scenario == "truncate@3.2" || scenario == "reclaim@3.2") {
			continue
		}
		t.Run(test.program+"/"+test.kind.String(), func(t *testing.T) {
			p, err := kmodel.Find(test.program)
			if err != nil {
				t.Fatal(err)
			}
			tape := make(schedule.Tape, len(test.tape))
			for i, digit := range test.tape {
				tape[i] = byte(digit - '0')
			}
			res, err := triage.Minimize(t.Context(), p.Schedule(), tape,
				triage.Options{Executions: 1, Nodes: 1})
			if err != nil {
				t.Fatal(err)
			}
			r, err := report.New(t.Context(), p, &res, 0, 20_000)
			if err != nil {
				t.Fatal(err)
			}
			d, got := r.Document(), ""
			if d.EndedIn != nil {
				got = d.EndedIn.String()
			}
			var text strings.Builder
			if err := r.WriteText(&text); err != nil {
				t.Fatal(err)
			}
			if alike := test.want == flush; strings.Contains(text.String(),
				"the first later code in which they never fail so, nor others by stale-tlb, is") != alike {
				t.Errorf("says that others fail in code before it: %v, want %v", !alike, alike)
			}
			if d.Kind != test.kind.String() || d.Why == nil || got != test.want {
				t.Errorf("%s, why %v, ended in %q; want %q", d.Kind, d.Why, got, test.want)
			}
		})
	}
}
