package compare_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/compare"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

var update = flag.Bool("update", false, "write the golden files")

func cell(runs ...int) compare.Cell { return compare.Cell{Cap: 100, Runs: runs} }

// TestNumbers: by hand.
func TestNumbers(t *testing.T) {
	for _, test := range []struct {
		cell             compare.Cell
		mean, median, sd float64
	}{
		{cell(1, 2, 3, 6), 3, 2.5, math.Sqrt(14.0 / 3)},
		{cell(5), 5, 5, 0},
		{cell(10, 0, 20), 65, 20, math.Sqrt(50)},
		{cell(10, 0, 0), 210, math.Inf(1), 0},
	} {
		c := test.cell
		if c.Mean() != test.mean || c.Median() != test.median || math.Abs(c.SD()-test.sd) > 1e-9 {
			t.Errorf("%v: %v %v %v, want %v", c.Runs, c.Mean(), c.Median(), c.SD(), test)
		}
	}
	if mean, never := cell(0, 0).AtLeast(); mean != 200 || !never {
		t.Errorf("%v %v", mean, never)
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
	a, _ := compare.LogRank(cell(1, 2), cell(3, 0))
	if a != z {
		t.Errorf("z %v, want %v", a, z)
	}
	if z, p := compare.LogRank(cell(0, 0), cell(0)); z != 0 || p != 1 {
		t.Errorf("nobody failed: %v %v", z, p)
	}
	if z, _ := compare.LogRank(cell(3, 4), cell(1, 2)); z <= 0 {
		t.Errorf("z %v of who takes more", z)
	}
}

// TestLogRankNull: of pairs from one distribution one in 20 has p below 0.05.
func TestLogRankNull(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	draw := func() compare.Cell {
		var c compare.Cell
		c.Cap = 60
		for range 40 {
			n := 1 + int(30*rng.ExpFloat64())
			if n > c.Cap {
				n = 0
			}
			c.Runs = append(c.Runs, n)
		}
		return c
	}
	const pairs = 2000
	low := 0
	for range pairs {
		if _, p := compare.LogRank(draw(), draw()); p < 0.05 {
			low++
		}
	}
	if low < 60 || low > 145 { // 100, and five standard deviations
		t.Errorf("p < 0.05 in %d of %d pairs", low, pairs)
	}
}

func samples() []compare.Cell {
	return []compare.Cell{
		{"CS.account@threads", "guided", 100, []int{1, 2, 3, 1}, 70, 3 * time.Millisecond},
		{"CS.account@threads", "pos", 100, []int{9, 20, 31, 44}, 2000, 40 * time.Millisecond},
		{"CS.account@threads", "surw", 100, []int{2, 2, 3, 1}, 80, 2 * time.Millisecond},
		{"SafeStack@threads", "guided", 1000, []int{500, 700, 0}, 9000, time.Second},
		{"SafeStack@threads", "pos", 1000, []int{0, 0, 0}, 99000, time.Second},
		{"SafeStack@threads", "surw", 1000, []int{0, 0, 30}, 70000, time.Second},
	}
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

// TestMeasure: the same seeds take the same executions, and who gives up has run the cap.
func TestMeasure(t *testing.T) {
	p, err := bench.Find("CS.bluetooth_driver")
	if err != nil {
		t.Fatal(err)
	}
	r := schedule.NewRunner(p.Schedule(bench.Threads))
	defer r.Close()
	walk := func(seed uint64) sample.Sampler { return sample.NewWalk(seed) }
	a, done := compare.Measure(t.Context(), r, "walk", walk, 10, 20)
	b, _ := compare.Measure(t.Context(), r, "walk", walk, 10, 20)
	if !done || !reflect.DeepEqual(a.Runs, b.Runs) || len(a.Runs) != 10 || a.Steps != b.Steps {
		t.Errorf("%v, %v", a, b)
	}
	if a.Found() == 0 || a.Found() == 10 {
		t.Errorf("%v: some should fail and some give up", a.Runs)
	}
}

// TestPublished: every program that something is published about is there, and all of the
// literature's are.
func TestPublished(t *testing.T) {
	for _, p := range bench.Programs() {
		has := compare.Published(p.Name) != compare.Publication{}
		if ours := p.Source == "ours"; has == ours {
			t.Errorf("%s of %s: published %v", p.Name, p.Source, has)
		}
	}
}
