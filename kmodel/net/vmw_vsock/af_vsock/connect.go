package afvsock

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// vsockConnect is vsock_connect().
func (vsk *vsockSock) vsockConnect(t *schedule.Thread, to address, nonblock bool) {
	vsk.skLock.LockSock(t)
	switch vsk.state.Read(t) {
	case ssConnected, ssDisconnecting:
		// -EISCONN, -EINVAL
	case ssConnecting:
		if !nonblock { // else -EALREADY
			vsk.wait_(t, false)
		}
	default:
		if vsk.request_(t, to) {
			vsk.wait_(t, nonblock)
		}
	}
	vsk.skLock.ReleaseSock(t)
}

// request_ is the part of connect() that asks for a connection. It reports whether it has.
func (vsk *vsockSock) request_(t *schedule.Thread, to address) bool {
	vsk.remoteAddr.Write(t, int(to))
	if !vsk.vsockAssignTransport(t) {
		return false
	}
	vsk.skState.Write(t, tcpSynSent)
	vsk.virtioTransportConnect(t, to)
	if vsk.Has(retry) {
		vsk.skErr.Write(t, 0)
	}
	vsk.state.Write(t, ssConnecting)
	return true
}

// wait_ is the part that waits for it.
func (vsk *vsockSock) wait_(t *schedule.Thread, nonblock bool) {
	vsk.skSleep.PrepareToWait(t, wait.TaskInterruptible)
	done := false
	for !done && vsk.waits_(t) {
		if done = nonblock; done {
			break
		}
		vsk.skLock.ReleaseSock(t)
		wait.Schedule(t)
		vsk.skLock.LockSock(t)

		if established, out := vsk.established_(t); established {
			done = out
			break
		}
		if done = wait.SignalPending(t); done {
			vsk.interrupted_(t)
			break
		}
		vsk.skSleep.PrepareToWait(t, wait.TaskInterruptible)
	}
	if !done {
		vsk.failed_(t)
	}
	vsk.skSleep.FinishWait(t)
}

// waits_ is the condition of the loop.
func (vsk *vsockSock) waits_(t *schedule.Thread) bool {
	s := vsk.skState.Read(t)
	if s == tcpEstablished || s == tcpClosing && vsk.Has(waitClosing) {
		return false
	}
	return vsk.skErr.Read(t) == 0
}

// established_ reports whether connect() does not care for signals any more, and whether it does
// not for errors.
func (vsk *vsockSock) established_(t *schedule.Thread) (established, out bool) {
	if !vsk.Has(ignoreSignal) {
		return false, false
	}
	s := vsk.skState.Read(t)
	if vsk.Has(onceEstablished) {
		established = s == tcpEstablished || s == tcpClosing
		return established, established
	}
	return s == tcpEstablished, false
}

// interrupted_ is what connect() does when a signal has come.
func (vsk *vsockSock) interrupted_(t *schedule.Thread) {
	to := tcpClose
	if vsk.Has(closing) && vsk.skState.Read(t) == tcpEstablished {
		to = tcpClosing
	}
	vsk.skState.Write(t, to)
	vsk.state.Write(t, ssUnconnected)
	vsk.vsockTransportCancelPkt(t)
	if vsk.Has(removeConnected) {
		vsk.vsockRemoveConnected(t)
	}
}

// failed_ is what it does when it has waited enough: if there is an error, it has failed.
func (vsk *vsockSock) failed_(t *schedule.Thread) {
	if vsk.Has(consumeErr) {
		if !vsk.sockError(t) {
			return
		}
	} else if vsk.skErr.Read(t) == 0 {
		return
	}
	vsk.skState.Write(t, tcpClose)
	vsk.state.Write(t, ssUnconnected)
	if vsk.Has(removeFailed) {
		vsk.vsockRemoveConnected(t)
	}
}

// vsockTransportCancelPkt is vsock_transport_cancel_pkt(). The request has gone out.
func (vsk *vsockSock) vsockTransportCancelPkt(t *schedule.Thread) {
	if vsk.transport.Read(t) == nil && !vsk.Has(cancelTest) {
		mem.NullDereference(t, "read", "transport->cancel_pkt")
	}
}
