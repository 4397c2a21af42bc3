package explore

import (
	"context"
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// CheckClasses tests [Classes] on p against running every execution as [Unreduced] does:
// each class must come exactly once (not less often where the program chooses within its
// steps, see Classes), in each way to end there must be as many, and all executions of a
// class must come to the same state. It returns how many executions there are, or 0 if
// they are more than limit, and nothing was compared.
//
// The two share what a class is, by the footprints; those [CheckSwaps] tests.
func CheckClasses(p schedule.Program, opt Options, limit int) (executions int, err error) {
	untilKnown(func(loads *schedule.Loads) { executions, err = checkClasses(p, opt, limit, loads) })
	return executions, err
}

func checkClasses(
	p schedule.Program, opt Options, limit int, loads *schedule.Loads,
) (executions int, err error) {
	h := byHand{
		classes: newClasses(p, opt, loads),
		ends:    make(map[schedule.State]lastState),
	}
	defer h.runner.Close()
	h.bound = Unbounded
	for more := true; more; more = h.advance() {
		if executions++; executions > limit {
			return 0, nil
		}
		if err := h.execution(); err != nil {
			return executions, err
		}
	}
	counts := make(map[Category]uint64)
	for _, end := range h.ends { // in any order: it is counted
		counts[end.category]++
	}
	return executions, compareClasses(p, opt, counts, h.choices)
}

// compareClasses runs Classes, which must come to so many classes by ending.
func compareClasses(
	p schedule.Program, opt Options, want map[Category]uint64, choices bool,
) error {
	r := Classes(context.Background(), p, opt)
	switch {
	case r.Stop != Exhausted:
		return fmt.Errorf("%s: classes: %v: %w", p.Name, r.Stop, r.Err)
	case r.Runs != int(r.Classes)+r.Blocked+r.Repeated:
		return fmt.Errorf("%s: %d executions, but %d classes, %d blocked, %d repeated",
			p.Name, r.Runs, r.Classes, r.Blocked, r.Repeated)
	case r.Repeated > 0 && !choices:
		return fmt.Errorf("%s: %d of %d executions are of a class that had been run",
			p.Name, r.Repeated, r.Runs)
	case len(r.Endings) != len(want):
		return fmt.Errorf("%s: classes end in %d ways, executions in %d",
			p.Name, len(r.Endings), len(want))
	}
	for _, end := range r.Endings {
		if end.Classes != want[end.Category] {
			return fmt.Errorf("%s: %v: %d classes, but executions have %d",
				p.Name, end.Category, end.Classes, want[end.Category])
		}
	}
	return nil
}

// byHand runs every execution and names its class.
type byHand struct {
	*classes
	odometer
	ends    map[schedule.State]lastState // by the names of the classes
	taken   []chosen                     // in the execution under way
	choices bool                         // there were any within steps
}

// A lastState is how the executions of a class end.
type lastState struct {
	category Category
	state    schedule.State
}

// A chosen is a pick, and the step that it belongs to, from 1; 0: the beginning.
type chosen struct {
	step int
	pick
}

// Choose implements [schedule.Chooser].
func (h *byHand) Choose(e *schedule.Exec, n int) int {
	d := h.odometer.Choose(e, n)
	if e.Enabled().Empty() {
		h.taken = append(h.taken, chosen{h.foot.Len(), pick{uint8(d), uint8(n)}})
		h.choices = h.choices || h.foot.Len() > 0
	}
	return d
}

// execution runs the next execution.
func (h *byHand) execution() error {
	h.pos, h.length, h.setup, h.taken = 0, 0, h.setup[:0], h.taken[:0]
	end := lastState{category: CategoryOf(h.runner.Run(h))}
	end.state = h.runner.Exec().State()
	for h.length < h.foot.Len() {
		h.open(schedule.Set{})
		h.begin(h.foot.Step(h.length).Thread)
	}
	for _, x := range h.taken {
		picks := &h.setup
		if x.step > 0 {
			picks = &h.points[x.step-1].picks
		}
		*picks = append(*picks, x.pick)
	}
	for k := range h.length {
		h.points[k].take(h.foot.Step(k))
		h.order(k)
	}
	if was, known := h.ends[h.name()]; known && was != end {
		return fmt.Errorf("%s: tape %q: ends with %v in state %x, and an execution that differs "+
			"by the order of independent steps with %v in state %x", h.runner.Program().Name,
			h.runner.Taken().String(), end.category, end.state, was.category, was.state)
	}
	h.ends[h.name()] = end
	return nil
}
