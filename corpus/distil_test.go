package corpus

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestDistil(t *testing.T) {
	for _, test := range []struct {
		name string
		sets [][]uint64
		want []int
	}{
		{"nothing", nil, nil},
		{"nothing covered", [][]uint64{nil, {}}, nil},
		{"the same", [][]uint64{{1, 2}, {2, 1, 1}}, []int{0}},
		{"one has all", [][]uint64{{1}, {2}, {1, 2, 3}}, []int{2}},
		{"one each", [][]uint64{{1}, {2}, {3}}, []int{0, 1, 2}},
		// The largest goes first, and then is not needed.
		{"dropped again", [][]uint64{{1, 2, 3, 4}, {1, 2, 5}, {3, 4, 6}}, []int{1, 2}},
	} {
		covers := func(i int) []uint64 { return test.sets[i] }
		if got := Distil(len(test.sets), covers); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

// TestDistilRandom compares with the smallest subset, found by trying all: nothing is
// lost, nothing is superfluous, and there are seldom more.
func TestDistilRandom(t *testing.T) {
	const rounds, n = 300, 10
	rng := rand.New(rand.NewPCG(1, 1))
	more := 0
	for range rounds {
		var sets [n]uint64
		all := uint64(0)
		for i := range sets {
			sets[i] = rng.Uint64() & rng.Uint64() & 0xffff
			all |= sets[i]
		}
		got := Distil(n, func(i int) []uint64 { return members(sets[i]) })
		for drop := -1; drop < len(got); drop++ {
			covered := uint64(0)
			for k, i := range got {
				if k != drop {
					covered |= sets[i]
				}
			}
			if (covered == all) != (drop < 0) {
				t.Fatalf("%v of %x, without the %d. of them: covered %x of %x", got, sets, drop, covered, all)
			}
		}
		more += len(got) - smallest(sets[:], all)
	}
	if more > rounds/10 {
		t.Errorf("%d more than needed in %d rounds", more, rounds)
	}
}

func members(set uint64) (out []uint64) {
	for ; set != 0; set &= set - 1 {
		out = append(out, uint64(bits.TrailingZeros64(set)))
	}
	return out
}

func smallest(sets []uint64, all uint64) int {
	best := len(sets)
	for subset := range 1 << len(sets) {
		covered := uint64(0)
		for _, i := range members(uint64(subset)) {
			covered |= sets[i]
		}
		if covered == all {
			best = min(best, bits.OnesCount(uint(subset)))
		}
	}
	return best
}
