//go:build !gofuzz || libfuzzer

package libfuzzer

import (
	"bytes"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/fuzz/mutate"
)

// TestMutate checks of each result that it is one of those that it may be, and how often
// each is.
func TestMutate(t *testing.T) {
	const name, limit, seeds = "FuzzFixedPutSuper", 100, 2000
	a, b := []byte("0010000000010002"), bytes.Repeat([]byte("01"), 30)
	x := fuzzer(name)
	drawn, crossed := 0, 0
	for seed := range uint64(seeds) {
		got := Mutate(name, a, limit, seed)
		if again := Mutate(name, a, limit, seed); !bytes.Equal(got, again) {
			t.Fatalf("seed %d: %q, then %q", seed, got, again)
		}
		if bytes.Equal(got, x.Draw(a, limit, seed)) {
			drawn++
		} else if !bytes.Equal(got, mutate.Bytes(a, limit, seed)) {
			t.Fatalf("Mutate(%q, %d, %d) = %q, which is neither", a, limit, seed, got)
		}
		both := CrossOver(name, a, b, limit, seed)
		if bytes.Equal(both, mutate.CrossOver(a, b, limit, seed)) {
			crossed++
		} else if !bytes.Equal(both, got) {
			t.Fatalf("CrossOver(%q, %q, %d, %d) = %q, which is neither", a, b, limit, seed, both)
		}
	}
	for what, n := range map[string]int{"drawn": drawn, "crossed": crossed} {
		if n < seeds/2-seeds/20 || n > seeds/2+seeds/20 {
			t.Errorf("%d of %d are %s", n, seeds, what)
		}
	}
}
