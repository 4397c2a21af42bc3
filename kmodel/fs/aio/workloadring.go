package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload of the ring has.
const (
	ringThreads = 3
	ringCalls   = 2
	ringEvents  = ringThreads * ringCalls
)

// What a thread does in a call.
const (
	callRingGetevents = iota // io_getevents
	callRingSubmit           // io_submit of what the device does, as with O_DIRECT
	callRingBuffered         // io_submit of what is done when it returns, as a buffered read is
	numRingCalls
)

// A ringCall is a system call with those of its arguments that matter.
type ringCall struct{ kind, minNr, nr int }

// ringWorkload is a program whose threads and calls the tape chooses before the schedule: 2 or 3
// tasks with 1 or 2 calls each, on one context. Requests of the device complete in an interrupt,
// which comes on a CPU of its own or on that of the first task.
type ringWorkload struct {
	*eventRing
	*program.Workload[ringCall]
}

func newRingWorkload(s *eventRing) program.Instance {
	w := &ringWorkload{eventRing: s}
	w.Workload = program.NewWorkload(ringThreads, ringCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *ringWorkload) begin(e *schedule.Exec) {
	w.BootGlobals(e)
	threads := w.Threads(e)
	interrupts := w.Choose(e, 2) == 1
	for i := range threads {
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = w.chooseCall(e)
		}
		w.Go(e, i)
	}
	var cpu *schedule.CPU
	if interrupts {
		cpu = e.Threads()[0].CPU()
	}
	w.device.boot(e, cpu)
}

// chooseCall chooses a call: io_getevents of one event or two, which waits for none of them, for
// one, or for both.
func (w *ringWorkload) chooseCall(e *schedule.Exec) ringCall {
	c := ringCall{kind: w.Choose(e, numRingCalls)}
	if c.kind == callRingGetevents {
		c.nr = 1 + w.Choose(e, 2)
		c.minNr = w.Choose(e, c.nr+1)
	}
	return c
}

// run_ makes the calls of a thread.
func (w *ringWorkload) run_(t *schedule.Thread, _ int, calls []ringCall) {
	for j, c := range calls {
		switch c.kind {
		case callRingGetevents:
			w.readEvents(t, c.minNr, c.nr)
		case callRingSubmit:
			w.device.submit(t, w.reqs.Alloc(t))
		case callRingBuffered:
			w.aioComplete(t, w.reqs.Alloc(t)) // aio_run_iocb
		}
		t.SignalHandled()
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
}

// readEvents is read_events() without a timeout. After a signal the kernel tests once more before it
// leaves (___wait_event()), and mutex_lock() in a test may leave the task running, so that schedule()
// returns at once. Neither is here, and neither changes a verdict.
func (s *eventRing) readEvents(t *schedule.Thread, minNr, nr int) {
	got := 0
	waitEvent_(t, &s.ctx.wait, func() bool { return s.aioReadEvents(t, &got, minNr, nr) })
}

// aioReadEvents is aio_read_events(). It adds to got, and reports whether that is enough.
func (s *eventRing) aioReadEvents(t *schedule.Thread, got *int, minNr, nr int) bool {
	*got += s.aioReadEventsRing(t, nr-*got)
	return *got >= minNr
}

// abstract gives the Go fuzzer a word for the ring: how many events it has, and what is locked.
func (s *eventRing) abstract(_ *schedule.Exec, hit func(uint64)) {
	hit(program.Word(min(s.ring.tail.Peek()-s.ring.head.Peek(), 3), s.ctx.ringLock.IsLocked(),
		s.ctx.completionLock.IsLocked()))
}
