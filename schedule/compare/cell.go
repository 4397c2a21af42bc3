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
	Cap      int           // executions after which a seed gives up
	Runs     []int         // executions to the first failure, seed after seed; 0: it gave up
	Steps    int           // of all executions
	Time     time.Duration // of all executions
}

// A Maker makes a sampler that has seen nothing yet.
type Maker func(seed uint64) sample.Sampler

// Measure gives a strategy the seeds 0 to seeds-1 on r's program. It ends early, with
// false, if ctx is done.
func Measure(
	ctx context.Context, r *schedule.Runner, name string, make Maker, seeds, limit int,
) (Cell, bool) {
	c := Cell{Program: r.Program().Name, Strategy: name, Cap: limit}
	for seed := range uint64(seeds) {
		start := time.Now()
		s := make(seed)
		n, found := 0, false
		for n < limit && !found {
			if n%256 == 0 && ctx.Err() != nil {
				return c, false
			}
			res := sample.Once(r, s)
			n++
			c.Steps += res.Steps
			found = res.Outcome == schedule.Fail
		}
		c.Time += time.Since(start)
		if !found {
			n = 0
		}
		c.Runs = append(c.Runs, n)
	}
	return c, true
}

// Found returns how many seeds came to a failure.
func (c Cell) Found() int { return len(c.found()) }

// found returns the executions of the seeds that came to a failure, in ascending order.
func (c Cell) found() []int {
	out := slices.DeleteFunc(slices.Clone(c.Runs), func(n int) bool { return n == 0 })
	slices.Sort(out)
	return out
}

// Executions returns how many executions there were, of all seeds.
func (c Cell) Executions() int {
	sum := 0
	for _, n := range c.Runs {
		if n == 0 {
			n = c.Cap
		}
		sum += n
	}
	return sum
}

// Rate returns executions a second.
func (c Cell) Rate() float64 { return float64(c.Executions()) / max(c.Time.Seconds(), 1e-9) }

// Mean returns the mean number of executions to the first failure: all executions, divided
// by the failures. Where seeds gave up that is the estimate for numbers that are distributed
// geometrically, as they are for everybody who does not learn. It is infinite if all did.
func (c Cell) Mean() float64 { return float64(c.Executions()) / float64(c.Found()) }

// AtLeast returns the mean, or all executions if all seeds gave up, and whether they did.
func (c Cell) AtLeast() (mean float64, never bool) {
	return float64(c.Executions()) / float64(max(1, c.Found())), c.Found() == 0
}

// Median returns the median, infinite if most seeds gave up.
func (c Cell) Median() float64 {
	at := func(i int) float64 {
		if f := c.found(); i < len(f) {
			return float64(f[i])
		}
		return math.Inf(1)
	}
	n := len(c.Runs)
	return (at(n/2) + at((n-1)/2)) / 2
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
