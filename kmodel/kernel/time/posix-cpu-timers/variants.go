package posixcputimers

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/global"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/interrupt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// exitState is f90fff1e152d, applied to the code of 5.10: no tick handles the timers of a
// task that is dead.
const exitState program.Changes = 1

// freed is the tick that sends the signal of a timer which has been deleted.
func freed(preemptions int) []program.Expect {
	return []program.Expect{program.Fails(schedule.UseAfterFree, preemptions)}
}

var model = program.Model[*system]{
	Object: "kernel/time/posix-cpu-timers",
	Variants: []program.Variant{
		{Name: "5.10", Versions: "5.10-5.10.238",
			About: "a tick handles the timers of a task that may be reaped meanwhile"},
		{Name: "5.10.239", Versions: "5.10.239", Changes: exitState,
			About: "f90fff1e152d: it returns if the task is dead"},
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "zombie-vs-delete", New: zombieVsDelete},
		{Name: "exit-vs-delete", New: exitVsDelete},
	},
	Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
	Expected: program.Table{
		"zombie-vs-delete": {"5.10": freed(1)},
		"exit-vs-delete":   {"5.10": freed(2)},
		"workload":         {"5.10": freed(1)},
	},
	System: newSystem,
}

// Programs returns all programs.
func Programs() []program.Program { return model.Programs() }

// firing is the local list of handle_posix_cpu_timers().
type firing struct {
	schedule.Object
	list.Head[*kItimer]
}

// sighandStruct is struct sighand_struct.
type sighandStruct struct {
	schedule.Object
	siglock spin.Lock
}

// pid is struct pid.
type pid struct {
	schedule.Object
	tasks rcu.Ptr[*taskStruct]
}

// signal is the part of struct signal_struct that the parent sleeps on.
type signal struct {
	schedule.Object
	waitChldexit wait.Queue
}

// posixTimersHashtable is posix_timers_hashtable, by id.
type posixTimersHashtable struct {
	schedule.Object
	timer [maxTimers]rcu.Ptr[*kItimer]
}

// system is what the threads of a program share.
type system struct {
	program.Changes
	program.Globals
	posixTimers  posixTimersHashtable
	task         taskStruct               // whose CPU time the timers are of
	exit         func(t *schedule.Thread) // doExit, bound once
	tasklistLock global.Spin
	sighand      sighandStruct
	pid          pid
	parent       signal
	firing       firing
	kItimers     *slab.Cache[kItimer, *kItimer]
	sigqueues    *slab.Cache[sigqueue, *sigqueue]
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	s.Global(&s.posixTimers, "posix_timers_hashtable")
	s.Global(&s.task, "task")
	s.Global(&s.tasklistLock, "tasklist_lock")
	s.Global(&s.sighand, "sighand")
	s.Global(&s.pid, "pid")
	s.Global(&s.parent, "parent")
	s.Global(&s.firing, "firing")
	s.exit = s.doExit
	s.task.tick.Init(s.runPosixCPUTimers)
	s.kItimers = slab.NewCache("timer", func(timer *kItimer) {
		timer.rcu.Init(timer.kItimerRcuFree)
		timer.retry = retry{s, timer}
	})
	s.sigqueues = slab.NewCache[sigqueue]("sigq", nil)
	return s
}

// boot begins an execution with a task that has n timers.
func (s *system) boot(e *schedule.Exec, n int) {
	s.BootGlobals(e)
	s.task.sighand.Init(&s.sighand)
	s.pid.tasks.Init(&s.task)
	for i := range n {
		timer := s.kItimers.AllocBoot(e)
		timer.itID.Init(i)
		timer.itSignal.Init(1)
		timer.sigq.Init(s.sigqueues.AllocBoot(e))
		s.posixTimers.timer[i].Init(timer)
		s.task.cpuTimers.Init(timer)
	}
}

// bootTask creates the task, which is about to exit or a zombie already.
func (s *system) bootTask(e *schedule.Exec, zombie bool) *schedule.Thread {
	if zombie {
		s.task.exitState.Init(exitZombie)
		return e.Go("exit", doTaskDead)
	}
	return e.Go("exit", s.exit)
}

// bootAgents creates the tick on the CPU of the task, and the softirq. They come after the
// threads, so that where the schedule says nothing they wait until these have finished or
// sleep.
func (s *system) bootAgents(e *schedule.Exec, task *schedule.Thread, ticks int) {
	interrupt.Boot(e, "tick", &s.task.tick, task, ticks)
	rcu.Boot(e, rcu.Merged)
}
