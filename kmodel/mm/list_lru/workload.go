package listlru

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

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
	*program.Workload[call]
}

func newWorkload(s *system) program.Instance {
	w := &workload{system: s}
	s.drained = true
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	threads := w.Threads(e)
	size := [...]int{1, 0, 2}[w.Choose(e, 3)]
	w.mayFail = w.Choose(e, 2) == 1
	w.boot(e, size)
	for i := range threads {
		if w.Choose(e, 2) == 0 { // mounted
			w.bootLru(e, i)
			if size > 0 {
				w.bootItem(i)
			}
		}
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = call{kind: callKind(w.Choose(e, int(numCalls)))}
			switch calls[j].kind {
			case callOnline, callOffline, callAdd:
				calls[j].memcg = w.Choose(e, maxMemcgs)
			}
		}
		w.Go(e, i)
	}
}

// run_ makes the calls of thread i.
func (w *workload) run_(t *schedule.Thread, i int, calls []call) {
	for j, c := range calls {
		w.call_(t, i, c)
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
