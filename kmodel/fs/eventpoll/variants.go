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

const (
	// putAfter is 8c2e52ebbe88: references are dropped after the mutex.
	putAfter changes = 1 << iota
	// pollfree is d80e731ecab4: the wait queue of a signalfd says that it dies.
	pollfree
	// forget is 971316f0503a: whoever is told so forgets the queue, and whoever looks for
	// it does that as a reader of RCU.
	forget
	// forgetLast is 138e4ad67afd: he forgets it last.
	forgetLast

	all = putAfter | pollfree | forget | forgetLast
)

// A variant is a station of the history, with the patches that its code has.
type variant struct {
	name, versions, about string
	changes               changes
}

// variants in historical order.
var variants = []variant{
	{"6.4", "6.4-6.15", "58c9b016e128: a reference is dropped inside the eventpoll's mutex",
		all &^ putAfter},
	{"6.16", "6.16", "8c2e52ebbe88: it is dropped after the unlock", all},
}

// pollfreeVariants in historical order.
var pollfreeVariants = []variant{
	{"3.2", "3.2", "the wait queue of a signalfd dies in silence", putAfter},
	{"d80e731", "mutant", "d80e731ecab4: POLLFREE takes the entries off it", putAfter | pollfree},
	{"3.3", "3.3-4.13", "971316f0503a: and has them forget it, first", putAfter | pollfree | forget},
	{"4.14", "4.14", "138e4ad67afd: and has them forget it, last", all},
}

// tail is the mutex_unlock() of who was not the last, after the last has freed the
// eventpoll.
var tail = []program.Expect{{Kind: schedule.UseAfterFree, Preemptions: 1}}

// expected is the table of verdicts, by scenario and variant: every kind of failure with
// the fewest preemptions that it takes. What is not here never fails.
var expected = program.Table{
	"close-vs-release": {"6.4": tail},
	"workload":         {"6.4": tail},

	"close-vs-cleanup":  pollfreeFails,
	"pollfree-workload": pollfreeFails,
}

// pollfreeFails is how the end of a wait queue fails: the queue is used after it has been
// freed, or, if it is forgotten first, the entry or the eventpoll.
var pollfreeFails = map[string][]program.Expect{
	"3.2":     {{Kind: schedule.UseAfterFree, Preemptions: 0}},
	"d80e731": {{Kind: schedule.UseAfterFree, Preemptions: 0}},
	"3.3":     {{Kind: schedule.UseAfterFree, Preemptions: 1}},
}

// Programs returns all programs.
func Programs() []program.Program {
	var out []program.Program
	for i := range scenarios {
		sc := &scenarios[i]
		for _, v := range sc.variants {
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

	// sighand is what the wait queues of the files are in, one for each process; nil if the
	// files have none.
	sighand [maxThreads]*sighandStruct

	eps      *slab.Cache[eventpoll, *eventpoll]
	epis     *slab.Cache[epitem, *epitem]
	pwqs     *slab.Cache[eppollEntry, *eppollEntry]
	sighands *slab.Cache[sighandStruct, *sighandStruct]
}

func newSystem(c changes) *system {
	s := &system{changes: c}
	for i := range s.files {
		s.files[i].Bind(&s.files[i], [maxFiles]string{"file", "file2", "file3"}[i])
	}
	s.epfile.Bind(&s.epfile, "epfile")
	s.eps = slab.NewCache("ep", func(ep *eventpoll) { ep.system = s })
	s.epis = slab.NewCache("epi", func(epi *epitem) { epi.rcu.Init(epi.epiRcuFree) })
	s.pwqs = slab.NewCache[eppollEntry]("pwq", nil)
	s.sighands = slab.NewCache("sighand", func(sighand *sighandStruct) {
		sighand.rcu.Init(sighand.kmemCacheFree)
	})
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

// bootSighands gives so many processes a sighand_struct each.
func (s *system) bootSighands(e *schedule.Exec, n int) {
	for i := range n {
		s.sighand[i] = s.sighands.AllocBoot(e)
	}
}

// bootWait has the eventpoll wait at the wait queue of file i, which process by has added.
func (s *system) bootWait(e *schedule.Exec, ep *eventpoll, i, by int) {
	epi, pwq := ep.rbr[i].Peek(), s.pwqs.AllocBoot(e)
	pwq.whead.Init(s.sighand[by])
	pwq.base.Init(epi)
	s.sighand[by].head.Init(pwq)
	epi.pwqlist.Init(pwq)
}

// bootAgents creates the softirq, after the threads.
func (s *system) bootAgents(e *schedule.Exec) { rcu.Boot(e, rcu.Merged) }
