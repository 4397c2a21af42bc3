// Package rcu is read-copy-update (include/linux/rcupdate.h) in the two flavours
// that a preemptible kernel had until v4.19, merged as it has been since v4.20, and as it is in
// a kernel that is not preemptible.
//
// The nouns: a read-side critical section is what a thread does between
// ReadLock and ReadUnlock (preemptible RCU), or while preemption or interrupts
// are off (RCU-sched). A grace period of a flavour is over when every section of
// that flavour that had begun before the grace period did has ended; sections
// that begin later are not waited for. The difference between the flavours is
// the whole of the aio lookup race: a reader of preemptible RCU does not hold up
// a grace period of RCU-sched.
//
// With CONFIG_PREEMPT=n ([NonPreemptible]) there is one flavour in all versions: call_rcu()
// is call_rcu_sched() before v4.20, and the other way round since. There all that a task does in
// the kernel between two context switches is a section, in rcu_read_lock() or not. A thread
// begins one with a step. It ends it before the next where it sleeps or
// may ([preempt.MightSleep], [preempt.CondResched]), where it returns to user mode
// ([schedule.Thread.Forget], between two system calls), and where it finishes; and an agent
// where its piece of work is done. Callbacks and handlers of interrupts are sections too. That a
// handler has returned ends none of the task that it has interrupted, and no spinning does.
//
// That is CONFIG_PREEMPT_VOLUNTARY. With CONFIG_PREEMPT_NONE less can happen: there
// might_sleep() is no place to switch, nor a lock that nobody has. So what never fails here
// does not fail in either. What is built with PREEMPT_DYNAMIC has preemptible RCU, however it is
// booted, and with PREEMPT_LAZY a task may be preempted where it is in no section: that is [Merged].
//
// Steps: ReadLock and ReadUnlock one each; CallRcu one; the callback starts with
// one step of the softirq agent and runs there with preemption off, at any time
// after the grace period. Callbacks that one CPU has queued for one flavour start
// in that order, those of different CPUs in any. Synchronize takes two, the first
// of which begins the grace period. Between them the thread sleeps, and is not preempted if others
// run, even where no reader is in the way: a kernel's grace period takes milliseconds then too.
// (On a single CPU one without CONFIG_PREEMPT returns at once; here each task has a CPU.)
// Barrier takes two: the first looks at what is queued.
//
// Misuse is [schedule.LockRule]: an unlock too many, a section left open, queueing
// a head that is queued, waiting for a grace period inside one's own section,
// dereferencing an RCU pointer outside any. Sleeping in a section is
// [schedule.SleepInAtomic].
//
// The first 16 threads may call Synchronize, the first 24 Barrier, and the first 64 may be
// readers: what is waited for is a set of threads in one cell.
//
// Not modelled: callbacks that run at once on two CPUs (there is one softirq), expedited
// grace periods, the flavour of softirqs (rcu_read_lock_bh()), SRCU, stalls.
// A grace period of preemptible RCU may end while a thread has interrupts off, as the API
// allows and tree RCU does not do.
// And it is a CPU whose callbacks are in order. A task, which has one of its own here, may
// migrate there between two call_rcu(), of which either callback may then start first.
package rcu

import (
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/fifo"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Flavours says which readers a grace period waits for.
type Flavours uint8

const (
	// Split is CONFIG_PREEMPT before v4.20: preemptible RCU and RCU-sched do not
	// see each other's readers.
	Split Flavours = iota
	// Merged is CONFIG_PREEMPT from v4.20 on, PREEMPT_DYNAMIC and PREEMPT_LAZY: every grace
	// period waits for both sorts of readers.
	Merged
	// NonPreemptible is CONFIG_PREEMPT=n, before v4.20 and since: every grace period waits
	// for whoever runs in the kernel.
	NonPreemptible
)

// flavour indexes what there are two of.
type flavour int

const (
	preemptible flavour = iota
	sched
)

// maxWaiters is which threads may call Synchronize: so many, from the first on. Each has a
// cell, cells cost time in every execution, and no model needs half of these.
const maxWaiters = 16

type state struct {
	schedule.Object
	rcu   schedule.Cell             // what a reader's step names
	waits [maxWaiters]schedule.Cell // readers that Synchronize of a thread waits for
	runs  schedule.Cell             // 1<<flavour while a callback runs, and who waits for it

	flavours Flavours
	// Which threads are inside a section: a function of what each has done.
	readers [2]uint64
	nest    [schedule.MaxThreads]int
	queues  [2]fifo.Queue[*Head]
	softirq softirq
	booted  bool
	bound   bool

	reading schedule.Shared // part n: whether thread n is in readers[preemptible]

	// Which threads have taken a step since they could last leave their CPU, or the kernel: a
	// function of what each has done. They are all readers if RCU is not preemptible.
	kernel        uint64
	inKernel      schedule.Shared // part n: whether thread n is in kernel
	synchronizing int             // threads in Synchronize, with store buffers
	periods       schedule.Shared
}

var facility = schedule.NewFacility[state]()

func (s *state) Reset(e *schedule.Exec) {
	if !s.bound {
		s.bound = true
		s.Bind(s, "rcu")
		s.SetPrivate()
	}
	facility.Static(e, &s.Object)
	s.reading.Shows(e, reading)
	s.inKernel.Shows(e, inKernel)
	s.flavours, s.booted, s.synchronizing = Split, false, 0
	s.readers, s.kernel = [2]uint64{}, 0
	clear(s.nest[:e.Width()])
	s.queues[preemptible].Reset()
	s.queues[sched].Reset()
}

// Boot starts RCU: it creates the softirq agent. A program that uses RCU calls
// it when it begins.
func Boot(e *schedule.Exec, f Flavours) {
	s := facility.Of(e)
	s.flavours, s.booted = f, true
	if f == NonPreemptible {
		e.OnStep(runsInKernel)
		preempt.OnContextSwitch(e, noteContextSwitch)
	} else {
		preempt.OnQuiescent(e, schedQuiescent)
		if e.BuffersStores() {
			preempt.OnEnter(e, schedEnters)
		}
	}
	s.softirq.s = s
	s.softirq.thread = e.Agent("softirq", &s.softirq)
}

// reading reports whether t is in a section of preemptible RCU.
func reading(t *schedule.Thread) bool {
	return facility.Of(t.Exec()).readers[preemptible]>>t.ID&1 != 0
}

// inKernel reports whether t has taken a step since it could last leave its CPU.
func inKernel(t *schedule.Thread) bool {
	return facility.Of(t.Exec()).kernel>>t.ID&1 != 0
}

// runsInKernel is called as a step of t begins, if RCU is not preemptible.
func runsInKernel(t *schedule.Thread) {
	s := facility.Of(t.Exec())
	if !inKernel(t) && t.Exec().BuffersStores() {
		s.enters(t, preemptible)
	}
	s.kernel |= t.Bit()
}

// noteContextSwitch is rcu_note_context_switch() of RCU that is not preemptible, and what
// comes to the same: the idle loop, user mode.
func noteContextSwitch(t *schedule.Thread) {
	s := facility.Of(t.Exec())
	if inKernel(t) {
		s.kernel &^= t.Bit()
		s.leave(t, preemptible)
	}
}

// ReadLock is rcu_read_lock().
func ReadLock(t *schedule.Thread) {
	s := facility.Of(t.Exec())
	t.Step(schedule.Op{Verb: "rcu_read_lock", Mode: schedule.Compiler})
	s.nest[t.ID]++
	if s.nest[t.ID] == 1 && t.Exec().BuffersStores() && s.flavours != NonPreemptible {
		s.enters(t, preemptible)
	}
	preempt.RCUSection(t, +1)
	lockdep.Acquired(t, &s.rcu, "rcu_read_lock", lockdep.Unchecked)
	s.readers[preemptible] |= t.Bit()
}

// ReadUnlock is rcu_read_unlock().
func ReadUnlock(t *schedule.Thread) {
	s := facility.Of(t.Exec())
	t.Step(schedule.Op{Verb: "rcu_read_unlock", Mode: schedule.Compiler})
	lockdep.Release(t, &s.rcu)
	preempt.RCUSection(t, -1)
	if s.nest[t.ID]--; s.nest[t.ID] == 0 {
		s.readers[preemptible] &^= t.Bit()
		s.quiescent(t, preemptible)
	}
}

// ReadLockHeld is rcu_read_lock_held().
func ReadLockHeld(t *schedule.Thread) bool { return facility.Of(t.Exec()).nest[t.ID] > 0 }

// Readers reports whether any thread is in a section of preemptible RCU, for
// fingerprints.
func Readers(e *schedule.Exec) bool { return facility.Of(e).readers[preemptible] != 0 }

// ReadLockSched is rcu_read_lock_sched(), which turns preemption off. It is no
// step: a primitive makes it part of its first one.
func ReadLockSched(t *schedule.Thread) { preempt.Disable(t) }

// ReadUnlockSched is rcu_read_unlock_sched(). It is no step: a primitive makes
// it part of its last one.
func ReadUnlockSched(t *schedule.Thread) { preempt.Enable(t) }

// schedQuiescent is called when t leaves its outermost section with preemption
// off.
func schedQuiescent(t *schedule.Thread) { facility.Of(t.Exec()).quiescent(t, sched) }

// quiescent takes t out of what every grace period of the flavour waits for. It
// is what keeps readiness a function of cells: a callback's cell holds the
// readers it still waits for, and they leave it one by one.
func (s *state) quiescent(t *schedule.Thread, f flavour) {
	switch s.flavours {
	case Split:
		s.leave(t, f)
	case Merged:
		if s.nest[t.ID] == 0 && !preempt.Atomic(t) { // else it is a reader of the other sort
			s.leave(t, preemptible)
		}
	}
}

func (s *state) leave(t *schedule.Thread, f flavour) {
	q := &s.queues[f]
	q.Look(t)
	for i := range q.Len() {
		c := &q.At(i).wait
		c.Set(c.Value() &^ (1 << t.ID))
	}
	if f == preemptible {
		for i := range min(len(t.Exec().Threads()), maxWaiters) {
			c := &s.waits[i]
			c.Set(c.Value() &^ (1 << t.ID))
		}
	}
}

// readersOf returns the threads that a grace period of the flavour beginning
// in the current step of t has to wait for.
func (s *state) readersOf(t *schedule.Thread, f flavour) uint64 {
	if s.flavours == NonPreemptible {
		s.inKernel.ReadsAll(t)
		return s.kernel
	}
	set := uint64(0)
	if f == preemptible || s.flavours == Merged {
		s.reading.ReadsAll(t)
		set = s.readers[preemptible]
	}
	if f == sched || s.flavours == Merged {
		set |= preempt.AtomicThreads(t)
	}
	return set
}

// A Head is a struct rcu_head: the place of a callback in the queue. It calls
// one function all its life.
type Head struct {
	entry fifo.Entry
	wait  schedule.Cell `flags:"threads"` // readers still waited for
	fn    func(t *schedule.Thread)
}

// Entry returns the head's place in the queue.
func (h *Head) Entry() *fifo.Entry { return &h.entry }

// Init sets the callback. It belongs in the constructor of the object.
func (h *Head) Init(fn func(t *schedule.Thread)) { h.fn = fn }

// booted returns the state of RCU. It panics if the program has forgotten [Boot], without
// which nobody runs callbacks and grace periods have no flavour.
func booted(t *schedule.Thread, verb string) *state {
	s := facility.Of(t.Exec())
	if !s.booted {
		panic("rcu: " + verb + " before Boot")
	}
	return s
}

// Call is call_rcu(): the callback of h runs after a grace period of preemptible
// RCU. kfree_rcu() is a Call of what frees the object.
func Call(t *schedule.Thread, h *Head) { call(t, h, "call_rcu", preemptible) }

// CallAs is Call under another name: for a primitive whose callback it is.
func CallAs(t *schedule.Thread, h *Head, verb string) { call(t, h, verb, preemptible) }

// CallSched is call_rcu_sched(): the callback of h runs after a grace period of
// RCU-sched.
func CallSched(t *schedule.Thread, h *Head) { call(t, h, "call_rcu_sched", sched) }

func call(t *schedule.Thread, h *Head, verb string, f flavour) {
	s := booted(t, verb)
	if h.fn == nil {
		panic("rcu: " + verb + " of " + h.entry.Cell().Name() + " before its Init")
	}
	t.Step(schedule.Op{Verb: verb, Cell: h.entry.Cell(), Mode: schedule.RMWFull})
	if h.entry.Queued() {
		t.Fail(schedule.LockRule, h.entry.Cell().Object(), schedule.Party{}, "queues an rcu_head that is queued")
	}
	if s.flavours != Split {
		f = preemptible // call_rcu_sched() is call_rcu(), or the other way round
	}
	h.wait.Set(s.readersOf(t, f))
	s.queues[f].Push(t, h)
	s.softirq.thread.Rouse()
}

// Synchronize is synchronize_rcu(): it sleeps for a grace period of preemptible
// RCU. It panics if t is not one of the first 16 threads of the program.
func Synchronize(t *schedule.Thread) {
	s := booted(t, "synchronize_rcu")
	if t.ID >= maxWaiters {
		panic(fmt.Sprintf("rcu: synchronize_rcu in thread %d (%s): threads 0 to %d may; "+
			"create it sooner, or use Call", t.ID, t.Name, maxWaiters-1))
	}
	if s.nest[t.ID] > 0 {
		t.Fail(schedule.LockRule, nil, schedule.Party{}, "waits for the grace period that its own section holds up")
	}
	preempt.MightSleep(t, "synchronize_rcu")
	t.Step(schedule.Op{Verb: "synchronize_rcu", Mode: schedule.Barrier})
	s.waits[t.ID].Set(s.readersOf(t, preemptible))
	s.synchronizes(t, +1)
	preempt.ContextSwitch(t)
	t.Await(schedule.Op{Verb: "synchronize_rcu ends",
		Mode: schedule.Barrier | schedule.Blocks | schedule.Sleeps}, s)
	s.synchronizes(t, -1)
	t.Exec().DrainStores()
}

// Open is the gate of Synchronize.
func (s *state) Open(t *schedule.Thread) bool { return s.waits[t.ID].Value() == 0 }

// softirq is the agent that runs callbacks, with preemption off.
type softirq struct {
	s      *state
	thread *schedule.Thread
}

// Pending implements [schedule.Sleeper].
func (a *softirq) Pending() bool { return a.s.queues[preemptible].Len()+a.s.queues[sched].Len() > 0 }

// ready reports whether item i of the flavour's queue may run now.
func (s *state) ready(f flavour, i int) bool {
	q := &s.queues[f]
	return q.At(i).wait.Value() == 0 && q.First(i)
}

// Ready reports whether there is a callback whose grace period is over.
func (a *softirq) Ready(t *schedule.Thread) bool {
	s := a.s
	for f := preemptible; f <= sched; f++ {
		s.queues[f].Look(t)
		for i := range s.queues[f].Len() {
			if s.ready(f, i) {
				return true
			}
		}
	}
	return false
}

// Run runs one of the callbacks that are ready, the schedule says which.
func (a *softirq) Run(t *schedule.Thread) {
	s := a.s
	n := 0
	for f := preemptible; f <= sched; f++ {
		s.queues[f].Look(t)
		for i := range s.queues[f].Len() {
			if s.ready(f, i) {
				n++
			}
		}
	}
	h := s.take(t, t.Choose(n))
	preempt.Disable(t)
	lockdep.SoftirqEnter(t)
	t.Begin(schedule.Op{Verb: "rcu callback", Cell: h.entry.Cell(), Mode: schedule.RMWFull})
	t.Exec().DrainStores()
	h.fn(t)
	s.runs.Set(0) // it has returned
	lockdep.SoftirqExit(t)
	preempt.Enable(t)
}

// take removes the nth callback that is ready from its queue, and says that it runs.
func (s *state) take(t *schedule.Thread, nth int) *Head {
	for f := preemptible; f <= sched; f++ {
		for i := range s.queues[f].Len() {
			if !s.ready(f, i) {
				continue
			}
			if nth == 0 {
				h := s.queues[f].At(i)
				s.runs.Set(s.queues[f].Remove(t, i) | 1<<f)
				return h
			}
			nth--
		}
	}
	panic("rcu: no such callback")
}
