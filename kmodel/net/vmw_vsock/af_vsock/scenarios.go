package afvsock

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 2
	maxCalls   = 3
)

// A call is a system call on the socket, or what else a thread does.
type call int

const (
	connect    call = iota // to the peer
	nonblock               // with O_NONBLOCK
	elsewhere              // to where no transport leads
	shutdown               // SHUT_RD
	bufferSize             // setsockopt(SO_VM_SOCKETS_BUFFER_SIZE)
	kill                   // a signal to the first thread
	numCalls               // of a workload

	soError = numCalls + iota // getsockopt(SO_ERROR)
	another                   // to where another transport leads, with O_NONBLOCK
	send                      // sendmsg(MSG_DONTWAIT)
	reset                     // none of a user: the transport is reset
)

// call_ makes a call.
func (s *system) call_(t *schedule.Thread, c call) {
	switch c {
	case connect:
		s.vsk.vsockConnect(t, thePeer, false)
	case nonblock:
		s.vsk.vsockConnect(t, thePeer, true)
	case elsewhere:
		s.vsk.vsockConnect(t, nowhere, false)
	case another:
		s.vsk.vsockConnect(t, other, true)
	case send:
		s.vsk.vsockConnectibleSendmsg(t)
	case shutdown:
		s.vsk.vsockShutdown(t)
	case soError:
		s.vsk.sockError(t)
	case bufferSize:
		s.vsk.vsockConnectibleSetsockopt(t, 1)
	case kill:
		wait.SendSignal(t, s.connects)
	case reset:
		s.virtioVsockResetSock(t)
	}
}

// boot opens the socket and binds it, before the first step.
func (s *system) boot(e *schedule.Exec) {
	s.BootGlobals(e)
	s.vsockBindTable.Init(&s.vsk)
}

// bootAssigned is boot of a socket that was refused by the peer.
func (s *system) bootAssigned(e *schedule.Exec) {
	s.boot(e)
	s.vsk.transport.Init(&s.virtioTransport)
	s.vsk.trans.Init(s.vvs.AllocBoot(e))
}

// bootResets is boot with a peer that resets what it has accepted.
func (s *system) bootResets(e *schedule.Exec) {
	s.boot(e)
	s.peerResets.Init(1)
}

// setsockoptVsConnect sets the size of the buffer while the transport is given up.
func setsockoptVsConnect(s *system) program.Instance {
	return s.fixed(s.bootAssigned,
		thread{"setsockopt", []call{bufferSize}}, thread{"connect", []call{elsewhere}})
}

// signalVsResponse has a connect() interrupted, and tries again.
func signalVsResponse(s *system) program.Instance {
	return s.fixed(s.boot, connects, thread{"retry", []call{kill, connect}})
}

// signalVsElsewhere has a connect() interrupted, and tries another address.
func signalVsElsewhere(s *system) program.Instance {
	return s.fixed(s.boot, connects, thread{"retry", []call{kill, elsewhere}})
}

// signalVsRst is signalVsResponse with a peer that resets what it has accepted. Packets are
// discarded then, until there is a shutdown().
func signalVsRst(s *system) program.Instance {
	return s.fixed(s.bootResets, connects, thread{"retry", []call{kill, nonblock, shutdown}})
}

// connectVsReset has the transport reset, and tries again. Nobody sends a signal.
func connectVsReset(s *system) program.Instance {
	return s.fixed(s.boot, thread{"connect", []call{connect, soError, connect}},
		thread{"event_work", []call{reset}})
}

// connectVsSent has it reset when data has been sent, and tries another transport.
func connectVsSent(s *system) program.Instance {
	return s.fixed(s.boot, thread{"connect", []call{connect, another}},
		thread{"send", []call{send, reset}})
}

// signalVsReset has a connect() interrupted when the transport was reset, and tries again.
func signalVsReset(s *system) program.Instance {
	return s.fixed(s.boot, thread{"connect", []call{connect, connect}},
		thread{"event_work", []call{reset, kill}})
}

// signalVsSent has one interrupted when data has been sent to a peer that resets what it has
// accepted, and tries another transport.
func signalVsSent(s *system) program.Instance {
	return s.fixed(s.bootResets, thread{"connect", []call{connect, another}},
		thread{"send", []call{send, kill}})
}

// A thread is what one thread of a fixed scenario does.
type thread struct {
	name  string
	calls []call
}

var connects = thread{"connect", []call{connect}}

// fixed is a program of threads. Signals go to the first.
func (s *system) fixed(boot func(e *schedule.Exec), threads ...thread) program.Instance {
	bodies := make([]func(t *schedule.Thread), len(threads))
	for i, th := range threads {
		bodies[i] = func(t *schedule.Thread) { s.run_(t, th.calls) }
	}
	begin := func(e *schedule.Exec) {
		boot(e)
		for i, th := range threads {
			if t := e.Go(th.name, bodies[i]); i == 0 {
				s.connects = t
			}
		}
		workqueue.Boot(e, 1)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// run_ makes calls.
func (s *system) run_(t *schedule.Thread, calls []call) {
	for j, c := range calls {
		s.call_(t, c)
		t.SignalHandled()
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
}

// A workload is a program whose threads and calls the tape chooses before the schedule: 2 threads
// with 1 to 3 calls each.
type workload struct {
	*system
	*program.Workload[call]
}

func newWorkload(s *system) program.Instance {
	w := &workload{system: s}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.calls_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	w.boot(e)
	w.peerResets.Init(w.Choose(e, 2))
	for i := range w.Threads(e) {
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = call(w.Choose(e, int(numCalls)))
		}
		if t := w.Go(e, i); i == 0 {
			w.connects = t
		}
	}
	workqueue.Boot(e, 1)
}

// calls_ makes the calls of a thread.
func (w *workload) calls_(t *schedule.Thread, _ int, calls []call) { w.run_(t, calls) }

// abstract gives the Go fuzzer a word for the socket.
func (s *system) abstract(_ *schedule.Exec, hit func(uint64)) {
	v := &s.vsk
	hit(program.Word(v.state.Peek()*4+v.skState.Peek(),
		v.skErr.Peek() != 0, v.done.Peek() != 0, v.skLock.IsLocked(),
		v.transport.Peek() != nil, v.trans.Peek() != nil && v.trans.Peek().Live(),
		s.vsockConnectedTable.Peek().vsockSock != nil, s.vsockBindTable.Peek() != nil))
}
