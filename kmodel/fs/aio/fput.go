package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mm"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// This file is how fs/aio.c of 3.3 gives back the file of a request. Where that is the
// last reference to the file, fput() sleeps, and a request is completed in an interrupt:
// so the request goes on a list, and a work item does the rest. The story is in
// aioFputRoutine.

// file is struct file, as far as its count goes.
type file struct {
	schedule.Object
	fCount atomic.Int
}

// fputAtomic is fput_atomic(): drop a reference unless it is the last.
func (f *file) fputAtomic(t *schedule.Thread) bool { return f.fCount.AddUnless(t, -1, 1) }

// fput is fput(), which may sleep.
func (f *file) fput(t *schedule.Thread) {
	preempt.MightSleep(t, "fput")
	if f.fCount.DecAndTest(t) {
		slab.Free(t, "__fput", f)
	}
}

// fputs is the static variables of fs/aio.c that have to do with it.
type fputs struct {
	schedule.Object
	fputLock spin.Lock
	fputHead list.Head[*aioKiocb]
	fputWork workqueue.Work
}

// fputLater_ is the part of __aio_put_req() that leaves the last reference to the file
// to aio_fput_routine. In 3.3-rc the request takes a reference to its context along.
func (ctx *listKioctx) fputLater_(t *schedule.Thread, req *aioKiocb) {
	if !ctx.Has(fputNoRef) {
		ctx.getIoctx(t)
	}
	ctx.fputLock.Lock(t)
	ctx.fputHead.Add(t, req)
	ctx.fputLock.Unlock(t)
	workqueue.ScheduleWork(t, &ctx.fputWork)
}

// aioFputRoutine is aio_fput_routine(). The request pins its context until it is counted
// off, in really_put_req(): until then nobody passes wait_for_all_aios(). So what is done
// after that with a reference of one's own may be done to a context that everybody else
// has left, and the last reference unmaps the ring: at any time, of an mm that is being
// taken down. And without a reference the context may go away while its lock is given
// back, unless RCU keeps it.
//
// Up to 3.6 the item could run on two CPUs at once, and here there is one kworker. Two runs
// never have the same request, which fput_lock sees to; and aio_get_req() runs the function
// beside the worker.
func (era *era33) aioFputRoutine(t *schedule.Thread) {
	era.fputLock.LockIrq(t)
	for req := era.fputHead.FirstEntry(t); req != nil; req = era.fputHead.FirstEntry(t) {
		ctx := req.kiListCtx.Read(t)
		era.fputHead.Del(t, req)
		era.fputLock.UnlockIrq(t)
		req.kiFilp.Peek().fput(t)
		ctx.fputDone_(t, req)
		era.fputLock.LockIrq(t)
	}
	era.fputLock.UnlockIrq(t)
}

// fputDone_ is what aio_fput_routine does with the context of a request.
func (ctx *listKioctx) fputDone_(t *schedule.Thread, req *aioKiocb) {
	if ctx.Has(putFirst) {
		ctx.putIoctx(t)
	}
	if ctx.Has(fputRcu) {
		rcu.ReadLock(t)
	}
	ctx.ctxLock.LockIrq(t)
	ctx.reallyPutReq(t, req)
	ctx.ctxLock.UnlockIrq(t)
	if ctx.Has(fputRcu) {
		rcu.ReadUnlock(t)
	}
	if !ctx.Has(fputNoRef | putFirst) {
		ctx.putIoctx(t)
	}
}

// fget_ is the beginning of io_submit_one(): the request gets a reference to the file that
// user space names. Where the ring looks full, aio_get_req() runs aio_fput_routine itself.
func (era *era33) fget_(t *schedule.Thread, req *aioKiocb) {
	f := era.fd[t.ID]
	f.fCount.Inc(t) // fget: the caller's table has one
	req.kiFilp.Init(f)
	if era.full[t.ID] {
		era.aioFputRoutine(t)
	}
}

// mapRing_ is aio_setup_ring(), and the reference to the mm that ioctx_alloc takes.
func (ctx *listKioctx) mapRing_(t *schedule.Thread) {
	ctx.vm.MmCount.Inc(t)
	ctx.vm.MmapSem.DownWrite(t)
	ctx.rest.DoMmap(t, ctx.vm, ctx.userID.Peek())
	ctx.vm.MmapSem.UpWrite(t)
}

// unmapRing_ is the end of aio_free_ring(). 3.3 unmaps from the mm of the context,
// whoever it is that drops the last reference.
func (ctx *listKioctx) unmapRing_(t *schedule.Thread) {
	if ctx.Has(currentUnmaps) {
		ctx.bugOn_(t, t.IsAgent()) // ctx->mm != current->mm, and a kworker has none
	}
	ctx.vm.MmapSem.DownWrite(t)
	ctx.rest.DoMunmap(t, ctx.vm, ctx.userID.Peek())
	ctx.vm.MmapSem.UpWrite(t)
}

// mmput is mmput(): the last user of the mm takes it down.
func (mm *listMM) mmput(t *schedule.Thread) {
	preempt.MightSleep(t, "mmput")
	if mm.vm.MmUsers.DecAndTest(t) {
		mm.exitAio(t)
		mm.rest.ExitMmap(t, mm.vm)
		mm.vm.Mmdrop(t)
	}
}

// Rest is what the programs of this package need from other files of the kernel. Objects
// do not import each other, so whoever lists the programs brings it.
type Rest struct {
	DoMmap     func(t *schedule.Thread, mm *mm.Struct, addr int)
	DoMunmap   func(t *schedule.Thread, mm *mm.Struct, addr int)
	ExitMmap   func(t *schedule.Thread, mm *mm.Struct)
	DoCoredump func(t *schedule.Thread, mm *mm.Struct)
	ExitMm     func(t *schedule.Thread, mm *mm.Struct)
}
