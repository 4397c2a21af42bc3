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

// This file is the ring of events, as far as barriers go. aio_complete() writes an event and then
// the tail, under completion_lock; who reads events has ring_lock, or is user space and has none.
// What keeps the two stores in order for him is smp_wmb(), and what keeps his loads of the two in
// order is smp_rmb(), which came with 3.17 (2ff396be602f).
//
// The code follows 3.16 and 3.17.0. Not modelled: that the ring is full, or begins again at its
// first slot (the smallest has more slots than there are requests here), the references to the
// context, which nobody destroys, and readers in user space.

// What a variant has of the two.
const (
	// eventVisible is smp_wmb() in aio_complete(): the event is there before the tail says so.
	eventVisible program.Changes = 1 << iota
	// tailFirst is 2ff396be602f, smp_rmb() in aio_read_events_ring(): the tail is loaded before an
	// event. In the same release aio_complete() began to load the head, to count what is free.
	tailFirst
)

var rings = program.Model[*eventRing]{
	Object: "fs/aio",
	Variants: []program.Variant{
		{Name: "3.16", Versions: "3.12-3.16", Changes: eventVisible,
			About: "smp_wmb() between an event and the tail; it takes loads that reorder to fail"},
		{Name: "3.17", Versions: "3.17-6.18", Changes: eventVisible | tailFirst,
			About: "2ff396be602f: smp_rmb() between the loads of the two"},
		{Name: "m5", Versions: "mutant", Changes: tailFirst,
			About: "3.17 without smp_wmb(), which takes store buffers that reorder to fail"},
		{Name: "3.17-pso", Versions: "3.17-6.18", Changes: eventVisible | tailFirst,
			About: "3.17 with store buffers that reorder"},
		{Name: "m5-pso", Versions: "mutant", Changes: tailFirst,
			About: "m5 with store buffers that reorder"},
		{Name: "3.16-rmo", Versions: "3.12-3.16", Changes: eventVisible,
			About: "3.16 with store buffers and loads that reorder"},
		{Name: "3.17-rmo", Versions: "3.17-6.18", Changes: eventVisible | tailFirst,
			About: "3.17 with store buffers and loads that reorder"},
	},
	Scenarios: []program.Scenario[*eventRing]{
		{Name: "aio_read_events_ring-vs-aio_complete", New: readVsComplete},
	},
	Workloads: []program.Scenario[*eventRing]{{Name: "ring-workload", New: newRingWorkload}},
	Expected: program.Table{
		"aio_read_events_ring-vs-aio_complete": {
			"m5-pso":   {program.Fails(schedule.LostUpdate, 0)},
			"3.16-rmo": {program.Fails(schedule.LostUpdate, 1)},
		},
		"ring-workload": {
			"m5-pso":   {program.Fails(schedule.LostUpdate, 0)},
			"3.16-rmo": {program.Fails(schedule.LostUpdate, 1)},
		},
	},
	System: newEventRing,
}

// eventRing is struct kioctx with the first page of struct aio_ring.
type eventRing struct {
	program.Changes
	program.Globals
	ctx    ringCtx
	ring   aioRing
	reqs   *slab.Cache[aioKiocb, *aioKiocb]
	device device
}

type ringCtx struct {
	schedule.Object
	ringLock       mutex.Mutex
	completionLock spin.Lock
	tail           mem.Int
	wait           wait.Queue
}

type aioRing struct {
	schedule.Object
	head, tail mem.Int
	ioEvents   [ringEvents]mem.Int // 0: as before, else the number of the event
}

func newEventRing(c program.Changes) *eventRing {
	s := &eventRing{Changes: c}
	s.Global(&s.ctx, "ctx")
	s.Global(&s.ring, "ring")
	s.reqs = slab.NewCache[aioKiocb]("req", nil)
	s.device.complete = s.aioComplete
	return s
}

// readVsComplete is who reads events against two requests that complete.
func readVsComplete(s *eventRing) program.Instance {
	const events = 2
	complete := func(t *schedule.Thread) {
		for range events {
			s.aioComplete(t, nil)
		}
	}
	read := func(t *schedule.Thread) { s.aioReadEventsRing(t, events) }
	return program.Instance{Begin: func(e *schedule.Exec) {
		s.BootGlobals(e)
		e.Go("io_getevents", read)
		e.Go("kworker", complete)
	}}
}

// aioComplete is aio_complete(). Without a request, where nobody waits, it ends with the unlock.
func (s *eventRing) aioComplete(t *schedule.Thread, req *aioKiocb) {
	s.ctx.completionLock.LockIrq(t)
	tail := s.ctx.tail.Read(t)
	s.ring.ioEvents[tail].Write(t, tail+1)
	if s.Has(eventVisible) {
		mem.SmpWmb(t)
	}
	s.ctx.tail.Write(t, tail+1)
	if s.Has(tailFirst) {
		s.ring.head.Read(t)
	}
	s.ring.tail.Write(t, tail+1)
	s.ctx.completionLock.UnlockIrq(t)
	if req == nil {
		return
	}
	slab.Free(t, "kiocb_free", req)
	if s.ctx.wait.HasSleeper(t) { // behind smp_mb()
		s.ctx.wait.WakeUp(t)
	}
}

// aioReadEventsRing is aio_read_events_ring(), of nr events at most. No check of the kernel sees
// that an event is not there: io_getevents() returns what was in its place.
func (s *eventRing) aioReadEventsRing(t *schedule.Thread, nr int) int {
	s.ctx.ringLock.Lock(t)
	head := s.ring.head.Read(t)
	tail := s.ring.tail.Read(t)
	if s.Has(tailFirst) {
		mem.SmpRmb(t)
	}
	n := min(tail-head, nr)
	for pos := head; pos < head+n; pos++ {
		if s.ring.ioEvents[pos].Read(t) == 0 {
			t.Fail(schedule.LostUpdate, &s.ring.Object, schedule.Party{},
				"an event that has not been written is read")
		}
	}
	if head != tail {
		s.ring.head.Write(t, head+n)
	}
	s.ctx.ringLock.Unlock(t)
	return n
}
