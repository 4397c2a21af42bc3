package explore

import "math/rand/v2"

// A walk is the randomness of probes and checks. The same seed gives the same, for ever:
// math/rand/v2 promises the PCG generator's sequence.
type walk struct{ pcg rand.PCG }

func (w *walk) seed(seed uint64) { w.pcg.Seed(seed, 0) }

// below returns a random number below n, at most 2^32.
func (w *walk) below(n int) int {
	// 32 random bits are mapped to n ranges of equal size, the rest is
	// rejected (Lemire, ACM TOMACS 2019). It is done here since the standard
	// library's way from a source to a small number may change.
	m := uint32(n)
	for {
		product := uint64(uint32(w.pcg.Uint64()>>32)) * uint64(m)
		if low := uint32(product); low >= m || low >= -m%m {
			return int(product >> 32)
		}
	}
}
