package namespace

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/percpu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 3
	maxCalls   = 2
)

// closeVsFchdir is a mount that is in no namespace any more, with two open directories: one is
// closed, and the other is the pwd for a moment, of a thread that migrates from CPU 0 to 1
// meanwhile, and then looked at, and closed.
func closeVsFchdir(s *system) program.Instance {
	var mnt *mount
	closeFile := func(t *schedule.Thread) { s.mntput(t, mnt, 2) }
	fchdir := func(t *schedule.Thread) {
		s.sysFchdir(t, mnt, 0, 0)
		s.sysFchdir(t, nil, 1, 1)
		mnt.sysNewfstat(t)
		s.mntput(t, mnt, 1)
	}
	begin := func(e *schedule.Exec) {
		mnt = s.boot(e, 2)
		e.Go("close", closeFile)
		e.Go("fchdir", fchdir)
		s.bootAgents(e)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// statVsFchdir is a mount that is in no namespace any more and has nobody but the pwd: a
// path walk from there, against leaving it.
func statVsFchdir(s *system) program.Instance {
	stat := func(t *schedule.Thread) { s.sysNewstat(t, 0, 0) }
	fchdir := func(t *schedule.Thread) { s.sysFchdir(t, nil, 1, 1) }
	begin := func(e *schedule.Exec) {
		s.bootPwd(s.boot(e, 0))
		e.Go("stat", stat)
		e.Go("fchdir", fchdir)
		s.bootAgents(e)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// What a thread does in a call.
const (
	callFchdir = iota // to its open directory
	callStat
	callLeave // fchdir() to another mount
	callUmount
	numCalls
)

// workload is a program whose threads and calls the tape chooses before the schedule: 2 or
// 3 tasks with 1 or 2 calls each, which may migrate to the next CPU in the middle. Each may
// have a directory of the mount open, which it closes last. The mount may be in a namespace, and
// the pwd that they share may be there.
type workload struct {
	*system
	*program.Workload[int] // of calls, twice; odd if the thread migrates
	mnt                    *mount
	file                   [maxThreads]bool
}

func newWorkload(s *system) program.Instance {
	w := &workload{system: s}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	threads := w.Threads(e)
	pwd, mounted, files := w.Choose(e, 2) == 0, w.Choose(e, 2) > 0, 0
	for i := range threads {
		if w.file[i] = w.Choose(e, 2) == 0; w.file[i] {
			files++
		}
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = w.Choose(e, numCalls*2)
		}
	}
	w.mnt = w.boot(e, files)
	if pwd || files == 0 { // somebody has it
		w.bootPwd(w.mnt)
	}
	if mounted {
		w.bootMounted(w.mnt)
	}
	for i := range threads {
		w.Go(e, i)
	}
	w.bootAgents(e)
}

// run_ makes the calls of thread i.
func (w *workload) run_(t *schedule.Thread, i int, calls []int) {
	cpu := i
	for j, call := range calls {
		then := (cpu + call%2) % percpu.MaxCPUs
		switch call / 2 {
		case callFchdir:
			if w.file[i] {
				w.sysFchdir(t, w.mnt, cpu, then)
			}
		case callStat:
			w.sysNewstat(t, cpu, then)
		case callLeave:
			w.sysFchdir(t, nil, cpu, then)
		case callUmount:
			w.doUmount(t, then)
		}
		cpu = then
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
	if w.file[i] {
		w.mnt.sysNewfstat(t)
		w.mntput(t, w.mnt, cpu)
	}
}

// abstract gives the Go fuzzer a word for the mount: whether it and its filesystem are
// freed, how it stands on each CPU, who else has it, and what is locked.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	for i, mnt := range s.mounts.InUse(e) {
		counts := int(mnt.mntCount.Sum()&7)<<2 | int(mnt.mntFlags.Peek()&1)<<1
		hit(program.Word(counts,
			mnt.Live(), s.supers.InUse(e)[i].Live(), mnt.mntNs.Peek() != 0,
			s.fs.pwd.Peek() == mnt, s.mountLock.IsLocked(), rcu.Readers(e)))
	}
}
