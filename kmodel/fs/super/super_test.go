package super

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	listlru "github.com/kschedfuzz/kschedfuzz/kmodel/mm/list_lru"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// programs returns all programs, over the list_lrus of 4.9.
func programs() []program.Program { return Programs(newLRUs) }

func newLRUs() LRUs { return listlru.New() }

var update = flag.Bool("update", false, "rewrite testdata")

// exhaust explores every execution of p. Anything less is a failure of the test.
func exhaust(t *testing.T, p program.Program, mute schedule.Kinds) explore.Report {
	t.Helper()
	r := explore.Last(explore.Exhaust(context.Background(), p.Schedule(),
		explore.Options{Bound: explore.Unbounded, Mute: mute}))
	if !r.Complete() {
		t.Fatalf("%s: not exhausted: %s", p.Name(), r.Coverage())
	}
	return r
}

// fewest returns the kinds of failure in a report with the fewest preemptions of each.
func fewest(r explore.Report) map[schedule.Kind]int {
	out := map[schedule.Kind]int{}
	for _, e := range r.Endings {
		if e.Outcome == schedule.Fail {
			if n, ok := out[e.Kind]; !ok || e.Witness.Preemptions < n {
				out[e.Kind] = e.Witness.Preemptions
			}
		}
	}
	return out
}

// TestVerdicts exhausts every fixed scenario in every variant, as it is and with the
// kernel going on after a might_sleep() splat. The kinds of failure and the fewest
// preemptions of each are exactly those of the table.
func TestVerdicts(t *testing.T) {
	for _, p := range programs() {
		if p.Workload {
			continue
		}
		t.Run(p.Scenario+"@"+p.Variant, func(t *testing.T) {
			for _, mute := range []schedule.Kinds{0, muteSleep} {
				want := map[schedule.Kind]int{}
				for _, e := range p.Expect {
					if e.Mute == mute {
						want[e.Kind] = e.Preemptions
					}
				}
				r := exhaust(t, p, mute)
				if got := fewest(r); !maps.Equal(got, want) {
					t.Errorf("muted %v: kinds and fewest preemptions %v, want %v", mute.All(), got, want)
				}
			}
		})
	}
}

// TestMutants checks that whatever fails is a mutant that says of itself that in the kernel
// this cannot happen: reports print that below their title, and a reader of one must not
// take it for a bug of the kernel.
func TestMutants(t *testing.T) {
	for _, p := range programs() {
		if p.Racy() && (p.Versions != "mutant" || !strings.Contains(p.Patches, "cannot happen")) {
			t.Errorf("%s fails; it is of %q, and says %q", p.Name(), p.Versions, p.Patches)
		}
	}
}

// TestCounts compares the number of executions of every fixed scenario with
// testdata/counts.txt: in all and by kind of failure, for each number of preemptions up
// to 5. A lost or duplicated interleaving anywhere changes them.
func TestCounts(t *testing.T) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Executions with exactly 0 to 5 preemptions, by how they end.\n")
	for _, p := range programs() {
		if p.Workload {
			continue
		}
		r := exhaust(t, p, 0)
		sums := map[string][]uint64{"all": r.Executions[:min(6, len(r.Executions))]}
		for _, e := range r.Endings {
			name := e.Outcome.String()
			if e.Outcome == schedule.Fail {
				name = e.Kind.String()
			}
			sum := sums[name]
			for i, n := range e.Executions[:min(6, len(e.Executions))] {
				if i == len(sum) {
					sum = append(sum, 0)
				}
				sum[i] += n
			}
			sums[name] = sum
		}
		fmt.Fprintf(&out, "%s@%s: %d states\n", p.Scenario, p.Variant, r.Nodes)
		for _, name := range slices.Sorted(maps.Keys(sums)) {
			fmt.Fprintf(&out, "\t%-18s %d\n", name, sums[name])
		}
	}
	const file = "testdata/counts.txt"
	if *update {
		if err := os.WriteFile(file, out.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("the numbers of executions differ from %s; if you know why, run with -update\n%s",
			file, out.Bytes())
	}
}

// TestStates earns the state hash for every program: the fixed ones, and a few workloads
// that between them make every call.
func TestStates(t *testing.T) {
	pairs := 400
	if testing.Short() {
		pairs = 50
	}
	check := func(p schedule.Program) {
		n, err := explore.CheckStates(p, pairs, 1)
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		if n < pairs {
			t.Errorf("%s: only %d pairs compared, want %d", p.Name, n, pairs)
		}
	}
	for _, p := range programs() {
		if !p.Workload && !sequential(p) {
			check(p.Schedule())
		}
	}
	for _, script := range []string{
		"00" + "1" + "0" + "0" + "1" + "0" + "1", // umount; iterate_supers
		"01" + "1" + "1" + "021" + "1" + "1" + "01",
		"10" + "1" + "0" + "0" + "2" + "0" + "31" + "0" + "1" + "2010",
	} {
		for _, v := range variants {
			check(scripted(v, script))
		}
	}
}

// scripted is the workload of a variant with everything chosen but the schedule.
func scripted(v variant, script string) schedule.Program {
	return schedule.Program{Name: v.name + " " + script, New: func() func(*schedule.Exec) {
		w := newWorkload(newSystem(v.changes, newLRUs()))
		at := 0
		w.choose = func(_ *schedule.Exec, n int) int {
			at++
			return int(script[at-1]-'0') % n
		}
		return func(e *schedule.Exec) {
			at = 0
			w.begin(e)
		}
	}}
}

// randomTape returns a tape of n digits of which one in sparse is not 0.
func randomTape(rng *rand.Rand, n, sparse int) schedule.Tape {
	s := make(schedule.Tape, n)
	for i := range s {
		if rng.IntN(sparse) == 0 {
			s[i] = uint8(rng.IntN(16))
		}
	}
	return s
}

// TestDeterminism runs random tapes of every program twice in one runner, and in
// another runner at another GOMAXPROCS.
func TestDeterminism(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, p := range programs() {
		rng := rand.New(rand.NewPCG(7, 7))
		a, b := schedule.NewRunner(p.Schedule()), schedule.NewRunner(p.Schedule())
		for i := range 50 {
			s := randomTape(rng, 200, 1+i%8)
			runtime.GOMAXPROCS(1)
			if err := a.CheckDeterminism(s); err != nil {
				t.Error(err)
			}
			runtime.GOMAXPROCS(4)
			b.RunTape(s)
			if a.Exec().State() != b.Exec().State() || !slices.Equal(a.Taken(), b.Taken()) {
				t.Errorf("%s: tape %q: two runners end in different states", p.Name(), s)
			}
		}
		a.Close()
		b.Close()
	}
}

// priorities is a chooser that gives every thread a random priority and changes a few
// of them on the way, in the manner of PCT: long stretches, few preemptions, and agents
// that run when they please.
type priorities struct {
	rng    *rand.Rand
	of     [schedule.MaxThreads]int
	change [3]int // decisions at which the thread that would run becomes the last
	last   int
}

func (c *priorities) reset() {
	for i, p := range c.rng.Perm(len(c.of)) {
		c.of[i] = p
	}
	for i := range c.change {
		c.change[i] = c.rng.IntN(60)
	}
	c.last = -1
}

func (c *priorities) Choose(e *schedule.Exec, n int) int {
	if e.Enabled() == 0 { // a workload's calls: simple ones first
		return min(c.rng.IntN(n), c.rng.IntN(n))
	}
	if slices.Contains(c.change[:], e.Decisions()) {
		c.of[e.Alternative(c.best(e, n)).ID] = c.last
		c.last--
	}
	return c.best(e, n)
}

func (c *priorities) best(e *schedule.Exec, n int) int {
	best := 0
	for i := range n {
		if c.of[e.Alternative(i).ID] > c.of[e.Alternative(best).ID] {
			best = i
		}
	}
	return best
}

// TestWorkloads samples every workload. Variants that must never fail do not; in the
// others some kind of the table is found by the same run, so that an oracle that is off
// does not look like a clean result.
func TestWorkloads(t *testing.T) {
	runs := 60_000
	if testing.Short() {
		runs = 20_000
	}
	for _, p := range programs() {
		if !p.Workload {
			continue
		}
		t.Run(p.Variant, func(t *testing.T) {
			r := schedule.NewRunner(p.Schedule())
			defer r.Close()
			c := &priorities{rng: rand.New(rand.NewPCG(1, 2))}
			kinds := map[schedule.Kind]int{}
			for i := range runs {
				if p.Racy() && found(p, kinds) {
					break
				}
				var res schedule.Result
				if c.reset(); i%2 == 0 {
					res = r.Run(c)
				} else {
					res = r.RunTape(randomTape(c.rng, 150, 1+i%12))
				}
				if res.Outcome == schedule.Invalid {
					t.Fatalf("tape %q: %s after %d steps", r.Taken(), res.Reason, res.Steps)
				}
				if res.Outcome != schedule.Fail {
					continue
				}
				if kinds[res.Failure.Kind]++; !p.Racy() {
					t.Fatalf("tape %q fails: %v", r.Taken(), res.Failure.Kind)
				}
			}
			for _, e := range p.Expect {
				if kinds[e.Kind] == 0 {
					t.Errorf("%v was not found in %d runs: %v", e.Kind, runs, kinds)
				}
			}
		})
	}
}

// found reports whether all kinds that p is expected to fail with are among kinds.
func found(p program.Program, kinds map[schedule.Kind]int) bool {
	for _, e := range p.Expect {
		if kinds[e.Kind] == 0 {
			return false
		}
	}
	return true
}

// TestAllocs checks that a warm run allocates nothing, failing runs included.
func TestAllocs(t *testing.T) {
	for _, p := range programs() {
		r := schedule.NewRunner(p.Schedule())
		rng := rand.New(rand.NewPCG(3, 3))
		var tapes [50]schedule.Tape
		for i := range tapes {
			tapes[i] = randomTape(rng, 150, 1+i%8)
			r.RunTape(tapes[i])
		}
		i := 0
		if n := testing.AllocsPerRun(100, func() {
			r.RunTape(tapes[i%len(tapes)])
			i++
		}); n != 0 {
			t.Errorf("%s: %v allocations a run", p.Name(), n)
		}
		r.Close()
	}
}

// sequential reports whether p has a single thread, and so next to no schedules.
func sequential(p program.Program) bool { return p.Scenario == "umount" || p.Racy() }
