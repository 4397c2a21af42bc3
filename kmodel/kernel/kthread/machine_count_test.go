package kthread

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/arch/powerpc"
	"github.com/kschedfuzz/kschedfuzz/kmodel/arch/sparc"
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	mm "github.com/kschedfuzz/kschedfuzz/kmodel/linux/mmu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// newMachine returns the machine for a program. It reports false if it knows none.
func newMachine(scenario, variant string, mute bool) (*machine, bool) {
	m, known := mVariants[variant]
	sc, ok := mScenarios[scenario]
	if sc.exec && !known {
		m, known = mExecVariants[variant]
	}
	m.getBefore, m.cpu1Lazy, m.cpu2Lazy, m.mute = sc.getBefore, sc.cpu1Lazy, sc.cpu2Lazy, mute
	m.exec = sc.exec
	return &m, known && ok
}

// An mEnding is how an execution ends: the kind of failure or "pass", the thread that
// failed and the verb of its step.
type mEnding struct {
	kind   string
	thread int // -1: nobody
	verb   string
}

// counted is the machine as verify compares it.
func (m *machine) counted() verify.Machine[mState, mEnding] {
	return verify.Machine[mState, mEnding]{
		Threads: mThreads,
		Bound:   explore.Unbounded,
		Enabled: m.enabled,
		Rests:   func(s *mState, me int) bool { return s.pc[me] == atRest },
		Step: func(s mState, me int, next func(mState), end func(mEnding)) {
			verb := verbs[s.pc[me]]
			if kind := m.step(&s, me); kind != "" {
				end(mEnding{kind, me, verb})
			} else {
				next(s)
			}
		},
		Stuck: func(s mState, _ func(mState), end func(mEnding)) {
			if s.pc != [mThreads]mPC{} {
				end(mEnding{"deadlock", -1, ""})
			} else {
				end(mEnding{"pass", -1, ""})
			}
		},
	}
}

// compare holds a program, which has created the threads of the machine in the given order,
// against the machine. It returns how many numbers agree.
func (m *machine) compare(t *testing.T, p schedule.Program, order []int) int {
	t.Helper()
	opt := explore.Options{Bound: explore.Unbounded}
	if m.mute {
		opt.Mute = muteLost
	}
	r := explore.Last(explore.Exhaust(context.Background(), p, opt))
	return m.counted().Compare(t, r, m.initial(), func(e explore.Ending) mEnding {
		if e.Outcome == schedule.Fail {
			return mEnding{e.Kind.String(), order[e.Thread], e.Verb}
		}
		return mEnding{e.Outcome.String(), -1, ""}
	})
}

// usual is the order in which the threads of the scenarios are created.
var usual = []int{mMunmap, mWorker, mHandler, mHandler + 1, mHandler + 2}

// TestMachine compares the scenarios that the machine knows with it: all endings, and the
// numbers of their executions with any number of preemptions, with the kernel ending and
// going on after it has lost a CPU from the mask.
func TestMachine(t *testing.T) {
	programs, agree := 0, 0
	for _, p := range suite.Programs {
		for _, mute := range []bool{false, true} {
			m, known := newMachine(p.Scenario, p.Variant, mute)
			if !known || mute && !p.Racy() {
				continue
			}
			if testing.Short() && (m.selfTrim || m.cpu2Lazy) {
				continue
			}
			programs++
			t.Run(fmt.Sprintf("%s@%s/%v", p.Scenario, p.Variant, mute), func(t *testing.T) {
				agree += m.compare(t, p.Schedule(), usual)
			})
		}
	}
	t.Logf("%d programs, %d numbers agree", programs, agree)
}

// TestMachineOrder does the same with the threads created in the other order, which must
// change their numbers and no other number. The handlers come last in any order.
func TestMachineOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("as TestMachine")
	}
	order := slices.Clone(usual)
	order[0], order[1] = order[1], order[0]
	programs, agree := 0, 0
	for i := range scenarios {
		sc := &scenarios[i]
		for _, v := range slices.Concat(sparc.Variants(), powerpc.Variants()) {
			m, known := newMachine(sc.name, v.Name, false)
			if !known {
				continue
			}
			programs++
			agree += m.compare(t, sc.reversed(&v), order)
		}
	}
	t.Logf("%d programs, %d numbers agree", programs, agree)
}

// reversed is a fixed scenario whose threads are created the other way round.
func (sc *scenario) reversed(v *mm.Variant) schedule.Program {
	begin := func() func(e *schedule.Exec) {
		s := newSystem(v)
		start := sc.starters(s)
		slices.Reverse(start)
		return sc.fixed(s, start).Begin
	}
	return schedule.Program{Name: sc.name + "@" + v.Name + " reversed", New: begin}
}
