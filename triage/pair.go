package triage

import (
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Pair is two steps of different threads that an execution could take one directly after
// the other, in either order, where the order decides: the critical pair of a failure.
// Before it the two executions are the same. In one order the failure may come about with
// chance To, in the other it cannot, whatever follows.
type Pair struct {
	First, Second Place
	To            float64
	// Swapped repeats the other order, with a calm schedule after it.
	Swapped schedule.Tape
}

// String returns the steps and what their order means, in four lines.
func (p *Pair) String() string {
	return fmt.Sprintf(
		"critical pair: %s\n  before %s\n"+
			"  after these two in this order %s fail so,\n  in the other none: tape %s",
		&p.First, &p.Second, schedules(p.To), TapeText(p.Swapped))
}

// criticalPair returns the critical pair of the execution with these steps, nil if it has
// none. For each two steps of different threads it asks what comes of the second directly
// after the first, and directly before. A step that does not depend on the other leads to
// the same state. Of all pairs whose order decides it returns the one after which the
// chance is highest, and of equals the last. It takes two executions for each two steps.
//
// The step that fails is left out as long as there is another pair. That an object is
// used before it is freed if these two are swapped is in the title.
func (k *keeper) criticalPair(steps []Place, odds []float64) *Pair {
	for len(steps) > 0 && steps[len(steps)-1].Next {
		steps = steps[:len(steps)-1]
	}
	s := &swapper{keeper: k, odds: odds, steps: steps}
	var best, last *Pair
	for i := range steps {
		for j := i + 1; j < len(steps); j++ {
			at := &best
			if j == len(steps)-1 {
				at = &last
			}
			if p := s.pair(i, j); p != nil && (*at == nil || p.To >= (*at).To) {
				*at = p
			}
		}
	}
	if best == nil {
		return last
	}
	return best
}

// A swapper runs the beginning of an execution, then two of its steps in one order or the
// other, and looks up what chance is left.
type swapper struct {
	*keeper
	odds  []float64
	steps []Place // of the execution

	order  []int               // indices of steps
	picks  schedule.TapeReader // of the keeper's choices
	strays bool                // the execution has left the order
	found  float64
	done   bool // found is known
}

// pair returns the pair of steps i and j, if each could be taken directly after the other
// and that decides. What the second thread does between the two is taken before the first;
// what the others do then is left out.
func (s *swapper) pair(i, j int) *Pair {
	x, y := s.steps[i].Thread, s.steps[j].Thread
	if x == y {
		return nil
	}
	s.order = s.order[:0]
	for at := range j {
		if at < i || at > i && s.steps[at].Thread == y {
			s.order = append(s.order, at)
		}
	}
	n := len(s.order)
	s.order = append(s.order, i, j)
	to, ok := s.chance()
	if !ok || to == 0 {
		return nil
	}
	s.order[n], s.order[n+1] = j, i
	if other, ok := s.chance(); !ok || other != 0 {
		return nil
	}
	return &Pair{s.steps[i], s.steps[j], to, append(schedule.Tape(nil), s.r.Taken()...)}
}

// chance runs the order and returns the chance of the state that it leads to. It reports
// false if the program does not allow the order.
func (s *swapper) chance() (float64, bool) {
	s.strays, s.done = false, false
	s.picks.Reset(s.choices)
	s.r.Watch, s.r.Wide = s, true
	res := s.r.Run(s)
	s.r.Watch, s.r.Wide = nil, false
	if s.strays || res.Steps < len(s.order) {
		return 0, false
	}
	if !s.done {
		s.found = 0
		if res.Outcome == schedule.Fail && s.wanted(&res) {
			s.found = 1
		}
	}
	return s.found, true
}

// Step implements [schedule.Watcher]: it ends an execution that has left the order, and one
// in which the last two do something else than they did.
func (s *swapper) Step(t *schedule.Thread) bool {
	step := t.Exec().Steps() // from 1
	if step > len(s.order) {
		return true
	}
	want := &s.steps[s.order[step-1]]
	s.strays = want.Thread != t.ID ||
		step > len(s.order)-2 && want.doing() != doingOf(t, t.Op())
	return !s.strays
}

// Choose implements [schedule.Chooser].
func (s *swapper) Choose(e *schedule.Exec, n int) int {
	at := e.Steps()
	if at >= len(s.order) {
		if id, ok := s.known[s.key(e)]; ok && !s.done {
			s.found, s.done = s.odds[id], true
		}
		return 0
	}
	if e.Enabled().Empty() {
		return s.picks.Choose(e, n)
	}
	for d := range n {
		if e.Alternative(d).ID == s.steps[s.order[at]].Thread {
			return d
		}
	}
	s.strays = true
	return -1
}
