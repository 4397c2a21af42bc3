package sample_test

import (
	"math"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// TestDemote: who begins goes on to its end unless it is demoted, after each step with probability
// 1/8; then the other, who has not been, does. If both have, who goes on is a fair draw. So it is
// where SURW and ReadsFrom know of nothing, and decide by it.
func TestDemote(t *testing.T) {
	const n, rate = 40_000, 1.0 / 8
	stays := func(steps float64) float64 { return math.Pow(1-rate, steps) }
	for name, s := range map[string]sample.Sampler{
		"demote":      sample.NewDemote(1),
		"surw-demote": unlearnt{sample.NewSURWDemote(1)},
		"rf-demote":   sample.NewReadsFromDemote(1), // nobody reads
	} {
		late := count(t, s, 0, n, "s", "ooooooooos")
		near(t, name+", nine steps first", late["ba"], n, stays(9)/2)

		both := count(t, s, 0, n, "ss", "ss")
		near(t, name+", aabb", both["aabb"], n, stays(1)/2)
		near(t, name+", bbaa", both["bbaa"], n, stays(1)/2)
		near(t, name+", abba", both["abba"], n, rate*(stays(1)+rate/2)/2)
		near(t, name+", abab", both["abab"], n, rate*rate/4)
	}
}

// unlearnt is a SURW that has no profile.
type unlearnt struct{ *sample.SURW }

func (u unlearnt) Begin() {
	u.Forget()
	u.SURW.Begin()
}
