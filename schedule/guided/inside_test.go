package guided

import (
	"math/rand/v2"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// TestRank: decision and rank are inverse to each other, at all decisions of programs of
// ten and of a hundred threads, and rank orders alternatives by thread.
func TestRank(t *testing.T) {
	checkRank(t, "CS.reorder_10", 20, 5)
	checkRank(t, "CS.reorder_100", 5, 90)
}

// checkRank looks at the decisions of so many executions. The calm alternative must have at
// least so many ranks.
func checkRank(t *testing.T, name string, runs, ranks int) {
	p, err := bench.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	r := schedule.NewRunner(p.Schedule(bench.Threads))
	defer r.Close()
	rng := rand.New(rand.NewPCG(1, 1))
	calm := map[int]bool{}
	for range runs {
		r.Run(chooser(func(e *schedule.Exec, n int) int {
			last, zero := -1, calmRank(e)
			for k := range n {
				d := decision(k, zero)
				if rank(d, zero) != k || e.Alternative(d).ID <= last {
					t.Fatalf("edge %d is decision %d, which is edge %d", k, d, rank(d, zero))
				}
				last = e.Alternative(d).ID
			}
			calm[zero] = true
			return rng.IntN(n)
		}))
	}
	if len(calm) < ranks {
		t.Errorf("%s: the calm alternative was only at %v", name, calm)
	}
}

// TestManyRuns: when there have been more executions than a word of 32 bits counts, what was met
// in none of them is still new.
func TestManyRuns(t *testing.T) {
	c := contacts{run: 1<<32 - 1}
	c.begin()
	if s := c.find(1); s == nil || s.run == c.run {
		t.Errorf("a cell that nobody has accessed: %+v", s)
	}
	m := marks{epoch: 1<<32 - 1}
	if m.forget(); !m.add(1) || m.add(1) {
		t.Error("a hash is not marked when it is met")
	}
}

type chooser func(e *schedule.Exec, n int) int

func (c chooser) Choose(e *schedule.Exec, n int) int { return c(e, n) }

// TestAlone: what is left alone is watched by nobody, also among the first executions, where
// a team leaves more of them alone.
func TestAlone(t *testing.T) {
	for _, workers := range []int{1, 3, 9} {
		first := New(1, Options{})
		for i := 1; i < workers; i++ {
			first.Share(uint64(i))
		}
		alone := 0
		for range 4 * Every {
			first.Begin()
			if first.mode == aloneMode {
				if alone++; first.watched || first.sampler != first.alone {
					t.Errorf("%d engines, execution %d: watched", workers, first.tally.executions.Load())
				}
			}
			first.tally.executions.Add(1)
		}
		if want := 4 * Every / (Every / workers); alone < want/2 {
			t.Errorf("%d engines: %d left alone", workers, alone)
		}
	}
}

// TestStream draws ends with known probabilities, two of each next lower one, and compares
// the bound with what is left, at every length from 64 on. It may be too low in one of 20
// streams at each of them; the fixed seeds are no exception.
func TestStream(t *testing.T) {
	streams, longest := 2000, 4096
	if testing.Short() {
		streams = 200
	}
	low := map[int]int{} // streams whose bound was too low, by length
	tight := 0.0
	for seed := range uint64(streams) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s := stream{}
		s.init(1 << 12)
		left, seen := 1.0, map[uint64]bool{}
		for n := 1; n <= longest; n++ {
			end, p := uint64(1), 0.25
			for rng.IntN(2) == 0 && end < 40 {
				end, p = end+1, p/2
			}
			if end == 40 {
				p *= 2 // who gets so far stays there
			}
			end = end<<1 | rng.Uint64()&1
			if s.add(mix(end)); !seen[end] {
				seen[end] = true
				left -= p
			}
			if n&(n-1) == 0 && s.bound < left {
				low[n]++
			}
		}
		tight += s.bound / float64(streams)
	}
	for n, k := range low {
		if n >= 64 && k > streams/20 {
			t.Errorf("after %d ends the bound was too low in %d of %d streams", n, k, streams)
		}
	}
	// What the first half has left is 0.001 or so: one or two of the second half are new.
	if tight > 0.005 {
		t.Errorf("after %d ends the bound is %.4f in the mean: of no use", longest, tight)
	}
	t.Logf("after %d ends %.5f in the mean", longest, tight)
}

// mix makes of a number what looks like a hash.
func mix(x uint64) uint64 { return rand.New(rand.NewPCG(x, x)).Uint64() }

// TestUpper: with no success in n trials the bound is exact.
func TestUpper(t *testing.T) {
	for _, test := range []struct {
		successes, n int
		want         float64
	}{{0, 100, 0.029513}, {0, 1, 0.95}, {1, 1, 1}, {50, 100, 0.62058}} {
		if got := upper(test.successes, test.n); got < test.want-1e-4 || got > test.want+1e-4 {
			t.Errorf("%d of %d: %.5f, want %.5f", test.successes, test.n, got, test.want)
		}
	}
}

// TestLearnt: QLearning keeps a 16th as many states as there are decisions, in each Engine.
func TestLearnt(t *testing.T) {
	p, err := bench.Find("SafeStack")
	if err != nil {
		t.Fatal(err)
	}
	r := schedule.NewRunner(p.Schedule(bench.Threads))
	defer r.Close()
	en := New(1, Options{Nodes: 1600})
	for _, en := range []*Engine{en, en.Share(2)} {
		for range 2000 {
			sample.Once(r, en)
		}
		if n := en.samplers["qlearn"].(*sample.QLearning).States(); n < 30 || n > 100 {
			t.Errorf("%d states, want some of 100", n)
		}
	}
}
