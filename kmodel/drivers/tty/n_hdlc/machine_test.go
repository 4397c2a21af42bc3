package nhdlc

import (
	"context"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// The machine is the race again, written from the kernel's code: buffers by number, two lists of
// them, and for each thread a program counter and what is in its registers. It has nothing in
// common with the model but what a step is.

// The lists.
const (
	mFree = iota
	mSend
	mLists
)

// Buffers have the numbers from 1 on; 0 is NULL.
const mBufs = numBufs + 1

// An mPC is the step that a thread takes next.
type mPC uint8

const (
	mDone mPC = iota

	mFlushData // ioctl(TCFLSH)
	mFlushLock
	mFlushTbuf
	mFlushClear
	mFlushUnlock

	mStartLock // ioctl(TCXONC, TCOON)
	mStartLook
	mStartSet
	mStartStopped
	mStartGo
	mStartTest
	mStartData
	mStartWork
	mStartUnlock

	mWriteTry // write()
	mWriteData
	mWriteUnlock
	mWriteTail

	mExit // exit, and close
	mCloseData
	mCloseClear
	mCancel
	mCancelEnd
	mFreeBuf
	mFreeTbufLook
	mFreeTbuf
	mFreeAll

	mSetBit // what n_hdlc_send_frames() does to the terminal
	mStopped
	mClearBit

	mFromHere // on these touch n_hdlc

	mIdle // the kworker, which takes the item

	mBusyLock // n_hdlc_send_frames()
	mBusyLook
	mBusyWoken
	mBusyLeave
	mBusySet
	mBusyForget
	mBusyUnlock
	mTbufLook
	mSentLock
	mTbufClear
	mSentUnlock
	mTbufSet
	mEndLock
	mEndClear
	mEndUnlock
	mEndLook

	mGetLock // n_hdlc_buf_get()
	mGetHead
	mGetLink
	mGetNewHead
	mGetAgain
	mGetNewTail
	mGetDel
	mGetUnlock

	mPutLock // n_hdlc_buf_put()
	mPutLink
	mPutTail
	mPutAfter
	mPutNewHead
	mPutNewTail
	mPutAdd
	mPutUnlock

	mReturnLock // n_hdlc_buf_return()
	mReturnAdd
	mReturnUnlock
)

// An mThen is where a function goes back to.
type mThen uint8

const (
	mToFlush     mThen = iota // with the next buffer
	mToFlushMore              // when that is free
	mToFlushTbuf              // when tbuf is
	mToWrite                  // with a buffer
	mToWriteSend              // when that is to be sent
	mToSend                   // with the next buffer
	mToSent                   // when that is free
	mToLeft                   // when it is back
	mToCloseFree              // with the next to be freed
	mToCloseSend
)

// An mThread is what a thread has in its registers.
type mThread struct {
	pc    mPC
	then  mThen // of what is done with a list
	sent  mPC   // where n_hdlc_send_frames() goes back to
	list  uint8
	buf   uint8
	other uint8
}

// An mState is everything.
type mState struct {
	threads [3]mThread
	locked  [mLists]bool
	head    [mLists]uint8
	tail    [mLists]uint8
	link    [mBufs]uint8
	tbuf    uint8
	gone    [mBufs]bool // freed; the first is n_hdlc
	open    uint8

	busy, woken, bit, stopped bool // of n_hdlc, and of the terminal

	queued, running bool // the item
}

// A machine is what never changes: what a variant has.
type machine struct{ flush, lockedPut, listHead, bufReturn, drop, work, late bool }

func (m *machine) enabled(s *mState, me int) bool {
	th := &s.threads[me]
	switch th.pc {
	case mDone:
		return false
	case mIdle:
		return s.queued
	case mCancelEnd:
		return !s.running
	case mGetLock, mPutLock, mReturnLock:
		return !s.locked[th.list] || s.gone[0]
	case mFlushLock, mBusyLock, mSentLock, mEndLock:
		return !s.locked[mSend] || s.gone[0]
	}
	return true
}

// get has a thread take the head of a list.
func (th *mThread) get(list uint8, then mThen) { th.pc, th.list, th.then = mGetLock, list, then }

// put has it put its buffer on one.
func (th *mThread) put(list uint8, then mThen) { th.pc, th.list, th.then = mPutLock, list, then }

// step has a thread take its step. It returns how that ends everything, or "".
func (m *machine) step(s *mState, me int) string {
	th := &s.threads[me]
	if s.touches(th) {
		return "use-after-free"
	}
	switch at := th.pc; {
	case at < mExit:
		m.call(s, th)
	case at < mSetBit:
		return m.close(s, th)
	case at < mGetLock:
		m.send(s, th)
	case at < mPutLock:
		m.getBuf(s, th)
	default:
		return m.putBuf(s, th)
	}
	return ""
}

// touches reports whether the step touches what has been freed: n_hdlc, or a buffer.
func (s *mState) touches(th *mThread) bool {
	switch th.pc {
	case mGetLink, mPutLink:
		return s.gone[th.buf]
	case mPutAfter:
		return s.gone[th.other]
	}
	return s.gone[0] && th.pc > mFromHere
}

// call is the system calls, but for what they do with lists and what sends.
func (m *machine) call(s *mState, th *mThread) {
	at := th.pc
	th.pc++
	switch at {
	case mFlushData:
		th.pc = mExit
		if m.flush {
			th.get(mSend, mToFlush)
		}
	case mFlushLock:
		s.locked[mSend] = true
	case mFlushTbuf:
		th.pc = mFlushUnlock
		if th.buf = s.tbuf; th.buf != 0 {
			th.put(mFree, mToFlushTbuf)
		}
	case mFlushClear:
		s.tbuf = 0
	case mFlushUnlock:
		s.locked[mSend] = false
		th.pc = mExit
	case mStartGo:
		s.stopped = false
	case mStartTest:
		if !s.bit {
			th.pc = mStartUnlock
		}
	case mStartData:
		if !m.work {
			th.pc, th.sent = mBusyLock, mStartUnlock
		}
	case mStartWork:
		s.queued = true
	case mStartUnlock:
		th.pc = mExit
	case mWriteData:
		th.get(mFree, mToWrite)
	}
}

// close is the end of a thread. The last closes the terminal.
func (m *machine) close(s *mState, th *mThread) string {
	at := th.pc
	th.pc++
	switch at {
	case mExit:
		if s.open--; s.open > 0 {
			th.pc = mDone
		}
	case mCloseClear:
		if !m.work || m.late {
			th.get(mFree, mToCloseFree)
		}
	case mCancel:
		s.queued = false
	case mCancelEnd:
		th.get(mFree, mToCloseFree)
	case mFreeBuf:
		if s.gone[th.buf] {
			return "double-free"
		}
		s.gone[th.buf] = true
		th.get(th.list, th.then)
	case mFreeTbufLook:
		if s.tbuf == 0 {
			th.pc = mFreeAll
		}
	case mFreeTbuf:
		if s.gone[s.tbuf] {
			return "double-free"
		}
		s.gone[s.tbuf] = true
	case mFreeAll:
		s.gone[0] = true
		th.pc = mDone
	}
	return ""
}

// send is n_hdlc_send_frames(), and the beginning of the item.
func (m *machine) send(s *mState, th *mThread) {
	at := th.pc
	th.pc++
	switch at {
	case mIdle:
		s.queued, s.running = false, true
		th.sent = mIdle
	case mBusyLock, mEndLock:
		s.locked[mSend] = true
	case mBusyLook:
		if !s.busy {
			th.pc = mBusySet
		}
	case mBusyWoken:
		s.woken = true
	case mBusyLeave:
		s.locked[mSend] = false
		m.leave(s, th)
	case mBusySet:
		s.busy = true
	case mBusyForget:
		s.woken = false
	case mBusyUnlock:
		s.locked[mSend] = false
		if m.bufReturn {
			th.get(mSend, mToSend)
		}
	case mTbufLook:
		th.pc = mSetBit
		if th.buf = s.tbuf; th.buf == 0 {
			th.get(mSend, mToSend)
		}
	case mSetBit:
		s.bit = true
	case mStopped:
		m.written(s, th)
	case mSentLock:
		s.locked[mSend] = true
		th.put(mFree, mToSent)
	case mTbufClear:
		s.tbuf = 0
		if !m.lockedPut {
			th.get(mSend, mToSend)
		}
	case mSentUnlock:
		s.locked[mSend] = false
		th.get(mSend, mToSend)
	case mTbufSet:
		s.tbuf = th.buf
	case mClearBit:
		s.bit = false
		th.pc = mEndLock
	case mEndClear:
		s.busy = false
	case mEndUnlock:
		s.locked[mSend] = false
	case mEndLook:
		if th.pc = mBusyLock; !s.woken {
			m.leave(s, th)
		}
	}
}

// leave is the end of n_hdlc_send_frames().
func (m *machine) leave(s *mState, th *mThread) {
	if th.pc = th.sent; th.pc == mIdle {
		*th = mThread{pc: mIdle}
		s.running = false
	}
}

// written is what pty_write() has found.
func (m *machine) written(s *mState, th *mThread) {
	switch {
	case !s.stopped && m.lockedPut:
		th.pc = mSentLock
	case !s.stopped:
		th.put(mFree, mToSent)
	case !m.bufReturn:
		th.pc = mTbufSet
	case m.drop:
		th.pc = mEndLock
	default:
		th.pc, th.list, th.then = mReturnLock, mSend, mToLeft
	}
}

// getBuf is n_hdlc_buf_get().
func (m *machine) getBuf(s *mState, th *mThread) {
	at := th.pc
	th.pc++
	switch at {
	case mGetLock:
		s.locked[th.list] = true
	case mGetHead:
		switch th.buf = s.head[th.list]; {
		case m.listHead && th.buf != 0:
			th.pc = mGetDel
		case m.listHead:
			th.pc = mGetUnlock
		case th.buf == 0:
			th.pc = mGetAgain
		}
	case mGetLink:
		th.other = s.link[th.buf]
	case mGetNewHead:
		s.head[th.list] = th.other
	case mGetAgain:
		if s.head[th.list] != 0 {
			th.pc = mGetUnlock
		}
	case mGetNewTail:
		s.tail[th.list] = 0
		th.pc = mGetUnlock
	case mGetDel:
		if s.head[th.list] = s.link[th.buf]; s.head[th.list] == 0 {
			s.tail[th.list] = 0
		}
	case mGetUnlock:
		s.locked[th.list] = false
		m.back(s, th)
	}
}

// putBuf is n_hdlc_buf_put(), and n_hdlc_buf_return().
func (m *machine) putBuf(s *mState, th *mThread) string {
	at := th.pc
	th.pc++
	switch at {
	case mPutLock:
		s.locked[th.list] = true
		if m.listHead {
			th.pc = mPutAdd
		}
	case mPutLink:
		s.link[th.buf] = 0
	case mPutTail:
		if th.other = s.tail[th.list]; th.other == 0 {
			th.pc = mPutNewHead
		}
	case mPutAfter:
		s.link[th.other] = th.buf
		th.pc = mPutNewTail
	case mPutNewHead:
		s.head[th.list] = th.buf
	case mPutNewTail:
		s.tail[th.list] = th.buf
		th.pc = mPutUnlock
	case mPutAdd:
		if s.on(th.buf) {
			return "list-corruption"
		}
		s.addTail(th.list, th.buf)
	case mReturnLock:
		s.locked[th.list] = true
	case mReturnAdd:
		if s.link[th.buf] = s.head[th.list]; s.link[th.buf] == 0 {
			s.tail[th.list] = th.buf
		}
		s.head[th.list] = th.buf
	case mPutUnlock, mReturnUnlock:
		s.locked[th.list] = false
		m.back(s, th)
	}
	return ""
}

// on reports whether a buffer is on a list.
func (s *mState) on(buf uint8) bool {
	for _, b := range s.head {
		for ; b != 0; b = s.link[b] {
			if b == buf {
				return true
			}
		}
	}
	return false
}

// addTail puts a buffer that is on no list at the tail of one.
func (s *mState) addTail(list, buf uint8) {
	s.link[buf] = 0
	if tail := s.tail[list]; tail != 0 {
		s.link[tail] = buf
	} else {
		s.head[list] = buf
	}
	s.tail[list] = buf
}

// back goes back to who has done something with a list.
func (m *machine) back(s *mState, th *mThread) {
	found := th.buf != 0
	switch th.then {
	case mToFlush:
		switch {
		case found:
			th.put(mFree, mToFlushMore)
		case m.bufReturn:
			th.pc = mExit
		default:
			th.pc = mFlushLock
		}
	case mToFlushMore:
		th.get(mSend, mToFlush)
	case mToFlushTbuf:
		th.pc = mFlushClear
	case mToWrite:
		if th.pc = mWriteUnlock; found {
			th.put(mSend, mToWriteSend)
		}
	case mToWriteSend:
		th.pc, th.sent = mBusyLock, mWriteUnlock
	case mToSend:
		if th.pc = mClearBit; found {
			th.pc = mSetBit
		}
	case mToSent:
		if th.pc = mTbufClear; m.bufReturn {
			th.get(mSend, mToSend)
		}
	case mToLeft:
		th.pc = mEndLock
	case mToCloseFree:
		if th.pc = mFreeBuf; !found {
			th.get(mSend, mToCloseSend)
		}
	case mToCloseSend:
		if th.pc = mFreeBuf; !found {
			th.pc = mFreeTbufLook
			if m.bufReturn {
				th.pc = mFreeAll
			}
		}
	}
}

// counted is the machine as verify compares it.
func (m *machine) counted() verify.Machine[mState, string] {
	return verify.Machine[mState, string]{
		Threads: 3,
		Bound:   explore.Unbounded,
		Enabled: m.enabled,
		Rests: func(s *mState, me int) bool {
			return s.threads[me].pc == mDone || s.threads[me].pc == mIdle
		},
		Step: func(s mState, me int, next func(mState), end func(string)) {
			if how := m.step(&s, me); how != "" {
				end(how)
			} else {
				next(s)
			}
		},
		Stuck: func(s mState, _ func(mState), end func(string)) {
			for _, th := range s.threads {
				if th.pc != mDone && th.pc != mIdle {
					end("deadlock")
					return
				}
			}
			for _, gone := range s.gone {
				if !gone {
					end("memory-leak")
					return
				}
			}
			end("pass")
		},
	}
}

// initial is how a program begins: a frame is left, and two buffers are free.
func (m *machine) initial(scenario string) mState {
	s := mState{open: 2, stopped: true, bit: true}
	s.threads[0].pc = mFlushData
	s.threads[1].pc = mStartLock
	if scenario == "flush-vs-write" {
		s.threads[1].pc = mWriteTry
	}
	if m.work {
		s.threads[2].pc = mIdle
	}
	s.addTail(mFree, 3)
	s.addTail(mFree, 2)
	if m.bufReturn {
		s.addTail(mSend, 1)
	} else {
		s.tbuf = 1
	}
	return s
}

// machines has what the variants are.
var machines = map[string]machine{
	"2.6.29": {},
	"4.6":    {flush: true},
	"m1":     {flush: true, lockedPut: true},
	"m2":     {flush: true, listHead: true},
	"4.11":   {flush: true, listHead: true, bufReturn: true},
	"m3":     {flush: true, listHead: true, bufReturn: true, drop: true},
	"5.17":   {flush: true, listHead: true, bufReturn: true, work: true},
	"m4":     {flush: true, listHead: true, bufReturn: true, work: true, late: true},
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
		r := explore.Last(explore.Exhaust(context.Background(), p.Schedule(),
			explore.Options{Bound: explore.Unbounded}))
		agree += m.counted().Compare(t, r, m.initial(p.Scenario), func(e explore.Ending) string {
			if e.Outcome == schedule.Fail {
				return e.Kind.String()
			}
			return e.Outcome.String()
		})
	}
	t.Logf("%d numbers agree", agree)
}
