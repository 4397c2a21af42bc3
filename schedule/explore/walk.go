package explore

import (
	"context"
	"iter"
	"math/rand/v2"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Sample runs one execution of p after the other with the decisions of c, until
// ctx is done or the caller has had enough. The tape is canonical; it and what
// the result points to are valid until the next execution. Once warm, an
// execution allocates nothing.
//
// Options.Bound and MaxNodes are ignored: how far c strays is its own affair.
func Sample(
	ctx context.Context, p schedule.Program, c schedule.Chooser, opt Options,
) iter.Seq2[schedule.Tape, schedule.Result] {
	return func(yield func(schedule.Tape, schedule.Result) bool) {
		r := opt.runner(p)
		defer r.Close()
		for ctx.Err() == nil {
			res := r.Run(c)
			if !yield(r.Taken(), res) {
				return
			}
		}
	}
}

// A Walk is the random walk: it takes every decision uniformly at random. (The
// random walk of the literature decides at every step; where one thread is
// enabled there is nothing to decide.) It is the baseline of all samplers:
// strong where many schedules fail, hopeless where a thread must be held back
// for long.
//
// The same seed decides the same, for ever: math/rand/v2 promises the PCG
// generator's sequence. A single execution needs no seed, its tape repeats it.
type Walk struct{ pcg rand.PCG }

// NewWalk returns a walk with the given seed.
func NewWalk(seed uint64) *Walk {
	w := new(Walk)
	w.Seed(seed)
	return w
}

// Seed starts w anew.
func (w *Walk) Seed(seed uint64) { w.pcg.Seed(seed, 0) }

// Choose implements [schedule.Chooser].
func (w *Walk) Choose(_ *schedule.Exec, n int) int { return w.below(n) }

// below returns a random number below n, at most 2^32.
func (w *Walk) below(n int) int {
	// 32 random bits are mapped to n ranges of equal size, the rest is
	// rejected (Lemire, ACM TOMACS 2019). It is done here since the standard
	// library's way from a source to a small number may change.
	m := uint32(n)
	for {
		product := uint64(uint32(w.pcg.Uint64()>>32)) * uint64(m)
		if low := uint32(product); low >= m || low >= -m%m {
			return int(product >> 32)
		}
	}
}
