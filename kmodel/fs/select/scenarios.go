package fsselect

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 3
	maxCalls   = 2
)

func pollVsVmsplice(s *system) program.Instance { return s.against("vmsplice", s.pipe.vmspliceToPipe) }
func pollVsWrite(s *system) program.Instance    { return s.against("write", s.pipe.pipeWrite) }

// against is a task that polls an empty pipe against one that fills it.
func (s *system) against(name string, fill func(*schedule.Thread)) program.Instance {
	poll := func(t *schedule.Thread) { s.doPoll(t, &s.pwq) }
	begin := func(e *schedule.Exec) {
		s.BootGlobals(e)
		s.pwq.pollingTask = e.Go("poll", poll)
		e.Go(name, fill)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// What a thread does in a call.
const (
	callVmsplice = iota
	callWrite
	callRead // without waiting
	numCalls
)

// workload is a program whose threads and calls the tape chooses before the schedule: 2 or 3
// tasks with 1 or 2 calls each. Before each of its calls, the first polls.
type workload struct {
	*system
	*program.Workload[int]
}

func newWorkload(s *system) program.Instance {
	w := &workload{system: s}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	w.BootGlobals(e)
	for i := range w.Threads(e) {
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = w.Choose(e, numCalls)
		}
		if t := w.Go(e, i); i == 0 {
			w.pwq.pollingTask = t
		}
	}
}

// run_ makes the calls of thread i.
func (w *workload) run_(t *schedule.Thread, i int, calls []int) {
	for j, call := range calls {
		if i == 0 {
			w.doPoll(t, &w.pwq)
			t.SignalHandled()
		}
		switch call {
		case callVmsplice:
			w.pipe.vmspliceToPipe(t)
		case callWrite:
			w.pipe.pipeWrite(t)
		case callRead:
			w.pipe.pipeRead(t)
		}
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
}

// abstract gives the Go fuzzer a word for the pipe: how many buffers it has, whether who polls is
// on the queue and triggered, and what is locked.
func (s *system) abstract(_ *schedule.Exec, hit func(uint64)) {
	p := &s.pipe
	hit(program.Word(min(p.head.Peek()-p.tail.Peek(), 3), s.pwq.wait.Queued(),
		s.pwq.triggered.Peek() != 0, p.mutex.IsLocked(), p.rdWait.Lock.IsLocked()))
}
