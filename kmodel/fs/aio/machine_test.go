package aio

import "strings"

// The machine is a second implementation of the fixed scenarios, written from the
// kernel's code and not from the model's: a struct that holds everything, a program
// counter for each thread, and a switch that says what the step at each of them does.
// It shares with the model what a step is, and nothing else: no primitive, no
// coroutine, no hash, no tape. It is there to be obviously right, and to be wrong in
// other ways than the model where it is wrong. machine_count_test.go compares how many
// executions both have.
//
// machine_pcs_test.go lists the steps; machine_table_test.go is fs/aio.c from 3.12 on,
// machine_list_test.go before that, machine_rcu_test.go percpu_ref, RCU and the agents.

// The threads of the machine. Its numbers for them mean nothing.
const (
	mCaller    = iota // io_getevents, io_submit, io_cancel, another io_destroy; exit_aio
	mDestroyer        // io_destroy, except where the mm exits
	mSoftirq
	mWorker
	mIrq
	mThreads
)

// An mThread is a thread: where it stands, where the functions that it is in return to,
// and its registers. A thread at rest is all zero.
type mThread struct {
	pc     mPC
	depth  uint8
	stack  [6]mPC
	rcu    int8  // nesting of rcu_read_lock
	atomic int8  // nesting of preemption off and interrupts off
	kernel bool  // it has taken a step since it could last leave its CPU
	ref    uint8 // which percpu_ref it works on
	mode   uint8 // of the ref, as it has read it
	wait   int8  // ctx->rq_wait, as it has read it
	n      int8  // references to the request that it puts; slots that it has looked at
	found  bool  // lookup_ioctx has found the context
	won    bool  // ctx->dead was 0: this io_destroy is the one
}

// call has the thread run a function from pc on and come back to another pc.
func (th *mThread) call(pc, back mPC) {
	th.stack[th.depth] = back
	th.depth++
	th.pc = pc
}

// ret returns from a function; from the outermost, the thread is at rest.
func (th *mThread) ret() {
	back := atRest
	if th.depth > 0 {
		th.depth--
		back = th.stack[th.depth]
		th.stack[th.depth] = atRest
	}
	if th.pc = back; back == atRest {
		*th = mThread{}
	}
}

// An mState is everything. Two equal ones have the same future.
type mState struct {
	th [mThreads]mThread

	// The mm.
	ioctxLock bool
	munmapped bool // the ring
	notMapped bool // ctx->mmap_size is 0
	slotNull  bool // table->table[0] is NULL; before 3.12: deleted from the list

	switchLock bool // percpu_ref_switch_lock

	// The context.
	freed          bool
	dead           bool
	refs           [2]mRef // users and reqs
	rqWait         int8    // the thread that waits, + 1
	ctxLock        bool
	ringLock       bool
	completionLock bool
	waiters        uint8 // ctx->wait: a set of threads
	waitLock       bool  // ctx->wait.lock, where it is not taken and given back in one step
	workPending    bool
	workRunning    bool
	users          int8 // before 3.12, like the rest
	active         int8 // reqs_active
	released       int8 // how often users has fallen to 0

	// Where a thread waits for what.
	waits    [2]mWait // struct ctx_rq_wait of io_destroy
	sleeping uint8    // set_current_state()
	sync     [2]uint8 // readers that synchronize_rcu() waits for

	// The request.
	reqFreed  bool
	reqLink   uint8
	reqUsers  int8
	reqLive   bool // allocated once
	reqQueued bool // the device has it

	// What agents have to do.
	workQueued bool
	callbacks  [3]mCallback // in the order in which they were queued
}

// An mWait is a struct ctx_rq_wait.
type mWait struct {
	count, done int8
	freed       bool
}

// Values of reqLink.
const (
	linkNever = iota
	linkOn
	linkPoisoned
	linkInit // after list_del_init()
)

// A machine is the machine with what never changes: what the caller calls, in which
// kernel, and after what the kernel goes on.
type machine struct {
	call      string
	exitSlots int8 // size of the table where the mm exits, else 0
	mVariant
	muted map[string]bool
	bound int // of the preemptions that are counted
}

// An mVariant is a kernel.
type mVariant struct {
	list         bool // before 3.12
	lookup       mPC  // where the function begins that takes the reference
	incNotZero   bool // 1b
	deadTest     bool // io_submit tests dead under ctx_lock
	rcuPut       bool // 3.10: the first reference is put after a grace period
	rcuFree      bool // 4.16
	syncInKill   bool // m3
	countsItself bool // m4: exit_aio in its counter
	deadFirst    bool // before 4.0: dead is set without ioctx_lock
	dropsLater   bool // before 3.18: percpu_ref_kill() leaves the initial reference to the switch
	killLocks    bool // since 4.9: it has percpu_ref_switch_lock
	noWait       bool // before 3.15: nobody waits for the requests, nor is there smp_rmb()
	inTurn       bool // before 4.1: exit_aio waits for each, and nobody counts
	noPreempt    bool // CONFIG_PREEMPT=n
	oneFlavour   bool // of RCU, since 4.20
	lastPut      bool // since 5.1: who drops the last reference to the request completes it
}

var mVariants = map[string]mVariant{
	"1a":        {list: true},
	"1b":        {list: true, incNotZero: true, deadTest: true},
	"1c":        {list: true, rcuPut: true},
	"1d-3.13":   {lookup: atGetMode, dropsLater: true, deadFirst: true, noWait: true},
	"1d-3.17":   {lookup: atGetMode, dropsLater: true, deadFirst: true, inTurn: true},
	"1d":        {lookup: atGetMode},
	"1d-merged": {lookup: atGetMode, noPreempt: true},
	"1e":        {lookup: atGetMode, rcuFree: true, killLocks: true},
	"1e-merged": {lookup: atGetMode, rcuFree: true, killLocks: true, noPreempt: true},
	"1f":        {lookup: atTryLiveMode, rcuFree: true, killLocks: true},
	"1f-5.4": {lookup: atTryLiveMode, rcuFree: true, killLocks: true, oneFlavour: true,
		lastPut: true},
	"m1": {lookup: atTryLiveMode},
	"m2": {lookup: atTryMode, rcuFree: true, killLocks: true},
	"m3": {lookup: atGetMode, syncInKill: true},
	"m4": {lookup: atTryLiveMode, rcuFree: true, killLocks: true, countsItself: true},
}

// initial is the state before the first step.
func (m *machine) initial() mState {
	var s mState
	pc := atRing
	if m.list {
		pc = atReadLock
		s.users = 1 // the list's
	}
	if m.exitSlots > 0 {
		s.th[mCaller].pc = atMmput
	} else {
		s.th[mCaller].pc, s.th[mDestroyer].pc = pc, pc
	}
	s.refs[mUsers].count = mBias + 1 // the table's
	s.refs[mReqs].count = mBias + 1
	s.refs[mReqs].percpu = 1 // free_ioctx_users() will drop this
	return s
}

// enabled reports whether a thread could take its step, or an agent begin.
func (m *machine) enabled(s *mState, me int) bool {
	switch pc := s.th[me].pc; pc {
	case atRest:
		switch me {
		case mSoftirq:
			return m.readyCallbacks(s) != 0
		case mWorker:
			return s.workQueued && (s.freed || !s.workRunning)
		case mIrq:
			return s.reqQueued
		}
		return false // finished
	case atKillLock, atDelLock:
		return !s.ioctxLock
	case atSwitchLock:
		return !s.switchLock
	case atRingLock:
		return !s.ringLock || s.freed // whoever finds that out finds it out in its step
	case atIrqLock, atTenTailLock:
		return !s.completionLock || s.freed
	case atCompletion:
		return s.waits[me].done > 0
	case atSyncEnd:
		return s.sync[me] == 0
	case atWaitSchedule, atIdleSchedule:
		return s.sleeping>>me&1 == 0
	default:
		return s.freed || !(pc.takesCtxLock() && s.ctxLock || pc.takesWaitLock() && s.waitLock)
	}
}

// An mEnding is how an execution ends: the kind of failure or "pass", the thread that
// failed and the verb of its step.
type mEnding struct {
	kind   string
	thread int // -1: nobody
	verb   string
}

// take has a thread take its step, or an agent begin a piece of work: f is called with
// the states that come of it, or with the failure.
func (m *machine) take(s *mState, me int, f func(next *mState, failure mEnding)) {
	if s.th[me].pc != atRest {
		next := *s
		next.th[me].kernel = true
		kind := m.touch(&next, me)
		if kind == "" {
			kind = m.step(&next, me)
		}
		if kind == "" {
			m.arrive(&next, me)
		}
		f(&next, mEnding{kind, me, m.verb(s.th[me].pc)})
		return
	}
	work, verb := 1, "interrupt"
	switch me {
	case mSoftirq:
		work, verb = m.readyCallbacks(s), "rcu callback"
	case mWorker:
		verb = "process_one_work"
	}
	for i := range len(s.callbacks) {
		if work>>i&1 != 0 {
			next := *s
			next.th[me].kernel = true
			kind := m.begin(&next, me, i)
			if kind == "" {
				m.arrive(&next, me)
			}
			f(&next, mEnding{kind, me, verb})
		}
	}
}

// touch fails if what the step touches has been freed.
func (m *machine) touch(s *mState, me int) string {
	th := &s.th[me]
	freed := false
	switch mSteps[th.pc].on {
	case onCtx:
		freed = s.freed
	case onWait:
		freed = s.waits[th.wait-1].freed
	case onReq:
		freed = s.reqFreed
	}
	switch {
	case !freed:
		return ""
	case th.pc == atFreeCtx || th.pc == atReqFree || th.pc == atIrqFree || th.pc == atIocbFree:
		return "double-free"
	}
	return "use-after-free"
}

// step is one step.
func (m *machine) step(s *mState, me int) string {
	switch pc := s.th[me].pc; {
	case pc < firstListPC:
		return m.tableStep(s, me)
	case pc < firstRcuPC:
		return m.listStep(s, me)
	}
	return m.rcuStep(s, me)
}

// arrive has a thread run on to its next step.
func (m *machine) arrive(s *mState, me int) {
	th := &s.th[me]
	for th.pc >= firstPrivatePC {
		m.private(s, me)
	}
	if m.maySleep(s, me) {
		if th.rcu+th.atomic != 0 {
			panic("a thread of the machine may sleep where it must not")
		}
		m.leaveCPU(s, me)
	}
}

// leaveCPU is a context switch, or may be one.
func (m *machine) leaveCPU(s *mState, me int) {
	s.th[me].kernel = false
	m.leave(s, me)
}

// maySleep reports whether a thread that has come to its pc could leave its CPU there: it
// sleeps, or looks whether another task wants to run, or is at rest.
func (m *machine) maySleep(s *mState, me int) bool {
	switch th := &s.th[me]; th.pc {
	case atRest, atRingLock, atSyncStart, atSyncEnd, atCompletion, atWaitSchedule, atIdleSchedule,
		atMunmap, atSubmit:
		return true
	case atGetMode: // aio_get_req() allocates
		return th.stack[th.depth-1] == atSubmit
	case atFreeCtx: // aio_free_ring()
		return me == mWorker
	}
	return false
}

// outcome is how an execution ends in which nobody can go on.
func (m *machine) outcome(s *mState) mEnding {
	for me := range mThreads {
		if pc := s.th[me].pc; pc != atRest {
			return mEnding{"deadlock", me, m.verb(pc)}
		}
	}
	if !s.freed && s.slotNull || s.reqLive && !s.reqFreed {
		return mEnding{"memory-leak", -1, ""}
	}
	return mEnding{"pass", -1, ""}
}

// verb is that of a step. Up to 2.6.37 it was wake_up() everywhere.
func (m *machine) verb(pc mPC) string {
	verb := mSteps[pc].verb
	if m.list && !m.incNotZero && !m.rcuPut {
		verb = strings.Replace(verb, "wake_up_all", "wake_up", 1)
	}
	if m.oneFlavour {
		verb = strings.TrimSuffix(verb, "_sched") // call_rcu_sched()
	}
	return verb
}
