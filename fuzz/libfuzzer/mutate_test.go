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
	const name, limit, seeds = "FuzzFixedPutSuper", 100, 1000
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

// TestMutateDrawn: an input whose end is drawn is mutated as the tape that it comes to.
func TestMutateDrawn(t *testing.T) {
	const name, limit = "FuzzFixedPutSuper", 200
	in := []byte("0013\xff4")
	x := fuzzer(name)
	tape := x.Digits(in)
	if len(tape) <= 4 || !bytes.HasPrefix(tape, in[:4]) {
		t.Fatalf("%q comes to %q", in, tape)
	}
	if again := x.Digits(tape); !bytes.Equal(again, tape) {
		t.Fatalf("digits %q become %q", tape, again)
	}
	for seed := range uint64(300) {
		got := Mutate(name, in, limit, seed)
		if want := Mutate(name, tape, limit, seed); !bytes.Equal(got, want) {
			t.Fatalf("Mutate(%q, %d, %d) = %q, of its tape %q", in, limit, seed, got, want)
		}
		got = CrossOver(name, []byte("12"), in, limit, seed)
		if want := CrossOver(name, []byte("12"), tape, limit, seed); !bytes.Equal(got, want) {
			t.Fatalf("CrossOver(\"12\", %q, %d, %d) = %q, of its tape %q", in, limit, seed, got, want)
		}
	}
}
