package aiopoll

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 3
	maxCalls   = 2
	maxReqs    = 2
)

// cancelVsExit is the end of a queue against cancelling one of two requests that wait there.
func cancelVsExit(s *system) program.Instance {
	cancel := func(t *schedule.Thread) { s.sysIoCancel(t, 0) }
	exit := func(t *schedule.Thread) { s.binderThreadRelease(t) }
	begin := func(e *schedule.Exec) {
		s.boot(e, 2)
		e.Go("io_cancel", cancel)
		e.Go("exit", exit)
		s.bootAgents(e)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// wakeupVsExit is the end of a queue after a wake-up, or before, with nothing to wake for.
func wakeupVsExit(s *system) program.Instance {
	wakeup := func(t *schedule.Thread) { s.binderProcTransaction(t, false) }
	exit := func(t *schedule.Thread) { s.binderThreadRelease(t) }
	begin := func(e *schedule.Exec) {
		s.boot(e, 1)
		e.Go("wakeup", wakeup)
		e.Go("exit", exit)
		s.bootAgents(e)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// wakeupVsTransaction is two wake-ups, of which the second is for work. The queue does not
// end, and when nothing can happen any more, no request may wait while there is work.
func wakeupVsTransaction(s *system) program.Instance {
	wakeup := func(t *schedule.Thread) { s.binderProcTransaction(t, false) }
	transaction := func(t *schedule.Thread) { s.binderProcTransaction(t, true) }
	check := s.checkEnd_
	begin := func(e *schedule.Exec) {
		s.boot(e, 1)
		e.Go("wakeup", wakeup)
		e.Go("transaction", transaction)
		s.bootAgents(e)
		e.AtEnd(check)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// checkEnd_ is that a poll completes.
func (s *system) checkEnd_(e *schedule.Exec) {
	if iocb := s.proc.thread.Peek().wait.Peek(); iocb != nil && s.proc.todo.Peek() != 0 {
		e.FailAtEnd(schedule.LostUpdate, iocb.Header(), schedule.Party{}, "it waits, and there is work")
	}
}

// What a thread does in a call.
const (
	callCancel  = iota // the first request
	callCancel2        // the second, if there is one
	callWakeup         // for nothing
	callTransaction
	callRead
	numCalls
)

// workload is a program whose threads and calls the tape chooses before the schedule: 1 or
// 2 requests that wait at the queue of the first thread, which ends it last, and 2 or 3
// threads with 1 or 2 calls each, the first perhaps with none.
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
	threads := w.Share(e)
	w.boot(e, 1+w.Choose(e, maxReqs))
	for i := range threads {
		n := w.Choose(e, maxCalls)
		if i > 0 {
			n++
		}
		for range n {
			w.Give(e, i, w.Choose(e, numCalls))
		}
		w.Go(e, i)
	}
	w.bootAgents(e)
}

// run_ makes the calls of thread i. Its name ends in an underscore because it is no
// function of the kernel.
func (w *workload) run_(t *schedule.Thread, i int, calls []int) {
	for j, call := range calls {
		switch call {
		case callCancel, callCancel2:
			w.sysIoCancel(t, call)
		case callWakeup, callTransaction:
			w.binderProcTransaction(t, call == callTransaction)
		case callRead:
			w.binderThreadRead(t)
		}
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
	if i == 0 {
		w.binderThreadRelease(t)
	}
}

// abstract gives the Go fuzzer a word for each request: whether it and its queue are freed,
// whether it waits, can be cancelled and is cancelled, what the work item is to do, and what
// is locked.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	thread := s.threads.InUse(e)[0]
	for _, iocb := range s.kiocbs.InUse(e) {
		hit(program.Word(iocb.num,
			iocb.Live(), thread.Live(), thread.wait.Peek() == iocb,
			s.ctx.activeReqs[iocb.num].Peek() != nil, iocb.cancelled.Peek() != 0,
			iocb.workScheduled.Peek() != 0, iocb.workNeedResched.Peek() != 0,
			iocb.head.Peek() != nil, s.ctx.ctxLock.IsLocked(), thread.lock.IsLocked(),
			s.proc.todo.Peek() != 0))
	}
}
