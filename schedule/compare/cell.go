package compare

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// A Cell is one entry of the table: what a strategy came to on a program, over seeds.
type Cell struct {
	Program  string
	Strategy string
	Revision int // of the strategy, from 1 on, if the cell was kept: which code of it this is of
	Limits
	Runs  []Run         // seed after seed
	Steps int           // of all executions
	Time  time.Duration // of all executions
}

// MaxCount is the largest number that a table may have, of executions, steps or milliseconds. The
// longest cell, of a program of 100 steps, takes a tenth of that.
const MaxCount = 1 << 40

// Limits are how much a cell is measured. They count what the strategy does, so that the cell
// is the same on every machine.
type Limits struct {
	Seeds  int
	Cap    int // executions after which a seed gives up
	Budget int // steps after which the cell ends, with the seed under way; 0: there is no such end
}

// A Run is what a seed came to. One that has not failed is censored: it is known to take more
// executions than these.
type Run struct {
	Executions int
	Failed     bool // in the last of them
}

// A Maker makes a sampler that has seen nothing yet.
type Maker func(seed uint64) sample.Sampler

// Measure gives a strategy the seeds from 0 on, one after the other, on r's program, until all
// had their turn or the budget is spent. With that the seed under way gives up after the
// execution that it is at, and the cell has fewer runs than seeds unless it was the last.
// Measure ends early, with false, if ctx is done.
func Measure(
	ctx context.Context, r *schedule.Runner, name string, make Maker, limits Limits,
) (Cell, bool) {
	c := Cell{Program: r.Program().Name, Strategy: name, Limits: limits}
	for seed := 0; seed < c.Seeds && !c.spent(); seed++ {
		start := time.Now()
		s := make(uint64(seed))
		var run Run
		for !run.Failed && run.Executions < c.Cap && !c.spent() {
			if run.Executions%256 == 0 && ctx.Err() != nil {
				return c, false
			}
			res := sample.Once(r, s)
			run.Executions++
			c.Steps += res.Steps
			run.Failed = res.Outcome == schedule.Fail
		}
		c.Time += time.Since(start)
		c.Runs = append(c.Runs, run)
	}
	return c, true
}

// spent reports whether the budget is.
func (c Cell) spent() bool { return c.Budget > 0 && c.Steps >= c.Budget }

// Enough reports whether c is good for a budget of so many steps, 0 being no end: it was measured
// with as many, or came to its last seed before it had taken those that it had.
func (c Cell) Enough(budget int) bool {
	return !c.spent() || budget > 0 && c.Budget >= budget
}

// Fits reports whether c took no more than a budget of so many steps, 0 being no end: with
// that it could be measured anew and no less be known than now.
func (c Cell) Fits(budget int) bool {
	return budget == 0 || budget >= c.Steps || c.spent() && budget >= c.Budget
}

// Found returns how many seeds came to a failure.
func (c Cell) Found() int { return len(c.found()) }

// Always reports whether all seeds had their turn and came to a failure.
func (c Cell) Always() bool { return c.Found() == c.Seeds }

// found returns the executions of the seeds that came to a failure, in ascending order.
func (c Cell) found() (out []int) {
	for _, r := range c.Runs {
		if r.Failed {
			out = append(out, r.Executions)
		}
	}
	slices.Sort(out)
	return out
}

// Executions returns how many executions there were, of all seeds.
func (c Cell) Executions() int {
	sum := 0
	for _, r := range c.Runs {
		sum += r.Executions
	}
	return sum
}

// Rate returns executions a second.
func (c Cell) Rate() float64 { return float64(c.Executions()) / max(c.Time.Seconds(), 1e-9) }

// Mean returns the mean number of executions to the first failure: all executions, divided
// by the failures. Where seeds gave up, wherever that was, it is the estimate for numbers that
// are distributed geometrically, as they are for everybody who does not learn. It is infinite
// if all did.
func (c Cell) Mean() float64 { return float64(c.Executions()) / float64(c.Found()) }

// AtLeast returns the mean, or all executions if all seeds gave up, and whether they did.
func (c Cell) AtLeast() (mean float64, never bool) {
	return float64(c.Executions()) / float64(max(1, c.Found())), c.Found() == 0
}

// Median returns the median by the estimate of Kaplan and Meier ("Nonparametric estimation
// from incomplete observations", JASA 1958): a seed that gave up counts for as long as it ran.
// It is the usual median where none did, and infinite where too many did to know it. If exactly
// half are left after some number, it is in the middle between that and the next.
func (c Cell) Median() float64 {
	const rounding = 1e-9 // of the product
	left, half := 1.0, 0
	for _, t := range slices.Compact(c.found()) {
		if half > 0 {
			return float64(half+t) / 2
		}
		left *= 1 - c.failing(t)/c.atRisk(t)
		switch {
		case left < 0.5-rounding:
			return float64(t)
		case left < 0.5+rounding:
			half = t
		}
	}
	return math.Inf(1)
}

// atRisk returns how many seeds have not failed before execution t, and run it.
func (c Cell) atRisk(t int) (n float64) {
	for _, r := range c.Runs {
		if r.Executions >= t {
			n++
		}
	}
	return n
}

// failing returns how many seeds fail at execution t.
func (c Cell) failing(t int) (n float64) {
	for _, r := range c.Runs {
		if r.Failed && r.Executions == t {
			n++
		}
	}
	return n
}

// SD returns the standard deviation over the seeds that came to a failure.
func (c Cell) SD() float64 {
	found := c.found()
	n, sum, squares := float64(len(found)), 0.0, 0.0
	for _, v := range found {
		sum += float64(v)
	}
	for _, v := range found {
		squares += (float64(v) - sum/n) * (float64(v) - sum/n)
	}
	return math.Sqrt(squares / max(1, n-1))
}
