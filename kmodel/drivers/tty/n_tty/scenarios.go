package ntty

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 3
	maxCalls   = 2
)

// boot opens a pty before the first step. The slave echoes.
func (s *system) boot(e *schedule.Exec, opost bool) {
	s.BootGlobals(e)
	s.tty.echo.Init(1)
	if opost {
		s.tty.opost.Init(1)
	}
}

// bootBuffer gives a port a buffer of a size, in which so much has been used and handed over.
func (port *ttyPort) bootBuffer(e *schedule.Exec, size, used, read int) {
	b := port.buffers.AllocBoot(e)
	b.size.Init(size)
	b.used.Init(used)
	b.commit.Init(used)
	b.read.Init(read)
	port.buf.head.Init(b)
	port.buf.tail.Init(b)
}

// writeVsEcho writes to a terminal in raw mode, where something has been typed. There is room for
// the one or the other.
func writeVsEcho(s *system) program.Instance { return s.fixed(false, "write", s.write_) }

// opostVsEcho does that to one with OPOST.
func opostVsEcho(s *system) program.Instance { return s.fixed(true, "write", s.write_) }

// xcharVsEcho sends a STOP character there, with ioctl(TCXONC, TCIOFF).
func xcharVsEcho(s *system) program.Instance { return s.fixed(true, "xchar", s.tty.ttySendXchar) }

func (s *system) write_(t *schedule.Thread) { s.tty.ttyWrite(t, 1) }

func (s *system) fixed(opost bool, name string, call func(*schedule.Thread)) program.Instance {
	begin := func(e *schedule.Exec) {
		s.boot(e, opost)
		s.tty.port.bootBuffer(e, small, 1, 0)
		s.master.port.bootBuffer(e, large, large-1, large-1)
		e.Go(name, call)
		workqueue.Boot(e, 1)
		workqueue.QueueBoot(e, &s.tty.port.buf.work)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// A call is a write of one size to one end.
type call struct {
	tty  *ttyStruct
	size int
}

// calls are what a workload chooses from: to write to the terminal, a little or more than a small
// buffer has room for, and to type something.
func (s *system) calls() []call { return []call{{&s.tty, 1}, {&s.tty, small + 1}, {&s.master, 1}} }

// A workload is a program whose threads and calls the tape chooses before the schedule: 2 or 3
// threads with 1 or 2 calls each, on a terminal in raw mode, or one with OPOST.
type workload struct {
	*system
	*program.Workload[call]
	from []call
}

func newWorkload(s *system) program.Instance {
	w := &workload{system: s, from: s.calls()}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	threads := w.Threads(e)
	w.boot(e, w.Choose(e, 2) == 1)
	for i := range w.ports {
		w.ports[i].bootBuffer(e, small, 0, 0)
	}
	for i := range threads {
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = w.from[w.Choose(e, len(w.from))]
		}
		w.Go(e, i)
	}
	workqueue.Boot(e, len(w.ports))
}

// run_ makes the calls of a thread.
func (w *workload) run_(t *schedule.Thread, _ int, calls []call) {
	for j, c := range calls {
		c.tty.ttyWrite(t, c.size)
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
}

// abstract gives the Go fuzzer a word for each port.
func (s *system) abstract(_ *schedule.Exec, hit func(uint64)) {
	for i := range s.ports {
		buf := &s.ports[i].buf
		head, tail := buf.head.Peek(), buf.tail.Peek()
		hit(program.Word(i<<4|min(tail.used.Peek(), 7)<<1|min(tail.size.Peek()-small, 1),
			head == tail, head.Live(), tail.Live(), tail.commit.Peek() == tail.used.Peek(),
			buf.free.Get() != nil, s.tty.ldata.outputLock.IsLocked()))
	}
}
