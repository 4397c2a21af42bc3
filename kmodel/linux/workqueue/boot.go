package workqueue

import "github.com/kschedfuzz/kschedfuzz/schedule"

// QueueBoot has w pending before the first step, after [Boot].
func QueueBoot(e *schedule.Exec, w *Work) {
	s := facility.Of(e)
	s.check(w)
	w.pending.Set(1)
	s.queue.PushBoot(w)
}
