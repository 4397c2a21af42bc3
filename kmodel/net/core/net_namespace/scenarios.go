package netnamespace

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 3
	maxCalls   = 2
	maxNets    = 2
)

// newlinkVsExit is a lookup of a namespace against the exit of the only task that is in it.
func newlinkVsExit(s *system) program.Instance {
	newlink := func(t *schedule.Thread) { s.rtnlNewlink(t, 0) }
	exit := func(t *schedule.Thread) { s.exitTaskNamespaces(t, 1) }
	begin := func(e *schedule.Exec) {
		s.BootGlobals(e)
		s.bootTask(e, 1, 0)
		e.Go("newlink", newlink)
		e.Go("exit", exit)
		s.bootAgents(e)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// A workload is a program whose threads and calls the tape chooses before the schedule: 2
// or 3 tasks with 1 or 2 calls each, and which namespace each is in, if any but init_net.
// A call is an exit, or a lookup of one of the ids.
type workload struct {
	*system
	*program.Workload[int] // 0: exit; else the id and 1
}

func newWorkload(s *system) program.Instance {
	w := &workload{system: s}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	w.BootGlobals(e)
	for i := range w.Threads(e) {
		if in := w.Choose(e, 1+maxNets); in > 0 {
			w.bootTask(e, i, in-1)
		}
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = w.Choose(e, 1+maxNets)
		}
		w.Go(e, i)
	}
	w.bootAgents(e)
}

// run_ makes the calls of thread i.
func (w *workload) run_(t *schedule.Thread, i int, calls []int) {
	for j, call := range calls {
		if call == 0 {
			w.exitTaskNamespaces(t, i)
		} else {
			w.rtnlNewlink(t, call-1)
		}
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
}

// abstract gives the Go fuzzer a word for each namespace: whether it is freed, found, and
// queued, how its count stands, and what is locked.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	for _, n := range s.cache.InUse(e) {
		hit(program.Word(min(max(n.count.Peek(), 0), 3),
			n.Live(), s.initNet.netnsIds[n.nsid.Peek()].Peek() == n, s.cleanup.Peek() == n,
			s.rtnlMutex.IsLocked(), s.initNet.nsidLock.IsLocked()))
	}
}
