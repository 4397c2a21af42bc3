package explore

import (
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// CheckSwaps tests the contract of [schedule.Footprints] on p: two steps of different
// threads, next to each other, with footprints that do not conflict, can change places.
// It runs random executions, and each again for such a pair with the two exchanged, which
// must be possible, use the same things, come to the same state and enable the same
// threads.
//
// It goes on until it has exchanged the given number of pairs, and returns how many it
// has: fewer if the program has few. What a model shares between threads without a cell or
// a [schedule.Shared] shows here, if random executions can show it.
func CheckSwaps(p schedule.Program, pairs int, seed uint64) (swapped int, err error) {
	untilKnown(func(loads *schedule.Loads) { swapped, err = checkSwaps(p, pairs, seed, loads) })
	return swapped, err
}

func checkSwaps(
	p schedule.Program, pairs int, seed uint64, loads *schedule.Loads,
) (swapped int, err error) {
	w := newSwapper(p)
	w.runner.Loads = loads
	defer w.runner.Close()
	for tries := uint64(0); swapped < pairs && tries < uint64(2*pairs+100); tries++ {
		n, err := w.execution(newStroll(seed<<32+tries), pairs-swapped)
		if swapped += n; err != nil {
			return swapped, err
		}
	}
	return swapped, nil
}

// maxSwapSteps is where CheckSwaps ends executions: some programs have endless ones.
const maxSwapSteps = 512

// A swapper runs executions by what threads do, where a tape says it by numbers that
// depend on who ran before.
type swapper struct {
	runner *schedule.Runner
	foot   schedule.Footprints

	stroll *stroll // who decides, or nil: script does
	script []event
	setup  []uint8 // decisions before the first step
	until  int     // how many steps of the script are to be taken
	step   int     // the one under way, and how many choices it has made
	at     int
	bad    bool // the script could not be followed
}

// An event is a step: whose, and what was chosen within it.
type event struct {
	thread int
	picks  []uint8
}

func newSwapper(p schedule.Program) *swapper {
	w := &swapper{runner: schedule.NewRunner(p)}
	w.runner.Wide, w.runner.Footprints = true, &w.foot
	w.runner.MaxSteps = maxSwapSteps
	return w
}

// execution runs one execution and exchanges up to limit of its pairs.
func (w *swapper) execution(s stroll, limit int) (swapped int, err error) {
	w.stroll, w.script, w.setup = &s, nil, nil
	w.runner.Run(w)
	w.note(w.foot.Len())
	tape := w.runner.Taken().String()
	var was []schedule.Taken
	for i := range w.foot.Len() {
		s := w.foot.Step(i)
		s.Footprint = append(schedule.Footprint(nil), s.Footprint...)
		was = append(was, s)
	}
	was = append(was, w.now())
	w.stroll = nil
	for i := 0; i+2 < len(was) && swapped < limit; i++ {
		if was[i].Thread == was[i+1].Thread || dependent(&was[i], &was[i+1]) {
			continue
		}
		swapped++
		if text := w.swap(was, i); text != "" {
			return swapped, fmt.Errorf("%s: tape %q: steps %d and %d, of threads %d and %d, "+
				"use nothing in common, but cannot change places: %s: the program shares "+
				"something without a cell or a Shared", w.runner.Program().Name, tape,
				i+1, i+2, was[i].Thread, was[i+1].Thread, text)
		}
	}
	return swapped, nil
}

// dependent reports whether two steps next to each other must stay in their order.
func dependent(a, b *schedule.Taken) bool {
	return a.Fails || b.Fails || b.Signal || a.Footprint.Conflicts(b.Footprint)
}

// swap runs the script with steps i and i+1 exchanged, and says what was not the same.
func (w *swapper) swap(was []schedule.Taken, i int) string {
	w.script[i], w.script[i+1] = w.script[i+1], w.script[i]
	defer func() { w.script[i], w.script[i+1] = w.script[i+1], w.script[i] }()
	w.until, w.step, w.bad = i+2, -1, false
	w.runner.Run(w)
	n := w.foot.Len()
	switch {
	case w.bad || n < i+2 || w.foot.Step(i).Thread != was[i+1].Thread ||
		w.foot.Step(i+1).Thread != was[i].Thread:
		return "the second cannot be the first"
	case !same(w.foot.Step(i).Footprint, was[i+1].Footprint) ||
		!same(w.foot.Step(i+1).Footprint, was[i].Footprint):
		return "they use other things then"
	}
	end := w.now()
	if n > i+2 {
		end = w.foot.Step(i + 2)
	}
	switch {
	case end.State != was[i+2].State:
		return "they come to another state then"
	case end.Enabled != was[i+2].Enabled:
		return fmt.Sprintf("they enable %v then, not %v", end.Enabled, was[i+2].Enabled)
	}
	return ""
}

// now returns the end of an execution as if it were a step.
func (w *swapper) now() schedule.Taken {
	enabled, state := w.foot.Now()
	return schedule.Taken{Enabled: enabled, State: state}
}

// same reports whether two footprints are, in whatever order.
func same(f, g schedule.Footprint) bool {
	uses := make(map[uint64]bool, len(f))
	for _, a := range f {
		uses[a.Key] = a.Writes
	}
	for _, b := range g {
		if writes, ok := uses[b.Key]; !ok || writes != b.Writes {
			return false
		}
	}
	return len(f) == len(g)
}

// note makes the script as long as n steps.
func (w *swapper) note(n int) {
	for len(w.script) < n {
		w.script = append(w.script, event{thread: w.foot.Step(len(w.script)).Thread})
	}
}

// Choose implements [schedule.Chooser].
func (w *swapper) Choose(e *schedule.Exec, n int) int {
	steps := w.foot.Len()
	if w.stroll != nil {
		w.note(steps)
		d := w.stroll.Choose(e, n)
		if e.Enabled().Empty() {
			picks := w.picks(steps)
			*picks = append(*picks, uint8(d))
		}
		return d
	}
	if e.Enabled().Empty() {
		if steps != w.step {
			w.step, w.at = steps, 0
		}
		picks := *w.picks(steps)
		if w.at++; w.at > len(picks) || int(picks[w.at-1]) >= n {
			w.bad = true
			return -1
		}
		return int(picks[w.at-1])
	}
	if steps >= w.until {
		return -1
	}
	d := alternative(e, w.script[steps].thread)
	w.bad = w.bad || d < 0
	return d
}

// picks returns what was chosen within the step under way.
func (w *swapper) picks(steps int) *[]uint8 {
	if steps == 0 {
		return &w.setup
	}
	return &w.script[steps-1].picks
}

// alternative returns the decision that stands for a thread, or -1 if it is not enabled.
func alternative(e *schedule.Exec, thread int) int {
	if !e.Enabled().Has(thread) {
		return -1
	}
	d := 0
	for e.Alternative(d).ID != thread {
		d++
	}
	return d
}
