package mapletree

// This file is what the machine does to the tree.

// top is mas_start(), and what writes but to a leaf.
func (m *machine) top(s *mState, th *mThread, me int) {
	at := th.pc
	th.pc++
	switch at {
	case mRoot:
		th.leaf = s.root
		if m.rcu {
			m.check(th, mThenWalk)
		} else {
			m.started(th)
		}
	case mAwait:
		th.pc = mRoot
	case mRmb:
		th.pc = mDead
	case mWmb:
		th.pc = mAssign
	case mWmbAgain:
		th.pc = mWarn
	case mAssign:
		s.root = 1
		th.pc = mKillAgain
	case mCall:
		s.queued = true
		for i := range s.waits {
			s.waits[i] = s.th[i].section || s.th[i].held
		}
		th.pc = mPageUnlock
	}
}

// check looks whether the leaf is dead.
func (m *machine) check(th *mThread, then mThen) {
	th.then = then
	if th.pc = mDead; m.rcu {
		th.pc = mRmb
	}
}

// started is the walk with a root.
func (m *machine) started(th *mThread) {
	if th.pc = mEnd; th.back == mThenStore {
		th.pc = mOldEnd
	}
}

// walk is mtree_range_walk(), and what comes of a look at a leaf.
func (m *machine) walk(s *mState, th *mThread) {
	leaf := &s.leaf[th.leaf]
	switch th.pc {
	case mDead:
		m.checked(th, s.dead[th.leaf])
	case mEnd:
		th.end = leaf.end
		m.check(th, mThenPivots)
	case mFirst:
		th.off, th.lo, th.hi = 0, 0, mMax
		if th.pivot = leaf.pivot[0]; th.pivot >= th.index {
			th.hi = th.pivot
			th.pc = mSlot
		} else {
			th.behind()
		}
	case mNext:
		if th.pivot = leaf.pivot[th.off]; th.pivot < th.index {
			th.behind()
			return
		}
		if th.pc = mSlot; th.pivot != 0 {
			th.hi = th.pivot
		}
	case mSlot:
		th.entry = leaf.slot[th.off]
		m.check(th, mThenWalked)
	}
}

// behind goes to the next pivot, or to the slot if there is none.
func (th *mThread) behind() {
	th.lo = th.pivot + 1
	th.off++
	if th.pc = mNext; th.off >= th.end {
		th.pc = mSlot
	}
}

// checked goes on when it is known whether the leaf is dead.
func (m *machine) checked(th *mThread, dead bool) {
	switch th.then {
	case mThenWalk:
		if dead {
			th.pc = mAwait
		} else {
			m.started(th)
		}
	case mThenPivots, mThenWalked:
		switch {
		case dead:
			th.pc = mRoot
		case th.then == mThenPivots:
			th.pc = mFirst
		default:
			th.index, th.last = th.lo, th.hi
			m.walked(th)
		}
	case mThenPrevPivot, mThenPrevSlot, mThenPrevDone, mThenPrevNone:
		if dead {
			th.last = th.index
			th.begin(mThenPrevAgain) // again
			return
		}
		m.before(th)
	default:
		m.after(th, dead)
	}
}

// walked is what follows a walk.
func (m *machine) walked(th *mThread) {
	switch th.back {
	case mThenPrev, mThenPrevAgain:
		if th.back == mThenPrev {
			th.vma = th.entry
		}
		th.off-- // of the slot before
		if m.rcu {
			m.check(th, mThenPrevPivot)
		} else {
			th.pc = mPrevPivot
		}
	case mThenNext:
		m.nextEntry(th)
	case mThenBehind:
		m.behindVma(th, false)
	case mThenFound:
		if th.pc = mRcuUnlock; th.entry == mNull {
			th.saved = th.last
			m.nextEntry(th)
		}
	}
}

// before is mas_prev_nentry() when a look has not found the leaf dead.
func (m *machine) before(th *mThread) {
	switch th.then {
	case mThenPrevPivot:
		th.pc = mPrevPivot
	case mThenPrevSlot:
		th.slotBefore()
	case mThenPrevDone:
		if th.below = th.entry; th.entry == mNull {
			th.pc = mPrevRoot
			return
		}
		th.last = th.pivot
		m.behindVma(th, false)
	case mThenPrevNone:
		th.index, th.last = 0, 0
		m.behindVma(th, true)
	}
}

// behindVma looks for what is behind if find_vma_prev() has found nothing, after another walk or
// not.
func (m *machine) behindVma(th *mThread, again bool) {
	switch {
	case !th.madvise || th.vma != mNull:
		m.lookedUp(th)
	case again:
		th.begin(mThenBehind)
	default:
		th.more, th.saved = true, th.last
		if th.last != mMax {
			m.nextEntry(th)
			return
		}
		th.entry = mNull
		m.lookedUp(th)
	}
}

// lookedUp is the end of a look at the tree, and of a section of RCU if it is in one.
func (m *machine) lookedUp(th *mThread) {
	if th.more {
		th.vma, th.more = th.entry, false
	}
	if th.section {
		th.pc = mRcuUnlock
		return
	}
	m.found(th)
}

// slotBefore looks at the slot before, or goes on if it is the first.
func (th *mThread) slotBefore() {
	if th.pc = mPrevEntry; th.off > 0 {
		th.pc = mPrevSlot
	}
}

// prev is mas_prev_nentry().
func (m *machine) prev(s *mState, th *mThread) {
	leaf := &s.leaf[th.leaf]
	switch th.pc {
	case mPrevPivot:
		first := th.then != mThenPrevSlot // else it is one more
		th.pivot = leaf.pivot[th.off]
		if first {
			m.check(th, mThenPrevSlot)
		} else {
			th.slotBefore()
		}
	case mPrevSlot:
		if leaf.slot[th.off] == mNull || th.pivot == 0 {
			th.off--
			th.pc = mPrevPivot
		} else {
			th.pc = mPrevMin
		}
	case mPrevMin:
		th.pc = mPrevEntry
	case mPrevEntry:
		th.entry = leaf.slot[th.off]
		m.check(th, mThenPrevDone)
	case mPrevRoot:
		m.check(th, mThenPrevNone)
	}
}

// nextEntry is mas_next_entry(), once around.
func (m *machine) nextEntry(th *mThread) {
	th.off++
	th.entry = mNull
	switch {
	case th.off >= maxSlots:
		m.check(th, mThenNone)
	case th.last == mMax:
		m.check(th, mThenNextDone)
	default:
		th.pc = mNextEnd
	}
}

// next is mas_next_nentry().
func (m *machine) next(s *mState, th *mThread) {
	leaf := &s.leaf[th.leaf]
	switch th.pc {
	case mNextEnd:
		th.end = leaf.end
		m.check(th, mThenNextMin)
	case mNextMin:
		th.index = leaf.pivot[th.off-1] + 1
		m.check(th, mThenNextLoop)
	case mNextPivot:
		th.pivot = leaf.pivot[th.off]
		th.pc = mNextSlot
	case mNextSlot:
		th.entry = leaf.slot[th.off]
		m.check(th, mThenNextEntry)
	}
}

// after is mas_next_nentry() and mas_next_entry() when it is known whether the leaf is dead.
func (m *machine) after(th *mThread, dead bool) {
	switch th.then {
	case mThenNextMin:
		if th.pc = mNextMin; dead {
			m.check(th, mThenNextDone)
		}
	case mThenNextLoop:
		if dead || th.off > th.end {
			m.check(th, mThenNextDone)
			return
		}
		th.nextPivot()
	case mThenNextEntry:
		switch {
		case dead || th.off == th.end && th.pivot == 0:
			th.entry = mNull
		case th.entry != mNull:
			th.last = th.pivot
		case th.off < th.end && th.pivot < mMax:
			th.index = th.pivot + 1
			th.off++
			th.nextPivot()
			return
		}
		m.check(th, mThenNextDone)
	case mThenNextDone, mThenNone:
		switch {
		case dead:
			th.index, th.last = th.saved, th.saved
			th.begin(mThenNext)
		case th.entry != mNull || th.then == mThenNone:
			m.lookedUp(th)
		default:
			m.check(th, mThenNone)
		}
	}
}

// nextPivot reads the next pivot, but that of the last slot, which is the end.
func (th *mThread) nextPivot() {
	if th.pc = mNextPivot; th.off >= maxSlots-1 {
		th.pc, th.pivot = mNextSlot, mMax
	}
}

// store is mas_store_prealloc().
func (m *machine) store(s *mState, th *mThread) {
	leaf := &s.leaf[th.leaf]
	at := th.pc
	th.pc++
	switch at {
	case mOldEnd:
		th.end, th.i = leaf.end, 0
	case mOldSlot:
		th.i++
		if th.pc = mOldPivot; th.i > th.end {
			m.stores(s, th)
		}
	case mMovePivot:
		leaf.pivot[th.off+1] = th.last
	case mMoveSlot:
		leaf.slot[th.off+1] = mStack
	case mMoveLast:
		leaf.pivot[th.off] = th.index - 1
		th.pc = mPageUnlock
	case mCopy:
		m.copyWord(leaf, th)
	case mKill:
		s.dead[th.leaf] = true
		s.leaf[1] = th.to
		th.pc = mWmb
	case mKillAgain:
		th.pc = mWmbAgain
	case mWarn:
		th.pc = mCall
	}
}

// stores decides how to store what is to be from index to last.
func (m *machine) stores(s *mState, th *mThread) {
	old := s.leaf[th.leaf]
	lo := int8(0)
	th.off = 0
	for th.index > old.pivot[th.off] {
		lo = old.pivot[th.off] + 1
		th.off++
	}
	if lo < th.index {
		th.pc = mMovePivot
		return
	}
	th.to = mLeaf{}
	n := int8(0)
	for i := int8(0); i <= old.end; i++ {
		switch {
		case i == th.off:
			th.to.pivot[n], th.to.slot[n] = th.last, mStack
		case i > th.off && old.pivot[i] != 0 && old.pivot[i] <= th.last:
			continue
		default:
			th.to.pivot[n], th.to.slot[n] = old.pivot[i], old.slot[i]
		}
		n++
	}
	th.to.end = n - 1
	if n < maxSlots {
		th.to.pivot[n-1] = mMax
	}
	th.i = 0
	if th.pc = mKill; !m.rcu {
		th.pc = mCopy
		th.same(&old)
	}
}

// copyWord writes a word of what is to be in the leaf.
func (m *machine) copyWord(leaf *mLeaf, th *mThread) {
	switch i := th.i; {
	case i < maxSlots:
		leaf.pivot[i] = th.to.pivot[i]
	case i < 2*maxSlots:
		leaf.slot[i-maxSlots] = th.to.slot[i-maxSlots]
	default:
		leaf.end = th.to.end
		th.pc = mPageUnlock
		return
	}
	th.pc = mCopy
	th.same(leaf)
}

// same passes by the words that are what they are to be.
func (th *mThread) same(leaf *mLeaf) {
	for ; th.i < maxSlots && leaf.pivot[th.i] == th.to.pivot[th.i]; th.i++ {
	}
	if th.i < maxSlots {
		return
	}
	for ; th.i < 2*maxSlots && leaf.slot[th.i-maxSlots] == th.to.slot[th.i-maxSlots]; th.i++ {
	}
}
