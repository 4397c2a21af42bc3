package rcu

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Store buffers. While a grace period is under way every CPU goes through a quiescent state, which
// is a full barrier: see "Memory-Barrier Guarantees" in Documentation/RCU/Design/Requirements. Here
// that comes as late as it may: when the grace period ends or, on a CPU that is in a section
// then, when that began. What is in a section when the grace period begins is waited for, so
// its CPU has one behind it. On a machine that may come sooner, and what is stored after it wait on
// when the grace period has ended. Here nothing does, so this allows less.

// enters is called when t begins an outermost section of the flavour, or, merged, one within one
// of the other sort, which does no more. It is not called where no stores wait.
func (s *state) enters(t *schedule.Thread, f flavour) {
	if s.flavours == Merged && s.nest[t.ID] > 0 && preempt.Atomic(t) {
		return
	}
	if s.underWay(t, f) || s.flavours == Merged && s.underWay(t, 1-f) {
		t.DrainStores()
	}
}

// schedEnters is called when t begins its outermost section with preemption off.
func schedEnters(t *schedule.Thread) { facility.Of(t.Exec()).enters(t, sched) }

// underWay reports whether a grace period of the flavour may be.
func (s *state) underWay(t *schedule.Thread, f flavour) bool {
	s.queues[f].Look(t)
	s.periods.Reads(t, 0)
	return s.queues[f].Len() > 0 || f == preemptible && s.synchronizing > 0
}

// synchronizes counts who is in Synchronize.
func (s *state) synchronizes(t *schedule.Thread, n int) {
	if t.Exec().BuffersStores() {
		s.periods.Writes(t, 0)
		s.synchronizing += n
	}
}
