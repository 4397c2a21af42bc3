package explore

import "testing"

// TestBelow: a seed gives one sequence, in which every number comes as often as any other.
func TestBelow(t *testing.T) {
	const each = 1000
	for n := 1; n <= 16; n++ {
		var w, same, other walk
		w.seed(1)
		same.seed(1)
		other.seed(2)
		counts, differs := make([]int, n), n == 1
		for range each * n {
			x := w.below(n)
			counts[x]++
			if y := same.below(n); y != x {
				t.Fatalf("below %d: one seed gives %d and %d", n, x, y)
			}
			differs = other.below(n) != x || differs
		}
		if !differs {
			t.Errorf("below %d: two seeds give one sequence", n)
		}
		for x, count := range counts {
			if count < each*17/20 || count > each*23/20 { // nearly five standard deviations
				t.Errorf("below %d: %d came %d times of %d", n, x, count, each*n)
			}
		}
	}
}
