package guided

import "testing"

// TestCounts: what was not counted is 0, be it beyond all that was; the numbers of a
// step are the same after there was no more room for the next.
func TestCounts(t *testing.T) {
	var c counts
	want := map[uint32]uint32{}
	for _, id := range []uint32{3, 3, 255, 256, 3, 700, 1, 1 << 16, 255} {
		c.add(id)
		want[id]++
		for id := range uint32(1<<16 + 10) {
			if c.of(id) != want[id] {
				t.Fatalf("%d: %d, want %d", id, c.of(id), want[id])
			}
		}
	}
	if got := c.of(spent); got != 0 {
		t.Errorf("of no node: %d, want 0", got)
	}
}
