// Package verify has the tests that every object of the models must pass, so that a new
// object needs a table and not a copy of them:
//
//   - Verdicts: exhaustive search finds the failures of the table, each with its fewest
//     preemptions, and no other;
//   - Counts: how many executions and classes there are is what it was, and a search by
//     class finds the same ways to end;
//   - States: the state hash tells apart what behaves differently;
//   - Determinism: a tape gives one execution, in any runner and at any GOMAXPROCS;
//   - Workloads: random executions of the workloads find the failures of the table, and
//     none where it has none;
//   - Allocs: a warm run allocates nothing.
//
// It is for test files only. An object's tests start from a [Suite]; a second implementation
// of an object is compared with it as a [Machine].
package verify

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

var update = flag.Bool("update", false, "rewrite testdata")

// A Suite is what the tests run over.
type Suite struct {
	Programs []program.Program
	// Mute is a set of kinds after which a kernel warns and goes on. Verdicts looks
	// behind those failures too.
	Mute schedule.Kinds
	// Large says which fixed programs are too large for tests in a hurry (-short), and
	// for Counts. Nil: none.
	Large func(program.Program) bool
}

// Exhaust explores every execution of p. Anything less is a failure of the test. What has
// been explored is kept.
func Exhaust(t *testing.T, p program.Program, mute schedule.Kinds) explore.Report {
	t.Helper()
	r := Explore(p, explore.Options{Bound: explore.Unbounded, Mute: mute})
	if !r.Complete() {
		t.Fatalf("%s: not exhausted: %s", p.Name(), r.Coverage())
	}
	return r
}

// known has what was explored: more than one test looks at it.
var (
	mu    sync.Mutex
	known = map[string]explore.Report{}
)

// Explore explores p up to a bound. It is done once for all tests of a package that ask for
// the same; of the options only Bound, Mute and MaxNodes count.
func Explore(p program.Program, o explore.Options) explore.Report {
	key := fmt.Sprint(p.Name(), o.Bound, o.Mute)
	mu.Lock()
	r, ok := known[key]
	mu.Unlock()
	if !ok || r.Stop == explore.NodeLimit && o.MaxNodes == 0 {
		o = explore.Options{Bound: o.Bound, Mute: o.Mute, MaxNodes: o.MaxNodes}
		r = explore.Last(explore.Exhaust(context.Background(), p.Schedule(), o))
		mu.Lock()
		known[key] = r
		mu.Unlock()
	}
	return r
}

// hurry is how many states of a program that must not fail a test in a hurry (-short) looks at:
// those that the fewest preemptions lead to.
const hurry = 2000

// clean explores p, which must not fail: all of it, or with -short as much as a hurry allows.
func clean(t *testing.T, p program.Program, mute schedule.Kinds) explore.Report {
	t.Helper()
	if !testing.Short() {
		return Exhaust(t, p, mute)
	}
	return Explore(p, explore.Options{Bound: explore.Unbounded, Mute: mute, MaxNodes: hurry})
}

// expected returns the rows of p's table for a set of muted kinds as
// [explore.Report.Fewest] does.
func expected(p program.Program, mute schedule.Kinds) map[schedule.Kind]int {
	out := map[schedule.Kind]int{}
	for _, e := range p.Expect {
		if e.Mute == mute {
			out[e.Kind] = e.Preemptions
		}
	}
	return out
}

// Verdicts exhausts every fixed program, as it is and with the kernel going on after the
// muted kinds. The kinds of failure and the fewest preemptions of each are exactly those
// of the table. With -short a program that must fail is explored only up to the most
// preemptions that its table has; one that must not fail up to [hurry] states.
func (s Suite) Verdicts(t *testing.T) {
	for _, p := range s.Programs {
		if p.Workload || testing.Short() && s.large(p) {
			continue
		}
		t.Run(p.Scenario+"@"+p.Variant, func(t *testing.T) {
			verdict(t, p, 0)
			// Else muting changes nothing, and the table does not repeat itself.
			if s.Mute != 0 && (warns(p, s.Mute) || len(expected(p, s.Mute)) > 0) {
				verdict(t, p, s.Mute)
			}
		})
	}
}

func (s Suite) large(p program.Program) bool { return s.Large != nil && s.Large(p) }

// warns reports whether p fails with any of kinds.
func warns(p program.Program, kinds schedule.Kinds) bool {
	return slices.ContainsFunc(p.Expect, func(e program.Expect) bool { return kinds.Has(e.Kind) })
}

// verdict compares how p fails with its table. What fails otherwise is told with the
// command that shows it.
func verdict(t *testing.T, p program.Program, mute schedule.Kinds) {
	t.Helper()
	want := expected(p, mute)
	var r explore.Report
	if !testing.Short() || len(want) == 0 {
		r = clean(t, p, mute)
	} else {
		bound := slices.Max(slices.Collect(maps.Values(want)))
		r = Explore(p, explore.Options{Bound: bound, Mute: mute})
	}
	got := r.Fewest()
	if maps.Equal(got, want) {
		return
	}
	muted := ""
	if mute != 0 {
		muted = " -mute " + strings.Join(mute.Names(), ",")
	}
	t.Errorf("kinds and fewest preemptions %v, want %v%s", got, want, muted)
	for _, e := range r.Endings {
		if n, ok := want[e.Kind]; e.Outcome == schedule.Fail && (!ok || e.Witness.Preemptions < n) {
			t.Errorf("%v with %d: go run ./cmd/minimize -program %s%s %s", e.Kind,
				e.Witness.Preemptions, p.Name(), muted, cmp.Or(e.Witness.Tape.String(), "0"))
		}
	}
}

// Counts compares the number of states and of executions of every fixed program with a
// golden file: in all and by kind of failure, for each number of preemptions up to 5, and
// of classes where there are few, which a second search must find to end likewise. A
// lost or duplicated interleaving anywhere changes them. -update writes the file. With
// -short it looks only at programs that must not fail, and that Verdicts has exhausted.
func (s Suite) Counts(t *testing.T, file string) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Executions with exactly 0 to 5 preemptions, by how they end, and classes.\n")
	golden, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatalf("%v; go test -run=TestCounts -update writes it", err)
	}
	for _, p := range s.Programs {
		if p.Workload || s.large(p) || testing.Short() && p.Racy() {
			continue
		}
		r := clean(t, p, 0)
		if testing.Short() && !r.Complete() {
			continue
		}
		b := block(p, r)
		if n, few := Classes(t, p); few && !testing.Short() {
			b += fmt.Sprintf("\t%-18s %d\n", "classes", n)
		}
		out.WriteString(b)
		if !*update && !strings.Contains(string(golden), "\n"+b) {
			t.Errorf("not in %s; if you know why, run with -update\n%s", file, b)
		}
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, out.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	} else if !testing.Short() && !bytes.Equal(out.Bytes(), golden) {
		t.Errorf("%s has other programs, or in another order", file)
	}
}

// block is what a golden file says about a program.
func block(p program.Program, r explore.Report) string {
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
	var b strings.Builder
	fmt.Fprintf(&b, "%s@%s: %d states\n", p.Scenario, p.Variant, r.Nodes)
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		fmt.Fprintf(&b, "\t%-18s %d\n", name, sums[name])
	}
	return b.String()
}
