package kthread

// mExecVariants are those that differ from another of the machine by their exec_mmap().
var mExecVariants = map[string]machine{
	"sparc-ipi-c2":  {trims: true, selfTrim: true, execIrqs: true},
	"powerpc-5.9.2": {powerpc: true, trims: true, selfTrim: true, execIrqs: true},
}

// beginExec is the first step of exec_mmap(), under task_lock(). That of 5.9 (fs/exec.c) looks at
// active_mm before the barrier of membarrier_exec_mmap(), that of 5.10 when interrupts are off.
func (m *machine) beginExec() mPC {
	if m.execIrqs {
		return atActiveMm
	}
	return atMembarrier
}

// execStep is exec_mmap() of a kernel thread. What is done to the new mm nobody else sees, but the
// steps are there.
func (m *machine) execStep(s *mState) (failure string) {
	pc, cpu := &s.pc[mWorker], &s.cpu[1]
	switch *pc {
	case atActiveMm:
		s.already = cpu.borrow
		if *pc = atSetActiveMm; m.execIrqs {
			*pc = atMembarrier
		}
	case atMembarrier:
		if *pc = atIrqDisable; m.execIrqs {
			*pc = atSetMm
		}
	case atIrqDisable:
		s.irqsOff = true
		*pc = atActiveMm
	case atSetMm:
		cpu.other = true
		switch *pc = atSetActiveMm; {
		case m.execIrqs:
		case m.powerpc: // ARCH_WANT_IRQS_OFF_ACTIVATE_MM
			*pc = atTest
		default:
			s.irqsOff = false
			*pc = atIrqDisableAgain
		}
	case atSetActiveMm:
		cpu.borrow = false
		if *pc = atSetMm; m.execIrqs {
			*pc = atIrqDisableAgain
		}
	case atDropOld:
		*pc = atRest
		if s.already {
			return s.drop()
		}
	default:
		m.activateStep(s)
	}
	return ""
}

// activateStep is activate_mm() of the new mm, which has run nowhere: spin_lock_irqsave() of sparc,
// local_irq_save() of powerpc, and what is between that and interrupts on.
func (m *machine) activateStep(s *mState) {
	pc := &s.pc[mWorker]
	switch *pc {
	case atIrqDisableAgain:
		s.irqsOff = true
		if *pc = atLock; m.powerpc {
			*pc = atTest
		}
	case atLock:
		*pc = atContext
	case atContext:
		s.cpu[1].loaded = false
		if *pc = atTest; m.powerpc {
			s.irqsOff = false
			*pc = atDropOld
		}
	case atTest:
		*pc = atSet
	case atSet:
		if *pc = atFlushAll; m.powerpc {
			*pc = atInc
		}
	case atInc:
		*pc = atOrderOwn
	case atOrderOwn:
		*pc = atContext
	case atFlushAll:
		s.cpu[1].tlb = [2]bool{}
		*pc = atUnlock
	case atUnlock:
		s.irqsOff = false
		*pc = atDropOld
	}
}

// drop is mmdrop() of the mm, which is in use: who drops the last reference has not held it.
func (s *mState) drop() (failure string) {
	if s.count--; s.count == 0 {
		return "refcount-underflow"
	}
	return ""
}
