package afpacket

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/timer"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 3
	maxCalls   = 2
	maxSocks   = 2
	maxPackets = 2
	maxTimers  = 2
	// maxMembers is of a group: each of maxSocks sockets may be added once by each call of each
	// thread. (The kernel has room for PACKET_FANOUT_MAX, which is 256.)
	maxMembers = maxSocks + maxThreads*maxCalls
)

// exitFiles is exit_files(): the last of the threads closes the sockets.
func (s *system) exitFiles(t *schedule.Thread) {
	if !s.files.count.DecAndTest(t) { // put_files_struct
		return
	}
	for i := range s.files.fd {
		if po := s.files.fd[i].Read(t); po != nil { // close_files
			s.files.fd[i].Write(t, nil)
			po.packetRelease(t)
		}
	}
}

// exitNotify is exit_notify(), which wakes the parent.
func (s *system) exitNotify(t *schedule.Thread) { s.signal.waitChldexit.Complete(t) }

// wait4 is wait4(), of the parent, for so many.
func (s *system) wait4(t *schedule.Thread, children int) {
	for range children {
		s.signal.waitChldexit.WaitForCompletion(t)
	}
}

// bootSock opens socket i, bound to a protocol, before the first step.
func (s *system) bootSock(e *schedule.Exec, i, proto int) *packetSock {
	po := s.socks.AllocBoot(e)
	po.skRefcnt.Init(2) // that of the socket, and that of the hook
	po.running.Init(1)
	po.protHook.Type.Init(proto)
	s.ptypeBase.head[proto].Init(po)
	s.files.fd[i].Init(po)
	return po
}

// bootGroup makes a group with a socket that nobody closes, before the first step.
func (s *system) bootGroup(e *schedule.Exec, id, proto int) {
	po, f := s.socks.AllocBoot(e), s.fanouts.AllocBoot(e)
	po.skRefcnt.Init(2)
	po.running.Init(1)
	po.protHook.Type.Init(proto)
	po.fanout.Init(f)
	f.id.Init(id)
	f.protHook.Type.Init(proto)
	f.arr[0].Init(po)
	f.numMembers.Init(1)
	f.skRef.Init(1)
	s.ptypeBase.head[proto].Init(fanoutHook{f})
	s.fanoutList.Init(f)
}

// bootAgents creates the softirqs. They come after the threads, so that where the schedule says
// nothing they wait until these have finished or sleep. When all is quiet the groups are looked at.
func (s *system) bootAgents(e *schedule.Exec) {
	flavours := rcu.Split
	if s.Has(joinDown) { // the first of the variants that is of releases from 4.20 on only
		flavours = rcu.Merged
	}
	rcu.Boot(e, flavours)
	timer.Boot(e, maxTimers)
	e.AtEnd(s.checkEnd)
}

// checkEnd_ looks for a group that has no socket, and so nobody who would free it, and for a socket
// that is closed, and whose hook has a reference that nobody will drop. kmemleak does not: the
// group is on fanout_list, and the hook on a list of hooks. (Unless only a group leads to the
// socket, and has been freed: then kmemleak sees it too.)
func (s *system) checkEnd_(e *schedule.Exec) {
	for f := s.fanoutList.Peek(); f != nil; f = f.list.Peek() {
		if f.skRef.Peek() == 0 {
			e.FailAtEnd(schedule.Leak, &f.Object, f.Allocated(), "no socket is in the group")
			return
		}
	}
	for _, po := range s.socks.InUse(e) {
		if po.Live() && po.dead.Peek() != 0 {
			e.FailAtEnd(schedule.Leak, &po.Object, po.Allocated(), "the socket is closed, and its hook holds it")
			return
		}
	}
}

// A call is a system call on a socket.
type call int

const (
	rxRing    call = iota // setsockopt(PACKET_RX_RING)
	rxRingOff             // that of no blocks
	version1              // setsockopt(PACKET_VERSION, TPACKET_V1)
	version3
	fanout // setsockopt(PACKET_FANOUT)
	bindIP // bind() to a protocol
	bindARP
	bindNone // as to a device that is down: to no protocol
	bindDev  // to IP packets of the device
)

// call_ makes a call.
func (po *packetSock) call_(t *schedule.Thread, c call) {
	switch c {
	case bindIP:
		po.packetDoBind(t, ethPIP, anyDevice)
	case bindARP:
		po.packetDoBind(t, ethPARP, anyDevice)
	case bindNone:
		po.packetDoBind(t, noProto, anyDevice)
	case bindDev:
		po.packetDoBind(t, ethPIP, theDevice)
	default:
		po.packetSetsockopt(t, c)
	}
}

// ringVsVersion sets up a ring for TPACKET_V3 while the version changes to TPACKET_V1.
func ringVsVersion(s *system) program.Instance {
	return s.fixed(func(e *schedule.Exec) { s.bootSock(e, 0, ethPIP).tpVersion.Init(tpacketV3) },
		child("rx_ring", rxRing), child("version", version1))
}

// ringOff sets up a ring for TPACKET_V3, and gives it up before the socket is closed.
func ringOff(s *system) program.Instance {
	return s.fixed(func(e *schedule.Exec) { s.bootSock(e, 0, ethPIP).tpVersion.Init(tpacketV3) },
		child("rx_ring", rxRing, rxRingOff))
}

// fanoutVsBind adds a socket to a group while it is bound to another protocol, and then there is
// a packet of the old. The parent keeps the socket open until then, or closes it.
func fanoutVsBind(s *system) program.Instance {
	return s.fixed(s.grouped, joins, child("bind", bindARP), parent, packet)
}

// fanoutVsUnbind adds a socket to a group, as the first in it, while it is bound to no protocol any
// more, and so is put back nowhere.
func fanoutVsUnbind(s *system) program.Instance {
	return s.fixed(s.ungrouped, joins, child("bind", bindNone), parent, packet)
}

// fanoutVsRing adds a socket to a group while it gets a ring.
func fanoutVsRing(s *system) program.Instance {
	return s.fixed(s.grouped, joins, child("rx_ring", rxRing), packet)
}

// fanoutVsFanout adds a socket to a group twice.
func fanoutVsFanout(s *system) program.Instance {
	return s.fixed(s.grouped, joins, child("fanout2", fanout), packet)
}

// ungrouped is a socket, and no group.
func (s *system) ungrouped(e *schedule.Exec) { s.bootSock(e, 0, ethPIP) }

// grouped is a socket, and a group that has another.
func (s *system) grouped(e *schedule.Exec) {
	s.bootSock(e, 0, ethPIP)
	s.bootGroup(e, 0, ethPIP)
}

// A thread is what one thread of a fixed scenario does.
type thread struct {
	name  string
	calls []call // on socket 0
	role  role
	ops   []op // of the device
}

// A role says what a thread has to do with the sockets.
type role uint8

const (
	isChild  role = iota // shares them, and makes calls
	isParent             // shares them, and waits for those with calls
	isPacket             // does not have them: a packet comes
	isLink               // does not have them: changes the device
)

var (
	joins  = child("fanout", fanout)
	parent = thread{name: "parent", role: isParent}
	packet = thread{name: "packet", role: isPacket}
)

// child is a thread that makes these calls.
func child(name string, calls ...call) thread { return thread{name: name, calls: calls} }

// fixed is a program of these threads.
func (s *system) fixed(boot func(e *schedule.Exec), threads ...thread) program.Instance {
	var count [isLink + 1]int
	for _, th := range threads {
		count[th.role]++
	}
	bodies := make([]func(t *schedule.Thread), len(threads))
	for i, th := range threads {
		bodies[i] = s.body_(th, count[isChild]+count[isLink], count[isParent] > 0)
	}
	begin := func(e *schedule.Exec) {
		s.BootGlobals(e)
		s.files.count.Init(count[isChild] + count[isParent])
		boot(e)
		for i, th := range threads {
			e.Go(th.name, bodies[i])
		}
		s.bootAgents(e)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// body_ is what a thread does, where so many have a parent, which waits for them or is not there.
func (s *system) body_(th thread, children int, waited bool) func(t *schedule.Thread) {
	switch th.role {
	case isPacket:
		return func(t *schedule.Thread) { s.netRxAction(t, ethPIP) }
	case isParent:
		return func(t *schedule.Thread) {
			s.wait4(t, children)
			s.exitFiles(t)
		}
	}
	return func(t *schedule.Thread) {
		if th.role == isLink {
			s.ops_(t, th.ops)
		} else {
			s.calls_(t, th.calls)
		}
		if waited {
			s.exitNotify(t)
		}
	}
}

// calls_ makes calls on socket 0, and exits.
func (s *system) calls_(t *schedule.Thread, calls []call) {
	po := s.files.fd[0].Peek()
	for _, c := range calls {
		po.call_(t, c)
	}
	s.exitFiles(t)
}

// What the workloads choose from. Up to 4.12 a ring that is given up fails by itself, which is
// ring-off, so ring-workload does not.
var (
	ringCalls = []call{rxRing, version1, version3}
	allCalls  = []call{rxRing, rxRingOff, version1, version3, fanout, bindIP, bindARP}
)

// A workload is a program whose threads and calls the tape chooses before the schedule: 2 or 3
// threads that share 1 or 2 sockets, with 1 or 2 calls each, and another that sends up to 2
// packets.
type workload struct {
	*system
	*program.Workload[sockCall]
	calls   []call
	packets [maxPackets]int
	sent    int
	send    func(t *schedule.Thread)
}

// sockCall is a call and its socket.
type sockCall struct {
	call call
	fd   int
}

func newRingWorkload(s *system) program.Instance { return s.workload(ringCalls) }

func newWorkload(s *system) program.Instance { return s.workload(allCalls) }

func (s *system) workload(calls []call) program.Instance {
	w := &workload{system: s, calls: calls}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	w.send = w.send_
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	w.BootGlobals(e)
	socks := 1 + w.Choose(e, maxSocks)
	for i := range socks {
		w.bootSock(e, i, ethPIP)
	}
	w.threads_(e, socks)
	w.packets_(e)
	w.bootAgents(e)
}

// threads_ has the tape choose the threads and their calls, on so many sockets.
func (w *workload) threads_(e *schedule.Exec, socks int) {
	threads := w.Threads(e)
	w.files.count.Init(threads)
	for i := range threads {
		own := w.Calls(e, i)
		for j := range own {
			own[j] = sockCall{w.calls[w.Choose(e, len(w.calls))], w.Choose(e, socks)}
		}
		w.Go(e, i)
	}
}

// packets_ has it choose the packets.
func (w *workload) packets_(e *schedule.Exec) {
	w.sent = w.Choose(e, 1+maxPackets)
	for i := range w.sent {
		w.packets[i] = w.Choose(e, numProtos)
	}
	e.Go("packets", w.send)
}

// run_ makes the calls of a thread, which then exits.
func (w *workload) run_(t *schedule.Thread, _ int, calls []sockCall) {
	for j, c := range calls {
		w.files.fd[c.fd].Peek().call_(t, c.call)
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
	w.exitFiles(t)
}

// send_ is the packets that come.
func (w *workload) send_(t *schedule.Thread) {
	for i, proto := range w.packets[:w.sent] {
		w.netRxAction(t, proto)
		t.Forget(uint64(i))
	}
}

// abstract gives the Go fuzzer a word for each socket, one for each group, and if there is a device
// another for each socket and one for the device.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	for _, po := range s.socks.InUse(e) {
		hit(program.Word(po.tpVersion.Peek(), false,
			po.Live(), po.running.Peek() != 0, po.fanout.Peek() != nil, po.rxRing.pgVec.Peek() != nil,
			po.rxRing.prbBdqc.retireBlkTimer.Pending(), po.rxRing.prbBdqc.retireBlkTimer.Running(),
			po.skLock.IsLocked(), po.bindLock.IsLocked()))
	}
	for _, f := range s.fanouts.InUse(e) {
		hit(program.Word(f.numMembers.Peek()<<2|min(max(f.skRef.Peek(), 0), 3), true,
			f.Live(), f.lock.IsLocked(), s.fanoutMutex.IsLocked()))
	}
	if s.hasDevice() {
		s.abstractDevice(e, hit)
	}
}
