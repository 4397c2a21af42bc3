package program

import (
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

const fix Changes = 1 << iota

// racy is a workload of threads that take a step for each call, and an end that they fail
// with unless there is the fix.
func racy(c Changes) *Workload[int] {
	return NewWorkload(3, 2, func(t *schedule.Thread, i int, calls []int) {
		for range calls {
			t.Step(schedule.Op{Verb: "nop"})
		}
		if i == 1 && !c.Has(fix) {
			t.Fail(schedule.BugOn, nil, schedule.Party{}, "")
		}
	})
}

// setup is how many calls each thread has, and what they are.
func setup(w *Workload[int], calls *[]int) Instance {
	return w.Instance(func(e *schedule.Exec) {
		*calls = (*calls)[:0]
		for i := range w.Threads(e) {
			own := w.Calls(e, i)
			for j := range own {
				own[j] = w.Choose(e, 3)
			}
			w.Give(e, 0, 7)
			*calls = append(*calls, own...)
			w.Go(e, i)
		}
	}, nil)
}

func programs(calls *[]int) []Program {
	return Model[*Workload[int]]{
		Object:   "fs/x",
		Variants: []Variant{{Name: "1", Versions: "1-2"}, {Name: "3", Changes: fix}},
		Scenarios: []Scenario[*Workload[int]]{{Name: "a-vs-b",
			New: func(w *Workload[int]) Instance { return setup(w, calls) }}},
		Workloads: []Scenario[*Workload[int]]{{Name: "workload",
			New: func(w *Workload[int]) Instance { return setup(w, calls) }}},
		Expected: map[string]map[string][]Expect{"workload": {"1": {Fails(schedule.BugOn, 0)}}},
		System:   racy,
	}.Programs()
}

func TestModel(t *testing.T) {
	var calls []int
	want := []string{"fs/x/a-vs-b@1", "fs/x/a-vs-b@3", "fs/x/workload@1", "fs/x/workload@3"}
	for i, p := range programs(&calls) {
		if p.Name() != want[i] || p.Workload != (i > 1) || p.Racy() != (i == 2) {
			t.Errorf("%s, workload %v, racy %v; want %s", p.Name(), p.Workload, p.Racy(), want[i])
		}
		r := schedule.NewRunner(p.Schedule())
		if got := r.RunTape(nil).Outcome == schedule.Fail; got != (p.Variant == "1") {
			t.Errorf("%s: fails: %v", p.Name(), got)
		}
		r.Close()
	}
}

// TestWorkload has the setup chosen by the tape, and by a script: 3 threads, with 2, 1 and 2
// calls.
func TestWorkload(t *testing.T) {
	var calls []int
	p := programs(&calls)[3]
	want := []int{2, 0, 1, 1, 2}
	r := schedule.NewRunner(p.Schedule())
	defer r.Close()
	for range 2 {
		r.RunTape(schedule.Tape{1, 1, 2, 0, 0, 1, 1, 1, 2})
		if n := r.Exec().Calls(); !slices.Equal(calls, want) || n != len(want)+3 {
			t.Errorf("%d calls, %v; want 3 more than %v", n, calls, want)
		}
	}
	in, digits := p.New(), []int{1, 1, 2, 0, 0, 1, 1, 1, 2}
	in.Script(func(_ *schedule.Exec, n int) int {
		d := digits[0] % n
		digits = digits[1:]
		return d
	})
	s := schedule.NewRunner(schedule.Program{Name: "script",
		New: func() func(*schedule.Exec) { return in.Begin }})
	defer s.Close()
	if s.RunTape(nil); !slices.Equal(calls, want) || len(digits) != 0 {
		t.Errorf("by a script: calls %v, want %v; left %v", calls, want, digits)
	}
}

func TestWord(t *testing.T) {
	if got := Word(3, true, false, true); got != 3<<3|5 {
		t.Errorf("%b, want 11101", got)
	}
}
