package lockdep_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// twins are threads that do the same deeds with the same locks. What each is about and what it
// has got says all of a state.
type twins struct {
	*locks
	deeds   []deed
	threads [3]*doing
	numbers [4]uint8 // and that of RCU
}

func newTwins(deeds []deed) *twins {
	w := &twins{locks: new(locks), deeds: deeds}
	w.Bind(w.locks, "v")
	return w
}

func (w *twins) begin(e *schedule.Exec) {
	e.Static(&w.Object, 0)
	p := newProver()
	p.begin()
	for i := range w.threads {
		d := &doing{v: w.locks, p: p, task: &task{}, missed: map[int]bool{}}
		w.threads[i] = d
		e.Go("twin", func(t *schedule.Thread) {
			d.t = t
			d.do(w.deeds)
		})
	}
	rcu.Boot(e, rcu.Merged)
}

// canonical is [explore.Canonical].
func (w *twins) canonical(e *schedule.Exec, last *schedule.Thread) (schedule.State, []uint8) {
	words := make([]uint64, len(w.threads))
	for i, d := range w.threads {
		t := e.Threads()[i]
		words[i] = 0
		if !t.Finished() {
			words[i] = xxhash.Sum64String(fmt.Sprint(t == last, d.at, t.Op().Verb, d.missed))
		}
	}
	sorted := slices.Sorted(slices.Values(words))
	var buf []byte
	for _, word := range sorted {
		buf = binary.LittleEndian.AppendUint64(buf, word)
	}
	for i, word := range words {
		place := slices.Index(sorted, word)
		w.numbers[i] = uint8(place)
		sorted[place]++ // taken
	}
	w.numbers[3] = 3
	return schedule.State{Lo: xxhash.Sum64(buf), Hi: xxhash.Sum64(append(buf, 1))}, w.numbers[:]
}

// pairs returns deeds that take one lock and then another, twice, give them back in any order,
// and turn softirqs off at times.
func pairs(rng *rand.Rand) (deeds []deed) {
	var spins []wanted // in a rwsem the order of who waits would be part of the state
	for _, l := range wants {
		if !l.sleeps {
			spins = append(spins, l)
		}
	}
	for range 2 {
		i, j := rng.IntN(len(spins)), rng.IntN(len(spins))
		for spins[i].id == spins[j].id {
			j = rng.IntN(len(spins))
		}
		n := len(deeds)
		gives := []deed{spins[i].give(n), spins[j].give(n + 1)}
		if rng.IntN(2) == 0 && !spins[i].bh && !spins[j].bh {
			slices.Reverse(gives)
		}
		deeds = append(append(deeds, spins[i].take(n), spins[j].take(n+1)), gives...)
	}
	return deeds
}

// TestOrderSymmetry has a search that exchanges threads see what one that does not sees.
func TestOrderSymmetry(t *testing.T) {
	seeds := uint64(20)
	if testing.Short() {
		seeds = 4
	}
	compared, kept, saved := 0, 0, 0
	for seed := range seeds {
		deeds := pairs(rand.New(rand.NewPCG(390+seed, 9)))
		p := schedule.Program{Name: "twins", New: func() func(*schedule.Exec) {
			return newTwins(deeds).begin
		}}
		opt := explore.Options{Bound: explore.Unbounded, MaxNodes: 5_000}
		var plain, reduced lockdep.Order
		want := explore.Last(explore.Exhaust(ctx, lockdep.Watched(p, &plain), opt))
		if !want.Complete() {
			continue
		}
		opt.Symmetry = &explore.Symmetry{
			Class: func(thread int) int { return thread / 3 * 3 },
			New: func() (func(*schedule.Exec), explore.Canonical) {
				w := newTwins(deeds)
				return reduced.Watch(w.begin), w.canonical
			},
		}
		got := explore.Last(explore.Exhaust(ctx, p, opt))
		if !got.Complete() || got.All.Cmp(want.All) != 0 {
			t.Fatalf("seed %d: %v executions, want %v: %s %v", seed, got.All, want.All, got.Stop, got.Err)
		}
		if got, want := without(reduced.Facts()), without(plain.Facts()); !reflect.DeepEqual(got, want) {
			t.Errorf("seed %d: %v, want %v", seed, got, want)
		}
		compared++
		saved += want.Nodes - got.Nodes
		kept += len(plain.Facts())
	}
	t.Logf("%d compared, %d facts, %d nodes less", compared, kept, saved)
	if compared < int(seeds)/2 || kept < 2*int(seeds) || saved < 100*int(seeds) {
		t.Errorf("%d compared, %d facts, %d nodes less", compared, kept, saved)
	}
}
