package mapletree

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

// The pages: one is mapped, two are not, and one is the stack.
const (
	lowest   = 1 // of the stack, when it has grown as far as it can
	atGap    = 2 // then one page stays free
	stackEnd = 4
)

// A call is one to madvise() or munmap(), or touches a page, or reads /proc/PID/maps from there.
type call struct {
	kind string
	page int
}

func (s *system) call_(t *schedule.Thread, c call) {
	switch c.kind {
	case madvise:
		s.madviseWalkVmas(t, c.page)
	case fault:
		s.doUserAddrFault(t, c.page)
	case readMaps:
		s.procGetVma(t, c.page)
	case munmap:
		s.doVmiMunmap(t)
	}
}

// The kinds, which are the names of the threads.
const (
	madvise  = "madvise"
	fault    = "fault"
	readMaps = "maps"
	munmap   = "munmap" // of all
)

// madviseVsExpand is a stack that grows down to what is below it, while it is looked up.
func madviseVsExpand(s *system) program.Instance {
	return s.fixed(call{madvise, stackEnd - 1}, call{fault, lowest})
}

// madviseVsGap is one that grows and leaves a gap.
func madviseVsGap(s *system) program.Instance {
	return s.fixed(call{madvise, stackEnd - 1}, call{fault, atGap})
}

// expandVsExpand is one that two threads touch below, each somewhere else.
func expandVsExpand(s *system) program.Instance {
	return s.fixed(call{fault, atGap}, call{fault, lowest})
}

// mapsVsExpand is one that grows down to what is below it, behind which a read of /proc/PID/maps
// goes on.
func mapsVsExpand(s *system) program.Instance {
	return s.fixed(call{readMaps, lowest}, call{fault, lowest})
}

// mapsVsMunmap is an address space of which all is unmapped meanwhile.
func mapsVsMunmap(s *system) program.Instance {
	return s.fixed(call{readMaps, lowest}, call{kind: munmap})
}

// fixed is a program of threads with a call each.
func (s *system) fixed(calls ...call) program.Instance {
	bodies := make([]func(t *schedule.Thread), len(calls))
	for i, c := range calls {
		bodies[i] = func(t *schedule.Thread) { s.call_(t, c) }
	}
	begin := func(e *schedule.Exec) {
		s.boot(e)
		for i, c := range calls {
			e.Go(c.kind, bodies[i])
		}
		rcu.Boot(e, rcu.Merged)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// boot maps the pages, before the first step.
func (s *system) boot(e *schedule.Exec) {
	s.BootGlobals(e)
	s.stack.vmStart.Init(stackEnd - 1)
	root := s.nodes.AllocBoot(e)
	root.fill_(leaf{
		pivot: [maxSlots]int{0, stackEnd - 2, stackEnd - 1},
		slot:  [maxSlots]*vmArea{&s.prev, nil, &s.stack},
		end:   maxSlots - 1,
	})
	s.mm.maRoot.Init(root)
}

// A workload is a program whose threads and calls the tape chooses before the schedule: 2 or 3
// threads with 1 or 2 calls each.
type workload struct {
	*system
	*program.Workload[call]
	sets [][]call // the calls of a program are of one of them
}

// newWorkload looks the stack up, or touches it, from above to below.
func newWorkload(s *system) program.Instance {
	calls := []call{{madvise, stackEnd - 1}}
	for page := stackEnd - 1; page >= lowest; page-- {
		calls = append(calls, call{fault, page})
	}
	return newWorkloadOf(s, calls)
}

// newMapsWorkload reads /proc/PID/maps, and has the stack grow, or unmaps all.
func newMapsWorkload(s *system) program.Instance {
	read := call{readMaps, lowest}
	return newWorkloadOf(s, []call{read, {kind: munmap}}, []call{read, {fault, lowest}})
}

func newWorkloadOf(s *system, sets ...[]call) program.Instance {
	w := &workload{system: s, sets: sets}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	set := w.sets[0]
	if n := len(w.sets); n > 1 {
		set = w.sets[w.Choose(e, n)]
	}
	threads := w.Threads(e)
	w.boot(e)
	for i := range threads {
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = set[w.Choose(e, len(set))]
		}
		w.Go(e, i)
	}
	rcu.Boot(e, rcu.Merged)
}

// run_ makes the calls of a thread.
func (w *workload) run_(t *schedule.Thread, _ int, calls []call) {
	for j, c := range calls {
		w.call_(t, c)
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
}

// abstract gives the Go fuzzer a word for the tree, and one for each leaf.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	for _, node := range s.nodes.InUse(e) {
		hit(program.Word(4*node.end.Peek()+node.pivot[1].Peek(), true,
			node.Live(), node.dead.Peek() != 0))
	}
	hit(program.Word(s.stack.vmStart.Peek(), false,
		s.mm.mmapLock.IsLocked(), s.mm.mmapLock.Waiters(), s.mm.pageTableLock.IsLocked(),
		s.anonVma.rwsem.IsLocked(), rcu.Readers(e)))
}
