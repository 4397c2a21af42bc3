package schedule_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
)

// words is an object with a few words, and a lock made of one.
type words struct {
	Object
	a, b, c Cell
}

func (w *words) load(t *Thread, c *Cell) uint64 {
	t.Step(Op{Verb: "load", Cell: c, Mode: PlainRead})
	return t.Observe(c.Value())
}

func (w *words) store(t *Thread, c *Cell, v uint64) {
	t.Step(Op{Verb: "store", Cell: c, Mode: PlainWrite})
	c.Set(v)
}

// lock takes the lock in c, which open says is free.
func (w *words) lock(t *Thread, c *Cell) {
	t.Await(Op{Verb: "lock", Cell: c, Mode: LockOp}, (*cellGate)(c))
	c.Set(1)
}

type cellGate Cell

func (g *cellGate) Open(*Thread) bool { return (*Cell)(g).Value() == 0 }

// program is a program over one words object.
func program(name string, begin func(e *Exec, w *words)) Program {
	return Program{Name: name, New: func() func(*Exec) {
		w := new(words)
		w.Bind(w, "w")
		return func(e *Exec) {
			e.Static(&w.Object, 0)
			begin(e, w)
		}
	}}
}

// crossed takes two locks in two orders.
var crossed = program("crossed", func(e *Exec, w *words) {
	e.Go("ab", func(t *Thread) {
		w.lock(t, &w.a)
		w.lock(t, &w.b)
		w.store(t, &w.b, 0)
		w.store(t, &w.a, 0)
	})
	e.Go("ba", func(t *Thread) {
		w.lock(t, &w.b)
		w.lock(t, &w.a)
		w.store(t, &w.a, 0)
		w.store(t, &w.b, 0)
	})
})

func run(t *testing.T, p Program, tape string) (Result, *Runner) {
	t.Helper()
	r := NewRunner(p)
	t.Cleanup(r.Close)
	s, err := Parse(tape)
	if err != nil {
		t.Fatal(err)
	}
	return r.RunTape(s), r
}

func TestDeadlock(t *testing.T) {
	res, _ := run(t, crossed, "")
	if res.Outcome != Pass || res.Steps != 8 || res.Preemptions != 0 || res.Switches != 1 {
		t.Errorf("the sequential run: %+v", res)
	}
	res, _ = run(t, crossed, "01")
	if res.Outcome != Fail || res.Failure.Kind != Deadlock || res.Preemptions != 1 {
		t.Errorf("with a preemption after the first lock: %+v", res)
	}
}

// A runner must come out of every way in which an execution can end with its
// coroutines at their root: the next execution is not touched by the last.
func TestAbandonment(t *testing.T) {
	limited := program("limited", func(e *Exec, w *words) {
		for _, name := range []string{"x", "y"} {
			e.Go(name, func(t *Thread) {
				for {
					w.load(t, &w.a)
				}
			})
		}
	})
	for _, p := range []Program{crossed, limited, increments(3, 5)} {
		r := NewRunner(p)
		r.MaxSteps = 100
		want := r.RunTape(nil)
		rng := rand.New(rand.NewPCG(1, 1))
		for range 200 {
			var in [40]byte
			for i := range in {
				in[i] = byte(rng.IntN(4))
			}
			stop := &stopper{at: rng.IntN(30)}
			stop.Reset(in[:])
			r.Run(stop)
			if got := r.RunTape(nil); got.Outcome != want.Outcome || got.Steps != want.Steps {
				t.Fatalf("%s: the empty tape gives %+v, at first it gave %+v", p.Name, got, want)
			}
		}
		if p.Name == "limited" && (want.Outcome != Invalid || want.Reason != StepLimit || want.Steps != 100) {
			t.Errorf("an endless program: %+v", want)
		}
		r.Close()
	}
}

// The limit is on steps taken: an execution that ends with the last one it may take is
// not touched by it.
func TestMaxSteps(t *testing.T) {
	for max, want := range map[int]Outcome{27: Invalid, 28: Pass, 29: Pass} {
		r := NewRunner(increments(2, 7))
		r.MaxSteps = max
		if res := r.RunTape(nil); res.Outcome != want || res.Steps != min(max, 28) {
			t.Errorf("28 steps, limit %d: %+v", max, res)
		}
		r.Close()
	}
}

// stopper abandons the execution at a decision.
type stopper struct {
	ByteReader
	at int
}

func (s *stopper) Choose(e *Exec, n int) int {
	if e.Decisions() == s.at {
		return -1
	}
	return s.ByteReader.Choose(e, n)
}

// Closed runners leave no coroutine behind.
func TestClose(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 50 {
		r := NewRunner(increments(4, 2))
		r.RunBytes([]byte("0110203"))
		r.Close()
	}
	for range 100 { // a coroutine that has been stopped may take a moment to be gone
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}

// What is not in the schedule is found by running twice.
func TestNondeterminism(t *testing.T) {
	calls := 0
	p := program("impure", func(e *Exec, w *words) {
		e.Go("x", func(t *Thread) {
			if calls++; calls%2 == 0 {
				w.load(t, &w.a)
			}
			w.load(t, &w.a)
		})
		e.Go("y", func(t *Thread) { w.load(t, &w.b) })
	})
	r := NewRunner(p)
	defer r.Close()
	if err := r.CheckDeterminism(nil); err == nil || !strings.Contains(err.Error(), "not deterministic") {
		t.Errorf("got %v", err)
	}
	r2 := NewRunner(increments(3, 3))
	defer r2.Close()
	if err := r2.CheckDeterminism(Tape{0, 1, 2, 1}); err != nil {
		t.Error(err)
	}
}

func TestStrictReplay(t *testing.T) {
	for _, tt := range []struct{ tape, err string }{
		{"", ""},
		{"01", ""},
		{"02", `crossed: tape "02": decision 1: 2 does not fit, there are 2 alternatives (0-1)`},
		{"00000000001", `crossed: tape "00000000001": decision 3: the execution is over after 3 decisions, the tape has 11`},
		{"0000000000", ""}, // trailing zeros say nothing
	} {
		r := NewRunner(crossed)
		s, _ := Parse(tt.tape)
		_, err := r.Replay(s)
		if tt.err == "" && err != nil || tt.err != "" && (err == nil || err.Error() != tt.err) {
			t.Errorf("Replay(%q): %v, want %s", tt.tape, err, tt.err)
		}
		r.Close()
	}
}

// A use after free, a double free and a leak, found without the model saying anything.
func TestLifetimes(t *testing.T) {
	type node struct {
		Object
		v Cell
	}
	life := func(body func(t *Thread, w *words, n *node, p *Ptr[*node])) Program {
		return Program{Name: "life", New: func() func(*Exec) {
			n := new(node)
			n.Bind(n, "n")
			var root struct {
				Object
				p Ptr[*node]
			}
			root.Bind(&root, "root")
			return func(e *Exec) {
				e.Static(&root.Object, 0)
				e.Go("x", func(t *Thread) {
					t.Alloc(&n.Object, 0)
					body(t, nil, n, &root.p)
				})
			}
		}}
	}
	free := func(t *Thread, n *node) {
		t.Step(Op{Verb: "free", Cell: n.Self(), Mode: Writes | Frees})
		t.Free(&n.Object)
	}
	for _, tt := range []struct {
		name string
		want Kind
		body func(t *Thread, w *words, n *node, p *Ptr[*node])
	}{
		{"freed", NoFailure, func(t *Thread, _ *words, n *node, _ *Ptr[*node]) { free(t, n) }},
		{"used after", UseAfterFree, func(t *Thread, _ *words, n *node, _ *Ptr[*node]) {
			free(t, n)
			t.Step(Op{Verb: "load", Cell: &n.v, Mode: PlainRead})
		}},
		{"freed twice", DoubleFree, func(t *Thread, _ *words, n *node, _ *Ptr[*node]) {
			free(t, n)
			free(t, n)
		}},
		{"lost", Leak, func(*Thread, *words, *node, *Ptr[*node]) {}},
		{"reachable", NoFailure, func(t *Thread, _ *words, n *node, p *Ptr[*node]) { p.Put(n) }},
		{"forgotten", Leak, func(t *Thread, _ *words, n *node, p *Ptr[*node]) {
			p.Put(n)
			p.Put(nil)
		}},
	} {
		res, _ := run(t, life(tt.body), "")
		if res.Failure.Kind != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, res.Failure.Kind, tt.want)
		}
		if tt.want == UseAfterFree && (res.Failure.Other.Step != 1 || res.Failure.Step != 2) {
			t.Errorf("%s: used at step %d, freed at step %d", tt.name, res.Failure.Step, res.Failure.Other.Step)
		}
	}
}

// A handler starts only where interrupts are on, and keeps its CPU for itself.
func TestHandler(t *testing.T) {
	p := func(off bool) Program {
		return program("interrupt", func(e *Exec, w *words) {
			th := e.Go("x", func(t *Thread) {
				if off {
					t.CPU().DisableIrqs()
				}
				w.store(t, &w.a, 1)
				w.store(t, &w.b, 1)
				t.CPU().EnableIrqs()
				if !off {
					t.CPU().DisableIrqs()
				}
			})
			e.Handler("irq", th.CPU(), &once{w: w})
		})
	}
	if res, _ := run(t, p(true), "1111"); res.Failure.Kind != NoFailure || res.Steps != 4 {
		t.Errorf("with interrupts off: %+v", res)
	}
	if res, _ := run(t, p(false), "1"); res.Failure.Kind != NoFailure || res.Steps != 4 || res.Switches != 1 {
		t.Errorf("the handler first: %+v", res)
	}
}

// once is an agent that loads one word, the first time it can.
type once struct {
	w *words
}

func (o *once) Ready(*Thread) bool { return o.w.c.Value() != 2 }

func (o *once) Run(t *Thread) {
	t.Begin(Op{Verb: "interrupt", Cell: &o.w.c, Mode: RMW})
	o.w.load(t, &o.w.a)
	o.w.c.Set(2)
}

// A signal comes when nothing but interruptible waits is left, and not if anybody hangs.
func TestSignal(t *testing.T) {
	wait := func(w *words, m Mode) func(*Thread) {
		return func(t *Thread) {
			w.a.Set(1)
			t.Await(Op{Verb: "wait", Cell: &w.a, Mode: LockOp | m}, (*cellGate)(&w.a))
			if t.ObserveBool(t.Interrupted()) {
				t.SignalHandled()
				w.store(t, &w.b, 1)
			}
		}
	}
	res, _ := run(t, program("sleepers", func(e *Exec, w *words) {
		e.Go("x", wait(w, Interruptible))
		e.Go("y", wait(w, Interruptible))
	}), "")
	if res.Outcome != Pass {
		t.Errorf("two interruptible waits: %+v", res)
	}
	res, _ = run(t, program("hung", func(e *Exec, w *words) {
		e.Go("x", wait(w, Interruptible))
		e.Go("y", wait(w, 0))
	}), "")
	if res.Failure.Kind != Deadlock || res.Failure.Thread.Name != "y" {
		t.Errorf("one that no signal can wake: %+v", res)
	}
}

// Whoever is about to end a sleep is not preempted, and goes on by the calm decision all the same.
func TestSleeps(t *testing.T) {
	for mode, preemptions := range map[Mode]int{Blocks | Sleeps: 0, Blocks: 1} {
		r := NewRunner(program("sleep", func(e *Exec, w *words) {
			e.Go("x", func(t *Thread) {
				w.store(t, &w.a, 1)
				t.Step(Op{Verb: "ends", Mode: mode})
				w.store(t, &w.a, 2)
			})
			e.Go("y", func(t *Thread) { w.store(t, &w.b, 1) })
		}))
		defer r.Close()
		for _, test := range []struct {
			tape        Tape
			order       string
			preemptions int
		}{{Tape{}, "xxxy", 0}, {Tape{0, 1}, "xyxx", preemptions}} {
			tr, err := r.Replay(test.tape)
			if err != nil {
				t.Fatal(err)
			}
			order, preempted := "", 0
			for _, ev := range tr.Events {
				order += tr.Threads[ev.Thread].Name
				if ev.Preempted >= 0 {
					preempted++
				}
			}
			if order != test.order || tr.Result.Preemptions != test.preemptions ||
				preempted != test.preemptions {
				t.Errorf("mode %b, tape %v: order %s with %d preemptions, of which %d are marked, want "+
					"%s with %d", mode, test.tape, order, tr.Result.Preemptions, preempted, test.order,
					test.preemptions)
			}
		}
	}
}

// Runners share nothing: many at once give what one gives.
func TestParallel(t *testing.T) {
	want := make([]State, 64)
	r := NewRunner(increments(3, 4))
	defer r.Close()
	tape := func(i int) Tape { return FromBytes(fmt.Appendf(nil, "%b%b", i, i*i)) }
	for i := range want {
		r.RunTape(tape(i))
		want[i] = r.Exec().State()
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r := NewRunner(increments(3, 4))
			defer r.Close()
			for i := range want {
				if r.RunTape(tape(i)); r.Exec().State() != want[i] {
					t.Errorf("tape %q ends in another state in another runner", tape(i))
				}
			}
		})
	}
	wg.Wait()
}

func TestTaken(t *testing.T) {
	_, r := run(t, increments(2, 2), "0f01000")
	s := slices.Clone(r.Taken())
	if got := r.Exec().Tape(); len(got) != r.Exec().Decisions() || !slices.Equal(got.Canonical(), s) {
		t.Errorf("Exec.Tape: %v, Taken %v", got, s)
	}
	tr, err := r.Replay(s)
	if err != nil || !slices.Equal(tr.Tape, s) {
		t.Errorf("the decisions taken, %v, do not replay: %v, %v", s, tr.Tape, err)
	}
}

// TestStruct binds two objects of one struct.
func TestStruct(t *testing.T) {
	for _, kind := range []string{"c", "init_c"} {
		type netDevice struct{ counter }
		d := new(netDevice)
		d.Bind(d, kind)
		if d.Struct() != "net_device" || d.Kind() != kind {
			t.Errorf("struct %s, kind %s; want net_device, %s", d.Struct(), d.Kind(), kind)
		}
	}
}

func TestLimits(t *testing.T) {
	mustPanic := func(want string, f func()) {
		t.Helper()
		defer func() {
			v := recover()
			err, _ := v.(error)
			if text := fmt.Sprint(v); v == nil || !strings.Contains(text, want) && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("panic %v, want %q", v, want)
			}
		}()
		f()
	}
	mustPanic("more than 128 threads", func() {
		NewRunner(increments(4, 1)).Run(new(ByteReader))
		NewRunner(program("crowd", func(e *Exec, _ *words) {
			for range MaxThreads + 1 {
				e.Go("x", func(*Thread) {})
			}
		})).Run(new(ByteReader))
	})
	mustPanic("Choose(256)", func() {
		NewRunner(program("choosy", func(e *Exec, _ *words) { e.Choose(256) })).Run(new(ByteReader))
	})
	var c *Crash
	if errors.As(error(&Crash{}), &c); c == nil {
		t.Error("a Crash is no error")
	}
}

// Two threads add 1 to a word, load and store apart. Preempted in between, one of them
// loses its increment.
func ExampleRunner() {
	p := increments(2, 1)
	r := NewRunner(p)
	defer r.Close()
	fmt.Println(r.RunTape(nil).Outcome)
	tape, _ := Parse("01")
	res := r.RunTape(tape)
	fmt.Println(res.Outcome, res.Failure.Kind, res.Preemptions)
	tr, err := r.Replay(tape)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := tr.WriteColumns(os.Stdout, 60); err != nil {
		fmt.Println(err)
	}
	// Output:
	// pass
	// fail lost-update 1
	//      a              b
	//      inc()
	//   1    load c->n = 0
	//        -- preempted --
	//                     inc()
	//   2                   load c->n = 0
	//   3                   store c->n <- 1
	//   4    store c->n <- 1
	//      -- at the end: lost-update c --
}

// TestStatic: an object is static in the execution that says so, and in no other.
func TestStatic(t *testing.T) {
	var d *depot
	var boot words
	boot.Bind(&boot, "boot")
	static := false
	r := NewRunner(program("static", func(e *Exec, w *words) {
		d = depots.Of(e)
		if static = !static; static {
			e.Static(&boot.Object, 0)
		} else {
			e.AllocBoot(&boot.Object, 0)
		}
		e.Go("x", func(t *Thread) {
			if w.store(t, &w.a, 1); !static {
				t.Free(&boot.Object)
			}
		})
	}))
	defer r.Close()
	for range 4 {
		if res := r.RunTape(nil); res.Outcome != Pass {
			t.Fatal(res)
		}
		if boot.Static() != static || !d.Static() {
			t.Errorf("static: %v, that of a facility %v; want %v, true", boot.Static(), d.Static(), static)
		}
	}
}

// TestOnStep: it is called with each step, and in the next execution only if that asks for it
// again.
func TestOnStep(t *testing.T) {
	var seen []string
	ask := true
	p := program("OnStep", func(e *Exec, w *words) {
		if ask {
			e.OnStep(func(t *Thread) { seen = append(seen, t.Name+" "+t.Op().Verb) })
		}
		e.Go("A", func(t *Thread) { w.store(t, &w.a, 1) })
		e.Agent("irq", &once{w})
	})
	r := NewRunner(p)
	defer r.Close()
	r.RunTape(nil)
	ask = false
	r.RunTape(nil)
	if want := []string{"A store", "irq interrupt", "irq load"}; !slices.Equal(seen, want) {
		t.Errorf("%q, want %q", seen, want)
	}
}

// TestBlocked has a trace tell after each step who cannot go on: of two threads with one lock, and
// with two in two orders, which ends in a deadlock.
func TestBlocked(t *testing.T) {
	for tape, want := range map[string]string{
		"":   "[] [1] [] [] [] [] [] []", // ba waits for b until the third step
		"01": "[] [0 1]",
	} {
		_, r := run(t, crossed, "")
		s, err := Parse(tape)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := r.Replay(s)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range tr.Events {
			got = append(got, fmt.Sprint(tr.Events[i].Blocked))
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("tape %q: blocked are %s, want %s", tape, got, want)
		}
	}
}
