package guided_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
	"github.com/kschedfuzz/kschedfuzz/schedule/guided"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

func find(t testing.TB, name string) bench.Program {
	t.Helper()
	p, err := bench.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// An end is how and in which state an execution ended.
type end struct {
	outcome schedule.Outcome
	kind    schedule.Kind
	state   schedule.State
}

// TestComplete: an Engine that is Complete has come to every end that the enumeration of all
// executions comes to, and to no other, in fewer executions.
func TestComplete(t *testing.T) {
	programs := []schedule.Program{calls(2)} // a workload
	for _, name := range []string{
		"CS.account", "CS.lazy01", "CS.deadlock01", "CVE-2009-3547", "CVE-2015-7550",
		"handshake_2", "CS.twostage", "CVE-2016-1972",
	} {
		programs = append(programs,
			find(t, name).Schedule(bench.Threads), find(t, name).Fixed(bench.Threads))
	}
	for _, p := range programs {
		r := schedule.NewRunner(p)
		defer r.Close()
		want, all := map[end]bool{}, 0
		opt := explore.Options{Bound: explore.Unbounded}
		for tape := range explore.Executions(t.Context(), p, opt) {
			res := r.RunTape(tape)
			want[end{res.Outcome, res.Failure.Kind, r.Exec().State()}] = true
			if all++; all > 20_000 {
				break
			}
		}
		en := guided.New(1, guided.Options{})
		got := map[end]bool{}
		for !en.Stats().Complete && en.Stats().Executions < 20_000 {
			res := sample.Once(r, en)
			got[end{res.Outcome, res.Failure.Kind, r.Exec().State()}] = true
		}
		s := en.Stats()
		t.Logf("%s: %d executions of %d, %d ends, %+v", p.Name, s.Executions, all, len(got), s)
		if all > 20_000 {
			continue
		}
		if !s.Complete || !maps.Equal(got, want) {
			t.Errorf("%s: %d ends, want %d; %+v", p.Name, len(got), len(want), s)
		}
		if s.Executions > all+all/guided.Every+1 {
			t.Errorf("%s: %d executions, there are only %d", p.Name, s.Executions, all)
		}
	}
}

// tapes returns the tapes of the first n executions.
func tapes(t *testing.T, en *guided.Engine, p schedule.Program, n int) (out []string) {
	r := schedule.NewRunner(p)
	defer r.Close()
	for tape := range sample.Run(t.Context(), r, en) {
		if out = append(out, tape.String()); len(out) == n {
			break
		}
	}
	return out
}

// TestSeed: the same seed decides the same, another does not.
func TestSeed(t *testing.T) {
	for name, runs := range map[string]int{"CHESS.WSQ": 1000, "CS.twostage_100": 100} {
		if testing.Short() {
			runs /= 5
		}
		p := find(t, name).Schedule(bench.Main1)
		of := func(seed uint64) []string { return tapes(t, guided.New(seed, guided.Options{}), p, runs) }
		if !slices.Equal(of(1), of(1)) {
			t.Errorf("%s: the same seed decides otherwise", name)
		}
		if slices.Equal(of(1), of(2)) {
			t.Errorf("%s: another seed decides the same", name)
		}
	}
}

// TestAllocs: once warm nothing is allocated, be it that there is nothing new to be kept, or
// no room for it.
func TestAllocs(t *testing.T) {
	small := guided.Options{Nodes: 1000, Entries: 100}
	for _, test := range []struct {
		name string
		opt  guided.Options
	}{{"CVE-2016-1972", guided.Options{}}, {"SafeStack", small}, {"CS.twostage_20", small}} {
		r := schedule.NewRunner(find(t, test.name).Schedule(bench.Main1))
		defer r.Close()
		en := guided.New(1, test.opt)
		run := func() { sample.Once(r, en) }
		for range 3000 {
			run()
		}
		if n := testing.AllocsPerRun(500, run); n != 0 {
			t.Errorf("%s: %v allocations an execution; %+v", test.name, n, en.Stats())
		}
	}
}

// TestLimits: no more is kept than allowed, and what is not kept is still run.
func TestLimits(t *testing.T) {
	r := schedule.NewRunner(find(t, "CS.twostage").Schedule(bench.Threads))
	defer r.Close()
	en := guided.New(2, guided.Options{Nodes: 5, Entries: 3})
	ends := map[schedule.Outcome]int{}
	for range 500 {
		ends[sample.Once(r, en).Outcome]++
	}
	s := en.Stats()
	if s.Decisions != 5 || s.Memories != 3 || !s.Full || s.Complete {
		t.Errorf("%+v", s)
	}
	if ends[schedule.Fail] < 10 || ends[schedule.Pass] < 100 {
		t.Errorf("%v", ends)
	}
}

// TestCorpus: each tape of the corpus leads to a memory state of its own, and an Engine that
// is given them knows as many as the one that they are from.
func TestCorpus(t *testing.T) {
	p := find(t, "CVE-2016-1972").Schedule(bench.Threads)
	r := schedule.NewRunner(p)
	defer r.Close()
	en := guided.New(1, guided.Options{})
	for range 100 {
		sample.Once(r, en)
	}
	memories := map[uint64]bool{}
	other := guided.New(2, guided.Options{})
	n := 0
	for tape := range en.Corpus() {
		pos := 0
		r.Run(chooser(func(e *schedule.Exec, _ int) int {
			if pos == len(tape) {
				memories[e.Memory()] = true
				return -1
			}
			pos++
			return int(tape[pos-1])
		}))
		other.Add(tape)
		n++
	}
	if n != en.Stats().Memories || len(memories) != n || n < 10 {
		t.Errorf("%d tapes to %d memory states; %+v", n, len(memories), en.Stats())
	}
	for range n {
		sample.Once(r, other)
	}
	if got := other.Stats().Memories; got < n {
		t.Errorf("%d memory states from the tapes of %d", got, n)
	}
}

type chooser func(e *schedule.Exec, n int) int

func (c chooser) Choose(e *schedule.Exec, n int) int { return c(e, n) }

// TestDeep: bugs that take eight orders of steps are found in a few hundred executions with
// every seed, and the one that takes seven preemptions in some thousands.
func TestDeep(t *testing.T) {
	for _, test := range []struct {
		name  string
		seeds uint64
		most  int
	}{
		{"handshake_8", 20, 400}, {"refchain_8", 20, 100}, {"rcuchain_8", 20, 200},
		{"SafeStack", 2, 40_000},
	} {
		r := schedule.NewRunner(find(t, test.name).Schedule(bench.Threads))
		defer r.Close()
		sum := 0
		for seed := range test.seeds {
			en := guided.New(seed, guided.Options{})
			n := 1
			for ; n <= test.most && sample.Once(r, en).Outcome != schedule.Fail; n++ {
			}
			if n > test.most {
				t.Errorf("%s, seed %d: not in %d executions", test.name, seed, test.most)
			}
			sum += n
		}
		t.Logf("%s: %d executions in the mean", test.name, sum/int(test.seeds))
	}
}
