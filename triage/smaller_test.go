package triage_test

import (
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// TestSmaller has all smaller workloads of the toy excluded: of one thread with 1 call, of
// which there are 5, or 2 calls. Two threads make at least 2.
func TestSmaller(t *testing.T) {
	for _, s := range failing(t, workload, 0, 5) {
		res := minimize(t, workload, s, triage.Options{})
		got := *res.Certificate.Smaller
		if got.Workloads != 5+5*5 || !got.Complete() || got.States == 0 {
			t.Errorf("tape %s: %+v", s, got)
		}
		const want = "\n  no workload with fewer threads or calls fails this way: 30 workloads, "
		if text := res.Certificate.String(); !strings.Contains(text, want) {
			t.Errorf("tape %s: %s", s, text)
		}
	}
}

// TestSmallerOpen has a budget that does not suffice.
func TestSmallerOpen(t *testing.T) {
	s := failing(t, workload, 0, 1)[0]
	got := *minimize(t, workload, s, triage.Options{Nodes: 20}).Certificate.Smaller
	if got.Complete() || !got.Uncounted || got.Excluded > got.Workloads {
		t.Errorf("%+v", got)
	}
	for want, s := range map[string]triage.Smaller{
		"of more than 30 workloads with fewer threads or calls 7 cannot fail this way (9 states), " +
			"the others are open": {Workloads: 30, Excluded: 7, States: 9, Uncounted: true},
		"of 30 workloads with fewer threads or calls 7 cannot fail this way (9 states), " +
			"the others are open": {Workloads: 30, Excluded: 7, States: 9},
		"no workload is smaller": {},
		"whether a workload with fewer threads or calls fails this way was " +
			"not looked at": {Uncounted: true},
	} {
		if got := s.String(); got != want {
			t.Errorf("%+v: %s", s, got)
		}
	}
	if c := minimize(t, window, failing(t, window, 0, 1)[0], triage.Options{}).Certificate; c.Smaller != nil {
		t.Errorf("of a program that chooses nothing: %+v", c.Smaller)
	}
}

// remote chooses two threads that race, or one that fails by itself if both of two
// choices, far from those of the race, are right.
var remote = schedule.Program{Name: "toy/remote", New: func() func(*schedule.Exec) {
	k := newToy()
	return func(e *schedule.Exec) {
		k.boot(e)
		if alone := e.Choose(2) == 1; alone {
			e.CountCalls(1)
			right := e.Choose(8) == 5
			right = e.Choose(8) == 3 && right
			e.Go("alone", func(t *schedule.Thread) {
				if right {
					k.mm.window.Set(1)
				}
				k.peekLocked(t)
			})
			return
		}
		e.CountCalls(2)
		e.Go("peek", k.peekLocked)
		e.Go("open", k.openWindow)
	}
}}

// peekLocked fails if the window is open.
func (k *toy) peekLocked(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "READ_ONCE", Cell: &k.mm.window, Mode: readOnce})
	if t.Observe(k.mm.window.Value()) == 1 {
		t.Fail(schedule.BugOn, &k.mm.Object, schedule.Party{}, "seen half open")
	}
}

// TestSmallerFound finds the one smaller workload that fails, which no change of one choice
// leads to.
func TestSmallerFound(t *testing.T) {
	r := schedule.NewRunner(remote)
	defer r.Close()
	race := schedule.Tape{0, 1, 1}
	if res := r.RunTape(race); res.Outcome != schedule.Fail || r.Exec().Calls() != 2 {
		t.Fatalf("%v, %d calls", res.Outcome, r.Exec().Calls())
	}
	res := minimize(t, remote, race, triage.Options{})
	if got := triage.TapeText(res.Final.Tape); got != "153" || res.Final.Threads != 1 {
		t.Errorf("%v, tape %s, want 153", res.Final, got)
	}
	if got := res.Certificate.Smaller; got.Workloads != 0 || !got.Complete() {
		t.Errorf("%+v", got)
	}
	for _, p := range res.Passes {
		if p.Name == "smaller" && p.Accepted != 1 {
			t.Errorf("%+v", p)
		}
	}
}

// calm fails in the workload that the empty tape chooses, unless a later choice is 1, and in
// the other one only if a later choice is 1.
var calm = schedule.Program{Name: "toy/calm", New: func() func(*schedule.Exec) {
	k := newToy()
	peekIf := func(want int) func(t *schedule.Thread) {
		return func(t *schedule.Thread) {
			k.getpid(t)
			if t.Choose(2) == want {
				k.peekLocked(t)
			}
		}
	}
	return func(e *schedule.Exec) {
		k.boot(e)
		if e.Choose(2) == 0 {
			k.mm.window.Set(1)
			e.CountCalls(1)
			e.Go("alone", peekIf(0))
			return
		}
		e.CountCalls(2)
		e.Go("peek", peekIf(1))
		e.Go("open", k.openWindow)
	}
}}

// TestSmallerEmpty: where the smallest execution is that of the empty tape it is found as well.
func TestSmallerEmpty(t *testing.T) {
	r := schedule.NewRunner(calm)
	defer r.Close()
	var race schedule.Tape
	for n := range 1 << 12 { // the first that fails in the larger workload
		race = schedule.Tape{1}
		for i := range 12 {
			race = append(race, uint8(n>>i&1))
		}
		if r.RunTape(race).Outcome == schedule.Fail {
			break
		}
	}
	res := minimize(t, calm, race, triage.Options{})
	if got := triage.TapeText(res.Final.Tape); got != "0" || res.Final.Threads != 1 {
		t.Errorf("%v, tape %s, want 0\n%v", res.Final, got, &res.Certificate)
	}
}
