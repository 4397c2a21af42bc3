package exec

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxCalls = 2 // of each task
	maxTicks = 2
)

// A call is an exec, to this mm; or, if that is 0, a sleep.
type call struct{ mm int }

// workload is the helper and the process, with 1 or 2 calls each, ticks, and who else has the
// mm that the helper borrows: nobody, or a process that exits, or that does not; or the
// helper has it itself. The process exits in the end, and the helper waits for that.
type workload struct {
	*system
	*program.Workload[call]
	sc                     scenario // what there is before the first step
	helper, process, owner func(e *schedule.Exec)
}

func newWorkload(s *system) program.Instance {
	w := &workload{system: s}
	w.Workload = program.NewWorkload(2, maxCalls, w.run_)
	w.helper = s.goTask(helper, w.Body(helper))
	w.process = s.goTask(process, w.Body(process))
	exit := s.owner_
	w.owner = func(e *schedule.Exec) { e.Go(names[owner], exit) }
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	who := w.Choose(e, 4)
	w.sc = scenario{owner: who == 1 || who == 2, exits: who == 2, user: who == 3,
		ticks: 1 + w.Choose(e, maxTicks)}
	execs := 0
	for i := range process + 1 {
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = call{}
			if w.Choose(e, 2) == 0 {
				calls[j].mm = binprmMm + execs
				execs++
			}
		}
	}
	w.sc.boot(w.system, e, execs)
	w.helper(e)
	w.process(e)
	if w.sc.exits {
		w.owner(e)
	}
}

// run_ makes the calls of a task.
func (w *workload) run_(t *schedule.Thread, i int, calls []call) {
	tsk := &w.tasks[i]
	if i == process {
		w.scheduleTail(t, tsk)
	}
	for j, c := range calls {
		if c.mm != 0 {
			w.execMmap(t, tsk, w.mms[c.mm])
		} else {
			w.schedule(t, tsk)
		}
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
	if i == process {
		w.exitMm(t, tsk)
		w.doTaskDead(t, tsk)
		return
	}
	for w.schedule(t, tsk) {
	}
}
