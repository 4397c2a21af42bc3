package protocol

import (
	"context"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

var unbounded = explore.Options{Bound: explore.Unbounded}

// largest is how many lookups a test goes to.
func largest(n int) int {
	if testing.Short() {
		return n - 1
	}
	return n
}

// TestStates pins the number of different states to that of other tools, and the number
// of interleavings, which does not depend on what a state is. With all locals in the
// vector TLC, Rumur and an explicit state machine in Go agree on the first row; with the
// dead pointer left out the state machine has the second. The third is what exploring any
// other of our programs comes to: it has fewer, mainly since a thread that has finished
// has no locals at all, and would have more otherwise, since it remembers of a lookup that
// was refused that it has had the pointer.
//
// SPIN has 114, 920, 7,552 and 62,488 with partial-order reduction, and 172, 2,034, 23,710
// and 274,054 without: its starting of processes, loop counters and guards are steps too.
func TestStates(t *testing.T) {
	interleavings := []string{"172", "3168582", "1211141230092", "3509310139022805024"}
	for _, tt := range []struct {
		locals Locals
		want   []int
	}{
		{All, []int{67, 745, 8_305, 93_113}},
		{Live, []int{60, 580, 5_532, 52_608}},
		{Observed, []int{56, 520, 4_848}},
	} {
		for n := 1; n <= len(tt.want) && n <= largest(4); n++ {
			p := New(n, false, tt.locals).Schedule()
			got, r := explore.CountStates(context.Background(), p, unbounded)
			if got != tt.want[n-1] || !r.Complete() || r.Failed() {
				t.Errorf("%d lookups, locals %d: %d states, want %d; failed %v, %s",
					n, tt.locals, got, tt.want[n-1], r.Failed(), r.Coverage())
			}
			if r.All.String() != interleavings[n-1] {
				t.Errorf("%d lookups, locals %d: %v interleavings, want %s",
					n, tt.locals, r.All, interleavings[n-1])
			}
		}
	}
}

// TestSmallestFailure holds the smallest failing schedule, the same for any number of
// lookups: L1 L2 | D1 D2 D3 D4 | L3 L4 | R1 | L5. The state machine, which looks for the
// fewest context switches and then the fewest steps, knows no smaller one.
func TestSmallestFailure(t *testing.T) {
	interleavings := []string{"204", "4119778", "1630913629317"}
	for n := 1; n <= 3; n++ {
		p := New(n, true, Observed)
		r := explore.Last(explore.Exhaust(context.Background(), p.Schedule(), unbounded))
		if r.All.String() != interleavings[n-1] {
			t.Errorf("%d lookups: %v interleavings, want %s", n, r.All, interleavings[n-1])
		}
		found := false
		for _, e := range r.Endings {
			if e.Outcome != schedule.Fail {
				continue
			}
			w := e.Witness
			if e.Kind != schedule.UseAfterFree || w.Preemptions < 2 || w.Switches < 4 || w.Steps < 10 {
				t.Errorf("%d lookups: %v: %+v", n, e.Category, w)
			}
			if w.Preemptions == 2 && w.Switches == 4 && w.Steps == 10 {
				found = true
				checkThreads(t, p.Schedule(), w.Tape)
			}
		}
		if !found {
			t.Errorf("%d lookups: no failure with 2 preemptions, 4 switches, 10 steps", n)
		}
	}
}

// checkThreads looks at which threads take the steps of the smallest failure.
func checkThreads(t *testing.T, p schedule.Program, s schedule.Tape) {
	t.Helper()
	r := schedule.NewRunner(p)
	defer r.Close()
	tr, err := r.Replay(s)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, step := range tr.Events {
		got += string(tr.Threads[step.Thread].Name[0])
	}
	if want := "lliiiillrl"; got != want { // lookup, io_destroy, rcu
		t.Errorf("%s: tape %v runs %q, want %q", p.Name, s, got, want)
	}
}

// TestContract earns what exhausting the protocol rests on.
func TestContract(t *testing.T) {
	for _, locals := range []Locals{Observed, Live, All} {
		for _, racy := range []bool{false, true} {
			n, err := explore.CheckStates(New(3, racy, locals).Schedule(), 500, 1)
			if err != nil || n < 500 {
				t.Errorf("locals %d, racy %v: %d pairs, %v", locals, racy, n, err)
			}
		}
	}
}
