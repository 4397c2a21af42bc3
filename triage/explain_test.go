package triage_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// A run is an execution as the dumb check of explanations sees it: its steps by thread
// and text, and how it failed.
type run struct {
	tape  schedule.Tape
	order []int          // threads, in the order of their steps
	at    map[stepOf]int // place in that order
	sig   triage.Signature
}

// A stepOf is a step of an execution in words.
type stepOf struct {
	thread       int
	verb, object string
	nth          int // of those that are the same otherwise
}

// record runs a tape and returns what it was.
func record(t *testing.T, r *schedule.Runner, tape schedule.Tape) run {
	out := run{tape: slices.Clone(tape), at: map[stepOf]int{}}
	r.Watch = schedule.WatcherFunc(func(th *schedule.Thread) bool {
		s := stepOf{th.ID, th.Op().Verb, "", 1}
		if c := th.Op().Cell; c != nil {
			s.object = c.Name()
		}
		for out.at[s] != 0 {
			s.nth++
		}
		out.order = append(out.order, th.ID)
		out.at[s] = len(out.order)
		return true
	})
	res := r.RunTape(tape)
	r.Watch = nil
	if res.Outcome == schedule.Fail {
		tr, err := r.Replay(slices.Clone(r.Taken()))
		if err != nil {
			t.Fatal(err)
		}
		out.sig = triage.Of(tr)
	}
	return out
}

// recordAll returns all executions of a program. They are run once for all tests.
func recordAll(t *testing.T, p schedule.Program) []run {
	runs := recorded[p.Name]
	if runs == nil {
		r := schedule.NewRunner(p)
		defer r.Close()
		opt := explore.Options{Bound: explore.Unbounded}
		for tape := range explore.Executions(t.Context(), p, opt) {
			runs = append(runs, record(t, r, tape))
		}
		recorded[p.Name] = runs
	}
	return runs
}

var recorded = map[string][]run{}

// keeps reports whether the run keeps "before comes before after".
func (r run) keeps(o [2]stepOf) bool {
	after, taken := r.at[o[1]]
	before, earlier := r.at[o[0]]
	return !taken || earlier && before < after
}

func orderOf(o triage.Order) [2]stepOf {
	name := func(p triage.Place) stepOf {
		return stepOf{p.Thread, p.Verb, strings.TrimSuffix(p.Kind+"->"+p.Path, "->"), p.Nth}
	}
	return [2]stepOf{name(o.Before), name(o.After)}
}

// suffices reports whether every run that keeps the orders fails as sig.
func suffices(runs []run, orders [][2]stepOf, sig triage.Signature) bool {
next:
	for _, r := range runs {
		for _, o := range orders {
			if !r.keeps(o) {
				continue next
			}
		}
		if r.sig != sig {
			return false
		}
	}
	return true
}

// TestExplain checks explanations of small programs against all of their executions: the
// orders suffice, each is needed, and no fewer orders of any two steps suffice.
func TestExplain(t *testing.T) {
	queued := stepOf{2, "schedule_work", "mm->queued", 1}
	for _, test := range []struct {
		program schedule.Program
		sig     string
		orders  int
		has     stepOf // of the execution to explain, with an idle worker; empty: the first
		absent  string // a step that it has not
	}{
		{lookupRace, "v2 refcount-resurrect lookup_ctx -", 2, stepOf{}, ""},
		{lookupRace, "v2 use-after-free lookup_ctx free_ctx", 2, stepOf{}, ""},
		{lookupAlone, "v2 refcount-resurrect lookup_ctx -", 2, stepOf{}, ""},
		{lookupAlone, "v2 refcount-resurrect lookup_ctx -", 2, queued, "work runs"},
		{window, "v2 kernel-bug peek_window -", 3, stepOf{}, ""},
		{abba, "v2 deadlock acquire:spin_lock:mm->lock,acquire:spin_lock:mm->other -", 2,
			stepOf{}, ""},
		{forget, "v2 memory-leak [ctx] -", 0, stepOf{}, ""},
	} {
		t.Run(test.sig, func(t *testing.T) {
			if testing.Short() && test.program.Name == lookupRace.Name {
				t.Skip("has 53,000 executions")
			}
			r := schedule.NewRunner(test.program)
			defer r.Close()
			sig, err := triage.ParseSignature(test.sig)
			if err != nil {
				t.Fatal(err)
			}
			runs := recordAll(t, test.program)
			first := slices.IndexFunc(runs, func(r run) bool {
				idle := !slices.Contains(r.order, 0) && r.at[test.has] > 0
				return r.sig == sig && (idle || test.has == stepOf{})
			})
			if first < 0 {
				t.Fatal("none fails so")
			}
			failing := runs[first]
			ex, err := triage.Explain(t.Context(), test.program, failing.tape, 0, 0)
			if err != nil || !ex.Found || len(ex.Because) != test.orders {
				t.Fatalf("%d executions: %+v, %v", len(runs), ex, err)
			}
			t.Logf("%d executions\n%v", len(runs), ex)
			var orders [][2]stepOf
			absent := ""
			for _, b := range ex.Because {
				orders = append(orders, orderOf(b.Order))
				if p := b.After; p.Absent && p.Next && strings.HasSuffix(p.String(), ", not taken here") {
					absent = p.Verb
				}
			}
			if absent != test.absent {
				t.Errorf("not taken: %q, want %q", absent, test.absent)
			}
			if !suffices(runs, orders, sig) {
				t.Errorf("these orders do not suffice")
			}
			for i, b := range ex.Because {
				without := record(t, r, b.Without)
				for j := range orders {
					if without.keeps(orders[j]) != (j != i) {
						t.Errorf("tape %s, without %d: keeps %d: %v", b.Without, i, j, j == i)
					}
				}
				if without.sig == sig {
					t.Errorf("tape %s, without %d, fails so all the same", b.Without, i)
				}
			}
			checkFewest(t, runs, failing, len(orders), sig)
		})
	}
}

// checkFewest tries all sets of less than n orders that the failing run keeps, of any
// steps that any run takes.
func checkFewest(t *testing.T, runs []run, failing run, n int, sig triage.Signature) {
	steps := map[stepOf]bool{}
	for _, r := range runs {
		for s := range r.at {
			steps[s] = true
		}
	}
	var sets [][][2]stepOf // of n-1 orders
	for a := range failing.at {
		for b := range steps {
			if o := [2]stepOf{a, b}; a.thread != b.thread && failing.keeps(o) {
				sets = append(sets, [][2]stepOf{o})
			}
		}
	}
	switch n {
	case 0:
		return
	case 1:
		sets = [][][2]stepOf{nil}
	case 3:
		ones := sets
		for _, x := range ones {
			for _, y := range ones {
				sets = append(sets, [][2]stepOf{x[0], y[0]})
			}
		}
	}
	for _, set := range sets {
		if suffices(runs, set, sig) {
			t.Errorf("fewer suffice: %v", set)
		}
	}
	t.Logf("no set of %d orders suffices: %d tried", n-1, len(sets))
}

// TestExplainChoice has a choice among the causes, and another that does not matter.
func TestExplainChoice(t *testing.T) {
	r := schedule.NewRunner(gamble)
	defer r.Close()
	for _, tape := range failing(t, gamble, 0, 100) {
		ex, err := triage.Explain(t.Context(), gamble, tape, 0, 0)
		if err != nil || !ex.Found || len(ex.Because) != 1 {
			t.Fatalf("%+v, %v", ex, err)
		}
		c := ex.Because[0]
		want := triage.Choice{Which: 2, Taken: 1, Of: 3}
		if c.Choice != want || c.Before.Verb != "READ_ONCE" || c.Meaning != "no memory" {
			t.Errorf("%+v, want %+v", c, want)
		}
		if !strings.Contains(ex.String(), "chooses no memory\n") ||
			!strings.Contains(ex.String(), "; fewer orders and choices would not do\n") {
			t.Error(ex)
		}
		if res := r.RunTape(c.Without); res.Outcome != schedule.Pass {
			t.Errorf("without it: %v", res.Outcome)
		}
	}
}

// TestExplainSpelt: a load is the same step in a variant where it has another accessor, and a store
// is, but neither is something else.
func TestExplainSpelt(t *testing.T) {
	p := spelt("rcu_dereference", "RCU_INIT_POINTER")
	ex, err := triage.Explain(t.Context(), p, failing(t, p, 0, 1)[0], 0, 0)
	if err != nil || !ex.Found || ex.Because[0].Before.Verb != "rcu_dereference" {
		t.Fatalf("%v, %v", ex, err)
	}
	for _, test := range []struct {
		load, store string
		want        triage.Effect
	}{
		{"rcu_dereference", "RCU_INIT_POINTER", triage.FailsThere},
		{"read", "write", triage.FailsThere},
		{"READ_ONCE", "smp_store_release", triage.FailsThere},
		{"peek", "write", triage.NeverKept},
	} {
		if got := ex.In(t.Context(), spelt(test.load, test.store), 1000); got != test.want {
			t.Errorf("%s and %s: %v, want %v", test.load, test.store, got, test.want)
		}
	}
}

// TestExplainLong has one cause among some seventy.
func TestExplainLong(t *testing.T) {
	tape, err := schedule.Parse("0" + strings.Repeat("1", 90))
	if err != nil {
		t.Fatal(err)
	}
	ex, err := triage.Explain(t.Context(), long, tape, 0, 0)
	if err != nil || !ex.Found || len(ex.Because) != 1 {
		t.Fatalf("%v, %v", ex, err)
	}
	if c := ex.Because[0]; c.Before.Verb != "WRITE_ONCE" || c.After.Verb != "READ_ONCE" {
		t.Errorf("%+v", c)
	}
}

// TestExplainIn asks variants in which the orders fail less and less.
func TestExplainIn(t *testing.T) {
	p := bet("read", "write", 3)
	ex, err := triage.Explain(t.Context(), p, failing(t, p, 0, 1)[0], 0, 0)
	if err != nil || !ex.Found {
		t.Fatalf("%v, %v", ex, err)
	}
	for _, test := range []struct {
		lost, executions int
		want             triage.Effect
	}{
		{3, 1000, triage.FailsThere}, {2, 1000, triage.PassesThere}, {1, 1000, triage.PassesThere},
		{0, 1000, triage.HarmlessThere}, {0, 4, triage.Unsettled}, {0, 0, triage.Unsettled},
	} {
		got := ex.In(t.Context(), bet("read", "write", test.lost), test.executions)
		if got != test.want {
			t.Errorf("%d lost, %d executions: %v, want %v", test.lost, test.executions, got, test.want)
		}
	}
	var el triage.Elsewhere
	el.Add("4.17", triage.HarmlessThere)
	if !slices.Equal(el.Passes, el.Harmless) || len(el.Passes) != 1 {
		t.Errorf("%+v", el)
	}
}

// TestExplainPick has an agent choose what to begin. That is an order of its own steps.
func TestExplainPick(t *testing.T) {
	for _, tape := range failing(t, picky, 0, 10) {
		ex, err := triage.Explain(t.Context(), picky, tape, 0, 0)
		if err != nil || !ex.Found || len(ex.Because) != 1 {
			t.Fatalf("%+v, %v", ex, err)
		}
		c := ex.Because[0]
		if c.Of != 0 || c.Before.Path != "other" || c.After.Path != "lock" {
			t.Errorf("%v", ex)
		}
	}
}

// TestExplainNot asks for what cannot be had.
func TestExplainNot(t *testing.T) {
	if ex, err := triage.Explain(t.Context(), lookupRace, nil, 0, 0); err == nil {
		t.Errorf("an execution that passes is explained: %v", ex)
	}
	s := failing(t, lookupRace, 0, 1)[0]
	if ex, err := triage.Explain(t.Context(), lookupRace, s, 0, 3); err != nil || ex.Found ||
		ex.Executions != 3 || ex.String() != "why: not found in 3 executions" {
		t.Errorf("in 3 executions: %+v, %v", ex, err)
	}
	ex, err := triage.Explain(t.Context(), lottery, failing(t, lottery, 0, 1)[0], 0, 0)
	if err != nil || ex.Found || ex.Gap == nil {
		t.Fatalf("a choice that no step tells: %+v, %v", ex, err)
	}
	runner := schedule.NewRunner(lottery)
	defer runner.Close()
	tr, err := runner.Replay(ex.Gap)
	if err != nil {
		t.Fatal(ex.Gap, err)
	}
	if tr.Result.Outcome == schedule.Fail ||
		!strings.Contains(ex.String(), "a choice makes it go otherwise:\n  tape ") {
		t.Errorf("%v; gap: %v", ex, tr.Result.Outcome)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if ex, err := triage.Explain(ctx, lookupRace, s, 0, 0); err == nil || ex.Found {
		t.Errorf("cancelled: %+v, %v", ex, err)
	}
}
