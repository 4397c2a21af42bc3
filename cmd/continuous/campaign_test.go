package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/corpus"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// configOf is a configuration with one worker and no page.
func configOf(t testing.TB, names ...string) config {
	t.Helper()
	c := defaultConfig()
	c.Workers, c.HTTP = 1, address{"off"}
	for _, name := range names {
		var n targetName
		if err := n.UnmarshalText([]byte(name)); err != nil {
			t.Fatal(err)
		}
		c.Targets = append(c.Targets, n)
	}
	return c
}

// broken says of all programs that they must never fail.
func broken(c config) config {
	for i := range c.Targets {
		c.Targets[i].program.Expect = nil
	}
	return c
}

// fuzzIn runs so many executions and returns the campaign, closed.
func fuzzIn(t *testing.T, c config, dir string, executions int64) *campaign {
	t.Helper()
	x, err := newCampaign(c, dir, executions, new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	if err := x.run(context.Background(), 0); err != nil {
		t.Error(err)
	}
	if err := x.store.close(); err != nil {
		t.Error(err)
	}
	return x
}

func read(t *testing.T, elem ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestSame: with one worker the corpus is a function of the number of executions.
func TestSame(t *testing.T) {
	c := configOf(t, "FuzzGetNetNsById", "FuzzFixedPipeRelease", "FuzzFixedIoReqCompletePost")
	a, b := t.TempDir(), t.TempDir()
	x := fuzzIn(t, c, a, 3000)
	y := fuzzIn(t, c, b, 3000)
	if read(t, a, corpusFile) != read(t, b, corpusFile) {
		t.Error("two corpora")
	}
	for i := range x.targets {
		m, n := x.targets[i], y.targets[i]
		if m.totals.Executions != n.totals.Executions || len(m.species) != len(n.species) ||
			m.totals.Steps != n.totals.Steps || m.totals.Executions == 0 {
			t.Errorf("%s: %+v\n%+v", m.name, m.totals, n.totals)
		}
	}
}

// TestAgain: a second start goes on where the first ended: it has all species back, and adds.
func TestAgain(t *testing.T) {
	c := configOf(t, "FuzzFixedPipeRelease")
	dir := t.TempDir()
	first := fuzzIn(t, c, dir, 3000)
	had := first.store.corpus.Pack().Len()
	species := len(first.targets[0].species)
	if had == 0 || had != len(first.targets[0].inputs) {
		t.Fatalf("%d entries, %d inputs", had, len(first.targets[0].inputs))
	}
	second := fuzzIn(t, c, dir, int64(had))
	x := second.targets[0]
	if len(x.species) != species || len(x.inputs) != had || second.store.corpus.Pack().Len() != had {
		t.Errorf("after the corpus: %d species of %d, %d inputs of %d", len(x.species), species,
			len(x.inputs), had)
	}
	if x.totals.Executions != int64(3000+had) ||
		!x.totals.LastNew.Equal(first.targets[0].totals.LastNew) {
		t.Errorf("totals %+v, before %+v", x.totals, first.targets[0].totals)
	}
	// Another start, other randomness.
	third := fuzzIn(t, c, dir, int64(had)+3000)
	if len(third.targets[0].species) <= species {
		t.Errorf("%d species, %d before", len(third.targets[0].species), species)
	}
	if got := third.status().Starts; got != 3 {
		t.Errorf("%d starts", got)
	}
}

// TestCutStart: a start counts from before it keeps anything, whatever ends it, for its seeds are
// those of no other.
func TestCutStart(t *testing.T) {
	dir := t.TempDir()
	for want := range 2 {
		x, err := newCampaign(configOf(t, "FuzzFixedPipeRelease"), dir, 100, new(bytes.Buffer))
		if err != nil {
			t.Fatal(err)
		}
		starts := 0
		x.store.kept = func(corpus.Entry) {
			if st, err := x.store.loadState(); starts == 0 && err == nil {
				starts = st.Starts
			}
		}
		if err := errors.Join(x.run(context.Background(), 0), x.store.close()); err != nil {
			t.Fatal(err)
		}
		if starts != want+1 {
			t.Errorf("start %d: %d are saved", want+1, starts)
		}
	}
}

// TestReports: each signature is reported once, whole, and its files say the same.
func TestReports(t *testing.T) {
	c := configOf(t, "FuzzGetNetNsById")
	dir := t.TempDir()
	x := fuzzIn(t, c, dir, 3000)
	list := x.status().Failures
	if len(list) < 2 {
		t.Fatalf("%d failures", len(list))
	}
	total := int64(0)
	for _, f := range list {
		total += f.Count
		g, err := triage.ReadGolden(filepath.Join(dir, f.Report, goldenFile))
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Check(c.Targets[0].program.Schedule()); err != nil {
			t.Error(err)
		}
		if g.Want.String() != f.Signature || g.Tape.String() != f.Tape {
			t.Errorf("golden file of %+v: %s, tape %s", f, g.Want, g.Tape)
		}
		if raw := read(t, dir, f.Report, tapeFile); raw != string(g.Tape.Bytes()) {
			t.Errorf("%s: %q", tapeFile, raw)
		}
		for _, file := range reportFiles() {
			if read(t, dir, f.Report, file) == "" {
				t.Errorf("%s is empty", file)
			}
		}
		for _, want := range []string{"certificate: ", "chance: "} {
			if !strings.Contains(read(t, dir, f.Report, "report.txt"), want) {
				t.Errorf("%s: no %q in the report", f.Title, want)
			}
		}
	}
	if failing := x.targets[0].totals.Failing; total != failing {
		t.Errorf("%d failing executions, %d counted", failing, total)
	}
	before := read(t, dir, list[0].Report, "report.json")
	again := fuzzIn(t, c, dir, 1000)
	after := map[string]int64{}
	for _, f := range again.status().Failures {
		after[f.Signature] = f.Count
	}
	for _, f := range list {
		if after[f.Signature] < f.Count {
			t.Errorf("%s: %d times, then %d", f.Signature, f.Count, after[f.Signature])
		}
	}
	if read(t, dir, list[0].Report, "report.json") != before {
		t.Error("a report was made twice")
	}
}

// TestInterruptedReport: a failure whose report was not made is reported at the next start.
func TestInterruptedReport(t *testing.T) {
	c := configOf(t, "FuzzGetNetNsById")
	dir := t.TempDir()
	x := fuzzIn(t, c, dir, 600)
	want := x.status().Failures
	for _, f := range want {
		if err := os.RemoveAll(filepath.Join(dir, f.Report)); err != nil {
			t.Fatal(err)
		}
	}
	y := fuzzIn(t, c, dir, 1)
	if got := y.status().Failures; len(got) < len(want) || got[0].Report == "" {
		t.Errorf("%d of %d reports: %+v", len(got), len(want), got)
	}
}

// TestRegression: a program that must never fail, and does, changes the exit status, now and
// at every start until it is mended.
func TestRegression(t *testing.T) {
	bad := broken(configOf(t, "FuzzPutSuper"))
	dir := t.TempDir()
	for i, test := range []struct {
		config config
		want   int
	}{{bad, 1}, {bad, 1}, {configOf(t, "FuzzPutSuper"), 0}} {
		cmd := command{dir: dir, executions: 2}
		if i == 0 {
			cmd.executions = 200
		}
		var out, errs bytes.Buffer
		n, err := cmd.fuzz(context.Background(), test.config, &out, &errs)
		if err != nil || (n > 0) != (test.want > 0) {
			t.Fatalf("run %d: %d regressions, %v", i, n, err)
		}
		loud := "REGRESSION: FuzzPutSuper must never fail, and does: BUG: sleeping function"
		if strings.HasPrefix(out.String(), loud) != (test.want > 0) {
			t.Errorf("run %d:\n%s", i, &out)
		}
	}
	// Mended: the fixed twin under the name of the racy target.
	mended := configOf(t, "FuzzFixedPutSuper")
	mended.Targets[0].name = "FuzzPutSuper"
	x := fuzzIn(t, mended, dir, 200)
	s := x.status()
	if s.Regressions != 0 || len(s.Failures) == 0 ||
		s.Failures[0].Active || !s.Failures[0].Regression {
		t.Errorf("mended: %d regressions, %+v", s.Regressions, s.Failures)
	}
}

// TestDisk: beyond the limit of the disk inputs are not kept, and it goes on.
func TestDisk(t *testing.T) {
	c := configOf(t, "FuzzFixedPipeRelease")
	c.Disk = size{100}
	x := fuzzIn(t, c, t.TempDir(), 1000)
	s := x.status()
	if s.Corpus.Entries != 0 || s.Corpus.Dropped == 0 || s.Executions != 1000 {
		t.Errorf("%+v after %d executions", s.Corpus, s.Executions)
	}
}

// TestMemory: beyond the limit of memory species are not kept, and it goes on.
func TestMemory(t *testing.T) {
	c := configOf(t, "FuzzFixedPipeRelease", "FuzzFixedListLRUResize")
	c.Memory = size{2 * 100 * bytesPerSpecies}
	x := fuzzIn(t, c, t.TempDir(), 2000)
	species := 0
	for _, s := range x.targets {
		species += len(s.species) + len(s.stream.owner)
	}
	s := x.status()
	if species != 100 || !s.Targets[0].Full || s.Executions != 2000 {
		t.Errorf("%d species, %+v", species, s.Targets)
	}
	// A quarter of the memory is for the corpus.
	if most := 2 * 100 * bytesPerSpecies / 4 / bytesPerInput; s.Corpus.Entries != most ||
		s.Corpus.Dropped == 0 {
		t.Errorf("%+v, want %d entries", s.Corpus, most)
	}
}

// TestSeeds: what a pack has is run, and kept if it shows anything.
func TestSeeds(t *testing.T) {
	c := configOf(t, "FuzzFixedPipeRelease")
	dir := t.TempDir()
	first := fuzzIn(t, c, dir, 1000)
	c.Seeds = []packName{{filepath.Join(dir, corpusFile)}}
	n := int64(first.store.corpus.Pack().Len())
	second := fuzzIn(t, c, t.TempDir(), n)
	want := len(first.targets[0].inputs)
	if got := second.store.corpus.Pack().Len(); got != want || got == 0 {
		t.Errorf("%d entries, want %d", got, want)
	}
	other := fuzzIn(t, configOf(t, "FuzzFixedPutSuper"), dir, 1) // the pack has none for it
	if got := len(other.targets[0].todo); got != 0 {
		t.Errorf("%d inputs of another target", got)
	}
}
