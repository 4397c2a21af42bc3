package exec

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mm"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A task is a struct task_struct. A kernel thread has no mm, and an active_mm while it
// runs.
type task struct {
	schedule.Object
	mm       mem.Ptr[*mm.Struct]
	activeMm mem.Ptr[*mm.Struct]
	// alloc_lock is what task_lock() takes. With PREEMPT_RT a spinlock_t is one that
	// sleeps.
	allocLock   spin.Lock
	allocLockRT mutex.Mutex
	dead        mem.Int

	thread *schedule.Thread // that runs it
	other  *task            // on the same CPU; nil: there is none
	tick   tick
	gate   running
}

// An rq is a struct rq: the CPU that the tasks share.
type rq struct {
	schedule.Object
	curr   schedule.Ptr[*task]
	prevMm mem.Ptr[*mm.Struct] // to be dropped when the switch is done
	ticks  atomic.Int          // that may still come
}

// schedule is schedule(), of curr. It returns when curr runs again, and reports whether
// it had to wait for that.
func (s *system) schedule(t *schedule.Thread, curr *task) bool {
	preempt.IrqDisable(t)
	t.LoadBarrier() // rq->lock and smp_mb__after_spinlock()
	next := curr.other
	switched := next.dead.Read(t) == 0 // pick_next_task()
	if switched {
		s.contextSwitch(t, curr, next)
		s.switchTo(t, next)
		s.resume(t, curr)
	}
	preempt.IrqEnable(t)
	return switched
}

// contextSwitch is context_switch() up to switch_to().
func (s *system) contextSwitch(t *schedule.Thread, prev, next *task) {
	if next.mm.Read(t) == nil {
		s.lendActiveMm_(t, prev, next)
		return
	}
	// switch_mm_irqs_off()
	if prev.mm.Read(t) == nil {
		s.rq.prevMm.Write(t, prev.activeMm.Read(t)) // next drops it
		prev.activeMm.Write(t, nil)
	}
}

// lendActiveMm_ is the part of context_switch() for a next that is a kernel thread: a user
// lends its mm, a kernel thread hands on what it has borrowed.
func (s *system) lendActiveMm_(t *schedule.Thread, prev, next *task) {
	lazy := prev.activeMm.Read(t)
	next.activeMm.Write(t, lazy)
	if prev.mm.Read(t) != nil {
		lazy.Mmgrab(t)
	} else {
		prev.activeMm.Write(t, nil)
	}
}

// switchTo is the half of switch_to() that prev does.
func (s *system) switchTo(t *schedule.Thread, next *task) {
	t.Step(schedule.Op{Verb: "switch_to", Cell: &s.rq.curr.Cell, Mode: schedule.WriteOnce})
	s.rq.curr.Put(next)
}

// resume is what switch_to() is for who comes back from it, and what follows.
func (s *system) resume(t *schedule.Thread, tsk *task) {
	t.Await(schedule.Op{Verb: "finish_task_switch", Cell: &s.rq.curr.Cell,
		Mode: schedule.ReadOnce | schedule.Blocks}, &tsk.gate)
	t.LoadBarrier() // that of whoever has been on the CPU since
	s.finishTaskSwitch(t)
}

// finishTaskSwitch is finish_task_switch().
func (s *system) finishTaskSwitch(t *schedule.Thread) {
	if lazy := s.rq.prevMm.Read(t); lazy != nil {
		s.rq.prevMm.Write(t, nil)
		lazy.Mmdrop(t)
	}
}

// scheduleTail is schedule_tail(): how a task begins that has never run.
func (s *system) scheduleTail(t *schedule.Thread, tsk *task) {
	t.CPU().DisableIrqs() // as its parent has left it: no step
	preempt.Disable(t)
	s.resume(t, tsk)
	preempt.IrqEnable(t)
}

// doTaskDead is do_task_dead(): schedule() without coming back.
func (s *system) doTaskDead(t *schedule.Thread, tsk *task) {
	preempt.IrqDisable(t)
	t.LoadBarrier() // as in schedule()
	tsk.dead.Write(t, 1)
	s.contextSwitch(t, tsk, tsk.other)
	s.switchTo(t, tsk.other)
	preempt.IrqEnable(t) // for whom it concerns: nobody
}

// exitMm is exit_mm() of 5.9: become a kernel thread that has borrowed the mm.
func (s *system) exitMm(t *schedule.Thread, tsk *task) {
	m := tsk.mm.Read(t)
	m.Mmgrab(t)
	s.taskLock(t, tsk)
	tsk.mm.Write(t, nil)
	s.taskUnlock(t, tsk)
	mmput(t, m)
}

// mmput is mmput(), of an mm whose mappings are not modelled.
func mmput(t *schedule.Thread, m *mm.Struct) {
	preempt.MightSleep(t, "mmput")
	if m.MmUsers.DecAndTest(t) {
		m.Mmdrop(t)
	}
}

// taskLock is task_lock().
func (s *system) taskLock(t *schedule.Thread, tsk *task) {
	if s.Has(preemptRT) {
		tsk.allocLockRT.Lock(t)
	} else {
		tsk.allocLock.Lock(t)
	}
}

// taskUnlock is task_unlock().
func (s *system) taskUnlock(t *schedule.Thread, tsk *task) {
	if s.Has(preemptRT) {
		tsk.allocLockRT.Unlock(t)
	} else {
		tsk.allocLock.Unlock(t)
	}
}

// running is the gate of a task that is to run again.
type running struct {
	rq  *rq
	tsk *task
}

// Open implements [schedule.Gate].
func (g *running) Open(*schedule.Thread) bool { return g.rq.curr.Get() == g.tsk }

// A tick is the timer interrupt by which a task loses its CPU, with the switches to the
// other task and back.
type tick struct {
	s   *system
	tsk *task
}

// Ready implements [schedule.Agent].
func (a *tick) Ready(*schedule.Thread) bool {
	rq, tsk := &a.s.rq, a.tsk
	return rq.ticks.Peek() > 0 && rq.curr.Get() == tsk && tsk.other.dead.Peek() == 0 &&
		!preempt.Atomic(tsk.thread)
}

// Run implements [schedule.Agent]: preempt_schedule_irq().
func (a *tick) Run(t *schedule.Thread) {
	t.CPU().DisableIrqs()
	preempt.Disable(t)
	t.Begin(schedule.Op{Verb: "interrupt", Cell: a.s.rq.curr.Cell.Object().Self(),
		Mode: schedule.Barrier})
	a.s.rq.ticks.Init(a.s.rq.ticks.Peek() - 1)
	a.s.schedule(t, a.tsk)
	preempt.Enable(t)
	t.CPU().EnableIrqs()
}
