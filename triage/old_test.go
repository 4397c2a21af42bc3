package triage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// A litmus is a program where loads pass loads: threads of words such as "x=1" (a store), "x:=1" (a
// release), "x" (a load into the next register) and "rmb". It fails at its end if the registers,
// those of the first thread first, are exists.
type litmus struct {
	name    string
	threads []string
	exists  string
}

type litmusObject struct {
	schedule.Object
	X, Y, Z schedule.Cell
}

type litmusRegs struct {
	schedule.Object
	R [6]schedule.Cell
}

func (l litmus) program() schedule.Program {
	return schedule.Program{Name: "litmus/" + l.name, New: func() func(*schedule.Exec) {
		o, regs := new(litmusObject), new(litmusRegs)
		o.Bind(o, "o")
		regs.Bind(regs, "regs")
		regs.SetPrivate()
		return func(e *schedule.Exec) {
			e.ReorderLoads()
			e.Static(&o.Object, 0)
			e.Static(&regs.Object, 1)
			next := 0
			for i, code := range l.threads {
				words, reg := strings.Fields(code), next
				next += len(words) - strings.Count(code, "=") - strings.Count(code, "rmb")
				e.Go(fmt.Sprint("P", i), func(t *schedule.Thread) { o.run(t, words, regs, reg) })
			}
			e.AtEnd(func(e *schedule.Exec) {
				got := ""
				for i := range next {
					got += fmt.Sprint(regs.R[i].Value())
				}
				if got == l.exists {
					e.FailAtEnd(schedule.BugOn, &o.Object, schedule.Party{}, "exists")
				}
			})
		}
	}}
}

func (o *litmusObject) run(t *schedule.Thread, words []string, regs *litmusRegs, reg int) {
	for _, w := range words {
		c := map[byte]*schedule.Cell{'x': &o.X, 'y': &o.Y, 'z': &o.Z}[w[0]]
		switch {
		case w == "rmb":
			t.Step(schedule.Op{Verb: "smp_rmb", Mode: schedule.Compiler})
			t.LoadBarrier()
		case strings.Contains(w, "="):
			op := schedule.Op{Verb: "store", Cell: c, Mode: schedule.WriteOnce}
			if strings.Contains(w, ":") {
				op.Mode |= schedule.Release
			}
			t.Step(op)
			t.Store(c, uint64(w[len(w)-1]-'0'))
		default:
			regs.R[reg].Set(o.load(t, c, reg))
			reg++
		}
	}
}

// load loads c into a register. Each of these is a place in the code of its own.
func (o *litmusObject) load(t *schedule.Thread, c *schedule.Cell, reg int) uint64 {
	op := schedule.Op{Verb: "load", Cell: c, Mode: schedule.ReadOnce}
	switch reg {
	case 0:
		t.Step(op)
	case 1:
		t.Step(op)
	case 2:
		t.Step(op)
	case 3:
		t.Step(op)
	default:
		panic("load: too many registers")
	}
	return t.Observe(t.Load(c))
}

// fenced returns l with an smp_rmb() before the load into a register.
func (l litmus) fenced(reg int) litmus {
	l.threads = slices.Clone(l.threads)
	for i, code := range l.threads {
		words := strings.Fields(code)
		for j, w := range words {
			if strings.Contains(w, "=") {
				continue
			}
			if reg == 0 {
				l.threads[i] = strings.Join(slices.Insert(words, j, "rmb"), " ")
				l.name += "+rmb"
				return l
			}
			reg--
		}
	}
	panic("fenced: no such register")
}

var oldTests = []litmus{
	{"MP", []string{"x=1 y:=1", "y x"}, "10"},
	{"MP+plain", []string{"x=1 y=1", "y x"}, "10"},
	{"MP+twice", []string{"x=1 x=2 y:=1", "y x"}, "11"},
	{"MP+both", []string{"x=1 y:=1", "y x z"}, "100"},
	{"WRC", []string{"x=1", "x y:=1", "y x"}, "110"},
	{"IRIW", []string{"x=1", "y=1", "x y", "y x"}, "1010"},
	{"R", []string{"x=1 y:=1", "y=2 x"}, "0"},
}

// An oldRun is a run of a litmus, and what its loads and stores were about.
type oldRun struct {
	run
	value map[stepOf]string   // that a load has read, or that a store has brought to memory
	cells map[string][]string // the values of a cell in their order, the first ones 0
}

func recordOld(t *testing.T, r *schedule.Runner, tape schedule.Tape) oldRun {
	out := oldRun{record(t, r, tape), map[stepOf]string{}, map[string][]string{}}
	tr, err := r.Replay(out.tape)
	if err != nil {
		t.Fatal(err)
	}
	nth := map[stepOf]int{}
	for _, ev := range tr.Events {
		s := stepOf{ev.Thread, ev.Verb, ev.Object, 0}
		nth[s]++
		s.nth = nth[s]
		out.value[s] = ev.Value
		if ev.Verb == "drains" {
			if out.cells[ev.Object] == nil {
				out.cells[ev.Object] = []string{"0"}
			}
			out.cells[ev.Object] = append(out.cells[ev.Object], ev.Value)
		}
	}
	return out
}

// keepsReading is keeps, where what counts of a load is what it has read. No value is stored twice.
func (r oldRun) keepsReading(c triage.Cause) bool {
	o := orderOf(c.Order)
	if c.Reads == triage.AsTaken {
		return r.keeps(o)
	}
	load, store, old := o[0], o[1], c.Reads == triage.ReadsOld
	if !old {
		load, store = o[1], o[0]
	}
	if r.at[load] == 0 || r.at[store] == 0 {
		return r.keeps(o)
	}
	values := r.cells[store.object]
	return old == (slices.Index(values, r.value[load]) < slices.Index(values, r.value[store]))
}

func sufficesOld(runs []oldRun, causes []triage.Reason, sig triage.Signature) bool {
next:
	for _, r := range runs {
		for _, c := range causes {
			if !r.keepsReading(c.Cause) {
				continue next
			}
		}
		if r.sig != sig {
			return false
		}
	}
	return true
}

// TestExplainOld checks the explanations of all failures of programs where loads pass loads against
// all of their executions, and what they say of barriers against the program that has it.
func TestExplainOld(t *testing.T) {
	for _, l := range oldTests {
		t.Run(l.name, func(t *testing.T) {
			if testing.Short() && l.name == "IRIW" {
				t.Skip("it has the most executions")
			}
			p := l.program()
			r := schedule.NewRunner(p)
			defer r.Close()
			var runs []oldRun
			opt := explore.Options{Bound: explore.Unbounded}
			for tape := range explore.Executions(t.Context(), p, opt) {
				runs = append(runs, recordOld(t, r, tape))
			}
			failures, fenced := 0, map[int]bool{} // by register: whether it fails with a barrier there
			for _, failing := range runs {
				if failing.sig == (triage.Signature{}) {
					continue
				}
				failures++
				l.check(t, r, runs, failing, fenced, failures == 1)
			}
			t.Logf("%d executions, %d fail", len(runs), failures)
			if failures == 0 {
				t.Error("none fails")
			}
		})
	}
}

func (l litmus) check(
	t *testing.T, r *schedule.Runner, runs []oldRun, failing oldRun, fenced map[int]bool, log bool,
) {
	ex, err := triage.Explain(t.Context(), l.program(), failing.tape, 0, 0)
	if err != nil || !ex.Found {
		t.Fatalf("tape %s: %v, %v", failing.tape, ex, err)
	}
	if log {
		t.Log(ex)
		for i := range ex.Old {
			t.Log(&ex.Old[i])
		}
	}
	if !sufficesOld(runs, ex.Because, failing.sig) {
		t.Errorf("tape %s: these do not suffice: %v", failing.tape, ex)
	}
	for i, b := range ex.Because {
		if !failing.keepsReading(b.Cause) {
			t.Errorf("tape %s does not keep %d: %v", failing.tape, i+1, ex)
		}
		without := recordOld(t, r, b.Without)
		for j, c := range ex.Because {
			if without.keepsReading(c.Cause) != (j != i) {
				t.Errorf("tape %s, without %d: keeps %d: %v", b.Without, i, j, j == i)
			}
		}
		if without.sig == failing.sig {
			t.Errorf("tape %s, without %d, fails so all the same", b.Without, i)
		}
	}
	tr, err := r.Replay(failing.tape)
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range tr.Events {
		at := slices.IndexFunc(ex.Old, func(old triage.OldLoad) bool { return old.Load.Step == ev.Step })
		switch {
		case ev.Memory == "" && at >= 0:
			t.Errorf("tape %s: step %d has not loaded an old value", failing.tape, ev.Step)
		case ev.Memory != "":
			claimed := at >= 0 && ex.Old[at].Barrier > 0
			reg := l.register(tr, ev.Step)
			if _, known := fenced[reg]; !known {
				fenced[reg] = fails(t, l.fenced(reg).program())
			}
			if claimed == fenced[reg] {
				t.Errorf("tape %s: with a barrier before step %d it fails: %v; claimed that it does not: %v",
					failing.tape, ev.Step, claimed, claimed)
			}
		}
	}
}

// register returns into which a step loads.
func (l litmus) register(tr *schedule.Trace, step int) (reg int) {
	thread := tr.Events[step-1].Thread
	for _, code := range l.threads[:thread] {
		reg += len(strings.Fields(code)) - strings.Count(code, "=")
	}
	for _, ev := range tr.Events[:step-1] {
		if ev.Thread == thread && ev.Verb == "load" {
			reg++
		}
	}
	return reg
}

// fails reports whether any execution of p does.
func fails(t *testing.T, p schedule.Program) (any bool) {
	opt := explore.Options{Bound: explore.Unbounded}
	for _, res := range explore.Executions(t.Context(), p, opt) {
		any = any || res.Outcome == schedule.Fail
	}
	return any
}

// TestOldValueIrrelevant: what an old value that does not matter changes is neither the signature
// nor the explanation, and minimizing takes it away.
func TestOldValueIrrelevant(t *testing.T) {
	r := schedule.NewRunner(ringNoise)
	defer r.Close()
	old := func(tape schedule.Tape) (places []string) {
		tr, err := r.Replay(tape)
		if err != nil {
			t.Fatal(err)
		}
		if got := triage.Of(tr).String(); got != "v2 lost-update read_ring -" {
			t.Errorf("tape %s: signature %s", tape, got)
		}
		for _, ev := range tr.Events {
			if ev.Memory != "" {
				places = append(places, ev.Object)
			}
		}
		return places
	}
	both := 0
	for _, tape := range failing(t, ringNoise, 0, 60) {
		noisy := slices.Contains(old(tape), "mm->noise")
		if noisy {
			both++
		}
		ex, err := triage.Explain(t.Context(), ringNoise, tape, 0, 0)
		if err != nil || !ex.Found || len(ex.Old) != 1 || ex.Old[0].Load.Path != "head" ||
			ex.Old[0].Barrier == 0 {
			t.Fatalf("tape %s: %+v, %v", tape, ex, err)
		}
		for _, b := range ex.Because {
			if b.Before.Path == "noise" || b.After.Path == "noise" {
				t.Errorf("tape %s: %v", tape, ex)
			}
		}
		res := minimize(t, ringNoise, tape, triage.Options{})
		if got := old(res.Final.Tape); !slices.Equal(got, []string{"ctx->head"}) {
			t.Errorf("tape %s, minimized to %s: old values of %v", tape, res.Final.Tape, got)
		}
	}
	if both == 0 {
		t.Error("none has the other old value")
	}
}
