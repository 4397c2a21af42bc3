package schedule_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
)

// A desk is what the threads of the test share.
type desk struct {
	Object
	held, word, other Cell
	drawer            Shared
	open              Shared
	atDrawer          [2]bool
}

// Open is the gate of a lock.
func (d *desk) Open(*Thread) bool { return d.held.Value() == 0 }

func (d *desk) owner(t *Thread) {
	t.Await(Op{Verb: "lock", Cell: &d.held, Mode: LockOp}, d)
	d.held.Set(1)
	t.Step(Op{Verb: "store", Cell: &d.word, Mode: PlainWrite})
	d.word.Set(0) // what is there
	t.Step(Op{Verb: "take", Cell: &d.word, Mode: RMW})
	d.drawer.Writes(t, 3)
	d.atDrawer[t.ID] = true
	t.Step(Op{Verb: "unlock", Cell: &d.held, Mode: UnlockOp})
	d.held.Set(0)
}

func (d *desk) visitor(t *Thread) {
	t.Await(Op{Verb: "lock", Cell: &d.held, Mode: LockOp}, d)
	t.Step(Op{Verb: "look", Cell: &d.word, Mode: PlainRead})
	t.Observe(d.word.Value() + d.other.Value())
	d.other.Set(7)
	d.drawer.Reads(t, 3)
	d.open.Reads(t, 0)
}

func (d *desk) program() Program {
	return Program{Name: "desk", New: func() func(*Exec) {
		d.Bind(d, "desk")
		return func(e *Exec) {
			d.atDrawer = [2]bool{}
			d.open.Shows(e, func(t *Thread) bool { return d.atDrawer[t.ID] })
			e.Static(&d.Object, 0)
			e.Go("owner", d.owner)
			e.Go("visitor", d.visitor)
		}
	}}
}

// names writes a footprint: the first letters of cells, + where they are changed, and ? for
// what is in no cell.
func (d *desk) names(f Footprint) string {
	var out []string
	for _, t := range f {
		name := "?"
		for _, c := range []*Cell{&d.held, &d.word, &d.other, d.Self()} {
			if t.Key == c.ID() {
				name = "desk"
				if c.Path() != "" {
					name = c.Path()
				}
			}
		}
		if t.Writes {
			name += "+"
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestFootprints holds what each step of an execution has used, and what was asked.
func TestFootprints(t *testing.T) {
	d, foot := new(desk), new(Footprints)
	r := NewRunner(d.program())
	defer r.Close()
	plain := r.RunTape(nil)
	state := r.Exec().State()
	r.Footprints = foot
	if res := r.RunTape(nil); res != plain || r.Exec().State() != state {
		t.Errorf("with footprints %v, without %v", res, plain)
	}
	want := []struct {
		footprint, asked string
		thread           int
	}{
		{"desk held+", "0 true held; 1 true held; ", 0},
		{"desk word", "1 false held; ", 0},
		{"?+ ?+ desk", "1 false held; ", 0},    // the drawer, and what the thread shows
		{"?+ desk held+", "1 false held; ", 0}, // that it has finished
		{"desk held", "1 true held; ", 1},
		{"? ? ?+ desk other+ word", "", 1},
	}
	if foot.Len() != len(want) {
		t.Fatalf("%d steps, want %d", foot.Len(), len(want))
	}
	for i, w := range want {
		s := foot.Step(i)
		asked := ""
		foot.Asked(i, func(a Asked) bool {
			asked += fmt.Sprintf("%d %v %s; ", a.Thread, a.Open, d.names(a.Footprint))
			return true
		})
		if got := d.names(s.Footprint); got != w.footprint || asked != w.asked || s.Thread != w.thread {
			t.Errorf("step %d: thread %d used %q, asked %q; want %d, %q, %q", i+1, s.Thread, got,
				asked, w.thread, w.footprint, w.asked)
		}
	}
}

// TestConflicts compares footprints.
func TestConflicts(t *testing.T) {
	read, write, other := Footprint{{1, false}}, Footprint{{1, true}}, Footprint{{2, true}, {3, false}}
	for _, tt := range []struct {
		f, g Footprint
		want bool
	}{
		{read, read, false}, {read, write, true}, {write, write, true},
		{write, other, false}, {read.Add(other), write, true}, {nil, write, false},
	} {
		if tt.f.Conflicts(tt.g) != tt.want || tt.g.Conflicts(tt.f) != tt.want {
			t.Errorf("%v and %v: conflict %v, want %v", tt.f, tt.g, !tt.want, tt.want)
		}
	}
	if f := read.Add(write).Add(other); len(f) != 3 || !f[0].Writes {
		t.Errorf("added up: %v", f)
	}
}

// TestFootprintsAllocate holds that footprints cost nothing where they are off, and no
// allocations where they are on and warm.
func TestFootprintsAllocate(t *testing.T) {
	r := NewRunner(increments(3, 20))
	defer r.Close()
	in := []byte("0102010201")
	for _, foot := range []*Footprints{nil, new(Footprints)} {
		r.Footprints = foot
		r.RunBytes(nil)
		if n := testing.AllocsPerRun(50, func() { r.RunBytes(in) }); n != 0 {
			t.Errorf("footprints %v: %v allocations a run", foot != nil, n)
		}
	}
}
