package netnamespace

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// changes is the set of patches that a variant has applied to the code of 4.14.
type changes uint

// maybeGet is 21b594435005: a reference is taken if there is one.
const maybeGet changes = 1 << iota

// variants in historical order.
var variants = []struct {
	name, versions, about string
	changes               changes
}{
	{"4.14", "4.14", "a namespace is found by its id while it is cleaned up", 0},
	{"4.15", "4.15", "21b594435005: it is found if somebody holds a reference", maybeGet},
}

// twice is what a second last reference comes to: the namespace is queued where it is
// queued, or after it has been freed.
var twice = []program.Expect{
	{Kind: schedule.ListCorrupt, Preemptions: 0},
	{Kind: schedule.UseAfterFree, Preemptions: 1},
}

// expected is the table of verdicts, by scenario and variant: every kind of failure with
// the fewest preemptions that it takes. What is not here never fails.
var expected = program.Table{
	"newlink-vs-exit": {"4.14": twice},
	"workload":        {"4.14": twice},
}

// Programs returns all programs.
func Programs() []program.Program {
	var out []program.Program
	for i := range scenarios {
		sc := &scenarios[i]
		for _, v := range variants {
			out = append(out, program.Program{
				Object: "net/core/net_namespace", Scenario: sc.name, Variant: v.name,
				Versions: v.versions, Patches: v.about, Workload: sc.workload,
				New: func() program.Instance { return sc.instance(newSystem(v.changes)) },
			})
		}
	}
	return expected.Fill(out)
}

// The global variables of the kernel are objects of their own, so that traces name them as
// the kernel does.
type (
	spinlock    = spin.Lock // embedded as spin.Lock, the field would hide the method
	globalMutex struct {
		schedule.Object
		mutex.Mutex
	}
	globalSpin struct {
		schedule.Object
		spinlock
	}
	globalList struct {
		schedule.Object
		list.Head[*net]
	}
	globalWork struct {
		schedule.Object
		workqueue.Work
	}
)

// initNet is the part of init_net that has the ids.
type initNet struct {
	schedule.Object
	nsidLock spin.Lock
	netnsIds [maxNets]rcu.Ptr[*net]
}

// nsproxy is which namespace each task is in.
type nsproxy struct {
	schedule.Object
	netNs [maxThreads]mem.Ptr[*net]
}

// system is what the threads of a program share.
type system struct {
	changes         changes
	rtnlMutex       globalMutex
	cleanupListLock globalSpin
	cleanup         globalList
	netCleanupWork  globalWork
	initNet         initNet
	nsproxy         nsproxy
	cache           *slab.Cache[net, *net]
}

func newSystem(c changes) *system {
	s := &system{changes: c}
	s.rtnlMutex.Bind(&s.rtnlMutex, "rtnl_mutex")
	s.cleanupListLock.Bind(&s.cleanupListLock, "cleanup_list_lock")
	s.cleanup.Bind(&s.cleanup, "cleanup_list")
	s.netCleanupWork.Bind(&s.netCleanupWork, "net_cleanup_work")
	s.initNet.Bind(&s.initNet, "init_net")
	s.nsproxy.Bind(&s.nsproxy, "nsproxy")
	s.netCleanupWork.Init(s.cleanupNet)
	s.cache = slab.NewCache("net", func(n *net) { n.system = s })
	return s
}

// has reports whether a patch is applied.
func (s *system) has(c changes) bool { return s.changes&c != 0 }

// boot begins an execution in which there is init_net alone.
func (s *system) boot(e *schedule.Exec) {
	e.Static(&s.rtnlMutex.Object, 0)
	e.Static(&s.cleanupListLock.Object, 0)
	e.Static(&s.cleanup.Object, 0)
	e.Static(&s.netCleanupWork.Object, 0)
	e.Static(&s.initNet.Object, 0)
	e.Static(&s.nsproxy.Object, 0)
}

// bootTask puts task i in the namespace that init_net knows as id, before the first step.
func (s *system) bootTask(e *schedule.Exec, i, id int) {
	n := s.initNet.netnsIds[id].Peek()
	if n == nil {
		n = s.cache.AllocBoot(e)
		n.nsid.Init(id)
		s.initNet.netnsIds[id].Init(n)
	}
	n.count.Init(n.count.Peek() + 1)
	s.nsproxy.netNs[i].Init(n)
}

// bootAgents creates the softirq and a kworker. They come after the threads, so that where
// the schedule says nothing they wait until these have finished or sleep.
func (s *system) bootAgents(e *schedule.Exec) {
	rcu.Boot(e, rcu.Split)
	workqueue.Boot(e, 1)
}
