//go:build !libfuzzer

package statecov

import (
	"bytes"
	"slices"
	"sync"
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

func clearSpares() {
	if Active() {
		for _, i := range spares {
			all[i] = 0
		}
	}
}

// TestHit checks the stores of Hit one by one, and that it never allocates.
func TestHit(t *testing.T) {
	if fuzzing() {
		t.Skip("the engine reads the counters that this test writes")
	}
	if allocs := testing.AllocsPerRun(100, func() { Hit(0) }); allocs != 0 {
		t.Errorf("Hit allocates %v times", allocs)
	}
	if !Active() {
		return
	}
	clearSpares()
	defer clearSpares()
	want := make([]byte, spareCounters)
	for i, bits := range map[uint64][]int{
		0:    {0},
		1:    {7},
		2:    {0, 1, 2, 3, 4, 5, 6, 7},
		3:    {7, 6, 5, 4, 3, 2, 1, 0}, // the highest stays
		4:    {3, 3},                   // the second is no news
		4095: {5, 2},
	} {
		for _, bit := range bits {
			const between = 0x155555555 << 20 // bits of the hash that play no part
			Hit(uint64(bit)<<61 | between | i)
			want[i] = max(want[i], 1<<bit)
		}
		for j, got := range spareBytes() {
			if got != want[j] {
				t.Errorf("after bits %d of counter %d: counter %d is %#x, want %#x", bits, i, j, got, want[j])
			}
		}
	}
}

// TestHitTogether gives the race detector a chance to complain, in a build
// with -race and -fuzz.
func TestHitTogether(t *testing.T) {
	if fuzzing() {
		t.Skip("the engine reads the counters that this test writes")
	}
	defer clearSpares()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range uint64(1000) {
				Hit(i<<61 | i)
			}
		})
	}
	wg.Wait()
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
