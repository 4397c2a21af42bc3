package listlru

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/global"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// globalIda is a struct ida.
type globalIda struct {
	schedule.Object
	used schedule.Cell // set of ids
}

// The most of everything that a program has.
const (
	maxLrus   = 4
	maxMemcgs = 5
)

// mounts is who owns list_lrus: a file system finds its own here.
type mounts struct {
	schedule.Object
	lru [maxLrus]mem.Ptr[*listLru]
}

// system is what a program shares: the global variables, the caches, and which changes
// are made to the code of 4.9.
type system struct {
	program.Changes
	program.Globals

	listLrus         global.List[onList]
	listLrusMutex    global.Mutex
	listLrusLock     global.Spin // instead, in the proposals
	currentlyResized global.Ptr[onList]
	cacheIdsSem      global.Sem
	nrCacheIds       global.Int
	ida              globalIda
	cgroupMutex      global.Mutex
	sbLock           global.Spin
	mounts           mounts
	memcgs           [maxMemcgs]memCgroup

	zeroSize listLruMemcg // ZERO_SIZE_PTR: what kmalloc(0) returns, which is no memory

	mayFail bool // allocations of a resize may fail
	drained bool // somebody calls memcg_offline_kmem

	lruCache   *slab.Cache[listLru, *listLru]
	nodesCache *slab.Cache[listLruNodes, *listLruNodes]
	memcgCache *slab.Cache[listLruMemcg, *listLruMemcg]
	oneCache   *slab.Cache[listLruOne, *listLruOne]

	checkEnd func(e *schedule.Exec) // checkEnd_, bound once
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	s.Global(&s.listLrus, "list_lrus")
	s.Global(&s.listLrusMutex, "list_lrus_mutex")
	s.Global(&s.listLrusLock, "list_lrus_lock")
	s.Global(&s.currentlyResized, "currently_resized")
	s.Global(&s.cacheIdsSem, "memcg_cache_ids_sem")
	s.Global(&s.nrCacheIds, "memcg_nr_cache_ids")
	s.Global(&s.ida, "memcg_cache_ida")
	s.Global(&s.cgroupMutex, "cgroup_mutex")
	s.Global(&s.sbLock, "sb_lock")
	s.Global(&s.mounts, "mounts")
	for i := range s.memcgs {
		s.memcgs[i].Bind(&s.memcgs[i], "memcg")
	}
	s.zeroSize.Bind(&s.zeroSize, "ZERO_SIZE_PTR")
	s.lruCache = slab.NewCache[listLru]("lru", nil)
	s.nodesCache = slab.NewCache[listLruNodes]("nodes", nil)
	s.memcgCache = slab.NewCache[listLruMemcg]("memcg_lrus", nil)
	s.oneCache = slab.NewCache[listLruOne]("lru_one", nil)
	s.checkEnd = s.checkEnd_
	return s
}

// boot begins an execution with arrays of size entries, whose ids are in use by the first
// cgroups.
func (s *system) boot(e *schedule.Exec, size int) {
	s.BootGlobals(e)
	e.Static(&s.zeroSize.Object, 0)
	for i := range s.memcgs {
		e.Static(&s.memcgs[i].Object, i)
		s.memcgs[i].kmemcgID.Init(-1)
	}
	for id := range size {
		s.memcgs[id].kmemcgID.Init(id)
		s.memcgs[id].state.Init(kmemOnline)
	}
	s.ida.used.Set(1<<size - 1)
	s.nrCacheIds.Init(size)
	e.AtEnd(s.checkEnd)
}

// bootLru makes a list_lru that is there from the start, at the head of the list, in
// mount i.
func (s *system) bootLru(e *schedule.Exec, i int) {
	lru := s.lruCache.AllocBoot(e)
	s.bootNodes(e, lru)
	s.mounts.lru[i].Init(lru)
}

// bootNodes initializes a list_lru that is there from the start.
func (s *system) bootNodes(e *schedule.Exec, lru *listLru) {
	n := s.nodesCache.AllocBoot(e)
	size, arr := s.nrCacheIds.Peek(), &s.zeroSize
	if size > 0 {
		arr = s.memcgCache.AllocBoot(e)
		arr.nr.Init(size)
	}
	for j := 0; j < size && !s.Has(byValue); j++ {
		arr.lru[j].Init(s.oneCache.AllocBoot(e))
	}
	n.node.memcgLrus.Init(arr)
	n.size.Init(size)
	lru.node.Init(n)
	s.listLrus.Init(s.linked_(lru, n))
}

// bootItem puts an item of the first cgroup on the list of mount i.
func (s *system) bootItem(i int) {
	lru := s.mounts.lru[i].Peek()
	lru.put.Init(1)
	arr := lru.node.Peek().node.memcgLrus.Peek()
	if s.Has(byValue) {
		arr.val[0].Init(1)
	} else {
		arr.lru[0].Peek().nrItems.Init(1)
	}
}

// checkEnd_ looks at what must hold when all is quiet. Nodes that no list_lru has are
// leaked though the list has them still; what belonged to an id that is free again must have
// moved; and no item is lost.
func (s *system) checkEnd_(e *schedule.Exec) {
	for _, n := range s.nodesCache.InUse(e) {
		if !n.Live() {
			continue
		}
		lru := s.owner_(e, n)
		if lru == nil {
			e.FailAtEnd(schedule.Leak, &n.Object, n.Allocated(), "its list_lru is gone")
			return
		}
		if arr := n.node.memcgLrus.Peek(); arr.Live() {
			s.checkItems_(e, lru, n, arr)
		}
	}
}

// owner_ returns the list_lru that has n, or nil.
func (s *system) owner_(e *schedule.Exec, n *listLruNodes) *listLru {
	for _, lru := range s.lruCache.InUse(e) {
		if lru.Live() && lru.node.Peek() == n {
			return lru
		}
	}
	return nil
}

// checkItems_ counts the items of lru, whose nodes and array these are.
func (s *system) checkItems_(e *schedule.Exec, lru *listLru, n *listLruNodes, arr *listLruMemcg) {
	sum := n.node.nrItems.Peek()
	for id := range arr.nr.Peek() {
		items := arr.val[id].Peek()
		if one := arr.lru[id].Peek(); one != nil && one.Live() {
			items = one.nrItems.Peek()
		}
		sum += items
		if s.drained && s.ida.used.Value()>>id&1 == 0 && items != 0 {
			e.FailAtEnd(schedule.LostUpdate, &n.Object, schedule.Party{}, "items of a cgroup that is gone")
			return
		}
	}
	if sum != lru.put.Peek() {
		e.FailAtEnd(schedule.LostUpdate, &n.Object, schedule.Party{}, "items that are on no list")
	}
}
