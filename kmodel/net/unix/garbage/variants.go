package garbage

import (
	"slices"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/global"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// What a variant has applied to the code of 6.17.
const (
	// initScc is 60e6489f8e3b: a vertex that is new has a scc_index of its own.
	initScc program.Changes = 1 << iota
	// countSccs is how many components are cyclic, in the place of whether one is.
	countSccs
	// peekSeq is e5b31d988a41: MSG_PEEK tells a collection that is under way.
	peekSeq
	// setInWork is d82ba05263c6: a collection is under way when it begins, too.
	setInWork
	// scheduleGC is unix_schedule_gc(): who releases a socket does not queue a collection while
	// there is one, nor if there is no cycle.
	scheduleGC
	// oneIndex gives all vertices of a component the same scc_index.
	oneIndex
	// updateAgain says that the graph has changed once more when the message is in the queue.
	updateAgain
	// unlinkScc is 594d90519502: a vertex that is in flight no more is taken off its scc_entry.
	unlinkScc
	// oneSection has the edge and the message under one unix_gc_lock.
	oneSection
	// alwaysQueue has unix_schedule_gc() queue a collection also while there is one.
	alwaysQueue
)

// of7 is what 7.1 has.
const of7 = initScc | countSccs | peekSeq | setInWork | scheduleGC

// purged is a message that is dropped although somebody can receive it.
func purged(preemptions int) []program.Expect {
	return []program.Expect{program.Fails(schedule.LostUpdate, preemptions)}
}

// What becomes of garbage that is not collected. The collector does not find it until an edge
// changes somewhere that leads to a socket in flight; nor then, if it is split; or it finds it when
// the next socket is closed.
var (
	overlooked = []program.Expect{program.Fails(schedule.Leak, 1)}
	split      = []program.Expect{program.Fails(schedule.Leak, 0)}
	late       = []program.Expect{program.Fails(schedule.LostUpdate, 1)}
	both       = []program.Expect{
		program.Fails(schedule.LostUpdate, 1), program.Fails(schedule.Leak, 1),
	}
)

// peekModel is MSG_PEEK against a collection.
var peekModel = program.Model[*system]{
	Object: "net/unix/garbage",
	Variants: []program.Variant{
		{Name: "6.17", Versions: "6.10-6.18.22", About: "MSG_PEEK takes a reference, and tells nobody"},
		{Name: "6.18.24", Versions: "6.18.23-6.18.37", Changes: initScc | countSccs | peekSeq,
			About: "e5b31d988a41: it tells a collection that is under way"},
		{Name: "6.18.38", Versions: "6.18.38", Changes: initScc | countSccs | peekSeq | setInWork,
			About: "d82ba05263c6: one that was queued while one was under way is too"},
		{Name: "7.0", Versions: "7.0", Changes: of7 &^ setInWork,
			About: "6.18.24, where a collection is not queued while one is under way"},
		{Name: "7.1", Versions: "7.1", Changes: of7, About: "d82ba05263c6"},
	},
	Scenarios: []program.Scenario[*system]{{Name: "peek-vs-gc", New: peekVsGC}},
	Expected: program.Table{
		"peek-vs-gc": {"6.17": purged(1), "6.18.24": purged(2), "7.0": purged(3)},
	},
	System: newSystem,
}

// workloadModel is the same with calls that the tape chooses: before both patches, and after. What
// is left after the first alone takes three threads that do what few do.
var workloadModel = program.Model[*system]{
	Object: "net/unix/garbage",
	Variants: []program.Variant{
		peekModel.Variants[0],
		peekModel.Variants[len(peekModel.Variants)-1],
	},
	Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
	Expected:  program.Table{"workload": {"6.17": purged(1)}},
	System:    newSystem,
}

// oneSectionOf7 is 7.1 without the window that sendmsg() has.
var oneSectionOf7 = program.Variant{Name: "m5", Versions: "mutant", Changes: of7 | oneSection,
	About: "7.1, and sendmsg() has the edge and the message under one unix_gc_lock"}

// graphModel is garbage that is not found, or not looked for, and what is no garbage.
var graphModel = program.Model[*system]{
	Object: "net/unix/garbage",
	Variants: []program.Variant{
		{Name: "6.17", Versions: "6.10-6.17", About: "a vertex that is new has any scc_index"},
		{Name: "6.18", Versions: "6.18", Changes: initScc,
			About: "60e6489f8e3b: it has one of its own"},
		{Name: "7.1", Versions: "7.1", Changes: of7,
			About: "a collection is not queued while one is under way"},
		{Name: "m1", Versions: "mutant", Changes: of7 | oneIndex,
			About: "7.1, and all vertices of a component have one scc_index"},
		{Name: "m2", Versions: "mutant", Changes: of7 | updateAgain,
			About: "7.1, and sendmsg() says that the graph has changed when the message is queued"},
		{Name: "m3", Versions: "mutant", Changes: of7 | alwaysQueue,
			About: "7.1, and a collection is queued also while one is under way"},
		{Name: "m4", Versions: "mutant", Changes: of7 | oneIndex | updateAgain | alwaysQueue,
			About: "all three"},
		oneSectionOf7,
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "sendmsg-vs-gc", New: sendmsgVsGC},
		{Name: "close-vs-gc", New: closeVsGC},
		{Name: "chord-vs-gc", New: chordVsGC},
		{Name: "vertex-vs-gc", New: vertexVsGC},
	},
	Expected: program.Table{
		"sendmsg-vs-gc": {"6.17": overlooked, "6.18": overlooked, "7.1": both, "m1": both,
			"m2": late, "m3": overlooked, "m5": late},
		"close-vs-gc": {"7.1": late, "m1": late, "m2": late, "m5": late},
		"chord-vs-gc": {"6.17": split, "6.18": split, "7.1": split, "m2": split, "m3": split,
			"m5": split},
		"vertex-vs-gc": {"6.17": purged(0)},
	},
	System: newSystem,
}

// The variants that have 594d90519502.
var (
	unlinks = program.Variant{Name: "7.1.10", Versions: "7.1.10", Changes: of7 | unlinkScc,
		About: "594d90519502: it is taken off that"}
	unlinks6 = program.Variant{Name: "6.12.117", Versions: "6.12.117",
		Changes: initScc | peekSeq | setInWork | unlinkScc,
		About:   "594d90519502; and the components that are cyclic are not counted"}
)

// ringModel is a vertex that is freed while the ring of another leads to it, as an edge whose
// message is not in the queue yet is left behind.
var ringModel = program.Model[*system]{
	Object: "net/unix/garbage",
	Variants: []program.Variant{
		{Name: "7.1", Versions: "7.1.5", Changes: of7,
			About: "a vertex is freed that is on the scc_entry of another"},
		unlinks, unlinks6, oneSectionOf7,
	},
	Scenarios: []program.Scenario[*system]{{Name: "ring-vs-gc", New: ringVsGC}},
	Expected: program.Table{"ring-vs-gc": {
		"7.1": {program.Fails(schedule.UseAfterFree, 2)},
	}},
	System: newSystem,
}

// countModel is a component that is counted down and was not counted, by the same edge.
var countModel = program.Model[*system]{
	Object: "net/unix/garbage",
	Variants: []program.Variant{
		unlinks6,
		{Name: "6.18.24", Versions: "6.18.24", Changes: initScc | countSccs | peekSeq,
			About: "the components that are cyclic are counted, and those that are dead are not"},
		unlinks, oneSectionOf7,
		{Name: "m6", Versions: "mutant", Changes: of7 | unlinkScc | updateAgain,
			About: "7.1.10, and sendmsg() says that the graph has changed when the message is queued"},
	},
	Scenarios: []program.Scenario[*system]{{Name: "count-vs-gc", New: countVsGC}},
	Expected: program.Table{"count-vs-gc": {
		"6.18.24": {program.Fails(schedule.Leak, 2)},
		"7.1.10":  {program.Fails(schedule.Leak, 2)},
		"m6":      {program.Fails(schedule.Leak, 3)},
	}},
	System: newSystem,
}

// Programs returns all programs.
func Programs() []program.Program {
	return slices.Concat(peekModel.Programs(), workloadModel.Programs(), graphModel.Programs(),
		ringModel.Programs(), countModel.Programs())
}

// works is task_works of a task: files to be closed when its system call returns. Only the task
// itself sees them.
type works struct {
	file [maxFiles]*file
	n    int
}

// system is what the threads of a program share.
type system struct {
	program.Changes
	program.Globals
	files filesStruct
	works [maxThreads]works

	unixGCLock            global.Spin
	unixPeekSeq           global.Seqlock
	gcInProgress          global.Int
	unixTotInflight       global.Int
	unixGraphState        global.Int
	unixGraphCyclicSccs   global.Int
	unixVertexMaxSccIndex global.Int
	unixUnvisitedVertices vertexList
	unixGCWork            global.Work
	delayedFputList       fileList
	delayedFputWork       global.Work
	// hitlist is a variable of unix_gc(), of which there is one at a time: the messages that are
	// to be dropped.
	hitlist global.List[*skBuff]
	walk    walk

	check, checkOther func(*schedule.Exec) // atEnd and atEndOther, made once
	other             *unixSock            // whom the latter is about

	fileCache *slab.Cache[file, *file]
	socks     *slab.Cache[unixSock, *unixSock]
	skbs      *slab.Cache[skBuff, *skBuff]
	fpls      *slab.Cache[scmFpList, *scmFpList]
	vertices  *slab.Cache[unixVertex, *unixVertex]
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	s.Global(&s.files, "files")
	s.Global(&s.unixGCLock, "unix_gc_lock")
	s.Global(&s.unixPeekSeq, "unix_peek_seq")
	s.Global(&s.gcInProgress, "gc_in_progress")
	s.Global(&s.unixTotInflight, "unix_tot_inflight")
	s.Global(&s.unixGraphState, "unix_graph_state")
	s.Global(&s.unixGraphCyclicSccs, "unix_graph_cyclic_sccs")
	s.Global(&s.unixVertexMaxSccIndex, "unix_vertex_max_scc_index")
	s.Global(&s.unixUnvisitedVertices, "unix_unvisited_vertices")
	s.Global(&s.unixGCWork, "unix_gc_work")
	s.Global(&s.delayedFputList, "delayed_fput_list")
	s.Global(&s.delayedFputWork, "delayed_fput_work")
	s.Global(&s.hitlist, "hitlist")
	s.unixGCWork.Init(s.unixGC)
	s.delayedFputWork.Init(s.delayedFput)
	s.walk.system, s.check, s.checkOther = s, s.atEnd, s.atEndOther
	s.walk.stack = make([]int, 0, maxFiles)
	s.fileCache = slab.NewCache[file]("file", nil)
	s.socks = slab.NewCache[unixSock]("u", nil)
	s.skbs = slab.NewCache[skBuff]("skb", nil)
	s.fpls = slab.NewCache[scmFpList]("fpl", nil)
	s.vertices = slab.NewCache[unixVertex]("vertex", nil)
	return s
}

// boot begins an execution in which descriptors i up to n are sockets i, and the graph is empty.
func (s *system) boot(e *schedule.Exec, n int) {
	s.BootGlobals(e)
	s.works = [maxThreads]works{}
	s.unixVertexMaxSccIndex.Init(sccStart)
	for i := range n {
		f, u := s.fileCache.AllocBoot(e), s.socks.AllocBoot(e)
		f.fCount.Init(1)
		f.sk.Init(u)
		u.file.Init(f)
		u.skRefcnt.Init(1)
		s.files.fd[i].Init(f)
	}
}

// bootPeers makes sockets i and j a pair, as socketpair() does.
func (s *system) bootPeers(i, j int) {
	a, b := s.files.fd[i].Peek().sk.Peek(), s.files.fd[j].Peek().sk.Peek()
	a.peer.Init(b)
	b.peer.Init(a)
	a.skRefcnt.Init(2)
	b.skRefcnt.Init(2)
}

// bootInflight has a message with socket i in the queue of socket at, before the first step.
func (s *system) bootInflight(e *schedule.Exec, i, at int) {
	f, to := s.files.fd[i].Peek(), s.files.fd[at].Peek().sk.Peek()
	u := f.sk.Peek()
	skb, fpl := s.skbs.AllocBoot(e), s.fpls.AllocBoot(e)
	f.fCount.Init(f.fCount.Peek() + 1)
	fpl.fp.Init(f)
	skb.fp.Init(fpl)
	to.skReceiveQueue.Init(skb)
	v := u.vertex.Peek()
	if v == nil {
		v = s.vertices.AllocBoot(e)
		u.vertex.Init(v)
		v.initScc_()
		s.unixUnvisitedVertices.add(v)
		if s.Has(initScc) {
			s.unixVertexMaxSccIndex.Init(s.unixVertexMaxSccIndex.Peek() + 1)
			v.sccIndex.Init(s.unixVertexMaxSccIndex.Peek())
		}
	}
	v.edges[v.outDegree.Peek()].Init(fpl)
	v.outDegree.Init(v.outDegree.Peek() + 1)
	fpl.predecessor.Init(u)
	fpl.successor.Init(to)
	fpl.inflight.Init(1)
	s.unixTotInflight.Int.Init(s.unixTotInflight.Peek() + 1)
	if to.vertex.Peek() != nil {
		s.unixGraphState.Int.Init(graphMaybeCyclic)
	}
}

// bootMessage has a message without a file in the queue of socket at, before the first step.
func (s *system) bootMessage(e *schedule.Exec, at int) {
	s.files.fd[at].Peek().sk.Peek().skReceiveQueue.Init(s.skbs.AllocBoot(e))
}

// bootWalk has the components found before the first step: those of sockets that are open.
func (s *system) bootWalk() {
	s.walk.tarjan()
	s.walk.store()
	for i := range s.walk.n {
		s.walk.stays(s.walk.of(i))
	}
	s.unixGraphCyclicSccs.Int.Init(s.walk.n)
	s.unixGraphState.Int.Init(graphCyclic)
}

// bootClose closes descriptor i before the first step: of a socket that is in flight.
func (s *system) bootClose(i int) {
	f := s.files.fd[i].Peek()
	f.fCount.Init(f.fCount.Peek() - 1)
	s.files.fd[i].Init(nil)
}

// bootAgents creates the kworker, after the threads.
func (s *system) bootAgents(e *schedule.Exec) { workqueue.Boot(e, 1) }

// atEndOther is that of one socket: it does not matter what becomes of others.
func (s *system) atEndOther(e *schedule.Exec) {
	for i := range s.unixUnvisitedVertices.v {
		v := s.unixUnvisitedVertices.v[i].Peek()
		if v == nil || v != s.other.vertex.Peek() || s.live_().has(i) {
			continue
		}
		if !s.found_(v) {
			e.FailAtEnd(schedule.Leak, &v.Object, schedule.Party{},
				"there is garbage that the collector does not find")
		}
	}
}

// atEnd is what somebody may ask for when all has been closed that is going to be: that garbage
// has been collected, or will be when somebody closes a socket next.
func (s *system) atEnd(e *schedule.Exec) {
	v := s.garbage_()
	if v == nil {
		return
	}
	if s.found_(v) {
		e.FailAtEnd(schedule.LostUpdate, &v.Object, schedule.Party{},
			"there is garbage, and nobody has called the collector since")
		return
	}
	e.FailAtEnd(schedule.Leak, &v.Object, schedule.Party{},
		"there is garbage that the collector does not find")
}
