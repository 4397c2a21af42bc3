package nhdlc

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 3
	maxCalls   = 2
	// numBufs is DEFAULT_TX_BUF_COUNT. (2.6.29 has one.)
	numBufs = 3
)

// A call is a system call on the terminal.
type call int

const (
	write  call = iota
	tcflsh      // ioctl(TCFLSH, TCOFLUSH)
	tcoff       // ioctl(TCXONC, TCOOFF)
	tcon        // ioctl(TCXONC, TCOON)
	numCalls
)

// call_ makes a call.
func (s *system) call_(t *schedule.Thread, c call) {
	if c == write {
		s.ttyWrite(t)
	} else {
		s.ttyIoctl(t, c)
	}
}

// exitFiles is exit_files(): the last of the threads closes the terminal.
func (s *system) exitFiles(t *schedule.Thread) {
	if s.files.count.DecAndTest(t) { // put_files_struct
		s.ttyRelease(t)
	}
}

// boot opens the terminal, for so many threads, before the first step. All buffers but left, if
// that is not nil, are free.
func (s *system) boot(e *schedule.Exec, threads int, left *nHdlcBuf) *nHdlc {
	s.files.count.Init(threads)
	n := s.nHdlcs.AllocBoot(e)
	s.tty.discData.Init(n)
	free := numBufs
	if left != nil {
		free--
	}
	for range free {
		s.bootBuf(&n.txFreeBufList, s.bufs.AllocBoot(e))
	}
	return n
}

// bootStopped is boot of a terminal that is stopped, to which a frame has been written since.
func (s *system) bootStopped(e *schedule.Exec, threads int) {
	left := s.bufs.AllocBoot(e)
	n := s.boot(e, threads, left)
	s.tty.flowStopped.Init(1)
	s.tty.stopped.Init(1)
	s.tty.doWriteWakeup.init()
	if s.Has(bufReturn) {
		s.bootBuf(&n.txBufList, left)
	} else {
		n.tbuf.Init(left)
	}
}

// bootBuf puts a buffer at the head of a list, before the first step.
func (s *system) bootBuf(l *nHdlcBufList, buf *nHdlcBuf) {
	if s.Has(listHead) {
		l.list.Init(buf)
		return
	}
	buf.link.Init(l.head.Peek())
	if l.head.Peek() == nil {
		l.tail.Init(buf)
	}
	l.head.Init(buf)
}

// flushVsStart throws a frame away that was left, while the terminal is started.
func flushVsStart(s *system) program.Instance { return s.fixed(tcflsh, tcon) }

// flushVsWrite does that while another frame is written, to a terminal that is stopped.
func flushVsWrite(s *system) program.Instance { return s.fixed(tcflsh, write) }

var callNames = [numCalls]string{"write", "flush", "stop", "start"}

// fixed is a program of threads with a call each.
func (s *system) fixed(calls ...call) program.Instance {
	bodies := make([]func(t *schedule.Thread), len(calls))
	for i, c := range calls {
		bodies[i] = func(t *schedule.Thread) {
			s.call_(t, c)
			s.exitFiles(t)
		}
	}
	begin := func(e *schedule.Exec) {
		s.BootGlobals(e)
		s.bootStopped(e, len(calls))
		for i, c := range calls {
			e.Go(callNames[c], bodies[i])
		}
		s.bootAgents(e)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// bootAgents creates a kworker, if there is anything for it to do.
func (s *system) bootAgents(e *schedule.Exec) {
	if s.Has(writeWork) {
		workqueue.Boot(e, 1)
	}
}

// A workload is a program whose threads and calls the tape chooses before the schedule: 2 or 3
// threads that share the terminal, as it is when it has been opened, with 1 or 2 calls each.
type workload struct {
	*system
	*program.Workload[call]
}

func newWorkload(s *system) program.Instance {
	w := &workload{system: s}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	w.BootGlobals(e)
	threads := w.Threads(e)
	w.boot(e, threads, nil)
	for i := range threads {
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = call(w.Choose(e, int(numCalls)))
		}
		w.Go(e, i)
	}
	w.bootAgents(e)
}

// run_ makes the calls of a thread, which then exits.
func (w *workload) run_(t *schedule.Thread, _ int, calls []call) {
	for j, c := range calls {
		w.call_(t, c)
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
	w.exitFiles(t)
}

// abstract gives the Go fuzzer a word for the line discipline, and one for the terminal.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	for _, n := range s.nHdlcs.InUse(e) {
		hit(program.Word(0, true,
			n.Live(), n.tbusy.Peek() != 0, n.wokeUp.Peek() != 0, n.tbuf.Peek() != nil,
			n.txBufList.filled(), n.txFreeBufList.filled(),
			n.txBufList.spinlock.IsLocked(), n.txFreeBufList.spinlock.IsLocked()))
	}
	hit(program.Word(0, false,
		s.tty.stopped.Peek() != 0, s.tty.doWriteWakeup.isSet(),
		s.tty.flowLock.IsLocked(), s.tty.atomicWriteLock.IsLocked()))
}

// filled reports whether anything is on the list.
func (l *nHdlcBufList) filled() bool { return l.head.Peek() != nil || l.list.Peek() != nil }
