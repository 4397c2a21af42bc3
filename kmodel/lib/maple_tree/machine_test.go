package mapletree

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// The machine is the race again, written from the kernel's code: two leaves by number, and for each
// of two threads a program counter and what is in its registers. It has nothing in common with the
// model but what a step is.

// An mPC is the step that a thread takes next.
type mPC uint8

const (
	mDone mPC = iota

	mDownRead // the calls
	mDownReadWait
	mLook
	mUpRead
	mRelock
	mDownWrite
	mDownWriteWait
	mLookAgain
	mDowngrade

	mRcuLock // what they look up
	mRcuUnlock

	mExpand // expand_downwards()
	mAnonLock
	mAnonLockWait
	mAgain
	mPageLock
	mSetStart
	mPageUnlock
	mAnonUnlock

	mRoot // mas_start()
	mAwait
	mRmb
	mTop // the end of it
	mWmb
	mWmbAgain
	mAssign
	mCall

	mTouch // on these touch the leaf
	mDead
	mEnd // mtree_range_walk()
	mFirst
	mNext
	mSlot
	mPrevPivot // mas_prev_nentry()
	mPrevSlot
	mPrevMin
	mPrevEntry
	mPrevRoot
	mNextEnd // mas_next_nentry()
	mNextMin
	mNextPivot
	mNextSlot
	mOldEnd // mas_wr_walk()
	mOldPivot
	mOldSlot
	mMovePivot // mas_wr_slot_store()
	mMoveSlot
	mMoveLast
	mCopy // mas_wr_node_store()
	mKill
	mKillAgain
	mWarn
)

// An mThen is where a thread goes on: when the leaf is not dead, or a walk is at its end.
type mThen uint8

const (
	mThenWalk      mThen = iota // from the root
	mThenPivots                 // of the leaf
	mThenWalked                 // to the entry
	mThenPrev                   // what is before the entry
	mThenPrevAgain              // the same, once more
	mThenPrevPivot              // and the leaf is not dead
	mThenPrevSlot
	mThenPrevDone
	mThenPrevNone
	mThenBehind // from the first entry
	mThenNext   // what is behind it
	mThenNextMin
	mThenNextLoop
	mThenNextEntry
	mThenNextDone
	mThenNone
	mThenStore
	mThenFound
)

// The entries of a leaf.
const (
	mNull = iota
	mBelow
	mStack
)

const mMax = 100 // ULONG_MAX

// An mLeaf is what is in a leaf.
type mLeaf struct {
	pivot [maxSlots]int8
	slot  [maxSlots]uint8
	end   int8
}

// An mThread is what a thread has in its registers.
type mThread struct {
	pc            mPC
	page          int8
	madvise       bool
	then          mThen // of a look whether the leaf is dead
	back          mThen // of a walk
	section, held bool  // of RCU; or it has the page table lock
	expands       bool
	lost          bool // it has not found what is mapped
	writes        bool // it has mmap_lock for writing
	leaf          uint8
	index, last   int8
	lo, hi        int8
	off           int8
	end, pivot    int8
	saved         int8 // what mas_next_entry() began with
	entry         uint8
	vma, below    uint8 // what find_vma_prev() has found
	more          bool  // it looks for what is behind, since there is nothing
	to            mLeaf // what is stored
	i             int8
}

// An mState is everything.
type mState struct {
	th      [2]mThread
	leaf    [2]mLeaf
	dead    [2]bool
	gone    [2]bool
	root    uint8
	start   int8
	readers int8
	writer  bool
	queue   [2]int8 // threads from 1 on, writers below 0
	anon    int8    // the owner's number, from 1 on
	queued  bool    // the callback
	running bool
	waits   [2]bool // the callback waits for the thread
}

// A machine is what a variant has.
type machine struct{ rcu, section, write bool }

func (m *machine) enabled(s *mState, me int) bool {
	if me == 2 {
		return s.running || s.queued && !s.waits[0] && !s.waits[1]
	}
	switch s.th[me].pc {
	case mDone:
		return false
	case mDownReadWait:
		return !s.writer && s.queue[0] > 0
	case mDownWriteWait:
		return !s.writer && s.readers == 0 && int(-s.queue[0]) == me+1
	case mAnonLockWait:
		return s.anon == 0
	case mAwait:
		return s.gone[s.root] || !s.dead[s.root]
	}
	return true
}

// push puts a thread at the end of the queue of mmap_lock, pull takes it out.
func (s *mState) push(who int8) {
	if s.queue[0] == 0 {
		s.queue[0] = who
	} else {
		s.queue[1] = who
	}
}

func (s *mState) pull(who int8) {
	if s.queue[0] == who {
		s.queue[0] = s.queue[1]
	}
	s.queue[1] = 0
}

// left is the end of a section of RCU, or of the page table lock.
func (s *mState) left(me int) { s.waits[me] = false }

// step has a thread take its step. It returns how that ends everything, or "".
func (m *machine) step(s *mState, me int) string {
	if me == 2 {
		if s.running {
			s.gone[1-s.root] = true
		} else {
			s.queued = false
		}
		s.running = !s.running
		return ""
	}
	th := &s.th[me]
	if th.pc > mTouch && s.gone[th.leaf] {
		return "use-after-free"
	}
	switch at := th.pc; {
	case at < mExpand:
		m.call(s, th, me)
	case at < mRoot:
		m.expand(s, th, me)
	case at < mTouch:
		m.top(s, th, me)
	case at < mPrevPivot:
		m.walk(s, th)
	case at < mNextEnd:
		m.prev(s, th)
	case at < mOldEnd:
		m.next(s, th)
	default:
		m.store(s, th)
	}
	if th.lost {
		return "lost-update"
	}
	return ""
}

// call is the calls, but for the tree.
func (m *machine) call(s *mState, th *mThread, me int) {
	who := int8(me + 1)
	switch th.pc {
	case mDownRead:
		if s.writer || s.queue[0] != 0 {
			s.push(who)
			th.pc = mDownReadWait
			return
		}
		s.readers++
		m.find(th)
	case mDownReadWait:
		s.pull(who)
		s.readers++
		m.find(th)
	case mLook, mLookAgain:
		switch {
		case s.start > th.page && m.write && th.pc == mLook:
			th.pc = mRelock
		case s.start > th.page:
			th.pc = mExpand
		case th.writes:
			th.pc = mDowngrade
		default:
			th.pc = mUpRead
		}
	case mUpRead:
		s.readers--
		th.pc = mDone
	case mRelock:
		s.readers--
		th.pc = mDownWrite
	case mDownWrite:
		if s.writer || s.readers > 0 || s.queue[0] != 0 {
			s.push(-who)
			th.pc = mDownWriteWait
			return
		}
		s.writer, th.writes = true, true
		m.find(th)
	case mDownWriteWait:
		s.pull(-who)
		s.writer, th.writes = true, true
		m.find(th)
	case mDowngrade:
		s.writer, th.writes = false, false
		s.readers = 1
		th.pc = mUpRead
	case mRcuLock:
		th.section = true
		th.begin(mThenFound)
		if th.madvise || th.expands {
			th.begin(mThenPrev)
		}
	case mRcuUnlock:
		th.section = false
		s.left(me)
		m.found(th)
	}
}

// find is where a call begins to look up what is mapped.
func (m *machine) find(th *mThread) {
	th.index, th.last = th.page, th.page
	if th.pc = mRcuLock; th.madvise && !m.section {
		th.begin(mThenPrev)
	}
}

// begin is mas_start(), of a walk that goes back there.
func (th *mThread) begin(back mThen) { th.pc, th.back = mRoot, back }

// found is what is asked of what has been looked up.
func (m *machine) found(th *mThread) {
	switch {
	case th.expands:
		th.pc = mAnonLock
	case th.madvise:
		th.pc = mUpRead
		th.lost = th.vma != mStack || th.below != mBelow
	default:
		if th.pc = mLook; th.writes {
			th.pc = mLookAgain
		}
		th.lost = th.entry != mStack
	}
}

// expand is expand_downwards(), but for the tree.
func (m *machine) expand(s *mState, th *mThread, me int) {
	at := th.pc
	th.pc++
	switch at {
	case mExpand:
		th.index, th.last = s.start, s.start
		th.expands = true
		if th.pc = mRcuLock; !m.section {
			th.begin(mThenPrev)
		}
	case mAnonLock:
		if s.anon != 0 {
			return // to wait
		}
		s.anon = int8(me + 1)
		th.pc = mAgain
	case mAnonLockWait:
		s.anon = int8(me + 1)
	case mAgain:
		if th.page >= s.start {
			th.pc = mAnonUnlock
		}
	case mPageLock:
		th.held = true
	case mSetStart:
		s.start = th.page
		th.index, th.last = th.page, stackEnd-1
		th.begin(mThenStore)
	case mPageUnlock:
		th.held = false
		s.left(me)
	case mAnonUnlock:
		s.anon = 0
		th.expands = false
		if th.pc = mUpRead; th.writes {
			th.pc = mDowngrade
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
			return me == 2 && !s.running || me < 2 && s.th[me].pc == mDone
		},
		Step: func(s mState, me int, next func(mState), end func(string)) {
			if how := m.step(&s, me); how != "" {
				end(how)
			} else {
				next(s)
			}
		},
		Stuck: func(_ mState, _ func(mState), end func(string)) { end("pass") },
	}
}

// initial is how a program begins.
func initial(scenario string) mState {
	s := mState{start: stackEnd - 1}
	s.leaf[0] = mLeaf{
		pivot: [maxSlots]int8{0, stackEnd - 2, stackEnd - 1},
		slot:  [maxSlots]uint8{mBelow, mNull, mStack},
		end:   maxSlots - 1,
	}
	s.th[0] = mThread{pc: mDownRead, madvise: true, page: stackEnd - 1}
	s.th[1] = mThread{pc: mDownRead, page: lowest}
	switch scenario {
	case "madvise-vs-gap":
		s.th[1].page = atGap
	case "expand-vs-expand":
		s.th[0] = mThread{pc: mDownRead, page: atGap}
	}
	return s
}

// machines has what the variants are.
var machines = map[string]machine{
	"6.1":   {},
	"6.3":   {rcu: true},
	"m1":    {rcu: true, section: true},
	"6.4.1": {rcu: true, write: true},
}

// TestMachine compares all fixed programs but those of /proc/PID/maps with the machine: how they
// end, and the number of their executions with any number of preemptions.
func TestMachine(t *testing.T) {
	agree := 0
	for _, p := range model.Programs() {
		if p.Workload {
			continue
		}
		m, ok := machines[p.Variant]
		if !ok {
			t.Fatalf("the machine has no variant %s", p.Variant)
		}
		r := verify.Explore(p, explore.Options{Bound: explore.Unbounded})
		agree += m.counted().Compare(t, r, initial(p.Scenario), func(e explore.Ending) string {
			if e.Outcome == schedule.Fail {
				return e.Kind.String()
			}
			return e.Outcome.String()
		})
	}
	t.Logf("%d numbers agree", agree)
}
