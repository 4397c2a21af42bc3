package bench_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// bounds has the programs that are too large to be exhausted in a test, with the most
// preemptions that they are explored with. What is verified of them is that the bug does
// not show with fewer than the table says.
var bounds = map[string]int{
	"CS.queue@threads":       1, // what is stored in 2^19 sets of rounds
	"CS.queue@main(1)":       1,
	"CS.stack@main(1)":       1,
	"CS.stack-fixed@main(1)": 1,
	"CS.reorder_10@threads":  1,
	"CS.reorder_10@main(1)":  1,
	"CS.wronglock@threads":   1,
	"CS.wronglock@main(1)":   1,
	"SafeStack@threads":      2, // BenchmarkDeepest goes on
	"SafeStack@main(1)":      1,

	"CHESS.IWSQWS@threads":                1,
	"CHESS.IWSQWS@main(1)":                1,
	"CHESS.IWSQWS-fixed@threads":          1,
	"CHESS.IWSQWS-fixed@main(1)":          1,
	"CHESS.SWSQ@threads":                  1,
	"CHESS.SWSQ@main(1)":                  1,
	"CHESS.SWSQ-fixed@threads":            1,
	"CHESS.SWSQ-fixed@main(1)":            1,
	"Inspect.boundedBuffer@threads":       1,
	"Inspect.boundedBuffer@main(1)":       1,
	"Inspect.boundedBuffer-fixed@threads": 1,
	"Inspect.boundedBuffer-fixed@main(1)": 1,
	"Inspect.qsort_mt@threads":            1,
	"Inspect.qsort_mt@main(1)":            1,
	"Inspect.qsort_mt-fixed@threads":      1,
	"Inspect.qsort_mt-fixed@main(1)":      1,
	"RADBench.bug4@threads":               2,
	"RADBench.bug4@main(1)":               2,
}

// crowded reports whether p has too many threads to be explored at all: before the first
// preemption any set of them may have finished.
func crowded(p bench.Program) bool { return p.Threads > 16 }

// TestCrowded: what cannot be explored is sampled. It fails as the table says, and fixed it
// does not. With -short those of up to 24 threads are.
func TestCrowded(t *testing.T) {
	for _, p := range bench.Programs() {
		if !crowded(p) {
			continue
		}
		runs := 150
		switch {
		case testing.Short() && p.Threads > 24:
			continue
		case testing.Short():
			runs = 50
		case p.Threads > 64:
			runs = 250
		}
		for _, f := range forms() {
			r := schedule.NewRunner(p.Schedule(f))
			defer r.Close()
			if !fails(r, sample.NewSURW(1), runs) {
				t.Errorf("%s@%v: no failure in %d executions", p.Name, f, runs)
			} else if kind := r.RunTape(slices.Clone(r.Taken())).Failure.Kind; kind != p.Kind {
				t.Errorf("%s@%v: %v, want %v", p.Name, f, kind, p.Kind)
			}
			if err := r.CheckDeterminism(slices.Clone(r.Taken())); err != nil {
				t.Error(err)
			}
			fixed := schedule.NewRunner(p.Fixed(f))
			defer fixed.Close()
			if fails(fixed, sample.NewSURW(1), runs) {
				t.Errorf("%s@%v fixed fails", p.Name, f)
			}
		}
	}
}

// slow are the programs that a test in a hurry (-short) leaves out.
var slow = []string{
	"CS.stack", "SafeStack", "CS.reorder_10", "CHESS.WSQ", "CS.wronglock", "CS.queue",
	"CHESS.IWSQ", "RADBench.bug4", "Inspect.boundedBuffer", "Splash2.lu", "CHESS.SWSQ",
	"CHESS.IWSQWS",
}

// explored explores p as far as a test may.
func explored(t *testing.T, p schedule.Program) explore.Report {
	t.Helper()
	bound, bounded := bounds[p.Name]
	if !bounded {
		bound = explore.Unbounded
	}
	r := explore.Last(explore.Exhaust(context.Background(), p, explore.Options{Bound: bound}))
	invalid := func(e explore.Ending) bool { return e.Outcome == schedule.Invalid }
	if !bounded && !r.Complete() || bounded && r.Bound < bound ||
		slices.ContainsFunc(r.Endings, invalid) {
		t.Errorf("%s: %s", p.Name, r.Coverage())
	}
	return r
}

// forms returns the forms that are explored.
func forms() []bench.Form {
	if testing.Short() {
		return []bench.Form{bench.Threads}
	}
	return []bench.Form{bench.Threads, bench.Main1}
}

// TestVerdicts: every program fails as the table says, with the fewest preemptions that
// the table says where all threads are there from the beginning, and in no other way. Fixed,
// it does not fail.
func TestVerdicts(t *testing.T) {
	for _, p := range bench.Programs() {
		if crowded(p) || testing.Short() && slices.Contains(slow, p.Name) {
			continue
		}
		for _, f := range forms() {
			r := explored(t, p.Schedule(f))
			got := r.Fewest()
			for kind := range got {
				if !p.Kinds().Has(kind) {
					t.Errorf("%s@%v: %v, want one of %v", p.Name, f, kind, p.Kinds().All())
				}
			}
			n, found := got[p.Kind]
			bound, bounded := bounds[p.Schedule(f).Name]
			late := bounded && bound < p.Preemptions
			if found == late || found && f == bench.Threads && n != p.Preemptions {
				t.Errorf("%s@%v: %v, want %v with %d preemptions", p.Name, f, got, p.Kind, p.Preemptions)
			}
			fixed := explored(t, p.Fixed(f))
			if got := fixed.Fewest(); len(got) > 0 {
				t.Errorf("%s@%v fixed: %v", p.Name, f, slices.Collect(maps.Keys(got)))
			}
		}
	}
}

// TestWitnesses: what TestVerdicts does not explore as far as to its bug fails with as few
// preemptions as the table says.
func TestWitnesses(t *testing.T) {
	for name, text := range map[string]string{
		"CHESS.IWSQWS": "000100001", "CHESS.SWSQ": "000100001",
	} {
		p, err := bench.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		tape, err := schedule.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		r := schedule.NewRunner(p.Schedule(bench.Threads))
		res := r.RunTape(tape)
		if res.Failure.Kind != p.Kind || res.Preemptions != p.Preemptions {
			t.Errorf("%s, tape %s: %v with %d preemptions, want %v with %d",
				name, text, res.Failure.Kind, res.Preemptions, p.Kind, p.Preemptions)
		}
		r.Close()
	}
}

// all calls f with every program in every form, racy and fixed.
func all(f func(p schedule.Program)) {
	for _, p := range bench.Programs() {
		if crowded(p) {
			continue // in a random execution hardly any state comes twice
		}
		for _, form := range bench.Forms() {
			f(p.Schedule(form))
			f(p.Fixed(form))
		}
	}
}

// TestThreads: the table counts threads right.
func TestThreads(t *testing.T) {
	for _, p := range bench.Programs() {
		for _, f := range bench.Forms() {
			r := schedule.NewRunner(p.Schedule(f))
			r.RunTape(nil)
			n := len(r.Exec().Threads())
			r.Close()
			if want := p.Threads - n; want != 0 && (f != bench.Threads || want != 1) {
				t.Errorf("%s@%v: %d threads, want %d", p.Name, f, n, p.Threads)
			}
		}
	}
}

// TestStates earns the state hash: see [explore.CheckStates].
func TestStates(t *testing.T) {
	pairs := 30
	if testing.Short() {
		pairs = 3
	}
	sum := 0
	all(func(p schedule.Program) {
		n, err := explore.CheckStates(p, pairs, 1)
		if err != nil {
			t.Error(err)
		}
		sum += n
	})
	if sum < 60*pairs {
		t.Errorf("only %d pairs compared", sum)
	}
}

// TestDeterminism: a tape is one execution, in any runner.
func TestDeterminism(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	tape := make(schedule.Tape, 100)
	all(func(p schedule.Program) {
		a, b := schedule.NewRunner(p), schedule.NewRunner(p)
		defer a.Close()
		defer b.Close()
		for i := range 10 {
			for j := range tape {
				tape[j] = 0
				if rng.IntN(1+i) == 0 {
					tape[j] = uint8(rng.IntN(16))
				}
			}
			if err := a.CheckDeterminism(tape); err != nil {
				t.Error(err)
			}
			if b.RunTape(tape); a.Exec().State() != b.Exec().State() || !slices.Equal(a.Taken(), b.Taken()) {
				t.Errorf("%s: tape %q: two runners end in different states", p.Name, tape)
			}
		}
	})
}

// TestAllocs: a warm run allocates nothing.
func TestAllocs(t *testing.T) {
	for _, p := range bench.Programs() {
		r := schedule.NewRunner(p.Schedule(bench.Main1))
		w := sample.NewWalk(1)
		for range 50 {
			r.Run(w)
		}
		if n := testing.AllocsPerRun(50, func() { r.Run(w) }); n != 0 {
			t.Errorf("%s: %v allocations a run", p.Name, n)
		}
		r.Close()
	}
}

// TestFind: names are found, and one name is one program.
func TestFind(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range bench.Programs() {
		q, err := bench.Find(p.Name)
		if err != nil || q.What != p.What || seen[p.Name] {
			t.Errorf("%s: %q, %v", p.Name, q.What, err)
		}
		if seen[p.Name] = true; p.What == "" || p.Source == "" {
			t.Errorf("%s: nothing is said of it", p.Name)
		}
	}
	if _, err := bench.Find("CS.nothing"); err == nil {
		t.Error("a program that there is not is found")
	}
}
