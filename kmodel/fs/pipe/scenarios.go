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

var scenarios = []struct {
	name     string
	workload bool
	instance func(s *system) program.Instance
}{
	{"close-vs-close", false, closeVsClose},
	{"open-vs-close", false, openVsClose},
	{"workload", true, func(s *system) program.Instance { return newWorkload(s).instance() }},
}

// closeVsClose is two tasks that close the two ends of a pipe.
func closeVsClose(s *system) program.Instance {
	var r, w file
	reader := func(t *schedule.Thread) { s.pipeRelease(t, r) }
	writer := func(t *schedule.Thread) { s.pipeRelease(t, w) }
	begin := func(e *schedule.Exec) {
		s.boot(e)
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
		s.boot(e)
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
	choose func(e *schedule.Exec, n int) int // Exec.Choose, except in tests
	calls  [maxThreads][maxCalls]call
	n      [maxThreads]int
	files  [maxThreads]file // from the start
	bodies [maxThreads]func(t *schedule.Thread)
}

func newWorkload(s *system) *workload {
	w := &workload{system: s, choose: (*schedule.Exec).Choose}
	for i := range w.bodies {
		w.bodies[i] = func(t *schedule.Thread) { w.run_(t, i) }
	}
	return w
}

func (w *workload) instance() program.Instance {
	return program.Instance{Begin: w.begin, Abstract: w.abstract}
}

func (w *workload) begin(e *schedule.Exec) {
	w.boot(e)
	for i := range 2 + w.choose(e, maxThreads-1) {
		w.files[i] = file{}
		if mode := fmode(w.choose(e, 3)); mode != 0 {
			w.files[i] = w.bootFile(e, mode)
		}
		w.n[i] = 1 + w.choose(e, maxCalls)
		e.CountCalls(w.n[i])
		for j := range w.n[i] {
			c := call{kind: w.choose(e, numCalls)}
			c.nonblock = c.kind != callClose && w.choose(e, 2) == 1
			w.calls[i][j] = c
		}
		e.Go([maxThreads]string{"A", "B", "C"}[i], w.bodies[i])
	}
}

// run_ makes the calls of thread i. Its name ends in an underscore because it is no
// function of the kernel.
func (w *workload) run_(t *schedule.Thread, i int) {
	f := w.files[i]
	for _, c := range w.calls[i][:w.n[i]] {
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
		f, _ = w.fifoOpen(t, fmode(c.kind), c.nonblock)
		t.SignalHandled()
	}
	return f
}

// abstract gives the Go fuzzer a word for each pipe: whether it is freed and found, how its
// counts stand, and what is locked.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	for _, pipe := range s.pipes.InUse(e) {
		word := uint64(min(max(pipe.files.Peek(), 0), 3))
		for _, b := range []bool{
			pipe.Live(), s.inode.iPipe.Peek() == pipe, s.inode.iLock.IsLocked(),
			pipe.mutex.IsLocked(), pipe.readers.Peek() > 0, pipe.writers.Peek() > 0,
		} {
			word <<= 1
			if b {
				word |= 1
			}
		}
		hit(word)
	}
}
