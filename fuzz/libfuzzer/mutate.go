//go:build !gofuzz || libfuzzer

package libfuzzer

import (
	"math/rand/v2"

	"github.com/kschedfuzz/kschedfuzz/fuzz/mutate"
)

// Mutate returns a mutation of an input of the target of that name, in at most limit bytes:
// half of them are drawn by a sampler ([target.Fuzzer.Draw]), which takes up to eight
// executions, and half are changes of the tape ([mutate.Bytes]). The same arguments give the
// same bytes.
//
// Draws find most failures soonest, changes a few; how much there is of each matters little
// (docs/benchmark, "libFuzzer").
func Mutate(name string, in []byte, limit int, seed uint64) []byte {
	if rand.New(rand.NewPCG(seed, 4)).IntN(2) == 0 {
		return fuzzer(name).Draw(in, limit, seed)
	}
	return mutate.Bytes(fuzzer(name).Digits(in), limit, seed)
}

// CrossOver returns an input made of two, or, every second time, a mutation of the first:
// libFuzzer asks for both as often. The same arguments give the same bytes.
func CrossOver(name string, a, b []byte, limit int, seed uint64) []byte {
	if rand.New(rand.NewPCG(seed, 5)).IntN(2) == 0 {
		return Mutate(name, a, limit, seed)
	}
	x := fuzzer(name)
	a = x.Digits(a)
	return mutate.CrossOver(a, x.Digits(b), limit, seed)
}
