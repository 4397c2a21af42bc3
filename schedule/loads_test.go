package schedule_test

import (
	"slices"
	"testing"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
)

// get is a load that may pass loads.
func (s *shelf) get(t *Thread, c *Cell) uint64 {
	t.Step(Op{Verb: "get", Cell: c, Mode: PlainRead})
	return t.Observe(t.Load(c))
}

// swaps stores 1 to n to c, each at once.
func (s *shelf) swaps(t *Thread, c *Cell, n int) {
	for v := range n {
		t.Step(Op{Verb: "xchg", Cell: c, Mode: RMWFull})
		c.Set(uint64(v) + 1)
	}
}

// decides is a function as a chooser.
type decides func(n int) int

func (f decides) Choose(_ *Exec, n int) int { return f(n) }

// TestInvalidateLimit has more old values wait than there is room for, also in an execution that
// begins again because it is only then known that somebody loads them.
func TestInvalidateLimit(t *testing.T) {
	for _, n := range []int{64, 65} {
		r := NewRunner(shelvedBy((*Exec).ReorderLoads, func(e *Exec, s *shelf) {
			e.Go("stores", func(t *Thread) { s.swaps(t, &s.a, n) })
			e.Go("loads", func(t *Thread) { s.get(t, &s.a) })
		}))
		want := Result{Outcome: Pass}
		if n > 64 {
			want = Result{Outcome: Invalid, Reason: InvalidateLimit}
		}
		for range 2 {
			if res := r.RunTape(nil); res.Outcome != want.Outcome || res.Reason != want.Reason {
				t.Errorf("%d stores: %+v, want %+v", n, res, want)
			}
		}
		// Nothing is left of it: who loads first passes.
		if res := r.RunTape(Tape{1}); res.Outcome != Pass {
			t.Errorf("%d stores after the load: %+v", n, res)
		}
		r.Close()
	}
}

// TestInvalidateLimitOfAddresses has the mark of an address that was computed be one too many.
func TestInvalidateLimitOfAddresses(t *testing.T) {
	for _, n := range []int{62, 63} {
		r := NewRunner(shelvedBy((*Exec).ReorderLoads, func(e *Exec, s *shelf) {
			e.Go("stores", func(t *Thread) { s.swaps(t, &s.a, n); s.swaps(t, &s.b, 1) })
			e.Go("loads", func(t *Thread) {
				s.get(t, &s.b)
				t.DependsOn(&s.c, &s.b)
				s.get(t, &s.a)
			})
		}))
		want := Pass
		if n > 62 {
			want = Invalid
		}
		if res := r.RunTape(nil); res.Outcome != want {
			t.Errorf("%d stores: %+v, want %v", n, res, want)
		}
		r.Close()
	}
}

// TestLearnsInTheMiddle has a thread load a word that nobody is known to load after it has been
// shown to a watcher, and after decisions: those are taken again, and each step is shown once.
func TestLearnsInTheMiddle(t *testing.T) {
	r := NewRunner(shelvedBy((*Exec).ReorderLoads, func(e *Exec, s *shelf) {
		e.Choose(2)
		e.Go("stores", func(t *Thread) { s.swaps(t, &s.a, 2); s.swaps(t, &s.b, 2) })
		e.Go("loads", func(t *Thread) {
			if s.get(t, &s.b) == 2 {
				t.Choose(3)
				s.get(t, &s.a)
			}
		})
	}))
	defer r.Close()
	for range 2 {
		var verbs []string
		asked := 0
		r.Watch = WatcherFunc(func(t *Thread) bool {
			verbs = append(verbs, t.Op().Verb)
			return true
		})
		res := r.Run(decides(func(n int) int { asked++; return n - 1 }))
		if res.Outcome != Pass || len(verbs) != res.Steps || asked != res.Decisions {
			t.Errorf("%+v: %d steps shown, %q; asked for %d decisions",
				res, len(verbs), verbs, asked)
		}
	}
	if n := r.Exec().Steps(); n < 4 {
		t.Errorf("%d steps", n)
	}
}

// TestKnowsMore has a tape be the same execution where more loads are known, of words that nobody
// loads in it.
func TestKnowsMore(t *testing.T) {
	r := NewRunner(shelvedBy((*Exec).ReorderLoads, func(e *Exec, s *shelf) {
		e.Static(s.heap.Header(), 0)
		all := e.Choose(2) == 1
		e.Go("stores", func(t *Thread) {
			s.swaps(t, &s.c, 1)
			for _, c := range s.nine() {
				s.swaps(t, c, 1)
			}
			s.swaps(t, &s.heap.a, 1)
		})
		e.Go("loads", func(t *Thread) {
			s.get(t, &s.heap.a)
			s.get(t, &s.c)
			for _, c := range s.nine() {
				if all {
					s.get(t, c)
				}
			}
		})
	}))
	defer r.Close()
	want := r.RunTape(nil)
	r.RunTape(Tape{1}) // learns of the nine
	got := r.RunTape(nil)
	if want.Outcome != Pass || got != want {
		t.Errorf("%+v, and before that was known %+v", got, want)
	}
}

// loadings is a watcher of loads.
type loadings struct {
	WatcherFunc
	seen []Loading
}

// Loaded implements [LoadWatcher].
func (l *loadings) Loaded(_ *Thread, ld Loading) bool {
	l.seen = append(l.seen, ld)
	return len(l.seen) < 3
}

// TestLoadWatcher shows each load once, also of an execution that begins again, with the steps that it
// is about, which the trace has as well.
func TestLoadWatcher(t *testing.T) {
	var s *shelf
	r := NewRunner(shelvedBy((*Exec).ReorderLoads, func(e *Exec, of *shelf) {
		s = of
		e.Go("stores", func(t *Thread) { s.swaps(t, &s.a, 2); s.swaps(t, &s.b, 1) })
		e.Go("loads", func(t *Thread) { s.get(t, &s.b); s.get(t, &s.a); s.get(t, &s.a) })
	}))
	defer r.Close()
	for range 2 {
		l := loadings{WatcherFunc: func(*Thread) bool { return true }}
		r.Watch = &l
		if res := r.RunTape(Tape{0, 0, 0, 1}); res.Outcome != Abandoned {
			t.Errorf("%v, want it abandoned", res.Outcome)
		}
		want := []Loading{
			{Cell: &s.b, Came: 3},
			{Cell: &s.a, Over: 2, Came: 1, Passed: 4, Old: true, Older: true, Newer: true},
			{Cell: &s.a, Came: 2, Older: true},
		}
		if !slices.Equal(l.seen, want) {
			t.Errorf("loads\n%+v, want\n%+v", l.seen, want)
		}
		r.Watch = nil
	}
	tr, err := r.Replay(Tape{0, 0, 0, 1})
	if err != nil {
		t.Fatal(err)
	}
	if ev := tr.Events[4]; ev.Value != "1" || ev.Memory != "2" || ev.Over != 2 || ev.Passed != 4 {
		t.Errorf("%+v", ev)
	}
}
