package pipe

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 3
	maxCalls   = 2
)

// closeVsClose is two tasks that close the two ends of a pipe.
func closeVsClose(s *system) program.Instance {
	var r, w file
	reader := func(t *schedule.Thread) { s.pipeRelease(t, r) }
	writer := func(t *schedule.Thread) { s.pipeRelease(t, w) }
	begin := func(e *schedule.Exec) {
		s.BootGlobals(e)
		r = s.bootFile(e, fmodeRead)
		w = s.bootFile(e, fmodeWrite)
		e.Go("reader", reader)
		e.Go("writer", writer)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// openVsClose is a FIFO that nobody reads: an open for writing that does not wait fails,
// while the only writer closes it.
func openVsClose(s *system) program.Instance {
	var w file
	open := func(t *schedule.Thread) { s.fifoOpen(t, fmodeWrite, true) }
	writer := func(t *schedule.Thread) { s.pipeRelease(t, w) }
	begin := func(e *schedule.Exec) {
		s.BootGlobals(e)
		w = s.bootFile(e, fmodeWrite)
		e.Go("open", open)
		e.Go("close", writer)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// What a thread does in a call.
const (
	callClose     = iota // what it has open
	callOpenRead         // unless it has it open
	callOpenWrite        // unless it has it open
	numCalls
)

type call struct {
	kind     int
	nonblock bool
}

// workload is a program whose threads and calls the tape chooses before the schedule: 2 or
// 3 tasks with 1 or 2 calls each, and which end each has open from the start, if any. A
// task that ends closes what it has open.
type workload struct {
	*system
	*program.Workload[call]
	files [maxThreads]file // from the start
}

func newWorkload(s *system) program.Instance {
	w := &workload{system: s}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	w.BootGlobals(e)
	for i := range w.Threads(e) {
		w.files[i] = file{}
		if mode := fmode(w.Choose(e, 3)); mode != 0 {
			w.files[i] = w.bootFile(e, mode)
		}
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = call{kind: w.Choose(e, numCalls)}
			calls[j].nonblock = calls[j].kind != callClose && w.Choose(e, 2) == 1
		}
		w.Go(e, i)
	}
}

// run_ makes the calls of thread i.
func (w *workload) run_(t *schedule.Thread, i int, calls []call) {
	f := w.files[i]
	for _, c := range calls {
		f = w.call_(t, f, c)
	}
	w.call_(t, f, call{})
}

// call_ makes a call of a thread that has f open, and returns what it has open then.
func (w *workload) call_(t *schedule.Thread, f file, c call) file {
	open := f.privateData != nil
	switch {
	case c.kind == callClose && open:
		w.pipeRelease(t, f)
		return file{}
	case c.kind != callClose && !open:
		f = w.fifoOpen(t, fmode(c.kind), c.nonblock)
		t.SignalHandled()
	}
	return f
}

// abstract gives the Go fuzzer a word for each pipe: whether it is freed and found, how its
// counts stand, and what is locked.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	for _, pipe := range s.pipes.InUse(e) {
		hit(program.Word(min(max(pipe.files.Peek(), 0), 3),
			pipe.Live(), s.inode.iPipe.Peek() == pipe, s.inode.iLock.IsLocked(),
			pipe.mutex.IsLocked(), pipe.readers.Peek() > 0, pipe.writers.Peek() > 0))
	}
}
