// Package posixcputimers is the end of a timer on the CPU time of a task
// (kernel/time/posix-cpu-timers.c, posix-timers.c): deleting it against the tick of a task
// that is dead already.
//
// The nouns: a timer that is armed is in the queue of its task. The tick takes those that
// have expired off it under siglock, marks them firing, drops the lock, and then fires one
// after the other, each under its it_lock. timer_delete() takes siglock to see whether the
// timer fires, and if so waits. siglock belongs to the task: once that has been reaped there
// is none, and the queue is empty, since reaping empties it. So timer_delete() takes a timer
// without a task for one that is in no queue, though the tick may be about to fire it.
//
// What is freed under the tick is the sigqueue, the signal to be sent. The timer itself is
// freed by RCU, and a CPU with interrupts off is a reader.
//
// The code follows 5.10 without CONFIG_POSIX_CPU_TIMERS_TASK_WORK, with RCU merged.
//
// Not modelled: time (a timer has expired whenever a tick comes), arming, clocks of threads,
// intervals, the pending signal, the group of a task, clock_nanosleep(), whose timer is on its
// stack, and the list of all timers of their owner. Of several who wait for the task,
// exit_state chooses one. tasklist_lock is a plain spin lock, since of those who take it for
// reading one reaps the task; release_task() does not take it again for writing: nobody
// looks at a task that is being reaped. hash_lock is left out: nothing else is hashed.
// task_struct, pid and sighand are not freed.
//
// Start reading at handlePosixCPUTimers and posixCPUTimerDel.
package posixcputimers

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/interrupt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// kItimer is struct k_itimer.
type kItimer struct {
	schedule.Object
	itLock   spin.Lock
	itID     mem.Int // never changes
	itSignal mem.Int // whether anybody may find it still
	sigq     mem.Ptr[*sigqueue]
	rcu      rcu.Head

	// it.cpu, struct cpu_timer, whose node and elist are one here: it is never on both
	// lists.
	node   list.Node[*kItimer]
	firing mem.Int

	retry retry
}

// ListNode implements [list.Entry].
func (timer *kItimer) ListNode() *list.Node[*kItimer] { return &timer.node }

// kItimerRcuFree is k_itimer_rcu_free().
func (timer *kItimer) kItimerRcuFree(t *schedule.Thread) {
	slab.Free(t, "kmem_cache_free", timer)
}

// sigqueue is struct sigqueue.
type sigqueue struct {
	schedule.Object
	info mem.Int
}

// taskStruct is struct task_struct, of the only thread of its process.
type taskStruct struct {
	schedule.Object
	exitState atomic.Int
	sighand   rcu.Ptr[*sighandStruct]
	cpuTimers list.Head[*kItimer] // signal->posix_cputimers, under siglock
	tick      interrupt.Irq
}

// Values of exit_state.
const (
	exitZombie = 1 + iota
	exitDead
)

// lockTaskSighand is lock_task_sighand(). It returns nil if the task has been reaped.
func lockTaskSighand(t *schedule.Thread, tsk *taskStruct) *sighandStruct {
	rcu.ReadLock(t)
	for {
		sighand := tsk.sighand.Dereference(t)
		if sighand == nil {
			rcu.ReadUnlock(t)
			return nil
		}
		sighand.siglock.LockIrq(t)
		if tsk.sighand.Dereference(t) == sighand {
			rcu.ReadUnlock(t)
			return sighand
		}
		sighand.siglock.UnlockIrq(t)
	}
}

// runPosixCPUTimers is run_posix_cpu_timers(), of the tick.
func (s *system) runPosixCPUTimers(t *schedule.Thread) {
	tsk := &s.task
	if s.Has(exitState) && tsk.exitState.Read(t) != 0 {
		return
	}
	if tsk.cpuTimers.Empty(t) { // fastpath_timer_check
		return
	}
	s.handlePosixCPUTimers(t, tsk)
}

// handlePosixCPUTimers is handle_posix_cpu_timers(). Interrupts are off.
func (s *system) handlePosixCPUTimers(t *schedule.Thread, tsk *taskStruct) {
	sighand := lockTaskSighand(t, tsk)
	if sighand == nil {
		return
	}
	for timer := tsk.cpuTimers.FirstEntry(t); timer != nil; timer = tsk.cpuTimers.FirstEntry(t) {
		timer.firing.Write(t, 1) // collect_timerqueue
		tsk.cpuTimers.DelInit(t, timer)
		s.firing.AddTail(t, timer)
	}
	sighand.siglock.UnlockIrq(t)

	for timer := s.firing.FirstEntry(t); timer != nil; {
		next := timer.node.NextEntry(t)
		timer.itLock.Lock(t)
		s.firing.DelInit(t, timer)
		timer.firing.Write(t, 0)
		posixTimerEvent(t, timer) // cpu_timer_fire
		timer.itLock.Unlock(t)
		timer = next
	}
}

// posixTimerEvent is posix_timer_event(): send the signal.
func posixTimerEvent(t *schedule.Thread, timer *kItimer) { timer.sigq.Read(t).info.Write(t, 1) }

// posixCPUTimerDel is posix_cpu_timer_del(), with it_lock held. It reports false for
// TIMER_RETRY.
func (s *system) posixCPUTimerDel(t *schedule.Thread, timer *kItimer) bool {
	deleted := true
	rcu.ReadLock(t)
	if p := s.pid.tasks.Dereference(t); p != nil { // cpu_timer_task_rcu
		if sighand := lockTaskSighand(t, p); sighand != nil {
			if timer.firing.Read(t) != 0 {
				deleted = false
			} else if !timer.node.Empty(t) { // disarm_timer
				p.cpuTimers.DelInit(t, timer)
			}
			sighand.siglock.UnlockIrq(t)
		}
	}
	rcu.ReadUnlock(t)
	return deleted
}

// lockTimer is lock_timer(). It returns nil if there is no timer of that id.
func (s *system) lockTimer(t *schedule.Thread, id int) *kItimer {
	rcu.ReadLock(t)
	timer := s.posixTimers.timer[id].Dereference(t) // posix_timer_by_id
	if timer != nil {
		timer.itLock.LockIrq(t)
		if timer.itSignal.Read(t) == 0 {
			timer.itLock.UnlockIrq(t)
			timer = nil
		}
	}
	rcu.ReadUnlock(t)
	return timer
}

// timerDelete is timer_delete().
func (s *system) timerDelete(t *schedule.Thread, id int) {
	timer := s.lockTimer(t, id)
	for timer != nil && !s.posixCPUTimerDel(t, timer) {
		s.timerWaitRunning(t, timer)
		timer = s.lockTimer(t, id)
	}
	if timer == nil {
		return // -EINVAL
	}
	timer.itSignal.Write(t, 0)
	timer.itLock.UnlockIrq(t)
	s.releasePosixTimer(t, timer)
}

// timerWaitRunning is timer_wait_running(), which is one cpu_relax(): the caller retries at
// once. How often it does so in vain is of no interest, so here it waits for [retry]. Before
// f7abf14f0001 (6.4, and later 5.10) clocks of CPU time had no callback to wait by, of which the
// kernel warned here (WARN_ON_ONCE), and it retried without the cpu_relax().
func (s *system) timerWaitRunning(t *schedule.Thread, timer *kItimer) {
	rcu.ReadLock(t)
	timer.itLock.UnlockIrq(t)
	t.Await(schedule.Op{Verb: "cpu_relax", Mode: schedule.Marked | schedule.Blocks}, &timer.retry)
	rcu.ReadUnlock(t)
}

// retry is the gate of who has found a timer firing: open if posix_cpu_timer_del() would
// decide otherwise now. Not only the end of the tick is reason for that. If the task has
// been reaped, there is nothing left that says firing.
type retry struct {
	s     *system
	timer *kItimer
}

// Open implements [schedule.Gate]. What waits there is in a read-side section, so the timer
// is not freed.
func (r *retry) Open(*schedule.Thread) bool {
	return r.timer.firing.Peek() == 0 || r.s.pid.tasks.Peek() == nil || r.s.task.sighand.Peek() == nil
}

// releasePosixTimer is release_posix_timer(). The timer has an id.
func (s *system) releasePosixTimer(t *schedule.Thread, timer *kItimer) {
	s.posixTimers.timer[timer.itID.Peek()].Assign(t, nil) // hlist_del_rcu
	slab.Free(t, "kmem_cache_free", timer.sigq.Read(t))   // sigqueue_free
	rcu.Call(t, &timer.rcu)
}

// exitNotify is exit_notify(): become a zombie, and tell the parent. Interrupts are off, and
// the parent does not look at its child meanwhile.
func (s *system) exitNotify(t *schedule.Thread) {
	s.tasklistLock.LockIrq(t)
	s.task.exitState.Set(t, exitZombie)
	s.parent.waitChldexit.WakeUp(t) // do_notify_parent
	s.tasklistLock.UnlockIrq(t)
}

// doTaskDead is do_task_dead(): the CPU goes to somebody else, and no tick finds the task
// there any more.
func doTaskDead(t *schedule.Thread) {
	preempt.LocalIrqDisable(t)
	preempt.IrqEnable(t) // by whom the CPU goes to
}

// doExit is the end of do_exit().
func (s *system) doExit(t *schedule.Thread) {
	s.exitNotify(t)
	doTaskDead(t)
}

// doWait is do_wait(), until the only child has been reaped. The thread stays on the queue,
// whoever wakes it.
func (s *system) doWait(t *schedule.Thread) {
	wq := &s.parent.waitChldexit
	wq.AddWaitQueue(t)
	for {
		wait.SetCurrentState(t, wait.TaskInterruptible)
		if s.waitConsiderTask(t) || !wait.Schedule(t) {
			break
		}
	}
	wait.SetCurrentState(t, wait.TaskRunning)
	wq.RemoveWaitQueue(t)
}

// waitConsiderTask is wait_consider_task(): reap the task if it is a zombie. It reports
// false if the task still runs.
func (s *system) waitConsiderTask(t *schedule.Thread) bool {
	s.tasklistLock.Lock(t) // read_lock, of do_wait
	state := s.task.exitState.Cmpxchg(t, exitZombie, exitDead)
	s.tasklistLock.Unlock(t)
	if state == exitZombie { // wait_task_zombie, release_task
		s.__exitSignal(t, &s.task)
	}
	return state != 0
}

// __exitSignal is __exit_signal(), with posix_cpu_timers_exit().
func (s *system) __exitSignal(t *schedule.Thread, tsk *taskStruct) {
	sighand := tsk.sighand.DereferenceRaw(t)
	sighand.siglock.LockIrq(t)
	for timer := tsk.cpuTimers.FirstEntry(t); timer != nil; timer = tsk.cpuTimers.FirstEntry(t) {
		tsk.cpuTimers.DelInit(t, timer) // cleanup_timerqueue
	}
	s.pid.tasks.Assign(t, nil) // __unhash_process
	tsk.sighand.Assign(t, nil)
	sighand.siglock.UnlockIrq(t)
}
