package schedule_test

import (
	"fmt"
	"slices"
	"testing"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// A shelf is words, a pointer, and what that may lead to.
type shelf struct {
	words
	p    Ptr[*words]
	more [7]Cell
	kept Kept[*words]
	heap words
}

// nine returns so many cells, a and b first.
func (s *shelf) nine() []*Cell {
	out := []*Cell{&s.a, &s.b}
	for i := range s.more {
		out = append(out, &s.more[i])
	}
	return out
}

// putAll is one put of v, v+1 ... to cells.
func (s *shelf) putAll(t *Thread, cells []*Cell, v uint64) {
	t.Step(Op{Verb: "put", Cell: cells[0], Mode: PlainWrite})
	for i, c := range cells {
		t.Store(c, v+uint64(i))
	}
}

// put is store where the store may wait.
func (s *shelf) put(t *Thread, c *Cell, v uint64) {
	t.Step(Op{Verb: "put", Cell: c, Mode: PlainWrite})
	t.Store(c, v)
}

// putPtr is put of a pointer.
func (s *shelf) putPtr(t *Thread, p *words) {
	t.Step(Op{Verb: "put", Cell: &s.p.Cell, Mode: PlainWrite})
	s.p.Store(t, p)
}

// barrier is a full one.
func barrier(t *Thread) { t.Step(Op{Verb: "mb", Mode: Barrier}) }

// shelved is a program with store buffers. Beside the thread that it is about there is one of a
// single step, so that there is a decision as long as that is not taken.
func shelved(begin func(e *Exec, s *shelf)) Program {
	return shelvedBy((*Exec).BufferStores, begin)
}

func shelvedBy(buffer func(e *Exec), begin func(e *Exec, s *shelf)) Program {
	return Program{Name: "shelved", New: func() func(*Exec) {
		s := new(shelf)
		s.Bind(s, "shelf")
		s.heap.Bind(&s.heap, "heap")
		return func(e *Exec) {
			buffer(e)
			e.Static(s.Header(), 0)
			begin(e, s)
		}
	}}
}

// memory is a chooser that keeps what is in memory at each decision: the three words.
type memory struct {
	TapeReader
	s    *shelf
	seen []string
}

func (m *memory) Choose(e *Exec, n int) int {
	m.seen = append(m.seen, fmt.Sprint(m.s.a.Value(), m.s.b.Value(), m.s.c.Value()))
	return m.TapeReader.Choose(e, n)
}

// watch runs a thread, with a tape that says whether it goes on (0) or the oldest of its stores
// gets into memory (2). It returns what is in memory before each step.
func watch(t *testing.T, tape string, body func(t *Thread, s *shelf)) []string {
	t.Helper()
	m := &memory{}
	digits, err := Parse(tape)
	if err != nil {
		t.Fatal(err)
	}
	m.Reset(digits)
	r := NewRunner(shelved(func(e *Exec, s *shelf) {
		m.s = s
		e.Go("stores", func(t *Thread) { body(t, s) })
		e.Go("other", func(t *Thread) { t.Step(Op{Verb: "nop"}) })
	}))
	t.Cleanup(r.Close)
	if res := r.Run(m); res.Outcome != Pass {
		t.Fatalf("%+v", res)
	}
	return m.seen
}

// store2 is two stores, and a load of another word.
func store2(t *Thread, s *shelf) {
	s.put(t, &s.a, 1)
	s.put(t, &s.b, 2)
	s.load(t, &s.c)
}

// TestStores watches memory. Alternatives are the thread, the other one, and the buffer.
func TestStores(t *testing.T) {
	for _, test := range []struct {
		name, tape string
		body       func(t *Thread, s *shelf)
		want       []string
	}{
		{"they wait", "000", store2, []string{"0 0 0", "0 0 0", "0 0 0"}},
		{"they get there in order", "0022", store2,
			[]string{"0 0 0", "0 0 0", "0 0 0", "1 0 0", "1 2 0"}},
		{"a barrier waits for them", "0011", func(t *Thread, s *shelf) {
			s.put(t, &s.a, 1)
			s.put(t, &s.b, 2)
			barrier(t)
			s.put(t, &s.c, 3)
		}, []string{"0 0 0", "0 0 0", "0 0 0", "1 0 0", "1 2 0", "1 2 0"}},
		{"so does a locked instruction", "01", func(t *Thread, s *shelf) {
			s.put(t, &s.a, 1)
			t.Step(Op{Verb: "lock inc", Cell: &s.b, Mode: RMW})
			s.b.Set(s.b.Value() + 1)
			s.load(t, &s.c)
		}, []string{"0 0 0", "0 0 0", "1 0 0", "1 1 0"}},
		{"so does a load behind a barrier", "01", func(t *Thread, s *shelf) {
			s.put(t, &s.a, 1)
			t.Step(Op{Verb: "smp_mb, load", Cell: &s.b, Mode: ReadOnce | Barrier})
			t.Observe(s.b.Value())
		}, []string{"0 0 0", "0 0 0", "1 0 0"}},
		{"what asks no buffer comes after them", "00", func(t *Thread, s *shelf) {
			s.put(t, &s.a, 1)
			s.put(t, &s.b, 2)
			s.store(t, &s.c, 3)
			s.load(t, &s.c)
		}, []string{"0 0 0", "0 0 0", "0 0 0", "1 2 3"}},
		{"to the same word too", "00", func(t *Thread, s *shelf) {
			s.put(t, &s.a, 1)
			s.store(t, &s.a, 3)
			s.load(t, &s.c)
		}, []string{"0 0 0", "0 0 0", "3 0 0"}},
		{"there is room for eight", "0", func(t *Thread, s *shelf) {
			for i := range 9 {
				s.put(t, &s.a, uint64(i))
			}
			s.load(t, &s.c)
		}, append(slices.Repeat([]string{"0 0 0"}, 9), "7 0 0")},
		{"those of a step get there together", "002", func(t *Thread, s *shelf) {
			s.put(t, &s.b, 1)
			s.putAll(t, []*Cell{&s.a, &s.b, &s.a}, 2)
			s.load(t, &s.c)
		}, []string{"0 0 0", "0 0 0", "0 0 0", "0 1 0"}},
		{"all of them", "00022", func(t *Thread, s *shelf) {
			s.put(t, &s.b, 1)
			s.putAll(t, []*Cell{&s.a, &s.b, &s.a}, 2)
			s.put(t, &s.c, 3)
			s.load(t, &s.c)
		}, []string{"0 0 0", "0 0 0", "0 0 0", "0 0 0", "0 1 0", "4 3 0"}},
		{"they are not parted where there is no room", "0", func(t *Thread, s *shelf) {
			for range 7 {
				s.put(t, &s.c, 1)
			}
			s.putAll(t, []*Cell{&s.a, &s.b}, 2)
			s.load(t, &s.c)
		}, append(slices.Repeat([]string{"0 0 0"}, 8), "0 0 1")},
		{"more than there is room for do not wait", "0", func(t *Thread, s *shelf) {
			s.put(t, &s.c, 1)
			s.putAll(t, s.nine(), 2)
			s.load(t, &s.c)
		}, []string{"0 0 0", "0 0 0", "2 3 1"}},
		{"nor do any of a step that asks no buffer in the midst", "0", func(t *Thread, s *shelf) {
			s.put(t, &s.a, 1)
			s.c.Set(3)
			t.Store(&s.b, 2)
			s.load(t, &s.c)
		}, []string{"0 0 0", "1 2 3"}},
		{"a context switch is a barrier", "0", func(t *Thread, s *shelf) {
			s.put(t, &s.a, 1)
			t.RunsOn(0) // it has been there all the time
			s.load(t, &s.c)
			t.RunsOn(0)
			s.load(t, &s.c)
			t.RunsOn(1)
			s.load(t, &s.c)
		}, []string{"0 0 0", "0 0 0", "0 0 0", "1 0 0"}},
		{"a grace period is one", "0", func(t *Thread, s *shelf) {
			s.put(t, &s.a, 1)
			s.load(t, &s.c)
			t.Exec().DrainStores()
			s.load(t, &s.c)
		}, []string{"0 0 0", "0 0 0", "1 0 0"}},
	} {
		got := watch(t, test.tape, test.body)
		if got = got[:min(len(got), len(test.want))]; !slices.Equal(got, test.want) {
			t.Errorf("%s: memory is %q, want %q", test.name, got, test.want)
		}
	}
}

// must fails the execution unless ok.
func must(t *Thread, ok bool, what string) {
	if !ok {
		t.Fail(BugOn, nil, Party{}, what)
	}
}

// forwards has one thread see what it has stored last, and another what is in memory.
var forwards = shelved(func(e *Exec, s *shelf) {
	e.AllocBoot(&s.heap.Object, 0)
	e.Go("stores", func(t *Thread) {
		s.put(t, &s.a, 1)
		s.put(t, &s.a, 2)
		must(t, s.load(t, &s.a) == 2, "sees an older store")
		s.putPtr(t, &s.heap)
		must(t, s.p.Get() == &s.heap, "does not see its pointer")
		s.putPtr(t, nil)
		must(t, s.p.Get() == nil, "sees an older pointer")
		s.putPtr(t, &s.heap)
		t.Step(Op{Verb: "xchg", Cell: &s.p.Cell, Mode: PlainWrite})
		s.p.Put(&s.words)
		must(t, s.p.Get() == &s.words, "an older pointer comes after it")
		s.putPtr(t, &s.heap)
		s.kept.Store(t, 1, &s.heap)
		must(t, s.kept.Kept() == &s.heap, "does not see what is kept")
		barrier(t)
		must(t, s.p.Get() == &s.heap && s.a.Value() == 2, "they are lost")
		must(t, s.kept.Kept() == &s.heap && s.kept.Value() == 1, "what is kept is lost")
		t.Step(Op{Verb: "free", Cell: s.heap.Self(), Mode: Writes | Frees})
		s.p.Put(nil)
		t.Free(&s.heap.Object)
	})
	e.Go("sees", func(t *Thread) {
		first, second := s.load(t, &s.a), s.load(t, &s.a)
		must(t, first <= second, "memory goes back")
		if s.load(t, &s.kept.Cell) == 0 {
			must(t, s.kept.Kept() == nil, "what is kept overtakes its word")
		}
		if s.load(t, &s.b) == 0 && s.p.Get() != nil {
			must(t, s.load(t, &s.a) == 2, "the pointer overtakes the word")
		}
	})
})

// overtaken is two threads of which each stores and then loads what the other stores.
var overtaken = shelved(func(e *Exec, s *shelf) {
	for i, x := range []*Cell{&s.a, &s.b} {
		y := []*Cell{&s.b, &s.a}[i]
		e.Go("sb", func(t *Thread) {
			s.put(t, x, 1)
			if s.load(t, y) == 0 {
				s.put(t, &s.c, s.load(t, &s.c)+1)
				barrier(t)
				must(t, s.c.Value() < 2, "neither sees the other")
			}
		})
	}
})

// fresh is a store that waits while memory is allocated and initialized: nobody else sees when that
// is done.
var fresh = shelved(func(e *Exec, s *shelf) {
	e.Go("stores", func(t *Thread) {
		s.put(t, &s.a, 1)
		s.load(t, &s.c)
		n := t.Waiting()
		t.Alloc(&s.heap.Object, 0)
		s.heap.b.Set(1)
		must(t, t.Waiting() == n, "it is a barrier")
		s.load(t, &s.c)
		s.heap.b.Set(2) // another step: somebody may see it
		must(t, t.Waiting() == 0, "it comes before an older store")
		t.Step(Op{Verb: "free", Cell: s.heap.Self(), Mode: Writes | Frees})
		t.Free(&s.heap.Object)
	})
	e.Go("other", func(t *Thread) { t.Step(Op{Verb: "nop"}) })
})

// pushed is a thread that comes back to a CPU, which another has had in between.
var pushed = shelved(func(e *Exec, s *shelf) {
	e.Go("first", func(t *Thread) {
		s.load(t, &s.c)
		t.RunsOn(0)
		s.put(t, &s.a, 1)
		if s.load(t, &s.c) == 1 {
			s.put(t, &s.b, 1)
			s.load(t, &s.c)
			t.RunsOn(0)
			must(t, t.Waiting() == 0, "its store waits over a switch")
		}
	})
	e.Go("second", func(t *Thread) {
		if s.load(t, &s.a) == 1 {
			t.RunsOn(0)
			s.put(t, &s.c, 1)
		}
	})
})

// comes is a thread that comes to a CPU on which another has been, and is no more.
var comes = shelved(func(e *Exec, s *shelf) {
	e.Go("comes", func(t *Thread) {
		s.put(t, &s.a, 1)
		if s.load(t, &s.c) == 1 {
			t.RunsOn(0)
			must(t, t.Waiting() == 0, "its store waits over a switch")
		}
	})
	e.Go("goes", func(t *Thread) {
		t.Step(Op{Verb: "nop"})
		t.RunsOn(0)
		s.put(t, &s.c, 1)
		t.RunsOn(1)
	})
})

// release is put of a release.
func (s *shelf) release(t *Thread, c *Cell, v uint64) {
	t.Step(Op{Verb: "release", Cell: c, Mode: WriteOnce | Release})
	t.Store(c, v)
}

// reorders has stores pass each other but for what they may not: b comes after a, which is stored
// twice, and c passes all of them unless it comes after a barrier.
var reorders = shelvedBy((*Exec).ReorderStores, func(e *Exec, s *shelf) {
	e.Go("stores", func(t *Thread) {
		s.put(t, &s.a, 1)
		s.put(t, &s.a, 2)
		s.release(t, &s.b, 1)
		s.put(t, &s.c, 1)
		must(t, s.load(t, &s.a) == 2, "sees an older store")
		t.Step(Op{Verb: "wmb", Mode: Compiler})
		t.StoreBarrier()
		s.put(t, &s.c, 2)
		must(t, s.load(t, &s.c) == 2, "sees an older store")
		barrier(t)
		must(t, s.a.Value() == 2 && s.b.Value() == 1 && s.c.Value() == 2, "they are lost")
	})
	e.Go("sees", func(t *Thread) {
		c, b, a := s.load(t, &s.c), s.load(t, &s.b), s.load(t, &s.a)
		must(t, b == 0 || a == 2, "a release passes")
		must(t, c < 2 || b == 1, "one passes a barrier")
		must(t, a == 0 || s.load(t, &s.a) >= a, "memory goes back")
	})
})

// passed fails if c is there before a and b.
var passed = shelvedBy((*Exec).ReorderStores, func(e *Exec, s *shelf) {
	e.Go("stores", func(t *Thread) {
		store2(t, s)
		s.put(t, &s.c, 1)
	})
	e.Go("sees", func(t *Thread) {
		c := s.load(t, &s.c)
		must(t, c == 0 || s.load(t, &s.b) != 0 || s.load(t, &s.a) != 0, "c passes both")
	})
})

// late is a store that gets into memory when that has been freed: it is lost, and no failure, for
// KASAN has looked when it was made.
var late = shelved(func(e *Exec, s *shelf) {
	e.AllocBoot(&s.heap.Object, 0)
	e.Go("stores", func(t *Thread) { s.put(t, &s.heap.a, 1) })
	e.Go("frees", func(t *Thread) {
		t.Step(Op{Verb: "free", Cell: s.heap.Self(), Mode: Writes | Frees})
		t.Free(&s.heap.Object)
	})
})

// A shop is an agent with two pieces of work: a store, and a locked instruction.
type shop struct{ s *shelf }

func (a *shop) Ready(*Thread) bool { return a.s.c.Value() < 2 }

func (a *shop) Run(t *Thread) {
	s, n := a.s, a.s.c.Value()
	t.Begin(Op{Verb: "work", Cell: &s.c, Mode: RMWFull})
	must(t, t.Waiting() == 0, "a store waits over a locked instruction")
	s.c.Set(n + 1)
	if n == 0 {
		s.put(t, &s.a, 1)
	}
}

// works is an agent whose store may wait when it begins with the next piece of work.
var works = shelved(func(e *Exec, s *shelf) {
	e.Agent("shop", &shop{s})
	e.Go("sees", func(t *Thread) { s.load(t, &s.a) })
})

// TestStoresExhausted runs each of them in every way.
func TestStoresExhausted(t *testing.T) {
	states, swaps := 2_000, 5_000
	if testing.Short() {
		states, swaps = 200, 500
	}
	for _, test := range []struct {
		name  string
		p     Program
		kinds []Kind
	}{
		{"forwards", forwards, nil}, {"overtaken", overtaken, []Kind{BugOn}},
		{"fresh", fresh, nil}, {"pushed", pushed, nil}, {"comes", comes, nil},
		{"late", late, []Kind{UseAfterFree}}, {"works", works, nil},
		{"reorders", reorders, nil}, {"passed", passed, []Kind{BugOn}},
	} {
		r := explore.Last(explore.Exhaust(t.Context(), test.p, explore.Options{Bound: explore.Unbounded}))
		var kinds []Kind
		for _, e := range r.Endings {
			if e.Outcome == Fail {
				kinds = append(kinds, e.Kind) // of each thread that fails so
				if test.name == "late" && e.Verb != "put" {
					t.Errorf("late fails in %s", e.Category)
				}
			}
		}
		if !r.Complete() || !slices.Equal(slices.Compact(kinds), test.kinds) {
			t.Errorf("%s: %v, complete %v; want %v", test.name, kinds, r.Complete(), test.kinds)
		}
		if _, err := explore.CheckStates(test.p, states, 1); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if _, err := explore.CheckSwaps(test.p, swaps, 1); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		ran := NewRunner(test.p)
		for _, tape := range []Tape{nil, {1}, {0, 2}, {0, 0, 1, 2, 1}} {
			if err := ran.CheckDeterminism(tape); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			ran.RunTape(tape)
			if n := testing.AllocsPerRun(50, func() { ran.RunTape(tape) }); n > 2 { // a closure for each thread
				t.Errorf("%s: %v allocations", test.name, n)
			}
		}
		ran.Close()
	}
}

// TestStoresLate has memory be allocated already when stores are to be buffered.
func TestStoresLate(t *testing.T) {
	r := NewRunner(program("late", func(e *Exec, _ *words) { e.BufferStores() }))
	defer r.Close()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	r.RunTape(nil)
}
