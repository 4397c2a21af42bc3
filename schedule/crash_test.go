package schedule_test

import (
	"strings"
	"testing"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
)

// A panic of the model is our own bug and says where.
func TestCrash(t *testing.T) {
	p := program("broken", func(e *Exec, w *words) {
		e.Go("fine", func(t *Thread) { w.store(t, &w.a, 1) })
		e.Go("bad", func(t *Thread) {
			if w.load(t, &w.a) == 0 {
				var none []int
				_ = none[t.ID]
			}
		})
	})
	r := NewRunner(p)
	defer r.Close()
	if res := r.RunTape(nil); res.Outcome != Pass {
		t.Errorf("the sequential run: %+v", res)
	}
	defer func() {
		c, ok := recover().(*Crash)
		if !ok {
			t.Fatal("no crash")
		}
		text := c.Error()
		for _, want := range []string{`broken: tape "1": thread bad`, "a bug of the model or of kschedfuzz", "index out of range", "crash_test.go"} {
			if !strings.Contains(text, want) {
				t.Errorf("the crash does not say %q:\n%s", want, text)
			}
		}
		if res := r.RunTape(nil); res.Outcome != Pass {
			t.Errorf("after the crash: %+v", res)
		}
	}()
	r.RunTape(Tape{1})
}

// A step that is called by a defer is found when its thread is taken out of the model: by its own
// failure, or in the middle, by that of another.
func TestDeferredStep(t *testing.T) {
	for _, own := range []bool{true, false} {
		r := NewRunner(program("broken", func(e *Exec, w *words) {
			e.Go("deferring", func(t *Thread) {
				defer w.store(t, &w.a, 1)
				w.load(t, &w.a)
				if own {
					t.Fail(BugOn, nil, Party{}, "")
				}
				w.load(t, &w.b)
			})
			e.Go("failing", func(t *Thread) {
				w.load(t, &w.a)
				t.Fail(BugOn, nil, Party{}, "")
			})
		}))
		func() {
			defer func() {
				c, _ := recover().(*Crash)
				if c == nil || c.Thread != "deferring" ||
					!strings.Contains(c.Error(), "store is called by a defer") {
					t.Errorf("own failure %v: %v", own, c)
				}
			}()
			r.RunTape(Tape{0, 1})
		}()
		r.Close() // ends
	}
}

// A runner goes on after a crash in what began to be abandoned.
func TestCrashWhileAbandoned(t *testing.T) {
	bad := true
	r := NewRunner(program("broken", func(e *Exec, w *words) {
		defer func() {
			if bad {
				panic("in a defer")
			}
		}()
		e.Choose(2)
		e.Go("loading", func(t *Thread) { w.load(t, &w.a) })
	}))
	defer r.Close()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no crash")
			}
		}()
		r.Run(abandons{})
	}()
	bad = false
	if res := r.RunTape(Tape{0}); res.Outcome != Pass {
		t.Error(res)
	}
}

// abandons is a chooser that takes no decision.
type abandons struct{}

func (abandons) Choose(*Exec, int) int { return -1 }

// panics is a chooser with a bug, at one of its decisions.
type panics struct{ at int }

func (c *panics) Choose(_ *Exec, n int) int {
	if c.at--; c.at == 0 {
		panic("no decision")
	}
	return n - 1
}

// A panic of the chooser is raised too, wherever it is asked, and the runner goes on.
func TestCrashOfChooser(t *testing.T) {
	r := NewRunner(crossed)
	defer r.Close()
	for at := 1; at <= 2; at++ {
		func() {
			defer func() {
				if c, ok := recover().(*Crash); !ok || c.Value != "no decision" {
					t.Errorf("decision %d: %v", at, c)
				}
			}()
			r.Run(&panics{at})
		}()
		if res := r.RunTape(nil); res.Outcome != Pass {
			t.Errorf("after the crash at decision %d: %+v", at, res)
		}
	}
}

// TestWarnOfNoWarning: a kind after which nobody goes on cannot be warned of.
func TestWarnOfNoWarning(t *testing.T) {
	r := NewRunner(program("broken", func(e *Exec, w *words) {
		e.Go("kill", func(t *Thread) { t.Warn(UseAfterFree, w.Header(), Party{}, "") })
	}))
	defer r.Close()
	defer func() {
		c, ok := recover().(*Crash)
		if !ok || !strings.Contains(c.Error(), "use-after-free is none of the Warnings") {
			t.Errorf("got %v", c)
		}
	}()
	r.RunTape(nil)
}
