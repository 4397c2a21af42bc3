package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/compare"
	samplers "github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// TestReadCells cuts a file off at every byte, as a kill might: what comes of it can be gone
// on with, and only the last line is lost.
func TestReadCells(t *testing.T) {
	var whole bytes.Buffer
	cell := func(program string, runs ...compare.Run) compare.Cell {
		limits := compare.Limits{Seeds: 2, Cap: 9, Budget: 10}
		return compare.Cell{
			Program: program, Strategy: "walk", Revision: 1, Limits: limits, Runs: runs, Steps: 12,
		}
	}
	a := cell("a", compare.Run{Executions: 1, Failed: true}, compare.Run{Executions: 9})
	b := cell("b", compare.Run{Executions: 3})
	if err := compare.WriteCSV(&whole, true, a, b); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "table.csv")
	counts := map[int]int{}
	for n := range whole.Len() + 1 {
		if err := os.WriteFile(file, whole.Bytes()[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		cells, err := readCells(file)
		left, _ := os.ReadFile(file)
		if err != nil || len(left) > 0 && left[len(left)-1] != '\n' {
			t.Fatalf("cut at %d: %v, %q is left", n, err, left)
		}
		counts[len(cells)]++
	}
	if len(counts) != 3 || counts[2] != 1 {
		t.Errorf("cells read: %v", counts)
	}
	if cells, err := readCells(file + ".none"); cells != nil || err != nil {
		t.Errorf("no file: %v, %v", cells, err)
	}
}

// benchCommand is a command line of -bench with a budget that some cells spend.
func benchCommand(t *testing.T, dir string, args ...string) *command {
	t.Helper()
	args = append([]string{"-bench", dir, "-seeds", "5", "-cap", "300", "-steps", "4000"}, args...)
	c, err := parseFlags(append(args, "CS.bluetooth_driver", "CS.reorder_10"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// measured goes on with the table of c, and returns its cells, sorted and without times, and
// the file table.md.
func measured(t *testing.T, c *command) (cells []compare.Cell, text string) {
	t.Helper()
	if _, err := c.measure(t.Context(), io.Discard, newProgress(io.Discard)); err != nil {
		t.Fatal(err)
	}
	cells, err := readCells(filepath.Join(c.bench, benchCSV))
	if err != nil {
		t.Fatal(err)
	}
	for i := range cells {
		cells[i].Time = 0
	}
	slices.SortFunc(cells, func(a, b compare.Cell) int {
		return strings.Compare(a.Program+" "+a.Strategy, b.Program+" "+b.Strategy)
	})
	markdown, err := os.ReadFile(filepath.Join(c.bench, benchMarkdown))
	if err != nil {
		t.Fatal(err)
	}
	return cells, string(markdown)
}

// TestBenchWorkers: the table is the same with any number of workers, and if it is gone on
// with after some strategies and after a kill.
func TestBenchWorkers(t *testing.T) {
	want, text := measured(t, benchCommand(t, t.TempDir()))
	if len(want) != 6*(1+len(samplers.Published())) {
		t.Fatalf("%d cells", len(want))
	}
	short := 0
	for _, c := range want {
		if len(c.Runs) < c.Seeds {
			short++
		}
		if c.Strategy == guidedStrategy && (c.Budget != 0 || len(c.Runs) != 5) {
			t.Errorf("%s, guided: %d runs with a budget of %d", c.Program, len(c.Runs), c.Budget)
		}
	}
	if short == 0 {
		t.Error("no cell has spent its budget before its last seed")
	}
	c := benchCommand(t, t.TempDir(), "-j", "3", "-strategies", "surw,guided")
	if cells, _ := measured(t, c); len(cells) != 12 {
		t.Errorf("%d cells of two strategies", len(cells))
	}
	file := filepath.Join(c.bench, benchCSV)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data[:len(data)/2], 0o666); err != nil {
		t.Fatal(err)
	}
	got, gotText := measured(t, benchCommand(t, c.bench, "-j", "4"))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("with workers\n%v, want\n%v", got, want)
	}
	if gotText != text {
		t.Errorf("with workers\n%s, want\n%s", gotText, text)
	}
}

// TestBenchMoreSteps: with more steps the table becomes that of a run with so many from the
// beginning, even if one in between was killed; with fewer it stays, and no cell is measured.
func TestBenchMoreSteps(t *testing.T) {
	want, text := measured(t, benchCommand(t, t.TempDir()))
	c := benchCommand(t, t.TempDir())
	c.steps = 500
	small, _ := measured(t, c)
	file := filepath.Join(c.bench, benchCSV)
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c.steps = 4000
	jobs, err := c.jobs(nil, small)
	if err != nil || len(jobs) > 0 {
		t.Errorf("no program: %d jobs, %v", len(jobs), err)
	}
	got, gotText := measured(t, c)
	for i := range got { // what had not spent its steps is as it was
		if got[i].Budget == 500 && small[i].Steps < 500 {
			got[i].Budget = 4000
		}
	}
	if !reflect.DeepEqual(got, want) || gotText != text {
		t.Errorf("with more steps\n%v\n%s, want\n%v\n%s", got, gotText, want, text)
	}
	after, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, lines, _ := bytes.Cut(after, []byte("\n"))
	killed := append(before, lines[:len(lines)/2]...)
	if err := os.WriteFile(file, killed, 0o666); err != nil {
		t.Fatal(err)
	}
	if again, _ := measured(t, c); len(again) != len(want) {
		t.Errorf("after a kill %d cells, want %d", len(again), len(want))
	}
	c.steps = 10
	if jobs, err := c.jobs(mustFind(t, c), got); err != nil || len(jobs) > 0 {
		t.Errorf("with fewer steps: %d jobs, %v", len(jobs), err)
	}
	c.cap++
	if jobs, err := c.jobs(nil, got); err == nil {
		t.Errorf("with another cap: %d jobs", len(jobs))
	}
}

// rewrite changes the cells of the table of c.
func rewrite(t *testing.T, c *command, change func(*compare.Cell)) {
	t.Helper()
	file := filepath.Join(c.bench, benchCSV)
	cells, err := readCells(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range cells {
		change(&cells[i])
	}
	var b bytes.Buffer
	if err := compare.WriteCSV(&b, true, cells...); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestBenchOlder: cells of an older revision are marked and kept without measuring, and else
// measured anew, but for those that took more steps than they would be given.
func TestBenchOlder(t *testing.T) {
	c := benchCommand(t, t.TempDir(), "-strategies", "guided,walk,pct3")
	want, text := measured(t, c)
	rewrite(t, c, func(cell *compare.Cell) {
		if cell.Strategy != "walk" {
			cell.Revision, cell.Runs[0] = 1, compare.Run{Executions: 299, Failed: true}
		}
	})
	old := func(cell compare.Cell) bool { return cell.Runs[0].Executions == 299 }
	count := func(c *command) (n int, text string) {
		cells, text := measured(t, c)
		if len(cells) != len(want) {
			t.Errorf("%d cells, want %d", len(cells), len(want))
		}
		for _, cell := range cells {
			if old(cell) != (cell.Revision == 1 && cell.Strategy != "walk") {
				t.Errorf("%s, %s is of revision %d", cell.Program, cell.Strategy, cell.Revision)
			}
			if old(cell) {
				n++
			}
		}
		return n, text
	}
	c.measures = false
	if n, text := count(c); n != 12 || !strings.Contains(text, "Such cells: guided 6, pct3 6.\n") {
		t.Errorf("not measured: %d are older:\n%s", n, text)
	}
	c.measures, c.steps = true, 10 // which no cell of PCT fits in
	if n, text := count(c); n != 6 || !strings.Contains(text, "Such cells: pct3 6.\n") {
		t.Errorf("with fewer steps: %d are older:\n%s", n, text)
	}
	c.steps = 4000
	if got, gotText := measured(t, c); !reflect.DeepEqual(got, want) || gotText != text {
		t.Errorf("measured anew\n%v\n%s, want\n%v\n%s", got, gotText, want, text)
	}
	rewrite(t, c, func(cell *compare.Cell) { cell.Revision += 10 })
	if status, err := c.measure(t.Context(), io.Discard, newProgress(io.Discard)); err == nil {
		t.Errorf("of newer code: status %d", status)
	}
	c.bench, c.measures = t.TempDir(), false
	if status, err := c.measure(t.Context(), io.Discard, newProgress(io.Discard)); err == nil {
		t.Errorf("no table: status %d", status)
	}
}

// TestTables: the tables of docs/benchmark are what is written of their cells now, so that no cell
// of an older revision is without its mark.
func TestTables(t *testing.T) {
	for _, dir := range []string{"../../docs/benchmark", "../../docs/benchmark/models"} {
		cells, err := os.ReadFile(filepath.Join(dir, benchCSV))
		if err != nil {
			t.Fatal(err)
		}
		c := benchCommand(t, t.TempDir(), "-measure=false")
		if err := os.WriteFile(filepath.Join(c.bench, benchCSV), cells, 0o666); err != nil {
			t.Fatal(err)
		}
		measured(t, c)
		for _, name := range []string{benchMarkdown, benchPlot} {
			got, err := os.ReadFile(filepath.Join(c.bench, name))
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s/%s is not of its cells (%v): "+
					"go run ./cmd/explore -bench docs/benchmark -measure=false, and .../models, write it",
					dir, name, err)
			}
		}
	}
}

func mustFind(t *testing.T, c *command) []schedule.Program {
	t.Helper()
	programs, err := c.findBench()
	if err != nil {
		t.Fatal(err)
	}
	return programs
}

// TestBenchPatterns: each racy program of the kernel models is meant, and nothing else of them;
// the order of the table has each once, object by object.
func TestBenchPatterns(t *testing.T) {
	want := map[string]bool{}
	for _, p := range kmodel.Programs() {
		if p.Racy() {
			want[p.Name()] = true
		}
	}
	c := benchCommand(t, t.TempDir())
	c.patterns = []string{"...", "fs/aio", "CS.stack@threads", "fs/pipe/workload@3.10-pso"}
	var names []string
	for _, p := range mustFind(t, c) {
		names = append(names, p.Name)
	}
	want["CS.stack@threads"], want["fs/pipe/workload@3.10-pso"] = true, true
	got := map[string]bool{}
	for _, name := range names {
		got[name] = true
	}
	if !reflect.DeepEqual(got, want) || len(names) != len(want) {
		t.Errorf("%d programs, %d of them different, want %d", len(names), len(got), len(want))
	}
	rows := tableOrder(names)
	var objects []string
	for _, name := range rows {
		object := name[:max(0, strings.LastIndex(name, "/"))]
		if len(objects) == 0 || objects[len(objects)-1] != object {
			objects = append(objects, object)
		}
	}
	slices.Sort(names)
	slices.Sort(objects)
	if all := slices.Sorted(slices.Values(rows)); !slices.Equal(all, names) {
		t.Errorf("%d rows, want %d", len(all), len(names))
	}
	if once := slices.Compact(slices.Clone(objects)); !slices.Equal(once, objects) {
		t.Errorf("objects come again: %v", objects)
	}
}

// A cancelWriter cancels once something is written.
type cancelWriter struct {
	bytes.Buffer
	cancel context.CancelFunc
}

func (w *cancelWriter) Write(p []byte) (int, error) {
	w.cancel()
	return w.Buffer.Write(p)
}

// TestBenchInterrupt: of an interrupted table the cells that were done are written, and no
// part of one.
func TestBenchInterrupt(t *testing.T) {
	c := benchCommand(t, t.TempDir(), "-j", "2")
	jobs, err := c.jobs(mustFind(t, c), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w := &cancelWriter{cancel: cancel}
	compare.WriteCSV(&w.Buffer, true)
	cells, err := c.fill(ctx, w, jobs, newProgress(io.Discard))
	if err != nil || len(cells) == 0 || len(cells) > 3 {
		t.Fatalf("%d cells, %v", len(cells), err)
	}
	written, err := compare.ReadCSV(&w.Buffer)
	if err != nil || len(written) != len(cells) {
		t.Errorf("%d cells written, want %d, %v", len(written), len(cells), err)
	}
}
