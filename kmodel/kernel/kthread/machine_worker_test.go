package kthread

// workerStep is kthread_use_mm(), three loads, kthread_unuse_mm(), mmput().
func (m *machine) workerStep(s *mState) (failure string) {
	pc, cpu := &s.pc[mWorker], &s.cpu[1]
	switch *pc {
	case atGet:
		s.users++
		*pc = atIrqDisable
	case atIrqDisable:
		s.irqsOff = true
		*pc = atActiveMm
	case atActiveMm:
		s.already = cpu.borrow
		if *pc = atGrab; s.already {
			*pc = atSetMm
		}
	case atGrab:
		s.count++
		*pc = atSetActiveMm
	case atSetActiveMm:
		cpu.borrow = true
		*pc = atSetMm
	case atSetMm:
		cpu.user = true
		if *pc = atLock; m.powerpc {
			*pc = atTest
		}
	case atDropInit:
		*pc = atLoad
	case atLoad:
		return m.load(s)
	case atUnuse:
		cpu.user, cpu.using = false, false
		*pc = atPut
	case atPut:
		s.users--
		*pc = atRest
	default:
		if m.powerpc {
			return m.switchPowerpc(s)
		}
		return m.switchSparc(s)
	}
	return ""
}

// switchSparc is switch_mm() of sparc64.
func (m *machine) switchSparc(s *mState) (failure string) {
	pc := &s.pc[mWorker]
	switch *pc {
	case atLock:
		*pc = atContext
	case atContext:
		s.cpu[1].loaded = true
		*pc = atTest
	case atTest:
		if *pc = atSet; s.mask[1] {
			*pc = atUnlock
		}
	case atSet:
		s.mask[1] = true
		*pc = atFlushAll
	case atFlushAll:
		s.cpu[1].tlb = [2]bool{}
		*pc = atUnlock
	case atUnlock:
		return m.switched(s)
	}
	return ""
}

// switchPowerpc is switch_mm_irqs_off() of powerpc.
func (m *machine) switchPowerpc(s *mState) (failure string) {
	pc := &s.pc[mWorker]
	switch *pc {
	case atTest:
		if !s.mask[1] {
			*pc = atSet
			return ""
		}
	case atSet:
		s.mask[1] = true
		*pc = atInc
		return ""
	case atInc:
		s.activeCpus++
		*pc = atOrderOwn
		return ""
	case atContext:
		s.cpu[1].loaded = true
		return m.switched(s)
	}
	if s.already {
		return m.switched(s)
	}
	*pc = atContext
	return ""
}

// switched is the end of switch_mm(): the worker is a user from here on. Only its own CPU is
// looked for in the mask: that of the munmap is missing for a moment while it resets it.
func (m *machine) switched(s *mState) (failure string) {
	s.cpu[1].using = true
	s.irqsOff = false
	if s.pc[mWorker] = atDropInit; s.already {
		s.pc[mWorker] = atLoad
	}
	if !s.mask[1] && !m.mute {
		return "cpumask-lost"
	}
	return ""
}

// load is a load from page 1, then 0, then 1.
func (m *machine) load(s *mState) (failure string) {
	cpu, p := &s.cpu[1], [...]int{1, 0, 1}[s.loads]
	if s.loads++; s.loads == 3 {
		s.pc[mWorker] = atUnuse
	}
	switch {
	case !cpu.loaded:
	case cpu.tlb[p] && s.freed[p]:
		return "stale-tlb"
	case !cpu.tlb[p]:
		cpu.tlb[p] = s.pte[p]
	}
	return ""
}

// handlerStep is the interrupt on a CPU.
func (m *machine) handlerStep(s *mState, c int) (failure string) {
	pc, cpu := &s.pc[mHandler+c], &s.cpu[c]
	switch *pc {
	case atRest:
		cpu.call = callTaken
		if *pc = atFlushPage; s.trim || m.powerpc {
			*pc = atReadMm
		}
	case atFlushPage:
		cpu.tlb[s.page] = false
		m.handled(s, c)
	case atReadMm:
		switch {
		case !cpu.user:
			*pc = atReadActiveMm
		case m.selfTrim:
			*pc = atExitFlush
		default:
			m.handled(s, c)
		}
	case atReadActiveMm:
		if *pc = m.leave(); cpu.borrow {
			*pc = atGrabInit
			if cpu.other && m.powerpc { // BUG_ON(), WARN_ON_ONCE()
				return "kernel-bug"
			}
		}
	case atGrabInit:
		if *pc = atBorrowInit; m.powerpc && !m.selfTrim {
			*pc = atInitContext
		}
	case atBorrowInit:
		cpu.borrow = false
		if *pc = atDropMm; m.powerpc && m.selfTrim {
			*pc = atInitContext
		}
	case atInitContext:
		cpu.loaded = false
		if *pc = atDropMm; !m.selfTrim {
			*pc = atBorrowInit
		}
	case atDropMm:
		*pc = m.leave()
		return s.drop()
	case atDec:
		s.activeCpus--
		*pc = atClearOwn
	case atClearOwn:
		s.mask[c] = false
		*pc = atExitFlush
		return m.lost(s)
	case atExitFlush:
		cpu.tlb = [2]bool{}
		m.handled(s, c)
	}
	return ""
}

// leave is where a handler goes on when the CPU does not have the mm (any more).
func (m *machine) leave() mPC {
	switch {
	case !m.selfTrim:
		return atExitFlush
	case m.powerpc:
		return atDec
	}
	return atClearOwn
}

// handled is the end of a handler.
func (m *machine) handled(s *mState, c int) {
	s.cpu[c].call = callNone
	s.pc[mHandler+c] = atRest
}
