package listlru

import "github.com/kschedfuzz/kschedfuzz/schedule"

// The most of everything that a workload has.
const (
	maxThreads = 4 // each with a mount of its own
	maxCalls   = 4
)

// callKind is what a thread does.
type callKind uint8

const (
	callUmount  callKind = iota // its own file system, if mounted
	callOnline                  // a new memory cgroup
	callOffline                 // the oldest cgroup that is online
	callAdd                     // an item of a cgroup to its own file system
	callMount                   // its own file system, unless mounted
	numCalls
)

type call struct {
	kind  callKind
	memcg int
}

// workload is a program whose threads and calls the tape chooses before the schedule: 2
// to 4 threads with 1 to 4 calls each. Every thread has a file system of its own, mounted
// or not, because nobody uses a list_lru that is being destroyed; the cgroups are
// everybody's.
type workload struct {
	*system
	choose func(e *schedule.Exec, n int) int // Exec.Choose, except in tests
	calls  [maxThreads][maxCalls]call
	n      [maxThreads]int
	bodies [maxThreads]func(t *schedule.Thread)
}

func newWorkload(s *system) *workload {
	w := &workload{system: s, choose: (*schedule.Exec).Choose}
	s.drained = true
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
	size := [...]int{1, 0, 2}[w.choose(e, 3)]
	w.mayFail = w.choose(e, 2) == 1
	w.boot(e, size)
	for i := range threads {
		if w.choose(e, 2) == 0 { // mounted
			w.bootLru(e, i)
			if size > 0 {
				w.bootItem(i)
			}
		}
		w.n[i] = 1 + w.choose(e, maxCalls)
		e.CountCalls(w.n[i] - 1)
		for j := range w.n[i] {
			c := &w.calls[i][j]
			c.kind = callKind(w.choose(e, int(numCalls)))
			c.memcg = 0
			if c.kind == callOnline || c.kind == callOffline || c.kind == callAdd {
				c.memcg = w.choose(e, maxMemcgs)
			}
		}
		e.Go(names[i], w.bodies[i])
	}
}

// run_ makes the calls of thread i.
func (w *workload) run_(t *schedule.Thread, i int) {
	for j := range w.n[i] {
		w.call_(t, i, w.calls[i][j])
		t.Forget(uint64(j))
	}
}

// call_ makes a call of thread i. Nobody else changes its mount.
func (w *workload) call_(t *schedule.Thread, i int, c call) {
	lru := w.mounts.lru[i].Peek()
	memcg := &w.memcgs[c.memcg]
	switch c.kind {
	case callUmount:
		if lru != nil {
			w.umount(t, i)
		}
	case callMount:
		if lru == nil {
			w.mount(t, i)
		}
	case callAdd:
		if lru != nil {
			w.listLruAdd(t, lru, memcg)
		}
	case callOnline:
		w.online_(t, memcg)
	case callOffline:
		w.offline_(t, memcg)
	}
}
