package mremap

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mmu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 3
	maxCalls   = 2
)

// mremapVsTruncate is a mapping that one thread moves and another one reads, while the file
// is truncated.
func mremapVsTruncate(s *system) program.Instance {
	return s.fixed("ftruncate", s.truncatePagecache)
}

// mremapVsReclaim is the same while its page is reclaimed.
func mremapVsReclaim(s *system) program.Instance { return s.fixed("kswapd", s.shrinkPageList) }

// mremapVsMigration is the same while its page is migrated, by a task that compacts memory.
func mremapVsMigration(s *system) program.Instance {
	return s.fixed("compact", s.unmapAndMove)
}

// fixed is a process of two threads, the second of which has the page in its TLB, against
// who takes the page away.
func (s *system) fixed(name string, take func(t *schedule.Thread)) program.Instance {
	move := func(t *schedule.Thread) { s.mremap(t, 1) }
	load := func(t *schedule.Thread) { s.CPUs[1].Load(t, 0) }
	begin := func(e *schedule.Exec) {
		s.boot(e, 2)
		s.CPUs[1].BootTLB()
		e.Go("mremap", move)
		e.Go("load", load)
		e.Go(name, take)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// What a thread does in a call.
const (
	callLoad     = iota // by each address
	callMremap          // to one of the other addresses
	callTruncate        // the file
	callReclaim         // its page
	numCalls
)

type call struct{ kind, by int }

// workload is 2 or 3 threads of one process, each on a CPU of its own, with 1 or 2 calls
// each, and the page in the TLB from the start or not.
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
	w.boot(e, threads)
	for i := range threads {
		if w.Choose(e, 2) == 0 {
			w.CPUs[i].BootTLB()
		}
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = call{kind: w.Choose(e, numCalls)}
			if calls[j].kind == callMremap {
				calls[j].by = 1 + w.Choose(e, mmu.Pages-1)
			}
		}
		w.Go(e, i)
	}
}

// run_ makes the calls of thread i.
func (w *workload) run_(t *schedule.Thread, i int, calls []call) {
	for j, c := range calls {
		switch c.kind {
		case callLoad:
			for p := range mmu.Pages {
				w.CPUs[i].Load(t, p)
			}
		case callMremap:
			w.mremap(t, c.by)
		case callTruncate:
			w.truncatePagecache(t)
		case callReclaim:
			w.shrinkPageList(t)
		}
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
}

// abstract gives the Go fuzzer a word for each CPU and address: whether the page is mapped
// there and in the TLB, whether that is stale, and what is locked.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	for i := range s.CPUs {
		for p := range s.tables {
			if !s.CPUs[i].Live() {
				return
			}
			present, stale := s.CPUs[i].HasTLB(p)
			hit(program.Word(1, s.Mm.Mapped(p), present, stale, s.tables[p].ptl.IsLocked(),
				s.mapping.page.Peek() != nil, s.mapping.iMmapRwsem.IsLocked(),
				s.mapping.iMmap[1].Peek() == 1+p))
		}
	}
}
