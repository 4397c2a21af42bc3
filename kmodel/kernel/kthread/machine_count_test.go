package kthread

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/arch/powerpc"
	"github.com/kschedfuzz/kschedfuzz/kmodel/arch/sparc"
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

// mCounts[j] is a number of executions, or of beginnings of them, with j preemptions.
type mCounts [48]uint64

func (c *mCounts) add(n *mCounts, preemptions int) {
	for j := preemptions; j < len(c); j++ {
		v, carry := bits.Add64(c[j], n[j-preemptions], 0)
		if c[j] = v; carry != 0 {
			panic("the machine counts more than 2^64 executions")
		}
	}
}

// count returns how many executions end how, by the number of preemptions. Of all
// beginnings with k steps only the state and who took the last step matter for what
// follows, so those that agree in that are counted together, and taken one step further
// together.
func (m *machine) count() map[mEnding]*mCounts {
	type node struct {
		mState
		last int // the thread that took the last step, -1 if it is at rest now
	}
	endings := map[mEnding]*mCounts{}
	end := func(e mEnding, n *mCounts, preemptions int) {
		if endings[e] == nil {
			endings[e] = &mCounts{}
		}
		endings[e].add(n, preemptions)
	}
	layer := map[node]*mCounts{{m.initial(), -1}: {1}}
	for len(layer) > 0 {
		next := map[node]*mCounts{}
		for nd, n := range layer {
			stuck := true
			for me := range mThreads {
				if !m.enabled(&nd.mState, me) {
					continue
				}
				stuck = false
				preemptions := 0
				if nd.last >= 0 && nd.last != me && m.enabled(&nd.mState, nd.last) {
					preemptions = 1
				}
				to := node{nd.mState, me}
				if kind := m.step(&to.mState, me); kind != "" {
					end(mEnding{kind, me, verbs[nd.pc[me]]}, n, preemptions)
					continue
				}
				if to.pc[me] == atRest {
					to.last = -1
				}
				if next[to] == nil {
					next[to] = &mCounts{}
				}
				next[to].add(n, preemptions)
			}
			if !stuck {
				continue
			}
			if nd.pc != [mThreads]mPC{} {
				end(mEnding{"deadlock", -1, ""}, n, 0)
			} else {
				end(mEnding{"pass", -1, ""}, n, 0)
			}
		}
		layer = next
	}
	return endings
}

// compare holds a program against the machine: every ending, for every number of
// preemptions. The program has created the threads of the machine in the given order. It
// returns how many numbers agree.
func (m *machine) compare(t *testing.T, p schedule.Program, order []int) int {
	t.Helper()
	opt := explore.Options{Bound: explore.Unbounded}
	if m.mute {
		opt.Mute = muteLost
	}
	r := explore.Last(explore.Exhaust(context.Background(), p, opt))
	if !r.Complete() || r.Overflow {
		t.Fatalf("not explored, or not counted: %s", r.Coverage())
	}
	want, got := m.count(), map[mEnding]*mCounts{}
	for _, e := range r.Endings {
		of := mEnding{e.Outcome.String(), -1, ""}
		if e.Outcome == schedule.Fail {
			of = mEnding{e.Kind.String(), order[e.Thread], e.Verb}
		}
		if got[of] == nil {
			got[of] = &mCounts{}
		}
		for j, n := range e.Executions {
			got[of][j] += n
		}
		if want[of] == nil {
			want[of] = &mCounts{}
		}
	}
	agree := 0
	for of, n := range want {
		if got[of] == nil {
			got[of] = &mCounts{}
		}
		for j := range n {
			if got[of][j] != n[j] {
				t.Errorf("%d preemptions, %v: %d executions, the machine has %d", j, of,
					got[of][j], n[j])
				break
			}
			if n[j] != 0 {
				agree++
			}
		}
	}
	return agree
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
