package eventpoll

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// changes is the set of patches that a variant has applied to the code of 6.12.
type changes uint

// putAfter is 8c2e52ebbe88: references are dropped after the mutex.
const putAfter changes = 1 << iota

// variants in historical order.
var variants = []struct {
	name, versions, about string
	changes               changes
}{
	{"6.4", "6.4-6.15", "58c9b016e128: a reference is dropped inside the eventpoll's mutex", 0},
	{"6.16", "6.16", "8c2e52ebbe88: it is dropped after the unlock", putAfter},
}

// tail is the mutex_unlock() of who was not the last, after the last has freed the
// eventpoll.
var tail = []program.Expect{{Kind: schedule.UseAfterFree, Preemptions: 1}}

// expected is the table of verdicts, by scenario and variant: every kind of failure with
// the fewest preemptions that it takes. What is not here never fails.
var expected = program.Table{
	"close-vs-release": {"6.4": tail},
	"workload":         {"6.4": tail},
}

// Programs returns all programs.
func Programs() []program.Program {
	var out []program.Program
	for i := range scenarios {
		sc := &scenarios[i]
		for _, v := range variants {
			out = append(out, program.Program{
				Object: "fs/eventpoll", Scenario: sc.name, Variant: v.name,
				Versions: v.versions, Patches: v.about, Workload: sc.workload,
				New: func() program.Instance { return sc.instance(newSystem(v.changes)) },
			})
		}
	}
	return expected.Fill(out)
}

// file is struct file of what is watched.
type file struct {
	schedule.Object
	fLock spin.Lock
	fEp   list.Head[*epitem]
}

// epfile is struct file of the epoll instance.
type epfile struct {
	schedule.Object
	fCount atomic.Int
}

// system is what the threads of a program share.
type system struct {
	changes changes
	files   [maxFiles]file
	epfile  epfile
	eps     *slab.Cache[eventpoll, *eventpoll]
	epis    *slab.Cache[epitem, *epitem]
}

func newSystem(c changes) *system {
	s := &system{changes: c}
	for i := range s.files {
		s.files[i].Bind(&s.files[i], [maxFiles]string{"file", "file2", "file3"}[i])
	}
	s.epfile.Bind(&s.epfile, "epfile")
	s.eps = slab.NewCache("ep", func(ep *eventpoll) { ep.system = s })
	s.epis = slab.NewCache("epi", func(epi *epitem) { epi.rcu.Init(epi.epiRcuFree) })
	return s
}

// has reports whether a patch is applied.
func (s *system) has(c changes) bool { return s.changes&c != 0 }

// boot begins an execution with an epoll instance that so many tasks have open.
func (s *system) boot(e *schedule.Exec, users int) *eventpoll {
	for i := range s.files {
		e.Static(&s.files[i].Object, 0)
	}
	e.Static(&s.epfile.Object, 0)
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
	s.files[i].fEp.Init(epi)
	ep.rbr[i].Init(epi)
	ep.refcount.Init(ep.refcount.Peek() + 1)
}

// bootAgents creates the softirq, after the threads.
func (s *system) bootAgents(e *schedule.Exec) { rcu.Boot(e, rcu.Merged) }
