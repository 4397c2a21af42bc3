package mmaplock

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 3
	maxCalls   = 2
)

// A call is what a task does.
type call int

const (
	fault call = iota // it touches the page
	munmap
	exec
	mmap
	numCalls
)

// call_ makes a call, and returns the mm that the task has then.
func (s *system) call_(t *schedule.Thread, mm *mmStruct, c call) *mmStruct {
	switch c {
	case fault:
		s.doUserAddrFault(t, mm)
	case munmap:
		s.doVmiMunmap(t, mm)
	case exec:
		return s.execve_(t, mm)
	case mmap:
		s.mmapRegion(t, mm)
	}
	return mm
}

// faultVsMunmap is a fault while another task of the process unmaps the page.
func faultVsMunmap(s *system) program.Instance {
	return s.fixed("munmap", munmap)
}

// faultVsExec is one while a task that shares the mm, as vfork() makes one, unmaps the page, goes
// on with another program, and exits.
func faultVsExec(s *system) program.Instance {
	return s.fixed("child", munmap, exec)
}

// fixed is a program of a task that touches the page, and another. A third has the mm too, and does
// nothing.
func (s *system) fixed(name string, calls ...call) program.Instance {
	body := func(t *schedule.Thread) { s.doUserAddrFault(t, s.task.mm.Peek()) }
	other := func(t *schedule.Thread) {
		mm := s.task.mm.Peek()
		for _, c := range calls {
			mm = s.call_(t, mm, c)
		}
		s.mmput(t, mm)
	}
	begin := func(e *schedule.Exec) {
		s.boot(e, 3)
		s.threads[0] = e.Go("fault", body)
		s.threads[1] = e.Go(name, other)
		rcu.Boot(e, rcu.Merged)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// boot makes a process of so many tasks, which has the page.
func (s *system) boot(e *schedule.Exec, tasks int) {
	s.BootGlobals(e)
	mm := s.mms.AllocBoot(e)
	mm.mmUsers.Init(tasks)
	mm.mmCount.Init(1)
	s.task.mm.Init(mm)
	vma := s.vmAreaCachep.AllocBoot(e)
	vma.vmMm.Init(mm)
	vma.vmLockSeq.Init(-1)
	vma.vmStart.Init(userPage)
	vma.vmRefcnt.Set(1)
	mm.mmMt.Init(vma)
}

// A workload is a program whose tasks and calls the tape chooses before the schedule: 2 or 3 that
// share the mm, with 1 or 2 calls each, and one more that does nothing.
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
	w.boot(e, threads+1)
	for i := range threads {
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = call(w.Choose(e, int(numCalls)))
		}
		w.system.threads[i] = w.Go(e, i)
	}
	rcu.Boot(e, rcu.Merged)
}

// run_ makes the calls of a task, which then exits.
func (w *workload) run_(t *schedule.Thread, _ int, calls []call) {
	mm := w.task.mm.Peek()
	for _, c := range calls {
		mm = w.call_(t, mm, c)
	}
	w.mmput(t, mm)
}

// abstract gives the Go fuzzer a word for each mapping and each mm.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	for _, vma := range s.vmAreaCachep.InUse(e) {
		refcnt := int(vma.vmRefcnt.Value())
		hit(program.Word(refcnt&(vmaLockOffset-1), true, vma.Live(), refcnt >= vmaLockOffset,
			vma.vmMm.Peek() == s.task.mm.Peek()))
	}
	for _, mm := range s.mms.InUse(e) {
		hit(program.Word(mm.mmCount.Peek(), false, mm.Live(), mm.mmapLock.IsLocked(),
			mm.mmMt.Peek() != nil, mm.vmaWriterWait.task.Value() != 0, rcu.Readers(e)))
	}
}
