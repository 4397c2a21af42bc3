// Package completion is struct completion (include/linux/completion.h).
//
// Steps: Complete one, and a second if spin unlocks have a tail ([spin.SetTail]),
// because complete() gives its inner lock back last, with preemption and interrupts still
// off; WaitForCompletion one, enabled once there is something to wait for no longer.
//
// A completion may live on the stack of the waiter: make it part of an object that
// the waiter frees when it returns, and a late complete() is a use-after-free.
//
// Misuse: waiting where sleeping is forbidden ([schedule.SleepInAtomic]).
//
// Not modelled: timeouts, complete_all().
package completion

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Completion is a struct completion. The zero value is not done.
type Completion struct {
	done schedule.Cell
}

// Complete is complete().
func (x *Completion) Complete(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "complete", Cell: &x.done, Mode: schedule.RMWFull})
	x.done.Set(x.done.Value() + 1)
	if spin.Tail(t.Exec()) {
		t.CPU().DisableIrqs() // in the step before
		preempt.Disable(t)
		t.Step(schedule.Op{Verb: "complete (tail)", Cell: &x.done, Mode: schedule.ReadOnce})
		preempt.IrqEnable(t)
	}
}

// WaitForCompletion is wait_for_completion(). No signal ends it.
func (x *Completion) WaitForCompletion(t *schedule.Thread) {
	preempt.MightSleep(t, "wait_for_completion")
	t.Await(schedule.Op{Verb: "wait_for_completion", Cell: &x.done, Mode: schedule.LockOp}, x)
	x.done.Set(x.done.Value() - 1)
}

// Open is the gate of WaitForCompletion.
func (x *Completion) Open(*schedule.Thread) bool {
	return x.done.Value() > 0 || !x.done.Object().Live()
}

// Done returns the count without a step, for fingerprints.
func (x *Completion) Done() int { return int(x.done.Value()) }
