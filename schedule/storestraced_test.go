package schedule_test

import (
	"slices"
	"testing"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
)

// TestStoresTraced: a trace says of a store buffer which stores wait in it after each step, and
// nothing of how it keeps them.
func TestStoresTraced(t *testing.T) {
	r := NewRunner(shelvedBy((*Exec).ReorderStores, func(e *Exec, s *shelf) {
		e.Static(s.heap.Header(), 0)
		e.Go("kill", func(t *Thread) {
			s.put(t, &s.a, 1)
			s.putPtr(t, &s.heap)
			s.put(t, &s.a, 2)
			t.Step(Op{Verb: "wmb"})
			t.StoreBarrier()
			t.Step(Op{Verb: "wmb"})
			t.StoreBarrier()
			s.put(t, &s.b, 1<<40)
			barrier(t)
		})
	}))
	defer r.Close()
	tr, err := r.Replay(nil)
	if err != nil {
		t.Fatal(err)
	}
	buffer := slices.IndexFunc(tr.Objects, func(o ObjectInfo) bool { return o.Kind == BufferKind })
	if buffer < 0 || tr.Objects[buffer].Name != "store buffer of kill" ||
		!slices.Equal(tr.Objects[buffer].Cells, []CellInfo{{Path: "waiting"}}) {
		t.Fatalf("objects %+v", tr.Objects)
	}
	var got []string
	for _, ch := range tr.Initial {
		if ch.Object == buffer {
			got = append(got, ch.Value)
		}
	}
	for _, ev := range tr.Events {
		for _, ch := range ev.Changes {
			if ch.Object == buffer {
				got = append(got, ev.Verb+": "+ch.Value)
			}
		}
	}
	want := []string{
		"nothing",
		"put: shelf->a <- 1",
		"put: shelf->a <- 1, shelf->p <- heap",
		"put: shelf->a <- 1, shelf->p <- heap, shelf->a <- 2",
		"wmb: shelf->a <- 1, shelf->p <- heap, shelf->a <- 2, smp_wmb", // and once is enough
		"put: shelf->a <- 1, shelf->p <- heap, shelf->a <- 2, smp_wmb, shelf->b",
		"drains: shelf->p <- heap, shelf->a <- 2, smp_wmb, shelf->b",
		"drains: shelf->a <- 2, smp_wmb, shelf->b",
		"drains: shelf->b",
		"drains: nothing",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}
