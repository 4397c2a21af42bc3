// Package iouring is the end of a ring (fs/io_uring.c) against a request that completes.
//
// The nouns: a request has a reference of its ring, and two of itself: one for whoever
// completes it, one for whoever has submitted it. Whoever drops the last of the two gives
// the reference of the ring back, and io_ring_exit_work() frees the ring when there is none.
// io_req_complete_post() posts the completion, drops its reference of the request, and then
// wakes those who wait at the ring. If that was not the last reference of the request, it
// has nothing by which the ring is still there.
//
// The code follows 5.12-rc3, with RCU merged.
//
// Who completes is a task, a kworker of a file system for one. An interrupt is a section of RCU:
// there the ring could only be freed too early if it has been killed, and its percpu_ref has
// switched, before the interrupt comes.
//
// Not modelled: submitting, what is in the rings, linked requests, the cache of requests,
// cancelling, uring_lock, eventfds, and those who wait for completions, who poll, and who submit
// for others: the ring is only looked at for the first.
//
// Start reading at ioReqCompletePost and ioRingExitWork.
package iouring

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/completion"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/percpu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/refcount"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// ioRingCtx is struct io_ring_ctx.
type ioRingCtx struct {
	schedule.Object
	refs           percpu.Ref
	refComp        completion.Completion
	completionLock spin.Lock
	lockedFreeList list.Head[*ioKiocb] // under completion_lock
	freeList       list.Head[*ioKiocb] // under uring_lock
	wait           wait.Queue
	exitWork       workqueue.Work

	*system
}

// ioKiocb is struct io_kiocb, a request.
type ioKiocb struct {
	schedule.Object
	refs refcount.Refcount
	list list.Node[*ioKiocb]
	ctx  *ioRingCtx // never changes
}

// ListNode implements [list.Entry].
func (req *ioKiocb) ListNode() *list.Node[*ioKiocb] { return &req.list }

// ioReqCompletePost is io_req_complete_post().
func ioReqCompletePost(t *schedule.Thread, req *ioKiocb) {
	ctx := req.ctx
	ctx.completionLock.LockIrq(t)
	ref := req.refs.DecAndTest(t) // whether there is a reference of the ring
	switch {
	case ref:
		ctx.lockedFreeList.Add(t, req)
	case ctx.Has(get):
		ctx.refs.Get(t)
		ref = true
	case ctx.Has(tryGet):
		ref = ctx.refs.TryGet(t)
	}
	ctx.completionLock.UnlockIrq(t)
	if ref || !ctx.Has(tryGet) {
		ctx.ioCqringEvPosted(t)
	}
	if ref {
		ctx.refs.Put(t)
	}
}

// ioCqringEvPosted is io_cqring_ev_posted(), as far as the first queue. smp_mb() comes before.
func (ctx *ioRingCtx) ioCqringEvPosted(t *schedule.Thread) {
	if ctx.wait.HasSleeper(t) {
		ctx.wait.WakeUp(t)
	}
}

// ioFreeWork is io_free_work(), by which a worker that has submitted a request drops its
// reference.
func ioFreeWork(t *schedule.Thread, req *ioKiocb) {
	ctx := req.ctx
	if req.refs.DecAndTest(t) {
		slab.Free(t, "kmem_cache_free", req) // __io_free_req
		ctx.refs.Put(t)
	}
}

// ioRingCtxRefFree is io_ring_ctx_ref_free(), the release function of refs.
func (ctx *ioRingCtx) ioRingCtxRefFree(t *schedule.Thread) { ctx.refComp.Complete(t) }

// ioRingCtxWaitAndKill is io_ring_ctx_wait_and_kill(), when the file of the ring is closed.
func (ctx *ioRingCtx) ioRingCtxWaitAndKill(t *schedule.Thread) {
	ctx.refs.Kill(t)
	workqueue.QueueWork(t, &ctx.exitWork) // of system_unbound_wq
}

// ioRingExitWork is io_ring_exit_work().
func (ctx *ioRingCtx) ioRingExitWork(t *schedule.Thread) {
	ctx.refComp.WaitForCompletion(t)
	ctx.ioRingCtxFree(t)
}

// ioRingCtxFree is io_ring_ctx_free(). With the fix it waits for those who hold
// completion_lock, whether they have a reference or not, before it takes anything apart.
func (ctx *ioRingCtx) ioRingCtxFree(t *schedule.Thread) {
	if ctx.Has(get | tryGet) {
		ctx.completionLock.LockIrq(t)
		ctx.completionLock.UnlockIrq(t)
	}
	ctx.ioReqCachesFree(t)
	slab.Free(t, "kfree", ctx)
}

// ioReqCachesFree is io_req_caches_free(). So the ring itself is not freed before an unlock of
// completion_lock, with the fix or without.
func (ctx *ioRingCtx) ioReqCachesFree(t *schedule.Thread) {
	ctx.completionLock.LockIrq(t)
	list.SpliceInit(t, &ctx.lockedFreeList, &ctx.freeList)
	ctx.completionLock.UnlockIrq(t)
	for req := ctx.freeList.FirstEntry(t); req != nil; req = ctx.freeList.FirstEntry(t) {
		ctx.freeList.Del(t, req) // io_req_cache_free
		slab.Free(t, "kmem_cache_free", req)
	}
}
