package sample

import "github.com/kschedfuzz/kschedfuzz/schedule"

// A Walk decides uniformly at random: the baseline of all samplers.
type Walk struct{ chance }

// NewWalk returns a walk.
func NewWalk(seed uint64) *Walk { return &Walk{newChance(seed)} }

// Begin implements [Sampler].
func (w *Walk) Begin() {}

// Step implements [Sampler].
func (w *Walk) Step(*schedule.Thread) bool { return true }

// End implements [Sampler].
func (w *Walk) End(*schedule.Exec, schedule.Result) {}

// Choose implements [schedule.Chooser].
func (w *Walk) Choose(_ *schedule.Exec, n int) int { return w.below(n) }
