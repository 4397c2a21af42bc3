package file

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// The machine is a second implementation of recvmsg-vs-socket, of which it shares nothing but
// what a step is: a program counter for each of the two threads and the softirq, and what they
// have in common. There is one file that matters, that of descriptor 1, whose memory may become
// the new file.

// An mPC is the step that a thread takes next.
type mPC uint8

const (
	mEnd mPC = iota // finished, or no callback runs

	mReadLock
	mFdt
	mFd
	mInc
	mLook
	mLookNext
	mPutBack
	mReadUnlock // with a file
	mReadUnlockNone
	mIolock
	mPeek
	mIounlock
	mIounlockTail
	mPut

	mFileLock
	mCloseFdt
	mCloseFd
	mNull
	mFileUnlock
	mCloseDec

	mQueueLock // __fput
	mFirst
	mQueueUnlock
	mSkFree
	mTot
	mFree
	mCallRcu

	mAllocLock
	mAllocFdt
	mFindFd
	mAllocUnlock
	mCacheAlloc
	mZero
	mCount
	mPrivateData
	mResize
	mRmb
	mInstallFdt
	mInstall

	mCallback // it has begun
)

// The threads.
const (
	mRecvmsg = iota
	mSocket
	mSoftirq
	mThreads
)

// An mState is everything.
type mState struct {
	pc     [mThreads]mPC
	last   [2]bool // the thread has dropped the last reference
	waits  [2]bool // the callback waits for the thread
	queued bool    // the callback
	open   bool    // the file is at descriptor 1
	kept   bool    // it is free and may be used again
	reused bool    // it is the new file
	count  int8    // f_count
	sk     uint8   // 0: NULL, 1: that of descriptor 1, 2: the new one
}

// A machine is a variant.
type machine struct{ typesafe, looks, tableFirst bool }

var machines = map[string]machine{
	"6.5":      {looks: true, tableFirst: true},
	"6.8":      {typesafe: true, looks: true},
	"6.8-once": {typesafe: true},
}

// reader reports whether a grace period that begins now waits for the thread: in a section, or
// with preemption off.
func (s *mState) reader(me int) bool {
	switch pc := s.pc[me]; {
	case pc > mReadLock && pc <= mReadUnlockNone, pc > mFileLock && pc <= mFileUnlock,
		pc > mQueueLock && pc <= mQueueUnlock, pc > mAllocLock && pc <= mAllocUnlock,
		pc > mPrivateData && pc <= mInstall:
		return true
	}
	return false
}

func (s *mState) enabled(me int) bool {
	if me == mSoftirq && s.pc[me] == mEnd {
		return s.queued && !s.waits[mRecvmsg] && !s.waits[mSocket]
	}
	return s.pc[me] != mEnd
}

// put drops a reference.
func (s *mState) put(me int) {
	s.count--
	s.last[me] = s.last[me] || s.count == 0
}

// step returns what follows a step, by the choices there are, and whether it fails.
func (m machine) step(s mState, me int) (next []mState, fails bool) {
	if me == mSoftirq {
		if s.pc[me] == mEnd {
			s.pc[me], s.queued = mCallback, false
		} else {
			s.pc[me] = mEnd
		}
		return []mState{s}, false
	}
	was, pc := s.reader(me), s.pc[me]
	to, other := pc+1, s
	switch pc {
	case mFd:
		if !s.open {
			to = mReadUnlockNone
		}
	case mInc:
		if s.count == 0 {
			to = mFdt
			break
		}
		if s.count++; !m.looks {
			to = mReadUnlock
		}
	case mLook, mLookNext:
		table := (pc == mLook) == m.tableFirst
		switch {
		case !table && !s.open:
			to = mPutBack
		case pc == mLookNext:
			to = mReadUnlock
		}
	case mPutBack:
		s.put(me)
		to = mFdt
	case mReadUnlock:
		fails = s.sk != 1
		to = mIolock
	case mReadUnlockNone:
		to = s.work(me)
	case mPut, mCloseDec:
		s.put(me)
		to = s.work(me)
	case mNull:
		s.open = false
	case mFree:
		to = s.work(me)
		if !m.typesafe {
			s.call(1 - me)
			break
		}
		other.pc[me] = mCallRcu
		s.kept = true
		s.pc[me] = to
		return []mState{s, other}, false
	case mCallRcu:
		to = s.work(me)
		s.call(1 - me)
	case mAllocUnlock:
		if !m.typesafe {
			to = mPrivateData
		}
	case mCacheAlloc:
		if s.kept {
			other.pc[me] = to
			s.kept, s.reused = false, true
			s.pc[me] = to
			return []mState{s, other}, false
		}
	case mZero:
		if s.reused {
			s.sk = 0
		}
	case mCount:
		if s.reused {
			s.count = 1
		}
	case mPrivateData:
		if s.reused {
			s.sk = 2
		}
	case mInstall:
		to = mEnd
	}
	s.pc[me] = to
	if was && !s.reader(me) {
		s.waits[me] = false
	}
	return []mState{s}, fails
}

// work is where a thread goes on that returns from recvmsg() or has closed the descriptor.
func (s *mState) work(me int) mPC {
	switch {
	case s.last[me]:
		s.last[me] = false
		return mQueueLock
	case me == mSocket:
		return mAllocLock
	}
	return mEnd
}

// call is call_rcu(), by who is no reader himself.
func (s *mState) call(other int) {
	s.queued = true
	s.waits[other] = s.reader(other)
}

// counted is the machine as verify compares it.
func (m machine) counted() verify.Machine[mState, schedule.Outcome] {
	return verify.Machine[mState, schedule.Outcome]{
		Threads: mThreads,
		Bound:   explore.Unbounded,
		Enabled: (*mState).enabled,
		Rests:   func(s *mState, me int) bool { return s.pc[me] == mEnd },
		Step: func(s mState, me int, next func(mState), end func(schedule.Outcome)) {
			after, fails := m.step(s, me)
			for _, s := range after {
				if fails {
					end(schedule.Fail)
				} else {
					next(s)
				}
			}
		},
		Stuck: func(_ mState, _ func(mState), end func(schedule.Outcome)) { end(schedule.Pass) },
	}
}

// TestMachine compares recvmsg-vs-socket with the machine: how many executions pass and fail, with
// any number of preemptions.
func TestMachine(t *testing.T) {
	for _, p := range typesafeModel.Programs() {
		if p.Workload {
			continue
		}
		m, ok := machines[p.Variant]
		if !ok {
			t.Fatalf("the machine has no variant %s", p.Variant)
		}
		first := mState{open: true, count: 1, sk: 1}
		first.pc = [mThreads]mPC{mReadLock, mFileLock, mEnd}
		r := verify.Explore(p, explore.Options{Bound: explore.Unbounded})
		m.counted().Compare(t, r, first, func(e explore.Ending) schedule.Outcome { return e.Outcome })
	}
	if len(machines) != len(typesafeModel.Variants) {
		t.Error("a variant of the machine is none of the model")
	}
}
