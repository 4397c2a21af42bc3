package explore

import (
	"context"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A mailbox is passed on without barriers.
type mailbox struct {
	schedule.Object
	full, data, more schedule.Cell
}

// passedOn is a program in which who loads learns one by one what there is to load.
func passedOn() schedule.Program {
	return schedule.Program{Name: "passed on", New: func() func(*schedule.Exec) {
		m := new(mailbox)
		m.Bind(m, "m")
		store := func(t *schedule.Thread, c *schedule.Cell, v uint64) {
			t.Step(schedule.Op{Verb: "store", Cell: c, Mode: schedule.WriteOnce})
			t.Store(c, v)
		}
		load := func(t *schedule.Thread, c *schedule.Cell) uint64 {
			t.Step(schedule.Op{Verb: "load", Cell: c, Mode: schedule.ReadOnce})
			return t.Observe(t.Load(c))
		}
		return func(e *schedule.Exec) {
			e.ReorderLoads()
			e.Static(&m.Object, 0)
			e.Go("gives", func(t *schedule.Thread) {
				store(t, &m.data, 1)
				store(t, &m.more, 1)
				store(t, &m.full, 1)
			})
			e.Go("takes", func(t *schedule.Thread) {
				for range 2 {
					if load(t, &m.full) == 0 {
						continue
					}
					if load(t, &m.data) == 0 && load(t, &m.more) == 0 {
						t.Fail(schedule.LostUpdate, &m.Object, schedule.Party{}, "empty")
					}
				}
			})
		}
	}}
}

// reports returns all reports, without the effort.
func reports(opt Options) (all []Report) {
	for r := range Exhaust(context.Background(), passedOn(), opt) {
		r.Runs, r.Steps = 0, 0
		all = append(all, r)
	}
	return all
}

// TestLearns searches a program where loads pass loads. Each bound is reported once, although the
// search begins anew, and several workers come to the same.
func TestLearns(t *testing.T) {
	want := reports(Options{Bound: Unbounded})
	for i, r := range want {
		if last := i == len(want)-1; r.Bound != i && !last || last != (r.Stop == Exhausted) {
			t.Errorf("report %d: bound %d, %v", i, r.Bound, r.Stop)
		}
	}
	end := want[len(want)-1]
	all := Unreduced(context.Background(), passedOn(), Options{Bound: Unbounded})
	if !end.Failed() || !reflect.DeepEqual(end.Endings, all.Endings) {
		t.Errorf("%+v\nwant %+v", end.Endings, all.Endings)
	}
	for workers := 2; workers <= 4; workers++ {
		if got := reports(Options{Bound: Unbounded, Workers: workers}); !reflect.DeepEqual(got, want) {
			t.Errorf("%d workers: %+v\nwant %+v", workers, got, want)
		}
	}
}

// TestLearnsResumes ends a search after each bound and goes on from its checkpoint, which knows what
// loads were known.
func TestLearnsResumes(t *testing.T) {
	want := reports(Options{Bound: Unbounded})
	opt := Options{Checkpoint: Checkpoint{File: filepath.Join(t.TempDir(), "checkpoint")}}
	for opt.Bound = 0; opt.Bound < len(want)-1; opt.Bound++ {
		reports(opt)
	}
	opt.Bound = Unbounded
	got := reports(opt)
	if a, b := got[len(got)-1], want[len(want)-1]; !reflect.DeepEqual(a.Endings, b.Endings) ||
		a.Nodes != b.Nodes || a.Stop != b.Stop {
		t.Errorf("%+v\nwant %+v", a, b)
	}
}

// A halves is one word of the kernel, which is two cells, and another word.
type halves struct {
	schedule.Object
	a, b, other, stored schedule.Cell
}

// inOneStep is a program in which a load of half a word comes behind a load of the other half
// ([schedule.Thread.LoadsNoOlder]). Both are stored in one step, and one of them in another step,
// before or after that: memory and the old values are the same then, but not what came with what.
// got counts what is loaded when all is stored.
func inOneStep(bothFirst bool, got map[[3]uint64]int) schedule.Program {
	return schedule.Program{Name: "in one step", New: func() func(*schedule.Exec) {
		w := new(halves)
		w.Bind(w, "w")
		stores := func(cells ...*schedule.Cell) func(*schedule.Thread) {
			return func(t *schedule.Thread) {
				t.Step(schedule.Op{Verb: "xchg", Cell: cells[0], Mode: schedule.RMWFull})
				for _, c := range cells {
					c.Set(1)
				}
				w.stored.Set(w.stored.Value() + 1)
			}
		}
		load := func(t *schedule.Thread, c *schedule.Cell) uint64 {
			t.Step(schedule.Op{Verb: "load", Cell: c, Mode: schedule.ReadOnce})
			return t.Observe(t.Load(c))
		}
		both, half := stores(&w.a, &w.b), stores(&w.a)
		var seen [3]uint64
		loads := func(t *schedule.Thread) {
			t.Step(schedule.Op{Verb: "load", Cell: &w.a, Mode: schedule.ReadOnce})
			all := t.Observe(w.stored.Value()) == 3
			seen[0] = t.Observe(t.Load(&w.a))
			t.LoadsNoOlder(&w.b)
			seen[1], seen[2] = load(t, &w.other), load(t, &w.b)
			if all {
				got[seen]++
			}
		}
		return func(e *schedule.Exec) {
			e.ReorderLoads()
			e.Static(&w.Object, 0)
			if bothFirst {
				e.Go("both", both)
				e.Go("half", half)
			} else {
				e.Go("half", half)
				e.Go("both", both)
			}
			e.Go("other", stores(&w.other))
			e.Go("loads", loads)
		}
	}}
}

// TestInOneStep: a search merges no states in which what was stored in one step is not the same.
func TestInOneStep(t *testing.T) {
	for _, bothFirst := range []bool{true, false} {
		all, got := map[[3]uint64]int{}, map[[3]uint64]int{}
		opt := Options{Bound: Unbounded}
		if rep := Unreduced(t.Context(), inOneStep(bothFirst, all), opt); !rep.Complete() {
			t.Fatal(rep.Coverage())
		}
		rep := Last(Exhaust(t.Context(), inOneStep(bothFirst, got), opt))
		if !rep.Complete() || len(got) != len(all) || got[[3]uint64{1, 1, 0}] == 0 {
			t.Errorf("%v: %s: loads %v, want all of %v", bothFirst, rep.Coverage(), got, all)
		}
	}
}

// TestStopNames: every reason has a name, and no two the same.
func TestStopNames(t *testing.T) {
	want := map[Stop]string{
		Continues: "continues", Exhausted: "exhausted", AtBound: "bound reached",
		NodeLimit: "node limit", MemoryLimit: "memory limit", Cancelled: "cancelled",
		Unsound: "unsound", BadCheckpoint: "bad checkpoint", beginsAnew: "begins anew",
	}
	if len(want) != len(stopNames) {
		t.Errorf("%d reasons, %d names", len(want), len(stopNames))
	}
	for stop, name := range want {
		if stop.String() != name {
			t.Errorf("%d is %q, want %q", stop, stop, name)
		}
	}
}
