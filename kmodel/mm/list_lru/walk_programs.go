package listlru

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Patches to the code of June 2013.
const (
	// alwaysRestart is 5cedf721a7cd: a walk begins again whenever it has given the lock up,
	// and counts items before it looks at them, not when it has got past them. It takes one
	// off the budget and then looks whether that is 0.
	alwaysRestart program.Changes = 1 << iota
	// countThenTake is c56b097af26c: it looks first. Without, a budget of 1 is one of
	// nothing, and one of 0 has no end.
	countThenTake
)

var walks = program.Model[*walkSystem]{
	Object: "mm/list_lru",
	Variants: []program.Variant{
		{Name: "next-2013", Versions: "linux-next of June 2013",
			About: "a walk begins again after every other time that it has given the lock up"},
		{Name: "3.12-rc", Versions: "3.12-rc1 to rc7", Changes: alwaysRestart,
			About: "5cedf721a7cd: it begins again after each, and counts wrongly"},
		{Name: "3.12", Versions: "3.12", Changes: alwaysRestart | countThenTake,
			About: "c56b097af26c on top: it counts rightly"},
	},
	Scenarios: []program.Scenario[*walkSystem]{{Name: "walk-vs-walk", New: walkVsWalk}},
	Workloads: []program.Scenario[*walkSystem]{{Name: "walk-workload", New: newWalkWorkload}},
	Expected: program.Table{
		"walk-vs-walk": {"next-2013": {
			program.Fails(schedule.BugOn, 1), program.Fails(schedule.UseAfterFree, 1),
			program.Fails(schedule.OutOfBounds, 2), program.Fails(schedule.Leak, 2),
		}},
		"walk-workload": {"next-2013": {
			program.Fails(schedule.BugOn, 1), program.Fails(schedule.UseAfterFree, 1),
		}},
	},
	System: newWalkSystem,
}

// Walks returns the programs about walking a list.
func Walks() []program.Program { return walks.Programs() }

// The most of everything that a workload of walks has.
const (
	maxWalkers   = 3
	maxWalkCalls = 2
	maxInodes    = 3
	maxNrToScan  = 4
)

// walkSystem is what the threads of such a program share.
type walkSystem struct {
	program.Changes
	program.Globals
	nlru     lruNode
	freeable [maxWalkers]inodeList // on the stack of each
	inodes   *slab.Cache[inode, *inode]
}

func newWalkSystem(c program.Changes) *walkSystem {
	s := &walkSystem{Changes: c}
	s.Global(&s.nlru, "nlru")
	for i := range s.freeable {
		s.Global(&s.freeable[i], [maxWalkers]string{"freeable", "freeable2", "freeable3"}[i])
		s.freeable[i].SetOnStack()
	}
	s.inodes = slab.NewCache("inode", func(inode *inode) { inode.iRcu.Init(inode.iCallback) })
	return s
}

// bootInode puts an inode at the head of the list.
func (s *walkSystem) bootInode(e *schedule.Exec, pages int) {
	inode := s.inodes.AllocBoot(e)
	inode.nrpages.Init(pages)
	s.nlru.list.Init(inode)
	s.nlru.nrItems.Init(s.nlru.nrItems.Peek() + 1)
}

// walkVsWalk is two shrinkers, on a list of two inodes that have pages: kswapd of the node, which
// walks the lists of no other, and a task that reclaims for itself. The first of them has a
// budget of 2, by which the old code looks at three items; the second can go through the list
// twice and more, so that inodes are freed in all variants.
func walkVsWalk(s *walkSystem) program.Instance {
	first := func(t *schedule.Thread) { s.pruneIcacheSb(t, 2, &s.freeable[0]) }
	second := func(t *schedule.Thread) { s.pruneIcacheSb(t, 6, &s.freeable[1]) }
	begin := func(e *schedule.Exec) {
		s.BootGlobals(e)
		s.bootInode(e, 1)
		s.bootInode(e, 1)
		e.Go("kswapd0", first)
		e.Go("reclaim", second)
		rcu.Boot(e, rcu.Split)
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// walkWorkload is 2 or 3 threads with 1 or 2 calls each, and 1 to 3 inodes, with pages or
// without. A call is a walk that looks at so many items.
type walkWorkload struct {
	*walkSystem
	*program.Workload[int]
}

func newWalkWorkload(s *walkSystem) program.Instance {
	w := &walkWorkload{walkSystem: s}
	w.Workload = program.NewWorkload(maxWalkers, maxWalkCalls, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *walkWorkload) begin(e *schedule.Exec) {
	w.BootGlobals(e)
	for range maxInodes - w.Choose(e, maxInodes) {
		w.bootInode(e, 1-w.Choose(e, 2))
	}
	for i := range w.Threads(e) {
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = maxNrToScan - w.Choose(e, maxNrToScan)
		}
		w.Go(e, i)
	}
	rcu.Boot(e, rcu.Split)
}

// run_ makes the calls of thread i.
func (w *walkWorkload) run_(t *schedule.Thread, i int, calls []int) {
	for j, nr := range calls {
		w.pruneIcacheSb(t, nr, &w.freeable[i])
		t.Forget(uint64(j))
	}
}

// abstract gives the Go fuzzer a word for each inode: whether it is freed and on a list, how
// its count stands, what it is marked as, and what is locked.
func (s *walkSystem) abstract(e *schedule.Exec, hit func(uint64)) {
	for _, inode := range s.inodes.InUse(e) {
		hit(program.Word(4|min(inode.iCount.Peek(), 3), inode.Live(), inode.iLru.Listed(),
			inode.iState.Peek()&iReferenced != 0, inode.iState.Peek()&iFreeing != 0,
			inode.nrpages.Peek() != 0, inode.iLock.IsLocked(), s.nlru.lock.IsLocked(),
			s.nlru.list.Peek() == inode))
	}
}
