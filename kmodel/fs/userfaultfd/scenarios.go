package userfaultfd

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 3
	maxCalls   = 2
)

// registerVsDump is a process that crashes, while another one registers its second mapping.
func registerVsDump(s *system) program.Instance {
	register := func(t *schedule.Thread) { s.ctx.userfaultfdRegister(t, 1) }
	dump := func(t *schedule.Thread) {
		s.rest.DoCoredump(t, s.mm)
		s.exit(t, s.mm)
	}
	begin := func(e *schedule.Exec) {
		s.boot(e, 1)
		e.Go("register", register)
		e.Go("dump", dump)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// What a thread is.
const (
	outsider = iota // of another process
	exits           // of the process; it exits after its calls
	crashes         // of the process; it crashes after its calls
	numRoles
)

// numCalls is two for each mapping but the first, which has nothing before it that it could
// be merged with.
const numCalls = 4

// workload is a program whose threads and calls the tape chooses before the schedule: 2 or
// 3 threads with 1 or 2 calls each, which they make before they exit or crash. The first is
// of the process. A call registers or unregisters a mapping.
type workload struct {
	*system
	*program.Workload[int]
	roles [maxThreads]int
}

func newWorkload(s *system) program.Instance {
	w := &workload{system: s}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	threads, inside := w.Threads(e), 0
	for i := range threads {
		if i == 0 {
			w.roles[i] = crashes - w.Choose(e, 2)
		} else {
			w.roles[i] = w.Choose(e, numRoles)
		}
		if w.roles[i] != outsider {
			inside++
		}
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = w.Choose(e, numCalls)
		}
	}
	w.boot(e, inside)
	for i := range threads {
		w.Go(e, i)
	}
}

// run_ makes the calls of thread i.
func (w *workload) run_(t *schedule.Thread, i int, calls []int) {
	for j, call := range calls {
		if call%2 == 0 {
			w.ctx.userfaultfdRegister(t, 1+call/2)
		} else {
			w.ctx.userfaultfdUnregister(t, 1+call/2)
		}
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
	if w.roles[i] == crashes {
		w.rest.DoCoredump(t, w.mm)
	}
	if w.roles[i] != outsider {
		w.exit(t, w.mm)
	}
}

// abstract gives the Go fuzzer a word for the mm: how its counts stand, whether it is
// locked and dumped, and which of its mappings there are.
func (s *system) abstract(_ *schedule.Exec, hit func(uint64)) {
	m := s.mm
	word := program.Word(m.MmUsers.Peek()&7<<2|int(m.Walked()),
		m.CoreState.Peek() != 0, m.MmapSem.IsLocked(), m.MmapSem.Waiters())
	for vma := m.Mmap.Peek(); vma != nil && vma.Live(); vma = vma.VMNext.Peek() {
		word = word<<2 | uint64(2|vma.VMFlags.Peek())
	}
	hit(word)
}
