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
	*program.Workload[int]
	signalfd bool
	ep       *eventpoll
}

func newWorkload(s *system) program.Instance         { return workloadOf(s, false) }
func newPollfreeWorkload(s *system) program.Instance { return workloadOf(s, true) }

func workloadOf(s *system, signalfd bool) program.Instance {
	w := &workload{system: s, signalfd: signalfd}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	threads := w.Threads(e)
	w.ep = w.boot(e, threads)
	if w.signalfd {
		w.bootSighands(e, threads)
	}
	for i := range threads {
		if w.Choose(e, 2) == 0 {
			w.bootWatch(e, w.ep, i)
			if w.signalfd {
				w.bootWait(e, w.ep, i, w.Choose(e, threads))
			}
		}
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = w.Choose(e, numCalls)
		}
		w.Go(e, i)
	}
	w.bootAgents(e)
}

// An fds is what a thread has open.
type fds struct{ file, ep bool }

// run_ makes the calls of thread i.
func (w *workload) run_(t *schedule.Thread, i int, calls []int) {
	open := fds{true, true}
	for _, call := range calls {
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
			epi := ep.rbr[i].Peek()
			hit(program.Word(ep.refcount.Peek()&7,
				ep.Live(), ep.mtx.IsLocked(), s.files[i].fLock.IsLocked(),
				epi != nil, s.files[i].fEp.Peek() != nil, epi != nil && epi.dying.Peek() != 0))
		}
	}
	for _, sighand := range s.sighandCachep.InUse(e) {
		pwq := sighand.signalfdWqh.Peek()
		hit(program.Word(1,
			sighand.Live(), sighand.signalfdWqh.Lock.IsLocked(), pwq != nil, pwq != nil && pwq.Live(),
			pwq != nil && pwq.whead.Peek() != nil) << 16)
	}
}
