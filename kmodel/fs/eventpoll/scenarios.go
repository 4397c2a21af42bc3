package eventpoll

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 3
	maxCalls   = 2
	maxFiles   = maxThreads // each thread has one of its own
)

var scenarios = []struct {
	name     string
	workload bool
	variants []variant
	instance func(s *system) program.Instance
}{
	{"close-vs-release", false, variants, closeVsRelease},
	{"workload", true, variants, func(s *system) program.Instance {
		return newWorkload(s, false).instance()
	}},
	{"close-vs-cleanup", false, pollfreeVariants, closeVsCleanup},
	{"pollfree-workload", true, pollfreeVariants, func(s *system) program.Instance {
		return newWorkload(s, true).instance()
	}},
}

// closeVsRelease is the end of an epoll instance against the end of the only file that it
// watches.
func closeVsRelease(s *system) program.Instance {
	var ep *eventpoll
	closeEp := func(t *schedule.Thread) { ep.epClearAndPut(t) }
	release := func(t *schedule.Thread) { s.eventpollRelease(t, &s.files[0]) }
	begin := func(e *schedule.Exec) {
		ep = s.boot(e, 1)
		s.bootWatch(e, ep, 0)
		e.Go("close", closeEp)
		e.Go("release", release)
		s.bootAgents(e)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// closeVsCleanup is the end of an epoll instance against that of a process whose signals it
// watches.
func closeVsCleanup(s *system) program.Instance {
	var ep *eventpoll
	closeEp := func(t *schedule.Thread) { ep.epClearAndPut(t) }
	cleanup := func(t *schedule.Thread) { s.__cleanupSighand(t, s.sighand[0]) }
	begin := func(e *schedule.Exec) {
		ep = s.boot(e, 1)
		s.bootSighands(e, 1)
		s.bootWatch(e, ep, 0)
		s.bootWait(e, ep, 0, 0)
		e.Go("close", closeEp)
		e.Go("cleanup", cleanup)
		s.bootAgents(e)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// What a thread does in a call.
const (
	callClose   = iota // its file
	callCloseEp        // its reference of the epoll instance
	callAdd            // its file to the epoll instance, with both open
	callDel
	numCalls
)

// workload is a program whose threads and calls the tape chooses before the schedule: 2 or
// 3 tasks with 1 or 2 calls each. They have the epoll instance open together, and each a
// file of its own, which is watched from the start or not. A task that ends closes both.
//
// With signalfds, the tasks are processes, each with a sighand_struct that it frees last. Any
// of them may have added what is watched from the start.
type workload struct {
	*system
	signalfd bool
	choose   func(e *schedule.Exec, n int) int // Exec.Choose, except in tests
	ep       *eventpoll
	calls    [maxThreads][maxCalls]int
	n        [maxThreads]int
	bodies   [maxThreads]func(t *schedule.Thread)
}

func newWorkload(s *system, signalfd bool) *workload {
	w := &workload{system: s, signalfd: signalfd, choose: (*schedule.Exec).Choose}
	for i := range w.bodies {
		w.bodies[i] = func(t *schedule.Thread) { w.run_(t, i) }
	}
	return w
}

func (w *workload) instance() program.Instance {
	return program.Instance{Begin: w.begin, Abstract: w.abstract}
}

func (w *workload) begin(e *schedule.Exec) {
	threads := 2 + w.choose(e, maxThreads-1)
	w.ep = w.boot(e, threads)
	if w.signalfd {
		w.bootSighands(e, threads)
	}
	for i := range threads {
		if w.choose(e, 2) == 0 {
			w.bootWatch(e, w.ep, i)
			if w.signalfd {
				w.bootWait(e, w.ep, i, w.choose(e, threads))
			}
		}
		w.n[i] = 1 + w.choose(e, maxCalls)
		e.CountCalls(w.n[i])
		for j := range w.n[i] {
			w.calls[i][j] = w.choose(e, numCalls)
		}
		e.Go([maxThreads]string{"A", "B", "C"}[i], w.bodies[i])
	}
	w.bootAgents(e)
}

// An fds is what a thread has open.
type fds struct{ file, ep bool }

// run_ makes the calls of thread i. Its name ends in an underscore because it is no
// function of the kernel.
func (w *workload) run_(t *schedule.Thread, i int) {
	open := fds{true, true}
	for _, call := range w.calls[i][:w.n[i]] {
		open = w.call_(t, i, open, call)
	}
	open = w.call_(t, i, open, callClose)
	w.call_(t, i, open, callCloseEp)
	if w.signalfd {
		w.__cleanupSighand(t, w.sighand[i])
	}
}

// call_ makes a call of thread i, and returns what it has open then.
func (w *workload) call_(t *schedule.Thread, i int, open fds, call int) fds {
	switch {
	case call == callClose && open.file:
		w.eventpollRelease(t, &w.files[i])
		open.file = false
	case call == callCloseEp && open.ep:
		if w.epfile.fCount.DecAndTest(t) { // fput
			w.ep.epClearAndPut(t)
		}
		open.ep = false
	case call >= callAdd && open.file && open.ep:
		w.ep.doEpollCtl(t, i, w.sighand[i], call == callAdd)
	}
	return open
}

// abstract gives the Go fuzzer a word for the eventpoll and each file: whether it is freed,
// how its count stands, what is locked, and whether the file is watched; and one for each
// wait queue: whether it is freed, locked and empty.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	for _, ep := range s.eps.InUse(e) {
		for i := range s.files {
			epi := s.files[i].fEp.Peek()
			word := uint64(ep.refcount.Peek() & 7)
			for _, b := range []bool{
				ep.Live(), ep.mtx.IsLocked(), s.files[i].fLock.IsLocked(),
				ep.rbr[i].Peek() != nil, epi != nil, epi != nil && epi.dying.Peek() != 0,
			} {
				word <<= 1
				if b {
					word |= 1
				}
			}
			hit(word)
		}
	}
	for _, sighand := range s.sighands.InUse(e) {
		pwq := sighand.head.Peek()
		word := uint64(1)
		for _, b := range []bool{
			sighand.Live(), sighand.lock.IsLocked(), pwq != nil, pwq != nil && pwq.Live(),
			pwq != nil && pwq.whead.Peek() != nil,
		} {
			word <<= 1
			if b {
				word |= 1
			}
		}
		hit(word << 16)
	}
}
