package exec

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

var update = flag.Bool("update", false, "rewrite testdata")

// exhaust explores every execution of p. Anything less is a failure of the test.
func exhaust(t *testing.T, p schedule.Program, mute schedule.Kinds) explore.Report {
	t.Helper()
	r := explore.Last(explore.Exhaust(context.Background(), p,
		explore.Options{Bound: explore.Unbounded, Mute: mute}))
	if !r.Complete() {
		t.Fatalf("%s: not exhausted: %s", p.Name, r.Coverage())
	}
	return r
}

// fewest returns the endings of each kind of failure with the fewest preemptions.
func fewest(r explore.Report) map[schedule.Kind]explore.Ending {
	out := map[schedule.Kind]explore.Ending{}
	for _, e := range r.Endings {
		if e.Outcome != schedule.Fail {
			continue
		}
		if old, ok := out[e.Kind]; !ok || e.Witness.Preemptions < old.Witness.Preemptions {
			out[e.Kind] = e
		}
	}
	return out
}

// TestVerdicts exhausts every scenario in every variant, as it is and with the kernel
// going on after it has freed an mm under its users. The kinds of failure and the fewest
// preemptions of each are exactly those of the table.
func TestVerdicts(t *testing.T) {
	for _, p := range Programs() {
		t.Run(p.Scenario+"@"+p.Variant, func(t *testing.T) {
			for _, mute := range []schedule.Kinds{0, muteUnderflow} {
				want, got := map[schedule.Kind]int{}, map[schedule.Kind]int{}
				rows := map[schedule.Kind]bool{}
				for _, e := range p.Expect {
					if rows[e.Kind] = true; e.Mute == mute {
						want[e.Kind] = e.Preemptions
					}
				}
				if mute != 0 && !rows[schedule.RefUnderflow] {
					continue // nothing to mute
				}
				for kind, e := range fewest(exhaust(t, p.Schedule(), mute)) {
					got[kind] = e.Witness.Preemptions
				}
				if !maps.Equal(got, want) {
					t.Errorf("muted %v: kinds and fewest preemptions %v, want %v", mute.All(), got, want)
				}
			}
		})
	}
}

// TestInterleavings compares the failures of 5.9-rt on one CPU that have the fewest
// preemptions with testdata/interleavings.txt, columns and all.
func TestInterleavings(t *testing.T) {
	var out bytes.Buffer
	for _, p := range Programs() {
		if p.Variant != "5.9-rt" || p.Scenario == "exec_mmap-vs-exit_mm" {
			continue
		}
		for _, mute := range []schedule.Kinds{0, muteUnderflow} {
			for _, e := range p.Expect {
				if e.Mute == mute {
					writeWitness(t, &out, p, e)
				}
			}
		}
	}
	golden(t, "testdata/interleavings.txt", out.Bytes())
}

func writeWitness(t *testing.T, out *bytes.Buffer, p program.Program, e program.Expect) {
	r := schedule.NewRunner(p.Schedule())
	defer r.Close()
	r.Mute = e.Mute
	tape := fewest(exhaust(t, p.Schedule(), e.Mute))[e.Kind].Witness.Tape
	tr, err := r.Replay(tape)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(out, "%s %s", p.Name(), tape)
	if e.Mute != 0 {
		fmt.Fprintf(out, ", going on after %v", e.Mute.All())
	}
	fmt.Fprintf(out, "\n\n")
	if err := tr.WriteColumns(out, schedule.ColumnsWidth); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(out, "\n")
}

// golden compares a file with what it should be.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; if you know why, run with -update\n%s", file, got)
	}
}

// TestCounts compares the number of executions of every scenario with
// testdata/counts.txt: in all and by kind of failure, for each number of preemptions up to
// 5. A lost or duplicated interleaving anywhere changes them.
func TestCounts(t *testing.T) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Executions with exactly 0 to 5 preemptions, by how they end.\n")
	for _, p := range Programs() {
		r := exhaust(t, p.Schedule(), 0)
		fmt.Fprintf(&out, "%s@%s: %d states\n", p.Scenario, p.Variant, r.Nodes)
		sums := counts(r)
		for _, name := range slices.Sorted(maps.Keys(sums)) {
			fmt.Fprintf(&out, "\t%-18s %d\n", name, sums[name])
		}
	}
	golden(t, "testdata/counts.txt", out.Bytes())
}

// counts returns the numbers of executions by preemptions, in all and by ending.
func counts(r explore.Report) map[string][]uint64 {
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
	return sums
}

// orders are the orders of n threads, the first being the usual one.
var orders = map[int][][]int{
	2: {{0, 1}, {1, 0}},
	3: {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}},
}

// inOrder is a scenario whose threads are created in another order.
func (sc *scenario) inOrder(v variant, order []int) schedule.Program {
	begin := func() func(*schedule.Exec) {
		s := newSystem(v.patches)
		starters := sc.starters(s)
		var start []func(e *schedule.Exec)
		for _, i := range order {
			start = append(start, starters[i])
		}
		return sc.fixed(s, start).Begin
	}
	return schedule.Program{Name: fmt.Sprint(sc.name, "@", v.name, order), New: begin}
}

// TestOrder creates the threads of every scenario in every order, which must change the
// numbers of the threads and no other number.
func TestOrder(t *testing.T) {
	for i := range scenarios {
		sc := &scenarios[i]
		if sc.exits && testing.Short() {
			continue
		}
		for _, v := range variants {
			var want map[string][]uint64
			for _, order := range orders[len(sc.starters(newSystem(v.patches)))] {
				p := sc.inOrder(v, order)
				got := counts(exhaust(t, p, 0))
				if want == nil {
					want = got
				}
				if !maps.EqualFunc(got, want, slices.Equal[[]uint64]) {
					t.Errorf("%s: executions %v, want %v", p.Name, got, want)
				}
			}
		}
	}
}

// TestStates earns the state hash for every program.
func TestStates(t *testing.T) {
	pairs := 1000
	if testing.Short() {
		pairs = 100
	}
	for _, p := range Programs() {
		n, err := explore.CheckStates(p.Schedule(), pairs, 1)
		if err != nil {
			t.Errorf("%s: %v", p.Name(), err)
		}
		if n < pairs {
			t.Errorf("%s: only %d pairs compared, want %d", p.Name(), n, pairs)
		}
	}
}

// TestRandom runs random tapes of every program, twice in one runner and once in another:
// they end alike, and a warm runner allocates nothing.
func TestRandom(t *testing.T) {
	for _, p := range Programs() {
		rng := rand.New(rand.NewPCG(7, 7))
		a, b := schedule.NewRunner(p.Schedule()), schedule.NewRunner(p.Schedule())
		var tapes [50]schedule.Tape
		for i := range tapes {
			tapes[i] = make(schedule.Tape, 60)
			for j := range tapes[i] {
				if rng.IntN(1+i%8) == 0 {
					tapes[i][j] = uint8(rng.IntN(16))
				}
			}
			if err := a.CheckDeterminism(tapes[i]); err != nil {
				t.Error(err)
			}
			b.RunTape(tapes[i])
			if a.Exec().State() != b.Exec().State() || !slices.Equal(a.Taken(), b.Taken()) {
				t.Errorf("%s: tape %q: two runners end in different states", p.Name(), tapes[i])
			}
		}
		i := 0
		if n := testing.AllocsPerRun(100, func() {
			b.RunTape(tapes[i%len(tapes)])
			i++
		}); n != 0 {
			t.Errorf("%s: %v allocations a run", p.Name(), n)
		}
		a.Close()
		b.Close()
	}
}
