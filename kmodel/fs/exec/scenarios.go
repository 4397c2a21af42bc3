package exec

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mm"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// scenario is a task that calls exec_mmap() and a process, both on one CPU.
type scenario struct {
	name  string
	user  bool // the task has a user's mm, as in an ordinary execve()
	owner bool // else: a process elsewhere has the mm that it borrows
	exits bool // that process exits
	ticks int  // how many may come, and how often the process on the same CPU sleeps
}

var scenarios = []scenario{
	{name: "exec_mmap-vs-schedule", ticks: 2},
	{name: "exec_mmap-vs-schedule-owner", owner: true, ticks: 2},
	{name: "exec_mmap-vs-schedule-user", user: true, ticks: 2},
	{name: "exec_mmap-vs-exit_mm", owner: true, exits: true, ticks: 1},
}

// instance builds the scenario over s.
func (sc *scenario) instance(s *system) program.Instance { return sc.fixed(s, sc.starters(s)) }

// fixed is an instance whose threads start creates.
func (sc *scenario) fixed(s *system, start []func(e *schedule.Exec)) program.Instance {
	begin := func(e *schedule.Exec) {
		sc.boot(s, e, 1)
		for _, f := range start {
			f(e)
		}
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// boot is what is there before the first step, for so many calls of exec_mmap(). The helper
// runs.
func (sc *scenario) boot(s *system, e *schedule.Exec, execs int) {
	e.Static(&s.rq.Object, 0)
	for i := range s.tasks {
		e.Static(&s.tasks[i].Object, 0)
	}
	for i := range s.mms {
		s.mms[i] = nil
		if i < binprmMm+execs {
			s.mms[i] = s.space.Boot(e, 1)
		}
	}
	old := s.mms[oldMm]
	s.tasks[helper].activeMm.Init(old)
	switch {
	case sc.user:
		s.tasks[helper].mm.Init(old)
	case sc.owner:
		s.bootUser(owner, oldMm)
		old.MmCount.Init(2)
	default:
		old.MmUsers.Init(0)
	}
	s.bootUser(process, otherMm)
	s.rq.curr.Put(&s.tasks[helper])
	s.rq.ticks.Init(sc.ticks)
}

func (s *system) bootUser(tsk, m int) {
	s.tasks[tsk].mm.Init(s.mms[m])
	s.tasks[tsk].activeMm.Init(s.mms[m])
}

// starters returns the functions that create the threads, whose order must not matter to
// anything but their numbers.
func (sc *scenario) starters(s *system) []func(e *schedule.Exec) {
	start := []func(e *schedule.Exec){
		s.goTask(helper, s.helper_),
		s.goTask(process, func(t *schedule.Thread) { s.process_(t, sc.ticks) }),
	}
	if sc.exits {
		exit := s.owner_
		start = append(start, func(e *schedule.Exec) { e.Go(names[owner], exit) })
	}
	return start
}

// ticks are the names of the agents.
var ticks = [...]string{"tick helper", "tick process"}

// goTask returns a function that creates a task of the CPU and its tick.
func (s *system) goTask(i int, body func(t *schedule.Thread)) func(e *schedule.Exec) {
	return func(e *schedule.Exec) {
		tsk := &s.tasks[i]
		tsk.thread = e.Go(names[i], body)
		e.Handler(ticks[i], tsk.thread.CPU(), &tsk.tick)
	}
}

// helper_ becomes a process, and waits for the other one to exit.
func (s *system) helper_(t *schedule.Thread) {
	tsk := &s.tasks[helper]
	s.execMmap(t, tsk, s.mms[binprmMm])
	for s.schedule(t, tsk) {
	}
}

// process_ sleeps a few times and exits.
func (s *system) process_(t *schedule.Thread, sleeps int) {
	tsk := &s.tasks[process]
	s.scheduleTail(t, tsk)
	for range sleeps {
		s.schedule(t, tsk)
	}
	s.exitMm(t, tsk)
	s.doTaskDead(t, tsk)
}

// owner_ exits, and its CPU goes on to another process.
func (s *system) owner_(t *schedule.Thread) {
	tsk := &s.tasks[owner]
	s.exitMm(t, tsk)
	tsk.contextSwitch(t)
}

// contextSwitch is context_switch() on a CPU of its own, from a task that is dead to another
// process.
func (tsk *task) contextSwitch(t *schedule.Thread) {
	lazy := tsk.activeMm.Read(t)
	tsk.activeMm.Write(t, nil)
	finishTaskSwitch(t, lazy)
}

// finishTaskSwitch is what finish_task_switch() does after that.
func finishTaskSwitch(t *schedule.Thread, lazy *mm.Struct) { lazy.Mmdrop(t) }

// abstract gives a word for each mm: whether it is freed, how its counts stand, and what
// the tasks of the CPU have to do with it. Which mm and which task it is is left out.
func (s *system) abstract(_ *schedule.Exec, hit func(uint64)) {
	for _, m := range s.mms {
		if m == nil {
			continue
		}
		counts := 4 | min(m.MmUsers.Peek(), 3)
		counts = counts<<2 | min(m.MmCount.Peek(), 3)
		a, b := &s.tasks[helper], &s.tasks[process]
		hit(program.Word(counts, m.Live(), s.rq.prevMm.Peek() == m,
			a.mm.Peek() == m, a.activeMm.Peek() == m, s.rq.curr.Get() == a,
			b.mm.Peek() == m, b.activeMm.Peek() == m, s.rq.curr.Get() == b))
	}
}
