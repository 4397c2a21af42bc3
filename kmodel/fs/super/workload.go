package super

import "github.com/kschedfuzz/kschedfuzz/schedule"

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
	choose func(e *schedule.Exec, n int) int // Exec.Choose, except in tests
	calls  [maxThreads][maxCalls]call
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

// names of the threads.
var names = [maxThreads]string{"A", "B", "C", "D"}

func (w *workload) begin(e *schedule.Exec) {
	threads := 2 + w.choose(e, maxThreads-1)
	e.CountCalls(threads) // each makes one, and perhaps more
	w.boot(e, w.choose(e, 2))
	for i := range threads {
		if dev := w.choose(e, 1+maxDevs); dev > 0 {
			w.bootMount(e, i, dev)
		}
		w.n[i] = 1 + w.choose(e, maxCalls)
		e.CountCalls(w.n[i] - 1)
		for j := range w.n[i] {
			w.calls[i][j] = w.chooseCall(e)
		}
		e.Go(names[i], w.bodies[i])
	}
	w.bootAgents(e)
}

func (w *workload) chooseCall(e *schedule.Exec) call {
	switch kind := callKind(w.choose(e, int(numCalls))); kind {
	case callMount:
		return call{kind, 1 + w.choose(e, maxDevs)}
	case callOnline, callOffline:
		return call{kind, w.choose(e, maxMemcgs)}
	default:
		return call{kind, 0}
	}
}

// run_ makes the calls of thread i.
func (w *workload) run_(t *schedule.Thread, i int) {
	for j := range w.n[i] {
		w.call_(t, i, w.calls[i][j])
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
