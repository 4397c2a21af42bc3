package triage

import (
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// pairsLimit is the most decisions of which all pairs are tried: 40 of them
// have 780.
const pairsLimit = 40

// shiftLimit is how far beyond the end of an execution a decision is moved.
const shiftLimit = 32

// passNames are the passes in their order, for [Pass].
var passNames = []string{
	"cut", "zero", "workload", "lower", "pair", "shift", "merge", "exact", "others",
	"smaller",
}

// round runs all passes and reports whether any of them has changed anything.
// A pass that makes progress runs again at once. What the last round proposes
// depends on the result alone, so a later Minimize of the result proposes the
// same, and in vain.
func (m *minimizer) round() bool {
	m.rounds++
	m.roundEnd = m.runs + m.opt.Executions
	before := m.best.Measure
	for i, f := range []func() bool{
		m.cut, m.zero, m.workload, m.lower, m.pairs, m.shift, m.merge, m.exact, m.others,
		m.smaller,
	} {
		if len(m.passes) == i {
			m.passes = append(m.passes, &Pass{Name: passNames[i]})
		}
		m.pass = m.passes[i]
		for f() && !m.stopped() {
		}
	}
	return m.best.Compare(before) < 0 && m.err == nil && m.ctx.Err() == nil
}

// proposeTape proposes s, read leniently.
func (m *minimizer) proposeTape(s schedule.Tape) bool {
	m.reader.Reset(s)
	return m.propose(&m.reader)
}

// proposeZero proposes best with the decisions at the given places 0.
func (m *minimizer) proposeZero(places ...int) bool {
	s := digits(m.best.log)
	for _, i := range places {
		s[i] = 0
	}
	return m.proposeTape(s)
}

// first returns the place of the first decision that is not about the workload.
func (m *minimizer) first() int { return len(setupOf(m.best.log)) }

// nonzero returns the places of the decisions of the schedule that are not the
// calm ones.
func (m *minimizer) nonzero() []int {
	var out []int
	for i := m.first(); i < len(m.best.log); i++ {
		if m.best.log[i].digit != 0 {
			out = append(out, i)
		}
	}
	return out
}

// findInteger returns a k with f(k) true and f(k+1) false, given that f(0) is
// true: by trying up to 4, then doubling, then bisecting. It takes few calls
// where k is small, and logarithmically many where it is not. (Hypothesis,
// shrinking/common.py.)
func findInteger(f func(k int) bool) int {
	for i := 1; i <= 4; i++ {
		if !f(i) {
			return i - 1
		}
	}
	lo, hi := 4, 8
	for f(hi) {
		lo, hi = hi, hi*2
	}
	for lo+1 < hi {
		if mid := (lo + hi) / 2; f(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// cut drops as many decisions from the end as it can. What is left goes on
// calmly.
func (m *minimizer) cut() bool {
	from := m.best.Tape
	return findInteger(func(k int) bool {
		return k <= len(from) && !m.stopped() && m.proposeTape(from[:len(from)-k])
	}) > 0
}

// zero makes decisions calm, many at a time first. It is delta debugging on the
// set of decisions that are not 0 (Zeller and Hildebrandt, ddmin), except that
// it goes on with the same size where it succeeds.
func (m *minimizer) zero() bool {
	progress := false
	for size := len(m.nonzero()); size > 0; size /= 2 {
		for at := 0; !m.stopped(); {
			places := m.nonzero()
			if at >= len(places) {
				break
			}
			if m.proposeZero(places[at:min(at+size, len(places))]...) {
				progress = true
			} else {
				at += size
			}
		}
	}
	return m.remove() || progress
}

// remove deletes decisions, so that the later ones move forward: what is right
// where a whole detour of the schedule is superfluous.
func (m *minimizer) remove() bool {
	progress := false
	for size := max(1, (len(m.best.Tape)-m.first())/2); size > 0; size /= 2 {
		for at := m.first(); at+size <= len(m.best.Tape) && !m.stopped(); {
			s := slices.Delete(slices.Clone(m.best.Tape), at, at+size)
			if m.proposeTape(s) {
				progress = true
			} else {
				at += size
			}
		}
	}
	return progress
}

// lower tries, for every decision that is not 0, all smaller digits: another
// thread to switch to, or a simpler answer.
func (m *minimizer) lower() bool {
	progress := false
	for i := m.first(); i < len(m.best.Tape); i++ {
		for d := uint8(0); i < len(m.best.Tape) && d < m.best.Tape[i]; d++ {
			if m.stopped() {
				return progress
			}
			s := slices.Clone(m.best.Tape)
			s[i] = d
			progress = m.proposeTape(s) || progress
		}
	}
	return progress
}

// pairs makes two decisions calm together. A thread that is preempted for
// nothing needs a second switch to come back, and neither can go alone: without
// the first the second leads away from the failure. That is the local minimum
// that byte minimizers stay in.
func (m *minimizer) pairs() bool {
	places := m.nonzero()
	if len(places) > pairsLimit {
		return false
	}
	for a := range places {
		for b := a + 1; b < len(places); b++ {
			if m.stopped() {
				return false
			}
			if m.proposeZero(places[a], places[b]) {
				return true
			}
		}
	}
	return false
}

// shift moves a decision that is not calm earlier or later, as far as that
// makes anything smaller: one step at first, then further.
func (m *minimizer) shift() bool {
	for _, at := range m.nonzero() {
		for _, by := range []int{-1, +1} {
			for k := 1; !m.stopped(); k *= 2 {
				s := moved(digits(m.best.log), at, at+by*k, m.first())
				if s == nil {
					break
				}
				if m.proposeTape(s) {
					return true
				}
			}
		}
	}
	return false
}

// moved returns s with the digits at from and to exchanged, nil if to is not
// in the schedule part or too far beyond its end. An execution that goes on for
// longer than it did may be the smaller one, if a thread gets to its end.
func moved(s schedule.Tape, from, to, first int) schedule.Tape {
	if to < first || to >= len(s)+shiftLimit {
		return nil
	}
	for to >= len(s) {
		s = append(s, 0)
	}
	s[from], s[to] = s[to], s[from]
	return s
}
