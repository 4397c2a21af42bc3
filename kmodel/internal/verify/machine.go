package verify

import (
	"math/bits"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// A Machine is a second implementation of a program, which shares nothing with it but what a
// step is: a test holds the one against the other. S is all there is, E a way to end.
type Machine[S, E comparable] struct {
	Threads int
	Bound   int // that of the exploration
	Enabled func(s *S, thread int) bool
	// Rests reports whether a thread that has just taken a step has finished, or its work if
	// it is an agent, or sleeps. Another step than one of its own is no preemption then.
	Rests func(s *S, thread int) bool
	// Step takes a step. For each choice that there is it calls next with what follows, or
	// end.
	Step func(s S, thread int, next func(S), end func(E))
	// Stuck does the same for a state in which no thread is enabled.
	Stuck func(s S, next func(S), end func(E))
}

// machineCounts[j] is a number of executions, or of beginnings of them, with j preemptions.
type machineCounts [64]uint64

// addTo adds to those of k, by a step that was so many preemptions, the numbers below limit. It
// lowers limit to the first that a uint64 does not hold.
func addTo[K comparable](
	to map[K]*machineCounts, k K, n *machineCounts, preemptions int, limit *int,
) {
	c := to[k]
	if c == nil {
		c = &machineCounts{}
		to[k] = c
	}
	for j := preemptions; j < *limit; j++ {
		v, carry := bits.Add64(c[j], n[j-preemptions], 0)
		if c[j] = v; carry != 0 {
			*limit = j
		}
	}
}

// count returns how many executions from s on end how, for numbers of preemptions below limit,
// see addTo. Of all beginnings with k steps only the state and who took the last step matter for
// what follows, so those that agree in that are counted together, and taken one step further
// together.
func (m Machine[S, E]) count(s S, limit *int) map[E]*machineCounts {
	type node struct {
		state S
		last  int // the thread that took the last step, -1 if it rests
	}
	endings := map[E]*machineCounts{}
	for layer := (map[node]*machineCounts{{s, -1}: {1}}); len(layer) > 0; {
		following := map[node]*machineCounts{}
		for nd, n := range layer {
			if *n == (machineCounts{}) {
				continue // only ways with more preemptions lead here
			}
			stuck := true
			for me := range m.Threads {
				if !m.Enabled(&nd.state, me) {
					continue
				}
				stuck = false
				preemptions := 0
				if nd.last >= 0 && nd.last != me && m.Enabled(&nd.state, nd.last) {
					preemptions = 1
				}
				m.Step(nd.state, me, func(to S) {
					last := me
					if m.Rests(&to, me) {
						last = -1
					}
					addTo(following, node{to, last}, n, preemptions, limit)
				}, func(e E) { addTo(endings, e, n, preemptions, limit) })
			}
			if stuck {
				m.Stuck(nd.state, func(to S) { addTo(following, node{to, nd.last}, n, 0, limit) },
					func(e E) { addTo(endings, e, n, 0, limit) })
			}
		}
		layer = following
	}
	sums := map[bool]*machineCounts{} // of all endings together, for the limit
	for _, n := range endings {
		addTo(sums, true, n, 0, limit)
	}
	return endings
}

// Compare holds what was found of a program, which must be everything up to the bound, against
// the machine that begins in s: every ending, named by of, and the number of its executions with
// any number of preemptions of which a uint64 holds all. It returns how many numbers agree.
func (m Machine[S, E]) Compare(t *testing.T, r explore.Report, s S, of func(explore.Ending) E) int {
	t.Helper()
	limit := min(m.Bound, len(machineCounts{})-1) + 1
	all := r.Complete() || r.Stop == explore.AtBound && r.Bound == m.Bound
	if !all || r.Cycle != explore.Acyclic || len(r.Executions) > limit {
		t.Fatalf("%s: not explored, or not counted: %s", r.Program, r.Coverage())
	}
	fits := limit
	if r.Overflow {
		fits = len(r.Executions)
	}
	want, got := m.count(s, &limit), map[E]*machineCounts{}
	if limit != fits {
		t.Fatalf("%s: a uint64 holds what has fewer than %d preemptions, in the machine %d", r.Program,
			fits, limit)
	}
	for _, e := range r.Endings {
		var n machineCounts
		copy(n[:], e.Executions)
		addTo(got, of(e), &n, 0, &limit)
		addTo(want, of(e), &machineCounts{}, 0, &limit) // so that none is missed
	}
	agree := 0
	for e, n := range want {
		addTo(got, e, &machineCounts{}, 0, &limit)
		for j, wanted := range n[:limit] {
			if got[e][j] != wanted {
				t.Errorf("%s: %d preemptions, %v: %d executions, the machine has %d", r.Program, j, e,
					got[e][j], wanted)
				break
			}
			if wanted != 0 {
				agree++
			}
		}
	}
	return agree
}
