package mutate

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// inputs are tapes and what no mutator has written.
var inputs = [][]byte{
	nil,
	[]byte("0"),
	[]byte("1"),
	[]byte("00000000"),
	[]byte("0010000000010002"),
	[]byte("???1????????????????0"), // decisions of 15 and more
	[]byte("\x00\xff\x80 zzz ???"),
	bytes.Repeat([]byte("01"), 300),
}

// TestPure checks the promises for any bytes: the same arguments, the same result; within
// the limit; canonical; and the arguments as they were.
func TestPure(t *testing.T) {
	check := func(what string, in []byte, limit int, seed uint64, f func() []byte) {
		t.Helper()
		before := slices.Clone(in)
		got := f()
		if again := f(); !bytes.Equal(got, again) {
			t.Fatalf("%s(%q, %d, %d) = %q, then %q", what, in, limit, seed, got, again)
		}
		if !bytes.Equal(in, before) {
			t.Fatalf("%s(%q, %d, %d) changed its input to %q", what, before, limit, seed, in)
		}
		if len(got) > limit {
			t.Fatalf("%s(%q, %d, %d) = %q, %d bytes", what, in, limit, seed, got, len(got))
		}
		if want := schedule.FromBytes(got).Canonical().Bytes(); !bytes.Equal(got, want) {
			t.Fatalf("%s(%q, %d, %d) = %q, which reads as %q", what, in, limit, seed, got, want)
		}
	}
	for _, in := range inputs {
		for _, limit := range []int{0, 1, 2, 7, 40, 512} {
			for seed := range uint64(200) {
				check("Bytes", in, limit, seed, func() []byte { return Bytes(in, limit, seed) })
				other := inputs[seed%uint64(len(inputs))]
				check("CrossOver", in, limit, seed, func() []byte { return CrossOver(in, other, limit, seed) })
			}
		}
	}
}

// TestChanges checks that a mutation is one, as far as there is room.
func TestChanges(t *testing.T) {
	for _, in := range inputs {
		before := schedule.FromBytes(in).Canonical()
		for seed := range uint64(1000) {
			if got := Bytes(in, 600, seed); slices.Equal(schedule.FromBytes(got), before) {
				t.Fatalf("Bytes(%q, 600, %d) = %q, the same tape", in, seed, got)
			}
		}
	}
	if got := Bytes([]byte("1"), 0, 1); len(got) != 0 {
		t.Errorf("no room: %q", got)
	}
}

// TestMutators checks of each mutator by what it may differ from the tape it was given.
func TestMutators(t *testing.T) {
	text := "0010000000010002000001"
	in, err := schedule.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	switches := func(s schedule.Tape) (n int) {
		for _, d := range s {
			if d != 0 {
				n++
			}
		}
		return n
	}
	// differ returns how many decisions differ, the end of a tape being calm.
	differ := func(a, b schedule.Tape) (n int) {
		a, b = pad(slices.Clone(a), len(b)), pad(slices.Clone(b), len(a))
		for i := range a {
			if a[i] != b[i] {
				n++
			}
		}
		return n
	}
	prefix := func(a, b schedule.Tape) bool { return len(b) <= len(a) && slices.Equal(a[:len(b)], b) }
	for _, tt := range []struct {
		name string
		f    mutator
		ok   func(out schedule.Tape) bool
	}{
		{"add", add, func(out schedule.Tape) bool {
			return differ(in, out) <= 1 && switches(out) >= switches(in) && len(out) <= len(in)+beyond
		}},
		{"drop", drop, func(out schedule.Tape) bool {
			return differ(in, out) == 1 && switches(out) == switches(in)-1
		}},
		{"move", move, func(out schedule.Tape) bool { // one may land on another
			return differ(in, out) <= 2 && switches(out) >= switches(in)-1 && len(out) <= len(in)+farthest
		}},
		{"redirect", redirect, func(out schedule.Tape) bool {
			return differ(in, out) <= 1 && switches(out) == switches(in)
		}},
		{"insert", insert, func(out schedule.Tape) bool {
			return len(out) > len(in) && len(out) <= len(in)+farthest && switches(out) == switches(in)
		}},
		{"remove", remove, func(out schedule.Tape) bool {
			return len(out) <= len(in) && len(out) >= len(in)-farthest && switches(out) <= switches(in)
		}},
		{"cut", cut, func(out schedule.Tape) bool { return prefix(in, out) }},
		{"deal", deal, func(out schedule.Tape) bool {
			return len(out) > 0 && len(out) <= len(in)+longest
		}},
		{"repeat", repeat, func(out schedule.Tape) bool {
			return len(out) >= len(in) && len(out) <= len(in)+2*farthest && differ(in, out) <= 2*farthest
		}},
	} {
		results := map[string]bool{}
		for seed := range uint64(1000) {
			out := tt.f(rand.New(rand.NewPCG(seed, 0)), slices.Clone(in))
			if !tt.ok(out) {
				t.Fatalf("%s(%s), seed %d: %s", tt.name, text, seed, out)
			}
			results[out.String()] = true
		}
		if len(results) < switches(in) {
			t.Errorf("%s: %d results only: %v", tt.name, len(results), results)
		}
		tt.f(rand.New(rand.NewPCG(1, 0)), nil) // an empty tape has no switches
	}
}

// TestCrossOver checks that every decision comes from one of the tapes, and that both the
// beginning of one with the end of the other and the switches of both are made.
func TestCrossOver(t *testing.T) {
	a, b := []byte("1111111111"), []byte("2222222222222")
	seen := map[string]bool{}
	for seed := range uint64(2000) {
		out := CrossOver(a, b, 100, seed)
		if i := bytes.IndexFunc(out, func(c rune) bool { return c != '1' && c != '2' }); i >= 0 {
			t.Fatalf("seed %d: %q: position %d is from neither", seed, out, i)
		}
		seen[string(out)] = true
	}
	for _, want := range []string{
		"1112222222222", // b from the same decision on
		"2221111111",    // the switches of both
		"11122",         // the last of b, sooner
	} {
		if !seen[want] {
			t.Errorf("%q is never made", want)
		}
	}
	if got := CrossOver([]byte("0101"), []byte("1000001"), 100, 3); len(got) > 11 {
		t.Errorf("longer than both: %q", got)
	}
}

func BenchmarkBytes(b *testing.B) {
	in := bytes.Repeat([]byte("000000010000"), 10)
	b.ReportAllocs()
	for i := range b.N {
		Bytes(in, 512, uint64(i))
	}
}
