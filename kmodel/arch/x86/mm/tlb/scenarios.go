package tlb

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mmu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/smp"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 3
	maxCalls   = 2
)

// switchMmVsFlush is a CPU that takes a page of the mm away, which it does not run, against
// one that begins to run it.
func switchMmVsFlush(s *system) program.Instance {
	unmap := func(t *schedule.Thread) { s.clearAndFlush_(t, 0) }
	run := func(t *schedule.Thread) {
		s.contextSwitch(t, &s.Mm)
		s.copyFromUser(t, 0)
	}
	begin := func(e *schedule.Exec) {
		s.boot(e, 2)
		smp.Place(e, e.Go("flush", unmap), 0)
		smp.Place(e, e.Go("switch", run), 1)
		s.bootAgents(e, 2)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// What a CPU does in a call.
const (
	callSwitch = iota // to the mm, unless it runs it, and use a page; else to the other mm
	callUnmap         // a page
	numCalls
)

type call struct{ kind, page int }

// workload is 2 or 3 CPUs with 1 or 2 calls each.
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
	cpus := w.Threads(e)
	w.boot(e, cpus)
	for i := range cpus {
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = call{w.Choose(e, numCalls), w.Choose(e, 2)}
		}
		smp.Place(e, w.Go(e, i), i)
	}
	w.bootAgents(e, cpus)
}

// run_ makes the calls of CPU i.
func (w *workload) run_(t *schedule.Thread, i int, calls []call) {
	for j, c := range calls {
		switch {
		case c.kind == callUnmap:
			w.clearAndFlush_(t, c.page)
		case w.CPUs[i].Current() != &w.Mm:
			w.contextSwitch(t, &w.Mm)
			w.copyFromUser(t, c.page)
		default:
			w.contextSwitch(t, &w.other)
		}
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
}

// abstract gives the Go fuzzer a word for each CPU and page: whether the CPU runs the mm and
// is in mm_cpumask, what is in its TLB, and whether the page is mapped.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	for i := range smp.Online(e) {
		for p := range mmu.Pages {
			c := &s.CPUs[i]
			present, stale := c.HasTLB(p)
			hit(program.Word(1, c.Current() == &s.Mm, s.Mm.Cpumask.Has(i), present, stale,
				s.Mm.Mapped(p), s.pageTable.ptl.IsLocked()))
		}
	}
}
