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

var scenarios = []struct {
	name     string
	workload bool
	instance func(s *system) program.Instance
}{
	{"complete-vs-exit", false, completeVsExit},
	{"workload", true, func(s *system) program.Instance { return newWorkload(s).instance() }},
}

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
	choose func(e *schedule.Exec, n int) int // Exec.Choose, except in tests
	calls  [maxThreads][maxCalls]int         // 0: close; else the request, completed if odd
	n      [maxThreads]int
	bodies [maxThreads]func(t *schedule.Thread)
}

func newWorkload(s *system) *workload {
	w := &workload{system: s, choose: (*schedule.Exec).Choose}
	for i := range w.bodies {
		w.bodies[i] = func(t *schedule.Thread) { w.run_(t, i) }
	}
	return w
}

func (w *workload) instance() program.Instance {
	return program.Instance{Begin: w.begin, Abstract: w.abstract}
}

func (w *workload) begin(e *schedule.Exec) {
	threads := 2 + w.choose(e, maxThreads-1)
	reqs := 1 + w.choose(e, maxReqs)
	w.boot(e, reqs)
	w.n = [maxThreads]int{}
	first := w.choose(e, 2) == 0
	if first {
		w.give(e, threads, 0)
	}
	for call := range 2 * reqs {
		w.give(e, threads, 1+call)
	}
	if !first {
		w.give(e, threads, 0)
	}
	for i := range threads {
		e.CountCalls(w.n[i])
		e.Go([maxThreads]string{"A", "B", "C"}[i], w.bodies[i])
	}
	w.bootAgents(e)
}

// give has one of the threads make a call.
func (w *workload) give(e *schedule.Exec, threads, call int) {
	i := w.choose(e, threads)
	w.calls[i][w.n[i]] = call
	w.n[i]++
}

// run_ makes the calls of thread i. Its name ends in an underscore because it is no
// function of the kernel.
func (w *workload) run_(t *schedule.Thread, i int) {
	for j, call := range w.calls[i][:w.n[i]] {
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
		word := uint64(req.refs.Peek()&3)<<5 | uint64(ctx.refs.Mode()&3)<<3 | uint64(ctx.refs.Count()&7)
		for _, b := range []bool{
			ctx.Live(), req.Live(), ctx.completionLock.IsLocked(), ctx.refs.Released(),
			ctx.refComp.Done() > 0, ctx.lockedFreeList.Peek() != nil,
		} {
			word <<= 1
			if b {
				word |= 1
			}
		}
		hit(word)
	}
}
