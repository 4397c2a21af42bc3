package guided

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// accesses are those of a thread.
type accesses [6]int

// A desk is a workload of two threads, each of which makes the accesses that were chosen for
// it: 0 to 3 are writes to its cells, 4 to 7 reads of them. What has been chosen is left in
// setup.
type desk struct {
	schedule.Object
	cells [4]schedule.Cell
	setup [2]accesses
}

// program chooses from the accesses from first up to end; if there are none setup stays.
func (d *desk) program(first, end int) schedule.Program {
	return schedule.Program{Name: "desk", New: func() func(*schedule.Exec) {
		d.Bind(d, "desk")
		var bodies [2]func(*schedule.Thread)
		for i := range bodies {
			bodies[i] = func(t *schedule.Thread) {
				for _, a := range d.setup[t.ID] {
					op := schedule.Op{Verb: "write", Cell: &d.cells[a%4], Mode: schedule.WriteOnce}
					if a >= 4 {
						op.Verb, op.Mode = "read", schedule.ReadOnce
					}
					if t.Step(op); a < 4 {
						d.cells[a].Set(uint64(t.ID) + 1)
					} else {
						t.Observe(d.cells[a%4].Value())
					}
				}
			}
		}
		return func(e *schedule.Exec) {
			e.Static(&d.Object, 0)
			for i := range d.setup {
				for j := range d.setup[i] {
					if end > first {
						d.setup[i][j] = first + e.Choose(end-first)
					}
				}
			}
			for _, body := range bodies {
				e.Go("", body)
			}
		}
	}}
}

// lengths returns how many guided executions in a row had the same setup, of n executions,
// beginning with number from, of a desk with the accesses from first on.
func lengths(first, from, n int) (out []int) {
	d := new(desk)
	r := schedule.NewRunner(d.program(first, 8))
	defer r.Close()
	en := New(1, Options{})
	last := [2]accesses{{-1}}
	for i := range n {
		sample.Once(r, en)
		if i < from || en.mode != guidedMode {
			continue
		}
		if d.setup != last {
			last, out = d.setup, append(out, 0)
		}
		out[len(out)-1]++
	}
	return out
}

// TestBurst: at first every execution has a setup of its own; later each setup whose executions
// leave different memory keeps at most 64, and one whose do not, since no cell is written, 7:
// the first, and 6 that leave what it did.
func TestBurst(t *testing.T) {
	if got := lengths(0, 0, 2*growth); slices.Max(got) > 2 {
		t.Errorf("the first bursts are of %v executions, want one", got)
	}
	late := lengths(0, 3000, 6000)
	if slices.Max(late) > longest || slices.Max(late) < 2*patience || len(late) < 100 {
		t.Errorf("%d bursts, the longest of %d executions", len(late), slices.Max(late))
	}
	reads := lengths(4, 3000, 6000)
	for _, n := range reads[1 : len(reads)-1] {
		if n%(1+patience) != 0 { // two in a row may have the same setup
			t.Fatalf("a burst of %d executions, want %d", n, 1+patience)
		}
	}
}

// TestBurstAllocs: a workload allocates nothing either once warm, however many setups it
// has.
func TestBurstAllocs(t *testing.T) {
	d := new(desk)
	r := schedule.NewRunner(d.program(0, 8))
	defer r.Close()
	en := New(1, Options{Nodes: 1000, Entries: 100})
	run := func() { sample.Once(r, en) }
	for range 20_000 {
		run()
	}
	if n := testing.AllocsPerRun(2000, run); n != 0 {
		t.Errorf("%v allocations an execution", n)
	}
}

// TestShares: the shares are of all executions, at each time. Without an arm that yields more than
// others every arm has its share of the executions, to within one at any time.
func TestShares(t *testing.T) {
	var early, crowd, late, workload float64
	for _, a := range table {
		early, crowd, late, workload = early+a.early, crowd+a.crowd, late+a.late, workload+a.workload
	}
	for _, sum := range []float64{early, crowd, late, workload} {
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("shares of %g, %g, %g and %g", early, crowd, late, workload)
		}
	}
	en := New(1, Options{})
	en.workload = true
	got := map[*arm]int{}
	for n := 1; n <= 1000; n++ {
		got[en.spendOn()]++
		for i := range en.arms {
			a := &en.arms[i]
			if want := a.workload * float64(n); float64(got[a]) > want+1.5 ||
				float64(got[a]) < want-1.5 {
				t.Fatalf("%s: %d of %d executions, want %.1f", a.sampler, got[a], n, want)
			}
		}
	}
}

// seenBy is what segments are, by the definition: all pairs of a communication and the next.
type seenBy struct {
	last map[*schedule.Cell]step
	comm string
	seen map[string]bool
}

type step struct {
	thread int
	what   string
	writes bool
}

func (s *seenBy) step(t *schedule.Thread) {
	op := t.Op()
	if op.Cell == nil || op.Cell.Object() == nil {
		return
	}
	now := step{t.ID, fmt.Sprint(op.Verb, op.Mode, op.Cell.Object().Kind(), op.Cell.ID()&0xfff),
		op.Mode&schedule.Writes != 0}
	if was, ok := s.last[op.Cell]; ok && was.thread != t.ID && (was.writes || now.writes) {
		c := was.what + " then " + now.what
		s.seen[s.comm+", "+c] = true
		s.comm = c
	}
	s.last[op.Cell] = now
}

// TestSegments compares segments with their definition, over random executions of programs,
// and counts them in one of two threads that write two cells each.
func TestSegments(t *testing.T) {
	for _, name := range []string{
		"CS.account", "CHESS.WSQ", "handshake_4", "CVE-2016-1972", "CS.stack",
	} {
		p, err := bench.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, name, p.Schedule(bench.Threads), 200)
	}
	d := new(desk)
	// Both threads write the same cell, time and again. What follows first is not told apart by who
	// did it: the first communication of an execution, or one after another.
	if n := compare(t, "desk", d.program(0, 0), 100); n != 2 {
		t.Errorf("desk: %d segments, want 2", n)
	}
}

// compare returns how many segments there are in some executions of a program.
func compare(t *testing.T, name string, p schedule.Program, runs int) int {
	r := schedule.NewRunner(p)
	defer r.Close()
	s := new(segments)
	s.forget()
	dumb := &seenBy{seen: map[string]bool{}}
	r.Watch = schedule.WatcherFunc(func(t *schedule.Thread) bool {
		s.step(t)
		dumb.step(t)
		return true
	})
	walk := sample.NewWalk(1)
	for i := range runs {
		before := len(dumb.seen)
		s.begin()
		dumb.last, dumb.comm = map[*schedule.Cell]step{}, ""
		r.Run(walk)
		if s.seen.used != len(dumb.seen) || s.fresh != (len(dumb.seen) > before) {
			t.Fatalf("%s: after %d executions %d segments (new: %v), want %d of which %d are new",
				name, i+1, s.seen.used, s.fresh, len(dumb.seen), len(dumb.seen)-before)
		}
	}
	known := s.seen.used
	s.forget()
	s.begin()
	r.Run(walk)
	if s.seen.used == 0 || !s.fresh {
		t.Errorf("%s: no segment is new after they were forgotten", name)
	}
	return known
}

// TestBurstSeed: the same seed decides the same in a workload too.
func TestBurstSeed(t *testing.T) {
	of := func(seed uint64) (tapes []string) {
		r := schedule.NewRunner(new(desk).program(0, 8))
		defer r.Close()
		en := New(seed, Options{})
		for range 2000 {
			sample.Once(r, en)
			tapes = append(tapes, r.Taken().String())
		}
		return tapes
	}
	if !slices.Equal(of(1), of(1)) {
		t.Error("the same seed decides otherwise")
	}
	if slices.Equal(of(1), of(2)) {
		t.Error("another seed decides the same")
	}
}
