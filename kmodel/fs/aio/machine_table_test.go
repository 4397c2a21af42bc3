package aio

// tableStep is a step of fs/aio.c from 3.12 on, and of what did not change then.
func (m *machine) tableStep(s *mState, me int) string {
	th := &s.th[me]
	switch th.pc {
	// lookup_ioctx
	case atRing: // L0
		if th.pc = atReadLock; s.munmapped {
			th.ret() // -EFAULT
		}
	case atReadLock: // L1
		th.rcu++
		if th.pc = atTable; m.list {
			th.pc = atFirst
		}
	case atTable: // L2
		th.pc = atSlot
	case atSlot: // L3
		if th.pc = atUserID; s.slotNull {
			th.pc = atReadUnlock
		}
	case atUserID: // L4
		switch {
		case m.rcuPut:
			th.pc = atInc
		case m.list:
			th.pc = atLookupDead
		default: // L5
			th.ref = mUsers
			th.found = m.lookup == atGetMode // which cannot fail
			th.call(m.lookup, atReadUnlock)
		}
	case atReadUnlock: // L6
		th.rcu--
		m.leave(s, me)
		found := th.found
		if th.found = false; !found {
			th.ret() // -EINVAL
		} else {
			m.lookedUp(s, me)
		}

	// io_getevents, which does not wait: read_events, aio_read_events_ring
	case atRingLock:
		s.ringLock = true
		th.pc = atReadHead
	case atReadHead:
		th.pc = atReadTail
	case atReadTail: // nothing there
		switch {
		case m.list && !m.rcuPut:
			m.put(th, atRest)
		case m.list || m.noWait:
			th.pc = atRingUnlock
		default:
			th.pc = atReadRmb
		}
	case atReadRmb:
		th.pc = atRingUnlock
	case atRingUnlock:
		s.ringLock = false
		th.pc = atRingUnlockTail
	case atRingUnlockTail:
		th.pc = atReadDead
	case atReadDead:
		m.put(th, atRest)

	// io_cancel, of nothing
	case atCancelLock:
		m.lock(s, me, &s.ctxLock)
		th.pc = atCancelFirst
	case atCancelFirst:
		th.pc = atCancelUnlock
	case atCancelUnlock:
		m.unlock(s, me, &s.ctxLock)
		m.put(th, atRest)

	// io_submit, with the reference to the request taken
	case atSubmit:
		s.reqQueued = true
		m.leaveCPU(s, me)
		th.n = 1
		switch {
		case m.rcuPut:
			th.call(atReqPut, toLastPut)
		case m.list:
			th.pc = atReqPutLock
		case m.lastPut:
			th.call(atIocbPut, toLastPut)
		default:
			m.put(th, atRest)
		}

	// io_destroy: kill_ioctx
	case atKillLock: // K1
		m.lock(s, me, &s.ioctxLock)
		if th.pc = atXchgDead; m.deadFirst {
			th.pc = atKillTable
		}
	case atXchgDead: // K2
		th.won = !s.dead
		s.dead = true
		switch {
		case m.list && th.won: // 3.10
			th.pc = atDelLock
		case m.list:
			m.put(th, atRest)
		case m.deadFirst && th.won:
			th.pc = atKillLock
		case m.deadFirst:
			m.put(th, toDestroyed)
		case th.won:
			th.pc = atKillTable
		default:
			th.pc = atKillUnlock
		}
	case atKillTable:
		th.pc = atClearSlot
	case atClearSlot: // K3
		s.slotNull = true
		th.pc = atKillUnlock
	case atKillUnlock: // K4
		m.unlock(s, me, &s.ioctxLock)
		switch {
		case !th.won:
			m.put(th, toDestroyed)
		case m.syncInKill:
			th.pc = atSyncStart
		default:
			th.pc = atKillWake
		}
	case atSyncStart:
		s.sync[me] = m.readers(s, false)
		th.pc = atSyncEnd
	case atSyncEnd:
		th.pc = atKillWake
	case atKillWake: // K5
		if th.pc = atMunmap; s.notMapped {
			m.unmapped(th)
		}
		m.wakeUp(s, me)
	case atWakeEnd:
		m.unlock(s, me, &s.waitLock)
		th.ret()
	case atMunmap:
		s.munmapped = true
		m.leaveCPU(s, me)
		m.unmapped(th)
	case atSetRqWait: // K6
		s.rqWait = int8(me) + 1
		m.killUsers(th)
	case atCompletion:
		s.waits[me].done--
		switch {
		case m.exitSlots == 0:
			s.waits[me].freed = true // the stack frame is gone
			th.ret()
		case m.inTurn:
			m.nextSlot(th)
		default:
			th.pc = atExitAssign
		}

	// free_ioctx_users: nobody is inside any more
	case atUsersLock: // U1
		m.lock(s, me, &s.ctxLock)
		th.pc = atUsersEmpty
	case atUsersEmpty:
		th.pc = atUsersUnlock
	case atUsersUnlock:
		m.unlock(s, me, &s.ctxLock)
		th.ref = mReqs // U2
		th.call(m.kill(), toPutReqs)

	// free_ioctx_reqs: no request is left
	case atReadRqWait: // Q1
		switch th.wait = s.rqWait; {
		case th.wait == 0:
			th.pc = m.freeLater()
		case m.inTurn:
			th.pc = atComplete
		default:
			th.pc = atDecWait
		}
	case atDecWait:
		w := &s.waits[th.wait-1]
		if w.count--; w.count == 0 {
			th.pc = atComplete
		} else {
			th.pc = m.freeLater()
		}
	case atComplete:
		s.waits[th.wait-1].done++
		th.pc = m.freeLater()
	case atScheduleWork: // Q2; also kill_ioctx_rcu
		if !s.workPending {
			s.workPending, s.workQueued = true, true
		}
		th.ret()
	case atQueueRcuWork: // Q2 from 4.16 on
		pending := s.workPending
		s.workPending = true
		if th.pc = atQueueRcuCall; pending {
			th.ret()
		}
	case atQueueRcuCall:
		th.ret()
		return m.callRcu(s, me, headRcuWork)
	case atQueueWork: // rcu_work_rcufn
		s.workQueued = true
		th.ret()
	case atFreeCtx:
		s.freed = true
		th.ret()

	// aio_complete
	case atIrqCtx:
		th.pc = atIrqLinked
	case atIrqLinked: // no, it cannot be cancelled
		if th.pc = atIrqLock; m.lastPut {
			th.pc = atIocbPut
		}
	case atIocbPut:
		if s.reqUsers--; s.reqUsers == 0 {
			th.pc = atIrqLock
		} else {
			th.ret()
		}
	case atIrqLock:
		m.lock(s, me, &s.completionLock)
		th.pc = atIrqTail
	case atIrqTail:
		th.pc = atIrqUnlock
	case atIrqUnlock:
		m.unlock(s, me, &s.completionLock)
		if th.pc = atIrqFree; m.lastPut {
			th.pc = atIrqActive
		}
	case atIrqFree: // kiocb_free; also the end of aio_put_req of 3.10
		s.reqFreed = true
		if m.list {
			th.ret()
		} else {
			th.pc = atIrqActive
		}
	case atIrqActive: // nobody: io_getevents is in another scenario
		th.ref = mReqs
		if th.pc = atPutMode; m.lastPut {
			th.call(atPutMode, atIocbFree)
		}
	case atIocbFree:
		s.reqFreed = true
		th.ret()

	// exit_aio: the context is in slot 0, the others are empty
	case atMmput:
		if th.pc = atExitTable; m.list {
			th.pc = atExitFirst
		}
	case atExitTable:
		s.waits[me].count = m.exitSlots
		if m.countsItself {
			s.waits[me].count++
		}
		th.pc = atExitSlot
	case atExitSlot:
		if th.n++; th.n == 1 {
			th.pc = atExitMapped
		} else {
			m.nextSlot(th)
		}
	case atExitMapped:
		s.notMapped = true
		switch {
		case m.rcuPut:
			th.pc = atXchgDead
		case m.list:
			m.put(th, atExitFirst)
		case m.deadFirst:
			th.pc = atXchgDead
		default:
			th.pc = atKillLock
		}
	case atExitSub:
		w := &s.waits[me]
		w.count -= m.exitSlots - 1
		if m.countsItself {
			w.count--
		}
		if th.pc = atCompletion; w.count == 0 {
			th.pc = atExitAssign
		}
	case atExitAssign:
		th.pc = atExitFree
	case atExitFree:
		s.waits[me].freed = true
		th.ret()
	default:
		panic("no such step")
	}
	return ""
}

// lookedUp is the beginning of what a system call does with its context.
func (m *machine) lookedUp(s *mState, me int) {
	th := &s.th[me]
	call := m.call
	if me == mDestroyer {
		call = "io_destroy"
	}
	switch {
	case call == "io_getevents" && m.list && !m.rcuPut:
		th.pc = atReadHead // it takes no lock if there is nothing
	case call == "io_getevents":
		th.pc = atRingLock
	case call == "io_cancel":
		th.pc = atCancelLock
	case call == "io_submit":
		s.reqLive = true // aio_get_req
		s.reqUsers = 2
		switch {
		case m.rcuPut:
			th.pc = atReqInc
		case m.list:
			th.pc = atReqAddLock
		default:
			th.ref = mReqs
			th.call(atGetMode, atSubmit)
		}
	case m.rcuPut:
		th.pc = atXchgDead
	case m.list:
		th.pc = atDelLock
	default:
		s.waits[me].count = 1 // DECLARE_COMPLETION_ONSTACK
		if th.pc = atKillLock; m.deadFirst {
			th.pc = atXchgDead
		}
	}
}

// unmapped is the end of kill_ioctx.
func (m *machine) unmapped(th *mThread) {
	if th.pc = atSetRqWait; m.noWait {
		m.killUsers(th)
	}
}

func (m *machine) killUsers(th *mThread) {
	th.ref = mUsers // K7
	th.call(m.kill(), toKilled)
}

// nextSlot goes on in exit_aio behind a slot.
func (m *machine) nextSlot(th *mThread) {
	switch {
	case th.n < m.exitSlots:
		th.pc = atExitSlot
	case m.noWait || m.inTurn:
		th.pc = atExitAssign
	default:
		th.pc = atExitSub
	}
}

// freeLater is Q2.
func (m *machine) freeLater() mPC {
	if m.rcuFree {
		return atQueueRcuWork
	}
	return atScheduleWork
}

// private is what a thread does between two steps.
func (m *machine) private(s *mState, me int) {
	th := &s.th[me]
	switch th.pc {
	case toKilled:
		switch {
		case m.exitSlots == 0:
			m.put(th, toDestroyed)
		case m.inTurn:
			th.pc = atCompletion
		default:
			m.nextSlot(th)
		}
	case toDestroyed:
		if th.won && !m.noWait {
			th.pc = atCompletion
		} else {
			s.waits[me].freed = true
			th.ret()
		}
	case toPutReqs: // U3
		th.ref = mReqs
		th.pc = atPutMode
	case toPutEnd:
		m.preemptOn(s, me)
		th.ret()
	case toCancelAll:
		th.call(atAllLock, atWaitLock)
	case toLastPut:
		m.put(th, atRest)
	case toSoftirqEnd, toIrqEnd:
		m.preemptOn(s, me)
		th.ret()
	case toWorkerEnd:
		s.workRunning = s.workRunning && s.freed // what is in freed memory stays as it is
		th.ret()
	}
}

// takesCtxLock reports whether the step is spin_lock_irq(&ctx->ctx_lock).
func (pc mPC) takesCtxLock() bool {
	switch pc {
	case atCancelLock, atUsersLock, atReqAddLock, atDeadLock, atReqPutLock,
		atAllLock, atWaitLock, atWaitRelock, atOldLock:
		return true
	}
	return false
}

// lock is spin_lock() and spin_lock_irq(): from here on, and not before, the thread is a
// reader of RCU-sched.
func (m *machine) lock(s *mState, me int, l *bool) {
	*l = true
	s.th[me].atomic++
}

// unlock is spin_unlock() and spin_unlock_irq().
func (m *machine) unlock(s *mState, me int, l *bool) {
	*l = false
	m.preemptOn(s, me)
}

// takesWaitLock reports whether the step takes ctx->wait.lock.
func (pc mPC) takesWaitLock() bool {
	switch pc {
	case atKillWake, atReqWake, atDestroyWake, atWorkWake, atOldWake, atTenWake,
		atWaitAdd, atWaitRemove, atIdlePrepare, atIdleLeave:
		return true
	}
	return false
}

// wakeUp is wake_up_all() on ctx->wait, of a thread that will go on at its pc. If it wakes
// anybody it keeps the lock for one more step.
func (m *machine) wakeUp(s *mState, me int) {
	woken := s.waiters & s.sleeping
	if !m.list || m.rcuPut { // else add_wait_queue() has put them there
		s.waiters &^= woken
	}
	s.sleeping &^= woken
	if woken != 0 {
		m.lock(s, me, &s.waitLock)
		s.th[me].call(atWakeEnd, s.th[me].pc)
	}
}
