package statecov

import (
	"math/bits"
	"os"
	"strconv"
	"strings"
	"testing"
)

// feature is how libFuzzer reads a counter that is not 0: the number of its class
// (CounterToFeature in FuzzerTracePC.h).
func feature(counter byte) int {
	switch {
	case counter >= 128:
		return 7
	case counter >= 32:
		return 6
	case counter >= 16:
		return 5
	case counter >= 8:
		return 4
	case counter >= 4:
		return 3
	}
	return int(counter) - 1
}

// TestExtraSlot checks that every slot is one that libFuzzer tells from all others, and
// that a higher value is a higher slot, so that the higher of two is what it sees.
func TestExtraSlot(t *testing.T) {
	last, seen := 0, map[[2]int]bool{}
	for class := range uint64(8) {
		for low := range uint64(extraCounters) {
			at, value := extraSlot(class<<61 | low)
			if at != int(low) || feature(value) != int(class) {
				t.Fatalf("hash %#x: counter %d, value %d", class<<61|low, at, value)
			}
			seen[[2]int{at, feature(value)}] = true
			if int(value) < last {
				t.Fatalf("class %d has value %d, the one before had %d", class, value, last)
			}
			last = int(value)
		}
	}
	if len(seen) != 8*extraCounters {
		t.Errorf("%d slots, want %d", len(seen), 8*extraCounters)
	}
	if bits.OnesCount(extraCounters) != 1 {
		t.Errorf("%d counters: the low bits of a hash do not choose evenly", extraCounters)
	}
}

// TestExtraSize checks that the array in C is as large as the code believes.
func TestExtraSize(t *testing.T) {
	c, err := os.ReadFile("extra.c")
	if err != nil {
		t.Fatal(err)
	}
	if want := "kschedfuzz_states[" + strconv.Itoa(extraCounters) + "]"; !strings.Contains(string(c), want) {
		t.Errorf("extra.c has no %s", want)
	}
}
