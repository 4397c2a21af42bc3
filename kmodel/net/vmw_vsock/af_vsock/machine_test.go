package afvsock

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// The machine is a second implementation, written from the kernel's code: a program for each
// system call and for the worker, in which an instruction is a step, and a state that has three
// program counters. It has nothing in common with the model but what a step is.

// The threads: two tasks, and the worker.
const (
	mTask = iota
	mAgain
	mWorker
	mThreads
)

// The most vsk->trans that there are in an execution. They have the numbers from 1 on.
const mTrans = 6

// An mThread is a thread. It runs the instruction at pc next; at 0 it has finished, or rests.
type mThread struct {
	pc, sp   uint8
	ret      [3]uint8
	next     uint8 // call
	to       uint8 // address
	nonblock bool
	trans    uint8 // a register
	pkt      uint8
	found    bool
	old, set uint8
	answers  uint8
	sends    uint8
	sleeping bool // in TASK_INTERRUPTIBLE
	queued   bool
	signal   bool
	stopped  bool // nothing else could happen any more
}

// An mState is everything.
type mState struct {
	th                     [mThreads]mThread
	locked, table          bool
	state, sk              uint8
	err, done, peer        bool
	addr, transport, trans uint8
	size                   uint8
	bound, connected       bool
	tx, rx, freed          [mTrans + 1]bool
	made                   uint8
	pkts                   [8]uint8
	pending                bool
	unsent                 [mTrans + 1]int8
}

// The states, addresses and packets, as the machine has them.
const (
	mUnconnected = iota
	mConnecting
	mConnected
	mDisconnecting
)

const (
	mClose = iota
	mSynSent
	mEstablished
	mClosing
)

const (
	mPeer = iota
	mNowhere
	mOther
)

const (
	mResponse = iota + 1
	mRst
	mSent
)

// An mIns is an instruction. It may be taken if ready says so, or is nil. do takes the step, and
// returns how the execution fails, if it does; pc is that of the next instruction already.
type mIns struct {
	ready func(s *mState, th *mThread) bool
	do    func(s *mState, th *mThread) string
}

// A machine is a variant, and the calls of a scenario.
type machine struct {
	lockedTransport, lockedCredit, lockedShutdown, cancelTest, remove, closing, clear, unsent bool
	discard, reset, warn, keepBound, retry, waitClosing, late, ignore, consume, once          bool
	removeFailed, lockedSent, resets                                                          bool

	calls [2][]string
	code  []mIns
	label map[string]uint8
}

func (m *machine) at(name string) uint8 {
	pc, ok := m.label[name]
	if !ok {
		panic("no label " + name)
	}
	return pc
}

// emit appends an instruction; mark names the next.
func (m *machine) emit(ready func(s *mState, th *mThread) bool,
	do func(s *mState, th *mThread) string) {
	m.code = append(m.code, mIns{ready, do})
}

func (m *machine) mark(name string) { m.label[name] = uint8(len(m.code)) }

// step appends one that cannot fail and need not wait.
func (m *machine) step(do func(s *mState, th *mThread)) {
	m.emit(nil, func(s *mState, th *mThread) string { do(s, th); return "" })
}

// look appends one that looks at something, for the next to use.
func (m *machine) look() { m.step(func(*mState, *mThread) {}) }

func (m *machine) lockSock() {
	m.emit(func(s *mState, _ *mThread) bool { return !s.locked },
		func(s *mState, _ *mThread) string { s.locked = true; return "" })
}

func (m *machine) lockTable() {
	m.emit(func(s *mState, _ *mThread) bool { return !s.table },
		func(s *mState, _ *mThread) string { s.table = true; return "" })
}

// touch appends one that accesses the vsk->trans in the register.
func (m *machine) touch(do func(s *mState, th *mThread)) {
	m.emit(nil, func(s *mState, th *mThread) string {
		if s.freed[th.trans] {
			return "use-after-free"
		}
		do(s, th)
		return ""
	})
}

// lockTrans appends one that takes a lock of that.
func (m *machine) lockTrans(of func(s *mState) *[mTrans + 1]bool) {
	m.emit(func(s *mState, th *mThread) bool { return !of(s)[th.trans] || s.freed[th.trans] },
		func(s *mState, th *mThread) string {
			if s.freed[th.trans] {
				return "use-after-free"
			}
			of(s)[th.trans] = true
			return ""
		})
}

func txLock(s *mState) *[mTrans + 1]bool { return &s.tx }
func rxLock(s *mState) *[mTrans + 1]bool { return &s.rx }

// gosub and back are a call and its return, without a step.
func (m *machine) gosub(th *mThread, name string) {
	th.ret[th.sp] = th.pc
	th.sp++
	th.pc = m.at(name)
}

func (m *machine) back(th *mThread) {
	th.sp--
	th.pc = th.ret[th.sp]
}

// wake wakes who sleeps for the socket.
func (s *mState) wake() {
	for i := range s.th {
		if th := &s.th[i]; th.queued && th.sleeping {
			th.queued, th.sleeping = false, false
		}
	}
}

// receive queues packets for the worker.
func (s *mState) receive(pkts ...uint8) {
	i := 0
	for s.pkts[i] != 0 {
		i++
	}
	copy(s.pkts[i:], pkts)
}

// call has a thread go on with its next call, or finish.
func (m *machine) call(th *mThread, me int) {
	th.stopped = false
	calls := m.calls[me]
	if int(th.next) == len(calls) {
		th.pc = 0
		return
	}
	name := calls[th.next]
	th.next++
	th.to, th.nonblock = mPeer, false
	switch name {
	case "nonblock":
		name, th.nonblock = "connect", true
	case "elsewhere":
		name, th.to = "connect", mNowhere
	case "another":
		name, th.to, th.nonblock = "connect", mOther, true
	}
	th.pc = m.at(name)
}

// end is the end of a call.
const mEnd = 255

// take takes a step of a thread.
func (m *machine) take(s *mState, me int) string {
	th := &s.th[me]
	if me == mWorker && th.pc == 0 {
		s.pending = false
		th.pc = m.at("work")
		return ""
	}
	ins := m.code[th.pc]
	th.pc++
	how := ins.do(s, th)
	if th.pc == mEnd && how == "" {
		m.call(th, me)
	}
	return how
}

func (m *machine) enabled(s *mState, me int) bool {
	th := &s.th[me]
	switch {
	case th.pc == 0:
		return me == mWorker && s.pending
	case m.code[th.pc].ready == nil:
		return true
	}
	return m.code[th.pc].ready(s, th)
}

// stuck is what happens when nobody can go on: who sleeps for a connection gets a signal.
func (m *machine) stuck(s mState, next func(mState), end func(string)) {
	waits := false
	for i := range s.th[:mWorker] {
		if th := &s.th[i]; th.pc != 0 {
			if th.pc != m.at("schedule") {
				end("deadlock")
				return
			}
			th.stopped, waits = true, true
		}
	}
	if waits {
		next(s)
	} else {
		end("pass")
	}
}

func (m *machine) counted() verify.Machine[mState, string] {
	return verify.Machine[mState, string]{
		Threads: mThreads,
		Bound:   explore.Unbounded,
		Enabled: m.enabled,
		Rests:   func(s *mState, me int) bool { return s.th[me].pc == 0 },
		Step: func(s mState, me int, next func(mState), end func(string)) {
			if how := m.take(&s, me); how != "" {
				end(how)
			} else {
				next(s)
			}
		},
		Stuck: m.stuck,
	}
}

// closeCode is virtio_transport_do_close().
func (m *machine) closeCode() {
	m.mark("close")
	m.step(func(s *mState, _ *mThread) { s.done = true })
	m.step(func(s *mState, _ *mThread) { s.peer = true })
	m.emit(nil, func(s *mState, th *mThread) string {
		switch {
		case s.transport != 0:
		case m.warn:
			return "kernel-bug"
		default:
			th.pc = m.at("null")
		}
		return ""
	})
	m.step(func(s *mState, th *mThread) { th.trans = s.trans })
	m.lockTrans(rxLock)
	m.touch(func(*mState, *mThread) {})
	m.touch(func(s *mState, th *mThread) { s.rx[th.trans] = false })
	m.step(func(s *mState, _ *mThread) { s.sk = mClosing })
	m.step(func(s *mState, th *mThread) { s.wake(); th.pc = m.at("received") })
}

// machineOf returns a variant, or nil.
func machineOf(variant string) *machine {
	m := &machine{label: map[string]uint8{}}
	if variant == "5.10" {
		return m
	}
	if m.lockedTransport = true; variant == "5.10.13" {
		return m
	}
	if m.lockedCredit, m.lockedShutdown, m.cancelTest = true, true, true; variant == "5.11" {
		return m
	}
	if m.remove, m.closing = true, true; variant == "6.11" {
		return m
	}
	if m.clear, m.unsent = true, true; variant == "6.12" {
		return m
	}
	m.discard, m.reset, m.warn = true, true, true
	if m.keepBound, m.retry = true, true; variant == "6.13" {
		return m
	}
	m.remove, m.closing = variant == "m1", false
	if m.waitClosing, m.late, m.ignore = true, true, true; variant == "7.1" || variant == "m1" {
		return m
	}
	if m.consume, m.once = true, true; variant == "6.12.117" {
		return m
	}
	if m.removeFailed, m.remove = true, true; variant == "m2" {
		return m
	}
	if m.lockedSent = true; variant == "m3" {
		return m
	}
	return nil
}

// machineCalls has the calls of the two tasks, by scenario.
var machineCalls = map[string][2][]string{
	"setsockopt-vs-connect": {{"setsockopt"}, {"elsewhere"}},
	"signal-vs-response":    {{"connect"}, {"kill", "connect"}},
	"signal-vs-elsewhere":   {{"connect"}, {"kill", "elsewhere"}},
	"signal-vs-rst":         {{"connect"}, {"kill", "nonblock", "shutdown"}},
	"connect-vs-reset":      {{"connect", "error", "connect"}, {"reset"}},
	"signal-vs-reset":       {{"connect", "connect"}, {"reset", "kill"}},
	"signal-vs-sent":        {{"connect", "another"}, {"sendmsg", "kill"}},
	"connect-vs-sent":       {{"connect", "another"}, {"sendmsg", "reset"}},
}

// resets has the scenarios in which the peer resets what it has accepted.
var resets = map[string]bool{"signal-vs-rst": true, "signal-vs-sent": true}

// TestMachine compares all fixed programs with the machine: how they end, and the number of their
// executions with any number of preemptions.
func TestMachine(t *testing.T) {
	for _, p := range Programs() {
		if p.Workload || testing.Short() && p.Scenario == "signal-vs-rst" && p.Racy() {
			continue
		}
		m := machineOf(p.Variant)
		if m == nil {
			t.Fatalf("the machine has no variant %s", p.Variant)
		}
		m.calls, m.resets = machineCalls[p.Scenario], resets[p.Scenario]
		m.assemble()
		s := mState{bound: true}
		if p.Scenario == "setsockopt-vs-connect" {
			s.transport, s.trans, s.made = 1, 1, 1
		}
		m.call(&s.th[mTask], mTask)
		m.call(&s.th[mAgain], mAgain)
		r := verify.Explore(p, explore.Options{Bound: explore.Unbounded})
		agree := m.counted().Compare(t, r, s, func(e explore.Ending) string {
			if e.Outcome == schedule.Fail {
				return e.Kind.String()
			}
			return e.Outcome.String()
		})
		if agree == 0 {
			t.Errorf("%s: no number agrees", p.Name())
		}
	}
}
