package workqueue

import "github.com/kschedfuzz/kschedfuzz/schedule"

// QueueBoot has w pending before the first step, after [Boot].
func QueueBoot(e *schedule.Exec, w *Work) {
	s := facility.Of(e)
	if !s.booted {
		panic("workqueue: work is queued before Boot")
	}
	w.pending.Set(1)
	s.queue.PushBoot(w)
}
