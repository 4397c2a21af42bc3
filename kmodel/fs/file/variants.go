package file

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/global"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
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
	// typesafe is 0ede61d8589c (6.7): files are of a cache with SLAB_TYPESAFE_BY_RCU.
	typesafe
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
	{Kind: schedule.NullDereference, Preemptions: 3},
}

// expected is the table of verdicts, by scenario and variant: every kind of failure with
// the fewest preemptions that it takes. What is not here never fails.
var expected = program.Table{
	"recvmsg-vs-close": {"5.15": received},
	"workload":         {"5.15": received[:2]},
}

// reused is what comes of a reference to a file whose memory has been used again.
var reused = []program.Expect{program.Fails(schedule.LostUpdate, 1)}

// typesafeModel is files whose memory is used again.
var typesafeModel = program.Model[*system]{
	Object: "fs/file",
	Variants: []program.Variant{
		{Name: "6.5", Versions: "5.16-6.5", Changes: lookAtTable,
			About: "a file is freed after a grace period"},
		{Name: "6.8", Versions: "6.8", Changes: lookAtTable | typesafe,
			About: "0ede61d8589c: its memory may be another file at once"},
		{Name: "6.8-once", Versions: "mutant", Changes: typesafe,
			About: "6.8, but fget() does not look at the descriptor again"},
	},
	Scenarios: []program.Scenario[*system]{{Name: "recvmsg-vs-socket", New: recvmsgVsSocket}},
	Workloads: []program.Scenario[*system]{{Name: "socket-workload", New: newSocketWorkload}},
	Expected: program.Table{
		"recvmsg-vs-socket": {"6.8-once": reused},
		"socket-workload":   {"6.8-once": reused},
	},
	System: newSystem,
}

// Programs returns all programs.
func Programs() []program.Program {
	return append(model.Programs(), typesafeModel.Programs()...)
}

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
	unixGCLock      global.Spin
	unixTotInflight global.Int
	gcInProgress    global.Int
	gcInflightList  sockList
	gcCandidates    sockList
	// hitlist is a variable of unix_gc(), of which there is one at a time: the messages
	// that are to be dropped.
	hitlist global.List[*skBuff]

	fdtab     fdtable // of files
	fdtables  *slab.Cache[fdtable, *fdtable]
	fileCache *slab.Cache[file, *file]
	// filpCachep is where files come from since 0ede61d8589c.
	filpCachep slab.TypesafeCache[file, *file]
	socks      *slab.Cache[unixSock, *unixSock]
	skbs       *slab.Cache[skBuff, *skBuff]
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
	s.Global(&s.filpCachep, "filp_cachep")
	s.filpCachep.Init("file", nil)
	s.socks = slab.NewCache("u", func(u *unixSock) { u.fds.SetPrivate() })
	s.skbs = slab.NewCache[skBuff]("skb", nil)
	return s
}

// boot begins an execution in which so many sockets are open, descriptor i being socket i.
func (s *system) boot(e *schedule.Exec, n int) {
	s.bootFrom(e, 0, n)
}

// bootFrom is boot without the sockets before the first.
func (s *system) bootFrom(e *schedule.Exec, first, n int) {
	s.BootGlobals(e)
	s.works = [maxThreads]works{}
	s.fdtab.maxFds = numFds
	s.files.fdt.Init(&s.fdtab)
	for i := first; i < n; i++ {
		f, u := s.bootFile(e), s.socks.AllocBoot(e)
		f.sk.Init(u)
		u.num = i
		f.fCount.Init(1)
		u.file.Init(f)
		u.install(i)
		s.fdtab.setOpen(i, true)
		s.fdtab.fd[i].Init(f)
	}
}

// bootFile makes a file that is there before the first step.
func (s *system) bootFile(e *schedule.Exec) *file {
	if s.Has(typesafe) {
		return s.filpCachep.AllocBoot(e)
	}
	return s.fileCache.AllocBoot(e)
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
