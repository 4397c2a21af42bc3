package triage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// DefaultExplaining is the most executions that [Explain] takes, if it is not told
// otherwise.
const DefaultExplaining = 1_000_000

// An Explanation is why an execution fails: causes, which are orders of two steps each and where
// that matters choices, such that every execution of the program that keeps them all fails in the
// same way. No fewer do that.
type Explanation struct {
	Because []Reason
	Old     []OldLoad // the old values that matter, in the order of their steps
	// Setup is the workload's choices before the first step. Every execution means every
	// one with these.
	Setup schedule.Tape
	// Found says that all of this is established. If not, the budget was spent, or none
	// will do since what decides is a choice that no step tells; Because is empty then.
	Found bool
	// Gap is an execution that keeps every cause that the one that was to be explained has, and
	// does not fail so. Nil if there is none, and if the budget was spent.
	Gap        schedule.Tape
	States     int // in the final search over all executions that keep the causes
	Executions int // that all of this took

	want Signature
	mute schedule.Kinds
}

// A Reason is a cause, and an execution that keeps all others and breaks this one, and
// does not fail so: why it cannot be left out.
type Reason struct {
	Cause
	Meaning string // of a choice; may be empty
	Without schedule.Tape
}

// An OldLoad is a load of the execution that has returned what was in memory before, and that
// matters to the failure: the order that it is of is among the reasons, or no execution fails so
// without.
type OldLoad struct {
	Load   Place  `json:"load"`
	Value  string `json:"value"`
	Memory string `json:"memory"` // what was there then
	Store  Place  `json:"store"`  // the step that has written over the value
	// Made is the step that has made that store, if Store is where it drains from a store buffer.
	Made   *Place `json:"made,omitempty"`
	Passed Place  `json:"passed"` // a load before it in the thread, which has seen something newer
	// Barrier says that no execution fails so if there is an smp_rmb() before the load in the code,
	// whoever runs that: of so many states, which are all. 0: that is not so, or it is not known.
	Barrier int `json:"barrier,omitempty"`
	// Calls says that this is of a workload: of the executions with the same calls.
	Calls bool `json:"calls,omitempty"`
}

// Explain finds out why the execution of p that the tape gives fails. It takes at most so
// many executions, 0 means [DefaultExplaining], and is a function of its arguments.
//
// It begins with the orders that no other execution keeps, one for each switch of
// threads; see switches. No other, but where an agent does in another what it does not in this
// one: that all steps come before that are orders too, see extend; and but by a choice, so these
// go with them, see choices. Of all these causes it finds the fewest that will do, in the manner of
// an implicit hitting set (Ignatiev, Previti, Liffiton and Marques-Silva, "Smallest MUS extraction
// with minimal hitting set dualization", CP 2015): a set that will not do has an execution to show
// for it, and every set that will do has a cause which that execution breaks. So the fewest that
// have one for each execution met so far are tried next, and the first that will do are the fewest
// of all, since whatever order of two steps of this execution is, one for a switch implies it.
// Whether some will do is decided by looking at all executions that keep them, see keeper.
//
// Then each order is weakened, unless it is of what a load has read: its first step to the earliest
// of that thread that will do, its second to the latest. So the steps that are named at last are
// those that race. If these will do without one of them, all of it is done again, with them among
// the orders.
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
	x := &explainer{keeper: k, steps: steps, tape: slices.Clone(k.r.Taken())}
	ex := &Explanation{Setup: k.setup, want: k.want, mute: mute}
	if x.explain() {
		ex.Found, ex.States, ex.Because = true, x.states, x.because
		slices.SortStableFunc(ex.Because, func(a, b Reason) int {
			return cmp.Compare(min(a.Of, 1), min(b.Of, 1)) // choices last
		})
		if err := x.tell(ex); err != nil {
			return nil, err
		}
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
	Unsettled     Effect = iota // the budget was spent
	FailsThere                  // every execution that keeps them fails in the same way
	PassesThere                 // some execution keeps them and does not, and some does
	HarmlessThere               // some execution keeps them, and none fails so
	NeverKept                   // no execution keeps them: the variant excludes the race
)

// In returns what keeping the causes comes to in p, another variant of the program that
// was explained, and takes at most so many executions. Steps are found by what they do:
// one that p does not have is never taken, and breaks no order. Where no load passes another, what
// a load has read is what is in memory.
func (ex *Explanation) In(ctx context.Context, p schedule.Program, executions int) Effect {
	r := schedule.NewRunner(p)
	defer r.Close()
	r.Mute = ex.mute
	k := &keeper{
		ctx: ctx, r: r, setup: ex.Setup, want: ex.want, budget: &executions,
	}
	var causes []Cause
	for _, reason := range ex.Because {
		causes = append(causes, reason.Cause)
	}
	switch v, _ := k.ask(causes); v {
	case fails:
		return FailsThere
	case passes:
		return k.passing(causes)
	case excluded:
		return NeverKept
	}
	return Unsettled
}

// passing is what it is if some execution keeps the causes and does not fail so.
func (k *keeper) passing(causes []Cause) Effect {
	k.prepare(causes)
	failing := false
	complete := k.explore(func(wanted bool) bool {
		failing = failing || wanted
		return !wanted
	})
	switch {
	case failing:
		return PassesThere
	case complete:
		return HarmlessThere
	}
	return Unsettled
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
		r: r, setup: setupOf(rec.log), choices: choicesOf(rec.log), want: Of(tr),
	}
	return k, places(r, tr), nil
}

// An explainer is an Explain under way.
type explainer struct {
	*keeper
	steps   []Place
	tape    schedule.Tape
	because []Reason
	gap     schedule.Tape
}

func (x *explainer) explain() bool {
	all, ok := x.enough()
	for ok && len(all) <= maxCauses {
		orders := x.fewest(all)
		if orders == nil {
			return false
		}
		for i := range orders {
			x.weaken(orders, i)
		}
		needed, v := x.conclude(orders)
		if needed || v == open {
			return v == fails
		}
		all = append(all, orders...) // of which fewer will do
	}
	return false
}

// enough returns causes that will do, all that there are, if any do.
func (x *explainer) enough() ([]Cause, bool) {
	for {
		all := append(switches(x.steps), choices(x.r, x.tape, x.steps)...)
		v, tape := x.ask(all)
		if v != passes || len(all) > maxCauses {
			return all, v == fails
		}
		if !x.extend(tape) {
			x.gap = tape
			return nil, false
		}
	}
}

// extend looks at an execution that keeps all orders for the step at which it leaves the explained
// one. If an agent takes it, it is one more step to order: the explained one has not come to it at
// its end. A task would have taken it there too, had it not been for a choice.
func (x *explainer) extend(tape schedule.Tape) bool {
	tr, err := x.r.Replay(tape)
	if err != nil {
		return false
	}
	ours := map[Place]bool{}
	for _, p := range x.steps {
		ours[p.step()] = true
	}
	for _, p := range places(x.r, tr) {
		if ours[p.step()] {
			continue
		}
		if p.Next || !p.Agent {
			return false
		}
		p.Step, p.Next, p.Absent = len(x.steps)+1, true, true
		x.steps = append(x.steps, p)
		return true
	}
	return false
}

// maxCauses is how many there may be: they are the elements of a [schedule.Set].
const maxCauses = schedule.MaxThreads

// fewest returns a smallest part of all that will do; nil if the budget was spent.
func (x *explainer) fewest(all []Cause) []Cause {
	var broken []schedule.Set // by each execution met that keeps too few orders
	for {
		set := hit(broken)
		v, tape := x.ask(pick(all, set))
		switch v {
		case fails:
			return pick(all, set)
		case passes:
			broken = append(broken, x.brokenBy(all, tape))
		default:
			return nil
		}
	}
}

// pick returns the orders in set.
func pick(all []Cause, set schedule.Set) []Cause {
	out := []Cause{}
	for ; !set.Empty(); set = set.Rest() {
		out = append(out, all[set.First()])
	}
	return out
}

// hit returns a smallest set that has an element of each of sets.
func hit(sets []schedule.Set) schedule.Set {
	for size := 0; ; size++ {
		if h, ok := hitWith(sets, schedule.Set{}, size); ok {
			return h
		}
	}
}

// hitWith adds at most so many elements to h until it has one of each of sets.
func hitWith(sets []schedule.Set, h schedule.Set, size int) (schedule.Set, bool) {
	for _, s := range sets {
		if s.Intersects(h) {
			continue
		}
		for ; !s.Empty() && size > 0; s = s.Rest() {
			if out, ok := hitWith(sets, h.With(s.First()), size-1); ok {
				return out, true
			}
		}
		return h, false
	}
	return h, true
}

// weaken moves the first step of orders[i] to the earliest, and then the second to the
// latest that will do.
func (x *explainer) weaken(orders []Cause, i int) {
	o := &orders[i]
	if o.Of > 0 || o.Reads != AsTaken {
		return
	}
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
func (x *explainer) try(at *Place, p Place, orders []Cause) bool {
	old := *at
	*at = p
	if !crossed(orders) {
		if v, _ := x.ask(orders); v == fails {
			return true
		}
	}
	*at = old
	return false
}

// crossed reports whether one order has two steps that another has the other way round, since the
// load among them passes the other step. What it is that it passes says more.
func crossed(orders []Cause) bool {
	for i := range orders {
		for j := range orders {
			o, p := &orders[i], &orders[j]
			if p.Reads == ReadsOld && o.Reads == AsTaken && o.Before == p.After && o.After == p.Before {
				return true
			}
		}
	}
	return false
}

// conclude shows that each order is needed, and asks for all of them once more. That one is not
// needed happens, since the step that an order was weakened to is not in all executions.
func (x *explainer) conclude(orders []Cause) (needed bool, v verdict) {
	x.because = nil
	for i, o := range orders {
		v, tape := x.ask(slices.Concat(orders[:i], orders[i+1:]))
		if v != passes {
			return false, v
		}
		x.because = append(x.because, Reason{Cause: o, Without: tape})
	}
	x.states = 0
	v, _ = x.ask(orders)
	return true, v
}

// among says which executions of a workload are meant.
func (ex *Explanation) among() string {
	if len(ex.Setup) == 0 {
		return ""
	}
	return " of these calls"
}

// String returns the explanation in a few lines, or why there is none.
func (ex *Explanation) String() string {
	switch {
	case !ex.Found && ex.Gap != nil:
		return "why: the order of these steps is not enough; a choice makes it go otherwise:\n" +
			"  tape " + TapeText(ex.Gap)
	case !ex.Found:
		return "why: not found in " + count(ex.Executions, "execution")
	case len(ex.Because) == 0 && ex.States == 0:
		return "why: these calls have one execution, and it fails so"
	case len(ex.Because) == 0:
		return "why: every execution of these calls fails so, all explored: " + count(ex.States, "state")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "why: every execution%s fails so in which\n", ex.among())
	for i, r := range ex.Because {
		text, of := r.says()
		if of != nil {
			text += " " + of.String()
		}
		fmt.Fprintf(&b, "  %d. %v\n     %s\n", i+1, &r.Before, text)
	}
	fmt.Fprintf(&b, "  all explored: %s; %s", count(ex.States, "state"), ex.Fewest())
	for i, r := range ex.Because {
		fmt.Fprintf(&b, "\n  without %d it need not fail: tape %s", i+1, TapeText(r.Without))
	}
	return b.String()
}

// Elsewhere lists other variants of the program by what the orders come to in them.
type Elsewhere struct {
	Fails     []string `json:"fails,omitempty"`
	Passes    []string `json:"passes,omitempty"`
	Harmless  []string `json:"harmless,omitempty"` // those of Passes in which none fails so
	Never     []string `json:"never_kept,omitempty"`
	Unsettled []string `json:"unsettled,omitempty"`
}

// Add puts variant where e says.
func (el *Elsewhere) Add(variant string, e Effect) {
	list := [...]*[]string{&el.Unsettled, &el.Fails, &el.Passes, &el.Harmless, &el.Never}[e]
	*list = append(*list, variant)
	if e == HarmlessThere {
		el.Passes = append(el.Passes, variant)
	}
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
		{"the same " + ex.causes() + " always fail in", el.Fails},
		{"they can be kept without failing so in", el.Passes},
		{"they cannot be kept in", el.Never},
		{"it is open what they do in", el.Unsettled},
	}
	never := "they never fail"
	if len(ex.Because) == 0 {
		never = "none fails"
		all = []effectLine{
			{"every execution fails so too in", el.Fails},
			{"not every execution fails so in", el.Passes},
			{"there is no such execution in", el.Never},
			{"it is open what they do in", el.Unsettled},
		}
	}
	if v, alike := r.ended(); v != nil {
		if alike {
			never += " so, nor others by " + r.Signature.Kind.String() + ","
		} else {
			never += " so"
		}
		all = append(all, effectLine{
			"the first later code in which " + never + " is", []string{v.String()},
		})
	}
	return slices.DeleteFunc(all, func(l effectLine) bool { return len(l.variants) == 0 })
}
