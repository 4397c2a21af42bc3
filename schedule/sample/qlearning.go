package sample

import (
	"math"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// QLearning learns what each alternative of each state is worth, which is the less the more
// often executions have been where it leads, and chooses by that at random (Mukherjee,
// Deligiannis, Biswas and Lal, "Learning-based controlled concurrency testing", OOPSLA
// 2020, section 3): alternative a of state s with probability proportional to exp(Q(s,a)),
// and after an execution, from its end,
//
//	Q(s,a) <- 0.7 Q(s,a) + 0.3 (-visits(s') + 0.7 max Q(s',.))
//
// where s' is the state that it led to. Unlike in the paper the state is not an abstraction
// of the program's, but exact ([schedule.Exec.State]): what hashes alike behaves alike.
//
// Deviations: states between decisions are left out; an alternative is a thread, not an
// operation; where the table is full ([QLearning.Limit]), new states are decided uniformly.
type QLearning struct {
	chance
	blind
	index  map[uint64]int32
	states []visited
	values []float64
	path   []taken
	// The most states and values that are kept.
	most, mostValues int
}

// maxStates is the most states that NewQLearning keeps, of 60 to 80 bytes each, and 8 for each
// alternative.
const maxStates = 1 << 20

// visited is what is known of a state: its values are those from first on, one for each
// alternative, in the order of threads.
type visited struct {
	visits   float64
	first, n int32
}

// taken is an alternative that the execution has taken.
type taken struct{ state, value int32 }

const (
	learning = 0.3
	discount = 0.7
	full     = -1 // the number of a state that there was no room for
)

// NewQLearning returns a QLearning.
func NewQLearning(seed uint64) *QLearning {
	return &QLearning{
		chance: newChance(seed), index: map[uint64]int32{}, most: maxStates, mostValues: math.MaxInt,
	}
}

// Limit has q keep no more states than that, and no more than four alternatives a state in the
// mean: 110 bytes each.
func (q *QLearning) Limit(states int) { q.most, q.mostValues = states, 4*states }

// States returns how many states are kept.
func (q *QLearning) States() int { return len(q.states) }

// Begin implements [Sampler].
func (q *QLearning) Begin() { q.path = q.path[:0] }

// visit counts a visit to a state of n alternatives and returns its number.
func (q *QLearning) visit(key uint64, n int) int32 {
	i, known := q.index[key]
	if !known {
		if len(q.states) >= q.most || len(q.values)+n > q.mostValues {
			return full
		}
		i = int32(len(q.states))
		q.index[key] = i
		q.states = append(q.states, visited{first: int32(len(q.values)), n: int32(n)})
		for range n {
			q.values = append(q.values, 0)
		}
	}
	q.states[i].visits++
	return i
}

// worth returns the values of a state.
func (q *QLearning) worth(state int32) []float64 {
	s := &q.states[state]
	return q.values[s.first : s.first+s.n]
}

// Choose implements [schedule.Chooser].
func (q *QLearning) Choose(e *schedule.Exec, n int) int {
	set, key := e.Enabled(), e.State().Lo
	if set.Empty() {
		key = ^key // a choice within a step
	}
	state := q.visit(key, n)
	if state == full {
		return q.below(n)
	}
	a := q.draw(q.worth(state))
	q.path = append(q.path, taken{state, q.states[state].first + int32(a)})
	if set.Empty() {
		return a
	}
	return of(e, set.Nth(a))
}

// draw returns an alternative with probability proportional to the exponential of its value.
func (q *QLearning) draw(values []float64) int {
	best := values[0]
	for _, v := range values[1:] {
		best = max(best, v)
	}
	sum := 0.0
	for _, v := range values {
		sum += math.Exp(v - best)
	}
	x := sum * float64(q.pcg.Uint64()>>11) / (1 << 53)
	for a, v := range values {
		if x -= math.Exp(v - best); x < 0 {
			return a
		}
	}
	return len(values) - 1
}

// End implements [Sampler].
func (q *QLearning) End(e *schedule.Exec, _ schedule.Result) {
	// A failure may end an execution in a state in which another goes on: its end is another.
	next := q.visit(e.State().Lo+1, 0)
	for i := len(q.path) - 1; i >= 0; i-- {
		at := q.path[i]
		reward, best := 0.0, 0.0
		if next != full {
			reward = -q.states[next].visits
			if values := q.worth(next); len(values) > 0 {
				best = values[0]
				for _, v := range values[1:] {
					best = max(best, v)
				}
			}
		}
		v := &q.values[at.value]
		*v = (1-learning)**v + learning*(reward+discount*best)
		next = at.state
	}
}
