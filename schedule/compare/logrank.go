package compare

import "math"

// LogRank compares two cells of one program with the log-rank test (Mantel, "Evaluation of
// survival data and two new rank order statistics arising in its consideration", Cancer
// Chemotherapy Reports 1966): p is the probability that numbers which come from one
// distribution look as different as these. A seed that gave up counts as one that has not
// failed in so many executions. Z is negative where a takes fewer executions than b.
func LogRank(a, b Cell) (z, p float64) {
	observed, expected, variance := 0.0, 0.0, 0.0
	for _, t := range times(a, b) {
		na, nb := atRisk(a, t), atRisk(b, t)
		da, db := at(a, t), at(b, t)
		n, d := na+nb, da+db
		observed += da
		expected += d * na / n
		if n > 1 {
			variance += d * (na / n) * (nb / n) * (n - d) / (n - 1)
		}
	}
	if variance == 0 {
		return 0, 1
	}
	z = (expected - observed) / math.Sqrt(variance)
	return z, math.Erfc(math.Abs(z) / math.Sqrt2)
}

// times returns the different numbers at which a seed of either has failed.
func times(a, b Cell) (out []int) {
	seen := map[int]bool{}
	for _, t := range append(a.found(), b.found()...) {
		if !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	return out
}

// atRisk returns how many seeds have not failed before execution t, and run it.
func atRisk(c Cell, t int) (n float64) {
	for _, k := range c.Runs {
		if k >= t || k == 0 && c.Cap >= t {
			n++
		}
	}
	return n
}

// at returns how many seeds fail at execution t.
func at(c Cell, t int) (n float64) {
	for _, k := range c.Runs {
		if k == t {
			n++
		}
	}
	return n
}
