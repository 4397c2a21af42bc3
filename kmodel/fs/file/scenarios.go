package file

import (
	"slices"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 3
	maxCalls   = 2
	shared     = 2 // sockets that may be in flight
	maxFiles   = numFds
)

// recvmsgVsClose is receiving from a socket that is in flight in its own queue, against
// closing it, and closing another one, after which garbage is collected.
func recvmsgVsClose(s *system) program.Instance {
	recvmsg := func(t *schedule.Thread) { s.__sysRecvmsg(t, 0) }
	closeBoth := func(t *schedule.Thread) {
		s.closeFd(t, 0)
		s.closeFd(t, 1)
	}
	begin := func(e *schedule.Exec) {
		s.boot(e, 2)
		s.bootInflight(e, 0, 0)
		e.Go("recvmsg", recvmsg)
		e.Go("close", closeBoth)
		s.bootAgents(e)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// recvmsgVsDup2 is looking a descriptor up while the table grows.
func recvmsgVsDup2(s *system) program.Instance {
	recvmsg := func(t *schedule.Thread) { s.__sysRecvmsg(t, 0) }
	dup2 := func(t *schedule.Thread) { s.ksysDup3(t, 0, numFds) }
	begin := func(e *schedule.Exec) {
		s.boot(e, 1)
		e.Go("recvmsg", recvmsg)
		e.Go("dup2", dup2)
		s.bootAgents(e)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// recvmsgVsSocket is looking a descriptor up against closing it, and a new socket that gets
// another one.
func recvmsgVsSocket(s *system) program.Instance {
	recvmsg := func(t *schedule.Thread) { s.__sysRecvmsg(t, 1) }
	socket := func(t *schedule.Thread) {
		s.closeFd(t, 1)
		s.__sysSocket(t)
	}
	begin := func(e *schedule.Exec) {
		s.bootFrom(e, 1, 2)
		e.Go("recvmsg", recvmsg)
		e.Go("socket", socket)
		s.bootAgents(e)
	}
	return program.Instance{Begin: begin, Abstract: s.abstractFds}
}

// What a thread does in a call, with the first or the second descriptor.
const (
	callRecvmsg = 0 // 1
	callClose   = 2 // 3; and then a socket of its own, so that garbage is collected
	callDup2    = 4 // of the first to a descriptor for which the table has to grow
	numCalls    = 5
)

// inflight lists what may be in flight from the start: which socket in whose queue.
var inflight = [...][][2]int{
	{{0, 0}},
	{{0, 1}, {1, 0}},
	{{0, 0}, {1, 0}},
}

// workload is a program whose threads and calls the tape chooses before the schedule: 2 or
// 3 tasks with 1 or 2 calls each. They share a table in which there are two sockets that may
// be in flight, and one more for each task.
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
	for _, f := range inflight[w.Choose(e, len(inflight))] {
		w.bootInflight(e, f[0], f[1])
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
		switch fd := call % shared; call - fd {
		case callRecvmsg:
			w.__sysRecvmsg(t, fd)
		case callClose:
			w.closeFd(t, fd)
			w.closeFd(t, shared+i)
		case callDup2:
			w.ksysDup3(t, fd, numFds)
		}
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
}

// What a thread does in a call of a socketWorkload, with the first or the second descriptor.
const (
	callSockRecvmsg = 0 // 1
	callSockClose   = 2 // 3
	callSocket      = 4
	numSockCalls    = 5
)

// socketWorkload is a program whose threads and calls the tape chooses before the schedule: 2 or
// 3 tasks with 1 or 2 calls each. They share a table in which there are two sockets.
type socketWorkload struct {
	*system
	*program.Workload[int]
}

func newSocketWorkload(s *system) program.Instance {
	w := &socketWorkload{system: s}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	return w.Instance(w.begin, s.abstractFds)
}

func (w *socketWorkload) begin(e *schedule.Exec) {
	threads := w.Threads(e)
	w.boot(e, shared)
	for i := range threads {
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = w.Choose(e, numSockCalls)
		}
		w.Go(e, i)
	}
	w.bootAgents(e)
}

func (w *socketWorkload) run_(t *schedule.Thread, _ int, calls []int) {
	for j, call := range calls {
		switch fd := call % shared; call - fd {
		case callSockRecvmsg:
			w.__sysRecvmsg(t, fd)
		case callSockClose:
			w.closeFd(t, fd)
		case callSocket:
			w.__sysSocket(t)
		}
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
}

// abstract gives the Go fuzzer a word for each socket: whether it and its file are freed,
// how its counts stand, whether its descriptor is open, what is locked, whether the garbage
// collector has it, and whether anybody is looking a descriptor up.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	for i, u := range s.socks.InUse(e) {
		f := u.file.Peek()
		counts := int(f.fCount.Peek()&3)<<2 | int(u.inflight.Peek()&3)
		hit(program.Word(counts,
			u.Live(), f.Live(), s.files.fdt.Peek().fd[i].Peek() == f, u.iolock.IsLocked(),
			u.skReceiveQueue.Peek() != nil, u.candidate.Peek() != 0, s.unixGCLock.IsLocked(),
			rcu.Readers(e)))
	}
}

// abstractFds gives the Go fuzzer a word for each descriptor: whether it is used, and for what
// file; and for each file: how its count stands, and whether its socket is there.
func (s *system) abstractFds(e *schedule.Exec, hit func(uint64)) {
	files := s.filpCachep.InUse(e)
	if !s.Has(typesafe) {
		files = s.fileCache.InUse(e)
	}
	fdt := s.files.fdt.Peek()
	for fd := range fdt.maxFds {
		i := slices.Index(files, fdt.fd[fd].Peek())
		hit(program.Word(fd<<4|i+1, fdt.openFds.Peek()>>fd&1 != 0, rcu.Readers(e)))
	}
	for i, f := range files {
		hit(program.Word(1<<8|i<<2|f.fCount.Peek()&3, f.Live(), f.sk.Peek() != nil))
	}
}
