package gup

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 3
	maxCalls   = 2
)

// writeVsMadvise is a forced write to the page of a file, against madvise().
func writeVsMadvise(s *system) program.Instance {
	s.mapped = file
	return s.fixed(false, strand{"madvise", s.madvise})
}

// hugeWriteVsMadvise is one to memory that is huge.
func hugeWriteVsMadvise(s *system) program.Instance {
	s.mapped = anonymousHuge
	return s.fixed(false, strand{"madvise", s.madvise})
}

// hugeWriteVsRead is one against madvise() by a thread that reads /proc/self/mem then.
func hugeWriteVsRead(s *system) program.Instance {
	s.mapped = anonymousHuge
	read := func(t *schedule.Thread) {
		s.madvise(t)
		t.Forget(0)
		s.memRead(t)
	}
	return s.fixed(false, strand{"read", read})
}

// writeVsContinue is a write to the page of a file that is mapped, against madvise() and whoever
// has the userfaultfd.
func writeVsContinue(s *system) program.Instance {
	s.mapped = shmemMinor
	return s.fixed(true, strand{"madvise", s.madvise},
		strand{"continue", s.__mcopyAtomic})
}

// writeVsWrite is two at once: with the references that one has, the other copies the copy.
func writeVsWrite(s *system) program.Instance {
	s.mapped = shmemMinor
	return s.fixed(true, strand{"write2", s.memWrite})
}

// A strand is a thread with its name.
type strand struct {
	name string
	body func(*schedule.Thread)
}

// fixed is a write against others, with what others have too mapped, or nothing.
func (s *system) fixed(present bool, others ...strand) program.Instance {
	write := s.memWrite
	begin := func(e *schedule.Exec) {
		s.boot(e, present)
		e.Go("write", write)
		for _, o := range others {
			e.Go(o.name, o.body)
		}
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// What a thread does in a call.
const (
	callWrite    = iota // to /proc/self/mem
	callMadvise         // with MADV_DONTNEED
	callRead            // of /proc/self/mem
	callContinue        // of the userfaultfd, if there is one
	numCalls
)

// workload is 2 or 3 threads of the process with 1 or 2 calls each, with nothing mapped yet, or the
// page that others have too.
type workload struct {
	*system
	*program.Workload[int]
}

func newWorkload(s *system) program.Instance         { return s.workload(file) }
func newHugeWorkload(s *system) program.Instance     { return s.workload(anonymousHuge) }
func newContinueWorkload(s *system) program.Instance { return s.workload(shmemMinor) }

func (s *system) workload(m mapped) program.Instance {
	s.mapped = m
	w := &workload{system: s}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	kinds := callContinue
	if w.mapped == shmemMinor {
		kinds = numCalls
	}
	threads := w.Threads(e)
	w.boot(e, w.Choose(e, 2) == 1)
	for i := range threads {
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = w.Choose(e, kinds)
		}
		w.Go(e, i)
	}
}

// run_ makes the calls of thread i.
func (w *workload) run_(t *schedule.Thread, _ int, calls []int) {
	for j, call := range calls {
		switch call {
		case callWrite:
			w.memWrite(t)
		case callMadvise:
			w.madvise(t)
		case callRead:
			w.memRead(t)
		case callContinue:
			w.__mcopyAtomic(t)
		}
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
}

// abstract gives the Go fuzzer a word for what is mapped and for the last copy that was made:
// whether it is in use, and by how many, and what is locked.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	v := s.table.pte.value()
	if s.mapped == anonymousHuge {
		v = s.pmds.pmd.value()
	}
	copies, refs := s.pages.InUse(e), 0
	if n := len(copies); n > 0 && copies[n-1].Live() {
		refs = min(copies[n-1].refcount.Peek(), 3)
	}
	hit(program.Word(min(len(copies), 3)<<2|refs, !v.none(), v.dirty,
		v.page == &s.filePage || v.page == &s.hugeZeroPage,
		s.table.ptl.IsLocked() || s.pmds.ptl.IsLocked(), s.mmapSem().IsLocked()))
}
