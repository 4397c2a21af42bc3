package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestDiscovery compares the estimate with its definition: of n executions, how many show a
// species that no other shows.
func TestDiscovery(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	s := newStream(roomFor(1 << 20))
	var all [][]uint64
	for range 400 {
		var species []uint64
		for range r.IntN(5) {
			species = append(species, uint64(math.Pow(r.Float64(), 3)*200))
		}
		slices.Sort(species)
		species = slices.Compact(species)
		all = append(all, species)
		s.see(species, false)

		alone := 0
		for i, mine := range all {
			discovers := slices.ContainsFunc(mine, func(w uint64) bool {
				for j, other := range all {
					if j != i && slices.Contains(other, w) {
						return false
					}
				}
				return true
			})
			if discovers {
				alone++
			}
		}
		if got, want := s.discovery(), float64(alone)/float64(len(all)); got != want {
			t.Fatalf("after %d executions: %v, want %v", len(all), got, want)
		}
		for w := range uint64(200) {
			n := 0
			for _, e := range all {
				if slices.Contains(e, w) {
					n++
				}
			}
			if got := s.isShared(w); got != (n > 1) {
				t.Fatalf("species %d of %d executions: shared %v", w, n, got)
			}
		}
	}
}

// TestDiscoveryIsRight draws from a distribution that is known, and compares the mean of the
// estimate with the probability that it estimates.
func TestDiscoveryIsRight(t *testing.T) {
	const n, species, rounds = 50, 100, 4000
	r := rand.New(rand.NewPCG(2, 2))
	sum := 0.0
	for range rounds {
		s := newStream(roomFor(1 << 20))
		for range n {
			s.see([]uint64{uint64(r.IntN(species))}, false)
		}
		sum += s.discovery()
	}
	// A species, all being equal, is in none of n-1 executions.
	want := math.Pow(1-1.0/species, n-1)
	if got := sum / rounds; math.Abs(got-want) > 0.005 {
		t.Errorf("mean %.4f, want %.4f", got, want)
	}
}

func TestBound(t *testing.T) {
	s := newStream(roomFor(10))
	if got := s.bound(); got != 1 {
		t.Errorf("nothing run: %v", got)
	}
	for range 1000 {
		s.see([]uint64{1}, false)
	}
	// That 1000 executions pass has a probability of 0.05.
	if got := math.Pow(1-s.bound(), 1000); math.Abs(got-0.05) > 1e-9 {
		t.Errorf("at the bound: %v", got)
	}
	s.see(nil, true)
	if got := s.bound(); got != 1 {
		t.Errorf("after a failure: %v", got)
	}
}

// roomFor returns an allowance for n species, or executions.
func roomFor(n int64) *allowance {
	a := new(allowance)
	a.Store(n)
	return a
}

// TestStreamEnds: when there is no room for a species any more, a stream ends.
func TestStreamEnds(t *testing.T) {
	s := newStream(roomFor(3))
	for w := range uint64(10) {
		s.see([]uint64{w}, w == 9)
	}
	if s.executions != 4 || len(s.owner) != 3 || s.failures != 0 {
		t.Errorf("%d executions, discovery %v, %d failures", s.executions, s.discovery(), s.failures)
	}
}
