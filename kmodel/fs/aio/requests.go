package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// ioSubmit is io_submit() with one iocb. cancellable says whether the driver calls
// kiocb_set_cancel_fn().
func (mm *mmStruct) ioSubmit(t *schedule.Thread, cookie int, cancellable bool) {
	ctx := mm.lookupIoctx(t, cookie)
	if ctx == nil {
		return // -EINVAL
	}
	req := mm.aioGetReq(t, ctx)
	preempt.MightSleep(t, "put_user") // KIOCB_KEY
	if cancellable {
		req.kiocbSetCancelFn(t)
	}
	mm.device.submit(t, req)
	if mm.Has(lastPutCompletes) {
		req.iocbPut(t)
	}
	ctx.users.Put(t)
}

// aioGetReq is aio_get_req().
func (mm *mmStruct) aioGetReq(t *schedule.Thread, ctx *kioctx) *aioKiocb {
	req := mm.reqCache.Alloc(t)
	ctx.reqs.Get(t)
	req.kiCtx.Init(ctx)
	req.kiRefcnt.Init(2)
	return req
}

// kiocbSetCancelFn is kiocb_set_cancel_fn(). The driver calls it before it starts the
// IO.
func (req *aioKiocb) kiocbSetCancelFn(t *schedule.Thread) {
	ctx := req.kiCtx.Peek()
	ctx.ctxLock.LockIrq(t)
	ctx.activeReqs.Add(t, req)
	req.kiCancel.Set(t, cancelFn)
	ctx.ctxLock.UnlockIrq(t)
}

// kiocbCancel is kiocb_cancel(), with ctx_lock held. What a driver's cancel function
// does is to have the device complete the request soon; it may do that at any time
// anyway. It reports whether there was anything to cancel.
func (req *aioKiocb) kiocbCancel(t *schedule.Thread) bool {
	for cancel := req.kiCancel.Read(t); cancel == cancelFn; {
		old := cancel
		if cancel = req.kiCancel.Cmpxchg(t, old, cancelled); cancel == old {
			return true
		}
	}
	return false
}

// ioCancel is io_cancel() of whichever request is first.
func (mm *mmStruct) ioCancel(t *schedule.Thread, cookie int) {
	ctx := mm.lookupIoctx(t, cookie)
	if ctx == nil {
		return // -EINVAL
	}
	ctx.ctxLock.LockIrq(t)
	if req := ctx.activeReqs.FirstEntry(t); req != nil { // lookup_kiocb
		req.kiocbCancel(t)
		if ctx.Has(emptyTest) {
			ctx.activeReqs.DelInit(t, req)
		}
	}
	ctx.ctxLock.UnlockIrq(t)
	ctx.users.Put(t)
}

// aioComplete is aio_complete(), in interrupt context. Since 4.18 it begins with
// aio_complete_rw().
func (s *system) aioComplete(t *schedule.Thread, req *aioKiocb) {
	ctx := req.kiCtx.Read(t)
	if req.onList_(t) {
		ctx.ctxLock.LockIrq(t)
		ctx.activeReqs.Del(t, req)
		ctx.ctxLock.UnlockIrq(t)
	}
	if s.Has(lastPutCompletes) {
		req.iocbPut(t)
		return
	}
	ctx.addEvent_(t)
	slab.Free(t, "kiocb_free", req)
	ctx.wakeUpWaiters_(t)
	ctx.reqs.Put(t)
}

// iocbPut is iocb_put(), since 5.1.
func (req *aioKiocb) iocbPut(t *schedule.Thread) {
	if req.kiRefcnt.DecAndTest(t) {
		req.aioComplete(t)
		req.kiCtx.Peek().reqs.Put(t) // iocb_destroy
		slab.Free(t, "kmem_cache_free", req)
	}
}

// aioComplete is aio_complete(), since 5.1.
func (req *aioKiocb) aioComplete(t *schedule.Thread) {
	ctx := req.kiCtx.Peek() // iocb_put has touched the request
	ctx.addEvent_(t)
	ctx.wakeUpWaiters_(t)
}

func (ctx *kioctx) addEvent_(t *schedule.Thread) {
	ctx.completionLock.LockIrq(t)
	ctx.tail.Write(t, ctx.tail.Peek()+1) // only written under completion_lock
	ctx.completionLock.UnlockIrq(t)
}

func (ctx *kioctx) wakeUpWaiters_(t *schedule.Thread) {
	if ctx.wait.HasSleeper(t) {
		ctx.wait.WakeUp(t)
	}
}

// onList_ is how aio_complete finds out, without a lock, whether it must take the request
// off active_reqs. That the request has been there is true for ever, so that whoever took
// it off meanwhile has given ctx_lock back before the request is freed. That it is there
// still is not. (It is list_empty_careful(), up to 5.8 a plain load.)
func (req *aioKiocb) onList_(t *schedule.Thread) bool {
	if req.kiCtx.Peek().Has(emptyTest) {
		return !req.kiList.Empty(t)
	}
	return req.kiList.Linked(t)
}

// ioGetevents is io_getevents(): read what is there, and if that is less than minNr,
// sleep until it is not, or until the context dies.
func (mm *mmStruct) ioGetevents(t *schedule.Thread, cookie, minNr int) {
	ctx := mm.lookupIoctx(t, cookie)
	if ctx == nil {
		return // -EINVAL
	}
	ctx.readEvents(t, minNr)
	ctx.users.Put(t)
}

// readEvents is read_events(): a timeout of 0 if minNr is 0, else none.
func (ctx *kioctx) readEvents(t *schedule.Thread, minNr int) {
	got := 0
	waitEvent_(t, &ctx.wait, func() bool { return ctx.aioReadEvents(t, &got, minNr) })
}

// waitEvent_ is wait_event_interruptible(), without the last test after a signal: see
// eventRing.readEvents.
func waitEvent_(t *schedule.Thread, q *wait.Queue, condition func() bool) {
	if condition() {
		return // it tests once before it queues itself
	}
	for {
		q.PrepareToWait(t, wait.TaskInterruptible)
		if condition() || !wait.Schedule(t) {
			break
		}
	}
	q.FinishWait(t)
}

// aioReadEvents is aio_read_events(): the condition of the wait. It adds what it read
// to got, and reports whether to stop. It may sleep (ring_lock is a mutex) although it
// is a wait condition: then the kernel's task is running again and its wait goes round
// once more, where the model's sleeps. A wake-up in between is lost in neither.
func (ctx *kioctx) aioReadEvents(t *schedule.Thread, got *int, minNr int) bool {
	*got += ctx.aioReadEventsRing(t)
	if ctx.dead.Read(t) != 0 {
		return true // -EINVAL
	}
	return *got >= minNr
}

// aioReadEventsRing is aio_read_events_ring().
func (ctx *kioctx) aioReadEventsRing(t *schedule.Thread) int {
	ctx.ringLock.Lock(t)
	head := ctx.head.Read(t)
	n := ctx.tail.Read(t) - head
	if ctx.Has(drains) {
		mem.SmpRmb(t) // before the events, and what the caller loads
	}
	if n > 0 {
		preempt.MightSleep(t, "copy_to_user")
		ctx.head.Write(t, head+n)
	}
	ctx.ringLock.Unlock(t)
	return n
}
