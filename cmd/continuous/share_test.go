package main

import (
	"math"
	"slices"
	"testing"
)

// turns has so many turns, in which target i discovers found[i], and returns how many each
// target had.
func turns(s *share, n int, found []int) []int {
	had := make([]int, len(found))
	for range n {
		i := s.next()
		had[i]++
		s.done(i, found[i])
	}
	return had
}

func TestShareEqual(t *testing.T) {
	s := newShare(make([]*target, 4))
	var order []int
	for range 9 {
		i := s.next()
		s.done(i, 0)
		order = append(order, i)
	}
	if want := []int{0, 1, 2, 3, 0, 1, 2, 3, 0}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
}

// TestShareByNews: half of the time is equal, the other half goes where species are found.
func TestShareByNews(t *testing.T) {
	s := newShare(make([]*target, 4))
	turns(s, 400, []int{30, 10, 0, 0}) // to come to rest
	had := turns(s, 8000, []int{30, 10, 0, 0})
	for i, want := range []float64{0.125 + 0.375, 0.125 + 0.125, 0.125, 0.125} {
		if got := float64(had[i]) / 8000; math.Abs(got-want) > 0.01 {
			t.Errorf("target %d: %.3f of the time, want %.3f", i, got, want)
		}
	}
	// What is no longer found is forgotten.
	turns(s, 2000, []int{0, 0, 0, 0})
	if got := turns(s, 400, []int{0, 0, 0, 0}); slices.Max(got)-slices.Min(got) > 1 {
		t.Errorf("nothing found any more: %v turns", got)
	}
}
