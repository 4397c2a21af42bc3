package eventpoll

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Patches that the code of 6.12 has; variants are without some.
const (
	// putAfter is 8c2e52ebbe88: references are dropped after the mutex.
	putAfter program.Changes = 1 << iota
	// pollfree is d80e731ecab4: the wait queue of a signalfd says that it dies.
	pollfree
	// forget is 971316f0503a: whoever is told so forgets the queue, and whoever looks for
	// it does that as a reader of RCU.
	forget
	// forgetLast is 138e4ad67afd: he forgets it last.
	forgetLast

	all = putAfter | pollfree | forget | forgetLast
)

// tail is the mutex_unlock() of who was not the last, after the last has freed the
// eventpoll.
var tail = []program.Expect{program.Fails(schedule.UseAfterFree, 1)}

// model is the reference that is dropped inside the mutex.
var model = program.Model[*system]{
	Object: "fs/eventpoll",
	Variants: []program.Variant{
		{Name: "6.4", Versions: "6.4-6.15", Changes: all &^ putAfter,
			About: "58c9b016e128: a reference is dropped inside the eventpoll's mutex"},
		{Name: "6.16", Versions: "6.16", Changes: all,
			About: "8c2e52ebbe88: it is dropped after the unlock"},
	},
	Scenarios: []program.Scenario[*system]{{Name: "close-vs-release", New: closeVsRelease}},
	Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
	Expected: program.Table{
		"close-vs-release": {"6.4": tail},
		"workload":         {"6.4": tail},
	},
	System: newSystem,
}

// pollfreeFails is how the end of a wait queue fails: the queue is used after it has been
// freed, or, if it is forgotten first, the entry or the eventpoll.
var pollfreeFails = map[string][]program.Expect{
	"3.2":     {program.Fails(schedule.UseAfterFree, 0)},
	"d80e731": {program.Fails(schedule.UseAfterFree, 0)},
	"3.3":     {program.Fails(schedule.UseAfterFree, 1)},
}

// pollfreeModel is the wait queue that dies.
var pollfreeModel = program.Model[*system]{
	Object: "fs/eventpoll",
	Variants: []program.Variant{
		{Name: "3.2", Versions: "3.2", Changes: putAfter,
			About: "the wait queue of a signalfd dies in silence"},
		{Name: "d80e731", Versions: "mutant", Changes: putAfter | pollfree,
			About: "d80e731ecab4: POLLFREE takes the entries off it"},
		{Name: "3.3", Versions: "3.3-4.12", Changes: putAfter | pollfree | forget,
			About: "971316f0503a: and has them forget it, first"},
		{Name: "4.13", Versions: "4.13", Changes: all,
			About: "138e4ad67afd: and has them forget it, last"},
	},
	Scenarios: []program.Scenario[*system]{{Name: "close-vs-cleanup", New: closeVsCleanup}},
	Workloads: []program.Scenario[*system]{{Name: "pollfree-workload", New: newPollfreeWorkload}},
	Expected: program.Table{
		"close-vs-cleanup":  pollfreeFails,
		"pollfree-workload": pollfreeFails,
	},
	System: newSystem,
}

// Programs returns all programs.
func Programs() []program.Program {
	return append(model.Programs(), pollfreeModel.Programs()...)
}

// file is struct file of what is watched.
type file struct {
	schedule.Object
	fLock spin.Lock
	fEp   mem.Ptr[*epitemsHead]
}

// epfile is struct file of the epoll instance.
type epfile struct {
	schedule.Object
	fCount atomic.Int
}

// system is what the threads of a program share.
type system struct {
	program.Changes
	program.Globals
	files  [maxFiles]file
	epfile epfile

	// sighand is what the wait queues of the files are in, one for each process; nil if the
	// files have none.
	sighand [maxThreads]*sighandStruct

	eps     *slab.Cache[eventpoll, *eventpoll]
	epis    *slab.Cache[epitem, *epitem]
	epheads *slab.Cache[epitemsHead, *epitemsHead]
	pwqs    *slab.Cache[eppollEntry, *eppollEntry]

	sighandCachep slab.TypesafeCache[sighandStruct, *sighandStruct]
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	for i := range s.files {
		s.Global(&s.files[i], [maxFiles]string{"file", "file2", "file3"}[i])
	}
	s.Global(&s.epfile, "epfile")
	s.eps = slab.NewCache("ep", func(ep *eventpoll) { ep.system = s })
	s.epis = slab.NewCache("epi", func(epi *epitem) { epi.rcu.Init(epi.epiRcuFree) })
	s.epheads = slab.NewCache[epitemsHead]("ephead", nil)
	s.pwqs = slab.NewCache("pwq", func(pwq *eppollEntry) {
		pwq.system = s
		pwq.wait.InitFunc(pwq.epPollCallback)
	})
	s.Global(&s.sighandCachep, "sighand_cachep")
	s.sighandCachep.Init("sighand", nil)
	return s
}

// boot begins an execution with an epoll instance that so many tasks have open.
func (s *system) boot(e *schedule.Exec, users int) *eventpoll {
	s.BootGlobals(e)
	s.epfile.fCount.Init(users)
	ep := s.eps.AllocBoot(e)
	ep.refcount.Init(1)
	return ep
}

// bootWatch has the eventpoll watch file i before the first step.
func (s *system) bootWatch(e *schedule.Exec, ep *eventpoll, i int) {
	epi := s.epis.AllocBoot(e)
	epi.file.Init(i)
	epi.ep.Init(ep)
	head := s.epheads.AllocBoot(e)
	head.epitems.Init(epi)
	s.files[i].fEp.Init(head)
	ep.rbr[i].Init(epi)
	ep.refcount.Init(ep.refcount.Peek() + 1)
}

// bootSighands gives so many processes a sighand_struct each.
func (s *system) bootSighands(e *schedule.Exec, n int) {
	for i := range n {
		s.sighand[i] = s.sighandCachep.AllocBoot(e)
	}
}

// bootWait has the eventpoll wait at the wait queue of file i, which process by has added.
func (s *system) bootWait(e *schedule.Exec, ep *eventpoll, i, by int) {
	epi, pwq := ep.rbr[i].Peek(), s.pwqs.AllocBoot(e)
	wqh := &s.sighand[by].signalfdWqh
	pwq.whead.Init(wqh)
	pwq.base.Init(epi)
	wqh.Init(pwq)
	epi.pwqlist.Init(pwq)
}

// bootAgents creates the softirq, after the threads.
func (s *system) bootAgents(e *schedule.Exec) { rcu.Boot(e, rcu.Merged) }
