package schedule_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
)

// dice is a random walk that keeps what it was asked in, and the steps it was shown.
type dice struct {
	*rand.Rand
	asked []uint64
	shown []int
}

func roll() *dice { return &dice{Rand: rand.New(rand.NewPCG(1, 2))} }

func (d *dice) Choose(e *Exec, n int) int {
	last := uint64(MaxThreads)
	if t := e.Last(); t != nil {
		last = uint64(t.ID)
	}
	d.asked = append(d.asked, e.State().Lo, e.Memory(), uint64(e.Steps()), uint64(e.Switches()), last)
	for _, t := range e.Threads() {
		flags := uint64(0)
		if t.Idle() {
			flags |= 1
		}
		if t.Finished() {
			flags |= 2
		}
		d.asked = append(d.asked, xxhash.Sum64String(t.Op().Verb), uint64(t.Op().Mode), flags)
	}
	return d.IntN(n)
}

func (d *dice) Step(t *Thread) bool {
	d.shown = append(d.shown, t.ID)
	return true
}

// TestMemoLooksUp runs a small program many times: sooner or later all its decisions are known.
func TestMemoLooksUp(t *testing.T) { compareMemo(t, increments(2, 2), 1000, 900) }

// compareMemo compares executions with a Memo with as many without, of which no fewer than
// least fail, and so are run, or are looked up; once with somebody who watches, and once with
// nobody.
func compareMemo(t *testing.T, p Program, runs, least int) {
	t.Helper()
	compareWatched(t, p, runs, least, true)
	compareWatched(t, p, runs, least, false)
}

func compareWatched(t *testing.T, p Program, runs, least int, watched bool) {
	t.Helper()
	plain, r := NewRunner(p), NewRunner(p)
	defer plain.Close()
	defer r.Close()
	r.Memo = NewMemo(DefaultMemo)
	a, b := roll(), roll()
	if watched {
		plain.Watch, r.Watch = a, b
	}
	failed := 0
	for i := range runs {
		a.asked, a.shown, b.asked, b.shown = nil, nil, nil, nil
		want, got := plain.Run(a), r.Run(b)
		if want.Outcome == Fail {
			failed++
		}
		want.Failure, got.Failure = Failure{}, Failure{}
		same := slices.Equal(r.Taken(), plain.Taken()) && r.Exec().State() == plain.Exec().State()
		if got != want || !same {
			t.Fatalf("execution %d: %+v %v, without a Memo %+v %v", i, got, r.Taken(), want, plain.Taken())
		}
		if !slices.Equal(a.asked, b.asked) || !slices.Equal(a.shown, b.shown) {
			t.Fatalf("execution %d: asked in %x and shown %v, without a Memo in %x and %v",
				i, b.asked, b.shown, a.asked, a.shown)
		}
	}
	if looked := r.Memo.LookedUp(); looked < least-failed || looked > runs-failed {
		t.Errorf("%d of %d executions looked up, %d failed", looked, runs, failed)
	}
}

// picker is an agent that chooses what it does before it says what that is.
type picker struct {
	Object
	left Cell
}

func (p *picker) Ready(*Thread) bool { return p.left.Value() > 0 }

func (p *picker) Run(t *Thread) {
	d := t.Choose(3)
	t.Begin(Op{Verb: []string{"one", "two", "three"}[d], Cell: &p.left, Mode: RMW})
	p.left.Set(p.left.Value() - 1)
	if t.Choose(2) == 1 {
		t.Step(Op{Verb: "more"})
	}
}

// TestMemoChoose has steps with choices in them, before and after they are shown.
func TestMemoChoose(t *testing.T) {
	p := Program{New: func() func(*Exec) {
		a := new(picker)
		a.Bind(a, "picker")
		body := func(t *Thread) {
			for range 2 {
				t.Step(Op{Verb: "add", Cell: &a.left, Mode: RMW})
				a.left.Set(a.left.Value() + 1)
			}
		}
		return func(e *Exec) {
			e.Static(&a.Object, 0)
			e.Go("body", body)
			e.Agent("agent", a)
		}
	}}
	compareMemo(t, p, 2000, 1000)
}

// stepper is an agent whose work goes on after it has said what it is, with choices between.
type stepper struct {
	picker
	lock Cell
}

func (s *stepper) Run(t *Thread) {
	t.Begin(Op{Verb: "one", Cell: &s.left, Mode: RMW})
	s.left.Set(s.left.Value() - 1)
	t.Choose(2)
	t.Step(Op{Verb: "two"})
	t.Choose(2)
}

// TestMemoAgent has an agent take pieces of work, each with a choice in both of its steps, of
// which two threads wait for the end. Then there is one that can go on alone for a while.
func TestMemoAgent(t *testing.T) {
	p := Program{New: func() func(*Exec) {
		a := new(stepper)
		a.Bind(a, "stepper")
		body := func(t *Thread) {
			t.Step(Op{Verb: "add", Cell: &a.left, Mode: RMW})
			a.left.Set(a.left.Value() + 1)
			t.Await(Op{Verb: "wait", Cell: &a.left, Mode: ReadOnce}, (*cellGate)(&a.left))
			t.Await(Op{Verb: "lock", Cell: &a.lock, Mode: RMW}, (*cellGate)(&a.lock))
			a.lock.Set(1)
			t.Step(Op{Verb: "one"})
			t.Step(Op{Verb: "unlock", Cell: &a.lock, Mode: RMW})
			a.lock.Set(0)
		}
		return func(e *Exec) {
			e.Static(&a.Object, 0)
			e.Go("a", body)
			e.Go("b", body)
			e.Agent("agent", a)
		}
	}}
	compareMemo(t, p, 4000, 1000)
}

// TestMemoFailure has a failure run as if there were no Memo, with all that a report needs.
func TestMemoFailure(t *testing.T) {
	plain, r := NewRunner(increments(2, 1)), NewRunner(increments(2, 1))
	defer plain.Close()
	defer r.Close()
	r.Memo = NewMemo(DefaultMemo)
	for range 3 {
		want, got := plain.RunTape(Tape{1, 1}), r.RunTape(Tape{1, 1})
		if want.Outcome != Fail || !reflect.DeepEqual(said(got), said(want)) {
			t.Fatalf("%v, without a Memo %v", said(got), said(want))
		}
		if got := r.RunTape(nil); got.Outcome != Pass {
			t.Fatal(got)
		}
	}
	if r.Memo.LookedUp() != 2 {
		t.Errorf("%d of 3 calm executions looked up", r.Memo.LookedUp())
	}
}

// said returns what a report is made of.
func said(res Result) []any {
	f := res.Failure
	return []any{f.Kind, f.Op.Verb, f.Party.Step, f.Obj.Name(), f.Obj.Live(), res.Steps, res.Decisions}
}

// TestMemoLimits ends executions that are known by all that ends one early.
func TestMemoLimits(t *testing.T) {
	r := NewRunner(increments(2, 2))
	defer r.Close()
	r.Memo = NewMemo(DefaultMemo)
	full := r.RunTape(nil)
	for steps := 1; steps <= full.Steps; steps++ {
		r.MaxSteps = steps
		want := Result{Outcome: Invalid, Reason: StepLimit, Steps: steps}
		if steps == full.Steps {
			want = full
		}
		got := r.RunTape(nil)
		if got.Outcome != want.Outcome || got.Reason != want.Reason || got.Steps != want.Steps {
			t.Errorf("limit %d: %+v", steps, got)
		}
	}
	r.MaxSteps = 0
	r.RunTape(nil)
	looked := r.Memo.LookedUp()
	n := 0
	r.Watch = WatcherFunc(func(*Thread) bool { n++; return n < 4 })
	if got := r.RunTape(nil); got.Outcome != Abandoned || n != 4 || r.Memo.LookedUp() != looked {
		t.Errorf("watcher that has seen 4 steps: %+v, %d steps", got, n)
	}
	r.Watch = nil
	if got := r.Run(quitter{}); got.Outcome != Abandoned || got.Steps != 0 {
		t.Errorf("chooser that gives up: %+v", got)
	}
	if got := r.RunTape(nil); got != full {
		t.Errorf("%+v, at first %+v", got, full)
	}
}

type quitter struct{}

func (quitter) Choose(*Exec, int) int { return -1 }

// TestMemoMute forgets what was run under other rules.
func TestMemoMute(t *testing.T) {
	r := NewRunner(increments(2, 1))
	defer r.Close()
	r.Memo = NewMemo(DefaultMemo)
	r.RunTape(nil)
	r.RunTape(nil)
	r.Mute = KindSet(DoubleRelease)
	r.RunTape(nil)
	if r.Memo.LookedUp() != 1 {
		t.Errorf("%d executions looked up", r.Memo.LookedUp())
	}
}

// TestMemoNoRoom keeps less than there is, and is right all the same.
func TestMemoNoRoom(t *testing.T) {
	for limit := range 20 {
		plain, r := NewRunner(increments(3, 1)), NewRunner(increments(3, 1))
		r.Memo = NewMemo(limit)
		a, b := roll(), roll()
		for i := range 500 {
			want, got := plain.Run(a), r.Run(b)
			want.Failure, got.Failure = Failure{}, Failure{}
			if got != want || !slices.Equal(r.Taken(), plain.Taken()) {
				t.Fatalf("limit %d, execution %d: %+v, without a Memo %+v", limit, i, got, want)
			}
		}
		if n := r.Memo.Len(); n > limit {
			t.Errorf("limit %d: %d kept", limit, n)
		}
		plain.Close()
		r.Close()
	}
}

// TestMemoGivesUp meets a program of which hardly a state comes twice: it tries less and less.
func TestMemoGivesUp(t *testing.T) {
	const runs = 8000
	r := NewRunner(increments(4, 10))
	defer r.Close()
	r.Memo = NewMemo(1 << 20)
	d := roll()
	tried := 0
	for range runs {
		before := r.Memo.Len()
		r.Run(d)
		if r.Memo.Len() > before {
			tried++
		}
	}
	if tried < runs/32 || tried > runs/8 {
		t.Errorf("of %d executions %d were remembered", runs, tried)
	}
}

// TestMemoChoices remembers nothing of a program that begins with choices.
func TestMemoChoices(t *testing.T) {
	r := NewRunner(Program{New: func() func(*Exec) {
		return func(e *Exec) {
			for range 1 + e.Choose(2) {
				e.Go("a", func(t *Thread) { t.Step(Op{Verb: "nop"}) })
			}
		}
	}})
	defer r.Close()
	r.Memo = NewMemo(DefaultMemo)
	for range 3 {
		for n := range uint8(2) {
			if res := r.RunTape(Tape{n}); res.Steps != int(n)+1 {
				t.Errorf("%d threads: %d steps", n+1, res.Steps)
			}
		}
	}
	if r.Memo.LookedUp() != 0 {
		t.Error("looked up")
	}
}

// TestMemoPromise panics when a program keeps something outside cells, if that shows.
func TestMemoPromise(t *testing.T) {
	runs := 0
	r := NewRunner(Program{New: func() func(*Exec) {
		return func(e *Exec) {
			runs++
			for i := range 3 {
				e.Go("a", func(t *Thread) {
					t.Step(Op{Verb: "nop"})
					if i > 0 || runs == 1 {
						t.Step(Op{Verb: "nop"})
					}
				})
			}
		}
	}})
	defer r.Close()
	r.Memo = NewMemo(DefaultMemo)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	d := roll()
	for range 100 {
		r.Run(d)
	}
}

// TestMemoHidden panics when the same decisions come to another state.
func TestMemoHidden(t *testing.T) {
	runs := uint64(0)
	r := NewRunner(Program{New: func() func(*Exec) {
		return func(e *Exec) {
			runs++
			for range 3 {
				e.Go("a", func(t *Thread) {
					t.Step(Op{Verb: "nop"})
					t.Observe(runs / 5)
					t.Step(Op{Verb: "nop"})
				})
			}
		}
	}})
	defer r.Close()
	if err := r.CheckDeterminism(Tape{1, 1}); err != nil {
		t.Fatal(err) // the first two executions do not differ
	}
	r.Memo = NewMemo(DefaultMemo)
	defer func() {
		if c, ok := recover().(*Crash); !ok || !strings.Contains(c.Error(), "the state is another") {
			t.Errorf("%v", c)
		}
	}()
	d := roll()
	for range 100 {
		r.Run(d)
	}
}

// TestMemoDeterminism has what is to be compared run.
func TestMemoDeterminism(t *testing.T) {
	runs := uint64(0)
	r := NewRunner(Program{New: func() func(*Exec) {
		return func(e *Exec) {
			runs++
			e.Go("a", func(t *Thread) {
				for range runs % 2 {
					t.Step(Op{Verb: "nop"})
				}
				t.Step(Op{Verb: "nop"})
			})
		}
	}})
	defer r.Close()
	r.Memo = NewMemo(DefaultMemo)
	for range 3 {
		r.RunTape(nil)
	}
	if err := r.CheckDeterminism(nil); err == nil {
		t.Error("no error")
	}
	if r.Memo == nil || r.Memo.LookedUp() != 2 {
		t.Error("the Memo is gone, or was not used")
	}
}

// TestMemoCrash goes on after a model has panicked as if it had not.
func TestMemoCrash(t *testing.T) {
	crash, crashes := false, 0
	p := func() Program {
		return Program{New: func() func(*Exec) {
			return func(e *Exec) {
				for range 3 {
					e.Go("a", func(t *Thread) {
						t.Step(Op{Verb: "one"})
						t.Step(Op{Verb: "two"})
						if crash && t.ID == 1 {
							panic("a bug of the model")
						}
						t.Step(Op{Verb: "three"})
					})
				}
			}
		}}
	}
	plain, r := NewRunner(p()), NewRunner(p())
	defer plain.Close()
	defer r.Close()
	r.Memo = NewMemo(DefaultMemo)
	a, b := roll(), roll()
	plain.Watch, r.Watch = a, b
	for i := range 500 {
		crash = i%10 == 3
		if crash {
			func() {
				defer func() {
					if recover() != nil {
						crashes++
					}
				}()
				r.Run(&dice{Rand: rand.New(rand.NewPCG(uint64(i), 0))}) // unless it is known, and not run
			}()
			continue
		}
		if want, got := plain.Run(a), r.Run(b); got != want || !slices.Equal(r.Taken(), plain.Taken()) {
			t.Fatalf("execution %d: %+v, without a Memo %+v", i, got, want)
		}
	}
	if n := r.Memo.LookedUp(); n < 200 {
		t.Errorf("%d executions looked up", n)
	}
	if crashes == 0 {
		t.Error("no crash")
	}
}

// TestMemoOf has one Memo serve two runners, and two programs without steps or decisions.
func TestMemoOf(t *testing.T) {
	m := NewMemo(DefaultMemo)
	for _, threads := range []int{2, 3, 0, 2} {
		p := increments(threads, 1)
		if threads == 0 {
			p = Program{New: func() func(*Exec) {
				return func(e *Exec) { e.Go("a", func(*Thread) {}) }
			}}
		}
		r := NewRunner(p)
		r.Memo = m
		first := r.RunTape(nil)
		if again := r.RunTape(nil); again != first || len(r.Exec().Threads()) != max(1, threads) {
			t.Errorf("%d threads: %+v, at first %+v", threads, again, first)
		}
		r.Close()
	}
	if m.LookedUp() != 4 {
		t.Errorf("%d executions looked up", m.LookedUp())
	}
}

// silent is an agent that does not say what it does, which is wrong.
type silent struct{ picker }

func (s *silent) Run(*Thread) { s.left.Set(s.left.Value() - 1) }

// TestMemoSilent does not remember what it was not shown.
func TestMemoSilent(t *testing.T) {
	p := Program{New: func() func(*Exec) {
		a := new(silent)
		a.Bind(a, "silent")
		return func(e *Exec) {
			e.Static(&a.Object, 0)
			for range 2 {
				e.Go("body", func(t *Thread) {
					t.Step(Op{Verb: "add", Cell: &a.left, Mode: RMW})
					a.left.Set(a.left.Value() + 1)
				})
			}
			e.Agent("agent", a)
		}
	}}
	compareMemo(t, p, 500, 0)
}

// TestMemoAllocates nothing once it knows the way, nor for one that it has to run.
func TestMemoAllocates(t *testing.T) {
	r := NewRunner(increments(2, 7))
	defer r.Close()
	r.Memo = NewMemo(DefaultMemo)
	for _, tape := range []string{"", "0001000100001"} {
		in := []byte(tape)
		run := func() { r.RunBytes(in) }
		for range 10 {
			run()
		}
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("tape %q: %v allocations an execution", tape, n)
		}
	}
	if n := r.Memo.LookedUp(); n < 100 || n > 111 {
		t.Errorf("%d executions looked up: the second tape fails", n)
	}
}
