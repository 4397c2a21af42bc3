package ntty

import (
	"context"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// The machine is the race again, written from the kernel's code: buffers by number, two ports, and
// for the thread and the worker a program counter and what is in their registers. It has nothing
// in common with the model but what a step is.

// The ports.
const (
	mSlave = iota
	mMaster
	mPorts
)

// Buffers have the numbers from 1 on; 0 is NULL. There are two, and at most two more come.
const (
	mFirst = 1 + mPorts
	mBufs  = mFirst + 2
)

// An mPC is the step that a thread takes next.
type mPC uint8

const (
	mDone mPC = iota
	mIdle     // the worker, which takes an item

	mWriteLock // write()
	mMarkLook
	mTailLook
	mWriteUnlock
	mWriteTail

	mOutLock // output_lock, where it is to be had, and given back
	mOutUnlock
	mOutTail

	mMarkRead // process_echoes(), flush_echoes() and __process_echoes()
	mHeadRead
	mCommitWrite
	mTailRead
	mCommitRead
	mTailWrite

	mPortLock // pty_write()
	mRoomLock
	mRoomTail
	mRoomUsed
	mRoomFree
	mRoomReset
	mRoomResetNext
	mRoomResetCommit
	mRoomResetRead
	mRoomNewTail
	mRoomUsedAgain
	mRoomCommit
	mRoomBarrier
	mRoomNext
	mRoomUnlock
	mFillLock
	mFillTail
	mFillUsed
	mFillCopy
	mFillUsedAgain
	mFillNewUsed
	mFillUnlock
	mPushLock
	mPushTail
	mPushUsed
	mPushCommit
	mPushUnlock
	mPushWork
	mPortUnlock

	mFlushLock // flush_to_ldisc()
	mFlushHead
	mFlushCommit
	mFlushRead
	mFlushNext
	mFlushNewHead
	mFlushFree
	mFlushUnlock
	mReceiveEarly
	mReceiveUnlock
	mReceiveCopy
	mReceiveLock
	mReceiveLate
	mEchoHead
	mEchoNewHead
	mEchoMark
	mEchoCommit
	mEchoHeadAgain
)

// An mThen is what an echo, or a write, is a part of.
type mThen uint8

const (
	mToWrite   mThen = iota // the write itself
	mToPending              // what is echoed before it
	mToFlush                // what is echoed by the worker
)

// An mThread is what a thread has in its registers.
type mThread struct {
	pc     mPC
	then   mThen
	putOne bool  // an echo puts a character
	port   uint8 // of which the worker hands over
	b, n   uint8 // buffers
	commit uint8
	at     uint8 // a count that it has read, or is about to write
	tail   uint8 // echo_tail
}

// An mState is everything.
type mState struct {
	threads [2]mThread

	head, tail, free [mPorts]uint8
	next             [mBufs]uint8
	used, committed  [mBufs]uint8
	read, size       [mBufs]uint8
	gone             [mBufs]bool

	echoHead, echoMark, echoCommit, echoTail uint8

	queued [mPorts]bool

	out, room, port bool // output_lock; buf.lock and lock of the port of the master
}

// A machine is what never changes: what a variant has, OPOST, and whether a character is sent, and
// nothing written.
type machine struct{ lock, fill, apart, output, portLock, pushApart, opost, xchar bool }

func (m *machine) enabled(s *mState, me int) bool {
	th := &s.threads[me]
	switch th.pc {
	case mDone:
		return false
	case mIdle:
		return s.queued[mSlave] || s.queued[mMaster]
	case mOutLock:
		return !s.out
	case mPortLock:
		return !s.port
	case mRoomLock, mFillLock, mPushLock:
		return !s.room
	case mFlushLock, mReceiveLock:
		return th.port == mSlave || !s.room
	}
	return true
}

// touches reports whether the step touches a buffer that has been freed.
func (s *mState) touches(th *mThread) bool {
	switch th.pc {
	case mRoomUsed, mRoomUsedAgain, mRoomCommit, mRoomNext, mFillUsed, mFillCopy, mFillUsedAgain,
		mFillNewUsed, mPushUsed, mPushCommit, mFlushCommit, mFlushRead, mFlushNext, mReceiveEarly,
		mReceiveCopy, mReceiveLate:
		return s.gone[th.b]
	case mRoomReset, mRoomResetNext, mRoomResetCommit, mRoomResetRead:
		return s.gone[th.n]
	}
	return false
}

// step has a thread take its step. It returns how that ends everything, or "".
func (m *machine) step(s *mState, me int) string {
	th := &s.threads[me]
	if s.touches(th) {
		return "use-after-free"
	}
	switch at := th.pc; {
	case at < mMarkRead:
		m.write(s, th)
	case at < mPortLock:
		m.echo(s, th)
	case at < mFillLock:
		m.makeRoom(s, th)
	case at < mFlushLock:
		return m.put(s, th)
	case at < mReceiveEarly:
		m.flush(s, th)
	default:
		return m.receive(s, th)
	}
	return ""
}

// begin has a thread begin pty_write().
func (m *machine) begin(th *mThread) {
	switch {
	case m.portLock:
		th.pc = mPortLock
	case m.lock:
		th.pc = mRoomLock
	default:
		th.pc = mRoomTail
	}
}

// write is n_tty_write(), and who takes and gives back output_lock.
func (m *machine) write(s *mState, th *mThread) {
	at := th.pc
	th.pc++
	switch at {
	case mWriteLock:
		if m.xchar {
			m.begin(th)
		}
	case mMarkLook:
		th.at = s.echoMark
	case mTailLook:
		if th.at != s.echoTail {
			th.pc, th.then = mOutLock, mToPending
		} else {
			m.writeOut(th)
		}
	case mWriteTail:
		*th = mThread{}
	case mOutLock:
		s.out = true
		switch th.then {
		case mToWrite:
			m.begin(th)
		case mToPending:
			th.pc = mMarkRead
		case mToFlush:
			th.pc = mHeadRead
		}
	case mOutUnlock:
		s.out = false
	case mOutTail:
		switch th.then {
		case mToWrite:
			th.pc = mWriteUnlock
		case mToPending:
			m.writeOut(th)
		case mToFlush:
			m.received(th)
		}
	}
}

// take has the worker take an item.
func (m *machine) take(s mState, port uint8) mState {
	s.threads[1] = mThread{port: port, pc: mFlushHead}
	s.queued[port] = false
	if m.lock {
		s.threads[1].pc = mFlushLock
	}
	return s
}

// writeOut is the write itself.
func (m *machine) writeOut(th *mThread) {
	th.then = mToWrite
	if m.output || m.opost {
		th.pc = mOutLock
	} else {
		m.begin(th)
	}
}

// echo is what is done with output_lock.
func (m *machine) echo(s *mState, th *mThread) {
	at := th.pc
	th.pc++
	switch at {
	case mMarkRead:
		th.at, th.pc = s.echoMark, mCommitWrite
	case mHeadRead:
		th.at = s.echoHead
	case mCommitWrite:
		s.echoCommit = th.at
	case mTailRead:
		th.tail = s.echoTail
	case mCommitRead:
		if s.echoCommit != th.tail {
			th.putOne = true
			m.begin(th)
		}
	case mTailWrite:
		s.echoTail = th.tail
		th.pc = mOutUnlock
	}
}

// makeRoom is __tty_buffer_request_room(), for one character.
func (m *machine) makeRoom(s *mState, th *mThread) {
	at := th.pc
	th.pc++
	switch at {
	case mPortLock:
		s.port = true
		if !m.lock {
			th.pc = mRoomTail
		}
	case mRoomLock:
		s.room = true
	case mRoomTail:
		th.b = s.tail[mMaster]
	case mRoomUsed:
		if s.used[th.b] != s.size[th.b] { // who has more than fits is taken for one with room
			m.hasRoom(th)
		}
	case mRoomFree:
		th.n = s.free[mMaster]
		if th.n != 0 {
			s.free[mMaster] = s.next[th.n]
			break
		}
		for th.n = mFirst; s.size[th.n] != 0; th.n++ {
		}
		s.size[th.n] = small
		m.append(th)
	case mRoomReset:
		s.used[th.n] = 0
	case mRoomResetNext:
		s.next[th.n] = 0
	case mRoomResetCommit:
		s.committed[th.n] = 0
	case mRoomResetRead:
		s.read[th.n] = 0
		m.append(th)
	case mRoomNewTail:
		if s.tail[mMaster] = th.n; m.lock {
			m.hasRoom(th)
		}
	case mRoomUsedAgain:
		th.at = s.used[th.b]
	case mRoomCommit:
		if s.committed[th.b] = th.at; m.lock {
			th.pc = mRoomNewTail
		}
	case mRoomNext:
		if s.next[th.b] = th.n; m.lock {
			th.pc = mRoomUsedAgain
		} else {
			m.hasRoom(th)
		}
	case mRoomUnlock:
		s.room = false
		if th.pc = mFillTail; m.apart {
			th.pc = mFillLock
		}
	}
}

// append is what follows when there is a new buffer: with buf.lock its tail is the last.
func (m *machine) append(th *mThread) {
	if th.pc = mRoomNewTail; m.lock {
		th.pc = mRoomNext
	}
}

// hasRoom is what follows when there is room.
func (m *machine) hasRoom(th *mThread) {
	if th.pc = mFillTail; m.lock && !m.fill {
		th.pc = mRoomUnlock
	}
}

// put is the rest of pty_write().
func (m *machine) put(s *mState, th *mThread) string {
	at := th.pc
	th.pc++
	switch at {
	case mFillLock, mPushLock:
		s.room = true
	case mFillTail, mPushTail:
		th.b = s.tail[mMaster]
	case mFillUsed, mFillUsedAgain, mPushUsed:
		th.at = s.used[th.b]
	case mFillCopy:
		if th.at >= s.size[th.b] {
			return "out-of-bounds"
		}
	case mFillNewUsed:
		s.used[th.b] = th.at + 1
		switch {
		case m.pushApart:
			th.pc = mPortUnlock
		case m.fill || m.apart:
		case m.lock:
			th.pc = mPushLock
		default:
			th.pc = mPushTail
		}
	case mFillUnlock:
		s.room = false
	case mPushCommit:
		s.committed[th.b] = th.at
		if !m.lock {
			th.pc = mPushWork
		}
	case mPushUnlock:
		s.room = false
	case mPushWork:
		s.queued[mMaster] = true
		if !m.portLock || m.pushApart {
			m.written(th)
		}
	case mPortUnlock:
		s.port = false
		if m.pushApart {
			th.pc = mPushTail
		} else {
			m.written(th)
		}
	}
	return ""
}

// written is the end of pty_write().
func (m *machine) written(th *mThread) {
	switch {
	case th.putOne:
		th.putOne = false
		th.tail++
		th.pc = mCommitRead
	case !m.xchar && (m.output || m.opost):
		th.pc = mOutUnlock
	default:
		th.pc = mWriteUnlock
	}
}

// flush is flush_to_ldisc(), and tty_buffer_free().
func (m *machine) flush(s *mState, th *mThread) {
	at := th.pc
	th.pc++
	switch at {
	case mFlushLock:
		m.hold(s, th, true)
	case mFlushHead:
		th.b = s.head[th.port]
	case mFlushCommit:
		th.commit = s.committed[th.b]
	case mFlushRead:
		if th.at = s.read[th.b]; th.at != th.commit {
			th.pc = mReceiveCopy
			if m.lock {
				th.pc = mReceiveEarly
			}
		}
	case mFlushNext:
		if th.n = s.next[th.b]; th.n == 0 {
			th.pc = mFlushUnlock
			if !m.lock {
				*th = mThread{pc: mIdle}
			}
		}
	case mFlushNewHead:
		s.head[th.port] = th.n
	case mFlushFree:
		if s.size[th.b] <= small {
			s.next[th.b], s.free[th.port] = s.free[th.port], th.b
		} else {
			s.gone[th.b] = true
		}
		th.pc = mFlushHead
	case mFlushUnlock:
		m.hold(s, th, false)
		*th = mThread{pc: mIdle}
	}
}

// hold takes buf.lock, or gives it back. Nobody else takes that of the slave.
func (m *machine) hold(s *mState, th *mThread, locked bool) {
	if th.port == mMaster {
		s.room = locked
	}
}

// receive is receive_buf(), and what it calls up to output_lock.
func (m *machine) receive(s *mState, th *mThread) string {
	at := th.pc
	th.pc++
	switch at {
	case mReceiveEarly:
		s.read[th.b] = th.commit
	case mReceiveUnlock:
		m.hold(s, th, false)
	case mReceiveCopy:
		if th.commit < th.at || th.commit > s.size[th.b] && !m.lock {
			return "out-of-bounds"
		}
		if th.pc = mEchoHead; th.port == mMaster {
			m.received(th)
		}
	case mReceiveLock:
		m.hold(s, th, true)
		th.pc = mFlushHead
	case mReceiveLate:
		s.read[th.b] = th.commit
		th.pc = mFlushHead
	case mEchoHead:
		th.at = s.echoHead + 1
	case mEchoNewHead:
		s.echoHead = th.at
	case mEchoMark:
		s.echoMark = th.at
	case mEchoCommit:
		th.at = s.echoCommit
	case mEchoHeadAgain:
		if th.at == s.echoHead {
			m.received(th)
		} else {
			th.pc, th.then = mOutLock, mToFlush
		}
	}
	return ""
}

// received is the end of receive_buf(). The echo has used the register that has the buffer.
func (m *machine) received(th *mThread) {
	if th.port == mSlave {
		th.b = 1
	}
	if th.pc = mReceiveLate; m.lock {
		th.pc = mReceiveLock
	}
}

// lost reports whether nothing leads to a buffer.
func (s *mState) lost() bool {
	var found [mBufs]bool
	for p := range mPorts {
		for _, b := range []uint8{s.head[p], s.tail[p], s.free[p]} {
			for ; b != 0 && !found[b]; b = s.next[b] {
				found[b] = true
			}
		}
	}
	for b := uint8(1); b < mBufs; b++ {
		if s.size[b] != 0 && !s.gone[b] && !found[b] {
			return true
		}
	}
	return false
}

// counted is the machine as verify compares it.
func (m *machine) counted() verify.Machine[mState, string] {
	return verify.Machine[mState, string]{
		Threads: 2,
		Bound:   explore.Unbounded,
		Enabled: m.enabled,
		Rests: func(s *mState, me int) bool {
			return s.threads[me].pc == mDone || s.threads[me].pc == mIdle
		},
		Step: func(s mState, me int, next func(mState), end func(string)) {
			if s.threads[me].pc == mIdle { // two that are queued have been queued on two CPUs
				for port, queued := range s.queued {
					if queued {
						next(m.take(s, uint8(port)))
					}
				}
				return
			}
			if how := m.step(&s, me); how != "" {
				end(how)
			} else {
				next(s)
			}
		},
		Stuck: func(s mState, _ func(mState), end func(string)) {
			switch {
			case s.threads[0].pc != mDone || s.threads[1].pc != mIdle:
				end("deadlock")
			case s.lost():
				end("memory-leak")
			default:
				end("pass")
			}
		},
	}
}

// initial is how a program begins: a character has been typed, and the port of the master has room
// for one.
func initial() mState {
	s := mState{}
	s.threads[0].pc = mWriteLock
	s.threads[1].pc = mIdle
	s.queued[mSlave] = true
	s.head, s.tail = [mPorts]uint8{1, 2}, [mPorts]uint8{1, 2}
	s.size[1], s.used[1], s.committed[1] = small, 1, 1
	s.size[2], s.used[2], s.committed[2], s.read[2] = large, large-1, large-1, large-1
	return s
}

// machines has what the variants are.
var machines = map[string]machine{
	"3.3":  {lock: true},
	"3.7":  {lock: true, fill: true},
	"m1":   {lock: true, apart: true},
	"3.14": {},
	"3.15": {output: true},
	"4.19": {output: true, portLock: true},
	"5.10": {output: true, portLock: true, pushApart: true},
	"m2":   {portLock: true},
}

// TestMachine compares all fixed programs with the machine: how they end, and the number of their
// executions with any number of preemptions.
func TestMachine(t *testing.T) {
	agree := 0
	for _, p := range Programs() {
		if p.Workload {
			continue
		}
		m := machines[p.Variant]
		m.opost, m.xchar = p.Scenario == "opost-vs-echo", p.Scenario == "xchar-vs-echo"
		r := explore.Last(explore.Exhaust(context.Background(), p.Schedule(),
			explore.Options{Bound: explore.Unbounded}))
		agree += m.counted().Compare(t, r, initial(), func(e explore.Ending) string {
			if e.Outcome == schedule.Fail {
				return e.Kind.String()
			}
			return e.Outcome.String()
		})
	}
	t.Logf("%d numbers agree", agree)
}
