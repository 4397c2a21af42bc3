package sample

import (
	"math/rand/v2"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
)

// TestCellIndex compares an index with a map, over random IDs, some of which differ in a few
// bits only.
func TestCellIndex(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var x cellIndex
	for round := range 20 {
		m := map[uint64]int{}
		for range 1 << (round % 12) {
			id := rng.Uint64N(1<<10) | rng.Uint64N(4)<<32
			at, ok := x.find(id)
			want, known := m[id]
			if ok != known || ok && at != want {
				t.Fatalf("round %d: %x is %d, %v, want %d, %v", round, id, at, ok, want, known)
			}
			if !ok {
				m[id] = len(m)
				x.put(id, m[id])
			}
		}
		for id, want := range m {
			if at, ok := x.find(id); !ok || at != want {
				t.Fatalf("round %d: %x is %d, %v, want %d", round, id, at, ok, want)
			}
		}
		x.forget()
		for id := range m {
			if _, ok := x.find(id); ok {
				t.Fatalf("round %d: %x was not forgotten", round, id)
			}
		}
	}
}

// TestNumbers: with the random words of an execution POS decides what it has decided then,
// and goes on with new ones where they end.
func TestNumbers(t *testing.T) {
	for _, name := range []string{"SafeStack", "CS.reorder_10", "CHESS.WSQ"} {
		p, err := bench.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		r := schedule.NewRunner(p.Schedule(bench.Main1))
		defer r.Close()
		first, second := NewPOS(1), NewPOS(2)
		run := func(pos *POS, words []uint64) string {
			r.Watch = pos
			defer func() { r.Watch = nil }()
			pos.BeginWith(words)
			res := r.Run(pos)
			pos.End(r.Exec(), res)
			return r.Taken().String()
		}
		others := 0
		for range 100 {
			want := run(first, nil)
			words := append([]uint64(nil), first.Numbers()...)
			if got := run(second, words); got != want {
				t.Fatalf("%s: %s with the words of %s", name, got, want)
			}
			half := words[:len(words)/2]
			if got := run(second, half); got != want {
				others++
			}
			for i, w := range half {
				if second.Numbers()[i] != w {
					t.Fatalf("%s: word %d is %x, want %x", name, i, second.Numbers()[i], w)
				}
			}
		}
		if others == 0 {
			t.Errorf("%s: half of the words decide all", name)
		}
		// Begin draws words of its own, as one that was never given any.
		if Once(r, second); len(second.Numbers()) != 0 && second.pcg.keep {
			t.Errorf("%s: Begin goes on keeping words", name)
		}
	}
}
