package triage_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// weigher reads a tape and multiplies how probable its decisions are.
type weigher struct {
	schedule.TapeReader
	weights []float64 // after each decision
}

func (w *weigher) Choose(e *schedule.Exec, n int) int {
	d := w.TapeReader.Choose(e, n)
	p := 1 / float64(n)
	if e.Running() != nil {
		p = 1 - 1.0/triage.Quantum
		if d != 0 {
			p = 1.0 / triage.Quantum / float64(n-1)
		}
	}
	if len(w.weights) > 0 {
		p *= w.weights[len(w.weights)-1]
	}
	w.weights = append(w.weights, p)
	return d
}

// TestChance compares chances with the sum over all executions.
func TestChance(t *testing.T) {
	for _, test := range []struct {
		program schedule.Program
		tape    string
	}{
		{window, "122"}, {abba, "01"}, {lookupRace, "1200000001"}, {lookupRace, "12000002"},
	} {
		if testing.Short() && test.program.Name == lookupRace.Name {
			continue // 53,000 executions
		}
		tape, err := schedule.Parse(test.tape)
		if err != nil {
			t.Fatal(err)
		}
		r := schedule.NewRunner(test.program)
		tr, err := r.Replay(tape)
		if err != nil {
			t.Fatal(err)
		}
		sig := triage.Of(tr)
		total, want := 0.0, 0.0
		for _, run := range recordAll(t, test.program) {
			w := &weigher{}
			w.Reset(run.tape)
			r.Run(w)
			p := w.weights[len(w.weights)-1]
			total += p
			if run.sig == sig {
				want += p
			}
		}
		r.Close()
		ch, err := triage.ChanceOf(t.Context(), test.program, tape, 0, 1_000_000)
		if err != nil || !ch.Found {
			t.Fatalf("%+v, %v", ch, err)
		}
		if math.Abs(total-1) > 1e-9 || math.Abs(ch.Start/want-1) > 1e-9 {
			t.Errorf("%s: %v: %v, all executions sum up to %v (of %v)",
				test.program.Name, sig, ch.Start, want, total)
		}
		rose := 1.0
		for i, r := range ch.Rises {
			if i > 0 && r.From != ch.Rises[i-1].To {
				t.Errorf("%s: from %v after %v", test.program.Name, r.From, ch.Rises[i-1].To)
			}
			rose *= r.To / r.From
		}
		if math.Abs(rose*ch.Start-1) > 1e-9 {
			t.Errorf("%s: %v, times all rises %v, is not 1", test.program.Name, ch.Start, rose)
		}
		t.Log(ch)
	}
}

// TestChanceText: one unit for all of it.
func TestChanceText(t *testing.T) {
	for _, test := range []struct {
		p    float64
		want string
	}{
		{0, "no random schedules"},
		{1.0 / 1_234_567, "about 1 in 1230000 random schedules"},
		{1.0 / 840.4, "about 1 in 840 random schedules"},
		{0.13, "about 1 in 8 random schedules"},
		{0.43, "about 4 in 10 random schedules"},
		{0.999, "about 9 in 10 random schedules"},
		{1, "all random schedules"},
	} {
		ch := &triage.Chance{Found: true, Start: test.p, States: 7}
		want := "chance: " + test.want + " fail so, if a thread is preempted at 1 step in 32\n" +
			"  (computed over all 7 states)"
		if got := ch.String(); got != want {
			t.Errorf("%v: got %q, want %q", test.p, got, want)
		}
	}
	ch := &triage.Chance{Found: true, Start: 0.01, States: 1, Rises: []triage.Rise{
		{Step: 3, From: 0.01, To: 0.02}, {Step: 5, From: 0.02, To: 0.5}, {Step: 9, From: 0.25, To: 1},
	}}
	want := "chance: about 1 in 100 random schedules fail so, if a thread is preempted at 1 step in 32\n" +
		"  (computed over all 1 state)\n" +
		"  step 5 raises that from about 1 in 50 to about 5 in 10\n" +
		"  step 9 raises that from about 1 in 4 to all"
	if got := ch.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestChanceNot asks for what cannot be computed.
func TestChanceNot(t *testing.T) {
	if ch, err := triage.ChanceOf(t.Context(), lookupRace, nil, 0, 1000); err == nil {
		t.Errorf("of an execution that passes: %v", ch)
	}
	s := failing(t, lookupRace, 0, 1)[0]
	ch, err := triage.ChanceOf(t.Context(), lookupRace, s, 0, 3)
	if err != nil || ch.Found || ch.String() != "" {
		t.Errorf("in 3 executions: %+v, %v", ch, err)
	}
}

// TestPair looks at all executions that begin as the pair says, in one order and the
// other.
func TestPair(t *testing.T) {
	for _, test := range []struct {
		program schedule.Program
		tape    string
		want    string // first and second step
	}{
		{window, "122", "READ_ONCE window, peek_window before WRITE_ONCE window, open_window"},
		{lookupRace, "1200000001", // 53,000 executions
			"rcu_dereference slot, lookup_ctx before rcu_assign_pointer slot, destroy_ctx"},
	} {
		if testing.Short() && test.program.Name == lookupRace.Name {
			continue
		}
		tape, err := schedule.Parse(test.tape)
		if err != nil {
			t.Fatal(err)
		}
		r := schedule.NewRunner(test.program)
		defer r.Close()
		tr, err := r.Replay(tape)
		if err != nil {
			t.Fatal(err)
		}
		sig := triage.Of(tr)
		ch, err := triage.ChanceOf(t.Context(), test.program, tape, 0, 1_000_000)
		if err != nil || ch.Pair == nil {
			t.Fatalf("%s: %+v, %v", test.program.Name, ch, err)
		}
		t.Log(ch.Pair)
		p := ch.Pair
		if got := fmt.Sprintf("%s %s, %s before %s %s, %s", p.First.Verb, p.First.Path, p.First.Func,
			p.Second.Verb, p.Second.Path, p.Second.Func); got != test.want {
			t.Errorf("%s: %s, want %s", test.program.Name, got, test.want)
		}
		swapped := threadsOf(r, p.Swapped)
		at := pairIn(t, r, p)
		given := slices.Clone(swapped[:at+2])
		given[at], given[at+1] = given[at+1], given[at]
		fails, passes := 0, 0
		for _, run := range recordAll(t, test.program) {
			order, failed := run.order, run.sig == sig
			switch {
			case len(order) < at+2:
			case slices.Equal(order[:at+2], given):
				if failed {
					fails++
				}
			case slices.Equal(order[:at+2], swapped[:at+2]):
				if passes++; failed {
					t.Errorf("%s: %v fails in the other order", test.program.Name, run.tape)
				}
			}
		}
		if fails == 0 || passes == 0 {
			t.Errorf("%s: %d fail in the order of the pair, %d executions are in the other",
				test.program.Name, fails, passes)
		}
	}
}

// threadsOf returns who takes the steps of an execution.
func threadsOf(r *schedule.Runner, tape schedule.Tape) []int {
	var out []int
	r.Watch = schedule.WatcherFunc(func(t *schedule.Thread) bool { out = append(out, t.ID); return true })
	r.RunTape(tape)
	r.Watch = nil
	return out
}

// pairIn returns how many steps come before the pair in its other order.
func pairIn(t *testing.T, r *schedule.Runner, p *triage.Pair) int {
	t.Helper()
	tr, err := r.Replay(p.Swapped)
	if err != nil {
		t.Fatal(err)
	}
	is := func(i int, p *triage.Place) bool {
		return tr.Events[i].Thread == p.Thread && tr.Events[i].Verb == p.Verb
	}
	for i := range len(tr.Events) - 1 {
		if is(i, &p.Second) && is(i+1, &p.First) {
			return i
		}
	}
	t.Fatalf("%v: the steps are not there in the other order", p)
	return 0
}
