package kthread

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/smp"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// where a CPU other than that of the process stands at the beginning.
type standing uint8

const (
	absent standing = iota // there is no such CPU
	away                   // not in mm_cpumask
	lazy                   // borrows the mm, with all its translations left over
)

// scenario is a process on CPU 0 that unmaps two pages, one after the other,
// against a worker on CPU 1, and a third CPU; or, if it has no name for the worker,
// whatever the tape says.
type scenario struct {
	name    string
	worker  string
	cpu1    standing
	cpu2    standing
	mmget   bool // the worker's mm_users was got for it beforehand, by mmget()
	reclaim bool // CPU 2 unmaps too, else it is idle
	loads   bool // the process reads its last page before and after
	hotplug bool // CPU 1 goes offline and comes back before the worker runs there
	exec    bool // the worker becomes a process of its own
}

var scenarios = []scenario{
	{name: "kthread_use_mm-vs-munmap", worker: "io_uring", cpu1: away},
	{name: "kthread_use_mm-vs-munmap-lazy", worker: "io_uring", cpu1: lazy},
	{name: "kthread_use_mm-vs-munmap-third", worker: "io_uring", cpu1: away, cpu2: lazy},
	{name: "mmget-vs-munmap", worker: "io_uring", cpu1: away, mmget: true},
	{name: "mmget-vs-munmap-lazy", worker: "io_uring", cpu1: lazy, mmget: true},
	{name: "madvise-vs-reclaim", worker: "io_uring", cpu1: lazy, cpu2: away, reclaim: true},
	{name: "madvise-vs-reclaim-lazy", cpu1: away, cpu2: lazy, reclaim: true, loads: true},
	{name: "cpu_down-vs-munmap", worker: "cpuhp", cpu1: lazy, hotplug: true},
	{name: "exec_mmap-vs-munmap-lazy", worker: "exec", cpu1: lazy, exec: true},
	{name: "workload"},
}

// workload reports whether the tape chooses what the threads do.
func (sc *scenario) workload() bool { return sc.name == "workload" }

// instance builds the scenario over s.
func (sc *scenario) instance(s *system) program.Instance {
	if sc.workload() {
		return newWorkload(s)
	}
	return sc.fixed(s, sc.starters(s))
}

// fixed is an instance of a fixed scenario whose threads start creates.
func (sc *scenario) fixed(s *system, start []func(e *schedule.Exec)) program.Instance {
	begin := func(e *schedule.Exec) {
		cpus := 2
		if sc.cpu2 != absent {
			cpus = 3
		}
		s.Boot(e, cpus)
		s.CPUs[0].BootUser()
		for i, st := range [...]standing{sc.cpu1, sc.cpu2} {
			if st == lazy {
				s.CPUs[1+i].BootLazy()
			}
		}
		if sc.mmget {
			s.Mm.MmUsers.Init(2)
		}
		if sc.exec {
			s.BootExec(e)
		}
		for _, f := range start {
			f(e)
		}
		smp.Boot(e, cpus)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// starters returns the functions that create the threads of a fixed scenario, whose
// order must not matter to anything but their numbers.
func (sc *scenario) starters(s *system) []func(e *schedule.Exec) {
	process, name := func(t *schedule.Thread) { sc.munmap_(s, t) }, "munmap"
	if sc.reclaim {
		process, name = func(t *schedule.Thread) { sc.madvise_(s, t) }, "madvise"
	}
	start := []func(e *schedule.Exec){
		func(e *schedule.Exec) { smp.Place(e, e.Go(name, process), 0) },
	}
	if sc.worker != "" {
		worker := func(t *schedule.Thread) { sc.worker_(s, t) }
		start = append(start, func(e *schedule.Exec) { smp.Place(e, e.Go(sc.worker, worker), 1) })
	}
	if sc.reclaim {
		reclaim := func(t *schedule.Thread) { sc.reclaim_(s, t) }
		start = append(start, func(e *schedule.Exec) { smp.Place(e, e.Go("kswapd", reclaim), 2) })
	}
	return start
}

func (sc *scenario) munmap_(s *system, t *schedule.Thread) {
	s.__vmMunmap(t, 0)
	s.__vmMunmap(t, 1)
}

// madvise_ is a process that takes two pages away itself, while reclaim, which is without
// mmap_lock, flushes too.
func (sc *scenario) madvise_(s *system, t *schedule.Thread) {
	if sc.loads {
		s.copyFromUser(t, 1)
	}
	s.doMadvise(t, 0)
	s.doMadvise(t, 1)
	if sc.loads {
		s.copyFromUser(t, 1)
	}
}

// reclaim_ unmaps the third page, or, where a worker needs the states, just flushes it.
func (sc *scenario) reclaim_(s *system, t *schedule.Thread) {
	if sc.worker == "" {
		s.tryToUnmap(t, 2)
	} else {
		s.pageMkclean(t, 2)
	}
}

// worker_ reads what is unmapped last at the beginning, to have it in the TLB, and again
// at the end. Against reclaim it reads that page only, and somebody else puts its mm_users,
// later than all of this.
func (sc *scenario) worker_(s *system, t *schedule.Thread) {
	if sc.exec {
		s.execMmap(t)
		return
	}
	if sc.hotplug {
		s.cpuDown(t)
		s.cpuUp(t)
	}
	if sc.mmget {
		s.kthreadUseMm(t)
	} else if !s.ioSqThreadAcquireMm(t) {
		return
	}
	s.copyFromUser(t, 1)
	if !sc.reclaim {
		s.copyFromUser(t, 0)
	}
	s.copyFromUser(t, 1)
	if sc.reclaim {
		s.kthreadUnuseMm(t)
	} else {
		s.ioSqThreadDropMm(t)
	}
}
