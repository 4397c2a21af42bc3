// Package afvsock is the transport of an AF_VSOCK socket (net/vmw_vsock/af_vsock.c, and
// virtio_transport_common.c), as connect() assigns it and gives it up, against who uses it, and
// the table of the connected, on which a socket must be once.
//
// The nouns: a socket is assigned a transport (vsk->transport) when connect() knows where to, and
// the transport has what it keeps of the socket in vsk->trans, which it frees when connect() goes
// elsewhere. State is that of the socket (SS_*), which says what a user may do; sk_state (TCP_*)
// says what packets are to. Connected sockets are on a table, where a worker finds them when a
// packet comes; those that are not, it finds among the bound.
//
// c0cfa2d8a788 (5.5) gave sockets more than one transport. Who had read vsk->transport, and then
// took the lock of the socket, went on with one that connect() had given up: CVE-2021-26708. So did
// the worker, which took what it needs of vsk->trans before the lock.
//
// connect() sleeps without the lock until the worker has made the connection. If a signal has come
// when it wakes up, it sets the socket back, as if it were not connected; but it may be connected
// by then. Up to 5.16 it stays on the table, and the next connection adds it once more. Then it was
// taken off the table, and said to be closing: the next connect(), to where no transport leads,
// gives up the transport and leaves the socket among the bound, where the worker finds it, and a
// vsk->trans that is freed: CVE-2024-50264, or NULL: CVE-2025-21669. 002541ef650b (6.18,
// CVE-2025-40248) has connect() succeed instead. It asks for TCP_ESTABLISHED, and no more takes a
// socket off the table that is not. If the peer has reset the connection in the meantime, the state
// is TCP_CLOSING, and the socket is on the table: CVE-2026-99213. And when the transport is reset,
// the state is TCP_CLOSE, there is an error, and the socket is on the table.
//
// The code follows 7.1, and for each variant the kernel that its row names. Up to 5.13 setsockopt()
// is vsock_stream_setsockopt(), and connect() vsock_stream_connect().
//
// There is one transport that leads anywhere, virtio or loopback, which is never unloaded, another
// one where nobody answers, one worker for what comes and what has been sent, and one socket, which
// is bound, and which nobody closes. The peer answers a request by a response, and a shutdown of
// both directions by a reset; in some scenarios it resets what it has accepted. A request has gone
// out when connect() sleeps: vsock_transport_cancel_pkt() finds nothing. What the peer answers is
// queued when it is sent something.
//
// In the kernel a packet that the socket sends and one that it gets are two workers' in virtio, of
// which one need not wait for the other; here as in loopback they are one's.
//
// A signal stays pending, as if another one came with each call that it could end. A connect() with
// O_NONBLOCK that finds another one under way returns at once; in 5.11 it looks first whether that
// is done.
//
// Not modelled: transports of other sorts, and modules (CVE-2025-38461); listening and
// accepting; data but that it was sent, credit, and who receives or polls; timeouts, of
// connect() and of closing (8 seconds after a socket that is closing was released, close_work
// finds in 6.11 and 6.12 that it has no transport); counts of references; SO_LINGER; local
// addresses; that a reset is of the sockets of one transport only (since 5.17); that 6.12.117
// also compares the address that a packet is from (vsock_check_source()); that
// virtio_transport_destruct() cancels close_work since 6.12.11; and what bind() makes of a
// socket that its transport has taken off the table of the bound (CVE-2025-21756).
//
// Start reading at vsockConnect and virtioTransportRecvPkt.
package afvsock

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/sock"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// vsockSock is struct vsock_sock, with what is used of struct sock and struct socket.
type vsockSock struct {
	schedule.Object
	skLock         sock.Lock
	skSleep        wait.Queue
	state          mem.Int // of the socket
	skState        mem.Int
	skErr          mem.Int
	done           mem.Int // SOCK_DONE
	remoteAddr     mem.Int
	peerShutdown   mem.Int
	bufferSize     mem.Int
	transport      mem.Ptr[*vsockTransport]
	trans          mem.Ptr[*virtioVsockSock]
	boundTable     list.Node[*vsockSock]
	connectedTable list.Node[connected]

	*system
}

// ListNode implements [list.Entry].
func (vsk *vsockSock) ListNode() *list.Node[*vsockSock] { return &vsk.boundTable }

// connected is a socket as the table of the connected has it.
type connected struct{ *vsockSock }

// ListNode implements [list.Entry].
func (c connected) ListNode() *list.Node[connected] { return &c.connectedTable }

// vsockTransport is struct vsock_transport.
type vsockTransport struct{ schedule.Object }

// The states of a socket.
const (
	ssUnconnected = iota
	ssConnecting
	ssConnected
	ssDisconnecting
)

// The values of sk_state.
const (
	tcpClose = iota
	tcpSynSent
	tcpEstablished
	tcpClosing
)

// The values of sk_err: what one there is does not matter.
const econnreset = 1

// An address, of those that a socket may connect to.
type address int

const (
	thePeer address = iota // who listens there
	nowhere                // no transport leads there
	other                  // another transport does, and nobody answers
)

// vsockInsertConnected is vsock_insert_connected().
func (vsk *vsockSock) vsockInsertConnected(t *schedule.Thread) {
	vsk.vsockTableLock.LockBh(t)
	vsk.vsockConnectedTable.Add(t, connected{vsk})
	vsk.vsockTableLock.UnlockBh(t)
}

// vsockRemoveConnected is vsock_remove_connected().
func (vsk *vsockSock) vsockRemoveConnected(t *schedule.Thread) {
	vsk.vsockTableLock.LockBh(t)
	if !vsk.connectedTable.Empty(t) {
		vsk.vsockConnectedTable.DelInit(t, connected{vsk})
	}
	vsk.vsockTableLock.UnlockBh(t)
}

// vsockRemoveBound is vsock_remove_bound().
func (vsk *vsockSock) vsockRemoveBound(t *schedule.Thread) {
	vsk.vsockTableLock.LockBh(t)
	if !vsk.boundTable.Empty(t) {
		vsk.vsockBindTable.DelInit(t, vsk)
	}
	vsk.vsockTableLock.UnlockBh(t)
}

// vsockRemoveSock is vsock_remove_sock(), of a socket that is not being closed.
func (vsk *vsockSock) vsockRemoveSock(t *schedule.Thread) {
	if !vsk.Has(keepBound) {
		vsk.vsockRemoveBound(t)
	}
	vsk.vsockRemoveConnected(t)
}

// vsockFindConnectedSocket is vsock_find_connected_socket(), for a packet of the peer.
func (s *system) vsockFindConnectedSocket(t *schedule.Thread) *vsockSock {
	s.vsockTableLock.LockBh(t)
	vsk := s.vsockConnectedTable.FirstEntry(t).vsockSock
	if vsk != nil && address(vsk.remoteAddr.Read(t)) != thePeer {
		vsk = nil
	}
	s.vsockTableLock.UnlockBh(t)
	return vsk
}

// vsockFindBoundSocket is vsock_find_bound_socket().
func (s *system) vsockFindBoundSocket(t *schedule.Thread) *vsockSock {
	s.vsockTableLock.LockBh(t)
	vsk := s.vsockBindTable.FirstEntry(t)
	s.vsockTableLock.UnlockBh(t)
	return vsk
}

// vsockStreamHasData is vsock_stream_has_data(). There is none.
func (vsk *vsockSock) vsockStreamHasData(t *schedule.Thread) bool {
	if vsk.transport.Read(t) == nil {
		if vsk.Has(warnTransport) {
			t.Warn(schedule.BugOn, &vsk.Object, schedule.Party{}, "the socket has no transport")
			return false
		}
		mem.NullDereference(t, "read", "transport->stream_has_data")
	}
	return vsk.virtioTransportStreamHasData(t)
}

// vsockDeassignTransport is vsock_deassign_transport().
func (vsk *vsockSock) vsockDeassignTransport(t *schedule.Thread) {
	vsk.virtioTransportDestruct(t)
	vsk.transport.Write(t, nil)
}

// vsockAssignTransport is vsock_assign_transport(), of connect(). It reports whether there is one.
func (vsk *vsockSock) vsockAssignTransport(t *schedule.Thread) bool {
	var transport *vsockTransport // new_transport
	switch address(vsk.remoteAddr.Read(t)) {
	case thePeer:
		transport = &vsk.virtioTransport
	case other:
		transport = &vsk.otherTransport
	}
	old := vsk.transport.Read(t)
	if old != nil && old == transport {
		return true
	}
	if transport == nil && vsk.Has(lateRelease) {
		return false // -ENODEV
	}
	if old != nil {
		vsk.virtioTransportRelease(t)
		vsk.vsockDeassignTransport(t)
		if vsk.Has(resetState) {
			vsk.done.Write(t, 0)
			vsk.skState.Write(t, tcpClose)
			vsk.peerShutdown.Write(t, 0)
		}
	}
	if transport == nil {
		return false
	}
	vsk.trans.Write(t, vsk.vvs.Alloc(t)) // virtio_transport_do_socket_init
	vsk.transport.Write(t, transport)
	return true
}

// vsockConnectibleSetsockopt is vsock_connectible_setsockopt(), of SO_VM_SOCKETS_BUFFER_SIZE.
func (vsk *vsockSock) vsockConnectibleSetsockopt(t *schedule.Thread, size int) {
	var transport *vsockTransport
	if !vsk.Has(lockedTransport) {
		transport = vsk.transport.Read(t)
	}
	vsk.skLock.LockSock(t)
	if vsk.Has(lockedTransport) {
		transport = vsk.transport.Read(t)
	}
	vsk.vsockUpdateBufferSize(t, transport, size)
	vsk.skLock.ReleaseSock(t)
}

// vsockUpdateBufferSize is vsock_update_buffer_size().
func (vsk *vsockSock) vsockUpdateBufferSize(t *schedule.Thread, transport *vsockTransport,
	size int) {
	if vsk.bufferSize.Read(t) != size && transport != nil {
		vsk.virtioTransportNotifyBufferSize(t, size)
	}
	vsk.bufferSize.Write(t, size)
}

// vsockConnectibleSendmsg is vsock_connectible_sendmsg(), with MSG_DONTWAIT.
func (vsk *vsockSock) vsockConnectibleSendmsg(t *schedule.Thread) {
	vsk.skLock.LockSock(t)
	if vsk.transport.Read(t) != nil && vsk.skState.Read(t) == tcpEstablished {
		vsk.virtioTransportStreamEnqueue(t)
	}
	vsk.skLock.ReleaseSock(t)
}

// vsockShutdown is vsock_shutdown(), of SHUT_RD, to which the peer does not answer.
func (vsk *vsockSock) vsockShutdown(t *schedule.Thread) {
	if vsk.Has(lockedShutdown) {
		vsk.skLock.LockSock(t)
	}
	switch {
	case vsk.state.Read(t) != ssUnconnected:
		vsk.state.Write(t, ssDisconnecting)
	case vsk.Has(lockedShutdown):
		vsk.skLock.ReleaseSock(t)
		return
	default:
		return
	}
	if !vsk.Has(lockedShutdown) {
		vsk.skLock.LockSock(t)
	}
	vsk.skSleep.WakeUpInterruptible(t) // sk_state_change
	if !vsk.Has(lockedShutdown) {
		vsk.skLock.ReleaseSock(t)
	}
	vsk.done.Write(t, 0)
	vsk.vsockSendShutdown(t)
	if vsk.Has(lockedShutdown) {
		vsk.skLock.ReleaseSock(t)
	}
}

// vsockSendShutdown is vsock_send_shutdown(), of SHUT_RD.
func (vsk *vsockSock) vsockSendShutdown(t *schedule.Thread) {
	if vsk.transport.Read(t) != nil {
		vsk.virtioTransportSendPktInfo(t, sendShutdown) // virtio_transport_shutdown
	}
}

// sockError is sock_error(). It reports whether there was an error.
func (vsk *vsockSock) sockError(t *schedule.Thread) bool {
	if vsk.skErr.Read(t) == 0 {
		return false
	}
	return vsk.xchgErr_(t) != 0
}

// xchgErr_ is xchg(&sk->sk_err, 0).
func (vsk *vsockSock) xchgErr_(t *schedule.Thread) uint64 {
	c := vsk.skErr.Cell()
	t.Step(schedule.Op{Verb: "xchg", Cell: c, Mode: schedule.RMWFull})
	err := t.Observe(c.Value())
	c.Set(0)
	return err
}
