package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// killIoctx is kill_ioctx(): take the context out of the table and drop its first
// reference. It reports false if somebody else is doing so (-EINVAL). In v4.4 it says
// of percpu_ref_kill() that it will do the necessary call_rcu(). It does one, of
// RCU-sched, and lookup_ioctx is a reader of the other flavour.
func (mm *mmStruct) killIoctx(t *schedule.Thread, ctx *kioctx, wait *ctxRqWait) bool {
	if mm.has(waitBeforeDead) {
		ctx.rqWait.Write(t, wait)
	}
	early := mm.has(ringMoves) && !mm.has(mremapFails) // before b2edffdd912b
	if early && ctx.dead.Xchg(t, 1) != 0 {
		return false
	}
	mm.ioctxLock.Lock(t)
	if !early && ctx.dead.Xchg(t, 1) != 0 {
		mm.ioctxLock.Unlock(t)
		return false
	}
	table := mm.ioctxTable.DereferenceRaw(t)
	slot := &table.table[ctx.id.Peek()]
	if slot.Peek() != ctx { // nobody else can change it now
		t.Warn(schedule.BugOn, &ctx.Object, schedule.Party{}, "WARN_ON: it is not in its slot")
	}
	slot.Write(t, nil)
	mm.ioctxLock.Unlock(t)
	if mm.has(syncInKill) {
		rcu.Synchronize(t)
	}
	ctx.wait.WakeUpAll(t)
	if ctx.mmapSize.Peek() != 0 {
		mm.unmapRing_(t, ctx)
	}
	if !mm.has(waitBeforeDead) {
		ctx.rqWait.Write(t, wait)
	}
	ctx.users.Kill(t)
	return true
}

// unmapRing_ is the vm_munmap() in kill_ioctx. Where the ring may move, its address is
// read again.
func (mm *mmStruct) unmapRing_(t *schedule.Thread, ctx *kioctx) {
	if mm.has(ringMoves) {
		base := ctx.userID.Read(t) // ctx->mmap_base, which is the same
		mm.mmapSem.DownWrite(t)
		mm.ring[base].Write(t, 0)
		mm.mmapSem.UpWrite(t)
		return
	}
	preempt.MightSleep(t, "vm_munmap")
	mm.ring[ctx.userID.Peek()].Write(t, 0)
}

// ioDestroy is io_destroy().
func (mm *mmStruct) ioDestroy(t *schedule.Thread, cookie int) {
	ctx := mm.lookupIoctx(t, cookie)
	if ctx == nil {
		return // -EINVAL
	}
	wait := mm.rqWaitCache.AllocAtomic(t)
	wait.count.Init(1)
	won := mm.killIoctx(t, ctx, wait)
	ctx.users.Put(t)
	if won {
		wait.comp.WaitForCompletion(t)
	}
	if mm.has(waitBeforeDead) { // else nobody can know the wait of a loser
		slab.Free(t, "return", wait)
	} else {
		t.Free(&wait.Object) // the stack frame is gone
	}
}

// freeIoctxUsers is free_ioctx_users(), the release of users: nobody is inside any
// more, and nobody can come in. Runs in the softirq or in the last Put, so it must not
// sleep.
func (ctx *kioctx) freeIoctxUsers(t *schedule.Thread) {
	ctx.ctxLock.LockIrq(t)
	for !ctx.activeReqs.Empty(t) {
		req := ctx.activeReqs.FirstEntry(t)
		if ctx.has(cancelFirst) {
			req.kiocbCancel(t)
		}
		ctx.activeReqs.DelInit(t, req)
		if !ctx.has(cancelFirst) {
			req.kiocbCancel(t)
		}
	}
	ctx.ctxLock.UnlockIrq(t)
	ctx.reqs.Kill(t)
	ctx.reqs.Put(t)
}

// freeIoctxReqs is free_ioctx_reqs(), the release of reqs: no request is left. Like
// free_ioctx_users it must not sleep, so freeing is left to a work item.
func (ctx *kioctx) freeIoctxReqs(t *schedule.Thread) {
	if wait := ctx.rqWait.Read(t); wait != nil && wait.count.DecAndTest(t) {
		wait.comp.Complete(t)
	}
	if ctx.has(delayFree) {
		workqueue.QueueRcuWork(t, &ctx.freeRwork)
	} else {
		workqueue.ScheduleWork(t, &ctx.freeWork)
	}
}

// freeIoctx is free_ioctx(), the work item. Freeing the ring sleeps.
func (ctx *kioctx) freeIoctx(t *schedule.Thread) {
	preempt.MightSleep(t, "aio_free_ring")
	slab.Free(t, "kmem_cache_free", ctx)
}

// exitAio is exit_aio(): mm_users is 0, so nobody else can be inside aio for this mm,
// except requests. It waits for all contexts with one counter.
//
// If no slot is empty the counter can reach 0 twice: in free_ioctx_reqs, which then
// completes, and in the subtraction of nothing here, which then does not wait for that.
// The scenario exit_aio-full-table shows it; the kernel's table has 4 slots, 16, 64 ...
func (mm *mmStruct) exitAio(t *schedule.Thread) {
	table := mm.ioctxTable.DereferenceRaw(t)
	if table == nil {
		return
	}
	wait := mm.rqWaitCache.AllocAtomic(t)
	wait.count.Init(table.nr.Peek())
	skipped := 0
	if mm.has(exitCountsItself) {
		wait.count.Init(table.nr.Peek() + 1)
		skipped = 1
	}
	for i := range table.nr.Peek() {
		ctx := table.table[i].Read(t)
		if ctx == nil {
			skipped++
			continue
		}
		ctx.mmapSize.Write(t, 0) // exit_mmap() is coming
		mm.killIoctx(t, ctx, wait)
	}
	if !wait.count.SubAndTest(t, skipped) {
		wait.comp.WaitForCompletion(t)
	}
	mm.ioctxTable.Assign(t, nil)
	slab.Free(t, "kfree", table)
	t.Free(&wait.Object) // the stack frame is gone
}

// mmput is mmput(): the last user of the mm takes it down.
func (mm *mmStruct) mmput(t *schedule.Thread) {
	if mm.mmUsers.DecAndTest(t) {
		mm.calls.exitAio(t)
	}
}
