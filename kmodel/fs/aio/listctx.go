package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// This file is fs/aio.c from 2.6.29 to 3.11, when the contexts of an mm were on an RCU
// hlist and counted by plain atomics. Up to 3.9 io_destroy and exit_aio wait for the
// requests and then drop their references; since 3.10 (refcounting) the last reference
// waits for the requests. The functions are those of 3.3.8: in 3.4 aio_cancel_all() and
// wait_for_all_aios() become kill_ctx(), in one section of ctx_lock, so that less comes in
// between there.

// listMM is the mm with the functions of those years.
type listMM struct{ *mmStruct }

// listKioctx is struct kioctx of those years.
type listKioctx struct {
	schedule.Object
	users    atomic.Int // system calls inside, +1 for the list
	dead     atomic.Int // an int under locks before 3.10
	userID   mem.Int
	mmapSize mem.Int // 0: not mapped
	list     list.Node[*listKioctx]

	ctxLock    spin.Lock
	activeReqs list.Head[*aioKiocb]
	reqsActive atomic.Int // under ctx_lock before 3.10

	ringInfoLock   spin.Lock   // ring_info.ring_lock, before 3.10
	ringLock       mutex.Mutex // since
	wait           wait.Queue
	completionLock spin.Lock // since 3.10
	tail           mem.Int   // events written
	head           mem.Int   // events read

	killHead rcu.Head // rcu_head, used for one after the other
	freeHead rcu.Head
	rcuWork  workqueue.Work
	freeing  schedule.Cell // how often the last reference has gone

	firstFree schedule.Party
	*system
}

// ListNode implements [list.Entry].
func (ctx *listKioctx) ListNode() *list.Node[*listKioctx] { return &ctx.list }

func newListCtxCache(s *system) *slab.Cache[listKioctx, *listKioctx] {
	return slab.NewCache("ctx", func(ctx *listKioctx) {
		ctx.system = s
		ctx.killHead.Init(ctx.killIoctxRcu)
		ctx.freeHead.Init(ctx.ctxRcuFree)
		if s.Has(refcounting) {
			ctx.freeHead.Init(ctx.freeIoctxRcu)
		}
		ctx.rcuWork.Init(ctx.killIoctxWork)
	})
}

// bootCtx implements [syscalls].
func (mm *listMM) bootCtx(e *schedule.Exec, cookie int) {
	ctx := mm.listCtxCache.AllocBoot(e)
	ctx.init(cookie, 1)
	mm.ioctxList.Init(ctx)
}

func (ctx *listKioctx) init(cookie, users int) {
	ctx.users.Init(users)
	ctx.userID.Init(cookie)
	ctx.mmapSize.Init(1)
	ctx.firstFree = schedule.Party{}
}

// lookupIoctx is lookup_ioctx(). Up to 2.6.37 it takes a count that may be 0; 2.6.38
// refuses that (3bd9a5d734c7); 3.10 again takes it, because the first reference is
// dropped only a grace period after the context has left the list.
func (mm *listMM) lookupIoctx(t *schedule.Thread, cookie int) *listKioctx {
	var ret *listKioctx
	rcu.ReadLock(t)
	for ctx := mm.ioctxList.First(t); ctx != nil; ctx = ctx.list.Next(t) {
		if ctx.userID.Read(t) == cookie && ctx.lookedUp_(t) {
			ret = ctx
			break
		}
	}
	rcu.ReadUnlock(t)
	return ret
}

// lookedUp_ takes the reference of lookup_ioctx, or refuses the context.
func (ctx *listKioctx) lookedUp_(t *schedule.Thread) bool {
	switch {
	case ctx.Has(refcounting):
		ctx.inc_(t)
		return true
	case ctx.dead.Read(t) != 0:
		return false
	case ctx.Has(lookupIncNotZero):
		return ctx.users.IncNotZero(t) // try_get_ioctx
	}
	ctx.getIoctx(t)
	return true
}

// getIoctx is get_ioctx().
func (ctx *listKioctx) getIoctx(t *schedule.Thread) {
	ctx.bugOn_(t, ctx.users.Read(t) <= 0)
	ctx.inc_(t)
}

// inc_ takes a reference that must not be the first.
func (ctx *listKioctx) inc_(t *schedule.Thread) {
	if ctx.users.Inc(t); ctx.users.Peek() == 1 {
		t.Warn(schedule.RefResurrect, &ctx.Object, ctx.firstFree, "takes a count of 0 to 1")
	}
}

// bugOn_ is BUG_ON(). Without CONFIG_BUG the kernel goes on.
func (ctx *listKioctx) bugOn_(t *schedule.Thread, condition bool) {
	if condition {
		t.Warn(schedule.BugOn, &ctx.Object, schedule.Party{}, "BUG_ON")
	}
}

// putIoctx is put_ioctx().
func (ctx *listKioctx) putIoctx(t *schedule.Thread) {
	if !ctx.Has(refcounting) {
		ctx.bugOn_(t, ctx.users.Read(t) <= 0)
	}
	if !ctx.users.DecAndTest(t) {
		return
	}
	if ctx.freeing.Value() > 0 {
		t.Warn(schedule.DoubleRelease, &ctx.Object, ctx.firstFree, "drops the last reference again")
	} else {
		ctx.firstFree = t.Now()
	}
	ctx.freeing.Set(ctx.freeing.Value() + 1)
	if ctx.Has(refcounting) {
		ctx.freeIoctx(t)
	} else {
		ctx.__putIoctx(t)
	}
}

// __putIoctx is __put_ioctx() up to 3.9.
func (ctx *listKioctx) __putIoctx(t *schedule.Thread) {
	ctx.bugOn_(t, ctx.reqsActive.Read(t) != 0)
	ctx.aioFreeRing(t)
	if ctx.Has(filesAndRings) {
		ctx.vm.Mmdrop(t)
	}
	if ctx.Has(freeAtOnce) {
		ctx.ctxRcuFree(t)
	} else {
		rcu.Call(t, &ctx.freeHead)
	}
}

// aioFreeRing is aio_free_ring() up to 3.9, which unmaps the ring.
func (ctx *listKioctx) aioFreeRing(t *schedule.Thread) {
	preempt.MightSleep(t, "do_munmap")
	switch {
	case ctx.mmapSize.Read(t) == 0:
	case ctx.Has(filesAndRings):
		ctx.unmapRing_(t)
	default:
		ctx.mm.ring[ctx.userID.Peek()].Write(t, 0) // do_munmap
	}
}

// ctxRcuFree is ctx_rcu_free().
func (ctx *listKioctx) ctxRcuFree(t *schedule.Thread) { slab.Free(t, "kmem_cache_free", ctx) }

// freeIoctxRcu is free_ioctx_rcu(), the same in 3.10.
func (ctx *listKioctx) freeIoctxRcu(t *schedule.Thread) { slab.Free(t, "kmem_cache_free", ctx) }

// freeIoctx is free_ioctx() of 3.10, called with the last reference: it cancels the
// requests, waits for them without a lock, and leaves the memory to RCU, because
// aio_complete() wakes the queue after it has counted a request off.
func (ctx *listKioctx) freeIoctx(t *schedule.Thread) {
	ctx.cancelAll_(t)
	ctx.waitLockless_(t)
	if ctx.reqsActive.Read(t) < 0 {
		t.Warn(schedule.BugOn, &ctx.Object, schedule.Party{}, "WARN_ON: reqs_active is below 0")
	}
	rcu.Call(t, &ctx.freeHead)
}

// waitLockless_ is the wait of free_ioctx() of 3.10: wait_event(ctx->wait, reqs_active has
// fallen to 0) for as long as it has not. (That wait_event() looks before it queues itself too
// is left out: nothing comes between the two looks.)
func (ctx *listKioctx) waitLockless_(t *schedule.Thread) {
	for ctx.reqsActive.Read(t) > 0 {
		for {
			ctx.wait.PrepareToWait(t, wait.TaskUninterruptible)
			if ctx.reqsActive.Read(t) <= 0 {
				break
			}
			wait.Schedule(t)
		}
		ctx.wait.FinishWait(t)
	}
}

// aioCancelAll is aio_cancel_all().
func (ctx *listKioctx) aioCancelAll(t *schedule.Thread) { ctx.cancelAll_(t) }

// cancelAll_ is the body of aio_cancel_all(), which free_ioctx() of 3.10 has in its own.
func (ctx *listKioctx) cancelAll_(t *schedule.Thread) {
	ctx.ctxLock.LockIrq(t)
	if !ctx.Has(refcounting) {
		ctx.dead.Set(t, 1)
	}
	for !ctx.activeReqs.Empty(t) {
		req := ctx.activeReqs.FirstEntry(t)
		ctx.activeReqs.DelInit(t, req)
		req.kiocbCancel(t)
	}
	ctx.ctxLock.UnlockIrq(t)
}

// waitForAllAios is wait_for_all_aios(), which counts under ctx_lock.
func (ctx *listKioctx) waitForAllAios(t *schedule.Thread) {
	if ctx.Has(locklessWait) {
		ctx.waitLockless_(t)
		return
	}
	ctx.ctxLock.LockIrq(t)
	if ctx.reqsActive.Read(t) != 0 {
		ctx.wait.AddWaitQueue(t)
		wait.SetCurrentState(t, wait.TaskUninterruptible)
		for ctx.reqsActive.Read(t) != 0 {
			ctx.ctxLock.UnlockIrq(t)
			wait.Schedule(t)
			wait.SetCurrentState(t, wait.TaskUninterruptible)
			ctx.ctxLock.LockIrq(t)
		}
		wait.SetCurrentState(t, wait.TaskRunning)
		ctx.wait.RemoveWaitQueue(t)
	}
	ctx.ctxLock.UnlockIrq(t)
}

// wakeUpDead_ wakes who waits at a context that has died. Up to 2.6.37 that is wake_up(): of two
// in io_getevents, who wait exclusively, the other sleeps until a signal. 3.1.3 has wake_up_all().
func (ctx *listKioctx) wakeUpDead_(t *schedule.Thread) {
	if ctx.Has(lookupIncNotZero) {
		ctx.wait.WakeUpAll(t)
	} else {
		ctx.wait.WakeUp(t)
	}
}

// ioSetup is io_setup(). Since 86b62a2c (3.3) it keeps a reference of its own and drops
// it at the end. The variants of the lookup have that, although 2.6.29 to 3.2 had not.
func (mm *listMM) ioSetup(t *schedule.Thread, cookie int) {
	ctx := mm.listCtxCache.Alloc(t)
	ctx.init(cookie, 2)
	if mm.Has(setupNoRef) {
		ctx.init(cookie, 1)
	}
	if mm.Has(filesAndRings) {
		ctx.mapRing_(t)
	}
	mm.ioctxLock.Lock(t)
	mm.ioctxList.AddHeadRcu(t, ctx)
	mm.ioctxLock.Unlock(t)
	if mm.Has(copiesCookie) {
		ctx.userID.Read(t) // put_user(ctx->user_id)
	}
	if !mm.Has(setupNoRef) {
		ctx.putIoctx(t)
	}
}

// ioDestroy is io_destroy().
func (mm *listMM) ioDestroy(t *schedule.Thread, cookie int) {
	ctx := mm.lookupIoctx(t, cookie)
	if ctx == nil {
		return // -EINVAL
	}
	if mm.Has(refcounting) {
		mm.killIoctx(t, ctx)
		ctx.putIoctx(t)
		return
	}
	mm.ioctxLock.Lock(t)
	wasDead := ctx.dead.Read(t) != 0
	ctx.dead.Set(t, 1)
	mm.ioctxList.DelRcu(t, ctx) // whether it was dead or not
	mm.ioctxLock.Unlock(t)
	if !wasDead {
		ctx.putIoctx(t) // twice, once for the list
	}
	ctx.aioCancelAll(t)
	ctx.waitForAllAios(t)
	ctx.wakeUpDead_(t)
	ctx.putIoctx(t) // once for the lookup
}

// killIoctx is kill_ioctx() of 3.10: the first reference is dropped by a work item that
// is queued after a grace period. This is the explicit RCU delay that 3.12 lost.
func (mm *listMM) killIoctx(t *schedule.Thread, ctx *listKioctx) {
	if ctx.dead.Xchg(t, 1) != 0 {
		return
	}
	if mm.Has(killUnlocked) {
		mm.ioctxList.DelRcuUnlocked(t, ctx)
	} else {
		mm.ioctxLock.Lock(t)
		mm.ioctxList.DelRcu(t, ctx)
		mm.ioctxLock.Unlock(t)
	}
	if ctx.mmapSize.Read(t) != 0 {
		preempt.MightSleep(t, "vm_munmap")
		mm.ring[ctx.userID.Peek()].Write(t, 0) // vm_munmap
	}
	rcu.Call(t, &ctx.killHead)
}

// killIoctxRcu is kill_ioctx_rcu().
func (ctx *listKioctx) killIoctxRcu(t *schedule.Thread) { workqueue.ScheduleWork(t, &ctx.rcuWork) }

// killIoctxWork is kill_ioctx_work().
func (ctx *listKioctx) killIoctxWork(t *schedule.Thread) {
	ctx.wait.WakeUpAll(t)
	ctx.putIoctx(t)
}

// exitAio is exit_aio(). Since 3.4 it leaves the ring to exit_mmap(): that it does is said
// to the context when there are no requests any more, and in 3.10 before it is killed. The
// variants of the lookup have that, although 2.6.29 to 3.3 had not.
func (mm *listMM) exitAio(t *schedule.Thread) {
	for ctx := mm.ioctxList.FirstEntry(t); ctx != nil; ctx = mm.ioctxList.FirstEntry(t) {
		if mm.Has(refcounting) {
			ctx.mmapSize.Write(t, 0)
			mm.killIoctx(t, ctx)
			continue
		}
		mm.ioctxList.DelRcu(t, ctx)
		ctx.aioCancelAll(t)
		ctx.waitForAllAios(t)
		if !mm.Has(filesAndRings) || mm.Has(currentUnmaps) {
			ctx.mmapSize.Write(t, 0)
		}
		ctx.putIoctx(t)
	}
}
