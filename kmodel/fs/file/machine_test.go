package file

import (
	"context"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
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

// mCounts is how many executions pass and fail, by the number of preemptions.
type mCounts [2][64]uint64

// count counts the executions. Beginnings of as many steps that agree in the state and in who has
// taken the last step are taken further together.
func (m machine) count() (c mCounts) {
	type node struct {
		mState
		last int // the thread that has taken the last step and goes on, or -1
	}
	first := mState{open: true, count: 1, sk: 1}
	first.pc = [mThreads]mPC{mReadLock, mFileLock, mEnd}
	layer := map[node]*[64]uint64{{first, -1}: {1}}
	for len(layer) > 0 {
		next := map[node]*[64]uint64{}
		for nd, n := range layer {
			stuck := true
			for me := range mThreads {
				if !nd.enabled(me) {
					continue
				}
				stuck = false
				preempts := 0
				if nd.last >= 0 && nd.last != me && nd.enabled(nd.last) {
					preempts = 1
				}
				after, fails := m.step(nd.mState, me)
				for _, s := range after {
					if fails {
						add(&c[1], n, preempts)
						continue
					}
					to := node{s, me}
					if s.pc[me] == mEnd {
						to.last = -1
					}
					if next[to] == nil {
						next[to] = &[64]uint64{}
					}
					add(next[to], n, preempts)
				}
			}
			if stuck {
				add(&c[0], n, 0)
			}
		}
		layer = next
	}
	return c
}

func add(to, n *[64]uint64, preemptions int) {
	for j := preemptions; j < len(to); j++ {
		to[j] += n[j-preemptions]
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
		if got, want := counted(t, p), m.count(); got != want {
			t.Errorf("%s: %v executions, the machine has %v", p.Name(), got, want)
		}
	}
	if len(machines) != len(typesafeModel.Variants) {
		t.Error("a variant of the machine is none of the model")
	}
}

// counted explores a program.
func counted(t *testing.T, p program.Program) (c mCounts) {
	r := explore.Last(explore.Exhaust(context.Background(), p.Schedule(),
		explore.Options{Bound: explore.Unbounded}))
	if !r.Complete() || r.Overflow {
		t.Fatalf("not explored, or not counted: %s", r.Coverage())
	}
	for _, e := range r.Endings {
		i := slices.Index([]schedule.Outcome{schedule.Pass, schedule.Fail}, e.Outcome)
		for j, n := range e.Executions {
			c[i][j] += n
		}
	}
	return c
}
