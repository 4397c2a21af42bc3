package rcu

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/fifo"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Barrier is rcu_barrier(): it waits until the callbacks that [Call] has queued, on all CPUs,
// have returned. It is no grace period: if there are none it returns at once, whoever
// reads. A callback that is queued meanwhile, by itself even, it does not wait for. Unless the
// flavours are [Split], it waits for those of [CallSched] too.
//
// A model that makes kfree_rcu() a [Call] has it wait for that too. The kernel's does not since
// a35d16905efc (5.6), which batches kfree_rcu().
func Barrier(t *schedule.Thread) { barrier(t, "rcu_barrier", "rcu_barrier ends", preemptible) }

// BarrierSched is rcu_barrier_sched(), for the callbacks of [CallSched].
func BarrierSched(t *schedule.Thread) {
	barrier(t, "rcu_barrier_sched", "rcu_barrier_sched ends", sched)
}

func barrier(t *schedule.Thread, verb, ends string, f flavour) {
	s := booted(t, verb)
	mark := fifo.Mark(t, verb)
	preempt.MightSleep(t, verb)
	t.Step(schedule.Op{Verb: verb, Mode: schedule.Barrier})
	for g := range s.queues {
		if f == flavour(g) || s.flavours != Split {
			s.mark(t, flavour(g), mark)
		}
	}
	preempt.ContextSwitch(t)
	t.Await(schedule.Op{Verb: ends, Mode: schedule.Barrier | schedule.Blocks}, (*barriers)(s))
	s.softirq.thread.DrainStores() // what the callbacks have stored
}

// mark marks the callbacks of a flavour, and that which runs: it still counts as one of its
// CPU's, so the kernel puts something behind it to be waited for (rcu_segcblist_entrain()).
func (s *state) mark(t *schedule.Thread, f flavour, mark uint64) {
	q := &s.queues[f]
	q.Look(t)
	for i := range q.Len() {
		q.At(i).entry.AddMark(mark)
	}
	if s.runs.Value()>>f&1 != 0 {
		s.runs.Set(s.runs.Value() | mark)
	}
}

// barriers is the gate of those who wait for callbacks.
type barriers state

// Open implements [schedule.Gate].
func (s *barriers) Open(t *schedule.Thread) bool {
	mark := fifo.Mark(t, "rcu_barrier")
	for f := range s.queues {
		q := &s.queues[f]
		q.Look(t)
		for i := range q.Len() {
			if q.At(i).entry.Marked(mark) {
				return false
			}
		}
	}
	return s.runs.Value()&mark == 0
}
