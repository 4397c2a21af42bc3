package main

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// TestOldValues explains the failures of the models where loads pass loads, and compares that with
// what thousands of executions near the failure do: each that keeps the causes fails so, and none
// does whose loads at the place of the barrier have seen what is in memory.
func TestOldValues(t *testing.T) {
	explained := 0
	for _, p := range kmodel.Programs() {
		if p.Order() != program.RMO || p.Workload {
			continue
		}
		for _, want := range p.Expect {
			if testing.Short() && explained == 3 {
				return
			}
			t.Run(p.Name()+"/"+want.Kind.String(), func(t *testing.T) {
				explained++
				checkOld(t, p.Schedule(), want)
			})
		}
	}
	if explained < 3 {
		t.Errorf("%d failures explained", explained)
	}
}

func checkOld(t *testing.T, p schedule.Program, want program.Expect) {
	opt := explore.Options{Bound: want.Preemptions, Mute: want.Mute}
	var tape schedule.Tape
	for _, e := range explore.Last(explore.Exhaust(t.Context(), p, opt)).Endings {
		if e.Kind == want.Kind {
			tape = e.Witness.Tape
		}
	}
	ex, err := triage.Explain(t.Context(), p, tape, want.Mute, 0)
	if err != nil || !ex.Found || len(ex.Old) != 1 || ex.Old[0].Barrier == 0 {
		t.Fatalf("tape %s: %v, %v", tape, ex, err)
	}
	r := schedule.NewRunner(p)
	defer r.Close()
	r.Mute = want.Mute
	first, err := r.Replay(tape.Canonical())
	if err != nil {
		t.Fatal(err)
	}
	sig, n, kept, failed := triage.Of(first), 3_000, 0, 0
	if testing.Short() {
		n = 100
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range n {
		r.RunTape(near(rng, tape))
		tr, err := r.Replay(slices.Clone(r.Taken()))
		if err != nil {
			t.Fatal(err)
		}
		fails := triage.Of(tr) == sig
		if keeps(tr, ex.Because) {
			kept++
			if !fails {
				t.Fatalf("tape %s keeps the causes and does not fail so: %v", tr.Tape, ex)
			}
		}
		if fails {
			failed++
			if !loadsOld(tr, ex.Old[0].Load) {
				t.Fatalf("tape %s fails so without the old value: %v", tr.Tape, &ex.Old[0])
			}
		}
	}
	if kept == 0 || failed == 0 {
		t.Errorf("of %d executions %d keep the causes and %d fail so", n, kept, failed)
	}
	t.Logf("of %d executions %d keep the causes and %d fail so", n, kept, failed)
	t.Logf("%v\n%v", ex, &ex.Old[0])
}

// near returns a tape that differs from another in a few decisions.
func near(rng *rand.Rand, tape schedule.Tape) schedule.Tape {
	out := append(slices.Clone(tape), make(schedule.Tape, 4)...)
	for range 1 + rng.IntN(3) {
		out[rng.IntN(len(out))] = uint8(rng.IntN(4))
	}
	return out
}

// is reports whether ev does what p does.
func is(ev *schedule.Event, p *triage.Place) bool {
	object, path, _ := strings.Cut(ev.Object, "->")
	number := strings.TrimPrefix(object, p.Kind)
	return ev.Thread == p.Thread && ev.Verb == p.Verb && path == p.Path &&
		strings.HasPrefix(object, p.Kind) && strings.Trim(number, "0123456789") == ""
}

// eventOf returns the event of p, nil if tr has none.
func eventOf(tr *schedule.Trace, p *triage.Place) *schedule.Event {
	n := 0
	for i := range tr.Events {
		if is(&tr.Events[i], p) {
			if n++; n == p.Nth {
				return &tr.Events[i]
			}
		}
	}
	return nil
}

// keeps reports whether tr keeps all orders.
func keeps(tr *schedule.Trace, because []triage.Reason) bool {
	for i := range because {
		o := &because[i].Order
		before, after := eventOf(tr, &o.Before), eventOf(tr, &o.After)
		switch {
		case after == nil:
		case before == nil:
			return false
		case o.Reads == triage.ReadsOld && before.Memory != "" && before.Over <= after.Step:
		case o.Reads == triage.ReadsNew && after.Memory != "" && after.Over <= before.Step:
			return false
		case before.Step > after.Step:
			return false
		}
	}
	return true
}

// loadsOld reports whether any thread has loaded an old value where load is.
func loadsOld(tr *schedule.Trace, load triage.Place) bool {
	return slices.ContainsFunc(tr.Events, func(ev schedule.Event) bool {
		return ev.Memory != "" && ev.Verb == load.Verb && ev.Func() == load.Func
	})
}
