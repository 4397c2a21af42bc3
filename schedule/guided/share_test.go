package guided_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/guided"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// team returns Engines that share.
func team(workers int, opt guided.Options) []*guided.Engine {
	engines := []*guided.Engine{guided.New(1, opt)}
	for i := 1; i < workers; i++ {
		engines = append(engines, engines[0].Share(uint64(1+i)))
	}
	return engines
}

// together runs at most n executions of the program, each by one of the engines, until nothing
// is left to see. It returns how they ended.
func together(p schedule.Program, engines []*guided.Engine, n int) map[end]int {
	var (
		wg   sync.WaitGroup
		left atomic.Int64
	)
	left.Store(int64(n))
	ends := make([]map[end]int, len(engines))
	for i, en := range engines {
		ends[i] = map[end]int{}
		wg.Go(func() {
			r := schedule.NewRunner(p)
			defer r.Close()
			for left.Add(-1) >= 0 && !en.Complete() {
				res := sample.Once(r, en)
				ends[i][end{res.Outcome, res.Failure.Kind, r.Exec().State()}]++
			}
		})
	}
	wg.Wait()
	for _, more := range ends[1:] {
		for e, n := range more {
			ends[0][e] += n
		}
	}
	return ends[0]
}

// TestShareComplete: when nothing is left to see for any number of Engines that share, they
// have come to the ends that one alone comes to, which are all (see TestComplete), and know
// the same decisions and memory states.
func TestShareComplete(t *testing.T) {
	for _, name := range []string{
		"CS.account", "CS.lazy01", "CS.deadlock01", "CVE-2009-3547", "CVE-2015-7550",
		"handshake_2", "CS.twostage", "CVE-2016-1972", "handshake_8", "refchain_8",
	} {
		p := find(t, name).Schedule(bench.Threads)
		alone := team(1, guided.Options{})
		want := together(p, alone, 100_000)
		for workers := 2; workers <= 8; workers++ {
			if testing.Short() && workers > 3 && workers < 8 {
				continue
			}
			engines := team(workers, guided.Options{})
			got := together(p, engines, 100_000)
			s, one := engines[workers-1].Stats(), alone[0].Stats()
			if !s.Complete || s.Decisions != one.Decisions || s.Memories != one.Memories {
				t.Errorf("%s, %d Engines: %+v, want what one has: %+v", name, workers, s, one)
			}
			if g, w := slices.Collect(maps.Keys(got)), len(want); len(g) != w {
				t.Errorf("%s, %d Engines: %d ends, want %d", name, workers, len(g), w)
			}
			for e := range got {
				if want[e] == 0 {
					t.Errorf("%s, %d Engines: %+v, to which one does not come", name, workers, e)
				}
			}
			sum := 0
			for _, n := range got {
				sum += n
			}
			if s.Executions != sum {
				t.Errorf("%s, %d Engines: %d executions; %+v", name, workers, sum, s)
			}
		}
	}
}

// TestShareStream: of all executions one in [guided.Every] is left alone, whatever number of
// Engines takes turns. With as many and more, those of the first are all left alone.
func TestShareStream(t *testing.T) {
	r := schedule.NewRunner(find(t, "SafeStack").Schedule(bench.Threads))
	defer r.Close()
	for _, test := range []struct{ workers, unguided int }{{1, 30}, {4, 30}, {16, 30}, {32, 15}} {
		engines := team(test.workers, guided.Options{})
		for i := range 480 {
			sample.Once(r, engines[i%test.workers])
		}
		if s := engines[test.workers-1].Stats(); s.Unguided != test.unguided {
			t.Errorf("%d Engines: %+v, want %d unguided", test.workers, s, test.unguided)
		}
	}
}

// TestShareLimits: as many Engines as there may be entries keep no more than one may, not
// even for a moment, and go on.
func TestShareLimits(t *testing.T) {
	for _, limit := range []int{1, 2, 3, 5, 50, 300} {
		opt := guided.Options{Nodes: limit, Entries: limit}
		engines := team(8, opt)
		ends := together(find(t, "SafeStack").Schedule(bench.Threads), engines, 2000)
		s, n, tapes := engines[0].Stats(), 0, 0
		for _, k := range ends {
			n += k
		}
		for range engines[3].Corpus() {
			tapes++
		}
		// A number that is given out and not used is one less.
		most := func(n int) bool { return n <= limit && n > limit-len(engines) }
		if n != 2000 || !s.Full || s.Complete || !most(s.Decisions) || s.Memories > limit {
			t.Errorf("%d: %d executions, %+v", limit, n, s)
		}
		if tapes != s.Memories {
			t.Errorf("%d: %d tapes, %+v", limit, tapes, s)
		}
	}
}

// TestShareCorpus: what one Engine is given all know.
func TestShareCorpus(t *testing.T) {
	p := find(t, "CVE-2016-1972").Schedule(bench.Threads)
	r := schedule.NewRunner(p)
	defer r.Close()
	engines := team(2, guided.Options{})
	for range 50 {
		sample.Once(r, engines[0])
	}
	a, b := engines[0], engines[1]
	if a.Stats() != b.Stats() || b.Stats().Executions != 50 || b.Stats().Memories < 10 {
		t.Errorf("%+v, %+v", a.Stats(), b.Stats())
	}
	show := func(en *guided.Engine) string { return fmt.Sprint(slices.Collect(en.Corpus())) }
	if show(a) != show(b) {
		t.Errorf("%v, %v", show(a), show(b))
	}
}
