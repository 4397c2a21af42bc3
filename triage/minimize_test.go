package triage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// The quality of a minimizer is in its results, so the tests here are about
// results: from many different failing schedules it must come to the one that is
// known by hand to be the smallest, and stay there.

// minimize is triage.Minimize where it must not fail. A tape is minimized once for all tests:
// the result is a function of the arguments, and the key has all of them but ways to watch,
// which no test of this form uses.
func minimize(t *testing.T, p schedule.Program, s schedule.Tape, opt triage.Options) triage.Result {
	t.Helper()
	key := fmt.Sprintf("%s %s %+v", p.Name, s, opt)
	if res, ok := minimized[key]; ok {
		return res
	}
	res, err := triage.Minimize(context.Background(), p, s, opt)
	if err != nil {
		t.Fatalf("%s: tape %s: %v", p.Name, s, err)
	}
	minimized[key] = res
	return res
}

var minimized = map[string]triage.Result{}

func TestMinimizeQuality(t *testing.T) {
	resurrect := schedule.KindSet(schedule.RefResurrect)
	for _, test := range []struct {
		program schedule.Program
		mute    schedule.Kinds
		want    string // signature; other failures of the program are left out
		size    string
		tape    string
	}{
		// io_getevents is preempted once, between finding and taking. That a worker
		// frees the context takes one more switch, but no preemption.
		{lookupRace, 0, "v2 refcount-resurrect lookup_ctx -",
			"3 threads, 1 preemption, 2 context switches, 8 steps", "12000002"},
		{lookupRace, 0, "v2 use-after-free lookup_ctx free_ctx",
			"3 threads, 1 preemption, 3 context switches, 10 steps", "1200000001"},
		// Behind the warning it is preempted a second time.
		{lookupRace, resurrect, "v2 use-after-free read_events free_ctx",
			"3 threads, 2 preemptions, 4 context switches, 11 steps", "12000002101"},
		{window, 0, "v2 kernel-bug peek_window -",
			"3 threads, 2 preemptions, 2 context switches, 3 steps", "122"},
		{abba, 0, "v2 deadlock acquire:spin_lock:mm->lock,acquire:spin_lock:mm->other -",
			"2 threads, 1 preemption, 1 context switch, 2 steps", "01"},
		{forget, 0, "v2 memory-leak [ctx] -",
			"1 thread, 0 preemptions, 0 context switches, 4 steps", "0"},
		// Of the workload the two calls that race are left, each in its thread.
		{workload, 0, "v2 use-after-free lookup_ctx free_ctx",
			"2 threads, 2 calls, 1 preemption, 3 context switches, 10 steps", "1010201"},
		{workload, 0, "v2 kernel-bug peek_window -",
			"2 threads, 2 calls, 2 preemptions, 2 context switches, 3 steps", "10304011"},
	} {
		tapes := 40
		if testing.Short() {
			tapes = 20
		}
		t.Run(test.program.Name, func(t *testing.T) {
			want, err := triage.ParseSignature(test.want)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, s := range failing(t, test.program, test.mute, tapes) {
				res := minimize(t, test.program, s, triage.Options{Mute: test.mute})
				if res.Signature != want {
					continue
				}
				n++
				if res.Final.String() != test.size || triage.TapeText(res.Final.Tape) != test.tape {
					t.Errorf("tape %s:\ngot  %s, tape %s\nwant %s, tape %s", s,
						res.Final, triage.TapeText(res.Final.Tape), test.size, test.tape)
				}
			}
			if n == 0 {
				t.Errorf("no tape fails as %q", want)
			}
		})
	}
}

// TestMinimizeAgain runs the minimizer on its own results.
func TestMinimizeAgain(t *testing.T) {
	for _, p := range []schedule.Program{lookupRace, window, abba, forget, workload} {
		for _, s := range failing(t, p, 0, 10) {
			// Also where the budget is too small for any of it to be done.
			for _, opt := range []triage.Options{{}, {Executions: 50, Nodes: 5}} {
				first := minimize(t, p, s, opt)
				second := minimize(t, p, first.Final.Tape, opt)
				if second.Final.Compare(first.Final) != 0 || second.Rounds != 1 {
					t.Errorf("%s: tape %s: minimized to %s, again to %s in %d rounds",
						p.Name, s, first.Final.Tape, second.Final.Tape, second.Rounds)
				}
			}
		}
	}
}

// TestMinimizePairs is about the two lines of a fuzzer that are the reason for all
// this: the same failure with two more switches, neither of which can go alone.
func TestMinimizePairs(t *testing.T) {
	r := schedule.NewRunner(window)
	defer r.Close()
	for _, text := range []string{"122", "1122", "12112", "0102021"} {
		s, err := schedule.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if res := r.RunTape(s); res.Outcome != schedule.Fail {
			continue
		}
		// Without the search: the passes alone must get there.
		res := minimize(t, window, s, triage.Options{Nodes: 1})
		if got := triage.TapeText(res.Final.Tape); got != "122" {
			t.Errorf("tape %s: got %s, want 122", text, got)
		}
	}
}

// TestMinimizePasses takes the exact search away.
func TestMinimizePasses(t *testing.T) {
	for _, p := range []schedule.Program{lookupRace, window, abba, workload} {
		for _, s := range failing(t, p, 0, 30) {
			best := minimize(t, p, s, triage.Options{})
			passes := minimize(t, p, s, triage.Options{Nodes: 1})
			if passes.Final.Preemptions != best.Final.Preemptions {
				t.Errorf("%s: tape %s: passes come to %s, tape %s; the smallest is %s, tape %s",
					p.Name, s, passes.Final, passes.Final.Tape, best.Final, best.Final.Tape)
			}
		}
	}
}

// TestMinimizeSlips checks that another bug is remembered with a tape that shows it,
// and not followed: the lookup fails in two ways, depending on whether the worker
// has run.
func TestMinimizeSlips(t *testing.T) {
	s, err := schedule.Parse("1200000001")
	if err != nil {
		t.Fatal(err)
	}
	res := minimize(t, lookupRace, s, triage.Options{})
	if got, want := res.Signature.String(), "v2 use-after-free lookup_ctx free_ctx"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	i := slices.IndexFunc(res.Slips, func(s triage.Slip) bool {
		return s.Signature.Kind == schedule.RefResurrect
	})
	if i < 0 {
		t.Fatalf("the other failure was not remembered: %+v", res.Slips)
	}
	slip := res.Slips[i]
	r := schedule.NewRunner(lookupRace)
	defer r.Close()
	tr, err := r.Replay(slip.Tape)
	if err != nil {
		t.Fatal(err)
	}
	if got := triage.Of(tr); got != slip.Signature {
		t.Errorf("the tape of slip %q fails as %q", slip.Signature, got)
	}
	if want := "refcount_t: addition on 0; use-after-free in lookup_ctx"; slip.Title != want {
		t.Errorf("title of the slip: got %q, want %q", slip.Title, want)
	}
}

// TestMinimizeExplore compares the certificate with the other search of the
// project, which has another algorithm.
func TestMinimizeExplore(t *testing.T) {
	for _, p := range []schedule.Program{lookupRace, window, abba, forget} {
		opt := explore.Options{Bound: explore.Unbounded}
		report := explore.Last(explore.Exhaust(context.Background(), p, opt))
		if !report.Complete() {
			t.Fatalf("%s: %s", p.Name, report.Coverage())
		}
		for _, end := range report.Endings {
			if end.Outcome != schedule.Fail {
				continue
			}
			res := minimize(t, p, end.Witness.Tape, triage.Options{})
			w, c := end.Witness, res.Certificate
			if !c.Proven() || !c.Smallest {
				t.Errorf("%s: %s: not proven: %s", p.Name, end.Category, c.String())
			}
			// A signature can have several categories, so it may need less.
			if f := res.Final; f.Preemptions > w.Preemptions ||
				f.Preemptions == w.Preemptions && f.Switches > w.Switches {
				t.Errorf("%s: %s: minimized to %s, explore has tape %s: %d preemptions, %d switches",
					p.Name, end.Category, f, w.Tape, w.Preemptions, w.Switches)
			}
		}
	}
}

func TestMinimizeErrors(t *testing.T) {
	other := triage.Signature{Kind: schedule.Leak, Func: "ioctx_alloc"}
	for _, test := range []struct {
		name, tape string
		opt        triage.Options
		want       string
	}{
		{"pass", "0", triage.Options{}, "toy/lookup-vs-destroy: tape 0 passes (15 steps)"},
		{"other", "12000002", triage.Options{Want: other},
			"toy/lookup-vs-destroy: tape 12000002 fails otherwise: " +
				`as "v2 refcount-resurrect lookup_ctx -", want "v2 memory-leak ioctx_alloc -"`},
		{"limit", "12000002", triage.Options{MaxSteps: 3}, "toy/lookup-vs-destroy: tape 12000002 " +
			"says nothing about the program: step limit after 3 steps"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := schedule.Parse(test.tape)
			if err != nil {
				t.Fatal(err)
			}
			_, err = triage.Minimize(context.Background(), lookupRace, s, test.opt)
			var no *triage.NotReproducedError
			if !errors.As(err, &no) || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// TestMinimizeCancelled gets the best so far, with an error that says so.
func TestMinimizeCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := failing(t, workload, 0, 1)[0]
	res, err := triage.Minimize(ctx, workload, s, triage.Options{})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got error %v, want %v", err, context.Canceled)
	}
	if res.Trace == nil || triage.Of(res.Trace) != res.Signature || res.Certificate.Proven() {
		t.Errorf("got %+v", res)
	}
}

// TestMinimizeCrash: a panic of a model is an error, not the end of the caller.
func TestMinimizeCrash(t *testing.T) {
	p := program("toy/crash", func(k *toy, e *schedule.Exec) {
		e.Go("A", func(t *schedule.Thread) {
			k.getpid(t)
			if k.mm.window.Value() != 0 {
				panic("the model is wrong")
			}
			t.Fail(schedule.BugOn, nil, schedule.Party{}, "")
		})
		e.Go("B", k.openWindow)
	})
	_, err := triage.Minimize(context.Background(), p, schedule.Tape{0}, triage.Options{})
	var crash *schedule.Crash
	if !errors.As(err, &crash) {
		t.Errorf("got %v, want a crash", err)
	}
}

// TestMinimizeNondeterministic has a model that depends on how often it has run.
func TestMinimizeNondeterministic(t *testing.T) {
	runs := 0
	p := program("toy/moody", func(k *toy, e *schedule.Exec) {
		runs++
		e.Go("A", func(t *schedule.Thread) {
			k.getpid(t)
			if runs%2 == 1 {
				t.Fail(schedule.BugOn, nil, schedule.Party{}, "")
			}
		})
	})
	_, err := triage.Minimize(context.Background(), p, nil, triage.Options{})
	if err == nil {
		t.Error("no error")
	}
}
