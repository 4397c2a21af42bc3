package afpacket

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// An op is what is done to the device.
type op int

const (
	linkUp   op = iota // ip link set dev up
	linkDown           // ip link set dev down
	linkDel            // ip link del dev
)

// ops_ does something to the device. Once it is deleted nobody finds it.
func (s *system) ops_(t *schedule.Thread, ops []op) {
	for _, o := range ops {
		dev := s.initNet.devIndexHead.Peek() // with the rtnl, and of one thread
		if dev == nil {
			return
		}
		switch o {
		case linkUp:
			s.devOpen(t, dev)
		case linkDown:
			s.devClose(t, dev)
		case linkDel:
			s.unregisterNetdev(t, dev)
		}
	}
}

// bootDevice makes the device, before the first step.
func (s *system) bootDevice(e *schedule.Exec, flags int) {
	s.dev = s.devs.AllocBoot(e)
	s.dev.flags.Init(flags)
	s.napi.state.Set(uint64(1 - flags)) // disabled if it is down
	s.dev.refcnt.Init(1)
	s.initNet.devIndexHead.Init(s.dev)
}

// bootBound opens socket i, bound to the device, before the first step.
func (s *system) bootBound(e *schedule.Exec, i int) *packetSock {
	po := s.socks.AllocBoot(e)
	po.skRefcnt.Init(2) // that of the socket, and that of the list of sockets
	po.protHook.Type.Init(ethPIP)
	po.protHook.dev.Init(s.dev)
	s.dev.refcnt.Init(s.dev.refcnt.Peek() + 1)
	po.num.Init(numOf_(ethPIP))
	po.ifindex.Init(theDevice)
	s.sklist.Init(listedSock{po})
	s.files.fd[i].Init(po)
	return po
}

// bootHook has the socket running.
func (s *system) bootHook(po *packetSock) {
	po.running.Init(1)
	po.skRefcnt.Init(3)
	s.dev.ptypeSpecific.Init(po)
}

// bootJoined has the socket in a group, as the only one. It is running if the device is up.
func (s *system) bootJoined(e *schedule.Exec, po *packetSock) {
	f := s.fanouts.AllocBoot(e)
	f.protHook.Type.Init(ethPIP)
	f.protHook.dev.Init(s.dev)
	f.skRef.Init(1)
	po.fanout.Init(f)
	s.fanoutList.Init(f)
	if s.dev.flags.Peek() == iffUp {
		po.running.Init(1)
		po.skRefcnt.Init(3)
		f.arr[0].Init(po)
		f.numMembers.Init(1)
		s.dev.ptypeSpecific.Init(fanoutHook{f})
	}
}

// keepOpen has another process have the sockets, which does not close them.
func (s *system) keepOpen() { s.files.count.Init(s.files.count.Peek() + 1) }

// link is a thread that does this to the device.
func link(ops ...op) thread { return thread{name: "link", role: isLink, ops: ops} }

// boundUp is a socket of a device that is up.
func (s *system) boundUp(e *schedule.Exec) {
	s.bootDevice(e, iffUp)
	s.bootHook(s.bootBound(e, 0))
}

// bindVsUp binds a socket to all devices while its device goes down and up. The parent closes it
// when both are done. Then there is a packet of the device.
func bindVsUp(s *system) program.Instance {
	return s.fixed(s.boundUp, child("bind", bindIP), link(linkDown, linkUp), parent, packet)
}

// bindVsDel is the same with a device that is deleted then.
func bindVsDel(s *system) program.Instance {
	return s.fixed(s.boundUp, child("bind", bindIP), link(linkDown, linkUp, linkDel), parent)
}

// ringVsUp takes the ring of a socket away while its device comes up. The socket stays open.
func ringVsUp(s *system) program.Instance {
	boot := func(e *schedule.Exec) {
		s.keepOpen()
		s.bootDevice(e, 0)
		po := s.bootBound(e, 0)
		po.protHook.Func.Init(funcTpacketRcv)
		po.rxRing.pgVec.Init(s.pgvs.AllocBoot(e))
	}
	return s.fixed(boot, child("rx_ring", rxRingOff), link(linkUp), packet)
}

// closeVsUp closes a socket that is in a group while its device comes up.
func closeVsUp(s *system) program.Instance {
	boot := func(e *schedule.Exec) {
		s.bootDevice(e, 0)
		s.bootJoined(e, s.bootBound(e, 0))
	}
	return s.fixed(boot, child("close"), link(linkUp), packet)
}

// ringVsDel sets up a ring for a socket that is in a group while its device is deleted. The socket
// stays open.
func ringVsDel(s *system) program.Instance {
	boot := func(e *schedule.Exec) {
		s.keepOpen()
		s.bootDevice(e, iffUp)
		s.bootJoined(e, s.bootBound(e, 0))
	}
	return s.fixed(boot, child("rx_ring", rxRing), link(linkDel))
}

// bindVsDown binds a socket to all devices while its device goes down. The socket stays open.
func bindVsDown(s *system) program.Instance {
	check := s.checkHook_
	boot := func(e *schedule.Exec) {
		s.keepOpen()
		s.boundUp(e)
		e.AtEnd(check)
	}
	return s.fixed(boot, child("bind", bindIP), link(linkDown))
}

// ringVsOpen sets up a ring for a socket while its device comes up. The socket stays open.
func ringVsOpen(s *system) program.Instance {
	check := s.checkHook_
	boot := func(e *schedule.Exec) {
		s.keepOpen()
		s.bootDevice(e, 0)
		s.bootBound(e, 0)
		e.AtEnd(check)
	}
	return s.fixed(boot, child("rx_ring", rxRing), link(linkUp))
}

// checkHook_ looks whether socket 0, which is in no group, gets packets. No kernel checks that, and
// who has called bind(), or brought the device up, has been told that all is well.
func (s *system) checkHook_(e *schedule.Exec) {
	po := s.files.fd[0].Peek()
	dev := po.protHook.dev.Peek()
	if po.protHook.list.Listed() || dev != nil && dev.flags.Peek() != iffUp {
		return
	}
	note := "the socket is bound to a device that is up, and its hook is on no list"
	if dev == nil {
		note = "the socket is bound to all devices, and its hook is on no list"
	}
	e.FailAtEnd(schedule.LostUpdate, &po.Object, schedule.Party{}, note)
}

// deviceCalls is what the threads of a device-workload choose from.
var deviceCalls = []call{rxRing, rxRingOff, fanout, bindDev, bindIP, bindARP}

// maxOps is how often the device changes at most.
const maxOps = 3

// A deviceWorkload is a workload of sockets that are bound to a device, which goes down and up, or
// away.
type deviceWorkload struct {
	*workload
	ops    [maxOps]op
	opsN   int
	change func(t *schedule.Thread)
}

func newDeviceWorkload(s *system) program.Instance {
	w := &deviceWorkload{workload: &workload{system: s, calls: deviceCalls}}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	w.send = w.send_
	w.change = func(t *schedule.Thread) { w.ops_(t, w.ops[:w.opsN]) }
	return w.Instance(w.begin, s.abstract)
}

func (w *deviceWorkload) begin(e *schedule.Exec) {
	w.BootGlobals(e)
	flags := iffUp - w.Choose(e, 2)
	w.bootDevice(e, flags)
	socks := 1 + w.Choose(e, maxSocks)
	for i := range socks {
		po := w.bootBound(e, i)
		if flags == iffUp {
			w.bootHook(po)
		}
	}
	w.threads_(e, socks)
	w.opsN = 1 + w.Choose(e, maxOps)
	for i := range w.opsN {
		w.ops[i] = op(w.Choose(e, 3))
	}
	e.Go("link", w.change)
	w.packets_(e)
	w.bootAgents(e)
}

// abstractDevice is the part of abstract that is of the device.
func (s *system) abstractDevice(e *schedule.Exec, hit func(uint64)) {
	for _, po := range s.socks.InUse(e) {
		hit(program.Word(1+po.ifindex.Peek(), true, true,
			po.Live(), po.num.Peek() != 0, po.running.Peek() != 0, po.protHook.dev.Peek() != nil,
			po.protHook.list.Listed()))
	}
	hit(program.Word(min(max(s.dev.refcnt.Peek(), 0), 3), true, true, true,
		s.dev.Live(), s.dev.flags.Peek() == iffUp, s.dev.ptypeSpecific.Peek() != nil,
		s.rtnlMutex.IsLocked()))
}
