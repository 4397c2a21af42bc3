package aio

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// newMachine returns the machine for a program, which goes on after what is muted.
func newMachine(scenario, variant string, muted ...string) *machine {
	call, _, _ := strings.Cut(scenario, "-")
	v, ok := mVariants[variant]
	if !ok {
		panic("the machine knows no variant " + variant)
	}
	m := &machine{call: call, mVariant: v, muted: map[string]bool{}, bound: explore.Unbounded}
	switch scenario {
	case "exit_aio":
		m.exitSlots = 2
	case "exit_aio-full-table":
		m.exitSlots = 1
	}
	for _, kind := range muted {
		m.muted[kind] = true
	}
	return m
}

// counted is the machine as verify compares it.
func (m *machine) counted() verify.Machine[mState, mEnding] {
	return verify.Machine[mState, mEnding]{
		Threads: mThreads,
		Bound:   m.bound,
		Enabled: m.enabled,
		Rests: func(s *mState, me int) bool {
			return s.th[me].pc == atRest || s.th[me].pc == atSyncEnd
		},
		Step: func(s mState, me int, next func(mState), end func(mEnding)) {
			m.take(&s, me, func(to *mState, failure mEnding) {
				if failure.kind != "" {
					end(failure)
				} else {
					next(*to)
				}
			})
		},
		Stuck: func(s mState, _ func(mState), end func(mEnding)) { end(m.outcome(&s)) },
	}
}

// options are what a program is explored with, to be compared with the machine.
func (m *machine) options() explore.Options {
	opt := explore.Options{Bound: m.bound}
	for name := range m.muted {
		kind, _ := schedule.ParseKind(name)
		opt.Mute |= schedule.KindSet(kind)
	}
	return opt
}

// compare holds a report of a program, which has created the threads of the machine in the given
// order, against the machine. It returns how many numbers agree.
func (m *machine) compare(t *testing.T, r explore.Report, order []int) int {
	t.Helper()
	return m.counted().Compare(t, r, m.initial(), func(e explore.Ending) mEnding {
		of := mEnding{e.Outcome.String(), -1, ""}
		if e.Outcome == schedule.Fail {
			of.kind, of.verb = e.Kind.String(), e.Verb
		}
		if e.Thread >= 0 {
			of.thread = order[e.Thread]
		}
		return of
	})
}

// created returns the threads of a scenario in the order in which they are created.
func (m *machine) created() []int {
	switch {
	case m.exitSlots > 0:
		return []int{mCaller, mSoftirq, mWorker}
	case m.call == "io_submit":
		return []int{mCaller, mDestroyer, mSoftirq, mWorker, mIrq}
	}
	return []int{mCaller, mDestroyer, mSoftirq, mWorker}
}

// inOrder returns a scenario whose threads are created in another order.
func (m *machine) inOrder(sc *scenario, v program.Variant, order []int) schedule.Program {
	begin := func() func(e *schedule.Exec) {
		s := newSystem(v.Changes)
		start := s.starters(sc.threads, sc.device)
		var ordered []func(e *schedule.Exec)
		for _, me := range order {
			ordered = append(ordered, start[slices.Index(m.created(), me)])
		}
		return sc.begun(s, ordered).Begin
	}
	return schedule.Program{Name: sc.name + "@" + v.Name, New: begin}
}

// TestMachine compares every fixed scenario with the machine: all endings, and the
// numbers of their executions with any number of preemptions.
func TestMachine(t *testing.T) {
	agree := 0
	for _, p := range Programs() {
		if p.Workload {
			continue
		}
		t.Run(p.Scenario+"@"+p.Variant, func(t *testing.T) {
			m := newMachine(p.Scenario, p.Variant)
			if testing.Short() {
				m.bound = 1
			}
			agree += m.compare(t, verify.Explore(p, m.options()), m.created())
		})
	}
	t.Logf("%d numbers agree", agree)
}

// TestMachineMuted does the same where the kernel goes on after it has warned.
func TestMachineMuted(t *testing.T) {
	all := []string{
		"refcount-resurrect", "refcount-underflow", "double-release", "double-kill", "kernel-bug",
	}
	agree := 0
	for _, p := range Programs() {
		if p.Workload || p.Variant != "1a" && p.Variant != "1d" && p.Variant != "1e" {
			continue
		}
		large := p.Scenario == "io_submit-vs-io_destroy" // there are 10^5 states in all
		if testing.Short() && (large || p.Variant != "1e") {
			continue
		}
		for _, muted := range [][]string{all[:1], all} {
			t.Run(fmt.Sprintf("%s@%s/%d", p.Scenario, p.Variant, len(muted)), func(t *testing.T) {
				m := newMachine(p.Scenario, p.Variant, muted...)
				if large || testing.Short() {
					m.bound = 2
				}
				agree += m.compare(t, verify.Explore(p, m.options()), m.created())
			})
		}
	}
	t.Logf("%d numbers agree", agree)
}

// TestMachineOrder does the same with threads and agents created in other orders, which
// must change the numbers of the threads and no other number.
func TestMachineOrder(t *testing.T) {
	agree, programs := 0, 0
	for i := range scenarios {
		sc := &scenarios[i]
		if testing.Short() && i > 0 {
			continue
		}
		for _, v := range variants {
			if sc.device && v.Name != "1b" && v.Name != "1f" {
				continue // they have many states
			}
			m := newMachine(sc.name, v.Name)
			for _, order := range m.orders() {
				programs++
				t.Run(fmt.Sprintf("%s@%s/%d", sc.name, v.Name, order), func(t *testing.T) {
					p := m.inOrder(sc, v, order)
					r := explore.Last(explore.Exhaust(t.Context(), p, m.options()))
					agree += m.compare(t, r, order)
				})
			}
		}
	}
	t.Logf("%d programs, %d numbers agree", programs, agree)
}

// orders returns the reverse of m.created(), and where there are few states all orders.
func (m *machine) orders() (out [][]int) {
	if m.call == "io_submit" || !m.list && m.exitSlots == 0 || testing.Short() {
		order := m.created()
		slices.Reverse(order)
		return [][]int{order}
	}
	var permute func(order, rest []int)
	permute = func(order, rest []int) {
		if len(rest) == 0 {
			out = append(out, slices.Clone(order))
		}
		for i := range rest {
			permute(append(order, rest[i]), slices.Concat(rest[:i], rest[i+1:]))
		}
	}
	permute(nil, m.created())
	return out
}
