package gup

import (
	"context"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// The machine is the race again, written from the kernel's code: one entry of a page table and its
// lock, pages by number with their references, and for each thread a program counter and what is in
// its registers. It has nothing in common with the model but what a step is.

// Pages by number. What is not the process's own is one, which file or huge zero page it may be.
const (
	mNone = iota
	mShared
	mFirst // of those that are allocated
	mPages = mFirst + 6
)

// An mEntry is what is mapped.
type mEntry struct {
	page  int8
	dirty bool
}

// An mPC is the step that a thread takes next.
type mPC uint8

const (
	mRest mPC = iota

	mZapDown // madvise
	mZapLook // only what is huge
	mZapLock
	mZapRead
	mZapClear
	mZapUnlock
	mZapPut
	mZapFree
	mZapUp

	mContDown // UFFDIO_CONTINUE
	mContGet
	mContLock
	mContRead
	mContSet
	mContUnlock
	mContPut
	mContUp

	mDown // /proc/self/mem
	mFollowLook
	mFollowLock
	mFollowRead
	mTouch
	mFollowGet
	mFollowUnlock
	mFault
	mSameLock
	mSameRead
	mWpUnlock
	mCount
	mCountAgain
	mGetOld
	mUnlockToCopy
	mCopyOld
	mCopyLock
	mCopyRead
	mCopyClear
	mCopySet
	mCopyDrop
	mCopyDropFree
	mCopyUnlock
	mCopyPut
	mCopyPutFree
	mCowGet
	mCowRead
	mCowLock
	mCowSame
	mCowSet
	mCowUnlock
	mCowPut
	mGiveBack
	mGiveBackFree
	mMapLock
	mMapSame
	mMapGet
	mMapSet
	mMapUnlock
	mZeroLock
	mZeroSame
	mZeroClear
	mZeroSet
	mZeroUnlock
	mRefuseGet
	mRefusePut
	mAccess
	mPut
	mPutFree
	mUp
)

// An mThread is what a thread has in its registers.
type mThread struct {
	pc     mPC
	write  bool
	force  bool   // FOLL_WRITE is left
	cow    bool   // FOLL_COW
	orig   mEntry // the entry as it was, or as it was found
	own    int8   // the page that it has allocated
	same   bool
	failed bool // -EFAULT
}

// An mState is everything.
type mState struct {
	threads [3]mThread
	entry   mEntry
	locked  bool
	refs    [mPages]int8
}

// A machine is what never changes.
type machine struct {
	huge       bool
	readsAfter bool // the second thread reads when it has zapped

	// The changes, in the same order as there, and whether there is a userfaultfd.
	cow, touch, refs, contDirty, exclusive, minor bool
}

func (m *machine) enabled(s *mState, me int) bool {
	switch s.threads[me].pc {
	case mRest:
		return false
	case mZapLock, mContLock, mFollowLock, mSameLock, mCopyLock, mCowLock, mMapLock, mZeroLock:
		return !s.locked
	}
	return true
}

// drop drops a reference, and says which step is next.
func (s *mState) drop(page int8, free, next mPC) mPC {
	if s.refs[page]--; s.refs[page] == 0 {
		return free
	}
	return next
}

// allocate gives a thread a page that nobody has.
func (s *mState) allocate(th *mThread) {
	for p := int8(mFirst); ; p++ {
		if s.refs[p] == 0 && !s.remembered(p) {
			th.own, s.refs[p] = p, 1
			return
		}
	}
}

// remembered reports whether a thread may compare something with p: a page is not used again.
func (s *mState) remembered(p int8) bool {
	for _, th := range s.threads {
		if th.orig.page == p || th.own == p {
			return true
		}
	}
	return s.entry.page == p
}

// step has a thread take its step. It reports whether that is the write that may not be.
func (m *machine) step(s *mState, me int) bool {
	th := &s.threads[me]
	switch at := th.pc; {
	case at < mContDown:
		m.zap(s, th)
	case at < mDown:
		m.proceed(s, th)
	case at < mFault:
		m.follow(s, th)
	case at < mCopyLock:
		m.fault(s, th)
	case at < mCowGet:
		m.copy(s, th)
	case at < mMapLock:
		m.cowFault(s, th)
	case at < mRefuseGet:
		m.mapShared(s, th)
	default:
		return m.access(s, th)
	}
	return false
}

// zap is madvise().
func (m *machine) zap(s *mState, th *mThread) {
	at := th.pc
	th.pc++
	switch at {
	case mZapDown:
		if !m.huge {
			th.pc = mZapLock
		}
	case mZapLook:
		if s.entry.page == mNone {
			th.pc = mZapUp
		}
	case mZapLock:
		s.locked = true
	case mZapRead:
		if th.orig = s.entry; th.orig.page == mNone {
			th.pc = mZapUnlock
		}
	case mZapClear:
		s.entry = mEntry{}
	case mZapUnlock:
		s.locked = false
		if th.orig.page == mNone || m.huge && th.orig.page == mShared {
			th.pc = mZapUp
		}
	case mZapPut:
		th.pc = s.drop(th.orig.page, mZapFree, mZapUp)
	case mZapUp:
		th.pc, th.orig = mRest, mEntry{}
		if m.readsAfter {
			th.pc = mDown
		}
	}
}

// proceed is UFFDIO_CONTINUE.
func (m *machine) proceed(s *mState, th *mThread) {
	at := th.pc
	th.pc++
	switch at {
	case mContGet:
		s.refs[mShared]++
	case mContLock:
		s.locked = true
	case mContRead:
		if th.same = s.entry.page == mNone; !th.same {
			th.pc = mContUnlock
		}
	case mContSet:
		s.entry = mEntry{mShared, m.contDirty}
	case mContUnlock:
		s.locked = false
		if th.same {
			th.pc = mContUp
		}
	case mContPut:
		s.refs[mShared]--
	case mContUp:
		th.pc = mRest
	}
}

// follow is follow_page_mask().
func (m *machine) follow(s *mState, th *mThread) {
	at := th.pc
	th.pc++
	switch at {
	case mDown:
		th.force = th.write
		th.pc = m.again()
	case mFollowLook:
		if s.entry.page == mNone {
			th.pc = mFault
		}
	case mFollowLock:
		s.locked = true
	case mFollowRead:
		th.orig = s.entry
		switch {
		case th.orig.page == mNone || th.force && !m.allowed(th):
			th.orig.page, th.pc = mNone, mFollowUnlock
		case !m.huge || th.orig.dirty || m.touch && !th.force:
			th.pc = mFollowGet
		}
	case mTouch:
		s.entry.dirty = true
	case mFollowGet:
		s.refs[th.orig.page]++
	case mFollowUnlock:
		s.locked = false
		if th.orig.page != mNone {
			th.pc = mAccess
		}
	}
}

// again is where a lookup begins.
func (m *machine) again() mPC {
	if m.huge {
		return mFollowLook
	}
	return mFollowLock
}

// allowed reports whether a forced write may have what is mapped.
func (m *machine) allowed(th *mThread) bool {
	switch {
	case m.exclusive:
		return th.orig.page >= mFirst
	case m.cow:
		return th.cow && th.orig.dirty
	}
	return false
}

// broken is the end of a fault that has broken COW.
func (m *machine) broken(th *mThread) {
	if m.cow {
		th.cow = true
	} else {
		th.force = false
	}
	th.pc = m.again()
}

// fault is the beginning of handle_mm_fault(), and that of do_wp_page().
func (m *machine) fault(s *mState, th *mThread) {
	at := th.pc
	th.pc++
	switch at {
	case mFault:
		th.orig = s.entry
		m.dispatch(s, th)
	case mSameLock:
		s.locked = true
	case mSameRead:
		th.same = s.entry == th.orig && th.force
		if th.same && th.orig.page < mFirst {
			th.pc = mGetOld
		} else if th.same && m.refs {
			th.pc = mCount
		}
	case mWpUnlock:
		s.locked = false
		if th.same {
			m.broken(th)
		} else {
			th.pc = m.again()
		}
	case mCount:
		if s.refs[th.orig.page] != 1 {
			th.pc = mGetOld
		}
	case mCountAgain:
		th.pc = mGetOld
		if s.refs[th.orig.page] == 1 {
			th.pc = mWpUnlock
		}
	case mGetOld:
		s.refs[th.orig.page]++
	case mUnlockToCopy:
		s.locked = false
		s.allocate(th)
	}
}

// dispatch says which sort of fault it is.
func (m *machine) dispatch(s *mState, th *mThread) {
	none := th.orig.page == mNone
	switch {
	case none && m.minor:
		th.pc, th.own = mRefuseGet, mNone
		if th.force {
			s.allocate(th)
		}
	case none && th.force && !m.huge:
		th.pc = mCowGet
		s.allocate(th)
	case none && !th.force:
		th.pc = mMapLock
	case m.huge && th.force && th.orig.page < mFirst:
		th.pc = mZeroLock
		s.allocate(th)
	default:
		th.pc = mSameLock
	}
}

// copy is wp_page_copy().
func (m *machine) copy(s *mState, th *mThread) {
	at := th.pc
	th.pc++
	switch at {
	case mCopyLock:
		s.locked = true
	case mCopyRead:
		th.same = s.entry == th.orig
		if !th.same {
			th.pc = mCopyDrop
		}
	case mCopyClear:
		s.entry = mEntry{}
	case mCopySet:
		s.entry = mEntry{th.own, true}
	case mCopyDrop:
		page := th.own
		if th.same {
			page = th.orig.page
		}
		th.pc = s.drop(page, mCopyDropFree, mCopyUnlock)
	case mCopyUnlock:
		s.locked = false
	case mCopyPut:
		th.pc = s.drop(th.orig.page, mCopyPutFree, m.again())
		m.copied(th)
	case mCopyPutFree:
		th.pc = m.again()
		m.copied(th)
	}
}

// copied is how wp_page_copy() ends.
func (m *machine) copied(th *mThread) {
	if th.pc == m.again() && th.same {
		m.broken(th)
	}
}

// cowFault is do_cow_fault().
func (m *machine) cowFault(s *mState, th *mThread) {
	at := th.pc
	th.pc++
	switch at {
	case mCowGet:
		s.refs[mShared]++
	case mCowLock:
		s.locked = true
	case mCowSame:
		if th.same = s.entry.page == mNone; !th.same {
			th.pc = mCowUnlock
		}
	case mCowSet:
		s.entry = mEntry{th.own, true}
	case mCowUnlock:
		s.locked = false
	case mCowPut:
		s.refs[mShared]--
		if th.same {
			th.pc = m.again()
		}
	case mGiveBack:
		s.refs[th.own] = 0
	case mGiveBackFree:
		th.pc = m.again()
		if th.failed {
			th.pc = mUp
		}
	}
}

// mapShared is a read fault, or one in what is huge.
func (m *machine) mapShared(s *mState, th *mThread) {
	at := th.pc
	th.pc++
	switch at {
	case mMapLock, mZeroLock:
		s.locked = true
	case mMapSame:
		switch {
		case s.entry.page != mNone:
			th.pc = mMapUnlock
		case m.huge:
			th.pc = mMapSet
		}
	case mMapGet:
		s.refs[mShared]++
	case mMapSet:
		s.entry = mEntry{mShared, false}
	case mMapUnlock:
		s.locked = false
		th.pc = m.again()
	case mZeroSame:
		switch th.same = s.entry == th.orig; {
		case !th.same:
			th.pc = mZeroUnlock
		case th.orig.page == mNone:
			th.pc = mZeroSet
		}
	case mZeroClear:
		s.entry = mEntry{}
	case mZeroSet:
		s.entry = mEntry{th.own, true}
	case mZeroUnlock:
		s.locked = false
		switch {
		case !th.same:
			th.pc = mGiveBack
		case th.orig.page == mNone:
			th.pc = m.again()
		default:
			m.broken(th)
		}
	}
}

// access is what follows when there is a page, or will never be one.
func (m *machine) access(s *mState, th *mThread) (stray bool) {
	at := th.pc
	th.pc++
	switch at {
	case mRefuseGet:
		s.refs[mShared]++
	case mRefusePut:
		s.refs[mShared]--
		th.pc, th.failed = mUp, true
		if th.own != mNone {
			th.pc = mGiveBack
		}
	case mAccess:
		return th.write && th.orig.page < mFirst
	case mPut:
		th.pc = s.drop(th.orig.page, mPutFree, mUp)
	case mUp:
		*th = mThread{}
	}
	return false
}

// counted is the machine as verify compares it.
func (m *machine) counted() verify.Machine[mState, string] {
	return verify.Machine[mState, string]{
		Threads: 3,
		Bound:   explore.Unbounded,
		Enabled: m.enabled,
		Rests:   func(s *mState, me int) bool { return s.threads[me].pc == mRest },
		Step: func(s mState, me int, next func(mState), end func(string)) {
			if m.step(&s, me) {
				end("stray-write")
			} else {
				next(s)
			}
		},
		Stuck: func(s mState, _ func(mState), end func(string)) {
			for _, th := range s.threads {
				if th.pc != mRest {
					end("deadlock")
					return
				}
			}
			end("pass")
		},
	}
}

// initial is how a program begins.
func (m *machine) initial(scenario string) mState {
	var s mState
	s.threads[0] = mThread{pc: mDown, write: true}
	s.threads[1].pc = mZapDown
	s.refs[mShared] = 1
	if m.minor {
		s.refs[mShared]++
		s.entry = mEntry{mShared, m.contDirty}
	}
	switch scenario {
	case "write-vs-continue":
		s.threads[2].pc = mContDown
	case "write-vs-write":
		s.threads[1] = s.threads[0]
	}
	return s
}

// machines has what the variants are.
var machines = map[string]machine{
	"4.6":  {},
	"4.14": {cow: true},
	"4.15": {cow: true, touch: true},
	"5.15": {minor: true, cow: true, touch: true, refs: true},
	"5.17": {minor: true, cow: true, touch: true, refs: true, contDirty: true},
	"5.19": {minor: true, cow: true, touch: true, contDirty: true},
	"6.1":  {minor: true, cow: true, touch: true, contDirty: true, exclusive: true},
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
		m.huge = strings.HasPrefix(p.Scenario, "huge-")
		m.readsAfter = p.Scenario == "huge-write-vs-read"
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
