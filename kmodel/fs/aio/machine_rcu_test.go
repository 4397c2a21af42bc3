package aio

// An mRef is a struct percpu_ref.
type mRef struct {
	count  int16 // with mBias until the switch
	percpu int8  // the sum of the per-CPU counts
	mode   uint8
	ended  int8 // how often the release function was entered
}

// The percpu_refs.
const (
	mUsers = iota
	mReqs
)

// mBias is PERCPU_COUNT_BIAS.
const mBias = 1 << 12

// Bits of the mode.
const (
	mAtomic = 1 << iota // __PERCPU_REF_ATOMIC
	mDead               // __PERCPU_REF_DEAD
)

// An mCallback is an rcu_head that is queued.
type mCallback struct {
	head    uint8 // which; 0: nothing is queued here
	cpu     int8  // the thread that has queued it
	readers uint8 // threads that the grace period still waits for
}

// The rcu_heads, those of RCU-sched first.
const (
	headSwitchUsers = 1 + iota
	headSwitchReqs
	headRcuWork
	headKill // kill_ioctx_rcu of 3.10
	headFree // ctx_rcu_free
)

func ofSched(head uint8) bool { return head <= headSwitchReqs }

// reads reports whether a thread is inside a read-side section that a grace period has
// to wait for which begins now.
func (m *machine) reads(s *mState, me int, sched bool) bool {
	rcu, atomic := s.th[me].rcu > 0, s.th[me].atomic > 0
	switch {
	case m.noPreempt:
		return s.th[me].kernel
	case m.oneFlavour:
		return rcu || atomic
	case sched:
		return atomic
	}
	return rcu
}

func (m *machine) readers(s *mState, sched bool) (set uint8) {
	for me := range mThreads {
		if m.reads(s, me, sched) {
			set |= 1 << me
		}
	}
	return set
}

// leave is called where a section ends: grace periods wait for it no more.
func (m *machine) leave(s *mState, me int) {
	for i := range s.callbacks {
		if cb := &s.callbacks[i]; !m.reads(s, me, ofSched(cb.head)) {
			cb.readers &^= 1 << me
		}
	}
	if !m.reads(s, me, false) {
		s.sync[mCaller] &^= 1 << me
		s.sync[mDestroyer] &^= 1 << me
	}
}

// preemptOn ends what began with th.atomic++.
func (m *machine) preemptOn(s *mState, me int) {
	s.th[me].atomic--
	m.leave(s, me)
}

// callRcu is call_rcu() and call_rcu_sched().
func (m *machine) callRcu(s *mState, me int, head uint8) string {
	for i := range s.callbacks {
		cb := &s.callbacks[i]
		if cb.head == head {
			return "lock-rule" // it is queued already
		}
		if cb.head == 0 {
			*cb = mCallback{head, int8(me), m.readers(s, ofSched(head))}
			return ""
		}
	}
	panic("there are not so many rcu_heads")
}

// readyCallbacks returns which callbacks the softirq may start: bit i for callbacks[i].
// Those of one CPU start in the order in which it queued them; each flavour has a
// queue of its own, if there are two.
func (m *machine) readyCallbacks(s *mState) (set int) {
	for i, cb := range s.callbacks {
		ready := cb.head != 0 && cb.readers == 0
		for _, before := range s.callbacks[:i] {
			sameFlavour := m.noPreempt || m.oneFlavour || ofSched(before.head) == ofSched(cb.head)
			if before.cpu == cb.cpu && sameFlavour {
				ready = false
			}
		}
		if ready {
			set |= 1 << i
		}
	}
	return set
}

// begin has an agent begin a piece of work: the ith callback, the work item, the
// request.
func (m *machine) begin(s *mState, me, i int) string {
	th := &s.th[me]
	switch me {
	case mSoftirq:
		head := s.callbacks[i].head
		copy(s.callbacks[i:], s.callbacks[i+1:])
		s.callbacks[len(s.callbacks)-1] = mCallback{}
		th.atomic++
		if s.freed {
			return "use-after-free"
		}
		switch head {
		case headSwitchUsers:
			th.ref = mUsers
			th.call(atSwitch, toSoftirqEnd)
		case headSwitchReqs:
			th.ref = mReqs
			th.call(atSwitch, toSoftirqEnd)
		case headRcuWork:
			th.call(atQueueWork, toSoftirqEnd)
		case headKill:
			th.call(atScheduleWork, toSoftirqEnd)
		case headFree:
			th.call(atFreeCtx, toSoftirqEnd)
		}
	case mWorker:
		s.workQueued = false
		if s.freed {
			return "use-after-free"
		}
		s.workPending, s.workRunning = false, true
		if m.list {
			th.call(atWorkWake, toWorkerEnd)
		} else {
			th.call(atFreeCtx, toWorkerEnd)
		}
	case mIrq:
		s.reqQueued = false
		th.atomic++
		if s.reqFreed {
			return "use-after-free"
		}
		if m.list {
			th.call(atOldCtx, toIrqEnd)
		} else {
			th.call(atIrqCtx, toIrqEnd)
		}
	}
	return ""
}

// put has a thread drop a reference to the context and go on at back.
func (m *machine) put(th *mThread, back mPC) {
	switch {
	case m.rcuPut:
		th.call(atPutDec, back)
	case m.list:
		th.call(atPutRead, back)
	default:
		th.ref = mUsers
		th.call(atPutMode, back)
	}
}

// kill is where percpu_ref_kill() begins.
func (m *machine) kill() mPC {
	if m.killLocks {
		return atSwitchLock
	}
	return atKillRead
}

// rcuStep is a step of a percpu_ref.
func (m *machine) rcuStep(s *mState, me int) string {
	th := &s.th[me]
	r := &s.refs[th.ref]
	switch th.pc {
	// get: rcu_sched { f=flags; if !(f&(ATOMIC|DEAD)) pc[cpu]+=1 else atomic count+=1 }
	case atGetMode:
		th.atomic++
		th.mode = r.mode
		th.pc = atGet
	case atGet:
		if th.mode == 0 {
			r.percpu++
		} else {
			if r.count == 0 && !m.muted["refcount-resurrect"] {
				return "refcount-resurrect"
			}
			r.count++
		}
		m.preemptOn(s, me)
		th.ret()

	// tryget: rcu_sched { f=flags; if percpu pc+=1,true else inc_not_zero(count) }
	case atTryMode:
		th.atomic++
		th.mode = r.mode
		th.pc = atTry
	// tryget_live: the same, but false if f&DEAD
	case atTryLiveMode:
		th.atomic++
		th.mode = r.mode
		if th.mode&mDead != 0 {
			m.preemptOn(s, me)
			th.ret()
		} else {
			th.pc = atTryLive
		}
	case atTry, atTryLive:
		th.found = true
		switch {
		case th.mode == 0:
			r.percpu++
		case r.count != 0:
			r.count++
		default:
			th.found = false
		}
		m.preemptOn(s, me)
		th.ret()

	// put: rcu_sched { f=flags; if percpu pc-=1 else if dec_and_test(count) release }
	case atPutMode:
		th.atomic++
		th.mode = r.mode
		th.pc = atPut
	case atPut:
		if th.mode == 0 {
			r.percpu--
			th.pc = toPutEnd
			return ""
		}
		r.count--
		if r.count < 0 && !m.muted["refcount-underflow"] {
			return "refcount-underflow"
		}
		if r.count != 0 {
			th.pc = toPutEnd
			return ""
		}
		if r.ended > 0 && !m.muted["double-release"] {
			return "double-release"
		}
		r.ended++
		switch {
		case th.ref == mUsers:
			th.call(atUsersLock, toPutEnd)
		case m.noWait:
			th.call(m.freeLater(), toPutEnd)
		default:
			th.call(atReadRqWait, toPutEnd)
		}

	// kill: flags|=DEAD; if !ATOMIC: flags|=ATOMIC; get; call_rcu_sched(switch). put
	// Before 3.18: flags|=DEAD; call_rcu_sched(switch)
	case atSwitchLock:
		m.lock(s, me, &s.switchLock)
		th.call(atKillRead, atSwitchUnlock)
	case atSwitchUnlock:
		m.unlock(s, me, &s.switchLock)
		th.ret()
	case atKillRead:
		th.mode = r.mode
		if th.mode&mDead != 0 && !m.muted["double-kill"] {
			return "double-kill"
		}
		th.pc = atKillDead
	case atKillDead:
		r.mode = th.mode | mDead
		if th.pc = atKillReadAgain; m.dropsLater {
			th.pc = atKillCallRcu
		}
	case atKillReadAgain:
		th.mode = r.mode
		if th.mode&mAtomic == 0 {
			th.pc = atKillAtomic
		} else {
			th.pc = atPutMode
		}
	case atKillAtomic:
		r.mode = th.mode | mAtomic
		th.call(atGetMode, atKillCallRcu)
	case atKillCallRcu:
		if th.pc = atPutMode; m.dropsLater {
			th.ret()
		}
		return m.callRcu(s, me, headSwitchUsers+th.ref)

	// switch: s=sum of pc[cpu]; count += s-BIAS; put
	case atSwitch:
		r.count += int16(r.percpu) - mBias
		if r.count <= 0 && !m.muted["refcount-underflow"] {
			return "refcount-underflow"
		}
		th.pc = atPutMode
	default:
		panic("no such step")
	}
	return ""
}
