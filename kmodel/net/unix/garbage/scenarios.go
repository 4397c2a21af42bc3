package garbage

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that there is.
const (
	maxThreads = 3
	maxFiles   = 6
	firstOwn   = maxFiles // descriptors of what threads receive
	maxFds     = firstOwn + maxThreads
	maxEdges   = 6
)

// peekVsGC is two sockets, each in flight in the queue of the other, of which one is open: looking
// at the message with the other, and closing the one, while two more are closed, each of which
// calls the collector.
func peekVsGC(s *system) program.Instance {
	peek := func(t *schedule.Thread) {
		s.__sysRecvmsg(t, 1, true)
		s.closeFd(t, 1)
	}
	close2 := func(t *schedule.Thread) { s.closeFd(t, 2) }
	close3 := func(t *schedule.Thread) { s.closeFd(t, 3) }
	begin := func(e *schedule.Exec) {
		s.boot(e, 4)
		s.bootInflight(e, 0, 1)
		s.bootInflight(e, 1, 0)
		s.bootClose(0)
		e.Go("peek", peek)
		e.Go("close", close2)
		e.Go("close2", close3)
		s.bootAgents(e)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// sendmsgVsGC is sending a socket to itself, by the other one of a pair, while it is closed, and
// then another one, which calls the collector.
func sendmsgVsGC(s *system) program.Instance {
	sendmsg := func(t *schedule.Thread) {
		s.__sysSendmsg(t, 1, 0)
		s.closeFd(t, 1)
	}
	closeBoth := func(t *schedule.Thread) {
		s.closeFd(t, 0)
		s.closeFd(t, 2)
	}
	begin := func(e *schedule.Exec) {
		s.boot(e, 3)
		s.bootPeers(0, 1)
		e.Go("sendmsg", sendmsg)
		e.Go("close", closeBoth)
		s.bootAgents(e)
		e.AtEnd(s.check)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// closeVsGC is closing a socket that is in flight in its own queue, and another one, which calls
// the collector, while that runs because of a third.
func closeVsGC(s *system) program.Instance {
	closeOne := func(t *schedule.Thread) { s.closeFd(t, 1) }
	closeBoth := func(t *schedule.Thread) {
		s.closeFd(t, 0)
		s.closeFd(t, 2)
	}
	begin := func(e *schedule.Exec) {
		s.boot(e, 3)
		s.bootInflight(e, 0, 0)
		e.Go("close", closeOne)
		e.Go("close2", closeBoth)
		s.bootAgents(e)
		e.AtEnd(s.check)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// chordVsGC is three sockets that are in flight in each other's queues, and nowhere else, of which
// one is there twice. Two are closed from the start, and two threads close the last, and another
// one.
func chordVsGC(s *system) program.Instance {
	closeOne := func(t *schedule.Thread) {
		s.closeFd(t, 0)
		s.closeFd(t, 3)
	}
	begin := func(e *schedule.Exec) {
		s.boot(e, 4)
		s.bootInflight(e, 0, 1)
		s.bootInflight(e, 1, 2)
		s.bootInflight(e, 1, 0)
		s.bootInflight(e, 2, 1)
		s.bootClose(1)
		s.bootClose(2)
		e.Go("close", closeOne)
		s.bootAgents(e)
		e.AtEnd(s.check)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// vertexVsGC is two sockets that nobody can get at but by receiving the second from a third, and
// the first from the second: sending them, and closing both and another one, which calls the
// collector. One more is in flight in its own queue, and open: the components are known.
func vertexVsGC(s *system) program.Instance {
	sendmsg := func(t *schedule.Thread) {
		s.__sysSendmsg(t, 2, 0)
		s.closeFd(t, 0)
	}
	sendmsg2 := func(t *schedule.Thread) {
		s.__sysSendmsg(t, 4, 1)
		s.closeFd(t, 1)
		s.closeFd(t, 4)
	}
	begin := func(e *schedule.Exec) {
		s.boot(e, 6)
		s.bootPeers(1, 2)
		s.bootPeers(3, 4)
		s.bootInflight(e, 5, 5)
		s.bootMessage(e, 0)
		s.bootWalk()
		e.Go("sendmsg", sendmsg)
		e.Go("sendmsg2", sendmsg2)
		s.bootAgents(e)
		e.AtEnd(s.check)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// ringVsGC is two sockets in each other's queues, the first closed: sending the second to the first
// once more, while it is closed, and then two others, each of which calls the collector. One more
// is in flight in its own queue, and open: the components are kept.
func ringVsGC(s *system) program.Instance {
	sendmsg := func(t *schedule.Thread) { s.__sysSendmsg(t, 2, 1) }
	closeThree := func(t *schedule.Thread) {
		s.closeFd(t, 1)
		s.closeFd(t, 4)
		s.closeFd(t, 5)
	}
	begin := func(e *schedule.Exec) {
		s.boot(e, 6)
		s.bootPeers(0, 2)
		s.bootInflight(e, 0, 1)
		s.bootInflight(e, 1, 0)
		s.bootInflight(e, 3, 3)
		s.bootClose(0)
		e.Go("sendmsg", sendmsg)
		e.Go("close", closeThree)
		s.bootAgents(e)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// countVsGC is sending a socket to itself, by the other one of a pair, while it is closed, and then
// two others, each of which calls the collector. One more, which has nothing to do with it, is in
// flight in its own queue, and is closed last.
func countVsGC(s *system) program.Instance {
	const other = 3
	sendmsg := func(t *schedule.Thread) {
		s.__sysSendmsg(t, 1, 0)
		s.closeFd(t, other)
	}
	closeThree := func(t *schedule.Thread) {
		s.closeFd(t, 0)
		s.closeFd(t, 2)
		s.closeFd(t, 4)
	}
	begin := func(e *schedule.Exec) {
		s.boot(e, 5)
		s.bootPeers(0, 1)
		s.bootInflight(e, other, other)
		e.Go("sendmsg", sendmsg)
		e.Go("close", closeThree)
		s.bootAgents(e)
		s.other = s.files.fd[other].Peek().sk.Peek()
		e.AtEnd(s.checkOther)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// What a thread does in a call, with descriptor 0 or 1.
const (
	callClose   = 0 // 1; and then a socket of its own, so that the collector is called
	callPeek    = 2 // 3
	callRecvmsg = 4 // 5
	callSendmsg = 6 // by the peer of the first, the first itself
	numCalls    = 7
)

const (
	maxCalls = 2
	shared   = 3 // the third is the peer of the first
)

// inflight lists what may be in flight from the start: which socket in whose queue. The first one
// may be closed then.
var inflight = [...][][2]int{
	{{0, 1}, {1, 0}},
	{{0, 0}},
}

// workload is a program whose threads and calls the tape chooses before the schedule: 2 or 3 tasks
// with 1 or 2 calls each. They share three sockets, and each has one of its own.
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
	threads := w.Threads(e)
	w.boot(e, shared+threads)
	w.bootPeers(0, 2)
	for _, f := range inflight[w.Choose(e, len(inflight))] {
		w.bootInflight(e, f[0], f[1])
	}
	if w.Choose(e, 2) == 0 {
		w.bootClose(0)
	}
	for i := range threads {
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = w.Choose(e, numCalls)
		}
		w.Go(e, i)
	}
	w.bootAgents(e)
}

// run_ makes the calls of thread i.
func (w *workload) run_(t *schedule.Thread, i int, calls []int) {
	for j, call := range calls {
		switch fd := call % 2; call - fd {
		case callClose:
			w.closeFd(t, fd)
			w.closeFd(t, shared+i)
		case callPeek:
			w.__sysRecvmsg(t, fd, true)
		case callRecvmsg:
			w.__sysRecvmsg(t, fd, false)
		case callSendmsg:
			w.__sysSendmsg(t, 2, fd)
		}
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
}

// abstract gives the Go fuzzer a word for each socket: whether it and its file are freed, how its
// count stands, whether it is in flight, what is locked; and one for the collector.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	for _, u := range s.socks.InUse(e) {
		f := u.file.Peek()
		hit(program.Word(f.fCount.Peek()&3,
			u.Live(), f.Live(), u.vertex.Peek() != nil, u.lock.IsLocked(), u.iolock.IsLocked(),
			u.skReceiveQueue.Peek() != nil))
	}
	hit(program.Word(1<<4|s.unixGraphState.Peek(), s.unixGCLock.IsLocked(),
		s.gcInProgress.Peek() != 0, s.hitlist.Peek() != nil))
}
