package iouring

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// changes is the set of patches that a variant has applied to the code of 5.12-rc3.
type changes uint

const (
	// get is 180f829fe402 as it was posted: a reference of the ring is taken.
	get changes = 1 << iota
	// tryGet is 180f829fe402 as kernels have it: it is taken if there is one.
	tryGet
)

// variants in historical order.
var variants = []struct {
	name, versions, about string
	changes               changes
}{
	{"5.12-rc3", "5.12-rc3", "the ring is used after the request's reference of it", 0},
	{"posted", "proposal", "180f829fe402 as it was posted: percpu_ref_get() of the ring", get},
	{"5.13", "5.13", "180f829fe402 with percpu_ref_tryget()", tryGet},
}

// muteResurrect lets a kernel go on that takes a count of 0 to 1, as percpu_ref_get() does,
// and then calls the release function again.
var muteResurrect = schedule.KindSet(schedule.RefResurrect, schedule.DoubleRelease)

func fails(k schedule.Kind, preemptions int) program.Expect {
	return program.Expect{Kind: k, Preemptions: preemptions}
}

// The patch as it was posted protects the ring up to the unlock. If the worker has dropped
// the last reference of the ring before, then taking one comes too late.
var (
	freed  = []program.Expect{fails(schedule.UseAfterFree, 1)}
	posted = []program.Expect{
		fails(schedule.RefResurrect, 1),
		{Kind: schedule.UseAfterFree, Preemptions: 2, Mute: muteResurrect},
	}
)

// expected is the table of verdicts, by scenario and variant: every kind of failure with
// the fewest preemptions that it takes. What is not here never fails.
var expected = program.Table{
	"complete-vs-exit": {"5.12-rc3": freed, "posted": posted},
	"workload":         {"5.12-rc3": freed, "posted": posted[:1]},
}

// Programs returns all programs.
func Programs() []program.Program {
	var out []program.Program
	for i := range scenarios {
		sc := &scenarios[i]
		for _, v := range variants {
			out = append(out, program.Program{
				Object: "fs/io_uring", Scenario: sc.name, Variant: v.name,
				Versions: v.versions, Patches: v.about, Workload: sc.workload,
				New: func() program.Instance { return sc.instance(newSystem(v.changes)) },
			})
		}
	}
	return expected.Fill(out)
}

// system is what the threads of a program share.
type system struct {
	changes changes
	ctx     *ioRingCtx // the only ring
	reqs    [maxReqs]*ioKiocb
	ctxs    *slab.Cache[ioRingCtx, *ioRingCtx]
	kiocbs  *slab.Cache[ioKiocb, *ioKiocb]
}

func newSystem(c changes) *system {
	s := &system{changes: c, kiocbs: slab.NewCache[ioKiocb]("req", nil)}
	s.ctxs = slab.NewCache("ctx", func(ctx *ioRingCtx) {
		ctx.system = s
		ctx.refs.Ctor(ctx.ioRingCtxRefFree)
		ctx.exitWork.Init(ctx.ioRingExitWork)
	})
	return s
}

// has reports whether a patch is applied.
func (s *system) has(c changes) bool { return s.changes&c != 0 }

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
