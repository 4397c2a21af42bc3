package aio

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
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
	m := &machine{call: call, mVariant: v, muted: map[string]bool{}}
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

// mCounts[j] is a number of executions, or of beginnings of them, with j preemptions.
type mCounts [64]uint64

// count returns how many executions end how, by the number of preemptions, for numbers
// below limit. It returns a lower limit if there are more with that many than a uint64
// holds. It is as simple as it looks: of all beginnings with k steps, only the state,
// who could go on, and the number of preemptions matter for what follows, so those that
// agree in that are counted together, and taken one step further together.
func (m *machine) count(limit int) (map[mEnding]*mCounts, int) {
	type node struct {
		mState
		last int // the thread that took the last step, -1 if it is at rest now
	}
	endings, total := map[mEnding]*mCounts{}, &mCounts{}
	add := func(sum, n *mCounts, preemptions int) {
		for j := preemptions; j < limit; j++ {
			v, carry := bits.Add64(sum[j], n[j-preemptions], 0)
			if sum[j] = v; carry != 0 {
				limit = j
			}
		}
	}
	end := func(e mEnding, n *mCounts, preemptions int) {
		if endings[e] == nil {
			endings[e] = &mCounts{}
		}
		add(endings[e], n, preemptions)
		add(total, n, preemptions)
	}
	layer := map[node]*mCounts{{m.initial(), -1}: {1}}
	for len(layer) > 0 {
		next := map[node]*mCounts{}
		for nd, n := range layer {
			if *n == (mCounts{}) {
				continue // only ways with more preemptions lead here
			}
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
				m.take(&nd.mState, me, func(s *mState, failure mEnding) {
					if failure.kind != "" {
						end(failure, n, preemptions)
						return
					}
					to := node{*s, me}
					if s.th[me].pc == atRest {
						to.last = -1
					}
					if next[to] == nil {
						next[to] = &mCounts{}
					}
					add(next[to], n, preemptions)
				})
			}
			if stuck {
				end(m.outcome(&nd.mState), n, 0)
			}
		}
		layer = next
	}
	return endings, limit
}

// options are what a program is explored with, to be compared with the machine.
func (m *machine) options(bound int) explore.Options {
	opt := explore.Options{Bound: bound}
	for name := range m.muted {
		kind, _ := schedule.ParseKind(name)
		opt.Mute |= schedule.KindSet(kind)
	}
	return opt
}

// compare holds a report of a program, explored up to bound, against the machine: every
// ending, for every number of preemptions whose executions fit in a uint64. The program has
// created the threads of the machine in the given order. It returns how many numbers agree.
func (m *machine) compare(t *testing.T, r explore.Report, order []int, bound int) int {
	t.Helper()
	if r.Stop != explore.Exhausted && r.Stop != explore.AtBound || r.Cycle != explore.Acyclic {
		t.Fatalf("not explored: %s", r.Coverage())
	}
	want, limit := m.count(min(bound, len(mCounts{})-1) + 1)
	if r.Overflow && limit != len(r.Executions) {
		t.Errorf("2^64 executions are reached at %d preemptions, in the machine at %d",
			len(r.Executions), limit)
	}
	got := map[mEnding]*mCounts{}
	for _, e := range r.Endings {
		of := mEnding{e.Outcome.String(), -1, ""}
		if e.Outcome == schedule.Fail {
			of.kind, of.verb = e.Kind.String(), e.Verb
		}
		if e.Thread >= 0 {
			of.thread = order[e.Thread]
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
	for j := 0; j < limit && !t.Failed(); j++ {
		for of, n := range want {
			var have uint64
			if got[of] != nil {
				have = got[of][j]
			}
			if have != n[j] {
				t.Errorf("%d preemptions, %v: %d executions, the machine has %d", j, of, have, n[j])
			} else if j < len(r.Executions) {
				agree++
			}
		}
	}
	return agree
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
func (m *machine) inOrder(sc *scenario, v variant, order []int) schedule.Program {
	begin := func() func(e *schedule.Exec) {
		s := newSystem(v.patches)
		var starters []func(e *schedule.Exec)
		for _, me := range order {
			starters = append(starters, sc.starters(s)[slices.Index(m.created(), me)])
		}
		return sc.fixed(s, starters).Begin
	}
	return schedule.Program{Name: sc.name + "@" + v.name, New: begin}
}

// TestMachine compares every fixed scenario with the machine: all endings, and the
// numbers of their executions with any number of preemptions.
func TestMachine(t *testing.T) {
	agree := 0
	for _, p := range Programs() {
		if p.Workload {
			continue
		}
		bound := explore.Unbounded
		if testing.Short() {
			bound = 2
		}
		t.Run(p.Scenario+"@"+p.Variant, func(t *testing.T) {
			m := newMachine(p.Scenario, p.Variant)
			r := verify.Explore(p, m.options(bound))
			agree += m.compare(t, r, m.created(), bound)
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
		bound := explore.Unbounded
		if p.Scenario == "io_submit-vs-io_destroy" {
			bound = 2 // there are 10^5 states in all
		}
		if testing.Short() && (bound == 2 || p.Variant != "1e") {
			continue
		}
		for _, muted := range [][]string{all[:1], all} {
			t.Run(fmt.Sprintf("%s@%s/%d", p.Scenario, p.Variant, len(muted)), func(t *testing.T) {
				m := newMachine(p.Scenario, p.Variant, muted...)
				r := verify.Explore(p, m.options(bound))
				agree += m.compare(t, r, m.created(), bound)
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
		if sc.call == nil || testing.Short() && i > 0 {
			continue
		}
		for _, v := range variants {
			if sc.request && v.name != "1b" && v.name != "1f" {
				continue // they have many states
			}
			m := newMachine(sc.name, v.name)
			for _, order := range m.orders() {
				programs++
				t.Run(fmt.Sprintf("%s@%s/%d", sc.name, v.name, order), func(t *testing.T) {
					p, opt := m.inOrder(sc, v, order), m.options(explore.Unbounded)
					r := explore.Last(explore.Exhaust(t.Context(), p, opt))
					agree += m.compare(t, r, order, explore.Unbounded)
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
