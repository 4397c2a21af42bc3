package super

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 4
	maxCalls   = 4
	maxDevs    = 2
	maxMemcgs  = 3
)

// callKind is what a thread does.
type callKind uint8

const (
	callUmount  callKind = iota // what it has mounted
	callIterate                 // iterate_supers
	callMount                   // unless it has mounted something
	callOnline                  // a memory cgroup
	callOffline
	numCalls
)

type call struct {
	kind callKind
	arg  int // device or memory cgroup
}

// workload is a program whose threads and calls the tape chooses before the schedule: 2
// to 4 threads with 1 to 4 calls each, over two devices, of which each thread has mounted
// one at a time, from the start or not.
type workload struct {
	*system
	*program.Workload[call]
}

func newWorkload(s *system) program.Instance {
	w := &workload{system: s}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	threads := w.Threads(e)
	w.boot(e, w.Choose(e, 2))
	for i := range threads {
		if dev := w.Choose(e, 1+maxDevs); dev > 0 {
			w.bootMount(e, i, dev)
		}
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = w.chooseCall(e)
		}
		w.Go(e, i)
	}
	w.bootAgents(e)
}

func (w *workload) chooseCall(e *schedule.Exec) call {
	switch kind := callKind(w.Choose(e, int(numCalls))); kind {
	case callMount:
		return call{kind, 1 + w.Choose(e, maxDevs)}
	case callOnline, callOffline:
		return call{kind, w.Choose(e, maxMemcgs)}
	default:
		return call{kind, 0}
	}
}

// run_ makes the calls of thread i.
func (w *workload) run_(t *schedule.Thread, i int, calls []call) {
	for j, c := range calls {
		w.call_(t, i, c)
		t.Forget(uint64(j))
	}
}

// call_ makes a call of thread i. Nobody else changes what it has mounted.
func (w *workload) call_(t *schedule.Thread, i int, c call) {
	mounted := w.mounts.sb[i].Peek() != nil
	switch {
	case c.kind == callUmount && mounted:
		w.umount(t, i)
	case c.kind == callMount && !mounted:
		w.mounts.sb[i].Write(t, w.mount(t, c.arg))
	case c.kind == callIterate:
		w.iterateSupers(t)
	case c.kind == callOnline:
		w.lrus.Online_(t, c.arg)
	case c.kind == callOffline:
		w.lrus.Offline_(t, c.arg)
	}
}
