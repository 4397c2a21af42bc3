package guided

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// A census is how often executions ended in each state, by many of them: what the bound of a
// stream is compared with.
type census struct {
	share map[uint64]float64
	fails float64 // share of the executions
}

// takeCensus counts the ends of so many executions of a POS.
func takeCensus(r *schedule.Runner, n int) census {
	c, pos := census{share: map[uint64]float64{}}, sample.NewPOS(1<<32)
	for range n {
		if sample.Once(r, pos).Outcome == schedule.Fail {
			c.fails += 1 / float64(n)
		}
		c.share[r.Exec().State().Lo] += 1 / float64(n)
	}
	return c
}

// TestStreamOfPrograms: of programs with known bugs, the bound of a stream of POS is lower than
// what is left in no more of the streams than it says, 5%, at each length. What is left is the
// share of the executions that end where none of the stream has ended; and for a stream in which
// none has failed, the share of those that fail.
func TestStreamOfPrograms(t *testing.T) {
	streams, reference := 80, 6000
	if testing.Short() {
		streams, reference = 20, 3000
	}
	const longest = 256
	for _, name := range []string{
		"CS.token_ring", "CS.bluetooth_driver", "CS.reorder_3", "CS.reorder_5", "CS.reorder_10",
		"CS.wronglock", "CB.stringbuffer", "CVE-2016-1973", "refchain_3", "rcuchain_3",
	} {
		p, err := bench.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		r := schedule.NewRunner(p.Schedule(bench.Threads))
		defer r.Close()
		c := takeCensus(r, reference)
		low, missed := map[int]int{}, map[int]int{} // by length
		for seed := range uint64(streams) {
			var s stream
			s.init(1 << 12)
			pos, seen, failed := sample.NewPOS(seed), map[uint64]bool{}, false
			left := 1.0
			for n := 1; n <= longest; n++ {
				failed = sample.Once(r, pos).Outcome == schedule.Fail || failed
				end := r.Exec().State().Lo
				if s.add(end); !seen[end] {
					seen[end] = true
					left -= c.share[end]
				}
				if n&(n-1) != 0 {
					continue
				}
				if s.bound < left {
					low[n]++
				}
				if s.bound < c.fails && !failed {
					missed[n]++
				}
			}
		}
		for n := 1; n <= longest; n *= 2 {
			if low[n] > streams/20 || missed[n] > streams/20 {
				t.Errorf("%s: after %d executions the bound is lower than what is left in %d of %d streams, "+
					"than the failures in %d", name, n, low[n], streams, missed[n])
			}
		}
		t.Logf("%s: %.4f fail, of %d ends; low %v, missed %v", name, c.fails, len(c.share), low, missed)
	}
}
