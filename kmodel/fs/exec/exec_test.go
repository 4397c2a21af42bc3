package exec

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// The kernel may go on after it has freed an mm under its users.
var suite = verify.Suite{
	Programs: Programs(),
	Mute:     muteUnderflow,
	Large:    func(p program.Program) bool { return testing.Short() && twoCPUs(p) },
}

func twoCPUs(p program.Program) bool { return p.Scenario == "exec_mmap-vs-exit_mm" }

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestWorkloads(t *testing.T)   { suite.Workloads(t, 20_000) }
func TestDeterminism(t *testing.T) { suite.Determinism(t) }
func TestAllocs(t *testing.T)      { suite.Allocs(t) }

// TestStates takes the fixed programs, with more pairs, and workloads: two execs of the
// helper and one of the process, and an owner that exits; a sleep before, with one tick.
func TestStates(t *testing.T) {
	verify.States(t, 1000, suite.Fixed(nil)...)
	suite.States(t, func(program.Program) bool { return true }, "21"+"100"+"101", "20"+"110"+"01")
}

// TestInterleavings compares the failures of 5.9-rt on one CPU that have the fewest
// preemptions with testdata/interleavings.txt, columns and all.
func TestInterleavings(t *testing.T) {
	const file = "testdata/interleavings.txt"
	var out bytes.Buffer
	for _, p := range suite.Programs {
		if p.Variant == "5.9-rt" && !twoCPUs(p) && !p.Workload {
			for _, e := range p.Expect {
				writeWitness(t, &out, p, e)
			}
		}
	}
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(file, out.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("%s differs; if you know why, run with -update\n%s", file, out.Bytes())
	}
}

func writeWitness(t *testing.T, out *bytes.Buffer, p program.Program, e program.Expect) {
	r := schedule.NewRunner(p.Schedule())
	defer r.Close()
	r.Mute = e.Mute
	endings := verify.Exhaust(t, p, e.Mute).Endings
	i := slices.IndexFunc(endings, func(end explore.Ending) bool {
		return end.Kind == e.Kind && end.Witness.Preemptions == e.Preemptions
	})
	tape := endings[i].Witness.Tape
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

// orders are the orders of n threads, the first being the usual one.
var orders = map[int][][]int{
	2: {{0, 1}, {1, 0}},
	3: {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}},
}

// inOrder is a scenario whose threads are created in another order.
func (sc *scenario) inOrder(v program.Variant, order []int) schedule.Program {
	begin := func() func(*schedule.Exec) {
		s := newSystem(v.Changes)
		starters := sc.starters(s)
		var start []func(e *schedule.Exec)
		for _, i := range order {
			start = append(start, starters[i])
		}
		return sc.fixed(s, start).Begin
	}
	return schedule.Program{Name: fmt.Sprint(sc.name, "@", v.Name, order), New: begin}
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
			var want []explore.Ending
			for _, order := range orders[len(sc.starters(newSystem(v.Changes)))] {
				p := sc.inOrder(v, order)
				r := explore.Last(explore.Exhaust(context.Background(), p,
					explore.Options{Bound: explore.Unbounded}))
				if !r.Complete() {
					t.Fatalf("%s: not exhausted: %s", p.Name, r.Coverage())
				}
				slices.SortFunc(r.Endings, byKind)
				if want == nil {
					want = r.Endings
				}
				if !slices.EqualFunc(r.Endings, want, sameEnding) {
					t.Errorf("%s: %v, want %v", p.Name, r.Endings, want)
				}
			}
		}
	}
}

// byKind orders endings that differ in more than the number of the thread.
func byKind(a, b explore.Ending) int {
	return cmp.Or(cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.Verb, b.Verb), slices.Compare(a.Executions, b.Executions))
}

func sameEnding(a, b explore.Ending) bool { return byKind(a, b) == 0 }
