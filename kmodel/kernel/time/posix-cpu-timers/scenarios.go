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

var scenarios = []struct {
	name     string
	workload bool
	instance func(s *system) program.Instance
}{
	{"zombie-vs-delete", false, func(s *system) program.Instance { return fixed(s, true) }},
	{"exit-vs-delete", false, func(s *system) program.Instance { return fixed(s, false) }},
	{"workload", true, func(s *system) program.Instance { return newWorkload(s).instance() }},
}

// fixed is a task that exits, a tick on its CPU, and a parent of which one thread waits for
// the task and another deletes a timer. The task may be a zombie from the start.
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
	choose func(e *schedule.Exec, n int) int // Exec.Choose, except in tests
	calls  [maxThreads][maxCalls]int         // 0: wait4; else the id and 1
	n      [maxThreads]int
	bodies [maxThreads]func(t *schedule.Thread)
}

func newWorkload(s *system) *workload {
	w := &workload{system: s, choose: (*schedule.Exec).Choose}
	for i := range w.bodies {
		w.bodies[i] = func(t *schedule.Thread) { w.run_(t, i) }
	}
	return w
}

func (w *workload) instance() program.Instance {
	return program.Instance{Begin: w.begin, Abstract: w.abstract}
}

func (w *workload) begin(e *schedule.Exec) {
	w.boot(e, 1+w.choose(e, maxTimers))
	task := w.bootTask(e, w.choose(e, 2) == 0)
	ticks := 1 + w.choose(e, maxTicks)
	for i := range 2 + w.choose(e, maxThreads-1) {
		w.n[i] = 1 + w.choose(e, maxCalls)
		e.CountCalls(w.n[i])
		for j := range w.n[i] {
			w.calls[i][j] = w.choose(e, 1+maxTimers)
		}
		e.Go([maxThreads]string{"A", "B", "C"}[i], w.bodies[i])
	}
	w.bootAgents(e, task, ticks)
}

// run_ makes the calls of thread i. Its name ends in an underscore because it is no
// function of the kernel.
func (w *workload) run_(t *schedule.Thread, i int) {
	for j, call := range w.calls[i][:w.n[i]] {
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
		word := uint64(s.task.exitState.Peek())
		for _, b := range []bool{
			timer.Live(), s.posixTimers.timer[timer.itID.Peek()].Peek() == timer,
			timer.firing.Peek() != 0, s.firing.Peek() == timer, timer.itLock.IsLocked(),
			s.sighand.siglock.IsLocked(), s.task.sighand.Peek() == nil,
		} {
			word <<= 1
			if b {
				word |= 1
			}
		}
		hit(word)
	}
}
