//go:build !libfuzzer

package statecov

import (
	"bytes"
	"slices"
	"testing"
)

// spareBytes returns the values of the spare counters.
func spareBytes() []byte {
	values := make([]byte, 0, spareCounters)
	for _, i := range spares {
		values = append(values, all[i])
	}
	return values
}

// TestHit checks every store of Hit, or that there is none where Active says
// no.
func TestHit(t *testing.T) {
	if !Active() {
		before := bytes.Clone(all)
		allocs := testing.AllocsPerRun(100, func() { Hit(1 << 61) })
		if allocs != 0 {
			t.Errorf("inert Hit allocates %v times", allocs)
		}
		if len(counters()) == 0 && !bytes.Equal(all, before) {
			t.Error("inert Hit stores something")
		}
		return
	}

	defer func() {
		for _, i := range spares {
			all[i] = 0
		}
	}()
	want := make([]byte, spareCounters)
	check := func(when string) {
		t.Helper()
		if got := spareBytes(); !bytes.Equal(got, want) {
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("%s: counter %d is %#x, want %#x", when, i, got[i], want[i])
				}
			}
		}
	}
	if fuzzing() {
		t.Skip("FuzzToy may have hit states already")
	}
	check("at the start")
	for i, bits := range map[uint64][]byte{
		0:    {0},
		1:    {7},
		2:    {0, 1, 2, 3, 4, 5, 6, 7},
		3:    {7, 6, 5, 4, 3, 2, 1, 0}, // only the highest counts
		4:    {3, 3},                   // once more is no news
		4095: {5, 2},
	} {
		for _, bit := range bits {
			const noise = 0x155555555 << 20 // the bits in between play no part
			Hit(uint64(bit)<<61 | noise&^(7<<61) | i)
			want[i] = max(want[i], 1<<bit)
		}
		check("after hits")
	}
	if allocs := testing.AllocsPerRun(100, func() { Hit(0) }); allocs != 0 {
		t.Errorf("Hit allocates %v times", allocs)
	}
}

// TestFindAgain checks that the counters found when the program started are
// distinct, that nothing but spare touches them, and that looking for them
// leaves them as they were.
func TestFindAgain(t *testing.T) {
	if !Active() {
		t.Skip("inert")
	}
	first, before := spares, spareBytes()
	for range 100 {
		if !find() {
			t.Fatal("not found again")
		}
	}
	if spares != first {
		t.Error("found other counters")
	}
	if !slices.IsSorted(spares[:]) || len(slices.Compact(slices.Clone(spares[:]))) != spareCounters {
		t.Error("a counter was found twice")
	}
	if !bytes.Equal(spareBytes(), before) {
		t.Error("bytes not restored")
	}
}
