package mmaplock

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// The machine is the race again, written from the kernel's code: two mappings by number, and for
// the fault and who unmaps a program counter each. It has nothing in common with the model but what
// a step is.

// An mPC is the step that a thread takes next.
type mPC uint8

const (
	mDone mPC = iota

	// The fault.
	mRcuLock
	mWalk
	mEarlySeq
	mEarlyMmSeq
	mInc
	mCheckMm
	mOtherMm
	mOtherUnlock
	mGrab
	mDrop
	mDropFree
	mOtherLock
	mSeq
	mMmSeq
	mLookMm
	mStart
	mRcuUnlock
	mHandle
	mPutMm // vma_refcount_put()
	mPutDec
	mWakeLock
	mWakeMb
	mWakeTask
	mWake
	mWakeUnlock
	mEndUnlock

	// Who unmaps.
	mLock
	mLockSeq
	mLockSetSeq
	mLockWmb
	mTree
	mWriteMm // vma_start_write()
	mWriteMmSeq
	mWriteSeq
	mWriteAdd
	mWriteSetSeq
	mWriteSub
	mDetach
	mDetachAdd
	mDetachSub
	mClear
	mUnlockWmb
	mUnlockSeq
	mUnlockSetSeq
	mUnlock
	mFree
	mGiveBack
	mReadUnlock

	mAlloc // execve()
	mInitMm
	mInitSeq
	mSetStart
	mAttach
	mLink
	mPutOld

	mPutUsers // exit
	mPutCount
	mFreeMm

	mEnterMm // to sleep until there are no readers
	mPrepare
	mSetState
	mReadCount
	mSleep
	mFinish
	mSetRunning
)

// An mVma is a mapping.
type mVma struct {
	other   bool // its mm is the new one
	seq     int8
	count   int8 // vm_refcnt, without
	exclude bool // VMA_LOCK_OFFSET
}

// What happens to a mapping that is free.
const (
	mUsed = iota
	mKept
	mWaits // for a grace period
	mGone
)

// An mState is everything.
type mState struct {
	pc      [2]mPC
	back    mPC // to where the fault goes when it has dropped the reference
	exit    mPC // to where who unmaps goes when he has slept
	target  int8
	phase   int8 // of who unmaps: munmap(), execve(), exit
	vma     [2]mVma
	state   [2]uint8
	mine    uint8 // the mapping of who unmaps
	tree    bool  // the first mm has the mapping
	seq     [2]int8
	seen    int8 // vm_lock_seq, by the fault
	putMm   bool // vma_refcount_put() has the new mm
	count   int8 // mm_count of the new mm
	mmGone  bool
	task    [2]bool // vma_writer_wait
	sleeps  bool
	depth   int8 // of sections of RCU
	queue   [2]uint8
	waits   [2]bool
	running bool
}

// A machine is what a variant has.
type machine struct{ look, check, grab bool }

const (
	mMunmap = iota
	mExec
	mExit
)

func (m *machine) enabled(s *mState, me int) bool {
	switch {
	case me == 2:
		return s.running || s.queue[0] != 0 && !s.waits[0]
	case me == 1 && s.pc[1] == mSleep:
		return !s.sleeps
	}
	return s.pc[me] != mDone
}

// step takes a step. It returns what follows, by the choices there are, and how that ends, or "".
func (m *machine) step(s mState, me int, next func(mState)) string {
	switch {
	case me == 2:
		s.callback()
	case me == 0:
		if how := m.fault(&s); how != "" {
			return how
		}
	default:
		m.unmap(&s, next)
		return ""
	}
	next(s)
	return ""
}

// callback begins a callback, or ends it: the memory of a mapping is gone.
func (s *mState) callback() {
	if s.running = !s.running; s.running {
		return
	}
	s.state[s.queue[0]-1] = mGone
	s.queue, s.waits = [2]uint8{s.queue[1]}, [2]bool{s.waits[1]}
}

// unlock ends a section of RCU.
func (s *mState) unlock() {
	if s.depth--; s.depth == 0 {
		s.waits = [2]bool{}
	}
}

// put has the fault drop its reference, and go on there.
func (s *mState) put(back mPC) { s.pc[0], s.back = mPutMm, back }

// fault is the fault. The mapping that it finds is the first.
func (m *machine) fault(s *mState) string {
	vma := &s.vma[0]
	if at := s.pc[0]; at >= mEarlySeq && at <= mPutDec && at != mEarlyMmSeq && at != mMmSeq &&
		s.state[0] == mGone && (at < mOtherUnlock || at > mOtherLock) && at != mRcuUnlock {
		return "use-after-free"
	}
	at := s.pc[0]
	s.pc[0]++
	switch at {
	case mRcuLock, mOtherLock, mWakeLock:
		s.depth++
		if at == mOtherLock {
			s.pc[0] = mEndUnlock
		}
	case mWalk:
		if !s.tree {
			s.pc[0] = mEndUnlock
		}
	case mEarlySeq, mSeq:
		s.seen = vma.seq
	case mEarlyMmSeq:
		if s.seen == s.seq[0] {
			s.pc[0] = mEndUnlock
		}
	case mInc:
		m.inc(s)
	case mCheckMm:
		switch {
		case !vma.other:
			s.pc[0] = mSeq
		case !m.grab:
			s.put(mEndUnlock)
		}
	case mOtherUnlock:
		s.unlock()
	case mGrab:
		s.count++
		s.put(mDrop)
	case mDrop:
		if s.count--; s.count > 0 {
			s.pc[0] = mOtherLock
		}
	case mDropFree:
		s.mmGone = true
	case mMmSeq:
		switch {
		case s.seen == s.seq[0]:
			s.put(mEndUnlock)
		case !m.look:
			s.pc[0] = mStart
		}
	case mLookMm:
		if vma.other {
			s.put(mEndUnlock)
		}
	case mRcuUnlock, mEndUnlock:
		s.unlock()
		if at == mEndUnlock {
			s.pc[0] = mDone
		}
	case mHandle:
		if vma.other {
			return "lost-update"
		}
		s.put(mDone)
	default:
		return m.putRef(s, at)
	}
	return ""
}

// inc is __refcount_inc_not_zero_limited_acquire().
func (m *machine) inc(s *mState) {
	switch vma := &s.vma[0]; {
	case vma.exclude:
		s.pc[0] = mEndUnlock
	case vma.count == 0:
		s.pc[0] = mWalk
	default:
		vma.count++
		if !m.check {
			s.pc[0] = mSeq
		}
	}
}

// putRef is vma_refcount_put().
func (m *machine) putRef(s *mState, at mPC) string {
	mm := 0
	if s.putMm {
		mm = 1
	}
	switch vma := &s.vma[0]; at {
	case mPutMm:
		s.putMm = vma.other
	case mPutDec:
		if vma.count--; !vma.exclude || vma.count > 1 {
			s.pc[0] = s.back
		}
	case mWakeTask:
		if s.putMm && s.mmGone {
			return "use-after-free"
		}
		if !s.task[mm] {
			s.pc[0] = mWakeUnlock
		}
	case mWake:
		s.sleeps = false
	case mWakeUnlock:
		s.unlock()
		s.pc[0] = s.back
	}
	return ""
}

// counted is the machine as verify compares it.
func (m *machine) counted() verify.Machine[mState, string] {
	return verify.Machine[mState, string]{
		Threads: 3,
		Bound:   explore.Unbounded,
		Enabled: m.enabled,
		Rests: func(s *mState, me int) bool {
			return me == 2 && !s.running || me < 2 && s.pc[me] == mDone
		},
		Step: func(s mState, me int, next func(mState), end func(string)) {
			if how := m.step(s, me, next); how != "" {
				end(how)
			}
		},
		Stuck: func(_ mState, _ func(mState), end func(string)) { end("pass") },
	}
}

// machines has what the variants are.
var machines = map[string]machine{
	"m1":   {},
	"6.16": {look: true},
	"m2":   {check: true},
	"6.17": {check: true, grab: true},
}

// TestMachine compares fault-vs-exec with the machine: how it ends, and the number of its
// executions with any number of preemptions.
func TestMachine(t *testing.T) {
	agree := 0
	for _, p := range Programs() {
		if p.Scenario != "fault-vs-exec" {
			continue
		}
		m, ok := machines[p.Variant]
		if !ok {
			t.Fatalf("the machine has no variant %s", p.Variant)
		}
		first := mState{tree: true, count: 1}
		first.vma[0] = mVma{count: 1, seq: -1}
		first.pc = [2]mPC{mRcuLock, mLock}
		r := verify.Explore(p, explore.Options{Bound: explore.Unbounded})
		agree += m.counted().Compare(t, r, first, func(e explore.Ending) string {
			if e.Outcome == schedule.Fail {
				return e.Kind.String()
			}
			return e.Outcome.String()
		})
	}
	t.Logf("%d numbers agree", agree)
}
