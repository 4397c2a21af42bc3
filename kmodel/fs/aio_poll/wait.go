package aiopoll

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// pollhup is EPOLLHUP.
const pollhup = 2

// waitQueueHead is struct wait_queue_head, of whom polls by aio.
type waitQueueHead struct {
	lock spin.Lock
	head list.Head[*aioKiocb]

	object *schedule.Object // that it is in; never changes
}

// Header implements [schedule.Header].
func (wq *waitQueueHead) Header() *schedule.Object { return wq.object }

// addWaitQueue is add_wait_queue().
func (wq *waitQueueHead) addWaitQueue(t *schedule.Thread, iocb *aioKiocb) {
	wq.lock.Lock(t)
	wq.head.Add(t, iocb)
	wq.lock.Unlock(t)
}

// wakeUp is wake_up(), or wake_up_poll() with POLLFREE.
func (wq *waitQueueHead) wakeUp(t *schedule.Thread, pollfree_ bool) {
	wq.lock.LockIrq(t)
	for iocb := wq.head.FirstEntry(t); iocb != nil; {
		next := iocb.wait.NextEntry(t)
		iocb.aioPollWake(t, wq, pollfree_)
		iocb = next
	}
	wq.lock.UnlockIrq(t)
}
