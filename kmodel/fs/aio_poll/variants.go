package aiopoll

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// changes is the set of patches that a variant has applied to the code of 5.15.
type changes uint

const (
	// lockInside is the patch of October 2021: POLLFREE waits for ctx_lock.
	lockInside changes = 1 << iota
	// stayQueuedV1 is 363bee27e258 as it was first posted: a request that is woken stays
	// where it is until it is complete.
	stayQueuedV1
	// pollfreeV1 is 50252e4b5e98 as it was first posted: POLLFREE has it leave.
	pollfreeV1
	// stayQueued is 363bee27e258: and it is not completed by whoever wakes it if the work
	// item is to do that.
	stayQueued
	// pollfree is 50252e4b5e98: it forgets the queue, last, and whoever takes the lock of
	// the queue is a reader of RCU until he gives it back.
	pollfree
)

// variants in historical order.
var variants = []struct {
	name, versions, about string
	changes               changes
}{
	{"5.15", "4.19-5.15", "POLLFREE is a wake-up as others", 0},
	{"posted-v5", "proposal", "it waits for ctx_lock and completes the request", lockInside},
	{"posted-v1", "proposal", "363bee27e258 and 50252e4b5e98 as they were first posted",
		stayQueuedV1 | pollfreeV1},
	{"363bee2", "mutant", "363bee27e258: a request that is woken stays queued", stayQueued},
	{"5.16", "5.16", "50252e4b5e98: POLLFREE has it leave and forget the queue",
		stayQueued | pollfree},
}

func fails(k schedule.Kind, preemptions int) program.Expect {
	return program.Expect{Kind: k, Preemptions: preemptions}
}

// expected is the table of verdicts, by scenario and variant: every kind of failure with
// the fewest preemptions that it takes. What is not here never fails.
var expected = program.Table{
	"cancel-vs-exit": {
		"5.15":      {fails(schedule.UseAfterFree, 1)},
		"posted-v5": {fails(schedule.Deadlock, 1)},
		"posted-v1": {fails(schedule.UseAfterFree, 2)},
		"363bee2":   {fails(schedule.UseAfterFree, 0)},
	},
	"wakeup-vs-exit": {
		"5.15":      {fails(schedule.UseAfterFree, 0)},
		"posted-v5": {fails(schedule.UseAfterFree, 0)},
		"posted-v1": {fails(schedule.UseAfterFree, 0), fails(schedule.RefUnderflow, 1)},
		"363bee2":   {fails(schedule.UseAfterFree, 0)},
	},
	"wakeup-vs-transaction": {
		"5.15":      {fails(schedule.LostUpdate, 1)},
		"posted-v5": {fails(schedule.LostUpdate, 1)},
	},
	"workload": {
		"5.15":      {fails(schedule.UseAfterFree, 0)},
		"posted-v5": {fails(schedule.UseAfterFree, 0), fails(schedule.Deadlock, 1)},
		"posted-v1": {fails(schedule.UseAfterFree, 0), fails(schedule.RefUnderflow, 1)},
		"363bee2":   {fails(schedule.UseAfterFree, 0)},
	},
}

// Programs returns all programs.
func Programs() []program.Program {
	var out []program.Program
	for i := range scenarios {
		sc := &scenarios[i]
		for _, v := range variants {
			out = append(out, program.Program{
				Object: "fs/aio_poll", Scenario: sc.name, Variant: v.name,
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
	ctx     kioctx
	proc    binderProc
	kiocbs  *slab.Cache[aioKiocb, *aioKiocb]
	threads *slab.Cache[binderThread, *binderThread]
}

func newSystem(c changes) *system {
	s := &system{changes: c, threads: slab.NewCache[binderThread]("thread", nil)}
	s.ctx.Bind(&s.ctx, "ctx")
	s.proc.Bind(&s.proc, "proc")
	s.kiocbs = slab.NewCache("req", func(iocb *aioKiocb) {
		iocb.system = s
		iocb.work.Init(iocb.aioPollCompleteWork)
	})
	return s
}

// has reports whether one of the patches is applied.
func (s *system) has(c changes) bool { return s.changes&c != 0 }

// boot begins an execution with so many requests that wait.
func (s *system) boot(e *schedule.Exec, reqs int) {
	e.Static(&s.ctx.Object, 0)
	e.Static(&s.proc.Object, 0)
	thread := s.threads.AllocBoot(e)
	s.proc.thread.Init(thread)
	for i := range reqs {
		iocb := s.kiocbs.AllocBoot(e)
		iocb.num = i
		iocb.kiRefcnt.Init(1)
		iocb.head.Init(thread)
		thread.wait.Init(iocb)
		s.ctx.activeReqs[i].Init(iocb)
	}
}

// bootAgents creates the softirq and a kworker, after the threads.
func (s *system) bootAgents(e *schedule.Exec) {
	rcu.Boot(e, rcu.Merged)
	workqueue.Boot(e, 1)
}
