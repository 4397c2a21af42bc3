package guided_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/guided"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

var update = flag.Bool("update", false, "write testdata/decisions.txt")

// calls is a workload: the tape chooses what each of some threads does, and how often.
func calls(threads int) schedule.Program {
	return schedule.Program{Name: "calls", New: func() func(*schedule.Exec) {
		w := &word{}
		w.Bind(w, "word")
		return func(e *schedule.Exec) {
			e.Static(&w.Object, 0)
			for range threads {
				call, times := e.Choose(3), 1+e.Choose(3)
				e.Go("caller", func(t *schedule.Thread) {
					for range times {
						w.call(t, call)
					}
				})
			}
		}
	}}
}

type word struct {
	schedule.Object
	cell schedule.Cell
}

func (w *word) call(t *schedule.Thread, call int) {
	t.Step(schedule.Op{Verb: "load", Cell: &w.cell, Mode: schedule.PlainRead})
	v := t.Observe(w.cell.Value())
	t.Step(schedule.Op{Verb: "store", Cell: &w.cell, Mode: schedule.PlainWrite})
	w.cell.Set((v + uint64(call)) % 8)
}

// hashes returns the lines of testdata/decisions.txt without what they count: the revision, and
// what it decides.
func hashes(file string) string { return regexp.MustCompile(` {.*`).ReplaceAllString(file, "") }

// TestDecisions: an Engine of its own decides what is in testdata/decisions.txt, to the last
// execution: how its tables are kept changes nothing. What arms there are does, and what
// they do; then [guided.Revision] goes up, and -update writes the file anew, which it does not
// with other decisions of the same revision.
func TestDecisions(t *testing.T) {
	const file = "testdata/decisions.txt"
	var got strings.Builder
	fmt.Fprintln(&got, "revision", guided.Revision)
	for _, test := range []struct {
		program schedule.Program
		opt     guided.Options
	}{
		{find(t, "SafeStack").Schedule(bench.Threads), guided.Options{}},
		{find(t, "SafeStack").Schedule(bench.Main1), guided.Options{Nodes: 700, Entries: 90}},
		{find(t, "CS.reorder_10").Schedule(bench.Threads), guided.Options{}},
		{find(t, "CS.twostage_20").Schedule(bench.Main1), guided.Options{Nodes: 1000}},
		{find(t, "handshake_8").Schedule(bench.Threads), guided.Options{}},
		{find(t, "CVE-2016-1972").Schedule(bench.Threads), guided.Options{}},
		{calls(3), guided.Options{}},
	} {
		r := schedule.NewRunner(test.program)
		defer r.Close()
		en, sum := guided.New(1, test.opt), xxhash.New()
		for range 3000 {
			res := sample.Once(r, en)
			fmt.Fprintln(sum, res.Outcome, res.Failure.Kind, res.Steps, r.Taken())
		}
		for tape := range en.Corpus() {
			fmt.Fprintln(sum, tape)
		}
		st := en.Stats()
		st.Discovery = math.Round(1e6*st.Discovery) / 1e6
		fmt.Fprintf(&got, "%s %016x %+v\n", test.program.Name, sum.Sum64(), st)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want, then := string(data), 0
	if _, err := fmt.Sscanf(want, "revision %d\n", &then); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	switch {
	case got.String() == want:
	case guided.Revision < then || guided.Revision == then && hashes(got.String()) != hashes(want):
		t.Errorf("got\n%swant\n%sSo it decides otherwise than its revision %d has: raise it in "+
			"revision.go, and run this test with -update; explore -bench measures the cells of guided "+
			"anew then. If nothing has changed but the programs of this test, write revision 0 into "+
			"%s before that", &got, want, then, file)
	case *update:
		if err := os.WriteFile(file, []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("got\n%swant\n%s-update writes it", &got, want)
	}
}
