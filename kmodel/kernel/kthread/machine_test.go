package kthread

// The machine is a second implementation of the scenarios of kthread_use_mm() and exec_mmap()
// against munmap(), written from the step lists of the kernel's code and not from the models: a
// struct that holds everything, a program counter for each thread, and a switch that says
// what the step at each of them does. It shares with the models what a step is, and nothing
// else: no primitive, no coroutine, no hash, no tape. It is there to be obviously right,
// and to be wrong in other ways than the models where it is wrong. machine_count_test.go
// compares how many executions both have.

// The threads of the machine. The handlers are those of CPUs 0, 1 and 2.
const (
	mMunmap = iota // on CPU 0
	mWorker        // on CPU 1
	mHandler
	mThreads = mHandler + mCPUs
	mCPUs    = 3
)

// An mPC is the step that a thread takes next.
type mPC uint8

const (
	atRest mPC = iota // a handler waits for a call; others have finished

	atDownWrite
	atDowngrade
	atPte
	atOrder // smp_mb
	atActiveCpus
	atTestOwn
	atUsers
	atCopy
	atCall
	atWait
	atSetActiveCpus
	atClear
	atSetOwn
	atFlushOwn
	atBroadcast
	atFree
	atUpRead

	atGet
	atIrqDisable
	atActiveMm
	atGrab
	atSetActiveMm
	atSetMm
	atLock
	atContext
	atTest
	atSet
	atInc
	atOrderOwn // smp_mb
	atFlushAll
	atUnlock
	atDropInit
	atLoad
	atUnuse
	atPut

	atFlushPage
	atReadMm
	atReadActiveMm
	atGrabInit
	atBorrowInit
	atInitContext
	atDropMm
	atDec
	atClearOwn
	atExitFlush

	atMembarrier // smp_mb
	atIrqDisableAgain
	atDropOld
)

// verbs of the steps at which something can fail.
var verbs = map[mPC]string{
	atCopy: "cpumask_copy", atSetOwn: "cpumask_set_cpu", atClearOwn: "cpumask_clear_cpu",
	atUnlock: "spin_unlock_irq", atTest: "cpumask_test_cpu", atOrderOwn: "smp_mb",
	atContext: "switch_mmu_context", atLoad: "load",
	atDropMm: "atomic_dec_and_test", atDropOld: "atomic_dec_and_test", atReadActiveMm: "read",
}

// An mCPU is a CPU and the task on it.
type mCPU struct {
	user   bool // current->mm is the mm
	other  bool // it is another mm
	borrow bool // current->active_mm is
	loaded bool // the hardware translates for it
	using  bool // switch_mm() is done
	tlb    [2]bool
	call   uint8 // none, called, or at it
}

// Values of call.
const (
	callNone = iota
	callSent
	callTaken
)

// An mState is everything. Two equal ones have the same future.
type mState struct {
	pc         [mThreads]mPC
	cpu        [mCPUs]mCPU
	mask       [mCPUs]bool
	activeCpus int8
	users      int8 // mm_users
	count      int8 // mm_count
	pte, freed [2]bool
	irqsOff    bool // on CPU 1

	page    uint8 // that munmap is at
	trim    bool  // what the call is for: to trim, or to flush the page
	already bool  // the active_mm of the worker was the mm
	loads   uint8 // that the worker has done
}

// A machine is what never changes.
type machine struct {
	powerpc   bool
	trims     bool // at all
	selfTrim  bool // CPUs take themselves out of the mask
	getBefore bool
	cpu1Lazy  bool
	cpu2Lazy  bool
	exec      bool // the worker calls exec_mmap(), and nothing else
	execIrqs  bool // with interrupts on
	mute      bool // go on after a CPU has been lost from the mask
}

var mVariants = map[string]machine{
	"sparc-5.9":    {trims: true, execIrqs: true},
	"sparc-5.10":   {},
	"sparc-ipi":    {trims: true, selfTrim: true},
	"powerpc-5.9":  {powerpc: true, trims: true, execIrqs: true},
	"powerpc-5.10": {powerpc: true, trims: true, selfTrim: true},
}

var mScenarios = map[string]machine{
	"kthread_use_mm-vs-munmap":       {},
	"kthread_use_mm-vs-munmap-lazy":  {cpu1Lazy: true},
	"kthread_use_mm-vs-munmap-third": {cpu2Lazy: true},
	"mmget-vs-munmap":                {getBefore: true},
	"mmget-vs-munmap-lazy":           {getBefore: true, cpu1Lazy: true},
	"exec_mmap-vs-munmap-lazy":       {exec: true, cpu1Lazy: true},
}

// initial is the state before the first step.
func (m *machine) initial() mState {
	s := mState{users: 1, count: 1, activeCpus: 1, pte: [2]bool{true, true}}
	s.pc[mMunmap], s.pc[mWorker] = atDownWrite, atGet
	s.cpu[0] = mCPU{user: true, borrow: true, loaded: true, using: true}
	s.mask[0] = true
	if m.getBefore {
		s.users, s.pc[mWorker] = 2, atIrqDisable
	}
	if m.exec {
		s.pc[mWorker] = m.beginExec()
	}
	for c, lazy := range [mCPUs]bool{false, m.cpu1Lazy, m.cpu2Lazy} {
		if lazy {
			s.cpu[c] = mCPU{borrow: true, loaded: true, tlb: [2]bool{true, true}}
			s.mask[c] = true
			s.activeCpus++
			s.count++
		}
	}
	return s
}

// enabled reports whether a thread could take its step, or a handler begin.
func (m *machine) enabled(s *mState, me int) bool {
	pc := s.pc[me]
	switch {
	case me >= mHandler && pc == atRest:
		c := me - mHandler
		return s.cpu[c].call == callSent && !(c == 1 && s.irqsOff)
	case pc == atRest:
		return false
	case me == mWorker:
		return s.pc[mHandler+1] == atRest
	case pc == atWait:
		return s.cpu[1].call == callNone && s.cpu[2].call == callNone
	}
	return true
}

// step has a thread take its step, or a handler begin. It returns the kind of failure.
func (m *machine) step(s *mState, me int) string {
	switch me {
	case mMunmap:
		return m.munmapStep(s)
	case mWorker:
		if m.exec {
			return m.execStep(s)
		}
		return m.workerStep(s)
	}
	return m.handlerStep(s, me-mHandler)
}

// lost is the failure that a user's CPU is not in the mask.
func (m *machine) lost(s *mState) string {
	for c, cpu := range s.cpu {
		if cpu.using && !s.mask[c] && !m.mute {
			return "cpumask-lost"
		}
	}
	return ""
}

// munmapStep is munmap() of page 0 and then page 1, with flush_tlb_page().
func (m *machine) munmapStep(s *mState) (failure string) {
	pc := &s.pc[mMunmap]
	switch *pc {
	case atDownWrite:
		*pc = atDowngrade
	case atDowngrade:
		*pc = atPte
	case atPte:
		s.pte[s.page] = false
		s.trim = false
		switch {
		case m.powerpc:
			*pc = atOrder
		case m.trims:
			*pc = atUsers
		default:
			*pc = atCall
		}
	case atOrder:
		*pc = atActiveCpus
	case atActiveCpus:
		if *pc = atUsers; s.activeCpus <= 1 {
			*pc = atTestOwn
		}
	case atTestOwn:
		if *pc = atUsers; s.mask[0] {
			*pc = atFlushOwn
		}
	case atUsers:
		alone := s.users == 1
		switch {
		case alone && !m.powerpc && !m.selfTrim:
			*pc = atCopy
		case !alone && m.powerpc:
			*pc = atBroadcast
		default:
			s.trim = alone
			*pc = atCall
		}
	case atCopy:
		s.mask = [mCPUs]bool{true}
		*pc = atFlushOwn
		return m.lost(s)
	case atCall:
		*pc = m.afterCall()
		for c := 1; c < mCPUs; c++ {
			if s.mask[c] {
				s.cpu[c].call = callSent
				*pc = atWait
			}
		}
	case atWait:
		*pc = m.afterCall()
	case atSetActiveCpus:
		s.activeCpus = 1
		*pc = atClear
	case atClear:
		s.mask = [mCPUs]bool{}
		*pc = atSetOwn
	case atSetOwn:
		s.mask[0] = true
		*pc = atFlushOwn
		return m.lost(s)
	case atFlushOwn:
		s.cpu[0].tlb[s.page] = false
		*pc = atFree
	case atBroadcast:
		for c := range s.cpu {
			s.cpu[c].tlb[s.page] = false
		}
		*pc = atFree
	case atFree:
		s.freed[s.page] = true
		*pc = atUpRead
	case atUpRead:
		if *pc = atDownWrite; s.page == 1 {
			*pc = atRest
		}
		s.page++
	}
	return ""
}

// afterCall is where a flush goes on when all handlers have run.
func (m *machine) afterCall() mPC {
	if m.powerpc && !m.selfTrim {
		return atSetActiveCpus
	}
	return atFlushOwn
}
