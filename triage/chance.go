package triage

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Chance is how probable a failure is under a scheduler that preempts a thread at one
// step in [Quantum] and else lets it go on; whom it chooses, if it has to, is a fair
// choice. It is computed and not tried. It says how rare a failure is without a fuzzer,
// and at which steps of an execution the bug happens: those where the chance jumps.
type Chance struct {
	Start float64 // before the first decision
	Rises []Rise  // of the execution that was asked about, in its order
	Pair  *Pair   // of its steps, those whose order matters most; nil: no order does
	// Found says that all states were explored; else the rest means nothing.
	Found  bool
	States int
}

// Quantum is how many steps a thread takes on average before it is preempted. A smaller
// one would make ways with many preemptions look as probable as those of a kernel, which
// have few.
const Quantum = 32

// A Rise is a decision that changes the chance: before the decision it is From, and once
// the step has been chosen it is To. It may fall as well.
type Rise struct {
	Step     int // the step chosen
	From, To float64
}

// ChanceOf returns the chance of the failure that the tape shows, among all executions
// with the same choices before the first step, and how it changes in the course of that
// execution. It takes at most so many executions. The chance of a state is the mean of
// those that its decision leads to, by their weights; time and memory grow with the states.
func ChanceOf(
	ctx context.Context, p schedule.Program, tape schedule.Tape, mute schedule.Kinds, executions int,
) (*Chance, error) {
	k, steps, err := newKeeper(p, tape, mute)
	if err != nil {
		return nil, err
	}
	defer k.r.Close()
	k.ctx, k.budget = ctx, &executions
	k.apart = true
	k.prepare(nil)
	ch := &Chance{}
	if !k.explore(func(bool) bool { return true }) {
		return ch, ctx.Err()
	}
	odds, ok := k.odds()
	if !ok || len(odds) == 0 {
		return ch, ctx.Err()
	}
	ch.Found, ch.States, ch.Start = true, len(odds), odds[0]
	ch.Rises = k.rises(tape, odds)
	ch.Pair = k.criticalPair(steps, odds)
	return ch, nil
}

// odds returns the chance of each node. It reports false if they form a circle, in which
// a fair scheduler could go round for ever. A node is done when all that it leads to is:
// a depth-first search with a stack of its own, since the paths are long.
func (k *keeper) odds() ([]float64, bool) {
	const (
		open  = -1 // not looked at
		begun = -2 // on the stack
	)
	odds := make([]float64, len(k.nodes))
	for i := range odds {
		odds[i] = open
	}
	var stack []int32
	for root := range k.nodes {
		stack = append(stack, int32(root))
		for len(stack) > 0 {
			id := stack[len(stack)-1]
			nd := &k.nodes[id]
			if odds[id] >= 0 {
				stack = stack[:len(stack)-1]
				continue
			}
			odds[id] = begun
			sum, waits := 0.0, false
			for alt, to := range k.to(id) {
				switch w := nd.weight(alt); {
				case to == leafWanted:
					sum += w
				case to == leafOther:
				case odds[to] >= 0:
					sum += w * odds[to]
				case odds[to] == begun:
					return nil, false
				default:
					waits = true
					stack = append(stack, to)
				}
			}
			if !waits {
				odds[id] = sum
				stack = stack[:len(stack)-1]
			}
		}
	}
	return odds, true
}

// weight returns how probable an alternative is.
func (nd *keeperNode) weight(alt int) float64 {
	switch {
	case !nd.runs:
		return 1 / float64(nd.n)
	case alt == 0:
		return 1 - 1.0/Quantum
	}
	return 1.0 / Quantum / float64(nd.n-1)
}

// rises follows the tape and returns the decisions that change the chance.
func (k *keeper) rises(tape schedule.Tape, odds []float64) []Rise {
	f := &chanceFollower{keeper: k, odds: odds}
	f.reader.Reset(tape)
	k.r.Wide = true
	res := k.r.Run(f)
	k.r.Wide = false
	last := 0.0
	if res.Outcome == schedule.Fail {
		last = 1
	}
	f.note(last)
	return f.rises
}

// A chanceFollower reads a tape and looks up the chance at each decision.
type chanceFollower struct {
	*keeper
	reader schedule.TapeReader
	odds   []float64
	rises  []Rise
	step   int     // that the last decision chose
	from   float64 // before it
	some   bool    // there was one
}

func (f *chanceFollower) note(now float64) {
	if f.some && now != f.from {
		f.rises = append(f.rises, Rise{f.step, f.from, now})
	}
}

// Choose implements [schedule.Chooser].
func (f *chanceFollower) Choose(e *schedule.Exec, n int) int {
	if id, ok := f.known[f.key(e)]; ok && subjectOf(e) != setup {
		f.note(f.odds[id])
		f.some, f.from, f.step = true, f.odds[id], e.Steps()+1
	}
	return f.reader.Choose(e, n)
}

// String returns the chance at the start and the decisions that raise it to three
// times what it was and more, in a few lines; "" if it is not known.
func (ch *Chance) String() string {
	if !ch.Found {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "chance: %s fail so, if a thread is preempted at 1 step in %d\n"+
		"  (computed over all %s)", schedules(ch.Start), Quantum, count(ch.States, "state"))
	for _, r := range ch.Rises {
		if r.To >= 3*r.From {
			fmt.Fprintf(&b, "\n  step %d raises that from %s to %s",
				r.Step, oneIn(r.From), oneIn(r.To))
		}
	}
	if ch.Pair != nil {
		fmt.Fprintf(&b, "\n%v", ch.Pair)
	}
	return b.String()
}

// schedules says how many of all random schedules a probability is: "about 1 in 300 random
// schedules".
func schedules(p float64) string {
	switch p {
	case 0:
		return "no random schedules"
	case 1:
		return "all random schedules"
	}
	return oneIn(p) + " random schedules"
}

// oneIn writes a probability as so many in so many, to three digits at most.
func oneIn(p float64) string {
	switch {
	case p == 0:
		return "none"
	case p == 1:
		return "all"
	case p > 0.35: // there 1 in 2 and 1 in 3 are too far apart
		return fmt.Sprintf("about %.0f in 10", min(9, math.Round(10*p)))
	}
	n, unit := 1/p, 1.0
	for n/unit >= 1000 {
		unit *= 10
	}
	return fmt.Sprintf("about 1 in %.0f", math.Round(n/unit)*unit)
}
