package file

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// What a variant has applied to the code of 5.15.
const (
	// lookAgain is 054aa8d439b9: the descriptor is looked up again after the reference.
	lookAgain program.Changes = 1 << iota
	// lookAtTable is e386dfc56f83: it is looked at where it was found, if that is still
	// the table.
	lookAtTable
)

var model = program.Model[*system]{
	Object: "fs/file",
	Variants: []program.Variant{
		{Name: "5.15", Versions: "4.11-5.15",
			About: "fget() takes a reference of what was there"},
		{Name: "5.16-rc4", Versions: "5.16-rc4", Changes: lookAgain,
			About: "054aa8d439b9: and looks the descriptor up again"},
		{Name: "5.16", Versions: "5.16", Changes: lookAtTable,
			About: "e386dfc56f83: and looks at the place where it was found"},
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "recvmsg-vs-close", New: recvmsgVsClose},
		{Name: "recvmsg-vs-dup2", New: recvmsgVsDup2},
	},
	Workloads: []program.Scenario[*system]{
		{Name: "workload", New: newWorkload},
	},
	Expected: expected,
	System:   newSystem,
}

// received is what comes of receiving a message while it is taken for garbage. The
// collector has to be preempted after it has looked at f_count, or fget() fails, and the
// receiver before; a third time, for one of them to come upon what the other has freed.
var received = []program.Expect{
	{Kind: schedule.BugOn, Preemptions: 2},
	{Kind: schedule.UseAfterFree, Preemptions: 3},
	{Kind: schedule.ListCorrupt, Preemptions: 3},
}

// expected is the table of verdicts, by scenario and variant: every kind of failure with
// the fewest preemptions that it takes. What is not here never fails.
var expected = program.Table{
	"recvmsg-vs-close": {"5.15": received},
	"workload":         {"5.15": received[:2]},
}

// Programs returns all programs.
func Programs() []program.Program { return model.Programs() }

// The global variables of the kernel.
type (
	spinlock   = spin.Lock // embedded as spin.Lock, the field would hide the method
	globalSpin struct {
		schedule.Object
		spinlock
	}
	globalInt struct {
		schedule.Object
		mem.Int
	}

	// hitlist is a variable of unix_gc(), of which there is one at a time: the messages
	// that are to be dropped.
	hitlist struct {
		schedule.Object
		list.Head[*skBuff]
	}
)

// works is task_works of a task: files to be closed when its system call returns. Only the
// task itself sees them.
type works struct {
	file [maxFiles]*file
	n    int
}

// system is what the threads of a program share.
type system struct {
	program.Changes
	program.Globals
	files           filesStruct
	works           [maxThreads]works
	unixGCLock      globalSpin
	unixTotInflight globalInt
	gcInProgress    globalInt
	gcInflightList  sockList
	gcCandidates    sockList
	hitlist         hitlist

	fdtab     fdtable // of files
	fdtables  *slab.Cache[fdtable, *fdtable]
	fileCache *slab.Cache[file, *file]
	socks     *slab.Cache[unixSock, *unixSock]
	skbs      *slab.Cache[skBuff, *skBuff]
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	s.Global(&s.files, "files")
	s.Global(&s.fdtab, "fdtab")
	s.Global(&s.unixGCLock, "unix_gc_lock")
	s.Global(&s.unixTotInflight, "unix_tot_inflight")
	s.Global(&s.gcInProgress, "gc_in_progress")
	s.Global(&s.gcInflightList, "gc_inflight_list")
	s.Global(&s.gcCandidates, "gc_candidates")
	s.Global(&s.hitlist, "hitlist")
	s.fdtables = slab.NewCache[fdtable]("fdt", nil)
	s.fileCache = slab.NewCache("file", func(f *file) { f.rcu.Init(f.fileFreeRcu) })
	s.socks = slab.NewCache[unixSock]("u", nil)
	s.skbs = slab.NewCache[skBuff]("skb", nil)
	return s
}

// boot begins an execution in which so many sockets are open, descriptor i being socket i.
func (s *system) boot(e *schedule.Exec, n int) {
	s.BootGlobals(e)
	s.works = [maxThreads]works{}
	s.fdtab.maxFds = numFds
	s.files.fdt.Init(&s.fdtab)
	for i := range n {
		f, u := s.fileCache.AllocBoot(e), s.socks.AllocBoot(e)
		f.sk.Init(u)
		u.num = i
		f.fCount.Init(1)
		u.file.Init(f)
		s.fdtab.fd[i].Init(f)
	}
}

// bootInflight has a message with socket i in the queue of socket at, before the first
// step.
func (s *system) bootInflight(e *schedule.Exec, i, at int) {
	f := s.fdtab.fd[i].Peek()
	u, to := f.sk.Peek(), s.fdtab.fd[at].Peek().sk.Peek()
	skb := s.skbs.AllocBoot(e)
	skb.users.Init(1)
	skb.fp.Init(f)
	to.skReceiveQueue.Init(skb)
	f.fCount.Init(f.fCount.Peek() + 1)
	s.gcInflightList.add(u)
	u.inflight.Init(u.inflight.Peek() + 1)
	s.unixTotInflight.Int.Init(s.unixTotInflight.Peek() + 1)
}

// bootAgents creates the softirq, after the threads.
func (s *system) bootAgents(e *schedule.Exec) { rcu.Boot(e, rcu.Merged) }
