package afpacket

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// This file is the part of net/core/dev.c that has the hooks.

// packetType is struct packet_type.
type packetType struct {
	Type mem.Int // the protocol
	dev  mem.Ptr[*netDevice]
	Func mem.Int // of a socket: funcPacketRcv or funcTpacketRcv
	list list.Node[hook]
}

// hook is what has a packet_type, a socket or a group, as the list of a protocol has it.
type hook interface {
	schedule.Header
	ListNode() *list.Node[hook]
	packetType() *packetType
	func_(t *schedule.Thread, proto int) // call Func
}

// ListNode implements [list.Entry].
func (po *packetSock) ListNode() *list.Node[hook] { return &po.protHook.list }

func (po *packetSock) packetType() *packetType { return &po.protHook }

// func_ of a socket looks at what bind() has promised: that it gets packets of its protocol, by its
// list or by its group, and no others from when the type is written. No kernel checks that.
func (po *packetSock) func_(t *schedule.Thread, proto int) {
	if po.Live() && po.protHook.Type.Peek() != proto {
		t.Fail(schedule.LostUpdate, &po.Object, schedule.Party{},
			"the socket gets a packet of a protocol that it is not bound to")
	}
	if po.protHook.Func.Read(t) == funcTpacketRcv {
		po.tpacketRcv(t)
	} else {
		po.packetRcv(t)
	}
}

// fanoutHook is a group as the list of a protocol has it, by other links than fanout_list.
type fanoutHook struct{ *packetFanout }

// ListNode implements [list.Entry].
func (f fanoutHook) ListNode() *list.Node[hook] { return &f.protHook.list }

func (f fanoutHook) packetType() *packetType { return &f.protHook }

func (f fanoutHook) func_(t *schedule.Thread, proto int) { f.packetRcvFanout(t, proto) }

// The protocols.
const (
	ethPIP = iota
	ethPARP
	numProtos
	noProto = numProtos // 0 in C: no packet has it
)

// ptypeBase is ptype_base, by protocol.
type ptypeBase struct {
	schedule.Object
	head [numProtos + 1]list.Head[hook]
}

// ptypeHead_ is ptype_head(), which is inline: a hook with a device is on a list of the device.
func (s *system) ptypeHead_(t *schedule.Thread, pt *packetType) *list.Head[hook] {
	proto := pt.Type.Read(t)
	if s.hasDevice() {
		if dev := pt.dev.Read(t); dev != nil {
			return &dev.ptypeSpecific
		}
	}
	return &s.ptypeBase.head[proto]
}

// devAddPack is dev_add_pack().
func (s *system) devAddPack(t *schedule.Thread, pt hook) {
	head := s.ptypeHead_(t, pt.packetType())
	s.ptypeLock.Lock(t)
	head.AddRcu(t, pt)
	s.ptypeLock.Unlock(t)
}

// __devRemovePack is __dev_remove_pack(). A hook that is not on its list is left alone, with a
// message.
func (s *system) __devRemovePack(t *schedule.Thread, pt hook) {
	head := s.ptypeHead_(t, pt.packetType())
	s.ptypeLock.Lock(t)
	pt1 := head.FirstEntry(t)
	for pt1 != nil && pt1 != pt {
		pt1 = pt1.ListNode().NextEntry(t)
	}
	if pt1 != nil {
		head.ListDelRcu(t, pt)
	}
	s.ptypeLock.Unlock(t)
}

// devRemovePack is dev_remove_pack().
func (s *system) devRemovePack(t *schedule.Thread, pt hook) {
	s.__devRemovePack(t, pt)
	rcu.Synchronize(t) // synchronize_net
}

// netRxAction is net_rx_action(), the softirq, with a packet. A device that is down has none.
func (s *system) netRxAction(t *schedule.Thread, proto int) {
	if s.hasDevice() && !s.napi.schedulePrep_(t) {
		return
	}
	preempt.SoftirqEnter(t)
	s.netifReceiveSkb(t, proto)
	if s.hasDevice() {
		s.napi.complete_(t)
	}
	preempt.SoftirqExit(t)
}

// netifReceiveSkb is netif_receive_skb() of a packet. A hook is called when the next one has been
// found, the last at the end. Here nobody moves a hook to another list but bind(), a grace period
// after it has been on the first, or when the device, which all packets are of, is down, so a walk
// ends where it has begun. With another device, or a backlog, it need not.
func (s *system) netifReceiveSkb(t *schedule.Thread, proto int) {
	rcu.ReadLock(t)
	prev := s.deliverPtypeListSkb_(t, &s.ptypeBase.head[proto], nil, proto)
	if s.hasDevice() {
		prev = s.deliverPtypeListSkb_(t, &s.dev.ptypeSpecific, prev, proto)
	}
	if prev != nil {
		prev.func_(t, proto)
	}
	rcu.ReadUnlock(t)
}

// deliverPtypeListSkb_ is deliver_ptype_list_skb(), which is inline. prev has been found before.
func (s *system) deliverPtypeListSkb_(t *schedule.Thread, list *list.Head[hook], prev hook,
	proto int) hook {
	for pt := list.First(t); pt != nil; pt = pt.ListNode().Next(t) {
		if pt.packetType().Type.Read(t) != proto {
			continue
		}
		if prev != nil {
			prev.func_(t, proto)
		}
		prev = pt
	}
	return prev
}
