package afvsock

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// This file is net/vmw_vsock/virtio_transport_common.c, and what the transport has for its packets.

// virtioVsockSock is struct virtio_vsock_sock.
type virtioVsockSock struct {
	schedule.Object
	txLock       spin.Lock
	peerBufAlloc mem.Int
	bytesUnsent  mem.Int
	bufAlloc     mem.Int
	rxLock       spin.Lock
	rxBytes      mem.Int
}

// shutdownMask is SHUTDOWN_MASK.
const shutdownMask = 3

// An op is what a packet is.
type op uint64

const (
	opResponse op = iota + 1
	opRst
	opSent // a packet with data, of the socket, which the transport has sent
	opBits = 2
)

// pktQueue is the queue of packets that have come and that nobody has looked at: ops, the oldest in
// the low bits. Its lock is a part of the steps.
type pktQueue struct {
	schedule.Object
	pkts schedule.Cell
}

// push_ queues packets, in the step at hand.
func (q *pktQueue) push_(ops ...op) {
	pkts, shift := q.pkts.Value(), 0
	for pkts>>shift != 0 {
		shift += opBits
	}
	for _, o := range ops {
		pkts |= uint64(o) << shift
		shift += opBits
	}
	q.pkts.Set(pkts)
}

// dequeue_ returns the oldest packet, or 0.
func (q *pktQueue) dequeue_(t *schedule.Thread) op {
	t.Step(schedule.Op{Verb: "__skb_dequeue", Cell: &q.pkts, Mode: schedule.RMWFull})
	pkts := q.pkts.Value()
	q.pkts.Set(pkts >> opBits)
	return op(t.Observe(pkts & (1<<opBits - 1)))
}

// virtioTransportSendPktInfo is virtio_transport_send_pkt_info(). The peer answers what it is sent.
func (vsk *vsockSock) virtioTransportSendPktInfo(t *schedule.Thread, o string, answers ...op) {
	if vsk.transport.Read(t) == nil { // virtio_transport_get_ops
		t.Warn(schedule.BugOn, &vsk.Object, schedule.Party{}, "the socket has no transport")
		return
	}
	vvs := vsk.trans.Read(t)
	if o == sendRW && vsk.Has(unsent) {
		vvs.txLock.LockBh(t) // virtio_transport_get_credit
		vvs.bytesUnsent.Write(t, vvs.bytesUnsent.Read(t)+1)
		vvs.txLock.UnlockBh(t)
	}
	vvs.rxLock.LockBh(t) // virtio_transport_inc_tx_pkt
	vvs.rxLock.UnlockBh(t)
	if len(answers) == 0 {
		return
	}
	t.Step(schedule.Op{Verb: o, Cell: &vsk.pktQueue.pkts, Mode: schedule.RMWFull})
	vsk.pktQueue.push_(answers...)
	workqueue.QueueWork(t, &vsk.pktWork.Work)
}

// What the socket sends.
const (
	sendRequest  = "send_pkt REQUEST"
	sendShutdown = "send_pkt SHUTDOWN"
	sendRst      = "send_pkt RST"
	sendUpdate   = "send_pkt CREDIT_UPDATE"
	sendRW       = "send_pkt RW"
)

// virtioTransportConnect is virtio_transport_connect().
func (vsk *vsockSock) virtioTransportConnect(t *schedule.Thread, to address) {
	switch {
	case to == other:
		vsk.virtioTransportSendPktInfo(t, sendRequest)
	case vsk.peerResets.Peek() != 0: // it never changes
		vsk.virtioTransportSendPktInfo(t, sendRequest, opResponse, opRst)
	default:
		vsk.virtioTransportSendPktInfo(t, sendRequest, opResponse)
	}
}

// virtioTransportStreamEnqueue is virtio_transport_stream_enqueue().
func (vsk *vsockSock) virtioTransportStreamEnqueue(t *schedule.Thread) {
	vsk.virtioTransportSendPktInfo(t, sendRW, opSent)
}

// virtioTransportConsumeSkbSent is virtio_transport_consume_skb_sent(). The packet is the socket's.
// No kernel checks that it was counted where it is counted off.
func (s *system) virtioTransportConsumeSkbSent(t *schedule.Thread) {
	if !s.Has(unsent) {
		return
	}
	if s.Has(lockedSent) {
		s.vsk.skLock.LockSock(t)
	}
	switch vvs := s.vsk.trans.Read(t); {
	case vvs != nil:
		vvs.txLock.LockBh(t)
		bytes := vvs.bytesUnsent.Read(t)
		if bytes == 0 {
			t.Fail(schedule.LostUpdate, &vvs.Object, schedule.Party{},
				"what another transport has sent is counted off")
		}
		vvs.bytesUnsent.Write(t, bytes-1)
		vvs.txLock.UnlockBh(t)
	case !s.Has(lockedSent):
		mem.NullDereference(t, "spin_lock_bh", "vvs->tx_lock")
	}
	if s.Has(lockedSent) {
		s.vsk.skLock.ReleaseSock(t)
	}
}

// virtioTransportNotifyBufferSize is virtio_transport_notify_buffer_size().
func (vsk *vsockSock) virtioTransportNotifyBufferSize(t *schedule.Thread, size int) {
	vvs := vsk.trans.Read(t)
	if vvs == nil {
		mem.NullDereference(t, "write", "vvs->buf_alloc")
	}
	vvs.bufAlloc.Write(t, size)
	vsk.virtioTransportSendPktInfo(t, sendUpdate) // virtio_transport_send_credit_update
}

// virtioTransportStreamHasData is virtio_transport_stream_has_data(). There is none.
func (vsk *vsockSock) virtioTransportStreamHasData(t *schedule.Thread) bool {
	vvs := vsk.trans.Read(t)
	vvs.rxLock.LockBh(t)
	bytes := vvs.rxBytes.Read(t)
	vvs.rxLock.UnlockBh(t)
	return bytes != 0
}

// virtioTransportClose is virtio_transport_close(). It reports whether the socket can be taken off
// the tables.
func (vsk *vsockSock) virtioTransportClose(t *schedule.Thread) bool {
	if s := vsk.skState.Read(t); s != tcpEstablished && s != tcpClosing {
		return true
	}
	if vsk.peerShutdown.Read(t) == shutdownMask {
		vsk.virtioTransportSendPktInfo(t, sendRst) // virtio_transport_reset
		return true
	}
	vsk.virtioTransportSendPktInfo(t, sendShutdown, opRst) // virtio_transport_shutdown
	return vsk.done.Read(t) != 0                           // else schedule_delayed_work
}

// virtioTransportRelease is virtio_transport_release().
func (vsk *vsockSock) virtioTransportRelease(t *schedule.Thread) {
	if vsk.virtioTransportClose(t) {
		vsk.done.Write(t, 1)
		vsk.vsockRemoveSock(t)
	}
}

// virtioTransportDestruct is virtio_transport_destruct().
func (vsk *vsockSock) virtioTransportDestruct(t *schedule.Thread) {
	slab.Free(t, "kfree", vsk.trans.Read(t))
	if vsk.Has(clearTrans) {
		vsk.trans.Write(t, nil)
	}
}

// vsockLoopbackWork is vsock_loopback_work(), or virtio_transport_rx_work() and, of what has been
// sent, virtio_transport_tx_work().
func (s *system) vsockLoopbackWork(t *schedule.Thread) {
	for o := s.pktQueue.dequeue_(t); o != 0; o = s.pktQueue.dequeue_(t) {
		if o == opSent {
			s.virtioTransportConsumeSkbSent(t) // and then it is the peer's
		} else {
			s.virtioTransportRecvPkt(t, o)
		}
	}
}

// virtioTransportRecvPkt is virtio_transport_recv_pkt().
func (s *system) virtioTransportRecvPkt(t *schedule.Thread, o op) {
	vsk := s.vsockFindConnectedSocket(t)
	if vsk == nil {
		if vsk = s.vsockFindBoundSocket(t); vsk == nil {
			return
		}
	}
	if !s.Has(lockedCredit) {
		vsk.virtioTransportSpaceUpdate(t)
	}
	vsk.skLock.LockSock(t)
	if vsk.discards_(t) {
		vsk.skLock.ReleaseSock(t)
		return
	}
	if s.Has(lockedCredit) {
		vsk.virtioTransportSpaceUpdate(t)
	}
	switch vsk.skState.Read(t) {
	case tcpSynSent:
		vsk.virtioTransportRecvConnecting(t, o)
	case tcpEstablished:
		vsk.virtioTransportRecvConnected(t, o)
	case tcpClosing:
		vsk.virtioTransportRecvDisconnecting(t, o)
	}
	vsk.skLock.ReleaseSock(t)
}

// discards_ reports whether a packet is not for the socket any more.
func (vsk *vsockSock) discards_(t *schedule.Thread) bool {
	if vsk.done.Read(t) != 0 {
		return true
	}
	return vsk.Has(discard) && vsk.transport.Read(t) != &vsk.virtioTransport
}

// virtioTransportSpaceUpdate is virtio_transport_space_update().
func (vsk *vsockSock) virtioTransportSpaceUpdate(t *schedule.Thread) {
	vvs := vsk.trans.Read(t)
	if vvs == nil {
		return
	}
	vvs.txLock.LockBh(t)
	vvs.peerBufAlloc.Write(t, 1)
	vvs.txLock.UnlockBh(t)
}

// virtioTransportRecvConnecting is virtio_transport_recv_connecting().
func (vsk *vsockSock) virtioTransportRecvConnecting(t *schedule.Thread, o op) {
	if o == opResponse {
		vsk.skState.Write(t, tcpEstablished)
		vsk.state.Write(t, ssConnected)
		vsk.vsockInsertConnected(t)
	} else {
		vsk.skState.Write(t, tcpClose)
		vsk.skErr.Write(t, econnreset)
	}
	vsk.skSleep.WakeUpInterruptible(t) // sk_state_change, sk_error_report
}

// virtioTransportRecvConnected is virtio_transport_recv_connected().
func (vsk *vsockSock) virtioTransportRecvConnected(t *schedule.Thread, o op) {
	if o == opRst {
		vsk.virtioTransportDoClose(t)
	}
}

// virtioTransportRecvDisconnecting is virtio_transport_recv_disconnecting().
func (vsk *vsockSock) virtioTransportRecvDisconnecting(t *schedule.Thread, o op) {
	if o == opRst {
		vsk.virtioTransportDoClose(t)
	}
}

// virtioTransportDoClose is virtio_transport_do_close().
func (vsk *vsockSock) virtioTransportDoClose(t *schedule.Thread) {
	vsk.done.Write(t, 1)
	vsk.peerShutdown.Write(t, shutdownMask)
	if !vsk.vsockStreamHasData(t) {
		vsk.skState.Write(t, tcpClosing)
	}
	vsk.skSleep.WakeUpInterruptible(t) // sk_state_change
}

// virtioVsockResetSock is virtio_vsock_reset_sock(), of each socket that is connected, when the
// device says that its transport was reset (virtio_vsock_event_handle()), or is gone.
func (s *system) virtioVsockResetSock(t *schedule.Thread) {
	s.vsockTableLock.LockBh(t)
	for vsk := s.vsockConnectedTable.FirstEntry(t).vsockSock; vsk != nil; {
		vsk.skState.Write(t, tcpClose)
		vsk.skErr.Write(t, econnreset)
		vsk.skSleep.WakeUpInterruptible(t) // sk_error_report
		vsk = vsk.connectedTable.NextEntry(t).vsockSock
	}
	s.vsockTableLock.UnlockBh(t)
}
