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
// RCU-sched, and lookup_ioctx is a reader of the other flavour. (The rcu_read_lock() that it
// has under ioctx_lock up to 3.16 protects nothing and is not here.)
func (mm *mmStruct) killIoctx(t *schedule.Thread, ctx *kioctx, wait *ctxRqWait) bool {
	if mm.Has(waitBeforeDead) {
		ctx.rqWait.Write(t, wait)
	}
	if !mm.Has(deadUnderLock) && ctx.dead.Xchg(t, 1) != 0 {
		return false
	}
	mm.ioctxLock.Lock(t)
	if mm.Has(deadUnderLock) && ctx.dead.Xchg(t, 1) != 0 {
		mm.ioctxLock.Unlock(t)
		return false
	}
	table := mm.ioctxTable.DereferenceRaw(t)
	slot := &table.table[ctx.id.Peek()]
	if slot.Peek() != ctx { // nobody else can change it now
		t.Warn(schedule.BugOn, &ctx.Object, schedule.Party{}, "WARN_ON: it is not in its slot")
	}
	slot.empty_(t, mm.system)
	mm.ioctxLock.Unlock(t)
	if mm.Has(syncInKill) {
		rcu.Synchronize(t)
	}
	ctx.wait.WakeUpAll(t)
	if ctx.mmapSize.Peek() != 0 {
		mm.unmapRing_(t, ctx)
	}
	if mm.Has(drains) && !mm.Has(waitBeforeDead) {
		ctx.rqWait.Write(t, wait)
	}
	ctx.users.Kill(t)
	return true
}

// unmapRing_ is the vm_munmap() in kill_ioctx. Where the ring may move, its address is
// read again.
func (mm *mmStruct) unmapRing_(t *schedule.Thread, ctx *kioctx) {
	if mm.Has(ringMoves) {
		base := ctx.userID.Read(t) // ctx->mmap_base, which is the same
		mm.mmapSem.DownWrite(t)
		mm.ring[base].Write(t, 0)
		mm.mmapSem.UpWrite(t)
		return
	}
	preempt.MightSleep(t, "vm_munmap")
	mm.ring[ctx.userID.Peek()].Write(t, 0)
	preempt.CondResched(t) // zap_pmd_range
}

// ioDestroy is io_destroy().
func (mm *mmStruct) ioDestroy(t *schedule.Thread, cookie int) {
	ctx := mm.lookupIoctx(t, cookie)
	if ctx == nil {
		return // -EINVAL
	}
	if !mm.Has(drains) {
		mm.killIoctx(t, ctx, nil)
		ctx.users.Put(t)
		return
	}
	wait := mm.rqWaitCache.AllocAtomic(t)
	wait.count.Init(1)
	won := mm.killIoctx(t, ctx, wait)
	ctx.users.Put(t)
	if won {
		wait.comp.WaitForCompletion(t)
	}
	if mm.Has(waitBeforeDead) { // else nobody can know the wait of a loser
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
		if ctx.Has(cancelFirst) {
			req.kiocbCancel(t)
		}
		ctx.activeReqs.DelInit(t, req)
		if !ctx.Has(cancelFirst) {
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
	if ctx.Has(drains) {
		ctx.requestsDone_(t)
	}
	if ctx.Has(delayFree) {
		workqueue.QueueRcuWork(t, &ctx.freeRwork)
	} else {
		workqueue.ScheduleWork(t, &ctx.freeWork)
	}
}

// requestsDone_ tells who waits for the requests.
func (ctx *kioctx) requestsDone_(t *schedule.Thread) {
	wait := ctx.rqWait.Read(t)
	if wait != nil && (!ctx.Has(drainsAtOnce) || wait.count.DecAndTest(t)) {
		wait.comp.Complete(t)
	}
}

// freeIoctx is free_ioctx(), the work item. Freeing the ring sleeps.
func (ctx *kioctx) freeIoctx(t *schedule.Thread) {
	preempt.MightSleep(t, "aio_free_ring")
	slab.Free(t, "kmem_cache_free", ctx)
}

// exitAio is exit_aio(): mm_users is 0, so nobody else can be inside aio for this mm,
// except requests. Up to 3.16 it loads the table anew for every context.
func (mm *mmStruct) exitAio(t *schedule.Thread) {
	table := mm.ioctxTable.DereferenceRaw(t)
	if table == nil {
		return
	}
	switch {
	case mm.Has(drainsAtOnce):
		mm.exitAtOnce_(t, table)
		return
	case mm.Has(drains):
		mm.exitInTurn_(t, table)
	default:
		for i := range table.nr.Peek() {
			mm.exitKill_(t, table, i, nil)
		}
	}
	mm.dropTable_(t, table)
}

// dropTable_ is the end of exit_aio().
func (mm *mmStruct) dropTable_(t *schedule.Thread, table *kioctxTable) {
	mm.ioctxTable.Assign(t, nil)
	slab.Free(t, "kfree", table)
}

// exitKill_ kills the context in a slot, and reports whether there is one.
func (mm *mmStruct) exitKill_(t *schedule.Thread, table *kioctxTable, i int, wait *ctxRqWait) bool {
	ctx := table.table[i].last_(t, mm.system)
	if ctx == nil {
		return false
	}
	ctx.mmapSize.Write(t, 0) // exit_mmap() is coming
	mm.killIoctx(t, ctx, wait)
	return true
}

// exitInTurn_ kills one context after the other, and waits for each before the next.
func (mm *mmStruct) exitInTurn_(t *schedule.Thread, table *kioctxTable) {
	for i := range table.nr.Peek() {
		wait := mm.rqWaitCache.AllocAtomic(t)
		if mm.exitKill_(t, table, i, wait) {
			wait.comp.WaitForCompletion(t)
		}
		t.Free(&wait.Object) // it is of this round of the loop
	}
}

// exitAtOnce_ kills all contexts and waits for all with one counter.
//
// If no slot is empty the counter can reach 0 twice: in free_ioctx_reqs, which then
// completes, and in the subtraction of nothing here, which then does not wait for that.
// The scenario exit_aio-full-table shows it; the kernel's table has 4 slots, 16, 64 ...
func (mm *mmStruct) exitAtOnce_(t *schedule.Thread, table *kioctxTable) {
	wait := mm.rqWaitCache.AllocAtomic(t)
	wait.count.Init(table.nr.Peek())
	skipped := 0
	if mm.Has(exitCountsItself) {
		wait.count.Init(table.nr.Peek() + 1)
		skipped = 1
	}
	for i := range table.nr.Peek() {
		if !mm.exitKill_(t, table, i, wait) {
			skipped++
		}
	}
	if !wait.count.SubAndTest(t, skipped) {
		wait.comp.WaitForCompletion(t)
	}
	mm.dropTable_(t, table)
	t.Free(&wait.Object) // the stack frame is gone
}

// mmput is mmput(): the last user of the mm takes it down.
func (mm *mmStruct) mmput(t *schedule.Thread) {
	if mm.mmUsers.DecAndTest(t) {
		mm.calls.exitAio(t)
	}
}
