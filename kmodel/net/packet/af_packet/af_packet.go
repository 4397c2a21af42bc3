// Package afpacket is AF_PACKET sockets (net/packet/af_packet.c): what two threads that share a
// socket do to its ring, and to its hook.
//
// The nouns: the hook of a socket (po->prot_hook, a packet_type) is on the list of its protocol,
// and the network calls it, under RCU, for each packet. A socket in a fanout group has none on
// that list; the group has, and hands each packet to one of its members, f->arr. po->running says
// that the socket is on either. po->bind_lock is to keep the three in step, lock_sock() is for
// bind() and the options, fanout_mutex for the list of groups.
//
// A ring of TPACKET_V3 (rx_ring.pg_vec) has a timer, which retires the block that is being filled,
// and arms itself again. Whoever frees the ring has to delete the timer first.
//
// The first race, CVE-2016-8655: packet_set_ring() looks at tp_version when it sets a ring up, to
// arm the timer, and when the ring is freed, to delete it. PACKET_VERSION looks whether there is a
// ring. Neither has a lock while it looks, so the version may change in between. The second,
// CVE-2017-15649: fanout_add() moves a socket from its list to a group without bind_lock, while
// bind() or packet_set_ring() has it off the list, to put it back. It is in the group twice then,
// and leaves it once.
//
// The third is of sockets that are bound to a device. When that comes up packet_notifier() puts the
// hook back, with bind_lock, of a socket with po->num. So whoever has the socket off its list, and
// has dropped bind_lock to wait for readers, must have cleared po->num. bind() does since
// 15fe076edea7 (CVE-2018-18559), packet_set_ring() only of a socket that was running until
// 01d3c8417b9c (CVE-2025-38617), and packet_release() since 42156f93d123 (CVE-2026-31504). And when
// the device goes away packet_set_ring() must not put the socket back: 50aff80475ab
// (CVE-2026-68338). That packet_notifier() compares po->ifindex without bind_lock, and finds po->num
// cleared of a socket that nobody puts back then, is open in 7.1.5.
//
// The code follows 4.6, 4.12, 4.13.4 and 4.13.9, which has the fixes of 4.14, and with a device
// 4.14, 4.15.18, 6.13.2, 6.18.2 and 7.1.3; see the variants. Of the last fix the message was read.
// RCU has the flavours of up to 4.19 in the variants up to 4.15, and is merged from 6.13 on.
//
// Not modelled: devices, po->num and po->ifindex in the programs of the first two races, which come
// without: sockets there are bound to all devices. In those of the third: several devices, one that
// comes back, or goes to another namespace (which is what the look for unlisted is for), packets of
// a device that waits for its packets to be taken from the backlog of a CPU (this one is polled,
// and so has none when it is down), the lists of ETH_P_ALL, the one list that a namespace has in
// 6.18 for all protocols, and that netdev_wait_allrefs() tells packet_notifier() again. Everywhere:
// the rings for sending, mmap() and what is in a block, which is never full and which the user
// never reads; the queue of a socket without a ring; flags of groups, po->rollover, groups that are
// full; packet_create() and membership of multicast groups. An option is copied before the call.
// (The length of that of PACKET_RX_RING depends on tp_version too, and that look has no lock in
// 4.14: of that comes a wrong request, no more.) That of a ring for TPACKET_V3 has the time of its
// timer: else init_prb_bdqc() asks the device, with the rtnl. A grace period is not expedited. The
// softirq of a packet is a thread of its own, and interrupts nobody. Nobody calls close(): the last
// to exit of the threads that share a socket closes it.
//
// Start reading at packetSetRing, fanoutAdd, packetDoBind and packetNotifier.
package afpacket

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/sock"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/timer"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// packetSock is struct packet_sock.
type packetSock struct {
	schedule.Object
	skRefcnt       atomic.Int
	skLock         sock.Lock
	skReceiveQueue spin.Lock // sk_receive_queue.lock
	fanout         mem.Ptr[*packetFanout]
	rxRing         packetRingBuffer
	bindLock       spin.Lock
	pgVecLock      mutex.Mutex
	running        mem.Int
	tpVersion      mem.Int
	protHook       packetType

	// With a device (notifier.go).
	skNode  list.Node[listedSock]
	num     mem.Int // the protocol, 0 if none
	ifindex mem.Int
	dead    mem.Int // SOCK_DEAD

	*system
}

// Values of tp_version, enum tpacket_versions.
const (
	tpacketV1 = 0
	tpacketV2 = 1
	tpacketV3 = 2
)

// packetRingBuffer is struct packet_ring_buffer.
type packetRingBuffer struct {
	pgVec   mem.Ptr[*pgv]
	prbBdqc tpacketKbdqCore
}

// tpacketKbdqCore is struct tpacket_kbdq_core, for TPACKET_V3.
type tpacketKbdqCore struct {
	pkbdq          mem.Ptr[*pgv]
	deleteBlkTimer mem.Int
	retireBlkTimer timer.Timer
}

// pgv is an array of struct pgv, and the blocks that it leads to.
type pgv struct {
	schedule.Object
	buffer mem.Int
}

// packetFanout is struct packet_fanout.
type packetFanout struct {
	schedule.Object
	numMembers mem.Int
	id         mem.Int // never changes
	list       list.Node[*packetFanout]
	arr        [maxMembers]rcu.Ptr[*packetSock] // __rcu in 5.12.9
	lock       spin.Lock
	skRef      atomic.Int
	protHook   packetType

	*system
}

// ListNode implements [list.Entry].
func (f *packetFanout) ListNode() *list.Node[*packetFanout] { return &f.list }

// registerProtHook is register_prot_hook(), with bind_lock.
func (po *packetSock) registerProtHook(t *schedule.Thread) {
	if po.running.Read(t) != 0 {
		return
	}
	if f := po.fanout.Read(t); f != nil {
		po.__fanoutLink(t, f)
	} else {
		po.devAddPack(t, po)
	}
	po.skRefcnt.Inc(t) // sock_hold
	po.running.Write(t, 1)
}

// __unregisterProtHook is __unregister_prot_hook(), with bind_lock.
func (po *packetSock) __unregisterProtHook(t *schedule.Thread, sync bool) {
	po.running.Write(t, 0)
	if f := po.fanout.Read(t); f != nil {
		po.__fanoutUnlink(t, f)
	} else {
		po.__devRemovePack(t, po)
	}
	po.skRefcnt.Dec(t) // __sock_put
	if sync {
		po.bindLock.Unlock(t)
		rcu.Synchronize(t) // synchronize_net
		po.bindLock.Lock(t)
	}
}

// unregisterProtHook is unregister_prot_hook(), with bind_lock.
func (po *packetSock) unregisterProtHook(t *schedule.Thread) {
	if po.running.Read(t) != 0 {
		po.__unregisterProtHook(t, false)
	}
}

// packetDoBind is packet_do_bind(), to a protocol, or to none, and to a device, or to all, which is
// 0. Where there are no devices it is the part that has none.
func (po *packetSock) packetDoBind(t *schedule.Thread, proto, ifindex int) {
	if po.hasDevice() {
		po.bindTo_(t, proto, ifindex)
		return
	}
	if !po.Has(bindTest) && po.fanout.Read(t) != nil {
		return // -EINVAL
	}
	po.skLock.LockSock(t)
	po.bindLock.Lock(t)
	if po.Has(bindTest) && po.fanout.Read(t) != nil {
		po.bindLock.Unlock(t)
		po.skLock.ReleaseSock(t)
		return // -EINVAL
	}
	if po.protHook.Type.Read(t) != proto {
		if po.running.Read(t) != 0 {
			po.__unregisterProtHook(t, true)
		}
		po.protHook.Type.Write(t, proto)
		if proto != noProto {
			po.registerProtHook(t)
		}
	}
	po.bindLock.Unlock(t)
	po.skLock.ReleaseSock(t)
}

// packetSetsockopt is packet_setsockopt() of one of the options.
func (po *packetSock) packetSetsockopt(t *schedule.Thread, option call) {
	switch option {
	case rxRing:
		po.packetSetRing(t, 1, false)
	case rxRingOff:
		po.packetSetRing(t, 0, false)
	case version1:
		po.version_(t, tpacketV1)
	case version3:
		po.version_(t, tpacketV3)
	case fanout:
		po.fanoutAdd(t, 0)
	}
}

// version_ is PACKET_VERSION.
func (po *packetSock) version_(t *schedule.Thread, version int) {
	if !po.Has(ringLock) {
		if po.rxRing.pgVec.Read(t) == nil {
			po.tpVersion.Write(t, version)
		}
		return
	}
	po.skLock.LockSock(t)
	if po.rxRing.pgVec.Read(t) == nil {
		po.tpVersion.Write(t, version)
	}
	po.skLock.ReleaseSock(t)
}

// packetRelease is packet_release().
func (po *packetSock) packetRelease(t *schedule.Thread) {
	if po.hasDevice() {
		po.unlist_(t)
	}
	po.bindLock.Lock(t)
	po.unregisterProtHook(t)
	if po.hasDevice() {
		po.unbind_(t)
	}
	po.bindLock.Unlock(t)
	if po.Has(lateRelease) {
		po.num.Write(t, 0)
	}
	if po.rxRing.pgVec.Read(t) != nil {
		po.packetSetRing(t, 0, true)
	}
	f := po.fanoutRelease(t)
	rcu.Synchronize(t) // synchronize_net
	if f != nil {
		slab.Free(t, "kfree", f)
	}
	if po.hasDevice() {
		po.dead.Write(t, 1) // sock_orphan
	}
	if po.skRefcnt.DecAndTest(t) { // sock_put
		slab.Free(t, "kfree", po) // sk_prot_free
	}
}
