package protocol

import (
	"context"
	"math/big"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
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

// TestSymmetry compares searches with and without symmetry: every number but those of
// nodes, edges and effort is the same, and failures of one lookup are those of all.
func TestSymmetry(t *testing.T) {
	for n := 1; n <= 3; n++ {
		for _, racy := range []bool{false, true} {
			p := New(n, racy, Live)
			want := explore.Last(explore.Exhaust(context.Background(), p.Schedule(), unbounded))
			for _, workers := range []int{1, 3} {
				opt := unbounded
				opt.Workers, opt.Symmetry = workers, symmetry(p)
				got := explore.Last(explore.Exhaust(context.Background(), p.Schedule(), opt))
				if !got.Complete() || got.All.Cmp(want.All) != 0 ||
					!slices.Equal(got.Executions, want.Executions) || got.Bound != want.Bound {
					t.Errorf("%d lookups, racy %v: %v %v, want %v %v; %s", n, racy,
						got.All, got.Executions, want.All, want.Executions, got.Coverage())
				}
				if n > 1 && got.Nodes >= want.Nodes {
					t.Errorf("%d lookups, racy %v: %d nodes of %d", n, racy, got.Nodes, want.Nodes)
				}
				checkEndings(t, p.Schedule(), got, want)
			}
		}
	}
}

func symmetry(p program.Program) *explore.Symmetry {
	return &explore.Symmetry{
		Class: p.Class,
		New: func() (func(*schedule.Exec), explore.Canonical) {
			in := p.New()
			return in.Begin, in.Canonical
		},
	}
}

// checkEndings compares the endings of a search with symmetry with those of one without,
// put together by class, and replays its witnesses.
func checkEndings(t *testing.T, p schedule.Program, got, want explore.Report) {
	t.Helper()
	r := schedule.NewRunner(p)
	defer r.Close()
	for _, e := range got.Endings {
		all, least := new(big.Int), explore.Witness{Preemptions: 1 << 20}
		for _, f := range want.Endings {
			if f.Thread = class(f.Thread); f.Category == e.Category {
				all.Add(all, f.All)
				if w := f.Witness; w.Preemptions < least.Preemptions ||
					w.Preemptions == least.Preemptions && w.Switches < least.Switches {
					least = w
				}
			}
		}
		w := e.Witness
		if all.Cmp(e.All) != 0 || w.Preemptions != least.Preemptions ||
			w.Switches != least.Switches || w.Steps != least.Steps {
			t.Errorf("%s: %v: %v executions, %+v, want %v, %+v",
				p.Name, e.Category, e.All, w, all, least)
		}
		tr, err := r.Replay(w.Tape)
		if err != nil {
			t.Fatal(err)
		}
		c := explore.CategoryOf(tr.Result)
		if c.Thread = class(c.Thread); c != e.Category || tr.Result.Steps != w.Steps ||
			tr.Result.Switches != w.Switches || tr.Result.Preemptions != w.Preemptions {
			t.Errorf("%s: %v: tape %v runs to %v, %+v", p.Name, e.Category, w.Tape, c, tr.Result)
		}
	}
	if len(got.Endings) == 0 {
		t.Errorf("%s: no endings", p.Name)
	}
}

// TestSymmetryPins holds what only a search with symmetry comes to: the number of
// interleavings that the state machine has for 5 lookups.
func TestSymmetryPins(t *testing.T) {
	if testing.Short() {
		t.Skip("TestSymmetry has fewer lookups")
	}
	p := New(5, false, Live)
	opt := unbounded
	opt.Symmetry = symmetry(p)
	r := explore.Last(explore.Exhaust(context.Background(), p.Schedule(), opt))
	if r.All.String() != "48283393307670245631571200" || !r.Complete() {
		t.Errorf("%v interleavings; %s", r.All, r.Coverage())
	}
	t.Log(r.Nodes, "nodes for 5 lookups")
}

// TestFalseSymmetry exchanges the destroyer with a lookup, which the search finds out.
func TestFalseSymmetry(t *testing.T) {
	p := New(2, true, Live)
	opt := unbounded
	opt.Symmetry = symmetry(p)
	opt.Symmetry.New = func() (func(*schedule.Exec), explore.Canonical) {
		in := p.New()
		return in.Begin, func(e *schedule.Exec, last *schedule.Thread) (schedule.State, []uint8) {
			s, numbers := in.Canonical(e, last)
			s.Lo, s.Hi = s.Lo&7, 0 // one state for many
			return s, numbers
		}
	}
	r := explore.Last(explore.Exhaust(context.Background(), p.Schedule(), opt))
	if r.Stop != explore.Unsound || r.Complete() {
		t.Errorf("%v: %s", r.Stop, r.Coverage())
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
