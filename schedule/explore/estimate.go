package explore

import (
	"context"
	"math"
	"math/big"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// An Estimate says how much there is to explore, from a few random executions.
type Estimate struct {
	Probes int // random executions

	// Executions estimates the number of executions, and Error is its standard
	// error as a fraction of it, estimated from the same probes. The estimate is
	// unbiased: over all seeds its mean is the number itself. But few executions carry
	// most of it, the more so the longer they are: where Error is above a tenth or so,
	// both are likely to be too low. Error cannot be above 1.
	Executions *big.Float
	Error      float64

	// Seen is how many nodes the probes came to, and Nodes estimates how many an
	// exhaustive search would keep. It is a lower bound as statistics has them: what
	// random executions reach in one of a million of cases it cannot know of.
	Seen  int
	Nodes float64
	// Bytes is what a search with so many nodes takes.
	Bytes float64

	Steps float64 // mean of the steps of a probe
}

// EstimateSize runs random executions of p and estimates how many executions there are
// with at most Options.Bound preemptions, and how many nodes [Exhaust] would keep. It is
// meant to be called before that. It ends early if ctx is done.
//
// The number of executions is that of the leaves of a tree, and estimated as Knuth does
// it (Estimating the efficiency of backtrack programs, Mathematics of Computation 29,
// 1975): a random way from the root to a leaf takes each of n alternatives with chance
// 1/n, so the product of all n along the way, counted for that leaf and 0 for the others, has
// the number of leaves as its mean.
//
// Nodes are species that each probe sees some of: their number is Chao's estimate from
// those that were seen in one probe only and in two (Estimating the population size for
// capture-recapture data with unequal catchability, Biometrics 43, 1987), which
// converges from below.
//
// Time is linear in probes and steps; memory takes 50 bytes for each node seen.
func EstimateSize(
	ctx context.Context, p schedule.Program, opt Options, probes int, seed uint64,
) Estimate {
	r := opt.runner(p)
	defer r.Close()
	r.Wide = true
	k := knuth{bound: opt.Bound, seen: make(map[key]uint8)}
	k.walk.seed(seed)
	var e Estimate
	var leaves []float64 // logarithms
	for e.Probes < probes && ctx.Err() == nil {
		k.leaves = 0
		res := r.Run(&k)
		e.Probes++
		e.Steps += (float64(res.Steps) - e.Steps) / float64(e.Probes)
		leaves = append(leaves, k.leaves)
	}
	e.Executions, e.Error = mean(leaves)
	e.Seen, e.Nodes = len(k.seen), k.chao(e.Probes)
	if len(k.seen) > 0 {
		perNode := float64(k.edges) / float64(k.visits) * float64(edgeBytes)
		e.Bytes = e.Nodes * (float64(nodeBytes+passBytes+2*slotBytes) + perNode)
	}
	return e
}

// mean returns the mean of numbers whose logarithms to base 2 are given, and its standard
// error as a fraction of it. The numbers may be larger than a float64 can be; their
// ratios to the largest cannot.
func mean(logs []float64) (mean *big.Float, fraction float64) {
	if len(logs) == 0 {
		return new(big.Float), 0
	}
	top := math.Floor(slices.Max(logs))
	n, sum, squares := float64(len(logs)), 0.0, 0.0
	for _, l := range logs {
		x := math.Exp2(l - top)
		sum += x
		squares += x * x
	}
	// The sum of squared differences from the mean is squares - sum*sum/n.
	variance := max(squares-sum*sum/n, 0) / max(n-1, 1)
	mean = new(big.Float).SetMantExp(big.NewFloat(sum/n), int(top))
	return mean, math.Sqrt(variance/n) / (sum / n)
}

// A knuth is the chooser of a probe.
type knuth struct {
	walk   walk
	bound  int
	leaves float64       // product of the numbers of alternatives, its logarithm to base 2
	seen   map[key]uint8 // in how many probes, 3 for more than two
	visits int           // nodes of all probes
	edges  int           // their alternatives
}

func (k *knuth) Choose(e *schedule.Exec, n int) int {
	at := keyOf(e)
	k.seen[at] = min(k.seen[at]+1, 3)
	k.visits++
	k.edges += n
	if e.Running() != nil && e.Preemptions() >= k.bound {
		return 0
	}
	k.leaves += math.Log2(float64(n))
	return k.walk.below(n)
}

// chao estimates the number of nodes.
func (k *knuth) chao(probes int) float64 {
	var once, twice float64
	for _, n := range k.seen { // in any order: it is a sum
		switch n {
		case 1:
			once++
		case 2:
			twice++
		}
	}
	unseen := 0.0
	if m := float64(probes); m > 0 {
		unseen = (m - 1) / m * once * (once - 1) / (2 * (twice + 1))
	}
	return float64(len(k.seen)) + unseen
}
