package triage

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// DefaultExplaining is the most executions that [Explain] takes, if it is not told
// otherwise.
const DefaultExplaining = 1_000_000

// An Explanation is why an execution fails: orders of two steps each such that every
// execution of the program that keeps them all fails in the same way. No fewer orders do
// that.
type Explanation struct {
	Because []Reason
	// Setup is the workload's choices before the first step. Every execution means every
	// one with these.
	Setup schedule.Tape
	// Found says that all of this is established. If not, the budget was spent, or no
	// orders will do since what decides is a choice and not an order; Because is empty
	// then.
	Found bool
	// Gap is an execution that keeps every order of the one that was to be explained, and
	// does not fail so: a thread that took no step in that one comes in between, or a
	// choice decides. Nil if there is none, and if the budget was spent.
	Gap        schedule.Tape
	States     int // in the final search over all executions that keep the orders
	Executions int // that all of this took

	want Signature
	mute schedule.Kinds
}

// A Reason is an order, and an execution that keeps all others and breaks this one, and
// does not fail so: why it cannot be left out.
type Reason struct {
	Order
	Without schedule.Tape
}

// Explain finds out why the execution of p that the tape gives fails. It takes at most so
// many executions, 0 means [DefaultExplaining], and is a function of its arguments.
//
// It begins with the orders that no other execution keeps, one for each switch of
// threads; see switches. Of these it finds the fewest that will do, in the manner of an
// implicit hitting set (Ignatiev, Previti, Liffiton and Marques-Silva, "Smallest MUS
// extraction with minimal hitting set dualization", CP 2015): a set that will not do has
// an execution to show for it, and every set that will do has an order which that
// execution breaks. So the fewest orders that have one for each execution met so far are
// tried next, and the first that will do are the fewest of all, since whatever order of
// two steps of this execution is, one for a switch implies it. Whether some orders will
// do is decided by looking at all executions that keep them, see keeper.
//
// Then each order is weakened: its first step to the earliest of that thread that will
// do, its second to the latest. So the steps that are named at last are those that race.
//
// Executions that come to one state are looked at once, and a state does not tell who
// freed an object: like a [Certificate], an explanation is of executions that differ in
// their states.
func Explain(
	ctx context.Context, p schedule.Program, tape schedule.Tape, mute schedule.Kinds, executions int,
) (*Explanation, error) {
	if executions == 0 {
		executions = DefaultExplaining
	}
	k, steps, err := newKeeper(p, tape, mute)
	if err != nil {
		return nil, err
	}
	defer k.r.Close()
	budget := executions
	k.ctx, k.budget = ctx, &budget
	x := &explainer{keeper: k, steps: steps}
	ex := &Explanation{Setup: k.setup, want: k.want, mute: mute}
	if x.explain() {
		ex.Found, ex.States, ex.Because = true, x.states, x.because
	}
	ex.Gap = x.gap
	ex.Executions = executions - budget
	return ex, ctx.Err()
}

// An Effect is what keeping the orders of an explanation comes to in another variant of
// the program.
type Effect uint8

// The effects.
const (
	Unsettled   Effect = iota // the budget was spent
	FailsThere                // every execution that keeps them fails in the same way
	PassesThere               // some execution keeps them and does not
	NeverKept                 // no execution keeps them: the variant excludes the race
)

// In returns what keeping the orders comes to in p, another variant of the program that
// was explained, and takes at most so many executions. Steps are found by what they do:
// one that p does not have is never taken, and breaks no order.
func (ex *Explanation) In(ctx context.Context, p schedule.Program, executions int) Effect {
	r := schedule.NewRunner(p)
	defer r.Close()
	r.Mute = ex.mute
	k := &keeper{
		ctx: ctx, r: r, setup: ex.Setup, want: ex.want, budget: &executions, same: map[sight]bool{},
	}
	var orders []Order
	for _, reason := range ex.Because {
		orders = append(orders, reason.Order)
	}
	v, _ := k.ask(orders)
	return [...]Effect{open: Unsettled, fails: FailsThere, passes: PassesThere, excluded: NeverKept}[v]
}

// newKeeper returns a keeper for what the tape shows, and the places of its steps.
func newKeeper(p schedule.Program, tape schedule.Tape, mute schedule.Kinds) (*keeper, []Place, error) {
	r := schedule.NewRunner(p)
	r.Mute = mute
	var reader schedule.TapeReader
	reader.Reset(tape)
	rec := recorder{from: &reader}
	r.Run(&rec)
	tr, err := r.Replay(slices.Clone(r.Taken()))
	if err == nil && tr.Result.Outcome != schedule.Fail {
		err = fmt.Errorf("%s: tape %s does not fail", p.Name, TapeText(tape))
	}
	if err != nil {
		r.Close()
		return nil, nil, err
	}
	k := &keeper{
		r: r, setup: setupOf(rec.log), choices: choicesOf(rec.log), want: Of(tr), same: map[sight]bool{},
	}
	return k, places(r, tr), nil
}

// An explainer is an Explain under way.
type explainer struct {
	*keeper
	steps   []Place
	because []Reason
	gap     schedule.Tape
}

func (x *explainer) explain() bool {
	all := switches(x.steps, len(x.r.Exec().Threads()))
	v, tape := x.ask(all)
	if v != fails || len(all) > maxOrders {
		x.gap = tape
		return false
	}
	orders := x.fewest(all)
	if orders == nil {
		return false
	}
	for i := range orders {
		x.weaken(orders, i)
	}
	return x.conclude(orders)
}

// maxOrders is how many orders fit a set.
const maxOrders = 64

// fewest returns a smallest part of all that will do; nil if the budget was spent.
func (x *explainer) fewest(all []Order) []Order {
	var broken []uint64 // by each execution met that keeps too few orders
	for {
		set := hit(broken)
		v, tape := x.ask(pick(all, set))
		switch v {
		case fails:
			return pick(all, set)
		case passes:
			broken = append(broken, x.breaks(all, tape))
		default:
			return nil
		}
	}
}

// pick returns the orders in set.
func pick(all []Order, set uint64) []Order {
	out := []Order{}
	for ; set != 0; set &= set - 1 {
		out = append(out, all[bits.TrailingZeros64(set)])
	}
	return out
}

// hit returns a smallest set that has an element of each of sets.
func hit(sets []uint64) uint64 {
	for size := 0; ; size++ {
		if h, ok := hitWith(sets, 0, size); ok {
			return h
		}
	}
}

// hitWith adds at most so many elements to h until it has one of each of sets.
func hitWith(sets []uint64, h uint64, size int) (uint64, bool) {
	for _, s := range sets {
		if s&h != 0 {
			continue
		}
		for ; s != 0 && size > 0; s &= s - 1 {
			if out, ok := hitWith(sets, h|s&-s, size-1); ok {
				return out, true
			}
		}
		return 0, false
	}
	return h, true
}

// weaken moves the first step of orders[i] to the earliest, and then the second to the
// latest that will do.
func (x *explainer) weaken(orders []Order, i int) {
	o := &orders[i]
	for _, p := range x.steps {
		if p.Thread == o.Before.Thread && p.Step < o.Before.Step && x.try(&o.Before, p, orders) {
			break
		}
	}
	for at := len(x.steps) - 1; at >= 0; at-- {
		p := x.steps[at]
		if p.Thread == o.After.Thread && p.Step > o.After.Step && x.try(&o.After, p, orders) {
			break
		}
	}
}

// try has p instead of what at points to, if that will do.
func (x *explainer) try(at *Place, p Place, orders []Order) bool {
	old := *at
	*at = p
	if v, _ := x.ask(orders); v == fails {
		return true
	}
	*at = old
	return false
}

// conclude shows that each order is needed, and asks for all of them once more.
func (x *explainer) conclude(orders []Order) bool {
	for i, o := range orders {
		v, tape := x.ask(slices.Concat(orders[:i], orders[i+1:]))
		if v != passes {
			return false
		}
		x.because = append(x.because, Reason{o, tape})
	}
	x.states = 0
	v, _ := x.ask(orders)
	return v == fails
}

// String returns the explanation in a few lines, or why there is none.
func (ex *Explanation) String() string {
	switch {
	case !ex.Found && ex.Gap != nil:
		return "why: not by orders of these steps alone: with steps of another thread, or another\n" +
			"  choice, all of them can be kept without failing so: tape " + TapeText(ex.Gap)
	case !ex.Found:
		return "why: not found in " + count(ex.Executions, "execution")
	case len(ex.Because) == 0 && ex.States == 0:
		return "why: these calls have one execution, and it fails so"
	case len(ex.Because) == 0:
		return "why: every execution of these calls fails so, all explored: " + count(ex.States, "state")
	}
	var b strings.Builder
	b.WriteString("why: every execution fails so in which\n")
	for i, r := range ex.Because {
		fmt.Fprintf(&b, "  %d. %v\n     comes before %v\n", i+1, &r.Before, &r.After)
	}
	fmt.Fprintf(&b, "  all explored: %s; fewer orders would not do", count(ex.States, "state"))
	for i, r := range ex.Because {
		fmt.Fprintf(&b, "\n  without %d it need not fail: tape %s", i+1, TapeText(r.Without))
	}
	return b.String()
}

// Elsewhere lists other variants of the program by what the orders come to in them.
type Elsewhere struct {
	Fails     []string `json:"fails,omitempty"`
	Passes    []string `json:"passes,omitempty"`
	Never     []string `json:"never_kept,omitempty"`
	Unsettled []string `json:"unsettled,omitempty"`
}

// Add puts variant where e says.
func (el *Elsewhere) Add(variant string, e Effect) {
	list := [...]*[]string{&el.Unsettled, &el.Fails, &el.Passes, &el.Never}[e]
	*list = append(*list, variant)
}

// An effectLine is the variants of one effect, and what it is.
type effectLine struct {
	what     string
	variants []string
}

// Line returns it as a line.
func (l effectLine) Line() string { return l.what + " " + strings.Join(l.variants, ", ") }

// elsewhere returns what the orders come to in other variants, for each effect that any has.
// Where there are no orders, it is about all executions of these calls.
func (r *Report) elsewhere() []effectLine {
	ex, el := r.Explanation, &r.Elsewhere
	if ex == nil || !ex.Found {
		return nil
	}
	all := []effectLine{
		{"the same orders always fail in", el.Fails},
		{"they can be kept without failing so in", el.Passes},
		{"they cannot be kept in", el.Never},
		{"it is open what they do in", el.Unsettled},
	}
	if len(ex.Because) == 0 {
		all = []effectLine{
			{"every execution fails so too in", el.Fails},
			{"not every execution fails so in", el.Passes},
			{"there is no such execution in", el.Never},
			{"it is open what they do in", el.Unsettled},
		}
	}
	return slices.DeleteFunc(all, func(l effectLine) bool { return len(l.variants) == 0 })
}
