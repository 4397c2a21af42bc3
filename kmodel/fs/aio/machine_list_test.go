package aio

// listStep is a step of fs/aio.c before 3.12: up to 2.6.37, up to 3.9 (incNotZero,
// deadTest), and 3.10 (rcuPut).
func (m *machine) listStep(s *mState, me int) string {
	th := &s.th[me]
	switch th.pc {
	// the loop of exit_aio
	case atExitFirst:
		switch {
		case s.slotNull:
			th.ret()
		case m.rcuPut:
			th.pc = atExitMapped
		default:
			th.pc = atDel
		}
	// lookup_ioctx: hlist_for_each_entry_rcu
	case atFirst:
		if th.pc = atUserID; s.slotNull {
			th.pc = atReadUnlock
		}
	case atLookupDead:
		switch {
		case s.dead:
			th.pc = atNext
		case m.incNotZero:
			th.pc = atIncNotZero
		default:
			th.pc = atGetRead
		}
	case atGetRead: // get_ioctx
		if s.users <= 0 && !m.muted["kernel-bug"] {
			return "kernel-bug"
		}
		th.pc = atInc
	case atInc:
		if s.users == 0 && !m.muted["refcount-resurrect"] {
			return "refcount-resurrect"
		}
		s.users++
		th.found = true
		th.pc = atReadUnlock
	case atIncNotZero: // try_get_ioctx
		if th.pc = atNext; s.users != 0 {
			s.users++
			th.found = true
			th.pc = atReadUnlock
		}
	case atNext: // it was the only one
		th.pc = atReadUnlock

	// io_submit: aio_get_req
	case atReqInc: // 3.10
		s.active++
		th.pc = atSubmit
	case atReqAddLock:
		m.lock(s, me, &s.ctxLock)
		th.pc = atReqAdd
	case atReqAdd:
		s.reqLink = linkOn
		th.pc = atReqCount
	case atReqCount:
		s.active++
		th.pc = atReqAddUnlock
	case atReqAddUnlock:
		m.unlock(s, me, &s.ctxLock)
		if th.pc = atSubmit; m.deadTest {
			th.pc = atDeadLock
		}
	// io_submit_one: 7137c6bd
	case atDeadLock:
		m.lock(s, me, &s.ctxLock)
		th.pc = atDeadTest
	case atDeadTest:
		if s.dead {
			th.n = 2 // the submitter's and that of the IO, which does not start
		}
		th.pc = atDeadUnlock
	case atDeadUnlock:
		m.unlock(s, me, &s.ctxLock)
		if th.pc = atSubmit; th.n == 2 {
			th.pc = atReqPutLock
		}
	// aio_put_req, __aio_put_req, really_put_req
	case atReqPutLock:
		m.lock(s, me, &s.ctxLock)
		th.call(atReqPut, atReqPutUnlock)
	case atReqPut:
		s.reqUsers -= th.n
		switch {
		case s.reqUsers != 0:
			th.ret()
		case m.rcuPut:
			th.pc = atIrqFree // kiocb_free
		default:
			th.pc = atReqDel
		}
	case atReqDel:
		switch {
		case s.reqLink == linkOn && s.freed:
			return "use-after-free" // the head is in the context
		case s.reqLink == linkPoisoned || s.reqLink == linkNever:
			return "list-corruption"
		}
		s.reqLink = linkPoisoned
		th.pc = atReqFree
	case atReqFree:
		s.reqFreed = true
		th.pc = atReqUncount
	case atReqUncount:
		if s.active--; s.active == 0 {
			th.pc = atReqDead
		} else {
			th.ret()
		}
	case atReqDead:
		if th.pc = atReqWake; !s.dead {
			th.ret()
		}
	case atReqWake:
		th.ret()
		m.wakeUp(s, me)
	case atReqPutUnlock:
		m.unlock(s, me, &s.ctxLock)
		m.put(th, atRest)

	// io_destroy; from atDelLock to atKillCall also kill_ioctx of 3.10
	case atDelLock:
		m.lock(s, me, &s.ioctxLock)
		if th.pc = atDelDead; m.rcuPut {
			th.pc = atDel
		}
	case atDelDead: // was_dead = ioctx->dead
		th.won = !s.dead
		th.pc = atDelSetDead
	case atDelSetDead:
		s.dead = true
		th.pc = atDel
	case atDel:
		if s.slotNull {
			return "list-corruption" // it is poisoned
		}
		s.slotNull = true
		if th.pc = atDelUnlock; m.exitSlots > 0 && !m.rcuPut {
			th.pc = toCancelAll
		}
	case atDelUnlock:
		m.unlock(s, me, &s.ioctxLock)
		switch {
		case m.rcuPut:
			th.pc = atKillMapped
		case th.won:
			m.put(th, toCancelAll) // the list's reference
		default:
			th.pc = toCancelAll
		}
	case atDestroyWake:
		m.put(th, atRest)
		m.wakeUp(s, me)
	case atKillMapped:
		if th.pc = atKillMunmap; s.notMapped {
			th.pc = atKillCall
		}
	case atKillMunmap:
		s.munmapped = true
		th.pc = atKillCall
	case atKillCall:
		if m.exitSlots > 0 {
			th.pc = atExitFirst
		} else {
			m.put(th, atRest)
		}
		return m.callRcu(s, me, headKill)
	case atWorkWake: // kill_ioctx_work
		th.pc = atPutDec
		m.wakeUp(s, me)

	// put_ioctx
	case atPutRead:
		if s.users <= 0 && !m.muted["kernel-bug"] {
			return "kernel-bug"
		}
		th.pc = atPutDec
	case atPutDec:
		if s.users--; s.users != 0 {
			th.ret()
			break
		}
		if s.released > 0 && !m.muted["double-release"] {
			return "double-release"
		}
		s.released++
		if th.pc = atBugActive; m.rcuPut {
			th.call(atAllLock, atIdleWhile)
		}
	case atBugActive: // __put_ioctx
		if s.active != 0 && !m.muted["kernel-bug"] {
			return "kernel-bug"
		}
		th.pc = atFreeMapped
	case atFreeMapped: // aio_free_ring
		if th.pc = atFreeMunmap; s.notMapped {
			th.pc = atFreeCall
		}
	case atFreeMunmap:
		s.munmapped = true
		th.pc = atFreeCall
	case atFreeCall:
		th.ret()
		return m.callRcu(s, me, headFree)

	// aio_cancel_all
	case atAllLock:
		m.lock(s, me, &s.ctxLock)
		if th.pc = atAllSetDead; m.rcuPut {
			th.pc = atAllEmpty
		}
	case atAllSetDead:
		s.dead = true
		th.pc = atAllEmpty
	case atAllEmpty:
		if th.pc = atAllUnlock; s.reqLink == linkOn {
			th.pc = atAllFirst
		}
	case atAllFirst:
		th.pc = atAllDel
	case atAllDel:
		s.reqLink = linkInit
		th.pc = atAllKiCancel
	case atAllKiCancel:
		th.pc = atAllEmpty
	case atAllUnlock:
		m.unlock(s, me, &s.ctxLock)
		th.ret()

	// wait_for_all_aios
	case atWaitLock:
		m.lock(s, me, &s.ctxLock)
		th.pc = atWaitActive
	case atWaitActive:
		if th.pc = atWaitDone; s.active != 0 {
			th.pc = atWaitAdd
		}
	case atWaitAdd:
		s.waiters |= 1 << me
		th.pc = atWaitState
	case atWaitState:
		s.sleeping |= 1 << me
		th.pc = atWaitWhile
	case atWaitWhile:
		if th.pc = atWaitRun; s.active != 0 {
			th.pc = atWaitUnlock
		}
	case atWaitUnlock:
		m.unlock(s, me, &s.ctxLock)
		th.pc = atWaitSchedule
	case atWaitSchedule:
		th.pc = atWaitAgain
	case atWaitAgain:
		s.sleeping |= 1 << me
		th.pc = atWaitRelock
	case atWaitRelock:
		m.lock(s, me, &s.ctxLock)
		th.pc = atWaitWhile
	case atWaitRun:
		s.sleeping &^= 1 << me
		th.pc = atWaitRemove
	case atWaitRemove:
		s.waiters &^= 1 << me
		th.pc = atWaitDone
	case atWaitDone:
		m.unlock(s, me, &s.ctxLock)
		if th.pc = atDestroyWake; m.exitSlots > 0 {
			th.pc = atExitMapped
		}

	// free_ioctx of 3.10
	case atIdleWhile:
		if th.pc = atIdleWarn; s.active > 0 {
			th.pc = atIdlePrepare
		}
	case atIdlePrepare:
		s.waiters |= 1 << me
		s.sleeping |= 1 << me
		th.pc = atIdleActive
	case atIdleActive:
		if th.pc = atIdleSchedule; s.active <= 0 {
			th.pc = atIdleFinish
		}
	case atIdleSchedule:
		th.pc = atIdlePrepare
	case atIdleFinish:
		s.sleeping &^= 1 << me
		if th.pc = atIdleWhile; s.waiters>>me&1 != 0 {
			th.pc = atIdleLeave
		}
	case atIdleLeave:
		s.waiters &^= 1 << me
		th.pc = atIdleWhile
	case atIdleWarn: // not below 0: no request is cancelled
		th.pc = atFreeCall

	// aio_complete, up to 3.9 and of 3.10
	case atOldCtx:
		if th.pc = atOldLock; m.rcuPut {
			th.pc = atTenLock
		}
	case atOldLock:
		m.lock(s, me, &s.ctxLock)
		th.pc = atOldTail
	case atOldTail:
		th.n = 1
		th.call(atReqPut, atOldActive)
	case atOldActive:
		if th.pc = atOldUnlock; s.waiters != 0 {
			th.pc = atOldWake
		}
	case atOldWake:
		th.pc = atOldUnlock
		m.wakeUp(s, me)
	case atOldUnlock:
		m.unlock(s, me, &s.ctxLock)
		th.ret()
	case atTenLock:
		th.rcu++
		th.pc = atTenLinked
	case atTenLinked: // no, it cannot be cancelled
		th.pc = atTenCancel
	case atTenCancel:
		th.pc = atTenTailLock
	case atTenTailLock:
		m.lock(s, me, &s.completionLock)
		th.pc = atTenTail
	case atTenTail:
		th.pc = atTenTailUnlock
	case atTenTailUnlock:
		m.unlock(s, me, &s.completionLock)
		th.n = 1
		th.call(atReqPut, atTenDec)
	case atTenDec:
		s.active--
		th.pc = atTenActive
	case atTenActive:
		if th.pc = atTenUnlock; s.waiters != 0 {
			th.pc = atTenWake
		}
	case atTenWake:
		th.pc = atTenUnlock
		m.wakeUp(s, me)
	case atTenUnlock:
		th.rcu--
		m.leave(s, me)
		th.ret()
	default:
		panic("no such step")
	}
	return ""
}
