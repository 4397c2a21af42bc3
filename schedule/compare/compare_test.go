package compare_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/compare"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

var update = flag.Bool("update", false, "write the golden files")

// cell returns a cell of those runs; a negative number is that of a seed that gave up.
func cell(runs ...int) compare.Cell {
	c := compare.Cell{Limits: compare.Limits{Seeds: len(runs), Cap: 100}}
	for _, n := range runs {
		c.Runs = append(c.Runs, compare.Run{Executions: max(n, -n), Failed: n > 0})
	}
	return c
}

// TestNumbers: by hand.
func TestNumbers(t *testing.T) {
	never := math.Inf(1)
	for _, test := range []struct {
		cell             compare.Cell
		mean, median, sd float64
	}{
		{cell(1, 2, 3, 6), 3, 2.5, math.Sqrt(14.0 / 3)},
		{cell(2, 2, 3, 6), 13.0 / 4, 2.5, math.Sqrt(43.0 / 12)},
		{cell(5), 5, 5, 0},
		{cell(10, -100, 20), 65, 20, math.Sqrt(50)},
		{cell(10, -100, -100), 210, never, 0},
		{cell(10, 20, -100, -100), 115, never, math.Sqrt(50)}, // the middle to something unknown
		// Of 4 one fails at 1, so 3/4 are left; one of them drops out; of the 2 left one
		// fails at 3, so 3/8 are: half lie below 3, though of the failures 3 is the middle.
		{cell(1, -2, 3, 40), 46.0 / 3, 3, math.Sqrt((1610 - 1936.0/3) / 2)},
		// 2/3 are left after 3; the last one then fails at 9.
		{cell(3, 9, -5), 17.0 / 2, 9, math.Sqrt(18)},
		{cell(3, -5, -4), 12, never, 0},
	} {
		c := test.cell
		if c.Mean() != test.mean || c.Median() != test.median || math.Abs(c.SD()-test.sd) > 1e-9 {
			t.Errorf("%v: %v %v %v, want %v", c.Runs, c.Mean(), c.Median(), c.SD(), test)
		}
	}
	if mean, never := cell(-100, -7).AtLeast(); mean != 107 || !never {
		t.Errorf("%v %v", mean, never)
	}
	if c := cell(3, 4); !c.Always() || c.Found() != 2 {
		t.Errorf("%v: found %d", c.Runs, c.Found())
	}
	short := cell(3, 4)
	short.Seeds = 3
	if short.Always() {
		t.Error("a seed has not had its turn")
	}
}

// TestLogRank: by hand. For 1, 2 against 3, 4 a failure of the first is expected 1/2 times at
// 1, 1/3 at 2, and not after that, with variances 1/4 and 2/9.
func TestLogRank(t *testing.T) {
	z, p := compare.LogRank(cell(1, 2), cell(3, 4))
	want := -(2 - 5.0/6) / math.Sqrt(1.0/4+2.0/9)
	if math.Abs(z-want) > 1e-9 || math.Abs(p-0.0896) > 1e-4 {
		t.Errorf("z %v, want %v; p %v", z, want, p)
	}
	// Who has given up at the cap is at risk until then: as if it failed after all others.
	a, _ := compare.LogRank(cell(1, 2), cell(3, -100))
	if a != z {
		t.Errorf("z %v, want %v", a, z)
	}
	if z, p := compare.LogRank(cell(-100, -100), cell(-7)); z != 0 || p != 1 {
		t.Errorf("nobody failed: %v %v", z, p)
	}
	if z, _ := compare.LogRank(cell(3, 4), cell(1, 2)); z <= 0 {
		t.Errorf("z %v of who takes more", z)
	}
}

// TestLogRankCensored: by hand. Of 1, 2+, 4 against 3, 5+ (a + gave up) there are at risk
//
//	at 1: 3 and 2, so the first is expected to fail 3/5 times, variance 3/5 2/5 = 6/25
//	at 3: 1 and 2, since 2+ is known of up to 2 only; 1/3 times, variance 1/3 2/3 = 2/9
//	at 4: 1 and 1, since 5+ had not failed; 1/2 times, variance 1/4
//
// and the first fails twice.
func TestLogRankCensored(t *testing.T) {
	z, _ := compare.LogRank(cell(1, -2, 4), cell(3, -5))
	want := (3.0/5 + 1.0/3 + 1.0/2 - 2) / math.Sqrt(6.0/25+2.0/9+1.0/4)
	if math.Abs(z-want) > 1e-9 {
		t.Errorf("z %v, want %v", z, want)
	}
	// A seed that gives up in the execution in which another fails was at risk in it.
	z, _ = compare.LogRank(cell(1, -3, 4), cell(3, -5))
	want = (3.0/5 + 2.0/4 + 1.0/2 - 2) / math.Sqrt(6.0/25+1.0/4+1.0/4)
	if math.Abs(z-want) > 1e-9 {
		t.Errorf("z %v, want %v", z, want)
	}
}

// TestLogRankNull: of pairs from one distribution one in 20 has p below 0.05, though a budget
// ends one of them sooner.
func TestLogRankNull(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	draw := func(budget int) compare.Cell {
		var runs []int
		for len(runs) < 40 && budget > 0 {
			n, most := 1+int(30*rng.ExpFloat64()), min(60, budget)
			budget -= min(n, most)
			if n > most {
				n = -most
			}
			runs = append(runs, n)
		}
		return cell(runs...)
	}
	const pairs = 2000
	low := 0
	for range pairs {
		if _, p := compare.LogRank(draw(10_000), draw(500)); p < 0.05 {
			low++
		}
	}
	if low < 60 || low > 145 { // 100, and five standard deviations
		t.Errorf("p < 0.05 in %d of %d pairs", low, pairs)
	}
}

// samples are cells with a budget; that of pos in SafeStack was spent in the second seed,
// and nobody has found what is wrong with CS.queue.
func samples() (out []compare.Cell) {
	add := func(program, strategy string, limit, steps int, time time.Duration, runs ...int) {
		c := cell(runs...)
		c.Program, c.Strategy, c.Steps, c.Time = program, strategy, steps, time
		c.Revision = 2
		c.Limits = compare.Limits{Seeds: len(runs), Cap: limit, Budget: 80_000}
		out = append(out, c)
	}
	add("CS.account@threads", "guided", 100, 70, 3*time.Millisecond, 1, 2, 3, 1)
	add("CS.account@threads", "pos", 100, 2000, 40*time.Millisecond, 9, 20, 31, 44)
	add("CS.account@threads", "surw", 100, 80, 2*time.Millisecond, 2, 2, 3, 1)
	add("CS.queue@threads", "pos", 100, 900, time.Millisecond, -100)
	add("SafeStack@threads", "guided", 1000, 9000, time.Second, 500, 700, -1000)
	add("SafeStack@threads", "pos", 1000, 80012, time.Second, -1000, -900)
	add("SafeStack@threads", "surw", 1000, 70000, time.Second, -1000, -1000, 30)
	out[5].Seeds = 3
	out[2].Revision = 1 // of surw in CS.account, where it is the best of the others
	return out
}

// TestCSV: what was written is read again.
func TestCSV(t *testing.T) {
	var b bytes.Buffer
	if err := compare.WriteCSV(&b, true, samples()...); err != nil {
		t.Fatal(err)
	}
	got, err := compare.ReadCSV(&b)
	if err != nil || !reflect.DeepEqual(got, samples()) {
		t.Errorf("%v, %v", got, err)
	}
}

// FuzzReadCSV: what is read without an error is written such that it is read again.
func FuzzReadCSV(f *testing.F) {
	var b bytes.Buffer
	compare.WriteCSV(&b, true, samples()...)
	f.Add(b.Bytes())
	f.Add([]byte("x\n"))
	f.Add([]byte(strings.SplitAfter(b.String(), "\n")[0] + "p,s,1,2,9,7,1,0,,,,,8,1,3+\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		cells, err := compare.ReadCSV(bytes.NewReader(in))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := compare.WriteCSV(&b, true, cells...); err != nil {
			t.Fatal(err)
		}
		again, err := compare.ReadCSV(&b)
		if err != nil || !reflect.DeepEqual(cells, again) {
			t.Errorf("%v, %v, want %v", again, err, cells)
		}
	})
}

// TestGolden compares what is written with testdata; -update writes it.
func TestGolden(t *testing.T) {
	table := compare.NewTable(samples())
	table.Revisions = map[string]int{"guided": 2, "pos": 2, "surw": 2}
	for name, write := range map[string]func(io.Writer) error{
		"table.md": table.WriteMarkdown, "cactus.svg": table.WritePlot,
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%s differs (%v); -update writes it:\n%s", file, err, b.Bytes())
		}
		if strings.HasSuffix(name, ".svg") {
			dec := xml.NewDecoder(&b)
			for {
				if _, err := dec.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// TestOlder: a cell of an older revision is marked in each table and in the plot, with a line below
// the table; one of the present revision, and one of which it is not known, is not.
func TestOlder(t *testing.T) {
	const mark = "‡"
	for present, want := range map[int]bool{0: false, 2: false, 3: true} {
		table := compare.NewTable(samples())
		table.Revisions = map[string]int{"guided": present}
		var text, plot strings.Builder
		if err := errors.Join(table.WriteMarkdown(&text), table.WritePlot(&plot)); err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{
			"| guided" + mark + " | 44 |", "| 1.8±1.0 [1.5]" + mark + " |",
			"| SafeStack | 1100" + mark + " |", "\n\n" + mark + ": of an older",
		} {
			if strings.Contains(text.String(), part) != want {
				t.Errorf("revision 2 of %d: %q is there: %v:\n%s", present, part, !want, &text)
			}
		}
		if strings.Contains(plot.String(), ">guided"+mark+"<") != want {
			t.Errorf("revision 2 of %d: the plot has a mark: %v", present, !want)
		}
	}
}

// TestFits: what a budget that a cell could be measured with anew is.
func TestFits(t *testing.T) {
	for _, test := range []struct {
		steps, budget, with int
		want                bool
	}{
		{70, 100, 0, true}, {70, 100, 70, true}, {70, 100, 69, false},
		{102, 100, 100, true}, {102, 100, 99, false}, // the last execution has gone beyond
		{70, 0, 70, true}, {70, 0, 69, false}, {70, 0, 0, true},
	} {
		c := compare.Cell{Limits: compare.Limits{Budget: test.budget}, Steps: test.steps}
		if got := c.Fits(test.with); got != test.want {
			t.Errorf("%d of %d steps, with %d: %v", test.steps, test.budget, test.with, got)
		}
	}
}

// TestManyRows: many rows of kernel models are written object by object, few below one heading.
func TestManyRows(t *testing.T) {
	for n, want := range map[int]string{
		20: "| program |",
		21: "### fs/aio | program | ### fs/pipe | program |",
	} {
		var cells []compare.Cell
		for _, object := range []string{"fs/aio", "fs/pipe"} {
			for i := range n {
				c := cell(1)
				c.Program, c.Strategy = fmt.Sprintf("%s/a-vs-b@%d", object, i), "guided"
				cells = append(cells, c)
			}
		}
		var b strings.Builder
		if err := compare.NewTable(cells).WriteMarkdown(&b); err != nil {
			t.Fatal(err)
		}
		_, rows, _ := strings.Cut(b.String(), "\n## Executions")
		heads := regexp.MustCompile(`(?m)^(### .*|\| program \|)`).FindAllString(rows, -1)
		if got := strings.Join(heads, " "); got != want {
			t.Errorf("%d rows each: %s, want %s", n, got, want)
		}
		if scenarios := strings.Contains(b.String(), "\n## Scenarios of kernel models\n"); !scenarios {
			t.Error("no summary of scenarios")
		}
	}
}

// TestReadCSVWrong: what cannot have come of the limits is not read.
func TestReadCSVWrong(t *testing.T) {
	var heading bytes.Buffer
	compare.WriteCSV(&heading, true)
	for line, want := range map[string]string{
		"p,s,1,2,9,7,1,0,,,,,8,1,3+":   "", // budget 7 is spent after 8 steps
		"p,s,1,2,9,0,2,1,,,,,8,1,9+ 3": "",
		"p,s,1,2,9,7,1,0,,,,,6,1,3+":   "cell 1: column runs: 1 of 2 seeds, but the budget is not spent",
		"p,s,1,2,9,7,2,0,,,,,8,1,3+ 9+": "cell 1: column executions: " +
			"seed 0 gave up after 3, before the cap of 9",
		"p,s,1,2,9,0,2,0,,,,,8,1,9+ 3+": "cell 1: column executions: " +
			"seed 1 gave up after 3, before the cap of 9",
		"p,s,1,2,9,0,2,0,,,,,8,1,9+ 10": "cell 1: column executions: 10 is more than the cap of 9",
		"p,s,1,2,9,0,2,0,,,,,8,1,9+ 0":  "cell 1: column executions: 0: want 1 or more",
		"p,s,1,2,9,0,2,0,,,,,8,1,9+ x":  `cell 1: column executions: "x" is not a number of 0 to 1099511627776`,
		"p,s,1,2,9,0,2,0,,,,,8,1,9+":    "cell 1: 2 runs, but numbers of 1",
		"p,s,1,2,9,0,3,0,,,,,8,1,1 1 1": "cell 1: column runs: 3 are more than 2 seeds",
		"p,s,0,2,9,7,1,0,,,,,8,1,3+":    "cell 1: column revision: 0: want 1 or more",
	} {
		cells, err := compare.ReadCSV(strings.NewReader(heading.String() + line + "\n"))
		if want == "" {
			want = fmt.Sprint(error(nil))
		}
		if fmt.Sprint(err) != want || err == nil && len(cells) != 1 {
			t.Errorf("%s:\n%d cells, %v, want\n%s", line, len(cells), err, want)
		}
	}
	if _, err := compare.ReadCSV(strings.NewReader("program,strategy,cap\n")); err == nil {
		t.Error("another heading was read")
	}
}

func bluetooth(t *testing.T) *schedule.Runner {
	t.Helper()
	p, err := bench.Find("CS.bluetooth_driver")
	if err != nil {
		t.Fatal(err)
	}
	r := schedule.NewRunner(p.Schedule(bench.Threads))
	t.Cleanup(r.Close)
	return r
}

func walk(seed uint64) sample.Sampler { return sample.NewWalk(seed) }

// TestMeasure: the same seeds take the same executions, and who gives up has run the cap.
func TestMeasure(t *testing.T) {
	r, limits := bluetooth(t), compare.Limits{Seeds: 10, Cap: 20}
	a, done := compare.Measure(t.Context(), r, "walk", walk, limits)
	b, _ := compare.Measure(t.Context(), r, "walk", walk, limits)
	if !done || !reflect.DeepEqual(a.Runs, b.Runs) || len(a.Runs) != 10 || a.Steps != b.Steps {
		t.Errorf("%v, %v", a, b)
	}
	if a.Found() == 0 || a.Found() == 10 {
		t.Errorf("%v: some should fail and some give up", a.Runs)
	}
	for _, run := range a.Runs {
		if !run.Failed && run.Executions != 20 {
			t.Errorf("gave up after %d executions", run.Executions)
		}
	}
}

// TestBudget: for every budget the runs are those without one, up to an execution, which is the
// first after which the budget is spent.
func TestBudget(t *testing.T) {
	r, limits := bluetooth(t), compare.Limits{Seeds: 3, Cap: 20}
	all, _ := compare.Measure(t.Context(), r, "walk", walk, limits)
	before := 0
	for limits.Budget = 1; limits.Budget <= all.Steps+1; limits.Budget++ {
		c, done := compare.Measure(t.Context(), r, "walk", walk, limits)
		last := len(c.Runs) - 1
		if !done || !reflect.DeepEqual(c.Runs[:last], all.Runs[:last]) {
			t.Fatalf("budget %d: %v, without %v", limits.Budget, c.Runs, all.Runs)
		}
		whole := all.Runs[last]
		if got := c.Runs[last]; got != whole && (got.Failed || got.Executions >= whole.Executions) {
			t.Fatalf("budget %d: seed %d: %v, without %v", limits.Budget, last, got, whole)
		}
		if c.Steps < limits.Budget && c.Steps != all.Steps {
			t.Fatalf("budget %d: %d steps", limits.Budget, c.Steps)
		}
		if n := c.Executions(); n != before && n != before+1 {
			t.Fatalf("budget %d: %d executions, with one less %d", limits.Budget, n, before)
		}
		before = c.Executions()
	}
	if before != all.Executions() {
		t.Errorf("%d executions, want %d", before, all.Executions())
	}
}

// TestPublished: every program that something is published about is there, and all of the
// literature's are.
func TestPublished(t *testing.T) {
	for _, p := range bench.Programs() {
		n := len(compare.Published(p.Name))
		has := n > 0
		if has && n != len(compare.Tools) {
			t.Errorf("%s: %d numbers of %d tools", p.Name, n, len(compare.Tools))
		}
		if ours := p.Source == "ours"; has == ours {
			t.Errorf("%s of %s: published %v", p.Name, p.Source, has)
		}
	}
}
