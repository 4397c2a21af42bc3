package iouring

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload has.
const (
	maxThreads = 3
	maxReqs    = 2
	maxCalls   = 1 + 2*maxReqs
)

// completeVsExit is the completion of the only request, the worker that has submitted it,
// and the close of the ring.
func completeVsExit(s *system) program.Instance {
	complete := func(t *schedule.Thread) { ioReqCompletePost(t, s.reqs[0]) }
	worker := func(t *schedule.Thread) { ioFreeWork(t, s.reqs[0]) }
	exit := func(t *schedule.Thread) { s.ctx.ioRingCtxWaitAndKill(t) }
	begin := func(e *schedule.Exec) {
		s.boot(e, 1)
		e.Go("complete", complete)
		e.Go("io_wq_worker", worker)
		e.Go("close", exit)
		s.bootAgents(e)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// workload is a program whose threads and calls the tape chooses before the schedule: 2 or
// 3 threads, 1 or 2 requests, and which thread completes each, drops the reference of the
// submission, and closes the ring. This it does before all else, or last.
type workload struct {
	*system
	*program.Workload[int] // 0: close; else the request, completed if odd
}

func newWorkload(s *system) program.Instance {
	w := &workload{system: s}
	w.Workload = program.NewWorkload(maxThreads, maxCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload) begin(e *schedule.Exec) {
	threads := w.Share(e)
	reqs := 1 + w.Choose(e, maxReqs)
	w.boot(e, reqs)
	first := w.Choose(e, 2) == 0
	if first {
		w.Give(e, w.Choose(e, threads), 0)
	}
	for call := range 2 * reqs {
		w.Give(e, w.Choose(e, threads), 1+call)
	}
	if !first {
		w.Give(e, w.Choose(e, threads), 0)
	}
	for i := range threads {
		w.Go(e, i)
	}
	w.bootAgents(e)
}

// run_ makes the calls of a thread.
func (w *workload) run_(t *schedule.Thread, _ int, calls []int) {
	for j, call := range calls {
		switch {
		case call == 0:
			w.ctx.ioRingCtxWaitAndKill(t)
		case call%2 == 1:
			ioReqCompletePost(t, w.reqs[call/2])
		default:
			ioFreeWork(t, w.reqs[call/2-1])
		}
		t.Forget(uint64(j)) // nothing that it has seen matters any more
	}
}

// abstract gives the Go fuzzer a word for the ring and each request: whether they are
// freed, how their counts stand, and what is locked.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	ctx := s.ctx
	for _, req := range s.kiocbs.InUse(e) {
		refs := ctx.refs.Mode()&3<<3 | ctx.refs.Count()&7
		hit(program.Word(req.refs.Peek()&3<<5|refs,
			ctx.Live(), req.Live(), ctx.completionLock.IsLocked(), ctx.refs.Released(),
			ctx.refComp.Done() > 0, ctx.lockedFreeList.Peek() != nil))
	}
}
