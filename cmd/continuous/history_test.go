package main

import "testing"

// TestHistory: however many points are added, few are kept, in order, from the first half of
// a minute to the last, and none much farther from the next than all others.
func TestHistory(t *testing.T) {
	var h history
	const n = 100_000
	for i := range n {
		h.add(point{Seconds: 5 * float64(i), Species: i})
		if len(h.Points) > maxPoints {
			t.Fatalf("%d points", len(h.Points))
		}
	}
	if len(h.Points) < maxPoints/2 {
		t.Errorf("%d points", len(h.Points))
	}
	const longest = 5.0 * n / (maxPoints / 2) * 2
	before := 0.0
	for i, p := range h.Points {
		if p.Seconds < before || p.Seconds-before > longest {
			t.Errorf("point %d at %v s, the one before at %v s", i, p.Seconds, before)
		}
		before = p.Seconds
	}
	if 5*n-before > longest {
		t.Errorf("the last point is at %v s of %v", before, 5*n)
	}
}
