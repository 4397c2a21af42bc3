package kthread

import (
	mm "github.com/kschedfuzz/kschedfuzz/kmodel/linux/mmu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/smp"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = smp.MaxCPUs
	maxCalls   = 4
)

// role is what a thread is.
type role uint8

const (
	worker  role = iota // a kernel thread that may use the mm
	process             // a thread of the process
	numRoles
)

// callKind is what a thread does, by its role.
type callKind uint8

// The calls of a process.
const (
	callMunmap callKind = iota
	callLoad
	callMmap
	callMadvise
	numProcessCalls
)

// The calls of a worker.
const (
	callRead     callKind = iota // use the mm, read a page twice, unuse it
	callReadBoth                 // as callRead, and the other page in between
	callReclaim                  // unmap a page, as reclaim does
	numWorkerCalls
)

type call struct {
	kind callKind
	page int
}

// workload is a program whose threads and calls the tape chooses before the schedule: 2
// to 4 CPUs, on the first a thread of the process, on each other another one or a kernel
// thread, or nobody; up to 4 calls each. A CPU without a thread of the process may be in
// the mask from the start.
type workload struct {
	*system
	*program.Workload[call]
	role [maxThreads]role
}

func newWorkload(s *system) program.Instance {
	w := &workload{system: s}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	cpus := w.Share(e)
	w.Boot(e, cpus)
	users := 0
	for i := range cpus {
		w.role[i] = process
		if i > 0 {
			w.role[i] = role(w.Choose(e, int(numRoles)))
		}
		calls := w.CallsOrNone(e, i)
		for j := range calls {
			calls[j] = w.chooseCall(e, w.role[i])
		}
		switch {
		case w.role[i] == process:
			users++
			w.CPUs[i].BootUser()
		case w.Choose(e, 2) == 1:
			w.CPUs[i].BootLazy()
		}
		if len(calls) > 0 {
			smp.Place(e, w.Go(e, i), i)
		}
	}
	w.Mm.MmUsers.Init(users)
	smp.Boot(e, cpus)
}

func (w *workload) chooseCall(e *schedule.Exec, r role) call {
	n := numWorkerCalls
	if r == process {
		n = numProcessCalls
	}
	kind := callKind(w.Choose(e, int(n)))
	return call{kind, w.Choose(e, mm.Pages)}
}

// run_ makes the calls of thread i.
func (w *workload) run_(t *schedule.Thread, i int, calls []call) {
	for j, c := range calls {
		if w.role[i] == process {
			w.processCall_(t, c)
		} else {
			w.workerCall_(t, c)
		}
		t.Forget(uint64(j))
	}
}

func (w *workload) processCall_(t *schedule.Thread, c call) {
	switch c.kind {
	case callMunmap:
		w.__vmMunmap(t, c.page)
	case callLoad:
		w.copyFromUser(t, c.page)
	case callMadvise:
		w.doMadvise(t, c.page)
	case callMmap:
		w.vmMmapPgoff(t, c.page)
	}
}

func (w *workload) workerCall_(t *schedule.Thread, c call) {
	if c.kind == callReclaim {
		w.tryToUnmap(t, c.page)
		return
	}
	if !w.ioSqThreadAcquireMm(t) {
		return
	}
	w.copyFromUser(t, c.page)
	if c.kind == callReadBoth {
		w.copyFromUser(t, (c.page+1)%mm.Pages)
	}
	w.copyFromUser(t, c.page)
	w.ioSqThreadDropMm(t)
}
