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
	exit, check := s.__exitSignal, s.checkEnd_
	begin := func(e *schedule.Exec) {
		s.boot(e, 2)
		e.Go("io_cancel", cancel)
		e.Go("exit", exit)
		s.bootAgents(e)
		e.AtEnd(check)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// signalVsExit is the end of a queue after a signal, or before.
func signalVsExit(s *system) program.Instance {
	kill, exit, check := s.doSendSigInfo, s.__exitSignal, s.checkEnd_
	begin := func(e *schedule.Exec) {
		s.boot(e, 1)
		e.Go("kill", kill)
		e.Go("exit", exit)
		s.bootAgents(e)
		e.AtEnd(check)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// readVsEvent is somebody who has an event and reads it, which is to say a wake-up for nothing,
// and somebody else who has one.
func readVsEvent(s *system) program.Instance {
	read := func(t *schedule.Thread) {
		s.group.fsnotifyAddEvent(t)
		s.group.inotifyRead(t)
	}
	event, check := s.group.fsnotifyAddEvent, s.checkEnd_
	begin := func(e *schedule.Exec) {
		s.boot(e, 0)
		s.bootInotify(e, 0)
		e.Go("read", read)
		e.Go("event", event)
		s.bootAgents(e)
		e.AtEnd(check)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// checkEnd_ is that a poll completes when its queue is gone, and when there is an event.
func (s *system) checkEnd_(e *schedule.Exec) {
	for _, iocb := range s.kiocbs.InUse(e) {
		switch {
		case !iocb.Live():
		case !iocb.inotify:
			e.FailAtEnd(schedule.LostUpdate, &iocb.Object, schedule.Party{},
				"it waits, and its queue is gone")
		case s.group.qLen.Peek() != 0:
			e.FailAtEnd(schedule.LostUpdate, &iocb.Object, schedule.Party{},
				"it waits, and there is an event")
		}
	}
}

// What a thread does in a call.
const (
	callCancel  = iota // the first request
	callCancel2        // the second, if there is one
	callSignal
	callEvent
	callRead
	numCalls
)

// workload is a program whose threads and calls the tape chooses before the schedule: a
// request that waits for signals of the first thread, which ends last, perhaps a second one
// that waits for the same or for events, and 2 or 3 threads with 1 or 2 calls each, the first
// perhaps with none.
type workload struct {
	*system
	*program.Workload[int]
	checkEnd func(*schedule.Exec)
}

func newWorkload(s *system) program.Instance {
	w := &workload{system: s, checkEnd: s.checkEnd_}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	threads := w.Share(e)
	second := w.Choose(e, 3)
	if second == 1 {
		w.boot(e, 2)
	} else {
		w.boot(e, 1)
	}
	if second == 2 {
		w.bootInotify(e, 1)
	}
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
	e.AtEnd(w.checkEnd)
}

// run_ makes the calls of thread i.
func (w *workload) run_(t *schedule.Thread, i int, calls []int) {
	for j, call := range calls {
		switch call {
		case callCancel, callCancel2:
			w.sysIoCancel(t, call)
		case callSignal:
			w.doSendSigInfo(t)
		case callEvent:
			w.group.fsnotifyAddEvent(t)
		case callRead:
			w.group.inotifyRead(t)
		}
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
	if i == 0 {
		w.__exitSignal(t)
	}
}

// abstract gives the Go fuzzer a word for each request: whether it and the queue that dies are
// freed, whether it waits, can be cancelled and is cancelled, what the work item is to do, and
// what is locked.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	sighand := s.sighandCachep.InUse(e)[0]
	for _, iocb := range s.kiocbs.InUse(e) {
		wq := &sighand.signalfdWqh
		if iocb.inotify {
			wq = &s.group.notificationWaitq
		}
		hit(program.Word(iocb.num,
			iocb.Live(), sighand.Live(), iocb.wait.Queued(),
			s.ctx.activeReqs[iocb.num].Peek() != nil, iocb.cancelled.Peek() != 0,
			iocb.workScheduled.Peek() != 0, iocb.workNeedResched.Peek() != 0,
			iocb.head.Peek() != nil, s.ctx.ctxLock.IsLocked(), wq.Lock.IsLocked(),
			iocb.inotify, s.group.qLen.Peek() != 0))
	}
}
