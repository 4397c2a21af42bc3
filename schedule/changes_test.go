package schedule_test

import (
	"fmt"
	"slices"
	"testing"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
)

// TestChanges follows memory through a trace: what the changes come to is what the cells
// hold at the end.
func TestChanges(t *testing.T) {
	var made *ring
	r := NewRunner(ringProgram(func(r *ring, e *Exec) { made = r; race(r, e) }))
	defer r.Close()
	tr, err := r.Replay(nil)
	if err != nil {
		t.Fatal(err)
	}
	mm, ctx := tr.Objects[0], tr.Objects[1]
	if mm.Name != "mm" || !mm.Static || mm.Step != 0 || ctx.Name != "ctx" || ctx.Static {
		t.Fatalf("objects: %+v", tr.Objects)
	}
	want := []CellInfo{{Path: "slot", Pointer: true}, {Path: "lock"}, {Path: "queued"}}
	if !slices.Equal(mm.Cells, want) {
		t.Errorf("cells of mm: %+v, want %+v", mm.Cells, want)
	}
	if want := []Change{{Object: 0, Cell: 0, Value: "ctx"}}; !slices.Equal(tr.Initial, want) {
		t.Errorf("before the first step %v, want %v", tr.Initial, want)
	}
	values := map[string]string{}
	steps := 0
	for _, ev := range tr.Events {
		for _, ch := range ev.Changes {
			steps++
			o := tr.Objects[ch.Object]
			values[o.Name+"->"+o.Cells[ch.Cell].Path] = ch.Value
		}
	}
	for name, c := range map[string]*Cell{
		"mm->lock": &made.table.lock, "mm->queued": &made.table.queued, "ctx->users": &made.ctx.users,
	} {
		if want := fmt.Sprint(c.Value()); values[name] != want {
			t.Errorf("%s: the changes come to %q, it is %q", name, values[name], want)
		}
	}
	if values["mm->slot"] != "NULL" || steps != 6 {
		t.Errorf("%d changes, to %v", steps, values)
	}
}

// scratch allocates an object while it runs.
type scratch struct {
	ctx ringCtx
}

func (s *scratch) work(t *Thread) {
	t.Step(Op{Verb: "kmalloc"})
	t.Alloc(&s.ctx.Object, 0)
	s.ctx.users.Set(1)
	t.Step(Op{Verb: "kfree", Cell: s.ctx.Self(), Mode: Writes | Frees})
	t.Free(&s.ctx.Object)
}

// TestChangesOfAllocated: an object that a step allocates begins there, with its values.
func TestChangesOfAllocated(t *testing.T) {
	r := NewRunner(Program{Name: "scratch", New: func() func(*Exec) {
		s := new(scratch)
		s.ctx.Bind(&s.ctx, "ctx")
		return func(e *Exec) { e.Go("io_setup", s.work) }
	}})
	defer r.Close()
	tr, err := r.Replay(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(tr.Objects) != 1 || tr.Objects[0].Step != 1 || len(tr.Initial) != 0 {
		t.Fatalf("objects %+v, initial %v", tr.Objects, tr.Initial)
	}
	if got, want := tr.Events[0].Changes, []Change{{Value: "1"}}; !slices.Equal(got, want) {
		t.Errorf("step 1: %v, want %v", got, want)
	}
	if len(tr.Events[1].Changes) != 0 || !slices.Equal(tr.Events[1].Freed, []string{"ctx"}) {
		t.Errorf("step 2: %+v", tr.Events[1])
	}
}

// TestValueOfTruth: what a test returns is a number, though it tests a pointer.
func TestValueOfTruth(t *testing.T) {
	r := NewRunner(ringProgram(func(r *ring, e *Exec) {
		e.Go("lookup", func(t *Thread) {
			for _, v := range []bool{false, true} {
				t.Step(Op{Verb: "list_empty", Cell: &r.table.slot.Cell, Mode: PlainRead})
				t.ObserveBool(v)
			}
		})
	}))
	defer r.Close()
	tr, err := r.Replay(nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := tr.Events[0].Value, tr.Events[1].Value; a != "0" || b != "1" {
		t.Errorf("false is %q, true %q", a, b)
	}
}

// TestFailedThread: the thread that fails has not finished, in a trace.
func TestFailedThread(t *testing.T) {
	r := NewRunner(ringProgram(func(r *ring, e *Exec) {
		e.Go("lookup", func(t *Thread) {
			t.Step(Op{Verb: "read", Cell: &r.table.lock, Mode: PlainRead})
			t.Fail(LockRule, r.table.Header(), Party{}, "")
		})
		e.Go("kill", func(t *Thread) { t.Step(Op{Verb: "read", Cell: &r.table.lock, Mode: PlainRead}) })
	}))
	defer r.Close()
	for tape, want := range map[string][]string{
		"0": {"failed", "enabled"}, "1": {"failed", "finished"},
	} {
		s, err := Parse(tape)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := r.Replay(s)
		if err != nil {
			t.Fatal(err)
		}
		for i, info := range tr.Threads {
			if info.State != want[i] {
				t.Errorf("tape %s: %s is %s, want %s", tape, info.Name, info.State, want[i])
			}
		}
	}
}
