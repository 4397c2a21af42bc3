package triage_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

func (k *toy) lookupRing(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "READ_ONCE", Cell: &k.ctx.head, Mode: readOnce})
	t.Observe(k.ctx.head.Value())
}

func (k *toy) copyRing(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "read", Cell: &k.ctx.head, Mode: schedule.PlainRead})
	t.Observe(k.ctx.head.Value())
}

// rings fails in one of two functions, by what looks alike but for the functions.
var rings = program("toy/rings", func(k *toy, e *schedule.Exec) {
	e.Go("io_getevents", func(t *schedule.Thread) {
		k.lookupRing(t)
		k.copyRing(t)
	})
	e.Go("io_destroy", func(t *schedule.Thread) {
		t.Step(schedule.Op{Verb: "kfree", Cell: k.ctx.Self(), Mode: schedule.Writes | schedule.Frees})
		t.Free(&k.ctx.Object)
	})
})

// second fails by the second choice of a step, of which the first is one of one at times.
var second = program("toy/second", func(k *toy, e *schedule.Exec) {
	e.Go("getpid", func(t *schedule.Thread) {
		t.Step(schedule.Op{Verb: "add", Cell: &k.mm.queued, Mode: rmw})
		k.mm.queued.Set(1)
	})
	e.Go("io_setup", func(t *schedule.Thread) {
		t.Step(schedule.Op{Verb: "alloc", Cell: &k.mm.queued, Mode: rmw})
		n := int(k.mm.queued.Value())
		t.Observe(uint64(n))
		t.Choose(n + 1)
		t.Means("which")
		if b := t.Choose(2); b == 1 {
			t.Means("no memory")
			t.Fail(schedule.BugOn, &k.mm.Object, schedule.Party{}, "")
		}
	})
})

// loadThenChoice fails by a choice in a step that loads what may be old.
var loadThenChoice = withMemory(rmo, program("toy/load-then-choice", func(k *toy, e *schedule.Exec) {
	e.Go("io_getevents", func(t *schedule.Thread) {
		t.Step(schedule.Op{Verb: "READ_ONCE", Cell: &k.mm.window, Mode: readOnce})
		t.Observe(t.Load(&k.mm.window))
		t.Step(schedule.Op{Verb: "READ_ONCE", Cell: &k.ctx.head, Mode: readOnce})
		t.Observe(t.Load(&k.ctx.head))
		if t.Choose(2) == 1 {
			t.Means("no memory")
			t.Fail(schedule.LostUpdate, &k.ctx.Object, schedule.Party{}, "")
		}
	})
	e.Go("kworker", k.completeRing)
}))

// explainAll explains every failure of a program.
func explainAll(t *testing.T, p schedule.Program) map[string]*triage.Explanation {
	r := schedule.NewRunner(p)
	defer r.Close()
	out := map[string]*triage.Explanation{}
	opt := explore.Options{Bound: explore.Unbounded}
	for tape, res := range explore.Executions(t.Context(), p, opt) {
		if res.Outcome != schedule.Fail {
			continue
		}
		ex, err := triage.Explain(t.Context(), p, tape, 0, 0)
		if err != nil || !ex.Found {
			t.Fatalf("%s: tape %v: %v, %v", p.Name, tape, ex, err)
		}
		out[triage.TapeText(tape)] = ex
	}
	return out
}

// TestExplainSameSight: what fails in another function is another failure, though all else that can
// be seen of it without its stack is the same.
func TestExplainSameSight(t *testing.T) {
	want := map[string]int{"01": 2, "1": 1} // orders, by tape
	got := explainAll(t, rings)
	if len(got) != len(want) {
		t.Fatalf("%d failures, want %d", len(got), len(want))
	}
	for tape, n := range want {
		if ex := got[tape]; len(ex.Because) != n {
			t.Errorf("tape %s: %v", tape, ex)
		}
	}
}

// TestExplainAsked: a choice is told from others of its step by how many the model has asked for
// before, also where some of these have one alternative, or where a load has had a choice.
func TestExplainAsked(t *testing.T) {
	for _, test := range []struct {
		program  schedule.Program
		failures int
		which    int
	}{{second, 3, 2}, {loadThenChoice, 29, 1}} {
		all := explainAll(t, test.program)
		if len(all) != test.failures {
			t.Errorf("%s: %d failures, want %d", test.program.Name, len(all), test.failures)
		}
		for tape, ex := range all {
			want := triage.Choice{Which: test.which, Taken: 1, Of: 2}
			if len(ex.Because) != 1 || ex.Because[0].Choice != want ||
				ex.Because[0].Meaning != "no memory" {
				t.Errorf("%s: tape %s: %v", test.program.Name, tape, ex)
			}
		}
	}
}
