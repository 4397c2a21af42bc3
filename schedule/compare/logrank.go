package compare

import (
	"math"
	"slices"
)

// LogRank compares two cells of one program with the log-rank test (Mantel, "Evaluation of
// survival data and two new rank order statistics arising in its consideration", Cancer
// Chemotherapy Reports 1966): p is the probability that numbers which come from one
// distribution look as different as these. A seed that gave up counts, up to there, as one that
// has not failed; where that is may differ from seed to seed. Z is negative where a takes fewer
// executions than b.
func LogRank(a, b Cell) (z, p float64) {
	observed, expected, variance := 0.0, 0.0, 0.0
	times := append(a.found(), b.found()...)
	slices.Sort(times)
	for _, t := range slices.Compact(times) {
		na, nb := a.atRisk(t), b.atRisk(t)
		da, db := a.failing(t), b.failing(t)
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
