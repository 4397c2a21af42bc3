package afpacket

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// This file is the device that sockets are bound to, and packet_notifier(). In the programs without
// a device none of it takes a step.

// netDevice is the part of struct net_device that matters here.
type netDevice struct {
	schedule.Object
	flags         mem.Int // IFF_UP or 0
	refcnt        atomic.Int
	ptypeSpecific list.Head[hook]
}

// Values of po->ifindex, and of flags.
const (
	anyDevice  = 0
	theDevice  = 1
	goneDevice = -1

	iffUp = 1
)

// Open is the gate of who waits for the last reference.
func (dev *netDevice) Open(*schedule.Thread) bool { return dev.refcnt.Peek() == 0 }

// initNet is the part of init_net that has devices.
type initNet struct {
	schedule.Object
	devIndexHead rcu.Ptr[*netDevice]
}

// napiStruct is the struct napi_struct of the device: whoever has NAPI_STATE_SCHED polls it, or has
// disabled it.
type napiStruct struct {
	schedule.Object
	state schedule.Cell
}

// schedulePrep_ is napi_schedule_prep(), for a packet.
func (n *napiStruct) schedulePrep_(t *schedule.Thread) bool {
	t.Step(schedule.Op{Verb: "napi_schedule_prep", Cell: &n.state, Mode: schedule.RMWFull})
	was := t.Observe(n.state.Value())
	n.state.Set(1)
	return was == 0
}

// complete_ is napi_complete_done().
func (n *napiStruct) complete_(t *schedule.Thread) { n.clear_(t, "napi_complete_done") }

// enable_ is napi_enable().
func (n *napiStruct) enable_(t *schedule.Thread) { n.clear_(t, "napi_enable") }

func (n *napiStruct) clear_(t *schedule.Thread, verb string) {
	t.Step(schedule.Op{Verb: verb, Cell: &n.state, Mode: schedule.RMWFull})
	n.state.Set(0)
}

// disable_ is napi_disable(), which waits for who polls.
func (n *napiStruct) disable_(t *schedule.Thread) {
	preempt.MightSleep(t, "napi_disable")
	t.Await(schedule.Op{Verb: "napi_disable", Cell: &n.state, Mode: schedule.LockOp}, n)
	n.state.Set(1)
}

// Open is the gate of disable_.
func (n *napiStruct) Open(*schedule.Thread) bool { return n.state.Value() == 0 }

// listedSock is a socket as net->packet.sklist has it, by other links.
type listedSock struct{ *packetSock }

// ListNode implements [list.Entry].
func (po listedSock) ListNode() *list.Node[listedSock] { return &po.skNode }

// hasDevice reports whether the program has a device.
func (s *system) hasDevice() bool { return s.devs != nil }

// Events of the device.
type event int

const (
	netdevUp event = iota
	netdevDown
	netdevUnregister
)

// packetNotifier is packet_notifier(), with the rtnl.
func (s *system) packetNotifier(t *schedule.Thread, msg event) {
	rcu.ReadLock(t)
	for po := s.sklist.First(t); po.packetSock != nil; po = po.skNode.Next(t) {
		if !po.Has(lockedIndex) && po.ifindex.Read(t) != theDevice {
			continue
		}
		po.bindLock.Lock(t)
		if !po.Has(lockedIndex) || po.ifindex.Read(t) == theDevice {
			po.notify_(t, msg)
		}
		po.bindLock.Unlock(t)
	}
	rcu.ReadUnlock(t)
}

// notify_ is what packet_notifier() does to a socket of the device, with bind_lock.
func (po *packetSock) notify_(t *schedule.Thread, msg event) {
	if msg == netdevUp {
		if po.num.Read(t) != 0 {
			po.registerProtHook(t)
		}
		return
	}
	if po.running.Read(t) != 0 {
		po.__unregisterProtHook(t, false)
	}
	if msg == netdevUnregister {
		po.ifindex.Write(t, goneDevice)
		po.putDevice_(t)
	}
}

// putDevice_ is where a socket drops its device.
func (po *packetSock) putDevice_(t *schedule.Thread) {
	if dev := po.protHook.dev.Read(t); dev != nil {
		dev.refcnt.Dec(t) // dev_put
		po.protHook.dev.Write(t, nil)
	}
}

// bindTo_ is packet_do_bind() of 4.14, and later ones.
func (po *packetSock) bindTo_(t *schedule.Thread, proto, ifindex int) {
	po.skLock.LockSock(t)
	po.bindLock.Lock(t)
	rcu.ReadLock(t)
	if po.fanout.Read(t) == nil { // else -EINVAL
		po.rebind_(t, proto, ifindex)
	}
	rcu.ReadUnlock(t)
	po.bindLock.Unlock(t)
	po.skLock.ReleaseSock(t)
}

// rebind_ is the rest of it, with bind_lock, which it drops, in a read-side section.
func (po *packetSock) rebind_(t *schedule.Thread, proto, ifindex int) {
	var dev *netDevice
	if ifindex != anyDevice {
		if dev = po.initNet.devIndexHead.Dereference(t); dev == nil { // dev_get_by_index_rcu
			return // -ENODEV
		}
		dev.refcnt.Inc(t) // dev_hold
	}
	protoCurr := po.protHook.Type.Read(t)
	devCurr := po.protHook.dev.Read(t)
	rehook, unlisted := protoCurr != proto || devCurr != dev, false
	if rehook {
		if po.running.Read(t) != 0 {
			rcu.ReadUnlock(t)
			if po.Has(bindNum) {
				po.num.Write(t, 0)
			}
			po.__unregisterProtHook(t, true)
			rcu.ReadLock(t)
			devCurr = po.protHook.dev.Read(t)
			unlisted = dev != nil && po.initNet.devIndexHead.Dereference(t) == nil
		}
		po.setDevice_(t, proto, dev, unlisted)
	}
	if devCurr != nil {
		devCurr.refcnt.Dec(t) // dev_put
	}
	if rehook && !unlisted && (dev == nil || dev.flags.Read(t) == iffUp) {
		po.registerProtHook(t)
	}
}

// setDevice_ is where packet_do_bind() writes what the socket is bound to.
func (po *packetSock) setDevice_(t *schedule.Thread, proto int, dev *netDevice, unlisted bool) {
	if po.Has(bindBug) && po.running.Read(t) != 0 {
		t.Fail(schedule.BugOn, &po.Object, schedule.Party{}, "BUG_ON(po->running)")
	}
	po.num.Write(t, numOf_(proto))
	po.protHook.Type.Write(t, proto)
	switch {
	case unlisted:
		dev.refcnt.Dec(t) // dev_put
		po.protHook.dev.Write(t, nil)
		po.ifindex.Write(t, goneDevice)
	case dev != nil:
		po.protHook.dev.Write(t, dev)
		po.ifindex.Write(t, theDevice)
	default:
		po.protHook.dev.Write(t, nil)
		po.ifindex.Write(t, anyDevice)
	}
}

// numOf_ is po->num of a socket of a protocol.
func numOf_(proto int) int { return proto + 1 }

// takeNum_ is where packet_set_ring() takes the socket off its list, and returns what po->num was.
func (po *packetSock) takeNum_(t *schedule.Thread, wasRunning bool) int {
	if !po.hasDevice() {
		return 0
	}
	num := po.num.Read(t)
	if wasRunning || po.Has(ringNum) {
		po.num.Write(t, 0)
	}
	return num
}

// giveNum_ is where it puts it back, and returns whether the hook is to be registered.
func (po *packetSock) giveNum_(t *schedule.Thread, wasRunning bool, num int) bool {
	if !po.hasDevice() {
		return wasRunning
	}
	if wasRunning || po.Has(ringNum|lateRing) {
		po.num.Write(t, num)
	}
	if po.Has(ringAsks) {
		return num != 0 && po.isUp_(t)
	}
	return wasRunning && (!po.Has(ringGone) || po.ifindex.Read(t) != goneDevice)
}

// isUp_ is whether what the socket is bound to is there, and up, with bind_lock.
func (po *packetSock) isUp_(t *schedule.Thread) bool {
	if po.ifindex.Read(t) == goneDevice {
		return false
	}
	dev := po.protHook.dev.Read(t)
	return dev == nil || dev.flags.Read(t) == iffUp
}

// unlist_ is sk_del_node_init_rcu(), in packet_release().
func (po *packetSock) unlist_(t *schedule.Thread) {
	po.sklistLock.Lock(t)
	po.sklist.DelRcu(t, listedSock{po})
	po.sklistLock.Unlock(t)
	po.skRefcnt.Dec(t) // __sock_put
}

// unbind_ is what packet_release() does with bind_lock besides.
func (po *packetSock) unbind_(t *schedule.Thread) {
	if po.Has(releaseNum) {
		po.num.Write(t, 0)
	}
	po.putDevice_(t)
}

// devOpen is dev_open(), of who sets IFF_UP.
func (s *system) devOpen(t *schedule.Thread, dev *netDevice) {
	s.rtnlMutex.Lock(t)
	if dev.flags.Read(t) != iffUp {
		s.napi.enable_(t)         // ndo_open
		dev.flags.Write(t, iffUp) // __dev_open
		s.packetNotifier(t, netdevUp)
	}
	s.rtnlMutex.Unlock(t)
}

// devClose is dev_close(), of who clears it.
func (s *system) devClose(t *schedule.Thread, dev *netDevice) {
	s.rtnlMutex.Lock(t)
	s.devCloseMany(t, dev, false)
	s.rtnlMutex.Unlock(t)
}

// devCloseMany is dev_close_many() of one device.
func (s *system) devCloseMany(t *schedule.Thread, dev *netDevice, dismantle bool) {
	if dev.flags.Read(t) != iffUp {
		return
	}
	if !dismantle {
		rcu.Synchronize(t) // dev_deactivate_many
	}
	s.napi.disable_(t)    // ndo_stop
	dev.flags.Write(t, 0) // __dev_close_many
	s.packetNotifier(t, netdevDown)
}

// unregisterNetdev is unregister_netdev(), and rtnl_unlock(), which calls netdev_run_todo().
func (s *system) unregisterNetdev(t *schedule.Thread, dev *netDevice) {
	s.rtnlMutex.Lock(t)
	s.rollbackRegisteredMany(t, dev)
	s.rtnlMutex.Unlock(t)
	s.netdevRunTodo(t, dev)
}

// rollbackRegisteredMany is rollback_registered_many() of one device.
func (s *system) rollbackRegisteredMany(t *schedule.Thread, dev *netDevice) {
	s.devCloseMany(t, dev, true)
	s.initNet.devIndexHead.Assign(t, nil) // unlist_netdevice
	rcu.Synchronize(t)                    // synchronize_net
	s.packetNotifier(t, netdevUnregister)
	rcu.Synchronize(t) // synchronize_net
	dev.refcnt.Dec(t)  // dev_put
}

// netdevRunTodo is netdev_run_todo() of one device.
func (s *system) netdevRunTodo(t *schedule.Thread, dev *netDevice) {
	t.Await(schedule.Op{Verb: "netdev_wait_allrefs", Mode: schedule.Marked | schedule.Blocks}, dev)
	if !dev.ptypeSpecific.Empty(t) {
		t.Fail(schedule.BugOn, &dev.Object, schedule.Party{},
			"BUG_ON(!list_empty(&dev->ptype_specific))")
	}
	slab.Free(t, "kfree", dev) // free_netdev
}
