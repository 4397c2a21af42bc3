package netnamespace

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/global"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// maybeGet is 21b594435005, applied to the code of 4.14: a reference is taken if there is one.
const maybeGet program.Changes = 1

// twice is what a second last reference comes to: the namespace is queued while it is queued,
// or while net_kill_list is walked, or so late that it is freed next, or has been.
var twice = []program.Expect{
	program.Fails(schedule.ListCorrupt, 0), program.Fails(schedule.OutOfBounds, 1),
	program.Fails(schedule.UseAfterFree, 1),
}

var model = program.Model[*system]{
	Object: "net/core/net_namespace",
	Variants: []program.Variant{
		{Name: "4.14", Versions: "4.14",
			About: "a namespace is found by its id while it is cleaned up"},
		{Name: "4.15", Versions: "4.15", Changes: maybeGet,
			About: "21b594435005: it is found if somebody holds a reference"},
	},
	Scenarios: []program.Scenario[*system]{{Name: "newlink-vs-exit", New: newlinkVsExit}},
	Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
	Expected: program.Table{
		"newlink-vs-exit": {"4.14": twice},
		"workload":        {"4.14": twice},
	},
	System: newSystem,
}

// Programs returns all programs.
func Programs() []program.Program { return model.Programs() }

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
	program.Changes
	program.Globals
	rtnlMutex        global.Mutex
	netNamespaceList global.List[listed]
	cleanupListLock  global.Spin
	cleanup          global.List[*net]
	netKillList      global.List[*net] // on the stack of cleanup_net(), which is not there twice
	netCleanupWork   global.Work
	initNet          initNet
	nsproxy          nsproxy
	cache            *slab.Cache[net, *net]
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	s.Global(&s.rtnlMutex, "rtnl_mutex")
	s.Global(&s.netNamespaceList, "net_namespace_list")
	s.Global(&s.cleanupListLock, "cleanup_list_lock")
	s.Global(&s.cleanup, "cleanup_list")
	s.Global(&s.netKillList, "net_kill_list")
	s.Global(&s.netCleanupWork, "net_cleanup_work")
	s.Global(&s.initNet, "init_net")
	s.Global(&s.nsproxy, "nsproxy")
	s.netCleanupWork.Init(s.cleanupNet)
	s.cache = slab.NewCache("net", func(n *net) { n.system = s })
	return s
}

// bootTask puts task i in the namespace that init_net knows as id, before the first step.
func (s *system) bootTask(e *schedule.Exec, i, id int) {
	n := s.initNet.netnsIds[id].Peek()
	if n == nil {
		n = s.cache.AllocBoot(e)
		n.nsid.Init(id)
		s.netNamespaceList.Init(listed{n})
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
