package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// This file is how io_getevents waits since 6.8 (71eb6b6b0ba9): who waits says for how many events,
// and aio_complete wakes him when there are so many, in a loop of its own. It took him off the
// queue and then woke him. But finish_wait() of who finds himself off the queue takes no lock: he
// returns, and what he had on the queue, on his stack, is gone when he is to be woken.
// caeb4b0a11b3 (6.9, CVE-2024-35874) wakes him first.
//
// The code follows 6.13.2 and 6.8. Nobody destroys the context here.

// wakeFirst is caeb4b0a11b3.
const wakeFirst program.Changes = 1

var getevents68 = program.Model[*kioctx68]{
	Object: "fs/aio",
	Variants: []program.Variant{
		{Name: "6.8", Versions: "6.8",
			About: "71eb6b6b0ba9: aio_complete takes who waits off the queue, and then wakes him"},
		{Name: "6.9", Versions: "6.9-6.18", Changes: wakeFirst,
			About: "caeb4b0a11b3: it wakes him first"},
	},
	Scenarios: []program.Scenario[*kioctx68]{
		{Name: "io_getevents-vs-aio_complete", New: (*kioctx68).instance},
	},
	Expected: program.Table{
		"io_getevents-vs-aio_complete": {"6.8": {program.Fails(schedule.UseAfterFree, 2)}},
	},
	System: newKioctx68,
}

// kioctx68 is struct kioctx, as far as events go.
type kioctx68 struct {
	schedule.Object
	ringLock       mutex.Mutex
	wait           wait.Head[*aioWaiter]
	completionLock spin.Lock
	tail           mem.Int // events written
	head           mem.Int // events read

	program.Changes
	waiters *slab.Cache[aioWaiter, *aioWaiter]
	reqs    *slab.Cache[aioKiocb, *aioKiocb]
	device  device
}

// aioWaiter is struct aio_waiter: on the stack of who waits.
type aioWaiter struct {
	schedule.Object
	w       wait.Entry[*aioWaiter]
	private mem.Int // w.private: the number of the task
	minNr   mem.Int
	ctx     *kioctx68
}

// WaitEntry implements [wait.Waiter].
func (w *aioWaiter) WaitEntry() *wait.Entry[*aioWaiter] { return &w.w }

// aioComplete is aio_complete(), with the end of iocb_put().
func (ctx *kioctx68) aioComplete(t *schedule.Thread, req *aioKiocb) {
	ctx.completionLock.LockIrq(t)
	tail := ctx.tail.Peek() + 1 // only written under completion_lock
	head := ctx.head.Read(t)
	ctx.tail.Write(t, tail)
	ctx.completionLock.UnlockIrq(t)
	mem.SmpMb(t)
	if ctx.wait.Active(t) {
		ctx.wait.Lock.LockIrq(t)
		ctx.wait.WakeUpLocked(t, 0, tail-head)
		ctx.wait.Lock.UnlockIrq(t)
	}
	slab.Free(t, "kmem_cache_free", req) // iocb_destroy
}

// wakeIfEnough_ is the inside of the loop in aio_complete().
func (w *aioWaiter) wakeIfEnough_(t *schedule.Thread, avail int) int {
	switch {
	case avail < w.minNr.Read(t):
	case w.ctx.Has(wakeFirst):
		w.wakeTask_(t)
		wait.DelInit(t, w)
	default:
		wait.DelInit(t, w)
		w.wakeTask_(t)
	}
	return 0
}

// wakeTask_ is wake_up_process(curr->w.private).
func (w *aioWaiter) wakeTask_(t *schedule.Thread) {
	task := w.private.Read(t)
	wait.DefaultWakeFunction(t, t.Exec().Threads()[task], wait.TaskNormal)
}

// readEvents is read_events() without a timeout.
func (ctx *kioctx68) readEvents(t *schedule.Thread, minNr int) {
	got := ctx.aioReadEventsRing(t)
	if got >= minNr {
		return
	}
	w := ctx.waiters.AllocAtomic(t)
	w.private.Init(t.ID)
	for {
		before := got
		w.minNr.Write(t, minNr-got)
		signal := !ctx.prepareToWaitEvent(t, w)
		if got += ctx.aioReadEventsRing(t); got >= minNr || signal {
			break
		}
		if got == before {
			wait.Schedule(t)
		}
	}
	ctx.finishWait(t, w)
	t.Free(&w.Object) // the stack frame is gone
}

// prepareToWaitEvent is prepare_to_wait_event(). It reports false if there is a signal.
func (ctx *kioctx68) prepareToWaitEvent(t *schedule.Thread, w *aioWaiter) bool {
	ctx.wait.Lock.LockIrq(t)
	signal := wait.SignalPending(t)
	switch queued := !w.w.Empty(t); {
	case signal && queued:
		wait.DelInit(t, w)
	case !signal && !queued:
		ctx.wait.AddLocked(t, w)
	}
	if !signal {
		wait.SetCurrentState(t, wait.TaskInterruptible)
	}
	ctx.wait.Lock.UnlockIrq(t)
	return !signal
}

// finishWait is finish_wait().
func (ctx *kioctx68) finishWait(t *schedule.Thread, w *aioWaiter) {
	wait.SetCurrentState(t, wait.TaskRunning)
	if !w.w.EmptyCareful(t) {
		ctx.wait.Lock.LockIrq(t)
		wait.DelInit(t, w)
		ctx.wait.Lock.UnlockIrq(t)
	}
}

// aioReadEventsRing is aio_read_events_ring().
func (ctx *kioctx68) aioReadEventsRing(t *schedule.Thread) int {
	ctx.ringLock.Lock(t)
	head := ctx.head.Read(t)
	n := ctx.tail.Read(t) - head
	mem.SmpRmb(t) // before the events
	if n > 0 {
		ctx.head.Write(t, head+n)
	}
	ctx.ringLock.Unlock(t)
	return n
}

// newKioctx68 makes the context and its caches.
func newKioctx68(c program.Changes) *kioctx68 {
	ctx := &kioctx68{Changes: c}
	ctx.Bind(ctx, "ctx")
	ctx.waiters = slab.NewCache("w", func(w *aioWaiter) {
		w.ctx = ctx
		w.SetOnStack()
		w.w.InitFunc(w.wakeIfEnough_)
	})
	ctx.reqs = slab.NewCache[aioKiocb]("req", nil)
	ctx.device.complete = ctx.aioComplete
	return ctx
}

// instance is who waits for one event against the request that brings it.
func (ctx *kioctx68) instance() program.Instance {
	getevents := func(t *schedule.Thread) { ctx.readEvents(t, 1) }
	begin := func(e *schedule.Exec) {
		e.Static(&ctx.Object, 0)
		e.Go("io_getevents", getevents)
		ctx.device.boot(e, nil)
		ctx.device.queue.PushBoot(ctx.reqs.AllocBoot(e))
	}
	return program.Instance{Begin: begin, Abstract: ctx.abstract}
}

// abstract gives a word: how far the event is, and who waits.
func (ctx *kioctx68) abstract(_ *schedule.Exec, hit func(uint64)) {
	w := addCounts(1, ctx.tail.Peek(), ctx.head.Peek())
	hit(program.Word(int(w), ctx.wait.Peek() != nil))
}
