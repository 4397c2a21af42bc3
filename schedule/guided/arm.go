package guided

import (
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// An arm is a way to run an execution: whose decisions it takes, and what is done to them.
type arm struct {
	sampler string
	how     how

	// Shares of the executions: of a program at first, of one with many threads, of both
	// later, and of a workload.
	early, crowd, late, workload float64

	credit       float64 // executions that it should have had by now, and has not
	found, tried float64 // executions that came to a new memory state, and all, of late
}

// how says what is done to a sampler's decisions, besides keeping off what is spent.
type how uint8

const (
	plain       how = iota
	constrained     // under constraints that are mutated
	numbered        // with random words that are mutated
	seldom          // at each decision, the alternative that was followed least
	back            // first the way to an entry of the corpus is repeated
	backSeldom      // both
	edited          // as back, but one switch of the way is changed
	splice          // as back, and then what is left of the way to another entry
)

// table has the arms. The early shares are for small programs, most of which fail within a
// few executions, so that what is tried first matters most. In a crowd a walk has hardly a
// chance to hold one thread back for long. The late shares are for variety, since which arm is
// needed for what differs from program to program: together they find in SafeStack in thousands
// of executions what each alone takes tens of thousands for. PCT has one for its bound, which holds
// of these executions, and its changes are few, which a few failures take. QLearning learns as if
// what it chose had been followed, also where nothing was left to see there. In a workload
// executions are long, and nearly every state is new, so that there is little to go back to, and
// Demote is the best of those that know nothing.
//
// SURW and ReadsFrom decide the rest by Demote, as their papers do not: guided takes a sixth fewer
// executions with it in the scenarios of the kernel models, where most failures take a thread that
// is held back for long, and a tenth fewer in their workloads.
//
// What is mutated has small shares. Switches pay in SafeStack, where little is new for a long
// time; all else makes no difference, or does harm in workloads (docs/benchmark).
var table = []arm{
	{sampler: "surw-demote", how: plain, early: 0.42, crowd: 0.55, late: 0.25, workload: 0.3},
	{sampler: "rf-demote", how: plain, early: 0.2, crowd: 0.31, late: 0.14, workload: 0.18},
	{sampler: "rf-demote", how: constrained, early: 0.06, crowd: 0.06, late: 0.06, workload: 0.02},
	{sampler: "walk", how: plain, early: 0.22, crowd: 0.04, late: 0.09, workload: 0.03},
	{sampler: "walk", how: backSeldom, early: 0.1, crowd: 0.04, late: 0.1},
	{sampler: "walk", how: seldom, late: 0.08},
	{sampler: "demote", how: plain, late: 0.1, workload: 0.29},
	{sampler: "pct3", how: plain, late: 0.02, workload: 0.02},
	{sampler: "pct5", how: plain, late: 0.01, workload: 0.08},
	{sampler: "delays5", how: plain, late: 0.01, workload: 0.03},
	{sampler: "qlearn", how: plain, late: 0.04},
	{sampler: "pos", how: back, late: 0.04, workload: 0.04},
	{sampler: "pos", how: edited, late: 0.02},
	{sampler: "pos", how: numbered, late: 0.02, workload: 0.01},
	{sampler: "preemptions5", how: splice, late: 0.02},
}

const (
	// ramp is how many executions it takes from the early shares to the late ones; in a crowd
	// so many for each thread.
	ramp = 256
	// crowd is how many threads are not many yet.
	crowd = 8
	// floor is the part of its share that an arm keeps whatever it yields.
	floor = 0.25
	// remembered is how many executions of an arm its yield is of.
	remembered = 256
)

// share returns the arm's share of the executions, before it is known what it yields.
func (en *Engine) share(a *arm) float64 {
	if en.workload {
		return a.workload
	}
	early, until := a.early, float64(ramp)
	if en.threads > crowd {
		early, until = a.crowd, ramp*float64(en.threads)
	}
	return early + (a.late-early)*min(1, float64(en.tally.executions.Load())/until)
}

// yield returns the chance that an execution comes to a new memory state. One is given to
// each arm at first.
func (a *arm) yield() float64 { return (a.found + 1) / (a.tried + 1) }

// pay is told whether an execution of the arm came to one.
func (a *arm) pay(fresh bool) {
	if a.tried >= remembered {
		a.found -= a.found / a.tried
		a.tried--
	}
	a.tried++
	if fresh {
		a.found++
	}
}

// spendOn returns the arm of the next execution: of which most is missing to its share. That
// is as random as to draw one, since what the samplers do is, and in a few executions every
// arm gets its share, which if it were drawn some would not. Where it begins is drawn.
func (en *Engine) spendOn() *arm {
	sum := 0.0
	for i := range en.arms {
		sum += en.share(&en.arms[i]) * en.arms[i].yield()
	}
	best := &en.arms[0]
	for i := range en.arms {
		a := &en.arms[i]
		a.credit += en.share(a) * (floor + (1-floor)*a.yield()/sum)
		if a.credit > best.credit {
			best = a
		}
	}
	best.credit--
	return best
}

// newArms makes those of the table, each that has an early share with a part of an execution to its
// credit.
func (en *Engine) newArms() {
	en.arms = slices.Clone(table)
	for i := range en.arms {
		if a := &en.arms[i]; a.early > 0 {
			a.credit = en.fraction()
		}
	}
}

// fraction returns a random number from 0 to 1.
func (en *Engine) fraction() float64 { return float64(en.rng.Uint64()>>11) / (1 << 53) }

// samplers makes those of the table, one of each name.
func samplers(seed uint64, learnt int) map[string]sample.Sampler {
	out := map[string]sample.Sampler{}
	for i, a := range table {
		if out[a.sampler] == nil {
			s, err := sample.New(a.sampler, seed*uint64(len(table))+uint64(i))
			if err != nil {
				panic(err)
			}
			if q, ok := s.(*sample.QLearning); ok {
				q.Limit(learnt)
			}
			out[a.sampler] = s
		}
	}
	return out
}
