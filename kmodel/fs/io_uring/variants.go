package iouring

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/percpu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Patches to the code of 5.12-rc3.
const (
	// get is 180f829fe402 as it was posted: a reference of the ring is taken.
	get program.Changes = 1 << iota
	// tryGet is 180f829fe402 itself: it is taken if there is one.
	tryGet
)

// muteResurrect lets a kernel go on that takes a count of 0 to 1, as percpu_ref_get() does,
// and then calls the release function again.
var muteResurrect = schedule.KindSet(schedule.RefResurrect, schedule.DoubleRelease)

// The patch as it was posted protects the ring up to the unlock. If the worker has dropped
// the last reference of the ring before, then taking one comes too late.
var (
	freed  = []program.Expect{program.Fails(schedule.UseAfterFree, 1)}
	posted = []program.Expect{
		program.Fails(schedule.RefResurrect, 1),
		{Kind: schedule.UseAfterFree, Preemptions: 2, Mute: muteResurrect},
	}
)

var model = program.Model[*system]{
	Object: "fs/io_uring",
	Variants: []program.Variant{
		{Name: "5.12-rc3", Versions: "5.12-rc1 to rc3",
			About: "the ring is used after the request's reference of it"},
		{Name: "posted", Versions: "proposal", Changes: get,
			About: "180f829fe402 as it was posted: percpu_ref_get() of the ring"},
		{Name: "5.12", Versions: "5.12", Changes: tryGet,
			About: "180f829fe402 with percpu_ref_tryget()"},
	},
	Scenarios: []program.Scenario[*system]{{Name: "complete-vs-exit", New: completeVsExit}},
	Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
	Expected: program.Table{
		"complete-vs-exit": {"5.12-rc3": freed, "posted": posted},
		"workload":         {"5.12-rc3": freed, "posted": posted[:1]},
	},
	System: newSystem,
}

// Programs returns all programs.
func Programs() []program.Program { return model.Programs() }

// system is what the threads of a program share.
type system struct {
	program.Changes
	ctx    *ioRingCtx // the only ring
	reqs   [maxReqs]*ioKiocb
	ctxs   *slab.Cache[ioRingCtx, *ioRingCtx]
	kiocbs *slab.Cache[ioKiocb, *ioKiocb]
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c, kiocbs: slab.NewCache[ioKiocb]("req", nil)}
	s.ctxs = slab.NewCache("ctx", func(ctx *ioRingCtx) {
		ctx.system = s
		ctx.refs.Ctor(percpu.V54, ctx.ioRingCtxRefFree)
		ctx.exitWork.Init(ctx.ioRingExitWork)
	})
	return s
}

// boot begins an execution with a ring that has so many requests, all submitted.
func (s *system) boot(e *schedule.Exec, reqs int) {
	s.ctx = s.ctxs.AllocBoot(e)
	s.ctx.refs.Init()
	for i := range reqs {
		req := s.kiocbs.AllocBoot(e)
		req.ctx = s.ctx
		req.refs.Init(2)
		s.ctx.refs.InitGet()
		s.reqs[i] = req
	}
}

// bootAgents creates the softirq and a kworker, after the threads.
func (s *system) bootAgents(e *schedule.Exec) {
	rcu.Boot(e, rcu.Merged)
	workqueue.Boot(e, 1)
}
