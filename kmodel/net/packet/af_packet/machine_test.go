package afpacket

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// The machine is a second implementation of ring-vs-version, written from the kernel's code: a
// program counter for each of the two threads and for the softirq of timers, what they have in
// common, and a switch that says what the step at each of them does. It has nothing in common with
// the model but what a step is.

// An mPC is the step that a thread takes next.
type mPC uint8

const (
	mEnd mPC = iota // finished, or no timer runs

	// PACKET_VERSION
	mVersionLockSock
	mVersionRing
	mVersionWrite
	mVersionRelease

	// packet_set_ring()
	mLockSockEarly
	mRingBusy
	mRingVersion
	mInitMemset
	mInitDelete
	mInitPkbdq
	mInitTimer
	mModTimer
	mLockSock
	mBindLock
	mWasRunning
	mUnhook // to mUnhookPut
	mUnhookFanout
	mUnhookType
	mUnhookLock
	mUnhookFirst
	mUnhookDel
	mUnhookUnlock
	mUnhookPut
	mBindUnlock
	mSync
	mSyncEnds
	mPgVecLock
	mQueueLock
	mSwapRead
	mSwapWrite
	mQueueUnlock
	mFuncRing
	mFunc
	mPgVecUnlock
	mPgVecUnlockTail
	mBindLockAgain
	mHook // to mHookRunning
	mHookFanout
	mHookType
	mHookLock
	mHookAdd
	mHookUnlock
	mHookHold
	mHookRunning
	mBindUnlockAgain
	mGoneVersion
	mShutLock
	mShutDelete
	mShutUnlock
	mShutDel
	mReleaseSock
	mFreeRing
	mReleaseSockLate
	mBusyRelease

	// The exit of a thread, and packet_release()
	mExit
	mFd
	mFdNull
	mCloseBindLock
	mCloseRunning
	mCloseUnhook // to mCloseUnhookPut
	mCloseUnhookFanout
	mCloseUnhookType
	mCloseUnhookLock
	mCloseUnhookFirst
	mCloseUnhookDel
	mCloseUnhookUnlock
	mCloseUnhookPut
	mCloseBindUnlock
	mCloseRing
	mCloseFanout // fanout_release()
	mCloseFanoutLock
	mCloseFanoutLocked
	mCloseFanoutUnlock
	mCloseFanoutUnlockTail
	mCloseSync
	mCloseSyncEnds
	mSockPut
	mFreeSock
	mFd1

	// The timer
	mTimerLock
	mTimerPkbdq
	mTimerBuffer
	mTimerDelete
	mTimerMod
	mTimerUnlock
)

// The threads.
const (
	mRing = iota
	mVersion
	mTimers
	mThreads
)

// An mState is everything. An owner is the number of a thread and 1, or 0.
type mState struct {
	pc                              [mThreads]mPC
	was, old, closing               [2]bool
	sock, bind, pgVec, queue, ptype int8 // owners; of fanout_mutex there is one who comes for it
	files, left                     int8
	v3, ring, delete, pending       bool
	freed                           [2]bool // the ring, the socket
}

// A machine is a variant.
type machine struct{ lock, any, mutex bool }

var machines = map[string]machine{
	"4.6": {}, "4.9": {lock: true}, "4.13": {lock: true, any: true, mutex: true},
}

// owner returns the lock that the step at pc takes, and gives back.
func (s *mState) owner(pc mPC) (take, give *int8) {
	switch pc {
	case mVersionLockSock, mLockSockEarly, mLockSock:
		return &s.sock, nil
	case mVersionRelease, mReleaseSock, mReleaseSockLate, mBusyRelease:
		return nil, &s.sock
	case mBindLock, mBindLockAgain, mCloseBindLock:
		return &s.bind, nil
	case mBindUnlock, mBindUnlockAgain, mCloseBindUnlock:
		return nil, &s.bind
	case mUnhookLock, mHookLock, mCloseUnhookLock:
		return &s.ptype, nil
	case mUnhookUnlock, mHookUnlock, mCloseUnhookUnlock:
		return nil, &s.ptype
	case mPgVecLock:
		return &s.pgVec, nil
	case mPgVecUnlock:
		return nil, &s.pgVec
	case mQueueLock, mShutLock, mTimerLock:
		return &s.queue, nil
	case mQueueUnlock, mShutUnlock, mTimerUnlock:
		return nil, &s.queue
	}
	return nil, nil
}

func (s *mState) enabled(me int) bool {
	pc := s.pc[me]
	switch take, _ := s.owner(pc); {
	case me == mTimers && pc == mEnd:
		return s.pending && s.left > 0
	case pc == mEnd:
		return false
	case take != nil:
		return *take == 0 || s.freed[1]
	case pc == mShutDel:
		return s.pc[mTimers] == mEnd
	}
	return true
}

// step takes a step, and reports whether it fails.
func (m machine) step(s *mState, me int) bool {
	pc := s.pc[me]
	if me == mTimers {
		return s.timer(pc)
	}
	take, give := s.owner(pc)
	switch {
	case take != nil:
		*take = int8(me) + 1
	case give != nil:
		*give = 0
	}
	s.pc[me] = m.next(s, me, pc)
	return false
}

// next does what a step of a thread does besides, and returns the one behind it.
func (m machine) next(s *mState, me int, pc mPC) mPC {
	switch pc {
	case mVersionRing:
		switch {
		case !s.ring:
			return mVersionWrite
		case m.lock:
			return mVersionRelease
		}
		return mExit
	case mVersionWrite:
		if s.v3 = false; m.lock {
			return mVersionRelease
		}
		return mExit
	case mVersionRelease, mBusyRelease:
		return mExit

	case mRingVersion:
		if !s.v3 {
			return m.lockSock()
		}
	case mInitDelete:
		s.delete = false
	case mModTimer:
		s.pending = true
		return m.lockSock()
	case mWasRunning:
		if s.was[me] = !s.closing[me]; s.closing[me] {
			return mBindUnlock
		}
	case mSwapRead:
		s.old[me] = s.ring
	case mSwapWrite:
		s.ring = !s.closing[me]
	case mBindLockAgain:
		if !s.was[me] {
			return mBindUnlockAgain
		}
	case mBindUnlockAgain:
		if !(m.any && s.old[me] || !m.any && s.closing[me]) {
			return m.releaseSock(s, me)
		}
	case mGoneVersion:
		if !s.v3 {
			return m.releaseSock(s, me)
		}
	case mShutDelete:
		s.delete = true
	case mShutDel:
		s.pending = false
		return m.releaseSock(s, me)
	case mReleaseSock:
		if !s.old[me] {
			return m.after(s, me)
		}
	case mFreeRing:
		if s.freed[0] = true; !m.lock {
			return m.after(s, me)
		}
	case mReleaseSockLate:
		return m.after(s, me)

	case mExit:
		if s.files--; s.files > 0 {
			return mEnd
		}
	case mCloseRing:
		if s.ring {
			s.closing[me] = true
			if m.lock {
				return mLockSockEarly
			}
			return mLockSock
		}
		return m.fanoutRelease()
	case mCloseFanout:
		return mCloseSync
	case mFreeSock:
		s.freed[1] = true
	case mFd1:
		return mEnd

	case mLockSockEarly:
		if s.closing[me] {
			return mBindLock
		}
	case mRingBusy:
		if s.ring && m.lock {
			return mBusyRelease
		} else if s.ring {
			return mExit
		}
	}
	return pc + 1
}

// lockSock is where packet_set_ring() goes on with the ring that it has made.
func (m machine) lockSock() mPC {
	if m.lock {
		return mBindLock
	}
	return mLockSock
}

// releaseSock is where it goes on when it is done with the timer.
func (m machine) releaseSock(s *mState, me int) mPC {
	switch {
	case !m.lock:
		return mReleaseSock
	case s.old[me]:
		return mFreeRing
	}
	return mReleaseSockLate
}

// after is where it returns to.
func (m machine) after(s *mState, me int) mPC {
	if s.closing[me] {
		return m.fanoutRelease()
	}
	return mExit
}

// fanoutRelease is where fanout_release() begins.
func (m machine) fanoutRelease() mPC {
	if m.mutex {
		return mCloseFanoutLock
	}
	return mCloseFanout
}

// timer is a step of the softirq.
func (s *mState) timer(pc mPC) (fails bool) {
	if pc == mTimerBuffer && s.freed[0] || pc != mTimerBuffer && s.freed[1] {
		return true
	}
	to := pc + 1
	switch pc {
	case mEnd:
		s.pending, to = false, mTimerLock
		s.left--
	case mTimerLock:
		s.queue = mTimers + 1
	case mTimerDelete:
		if s.delete {
			to = mTimerUnlock
		}
	case mTimerMod:
		s.pending = true
	case mTimerUnlock:
		s.queue, to = 0, mEnd
	}
	s.pc[mTimers] = to
	return false
}

// counted is the machine as verify compares it.
func (m machine) counted() verify.Machine[mState, schedule.Kind] {
	return verify.Machine[mState, schedule.Kind]{
		Threads: mThreads,
		Bound:   explore.Unbounded,
		Enabled: (*mState).enabled,
		Rests: func(s *mState, me int) bool {
			return s.pc[me] == mEnd || s.pc[me] == mSyncEnds || s.pc[me] == mCloseSyncEnds
		},
		Step: func(s mState, me int, next func(mState), end func(schedule.Kind)) {
			if m.step(&s, me) {
				end(schedule.UseAfterFree)
			} else {
				next(s)
			}
		},
		Stuck: func(_ mState, _ func(mState), end func(schedule.Kind)) { end(schedule.NoFailure) },
	}
}

// TestMachine compares ring-vs-version with the machine: how many executions pass and fail, with
// any number of preemptions.
func TestMachine(t *testing.T) {
	for _, p := range ringModel.Programs() {
		if p.Scenario != "ring-vs-version" {
			continue
		}
		m, ok := machines[p.Variant]
		if !ok {
			t.Fatalf("the machine has no variant %s", p.Variant)
		}
		first := mState{files: 2, left: maxTimers, v3: true}
		first.pc = [mThreads]mPC{mRingBusy, mVersionRing, mEnd}
		if m.lock {
			first.pc = [mThreads]mPC{mLockSockEarly, mVersionLockSock, mEnd}
		}
		r := verify.Explore(p, explore.Options{Bound: explore.Unbounded})
		agree := m.counted().Compare(t, r, first, func(e explore.Ending) schedule.Kind { return e.Kind })
		if agree < 20 {
			t.Errorf("%s: %d numbers agree, want more", p.Name(), agree)
		}
	}
	if len(machines) != len(ringModel.Variants) {
		t.Error("a variant of the machine is none of the model")
	}
}
