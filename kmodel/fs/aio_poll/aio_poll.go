// Package aiopoll is a poll by asynchronous I/O (fs/aio.c, IOCB_CMD_POLL) at a wait queue
// that dies before the request does.
//
// The nouns: a request waits at the wait queue of a file. A wake-up that says what has
// happened completes it there and then, if ctx_lock is free; it cannot wait for that lock,
// since ctx_lock is taken before the lock of a queue. Else, and if the wake-up does not say
// what has happened, it leaves the completion to a work item, which asks the file. If there
// is nothing after all, the request goes on waiting. io_cancel() has the work item complete
// it, whatever there is.
//
// The queue of a signalfd is in the sighand_struct of the process that has submitted the
// request, and is freed when that ends. Before, who waits is woken with POLLFREE, and there is
// a grace period; whoever has left the queue in time must not touch it again. A signal wakes
// who waits as well, but the work item asks a signalfd for signals of the kworker, which gets
// none. So each signal has the request go on waiting.
//
// The queue of an inotify instance does not die. It is here for what a signalfd cannot show: a
// work item that finds something, and a wake-up that is missed.
//
// The code follows 5.15, with RCU merged. From 4.19 to 5.0, before af5c72b1fc7a, who wakes a
// request leaves the queue after he has given ctx_lock back.
//
// Not modelled: submitting (whoever has submitted a request is who ends the queue), eventfds,
// what is put into the ring, the rest of aio, which is package aio, and the rest of signals
// and of inotify. active_reqs is an array. Who cancels a request or sends the signal is a
// process of its own that shares the mm (CLONE_VM), or the same one. tasklist_lock, which
// release_task() has, is left out. A sighand_struct is of a cache with SLAB_TYPESAFE_BY_RCU, but
// nobody forks, and so uses one again. The queue of a binder_thread dies too,
// but binder tells a kworker always that there is work, so that who waits there for EPOLLIN
// does not go on waiting.
//
// Start reading at aioPollWake and aioPollCompleteWork.
package aiopoll

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/refcount"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// kioctx is struct kioctx.
type kioctx struct {
	schedule.Object
	ctxLock    spin.Lock
	activeReqs [maxReqs]mem.Ptr[*aioKiocb] // under ctx_lock
}

// aioKiocb is struct aio_kiocb with its struct poll_iocb.
type aioKiocb struct {
	schedule.Object
	kiRefcnt refcount.Refcount
	kiRes    mem.Int
	num      int  // its place in active_reqs; never changes
	inotify  bool // whether ki_filp is s.group, or else a signalfd; never changes

	head            mem.Ptr[*waitQueueHead]
	cancelled       mem.Int
	workScheduled   mem.Int // under the lock of the queue
	workNeedResched mem.Int // as work_scheduled
	wait            wait.Entry[*aioKiocb]
	work            workqueue.Work

	*system
}

// waitQueueHead is struct wait_queue_head, of whom polls by aio.
type waitQueueHead = wait.Head[*aioKiocb]

// WaitEntry implements [wait.Waiter].
func (iocb *aioKiocb) WaitEntry() *wait.Entry[*aioKiocb] { return &iocb.wait }

// iocbPut is iocb_put().
func (iocb *aioKiocb) iocbPut(t *schedule.Thread) {
	if iocb.kiRefcnt.DecAndTest(t) {
		slab.Free(t, "kmem_cache_free", iocb) // iocb_destroy
	}
}

// complete_ takes the request off active_reqs, gives ctx_lock back, and puts the request.
func (iocb *aioKiocb) complete_(t *schedule.Thread, mask int) {
	iocb.ctx.activeReqs[iocb.num].Write(t, nil)
	iocb.kiRes.Write(t, mask&^wait.Pollfree) // mangle_poll
	iocb.ctx.ctxLock.UnlockIrq(t)
	iocb.iocbPut(t)
}

// aioPollWake is aio_poll_wake(), under the lock of the queue. A wake-up with POLLFREE has
// EPOLLHUP too, which every request waits for; another does not say what has happened.
func (iocb *aioKiocb) aioPollWake(t *schedule.Thread, mask int) int {
	pollfree_ := mask&wait.Pollfree != 0
	if !iocb.Has(stayQueued | stayQueuedV1) {
		wait.DelInit(t, iocb)
		switch {
		case pollfree_ && iocb.Has(lockInside):
			iocb.ctx.ctxLock.LockIrq(t)
			iocb.complete_(t, mask)
		case mask != 0 && iocb.ctx.ctxLock.TrylockIrq(t):
			iocb.complete_(t, mask)
		default:
			workqueue.ScheduleWork(t, &iocb.work)
		}
		return 1
	}
	if mask != 0 && (iocb.Has(stayQueuedV1) || iocb.workScheduled.Read(t) == 0) &&
		iocb.ctx.ctxLock.TrylockIrq(t) {
		wait.DelInit(t, iocb)
		iocb.complete_(t, mask)
		return 1
	}
	if pollfree_ && iocb.Has(pollfreeV1) {
		wait.DelInit(t, iocb)
		iocb.cancelled.WriteOnce(t, 1)
	}
	if iocb.workScheduled.Read(t) != 0 {
		iocb.workNeedResched.Write(t, 1)
	} else {
		workqueue.ScheduleWork(t, &iocb.work)
		iocb.workScheduled.Write(t, 1)
	}
	if pollfree_ && iocb.Has(pollfree) {
		iocb.cancelled.WriteOnce(t, 1)
		wait.DelInit(t, iocb)
		iocb.head.StoreRelease(t, nil)
	}
	return 1
}

// pollIocbLockWq is poll_iocb_lock_wq(), which came with the fix: it takes the lock of the
// queue, if the request is still there. The first version leaves the section of RCU, and what
// it looks at first is list_empty_careful().
func (iocb *aioKiocb) pollIocbLockWq(t *schedule.Thread) bool {
	rcu.ReadLock(t)
	if iocb.Has(pollfreeV1) {
		if !iocb.wait.EmptyCareful(t) {
			head := iocb.head.Read(t)
			head.Lock.Lock(t)
			if !iocb.wait.Empty(t) {
				rcu.ReadUnlock(t)
				return true
			}
			head.Lock.Unlock(t)
		}
	} else if head := iocb.head.LoadAcquire(t); head != nil {
		head.Lock.Lock(t)
		if !iocb.wait.Empty(t) {
			return true
		}
		head.Lock.Unlock(t)
	}
	rcu.ReadUnlock(t)
	return false
}

// pollIocbUnlockWq is poll_iocb_unlock_wq().
func (iocb *aioKiocb) pollIocbUnlockWq(t *schedule.Thread) {
	iocb.head.Read(t).Lock.Unlock(t)
	if !iocb.Has(pollfreeV1) {
		rcu.ReadUnlock(t)
	}
}

// lockWq_ takes the lock of the queue as the variant does.
func (iocb *aioKiocb) lockWq_(t *schedule.Thread) bool {
	if iocb.Has(pollfreeV1 | pollfree) {
		return iocb.pollIocbLockWq(t)
	}
	iocb.head.Read(t).Lock.Lock(t)
	return true
}

// unlockWq_ gives it back.
func (iocb *aioKiocb) unlockWq_(t *schedule.Thread) {
	if iocb.Has(pollfreeV1 | pollfree) {
		iocb.pollIocbUnlockWq(t)
	} else {
		iocb.head.Read(t).Lock.Unlock(t)
	}
}

// vfsPoll is vfs_poll(), by a kworker.
func (iocb *aioKiocb) vfsPoll(t *schedule.Thread) int {
	if iocb.inotify {
		return iocb.group.inotifyPoll(t)
	}
	return signalfdPoll()
}

// aioPollCompleteWork is aio_poll_complete_work(), the function of work.
func (iocb *aioKiocb) aioPollCompleteWork(t *schedule.Thread) {
	mask := 0
	if iocb.cancelled.ReadOnce(t) == 0 {
		mask = iocb.vfsPoll(t)
	}
	iocb.ctx.ctxLock.LockIrq(t)
	if !iocb.Has(stayQueued | stayQueuedV1) {
		if mask == 0 && iocb.cancelled.ReadOnce(t) == 0 {
			iocb.head.Read(t).AddWaitQueue(t, iocb)
			iocb.ctx.ctxLock.UnlockIrq(t)
			return
		}
	} else if iocb.lockWq_(t) {
		if mask == 0 && iocb.cancelled.ReadOnce(t) == 0 {
			if iocb.workNeedResched.Read(t) != 0 {
				workqueue.ScheduleWork(t, &iocb.work)
				iocb.workNeedResched.Write(t, 0)
			} else {
				iocb.workScheduled.Write(t, 0)
			}
			iocb.unlockWq_(t)
			iocb.ctx.ctxLock.UnlockIrq(t)
			return
		}
		wait.DelInit(t, iocb)
		iocb.unlockWq_(t)
	}
	iocb.complete_(t, mask)
}

// aioPollCancel is aio_poll_cancel(), under ctx_lock.
func (iocb *aioKiocb) aioPollCancel(t *schedule.Thread) {
	if !iocb.lockWq_(t) {
		return
	}
	iocb.cancelled.WriteOnce(t, 1)
	switch {
	case iocb.Has(stayQueued):
		if iocb.workScheduled.Read(t) == 0 {
			workqueue.ScheduleWork(t, &iocb.work)
			iocb.workScheduled.Write(t, 1)
		}
	case iocb.Has(pollfreeV1) || !iocb.wait.Empty(t):
		wait.DelInit(t, iocb)
		workqueue.ScheduleWork(t, &iocb.work)
	}
	iocb.unlockWq_(t)
}

// sysIoCancel is sys_io_cancel() of request i.
func (s *system) sysIoCancel(t *schedule.Thread, i int) {
	s.ctx.ctxLock.LockIrq(t)
	if iocb := s.ctx.activeReqs[i].Read(t); iocb != nil {
		iocb.aioPollCancel(t)
		s.ctx.activeReqs[i].Write(t, nil) // list_del_init of ki_list
	}
	s.ctx.ctxLock.UnlockIrq(t)
}
