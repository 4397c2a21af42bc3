package guided

import (
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// What is mutated, besides what the arms that go back do with the corpus: constraints of a
// reads-from sampler, as RFF does; the random words of a POS, as FEST does, which changes a
// schedule in a few places and leaves the rest as likely as it was; the switches of a way to
// a memory state; and the setup of a workload, see burst.go.

// constraints are those of the executions of an Engine, which mutates them.
type constraints struct {
	at     int // the combination whose turn it is, 0: none, or no constraint at all
	energy int // executions that are left of the turn
	list   []sample.Constraint
	pairs  pairs // that the execution shows
}

// nextConstraints returns the constraints of the next execution: those of the combination
// whose turn it is, changed in one place.
func (en *Engine) nextConstraints(rf *sample.ReadsFrom) []sample.Constraint {
	c := &en.constraints
	for range most {
		if c.energy > 0 {
			break
		}
		c.energy = 1
		if c.at++; c.at > en.combinations.len() {
			c.at = 0
			break
		}
		c.energy = en.combinations.energy(c.at)
	}
	c.list = c.list[:0]
	if c.at > 0 && c.energy > 0 {
		c.list = append(c.list, en.combinations.all.at(uint32(c.at)).list...)
	}
	c.energy = max(0, c.energy-1)
	c.list = mutated(c.list, rf, en.below)
	return c.list
}

// mutated inserts a constraint into the list, swaps one for another, negates one or deletes
// one.
func mutated(
	list []sample.Constraint, rf *sample.ReadsFrom, below func(n int) int,
) []sample.Constraint {
	drawn, some := rf.Draw()
	op, i := below(4), below(max(1, len(list)))
	switch {
	case len(list) == 0 || op == 0 && len(list) < sample.MaxConstraints:
		if some {
			list = append(list, drawn)
		}
	case op == 1 && some:
		list[i] = drawn
	case op == 2:
		list[i].Never = !list[i].Never
	default:
		list = slices.Delete(list, i, i+1)
	}
	return list
}

// words are the random words of executions of a POS that showed a new segment, which are
// mutated in turn (Fray's FEST, "Feedback-guided adaptive testing of distributed systems
// designs", NSDI 2026).
type words struct {
	kept [][]uint64
	sum  int // of their lengths
	next int // to be replaced, if there is no room for more
	at   int // whose turn it is
	left int // executions that are left of the turn
	list []uint64

	// segments are those that executions of this arm have shown. When they are as many as are told
	// apart none is new any more, and the words stay as they are.
	segments segments
}

const (
	// maxWords is how many executions' words are kept, and sumWords how many words in all, 8
	// MiB. An execution of SafeStack has 200 words, one of a hundred threads 20,000.
	maxWords = 256
	sumWords = 1 << 20
	// places is how many words are changed at once.
	places = 5
)

// nextWords returns the random words of the next execution: those of one before, but for a
// few.
func (en *Engine) nextWords() []uint64 {
	w := &en.words
	if len(w.kept) == 0 {
		return nil
	}
	if w.left == 0 {
		w.at, w.left = (w.at+1)%len(w.kept), most
	}
	w.left--
	w.list = append(w.list[:0], w.kept[w.at]...)
	for range places {
		w.list[en.below(len(w.list))] = en.rng.Uint64()
	}
	return w.list
}

// keep keeps the words of an execution, as many of the first ones as there is room for.
func (w *words) keep(list []uint64) {
	room := sumWords - w.sum
	switch {
	case len(list) == 0:
		return
	case len(w.kept) == 0 || len(w.kept) < maxWords && len(list) <= room:
		list = list[:min(len(list), room)]
		w.kept = append(w.kept, slices.Clone(list))
	default:
		old := &w.kept[w.next]
		list = list[:min(len(list), room+len(*old))]
		w.sum -= len(*old)
		*old = slices.Clone(list)
		w.next = (w.next + 1) % len(w.kept)
	}
	w.sum += len(list)
}

// keepMutated keeps what was mutated for the execution that ends, if it showed what none has: a
// combination for constraints, a segment for words.
func (en *Engine) keepMutated() {
	switch {
	case en.repeats:
	case en.how == constrained:
		en.combinations.add(en.constraints.pairs.combination, en.constraints.list)
	case en.how == numbered && en.words.segments.fresh:
		en.words.keep(en.sampler.(*sample.POS).Numbers())
	}
}

// farthest is how far a switch is moved.
const farthest = 8

// editWay changes the way in one place: a switch, a decision that is not calm, is put in,
// taken out, or moved.
func (en *Engine) editWay() {
	en.edited = append(en.edited[:0], en.way...)
	way := en.edited
	en.way = way
	if len(way) == 0 {
		return
	}
	i, op := anySwitch(way, en.below), en.below(3)
	switch {
	case i < 0 || op == 0:
		way[en.below(len(way))] = uint8(1 + en.below(max(1, en.threads-1)))
	case op == 1:
		way[i] = 0
	default:
		j := min(max(0, i-farthest+en.below(2*farthest+1)), len(way)-1)
		way[i], way[j] = way[j], way[i]
	}
}

// anySwitch draws one of the switches of a tape; -1 if it has none.
func anySwitch(t schedule.Tape, below func(n int) int) int {
	at, seen := -1, 0
	for i, d := range t {
		if d != 0 {
			if seen++; below(seen) == 0 {
				at = i
			}
		}
	}
	return at
}
