package mmaplock

// This file is the thread of the machine that unmaps.

// mm is the number of the mm of who unmaps.
func (s *mState) mm() int {
	if s.phase == mMunmap {
		return 0
	}
	return 1
}

// unmap is who unmaps, and goes on with another program.
func (m *machine) unmap(s *mState, next func(mState)) {
	vma := &s.vma[s.mine]
	at := s.pc[1]
	s.pc[1]++
	switch at {
	case mLockSetSeq, mUnlockSetSeq:
		s.seq[s.mm()]++
	case mLockWmb:
		if s.phase == mExec {
			s.pc[1] = mSetStart
		}
	case mWriteAdd:
		if vma.count > 0 {
			s.enter(1, mWriteSetSeq)
		}
	case mWriteSetSeq:
		vma.seq = s.seq[s.mm()]
		if s.phase == mExec {
			s.pc[1] = mAttach
		}
	case mWriteSub:
		vma.exclude = false
	case mDetach:
		if vma.count--; vma.count == 0 {
			s.detached()
		}
	case mDetachAdd:
		if vma.count > 0 {
			s.enter(0, mDetachSub)
		} else {
			s.detached()
		}
	case mDetachSub:
		vma.exclude = false
		s.detached()
	case mClear:
		s.tree = s.tree && s.phase == mExit
	case mUnlock:
		switch s.phase {
		case mExec:
			s.pc[1] = mPutOld
		case mExit:
			s.pc[1] = mPutCount
		}
	case mFree:
		s.free(next)
		return
	case mGiveBack:
		s.giveBack()
		s.freed()
	case mReadUnlock:
		s.phase = mExec
	case mAlloc:
		s.alloc(next)
		return
	default:
		s.exec(vma, at)
	}
	next(*s)
}

// exec is execve() and the exit, and the sleep.
func (s *mState) exec(vma *mVma, at mPC) {
	switch at {
	case mInitMm:
		vma.other = true
	case mInitSeq:
		vma.seq = -1
		s.pc[1] = mLock
	case mSetStart:
		s.pc[1] = mWriteMm
	case mAttach:
		vma.count = 1
	case mLink:
		s.pc[1] = mUnlockWmb
	case mPutOld:
		s.phase = mExit
	case mPutUsers:
		s.pc[1] = mLock
	case mPutCount:
		if s.count--; s.count > 0 {
			s.pc[1] = mDone
		}
	case mFreeMm:
		s.mmGone = true
		s.pc[1] = mDone
	case mPrepare:
		s.task[s.mm()] = true
	case mSetState:
		s.sleeps = true
	case mReadCount:
		if s.pc[1] = mSleep; vma.count == s.target {
			s.pc[1] = mFinish
		}
	case mSleep:
		s.pc[1] = mSetState
	case mFinish:
		s.task[s.mm()] = false
	case mSetRunning:
		s.sleeps = false
		s.pc[1] = s.exit
	}
}

// enter excludes readers, and waits until the count is what it is to be.
func (s *mState) enter(target int8, exit mPC) {
	s.vma[s.mine].exclude = true
	s.pc[1], s.target, s.exit = mEnterMm, target, exit
}

// detached is where who unmaps goes on with a mapping that is detached.
func (s *mState) detached() {
	if s.pc[1] = mClear; s.phase == mExit {
		s.pc[1] = mFree
	}
}

// free is kmem_cache_free(), which may give the memory back.
func (s *mState) free(next func(mState)) {
	back := *s
	s.state[s.mine] = mKept
	s.freed()
	next(*s)
	back.pc[1] = mGiveBack
	next(back)
}

// freed is where who unmaps goes on.
func (s *mState) freed() {
	if s.pc[1] = mReadUnlock; s.phase == mExit {
		s.pc[1] = mClear
	}
}

// giveBack is call_rcu().
func (s *mState) giveBack() {
	s.state[s.mine] = mWaits
	i := 0
	if s.queue[0] != 0 {
		i = 1
	}
	s.queue[i], s.waits[i] = s.mine+1, s.depth > 0
}

// alloc is kmem_cache_alloc(): the mapping that is free, or another.
func (s *mState) alloc(next func(mState)) {
	another := *s
	if s.state[0] == mKept {
		s.state[0] = mUsed
		next(*s)
	}
	another.mine = 1
	next(another)
}
