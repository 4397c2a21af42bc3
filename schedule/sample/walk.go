package sample

import "github.com/kschedfuzz/kschedfuzz/schedule"

// A Walk decides uniformly at random: the baseline of all samplers.
type Walk struct {
	chance
	blind
}

// NewWalk returns a walk.
func NewWalk(seed uint64) *Walk { return &Walk{chance: newChance(seed)} }

// Begin implements [Sampler].
func (w *Walk) Begin() {}

// End implements [Sampler].
func (w *Walk) End(*schedule.Exec, schedule.Result) {}

// Choose implements [schedule.Chooser].
func (w *Walk) Choose(_ *schedule.Exec, n int) int { return w.below(n) }
