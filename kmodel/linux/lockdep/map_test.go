package lockdep_test

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// works has two workers, work items with functions, and a thread for each of the rest.
func works(w, ws0 locking, all ...locking) func(*litmus.Program) {
	return func(p *litmus.Program) {
		v := litmus.Static[locks](p, "v")
		v.w.Init(func(t *schedule.Thread) { w(v, t) })
		v.ws[0].Init(func(t *schedule.Thread) { ws0(v, t) })
		v.ws[1].Init(func(t *schedule.Thread) {})
		p.Agents(func(e *schedule.Exec) { workqueue.Boot(e, 2) })
		for _, f := range all {
			p.Thread("P0", func(t *schedule.Thread) { f(v, t) })
		}
	}
}

// inOrder does one after the other.
func inOrder(all ...locking) locking {
	return func(v *locks, t *schedule.Thread) {
		for _, f := range all {
			f(v, t)
		}
	}
}

// under does f with a lock.
func under(l lock, f locking) locking {
	return func(v *locks, t *schedule.Thread) {
		down, up := l(v)
		down(t)
		f(v, t)
		up(t)
	}
}

func queue(v *locks, t *schedule.Thread)       { workqueue.ScheduleWork(t, &v.w) }
func queueFirst(v *locks, t *schedule.Thread)  { workqueue.ScheduleWork(t, &v.ws[0]) }
func flush(v *locks, t *schedule.Thread)       { workqueue.FlushWork(t, &v.w) }
func flushFirst(v *locks, t *schedule.Thread)  { workqueue.FlushWork(t, &v.ws[0]) }
func flushSecond(v *locks, t *schedule.Thread) { workqueue.FlushWork(t, &v.ws[1]) }
func cancel(v *locks, t *schedule.Thread)      { workqueue.CancelWork(t, &v.w) }
func cancelSync(v *locks, t *schedule.Thread)  { workqueue.CancelWorkSync(t, &v.w) }
func complete(v *locks, t *schedule.Thread)    { v.done[0].Complete(t) }
func await(v *locks, t *schedule.Thread)       { v.done[0].WaitForCompletion(t) }
func readSeq(v *locks, t *schedule.Thread)     { v.seq.ReadSeqbegin(t) }
func writeSeq(v *locks) (down, up func(t *schedule.Thread)) {
	return v.seq.WriteSeqlock, v.seq.WriteSequnlock
}

const (
	itemA = lockdep.Circular +
		": (work_completion)(&locks->w) -> locks->a -> (work_completion)(&locks->w)"
	seqS = lockdep.Circular + ": locks->s -> locks->seq.seqcount -> locks->s"
)

var mapTests = []orderTest{
	// P0 flushes w under a, which the function takes: after that has given it back.
	never("WORK+flush", works(inOrder(nested(a), complete), nothing,
		inOrder(queue, await, under(a, flush))), "2 pass", itemA),
	never("WORK+flush+unlocked", works(inOrder(nested(a), complete), nothing,
		inOrder(queue, await, nested(a), flush)), "2 pass"),
	sometimes("WORK+flush+early", works(nested(a), nothing, inOrder(queue, under(a, flush))),
		"6 pass, 6 deadlock", itemA),
	// It is enough that both are done. Here nobody has queued w when it is flushed.
	never("WORK+flush+idle", works(nested(a), nothing, inOrder(under(a, flush), queue)),
		"2 pass", itemA),
	never("WORK+cancel_sync", works(nested(a), nothing, inOrder(under(a, cancelSync), queue)),
		"2 pass", itemA),
	// Who does not wait makes no dependency.
	never("WORK+cancel", works(nested(a), nothing, inOrder(under(a, cancel), queue)), "2 pass"),
	// Of several items: P0 with a flushes w, which flushes ws[0], which takes a.
	never("WORK+chain", works(flushFirst, nested(a),
		inOrder(under(a, flush), queue, queueFirst)), "24 pass",
		lockdep.Circular+": (work_completion)(&locks->w) -> (work_completion)(&locks->ws[*]) -> "+
			"locks->a -> (work_completion)(&locks->w)"),
	never("WORK+chain+unlocked", works(flushFirst, nested(a),
		inOrder(nested(a), flush, queue, queueFirst)), "24 pass"),
	// An item that flushes itself.
	{litmus.Test{Name: "WORK+itself", Build: works(flush, nothing, queue), Bad: schedule.Deadlock,
		Verdict: litmus.Always, Counts: "2 deadlock"},
		[]string{lockdep.Recursive + ": (work_completion)(&locks->w) -> (work_completion)(&locks->w)"}},
	// And one that flushes another of its class: there is no annotation that says it is meant.
	never("WORK+class", works(nothing, flushSecond, queueFirst), "2 pass", lockdep.Recursive+
		": (work_completion)(&locks->ws[*]) -> (work_completion)(&locks->ws[*])"),
	never("WORK+other-class", works(flushFirst, nothing, queue), "2 pass"),

	// A reader spins until the writer is done, who waits for what the reader has.
	never("SEQ", inTurn(under(s, readSeq), nested(writeSeq, s)), "1 pass", seqS),
	never("SEQ+same-order", inTurn(under(s, readSeq), nested(s, writeSeq)), "1 pass"),
	sometimes("SEQ+together", together(under(s, readSeq), nested(writeSeq, s)),
		"14 pass, 3 deadlock", seqS),
	// A reader waits for no other, and nobody for a reader.
	never("SEQ+readers", inTurn(under(s, readSeq), readSeq, nested(s)), "1 pass"),
	// The handler reads, and what it interrupts writes.
	never("SEQ+irqs-on", interrupted(readSeq, nothing, nested(writeSeq)), "12 pass",
		lockdep.Inconsistent+": locks->seq.seqcount"),
	never("SEQ+irqs-off", interrupted(readSeq, nothing, nested(irqs, writeSeq)), "24 pass"),
	// A reader that is interrupted by a writer tries again.
	never("SEQ+irq-writes", interrupted(nested(writeSeq), nothing, readSeq), "5 pass"),
	{litmus.Test{Name: "SEQ+itself", Build: together(under(writeSeq, readSeq)),
		Bad: schedule.Deadlock, Verdict: litmus.Always, Counts: "1 deadlock"},
		[]string{lockdep.Recursive + ": locks->seq.seqcount -> locks->seq.seqcount"}},
}
