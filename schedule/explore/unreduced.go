package explore

import (
	"context"
	"iter"
	"math/big"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Executions enumerates the executions of p with at most Options.Bound
// preemptions, each exactly once, in the order of their tapes: the next differs
// from the last as far to the right as possible. It is the plain thing, without
// any reduction, and ends early if ctx is done. The tape is canonical; it
// and what the result points to are valid until the next execution.
//
// To enumerate is to count: the tape is an odometer each digit of which has
// as many values as its decision had alternatives. (Exhaustigen of TigerBeetle
// is this idea.)
func Executions(
	ctx context.Context, p schedule.Program, opt Options,
) iter.Seq2[schedule.Tape, schedule.Result] {
	return func(yield func(schedule.Tape, schedule.Result) bool) {
		r := opt.runner(p)
		defer r.Close()
		o := odometer{bound: opt.Bound}
		o.run(ctx, r, yield)
	}
}

// Unreduced answers the same questions as [Exhaust] by running every execution
// of [Executions], for programs that are small enough. Its report has no nodes
// and edges. If ctx is done before the end, the report covers nothing: the
// enumeration does not go bound by bound.
func Unreduced(ctx context.Context, p schedule.Program, opt Options) Report {
	r := opt.runner(p)
	defer r.Close()
	o := odometer{bound: opt.Bound}
	rep := Report{Program: p.Name, Bound: opt.Bound, Stop: Exhausted}
	endings := make(map[Category]*Ending)
	o.run(ctx, r, func(s schedule.Tape, res schedule.Result) bool {
		rep.Runs++
		rep.Steps += uint64(res.Steps)
		increment(&rep.Executions, res.Preemptions)
		c := CategoryOf(res)
		w := WitnessOf(s, res)
		end := endings[c]
		if end == nil {
			end = &Ending{Category: c}
			endings[c] = end
		}
		increment(&end.Executions, res.Preemptions)
		if end.Witness.Tape == nil || w.Compare(end.Witness) < 0 {
			w.Tape = append(schedule.Tape{}, s...)
			end.Witness = w
		}
		return true
	})
	switch {
	case ctx.Err() != nil:
		rep.Stop, rep.Bound = Cancelled, -1
	case o.cut:
		rep.Stop = AtBound
	default:
		rep.Bound = len(rep.Executions) - 1
		rep.All = big.NewInt(int64(rep.Runs))
	}
	for _, end := range endings { // in any order: they are sorted below
		for len(end.Executions) < len(rep.Executions) {
			end.Executions = append(end.Executions, 0)
		}
		end.Witness.Minimal = rep.Stop != Cancelled
		if rep.All != nil {
			end.All = sum(end.Executions)
		}
		rep.Endings = append(rep.Endings, *end)
	}
	slices.SortFunc(rep.Endings, func(a, b Ending) int { return a.Compare(b.Category) })
	return rep
}

// increment adds one to counts[i] and makes room for it.
func increment(counts *[]uint64, i int) {
	for len(*counts) <= i {
		*counts = append(*counts, 0)
	}
	(*counts)[i]++
}

func sum(counts []uint64) *big.Int {
	all := new(big.Int)
	for _, n := range counts {
		all.Add(all, new(big.Int).SetUint64(n))
	}
	return all
}

// An odometer is the chooser that enumerates: one digit for each decision of the
// last execution.
type odometer struct {
	bound  int
	digits []uint8
	tops   []uint8 // the largest value of each digit
	pos    int
	cut    bool // a preemption was left out because of the bound
}

// run runs all executions on r until yield says no.
func (o *odometer) run(
	ctx context.Context, r *schedule.Runner, yield func(schedule.Tape, schedule.Result) bool,
) {
	for more := true; more && ctx.Err() == nil; more = o.advance() {
		o.pos = 0
		res := r.Run(o)
		if !yield(r.Taken(), res) {
			return
		}
	}
}

// Choose implements [schedule.Chooser]: the digits, and 0 beyond them. How many
// preemptions there were before a digit depends on the digits to its left, which
// do not change while it turns: its top is valid as long as it is there.
func (o *odometer) Choose(e *schedule.Exec, n int) int {
	if o.pos == len(o.digits) {
		top := uint8(n - 1)
		if e.Running() != nil && e.Preemptions() >= o.bound {
			top, o.cut = 0, true
		}
		o.digits, o.tops = append(o.digits, 0), append(o.tops, top)
	}
	d := o.digits[o.pos]
	o.pos++
	return int(d)
}

// advance turns the odometer by one. What follows the digit that was turned
// is not known yet. It reports false after the last execution.
func (o *odometer) advance() bool {
	i := len(o.digits) - 1
	for i >= 0 && o.digits[i] == o.tops[i] {
		i--
	}
	if i < 0 {
		return false
	}
	o.digits[i]++
	o.digits, o.tops = o.digits[:i+1], o.tops[:i+1]
	return true
}
