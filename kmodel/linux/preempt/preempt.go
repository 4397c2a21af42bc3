// Package preempt is preempt_count and interrupts-off (include/linux/preempt.h,
// irqflags.h) and might_sleep() (include/linux/kernel.h).
//
// Each thread has a CPU of its own unless the program says otherwise, so
// turning preemption off keeps nobody from running here. It matters for two
// things: what may sleep, and what RCU-sched waits for. Turning interrupts off
// also keeps the handlers of that CPU away, and turning softirqs off its softirqs.
//
// That is so with CONFIG_PREEMPT=n too, where a task that runs in the kernel is preempted
// nowhere: what a schedule switches to runs on another CPU, and a task that is not chosen for
// a while is slow, not off its CPU. It leaves that where it sleeps, at [CondResched] and
// [MightSleep], and between two system calls; see package rcu for who asks.
//
// Misuse: sleeping while one is off is [schedule.SleepInAtomic]; an enable without its
// disable, finishing with one off, or turning softirqs on while interrupts are off, is
// [schedule.LockRule].
package preempt

import (
	"strings"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The counts of a thread are functions of what it has done: no part of the
// state, no cells.
type state struct {
	count [schedule.MaxThreads]int // nesting of preemption off, interrupts off and softirq
	bh    [schedule.MaxThreads]int // nesting of softirqs off and softirq alone
	rcu   [schedule.MaxThreads]int // nesting of preemptible RCU sections
	quiet func(t *schedule.Thread) // called when count of t falls to 0
	idle  func(t *schedule.Thread) // called where t may leave its CPU, or the kernel
	enter func(t *schedule.Thread) // called when it rises from 0

	atomic schedule.Shared // part n: whether thread n is, which others ask
	bhOff  schedule.Shared // part n: whether it has softirqs off
}

var facility = schedule.NewFacility[state]()

func (s *state) Reset(e *schedule.Exec) {
	clear(s.count[:e.Width()])
	clear(s.bh[:e.Width()])
	clear(s.rcu[:e.Width()])
	s.quiet, s.idle, s.enter = nil, nil, nil
	s.atomic.Shows(e, atomic)
	s.bhOff.Shows(e, bhOff)
	e.AtExit(checkExit)
}

// OnQuiescent has f called whenever a thread leaves its outermost section with
// preemption or interrupts off. RCU-sched asks for it.
func OnQuiescent(e *schedule.Exec, f func(t *schedule.Thread)) { facility.Of(e).quiet = f }

// OnContextSwitch has f called wherever a thread may leave its CPU to another task or to the
// idle loop, or return to user mode ([schedule.Thread.Forget]), before its next step. A
// RCU of CONFIG_PREEMPT=n asks for it.
func OnContextSwitch(e *schedule.Exec, f func(t *schedule.Thread)) { facility.Of(e).idle = f }

// ContextSwitch says that t sleeps before its next step: for a primitive that has taken a step
// since it called [MightSleep], and waits now.
func ContextSwitch(t *schedule.Thread) { facility.Of(t.Exec()).contextSwitch(t) }

func (s *state) contextSwitch(t *schedule.Thread) {
	if s.idle != nil {
		s.idle(t)
	}
}

// OnEnter has f called whenever a thread enters its outermost section with preemption or
// interrupts off.
func OnEnter(e *schedule.Exec, f func(t *schedule.Thread)) { facility.Of(e).enter = f }

// PreemptDisable is preempt_disable() as a kernel function calls it: one step, since a
// grace period may still begin and end before it.
func PreemptDisable(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "preempt_disable", Mode: schedule.Compiler})
	Disable(t)
}

// PreemptEnable is preempt_enable() as a kernel function calls it: one step.
func PreemptEnable(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "preempt_enable", Mode: schedule.Compiler})
	Enable(t)
}

// LocalIrqDisable is local_irq_disable() as a kernel function calls it: one step.
func LocalIrqDisable(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "local_irq_disable", Mode: schedule.Compiler})
	t.CPU().DisableIrqs()
	Disable(t)
}

// LocalIrqEnable is local_irq_enable() as a kernel function calls it: one step.
func LocalIrqEnable(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "local_irq_enable", Mode: schedule.Compiler})
	IrqEnable(t)
}

// Disable is the part of a primitive's step that turns preemption off.
func Disable(t *schedule.Thread) {
	s := facility.Of(t.Exec())
	if s.count[t.ID]++; s.count[t.ID] > 1 {
		return
	}
	t.SetAtomic(true)
	if s.enter != nil {
		s.enter(t)
	}
}

// Enable is the part of a primitive's step that ends a section of [Disable].
func Enable(t *schedule.Thread) {
	s := facility.Of(t.Exec())
	if s.count[t.ID]--; s.count[t.ID] > 0 {
		return
	}
	if s.count[t.ID] < 0 {
		t.Fail(schedule.LockRule, nil, schedule.Party{}, "preempt_enable without preempt_disable")
	}
	t.SetAtomic(false)
	if s.quiet != nil {
		s.quiet(t)
	}
}

// IrqDisable turns interrupts off for a primitive. Sections nest, as those of
// local_irq_save() do. It is a step only where there is a handler that it keeps away,
// see [NeedsStep]; elsewhere it is part of the primitive's own.
func IrqDisable(t *schedule.Thread) {
	if NeedsStep(t) {
		t.Step(schedule.Op{Verb: "local_irq_disable", Mode: schedule.Compiler})
	}
	t.CPU().DisableIrqs()
	Disable(t)
}

// NeedsStep reports whether turning interrupts off is a step of its own here: whether
// there is a handler that could still come before it and not after it.
func NeedsStep(t *schedule.Thread) bool {
	return t.CPU().Interruptible() && !t.CPU().IrqsOff()
}

// IrqEnable ends a section of [IrqDisable]. It is no step.
func IrqEnable(t *schedule.Thread) {
	if !t.CPU().IrqsOff() {
		t.Fail(schedule.LockRule, nil, schedule.Party{}, "local_irq_enable without local_irq_disable")
	}
	t.CPU().EnableIrqs()
	if !t.CPU().IrqsOff() {
		lockdep.HardirqsOn(t)
	}
	Enable(t)
}

// IrqEnter is how a handler of interrupts begins, as part of its first step: irq_enter(), with
// interrupts off.
func IrqEnter(t *schedule.Thread) {
	t.CPU().DisableIrqs()
	Disable(t)
	lockdep.HardirqEnter(t)
}

// IrqExit is how a handler of interrupts ends: irq_exit(), and they are on again.
func IrqExit(t *schedule.Thread) {
	lockdep.HardirqExit(t)
	Enable(t)
	t.CPU().EnableIrqs()
}

// LocalBhDisable is local_bh_disable() as a kernel function calls it: one step.
func LocalBhDisable(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "local_bh_disable", Mode: schedule.Compiler})
	BhDisable(t)
}

// LocalBhEnable is local_bh_enable() as a kernel function calls it: one step.
func LocalBhEnable(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "local_bh_enable", Mode: schedule.Compiler})
	BhEnable(t)
}

// SoftirqEnter is how a thread that is a softirq begins, and nobody else is on its CPU:
// __do_softirq() before the handlers. One step, as LocalBhDisable.
func SoftirqEnter(t *schedule.Thread) {
	LocalBhDisable(t)
	lockdep.SoftirqEnter(t)
}

// SoftirqExit is how it ends: one step, as LocalBhEnable.
func SoftirqExit(t *schedule.Thread) {
	lockdep.SoftirqExit(t)
	LocalBhEnable(t)
}

// BhDisable is the part of a primitive's step that turns softirqs off. Sections nest.
func BhDisable(t *schedule.Thread) {
	s := facility.Of(t.Exec())
	if s.bh[t.ID]++; s.bh[t.ID] == 1 {
		lockdep.SoftirqsOff(t)
	}
	Disable(t)
}

// BhEnable is the part of a primitive's step that ends a section of [BhDisable]. The kernel
// runs softirqs then, with interrupts on: where they are off, or in an interrupt, it warns.
func BhEnable(t *schedule.Thread) {
	s := facility.Of(t.Exec())
	if s.bh[t.ID] == 0 {
		t.Fail(schedule.LockRule, nil, schedule.Party{}, "local_bh_enable without local_bh_disable")
	}
	if t.CPU().IrqsOff() {
		t.Warn(schedule.LockRule, nil, schedule.Party{}, "local_bh_enable with interrupts off")
	}
	if s.bh[t.ID]--; s.bh[t.ID] == 0 {
		lockdep.SoftirqsOn(t)
	}
	Enable(t)
}

// BhNeedsStep is [NeedsStep] for turning softirqs off.
func BhNeedsStep(t *schedule.Thread) bool { return NeedsStep(t) && !bhOff(t) }

// BhOff reports whether t has softirqs off, or is one. Another thread may ask.
func BhOff(t *schedule.Thread) bool {
	facility.Of(t.Exec()).bhOff.Reads(t, t.ID)
	return bhOff(t)
}

func bhOff(t *schedule.Thread) bool { return facility.Of(t.Exec()).bh[t.ID] > 0 }

// Atomic reports whether t may not sleep, a preemptible RCU section aside. Another thread
// may ask.
func Atomic(t *schedule.Thread) bool {
	facility.Of(t.Exec()).atomic.Reads(t, t.ID)
	return atomic(t)
}

// AtomicThreads returns the set of threads that are Atomic, for a step of t.
func AtomicThreads(t *schedule.Thread) (set uint64) {
	s := facility.Of(t.Exec())
	s.atomic.ReadsAll(t)
	for _, other := range t.Exec().Threads() {
		if s.count[other.ID] > 0 {
			set |= other.Bit()
		}
	}
	return set
}

func atomic(t *schedule.Thread) bool { return facility.Of(t.Exec()).count[t.ID] > 0 }

// RCUSection counts sections of preemptible RCU, in which a thread may be
// preempted but may not sleep. Package rcu calls it.
func RCUSection(t *schedule.Thread, change int) { facility.Of(t.Exec()).rcu[t.ID] += change }

// MightSleep is might_sleep(): called by whatever may sleep, whether it does or
// not. verb is the call that may. "schedule" is schedule() itself, which makes a check of its own
// and reports it in other words.
//
// Another task may run here, as with CONFIG_PREEMPT_VOLUNTARY, where might_sleep() is a
// cond_resched().
func MightSleep(t *schedule.Thread, verb string) {
	s := facility.Of(t.Exec())
	if s.count[t.ID] > 0 || s.rcu[t.ID] > 0 {
		s.sleepsInAtomic(t, verb)
	}
	s.contextSwitch(t)
}

// CondResched is cond_resched(): another task may run here, if the kernel is not
// preemptible anyway. It is no step. (It is a quiescent state for RCU if a switch is due, which
// RCU sees to before long; in 4.15 also if none is, in 4.12 not yet.)
func CondResched(t *schedule.Thread) { MightSleep(t, "cond_resched") }

// sleepsInAtomic reports what MightSleep has found. The object is what keeps t from sleeping,
// and there is none if preempt_count does and no lock.
func (s *state) sleepsInAtomic(t *schedule.Thread, verb string) {
	var o *schedule.Object
	var at schedule.Party
	why := "spin_" // not a mutex: one may sleep with that
	if s.count[t.ID] == 0 {
		why = "rcu_"
	}
	held := lockdep.All(t)
	for i := len(held) - 1; i >= 0; i-- {
		if h := held[i]; strings.HasPrefix(h.Verb, why) {
			o, at = h.Cell.Object(), h.At
			break
		}
	}
	if why == "rcu_" && s.idle != nil {
		o = nil // rcu_read_lock() is preempt_disable()
	}
	t.Warn(schedule.SleepInAtomic, o, at, verb)
}

func checkExit(t *schedule.Thread) {
	if atomic(t) || bhOff(t) || t.CPU().IrqsOff() {
		t.Fail(schedule.LockRule, nil, schedule.Party{}, "returns with preemption or interrupts off")
	}
	ContextSwitch(t)
}
