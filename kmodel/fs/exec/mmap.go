package exec

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mm"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// system is what the threads of a program share.
type system struct {
	program.Changes
	rq    rq
	tasks [numTasks]task
	space *mm.Space
	mms   [binprmMm + maxExecs]*mm.Struct
}

// The tasks. The first two share a CPU.
const (
	helper = iota // call_usermodehelper(), which is about to call kernel_execve()
	process
	owner // of the old mm, on a CPU of its own
	numTasks
)

// The address spaces.
const (
	oldMm    = iota // that of the helper before
	otherMm         // that of the process
	binprmMm        // that of the helper after: bprm->mm; and those of more execs
)

// maxExecs is how often exec_mmap() may be called, by the helper and the process.
const maxExecs = 2 * maxCalls

// names of the tasks in traces.
var names = [numTasks]string{"helper", "process", "owner"}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c, space: mm.NewSpace()}
	s.rq.Bind(&s.rq, "rq")
	for i := range s.tasks {
		tsk := &s.tasks[i]
		tsk.Bind(tsk, names[i])
		tsk.gate = running{&s.rq, tsk}
		tsk.tick = tick{s, tsk}
	}
	s.tasks[helper].other = &s.tasks[process]
	s.tasks[process].other = &s.tasks[helper]
	return s
}

// execMmap is exec_mmap().
func (s *system) execMmap(t *schedule.Thread, tsk *task, m *mm.Struct) {
	old := tsk.mm.Read(t)
	s.taskLock(t, tsk)
	if s.Has(irqsOff) {
		preempt.IrqDisable(t)
	}
	activeMm := tsk.activeMm.Read(t)
	if s.Has(irqsOff | activeFirst) {
		tsk.activeMm.Write(t, m)
		tsk.mm.Write(t, m)
	} else {
		tsk.mm.Write(t, m)
		tsk.activeMm.Write(t, m)
	}
	if s.Has(irqsOff) {
		preempt.IrqEnable(t)
	}
	// activate_mm()
	s.taskUnlock(t, tsk)
	if old != nil {
		mmput(t, old)
		return
	}
	activeMm.Mmdrop(t)
}
