package schedule_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// A group is what one step of a random program stores: to which of the first cells of a shelf.
type group struct {
	cells   []int
	release bool
	wmb     bool // smp_wmb() comes before it
	part    int  // how many of them have
}

// A queueOf is a machine that makes the stores of groups, and loads: what is in memory, which groups
// wait, how many have been made, and what has been loaded.
type queueOf struct {
	memory [3]int
	waits  [8]int // 1 + the group
	n      int
	made   int
	loads  int
	seen   [3]int
}

// may reports whether group i of those that wait may get to memory.
func (q *queueOf) may(groups []group, i int) bool {
	g := groups[q.waits[i]-1]
	for _, w := range q.waits[:i] {
		older := groups[w-1]
		if g.release || older.part < g.part {
			return false
		}
		for _, c := range g.cells {
			if slices.Contains(older.cells, c) {
				return false
			}
		}
	}
	return true
}

// ends adds what the loads, of the cells in their order, can come to.
func (q queueOf) ends(groups []group, loads []int, met map[queueOf]bool, out map[string]bool) {
	if met[q] {
		return
	}
	met[q] = true
	if q.loads == len(loads) {
		out[fmt.Sprint(q.seen)] = true
		return
	}
	next := q
	next.seen[q.loads] = q.memory[loads[q.loads]]
	next.loads++
	next.ends(groups, loads, met, out)
	if q.made < len(groups) {
		next := q
		next.made++
		next.waits[next.n] = next.made
		next.n++
		next.ends(groups, loads, met, out)
	}
	for i := range q.n {
		if q.may(groups, i) {
			next := q
			for _, c := range groups[q.waits[i]-1].cells {
				next.memory[c] = q.waits[i]
			}
			copy(next.waits[i:], q.waits[i+1:])
			next.n--
			next.waits[next.n] = 0
			next.ends(groups, loads, met, out)
		}
	}
}

// grouped is a thread that stores groups, and one that loads.
func grouped(groups []group, loads []int, got map[string]bool) Program {
	return shelvedBy((*Exec).ReorderStores, func(e *Exec, s *shelf) {
		cells := []*Cell{&s.a, &s.b, &s.c}
		e.Go("stores", func(t *Thread) {
			for i, g := range groups {
				if g.wmb {
					t.Step(Op{Verb: "wmb", Mode: Compiler})
					t.StoreBarrier()
				}
				m := PlainWrite
				if g.release {
					m = WriteOnce | Release
				}
				t.Step(Op{Verb: "put", Cell: cells[g.cells[0]], Mode: m})
				for _, c := range g.cells {
					t.Store(cells[c], uint64(i+1))
				}
			}
		})
		e.Go("loads", func(t *Thread) {
			var seen [3]int
			for i, c := range loads {
				seen[i] = int(s.load(t, cells[c]))
			}
			got[fmt.Sprint(seen)] = true
		})
	})
}

// TestGroups compares random groups of stores with the machine. It has room for all that wait; where
// a buffer has not, less may happen.
func TestGroups(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 150 {
		var groups []group
		part, stores := 0, 0
		for range 2 + rng.IntN(4) {
			g := group{cells: rng.Perm(3)[:1+rng.IntN(3)], release: rng.IntN(4) == 0}
			if len(groups) > 0 && rng.IntN(4) == 0 {
				g.wmb = true
				part++
			}
			g.part = part
			stores += len(g.cells)
			groups = append(groups, g)
		}
		loads := []int{rng.IntN(3), rng.IntN(3), rng.IntN(3)}
		got, want := map[string]bool{}, map[string]bool{}
		r := explore.Last(explore.Exhaust(t.Context(), grouped(groups, loads, got),
			explore.Options{Bound: explore.Unbounded}))
		queueOf{}.ends(groups, loads, map[queueOf]bool{}, want)
		if !r.Complete() {
			t.Fatalf("%d: not complete", n)
		}
		for end := range got {
			if !want[end] {
				t.Errorf("%d: %v, loads of %v: comes to %s", n, groups, loads, end)
			}
		}
		if stores <= 8 && len(got) < len(want) {
			t.Errorf("%d: %v, loads of %v: comes to %v, want %v", n, groups, loads,
				slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
	}
}
