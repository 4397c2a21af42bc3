package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// ioSubmit is io_submit() with one iocb.
func (mm *listMM) ioSubmit(t *schedule.Thread, cookie int, cancellable bool) {
	ctx := mm.lookupIoctx(t, cookie)
	if ctx == nil {
		return // -EINVAL
	}
	req := mm.reqCache.Alloc(t)
	if mm.Has(filesAndRings) {
		mm.fget_(t, req)
	}
	ctx.aioGetReq(t, req, cancellable)
	if ctx.submitDead_(t) {
		ctx.aioPutReq(t, req, 2) // the submitter's reference and that of the IO
	} else {
		mm.device.submit(t, req)
		ctx.aioPutReq(t, req, 1)
	}
	ctx.putIoctx(t)
}

// aioGetReq is aio_get_req(). Requests of those years are all on active_reqs; whether
// they can be cancelled is the driver's business.
func (ctx *listKioctx) aioGetReq(t *schedule.Thread, req *aioKiocb, cancellable bool) {
	req.kiListCtx.Init(ctx)
	req.kiUsers.Init(2)
	if cancellable {
		req.kiCancel.Init(cancelFn)
	}
	if ctx.Has(refcounting) {
		ctx.reqsActive.Inc(t)
		if !cancellable {
			return
		}
	}
	ctx.ctxLock.LockIrq(t)
	ctx.activeReqs.Add(t, req)
	if !ctx.Has(refcounting) {
		ctx.reqsActive.Set(t, ctx.reqsActive.Peek()+1) // only changes under ctx_lock
	}
	ctx.ctxLock.UnlockIrq(t)
}

// submitDead_ is the test of io_submit_one() whether the context has died since it was
// looked up (7137c6bd, 2.6.38). Without it the request starts after io_destroy has
// waited for all requests.
func (ctx *listKioctx) submitDead_(t *schedule.Thread) bool {
	if !ctx.Has(submitDeadTest) {
		return false
	}
	ctx.ctxLock.LockIrq(t)
	dead := ctx.dead.Read(t) != 0
	ctx.ctxLock.UnlockIrq(t)
	return dead
}

// aioPutReq is aio_put_req(), n times. In 3.10 it needs no lock.
func (ctx *listKioctx) aioPutReq(t *schedule.Thread, req *aioKiocb, n int) {
	if ctx.Has(refcounting) {
		if req.kiUsers.SubAndTest(t, n) {
			slab.Free(t, "kiocb_free", req)
		}
		return
	}
	ctx.ctxLock.LockIrq(t)
	ctx.__aioPutReq(t, req, n)
	ctx.ctxLock.UnlockIrq(t)
}

// __aioPutReq is __aio_put_req(), with ctx_lock held.
func (ctx *listKioctx) __aioPutReq(t *schedule.Thread, req *aioKiocb, n int) {
	if !req.kiUsers.SubAndTest(t, n) {
		return
	}
	ctx.activeReqs.Del(t, req)
	if ctx.Has(filesAndRings) && !req.kiFilp.Peek().fputAtomic(t) {
		ctx.fputLater_(t, req)
		return
	}
	ctx.reallyPutReq(t, req)
}

// reallyPutReq is really_put_req().
func (ctx *listKioctx) reallyPutReq(t *schedule.Thread, req *aioKiocb) {
	slab.Free(t, "kmem_cache_free", req)
	left := ctx.reqsActive.Peek() - 1 // only changes under ctx_lock
	ctx.reqsActive.Set(t, left)
	if left == 0 && ctx.dead.Read(t) != 0 {
		ctx.wakeUpDead_(t)
	}
}

// aioComplete is aio_complete(), in interrupt context.
func (mm *listMM) aioComplete(t *schedule.Thread, req *aioKiocb) {
	ctx := req.kiListCtx.Read(t)
	if mm.Has(refcounting) {
		ctx.aioComplete310_(t, req)
		return
	}
	reader := mm.Has(locklessWait) && mm.Has(fputRcu)
	if reader {
		rcu.ReadLock(t)
	}
	ctx.ctxLock.LockIrq(t)
	ctx.tail.Write(t, ctx.tail.Peek()+1) // only changes under ctx_lock
	ctx.__aioPutReq(t, req, 1)
	if ctx.wait.HasSleeper(t) {
		ctx.wait.WakeUp(t)
	}
	ctx.ctxLock.UnlockIrq(t)
	if reader {
		rcu.ReadUnlock(t)
	}
}

// aioComplete310_ is aio_complete() of 3.10. The read-side section keeps the context
// for the wake-up that comes after the request has been counted off. A request that was
// cancelled has no event, and 3.10.65 counts it off twice: see cancelOnce.
func (ctx *listKioctx) aioComplete310_(t *schedule.Thread, req *aioKiocb) {
	rcu.ReadLock(t)
	if req.kiList.Linked(t) {
		ctx.ctxLock.LockIrq(t)
		ctx.activeReqs.Del(t, req)
		ctx.ctxLock.UnlockIrq(t)
	}
	if req.kiCancel.Xchg(t, cancelled) != cancelled {
		ctx.completionLock.LockIrq(t)
		ctx.tail.Write(t, ctx.tail.Peek()+1) // only changes under completion_lock
		ctx.completionLock.UnlockIrq(t)
	} else if !ctx.Has(cancelOnce) {
		ctx.reqsActive.Dec(t)
	}
	ctx.aioPutReq(t, req, 1)
	ctx.reqsActive.Dec(t)
	if ctx.wait.HasSleeper(t) {
		ctx.wait.WakeUp(t)
	}
	rcu.ReadUnlock(t)
}

// ioCancel is io_cancel() of whichever request is first.
func (mm *listMM) ioCancel(t *schedule.Thread, cookie int) {
	ctx := mm.lookupIoctx(t, cookie)
	if ctx == nil {
		return // -EINVAL
	}
	ctx.ctxLock.LockIrq(t)
	if req := ctx.activeReqs.FirstEntry(t); req != nil { // lookup_kiocb
		req.kiocbCancel(t)
	}
	ctx.ctxLock.UnlockIrq(t)
	ctx.putIoctx(t)
}

// ioGetevents is io_getevents().
func (mm *listMM) ioGetevents(t *schedule.Thread, cookie, minNr int) {
	ctx := mm.lookupIoctx(t, cookie)
	if ctx == nil {
		return // -EINVAL
	}
	ctx.readEvents(t, minNr)
	ctx.putIoctx(t)
}

// readEvents is read_events(): without sleeping if minNr is 0, else for as long as it
// takes, or until the context dies.
func (ctx *listKioctx) readEvents(t *schedule.Thread, minNr int) {
	if ctx.Has(refcounting) {
		ctx.readEvents310_(t, minNr)
		return
	}
	for got := ctx.aioReadEvt(t); got < minNr; {
		ctx.wait.AddWaitQueueExclusive(t)
		n := ctx.waitForEvents_(t)
		wait.SetCurrentState(t, wait.TaskRunning)
		ctx.wait.RemoveWaitQueue(t)
		if n == 0 {
			return
		}
		got += n
	}
}

// waitForEvents_ is the inner loop of read_events(). It returns how many events it has read, 0
// if the context has died or there was a signal.
func (ctx *listKioctx) waitForEvents_(t *schedule.Thread) int {
	for {
		wait.SetCurrentState(t, wait.TaskInterruptible)
		if n := ctx.aioReadEvt(t); n > 0 || ctx.dead.Read(t) != 0 || !wait.Schedule(t) {
			return n
		}
	}
}

// aioReadEvt is aio_read_evt(), as often as there are events.
func (ctx *listKioctx) aioReadEvt(t *schedule.Thread) int {
	if ctx.head.Read(t) == ctx.tail.Read(t) {
		return 0
	}
	ctx.ringInfoLock.Lock(t)
	n := ctx.readRing_(t)
	ctx.ringInfoLock.Unlock(t)
	return n
}

// readRing_ takes all events from the ring, with its lock.
func (ctx *listKioctx) readRing_(t *schedule.Thread) int {
	head := ctx.head.Read(t)
	n := ctx.tail.Read(t) - head
	if n > 0 {
		ctx.head.Write(t, head+n)
	}
	return n
}

// readEvents310_ is read_events() of 3.10, which is what kioctx.readEvents is.
func (ctx *listKioctx) readEvents310_(t *schedule.Thread, minNr int) {
	got := 0
	waitEvent_(t, &ctx.wait, func() bool { return ctx.aioReadEvents(t, &got, minNr) })
}

// aioReadEvents is aio_read_events() of 3.10.
func (ctx *listKioctx) aioReadEvents(t *schedule.Thread, got *int, minNr int) bool {
	*got += ctx.aioReadEventsRing(t)
	return ctx.dead.Read(t) != 0 || *got >= minNr
}

// aioReadEventsRing is aio_read_events_ring() of 3.10.
func (ctx *listKioctx) aioReadEventsRing(t *schedule.Thread) int {
	ctx.ringLock.Lock(t)
	n := ctx.readRing_(t)
	ctx.ringLock.Unlock(t)
	return n
}
