package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads  = 4
	maxCalls    = 4
	maxContexts = 3
)

// callKind is a system call with those of its arguments that matter.
type callKind uint8

const (
	callGetevents callKind = iota // io_getevents, no waiting
	callDestroy
	callSubmit
	callCancel
	callSetup
	callGeteventsWait // io_getevents, until there is an event
	callSubmitCancel  // io_submit of a request that can be cancelled
	numCalls
)

type call struct {
	kind   callKind
	cookie int
}

// workload is a program whose threads and system calls the tape chooses before the
// schedule: 2 to 4 threads with 1 to 4 calls each, over up to 3 contexts, of which
// some are there from the start. In the end the mm may exit. What the calls do to each
// other is up to the schedule; what comes of it must be right whatever they are.
//
// The table is as small as can be, so that io_setup must make it larger, unless the mm
// exits: then it has the kernel's four slots, which three contexts cannot fill, because
// exit_aio has an error of its own with a full table (scenario exit_aio-full-table).
type workload struct {
	*system
	*program.Workload[call]
	exit    bool
	cookies int // given out so far
}

func newWorkload(s *system) program.Instance {
	w := &workload{system: s}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	w.boot(e)
	threads := w.Threads(e)
	contexts := 1 + w.Choose(e, maxContexts)
	w.exit = w.Choose(e, 2) == 1
	interrupts := w.Choose(e, 2) == 1
	w.bootSlots = 1
	for w.bootSlots < contexts {
		w.bootSlots *= 2
	}
	if w.exit {
		w.bootSlots = 4
	}
	for w.cookies = 1; w.cookies <= contexts; w.cookies++ {
		w.calls.bootCtx(e, w.cookies)
	}
	w.mm.mmUsers.Init(threads)
	for i := range threads {
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = w.chooseCall(e)
		}
		w.Go(e, i)
	}
	w.bootRCU(e)
	w.bootWorkqueue(e)
	var cpu *schedule.CPU
	if interrupts {
		cpu = e.Threads()[0].CPU()
	}
	w.device.boot(e, cpu)
}

// chooseCall chooses a call. What io_setup creates gets the next cookie, while there
// are any; a call may name a context that is not there.
func (w *workload) chooseCall(e *schedule.Exec) call {
	kind := callKind(w.Choose(e, int(numCalls)))
	if kind == callSetup && w.cookies <= maxContexts {
		w.cookies++
		return call{kind, w.cookies - 1}
	}
	if kind == callSetup {
		kind = callGetevents
	}
	return call{kind, 1 + w.Choose(e, maxContexts)}
}

// run_ makes the calls of a thread.
func (w *workload) run_(t *schedule.Thread, _ int, calls []call) {
	for j, c := range calls {
		w.call_(t, c)
		t.SignalHandled()
		t.Forget(uint64(j))
	}
	if w.exit {
		w.mm.mmput(t)
	}
}

func (w *workload) call_(t *schedule.Thread, c call) {
	switch c.kind {
	case callGetevents:
		w.calls.ioGetevents(t, c.cookie, 0)
	case callGeteventsWait:
		w.calls.ioGetevents(t, c.cookie, 1)
	case callDestroy:
		w.calls.ioDestroy(t, c.cookie)
	case callSubmit:
		w.calls.ioSubmit(t, c.cookie, false)
	case callSubmitCancel:
		w.calls.ioSubmit(t, c.cookie, true)
	case callCancel:
		w.calls.ioCancel(t, c.cookie)
	case callSetup:
		w.calls.ioSetup(t, c.cookie)
	}
}
