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

var scenarios = []struct {
	name     string
	workload bool
	instance func(s *system) program.Instance
}{
	{"newlink-vs-exit", false, newlinkVsExit},
	{"workload", true, func(s *system) program.Instance { return newWorkload(s).instance() }},
}

// newlinkVsExit is a lookup of a namespace against the exit of the only task that is in it.
func newlinkVsExit(s *system) program.Instance {
	newlink := func(t *schedule.Thread) { s.rtnlNewlink(t, 0) }
	exit := func(t *schedule.Thread) { s.exitTaskNamespaces(t, 1) }
	begin := func(e *schedule.Exec) {
		s.boot(e)
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
	choose func(e *schedule.Exec, n int) int // Exec.Choose, except in tests
	calls  [maxThreads][maxCalls]int         // 0: exit; else the id and 1
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
	w.boot(e)
	for i := range 2 + w.choose(e, maxThreads-1) {
		if in := w.choose(e, 1+maxNets); in > 0 {
			w.bootTask(e, i, in-1)
		}
		w.n[i] = 1 + w.choose(e, maxCalls)
		e.CountCalls(w.n[i])
		for j := range w.n[i] {
			w.calls[i][j] = w.choose(e, 1+maxNets)
		}
		e.Go([maxThreads]string{"A", "B", "C"}[i], w.bodies[i])
	}
	w.bootAgents(e)
}

// run_ makes the calls of thread i. Its name ends in an underscore because it is no
// function of the kernel.
func (w *workload) run_(t *schedule.Thread, i int) {
	for j, call := range w.calls[i][:w.n[i]] {
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
		word := uint64(min(max(n.count.Peek(), 0), 3))
		for _, b := range []bool{
			n.Live(), s.initNet.netnsIds[n.nsid.Peek()].Peek() == n, s.cleanup.Peek() == n,
			s.rtnlMutex.IsLocked(), s.initNet.nsidLock.IsLocked(),
		} {
			word <<= 1
			if b {
				word |= 1
			}
		}
		hit(word)
	}
}
