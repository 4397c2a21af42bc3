package afvsock

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/global"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// What a variant has applied to the code of 5.10.
const (
	// lockedTransport is c518adafa39f: vsk->transport is read with the lock of the socket.
	lockedTransport program.Changes = 1 << iota
	// lockedCredit is ce7536bc7398: so is vsk->trans, by the worker.
	lockedCredit
	// lockedShutdown has vsock_shutdown() take it for all that it does.
	lockedShutdown
	// cancelTest has vsock_transport_cancel_pkt() look whether there is a transport.
	cancelTest
	// removeConnected is b9208492fcae: a connect() that a signal ends takes the socket off the
	// table of the connected.
	removeConnected
	// closing has it say TCP_CLOSING of a socket that was connected.
	closing
	// clearTrans is 6ca575374dd9: virtio_transport_destruct() clears vsk->trans.
	clearTrans
	// unsent has virtio_transport_consume_skb_sent() count what has been sent, in vsk->trans.
	unsent
	// discard is 2cb7c756f605: the worker looks at vsk->transport first.
	discard
	// resetState has vsock_assign_transport() set the socket back that has lost its transport.
	resetState
	// warnTransport has vsock_stream_has_data() warn if there is none.
	warnTransport
	// keepBound is fcdd2242c023: a socket that loses its transport stays bound.
	keepBound
	// retry has connect() clear sk_err.
	retry
	// waitClosing has it not wait if the state is TCP_CLOSING.
	waitClosing
	// lateRelease is f7c877e75352, as far as it matters: the old transport is given up when there
	// is a new one.
	lateRelease
	// ignoreSignal is 002541ef650b: connect() succeeds in spite of a signal.
	ignoreSignal
	// consumeErr has it take sk_err when it fails.
	consumeErr
	// onceEstablished has it succeed if the connection was made, and is closing.
	onceEstablished
	// removeFailed is of no kernel: a connect() that fails takes the socket off the table.
	removeFailed
	// lockedSent is neither: virtio_transport_consume_skb_sent() has the lock of the socket, and looks
	// whether there is a vsk->trans.
	lockedSent

	v511    = lockedTransport | lockedCredit | lockedShutdown | cancelTest
	v611    = v511 | removeConnected | closing
	v612    = v611 | clearTrans | unsent
	v613    = v612 | discard | resetState | warnTransport | keepBound | retry
	v71     = v613&^(removeConnected|closing) | waitClosing | lateRelease | ignoreSignal
	v612117 = v71 | consumeErr | onceEstablished
)

// What the races come to, with the fewest preemptions.
var (
	// stale is a vsk->trans that connect() has freed: used with a transport that was read before,
	// or by the worker, which finds the socket as it was left.
	stale = []program.Expect{program.Fails(schedule.UseAfterFree, 1)}
	// unlocked is one that the worker has read, without the lock, before connect() frees it.
	unlocked = []program.Expect{program.Fails(schedule.UseAfterFree, 2)}
	// cleared is that of which the worker finds that there is none, nor a transport.
	cleared = []program.Expect{program.Fails(schedule.NullDereference, 1)}
	// addedTwice is a socket on the table of the connected, which is added once more.
	addedTwice = []program.Expect{program.Fails(schedule.ListCorrupt, 1)}
	// afterReset is the same, of which nobody must be preempted.
	afterReset = []program.Expect{program.Fails(schedule.ListCorrupt, 0)}
	// sent is data that has been sent, of which the worker keeps count in what connect() frees, or
	// has cleared, or in what the next transport has.
	sent = []program.Expect{
		program.Fails(schedule.LostUpdate, 0), program.Fails(schedule.UseAfterFree, 1),
		program.Fails(schedule.NullDereference, 1),
	}
	// fuzzed is also a connect() that a signal ends, and that finds no transport any more.
	fuzzed = []program.Expect{
		program.Fails(schedule.ListCorrupt, 0), program.Fails(schedule.UseAfterFree, 1),
		program.Fails(schedule.NullDereference, 1),
	}
)

// resetSent is the same by a peer that resets, and a signal.
func resetSent(lost int) []program.Expect {
	return []program.Expect{
		program.Fails(schedule.LostUpdate, lost), program.Fails(schedule.UseAfterFree, 2),
		program.Fails(schedule.NullDereference, 3),
	}
}

// The variants that both models have.
var (
	is611 = program.Variant{Name: "6.11", Versions: "6.11", Changes: v611,
		About: "b9208492fcae: off the table when a signal has come; but TCP_CLOSING"}
	is612 = program.Variant{Name: "6.12", Versions: "6.12-6.12.10", Changes: v612,
		About: "6ca575374dd9: vsk->trans is cleared; what has been sent is counted there"}
	is613 = program.Variant{Name: "6.13", Versions: "6.13.7", Changes: v613,
		About: "2cb7c756f605: packets are for who has the transport"}
	is71 = program.Variant{Name: "7.1", Versions: "6.18-7.1.5", Changes: v71,
		About: "f7c877e75352, 002541ef650b: who is connected does not care for signals"}
	is612117 = program.Variant{Name: "6.12.117", Versions: "6.12.115-6.12.117", Changes: v612117,
		About: "CVE-2026-99213: nor does who was, and is closing"}
)

var signalModel = program.Model[*system]{
	Object: "net/vmw_vsock/af_vsock",
	Variants: []program.Variant{
		{Name: "5.10", Versions: "5.5-5.10.12", About: "c0cfa2d8a788: more than one transport"},
		{Name: "5.10.13", Versions: "5.10.13-5.10.16", Changes: lockedTransport,
			About: "c518adafa39f: vsk->transport is read with the lock"},
		{Name: "5.11", Versions: "5.11-5.16", Changes: v511,
			About: "c518adafa39f, ce7536bc7398: vsk->transport and vsk->trans, with the lock"},
		is611, is612, is613, is71,
		{Name: "m1", Versions: "mutant", Changes: v71 | removeConnected,
			About: "and who is not is taken off the table"},
		is612117,
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "setsockopt-vs-connect", New: setsockoptVsConnect},
		{Name: "signal-vs-response", New: signalVsResponse},
		{Name: "signal-vs-elsewhere", New: signalVsElsewhere},
		{Name: "signal-vs-rst", New: signalVsRst},
	},
	Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
	Expected: program.Table{
		"setsockopt-vs-connect": {"5.10": stale},
		"signal-vs-response":    {"5.10": addedTwice, "5.10.13": addedTwice, "5.11": addedTwice},
		"signal-vs-elsewhere": {"5.10": unlocked, "5.10.13": unlocked, "6.11": stale,
			"6.12": cleared},
		"signal-vs-rst": {"5.10": addedTwice, "5.10.13": addedTwice, "5.11": addedTwice,
			"7.1": addedTwice},
		"workload": {"5.10": fuzzed, "5.10.13": fuzzed, "5.11": afterReset, "6.11": stale,
			"6.12": {program.Fails(schedule.NullDereference, 0)}, "7.1": addedTwice},
	},
	System: newSystem,
}

// resetModel is of the releases in which virtio_vsock_reset_sock() does not take the lock of the
// socket. (5.11 does, with a spin lock.)
var resetModel = program.Model[*system]{
	Object: "net/vmw_vsock/af_vsock",
	Variants: []program.Variant{
		is611, is612, is613, is71, is612117,
		{Name: "m2", Versions: "mutant", Changes: v612117 | removeFailed | removeConnected,
			About: "and who fails, or has a signal, is taken off the table"},
		{Name: "m3", Versions: "mutant", Changes: v612117 | removeFailed | removeConnected | lockedSent,
			About: "and what has been sent is counted with the lock, which is not enough"},
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "connect-vs-reset", New: connectVsReset},
		{Name: "signal-vs-reset", New: signalVsReset},
		{Name: "connect-vs-sent", New: connectVsSent},
		{Name: "signal-vs-sent", New: signalVsSent},
	},
	Expected: program.Table{
		"connect-vs-reset": {"6.11": afterReset, "6.12": afterReset, "6.13": afterReset,
			"7.1": afterReset, "6.12.117": afterReset},
		"signal-vs-reset": {"6.13": addedTwice, "7.1": addedTwice, "6.12.117": addedTwice},
		"connect-vs-sent": {"6.12": sent, "6.13": sent, "7.1": sent, "6.12.117": sent, "m2": sent,
			"m3": {program.Fails(schedule.LostUpdate, 0)}},
		"signal-vs-sent": {"6.12": resetSent(1), "6.13": resetSent(1), "7.1": resetSent(2)},
	},
	System: newSystem,
}

// Programs returns all programs.
func Programs() []program.Program {
	return append(signalModel.Programs(), resetModel.Programs()...)
}

// system is what the threads of a program share.
type system struct {
	program.Changes
	program.Globals
	vsk                 vsockSock
	virtioTransport     vsockTransport
	otherTransport      vsockTransport
	vsockTableLock      global.Spin
	vsockBindTable      global.List[*vsockSock]
	vsockConnectedTable global.List[connected]
	pktQueue            pktQueue
	pktWork             global.Work
	vvs                 *slab.Cache[virtioVsockSock, *virtioVsockSock]

	peerResets global.Int       // whether the peer resets what it has accepted
	connects   *schedule.Thread // to whom signals go
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	s.vsk.system = s
	s.Global(&s.vsk, "vsk")
	s.Global(&s.virtioTransport, "virtio_transport")
	s.Global(&s.otherTransport, "other_transport")
	s.Global(&s.vsockTableLock, "vsock_table_lock")
	s.Global(&s.vsockBindTable, "vsock_bind_table")
	s.Global(&s.vsockConnectedTable, "vsock_connected_table")
	s.Global(&s.pktQueue, "pkt_queue")
	s.Global(&s.pktWork, "pkt_work")
	s.Global(&s.peerResets, "peer_resets")
	s.pktWork.Init(s.vsockLoopbackWork)
	s.vvs = slab.NewCache[virtioVsockSock]("vvs", nil)
	return s
}
