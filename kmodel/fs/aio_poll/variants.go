package aiopoll

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// What a variant has applied to the code of 5.15.
const (
	// lockInside is the patch of October 2021: POLLFREE waits for ctx_lock.
	lockInside program.Changes = 1 << iota
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
	// wakeAll is what came with these two: a signalfd uses wake_up_pollfree() (42288cb44c4b),
	// which looks afterwards whether all have left.
	wakeAll
)

var model = program.Model[*system]{
	Object: "fs/aio_poll",
	Variants: []program.Variant{
		{Name: "5.15", Versions: "5.1-5.15",
			About: "POLLFREE is a wake-up as others"},
		{Name: "posted-v5", Versions: "proposal", Changes: lockInside,
			About: "it waits for ctx_lock and completes the request"},
		{Name: "posted-v1", Versions: "proposal", Changes: stayQueuedV1 | pollfreeV1,
			About: "363bee27e258 and 50252e4b5e98 as they were first posted"},
		{Name: "363bee2", Versions: "mutant", Changes: stayQueued,
			About: "363bee27e258: a request that is woken stays queued"},
		{Name: "5.16", Versions: "5.16", Changes: stayQueued | pollfree | wakeAll,
			About: "50252e4b5e98: POLLFREE has it leave and forget the queue"},
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "cancel-vs-exit", New: cancelVsExit},
		{Name: "signal-vs-exit", New: signalVsExit},
		{Name: "read-vs-event", New: readVsEvent},
	},
	Workloads: []program.Scenario[*system]{
		{Name: "workload", New: newWorkload},
	},
	Expected: expected,
	System:   newSystem,
}

// expected is the table of verdicts, by scenario and variant: every kind of failure with
// the fewest preemptions that it takes. What is not here never fails.
var expected = program.Table{
	"cancel-vs-exit": {
		"5.15":      {program.Fails(schedule.UseAfterFree, 1), program.Fails(schedule.LostUpdate, 1)},
		"posted-v5": {program.Fails(schedule.Deadlock, 1)},
		"posted-v1": {program.Fails(schedule.UseAfterFree, 2)},
		"363bee2":   {program.Fails(schedule.UseAfterFree, 0), program.Fails(schedule.LostUpdate, 1)},
	},
	"signal-vs-exit": {
		"5.15":      {program.Fails(schedule.UseAfterFree, 0), program.Fails(schedule.LostUpdate, 0)},
		"posted-v5": {program.Fails(schedule.UseAfterFree, 0), program.Fails(schedule.LostUpdate, 0)},
		"posted-v1": {program.Fails(schedule.UseAfterFree, 0), program.Fails(schedule.RefUnderflow, 1)},
		"363bee2":   {program.Fails(schedule.UseAfterFree, 0), program.Fails(schedule.LostUpdate, 0)},
	},
	"read-vs-event": {
		"5.15":      {program.Fails(schedule.LostUpdate, 1)},
		"posted-v5": {program.Fails(schedule.LostUpdate, 1)},
	},
	"workload": {
		"5.15": {program.Fails(schedule.UseAfterFree, 0), program.Fails(schedule.LostUpdate, 0)},
		"posted-v5": {program.Fails(schedule.UseAfterFree, 0), program.Fails(schedule.LostUpdate, 0),
			program.Fails(schedule.Deadlock, 1)},
		"posted-v1": {program.Fails(schedule.UseAfterFree, 0), program.Fails(schedule.RefUnderflow, 1)},
		"363bee2":   {program.Fails(schedule.UseAfterFree, 0), program.Fails(schedule.LostUpdate, 0)},
	},
}

// Programs returns all programs.
func Programs() []program.Program { return model.Programs() }

// system is what the threads of a program share.
type system struct {
	program.Changes
	program.Globals
	ctx    kioctx
	task   taskStruct
	group  fsnotifyGroup
	kiocbs *slab.Cache[aioKiocb, *aioKiocb]

	sighandCachep slab.TypesafeCache[sighandStruct, *sighandStruct]
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	s.Global(&s.ctx, "ctx")
	s.Global(&s.task, "task")
	s.Global(&s.group, "group")
	s.Global(&s.sighandCachep, "sighand_cachep")
	s.sighandCachep.Init("sighand", nil)
	s.kiocbs = slab.NewCache("req", func(iocb *aioKiocb) {
		iocb.system = s
		iocb.work.Init(iocb.aioPollCompleteWork)
		iocb.wait.InitFunc(iocb.aioPollWake)
	})
	return s
}

// boot begins an execution with a process, and so many requests that wait for its signals.
func (s *system) boot(e *schedule.Exec, reqs int) {
	s.BootGlobals(e)
	sighand := s.sighandCachep.AllocBoot(e)
	s.task.sighand.Init(sighand)
	for i := range reqs {
		s.bootReq(e, i, false, &sighand.signalfdWqh)
	}
}

// bootReq has request i wait at a queue.
func (s *system) bootReq(e *schedule.Exec, i int, inotify bool, wq *waitQueueHead) {
	iocb := s.kiocbs.AllocBoot(e)
	iocb.num, iocb.inotify = i, inotify
	iocb.kiRefcnt.Init(1)
	iocb.head.Init(wq)
	wq.Init(iocb)
	s.ctx.activeReqs[i].Init(iocb)
}

// bootInotify has request i wait at the queue of an inotify instance.
func (s *system) bootInotify(e *schedule.Exec, i int) {
	s.bootReq(e, i, true, &s.group.notificationWaitq)
}

// bootAgents creates the softirq and a kworker, after the threads.
func (s *system) bootAgents(e *schedule.Exec) {
	rcu.Boot(e, rcu.Merged)
	workqueue.Boot(e, 1)
}
