package posixcputimers

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 3 // of the parent
	maxCalls   = 2
	maxTimers  = 2
	maxTicks   = 2
)

// zombieVsDelete is a task that is a zombie from the start.
func zombieVsDelete(s *system) program.Instance { return fixed(s, true) }

// exitVsDelete is one that exits.
func exitVsDelete(s *system) program.Instance { return fixed(s, false) }

// fixed is a task that exits, a tick on its CPU, and a parent of which one thread waits for
// the task and another deletes a timer.
func fixed(s *system, zombie bool) program.Instance {
	wait := s.doWait
	del := func(t *schedule.Thread) { s.timerDelete(t, 0) }
	begin := func(e *schedule.Exec) {
		s.boot(e, 1)
		task := s.bootTask(e, zombie)
		e.Go("wait4", wait)
		e.Go("timer_delete", del)
		s.bootAgents(e, task, 1)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// workload is a program whose threads and calls the tape chooses before the schedule: a
// task that is a zombie from the start or not, its timers, the most ticks that come, and a
// parent of 2 or 3 threads with 1 or 2 calls each. A call is a wait, or the deletion of one
// of the timers.
type workload struct {
	*system
	*program.Workload[int] // 0: wait4; else the id and 1
}

func newWorkload(s *system) program.Instance {
	w := &workload{system: s}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	w.boot(e, 1+w.Choose(e, maxTimers))
	task := w.bootTask(e, w.Choose(e, 2) == 0)
	ticks := 1 + w.Choose(e, maxTicks)
	for i := range w.Threads(e) {
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = w.Choose(e, 1+maxTimers)
		}
		w.Go(e, i)
	}
	w.bootAgents(e, task, ticks)
}

// run_ makes the calls of a thread.
func (w *workload) run_(t *schedule.Thread, _ int, calls []int) {
	for j, call := range calls {
		if call == 0 {
			w.doWait(t)
		} else {
			w.timerDelete(t, call-1)
		}
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
}

// abstract gives the Go fuzzer a word for each timer: whether it is freed, found, on a list
// and firing, what is locked, and how far the task has come.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	for _, timer := range s.kItimers.InUse(e) {
		hit(program.Word(s.task.exitState.Peek(),
			timer.Live(), s.posixTimers.timer[timer.itID.Peek()].Peek() == timer,
			timer.firing.Peek() != 0, s.firing.Peek() == timer, timer.itLock.IsLocked(),
			s.sighand.siglock.IsLocked(), s.task.sighand.Peek() == nil))
	}
}
