// Package listlru is the resizing of per-memcg LRU lists (mm/list_lru.c) and those who
// come in its way: list_lru_destroy() of an unmount, the draining of a memory cgroup that
// goes offline, list_lru_init() of a mount, and list_lru_add().
//
// The nouns: a list_lru is part of its owner, a super_block as a rule. It has an array of
// list_lru_node, each with an array of pointers to list_lru_one, one for each memory
// cgroup id. memcg_nr_cache_ids is the length of all those arrays. A cgroup whose id is
// beyond it makes all arrays of all list_lrus longer, which allocates and so may sleep.
//
// Of the kernel, 4.9 (the code is the same from 4.0 to 4.16, but for kvmalloc): memcg_cache_ids_sem
// protects the length; list_lrus_mutex the list of all list_lrus, and it keeps resize,
// drain and the unlinking of destroy apart; the lock of a list_lru_node protects its lists
// and the pointer to the array. Taken in this order. That is right, and list_lru_destroy()
// may sleep.
//
// In October 2017 a tool reported that put_super() calls it under sb_lock. That cannot
// happen: see package fs/super. But for two days there was a discussion of how to make it
// not sleep, none of which was ever merged, and which went through several races. They
// are the variants here (variants.go), each a set of changes to the code of 4.9.
//
// mm/memcontrol.c is part of this package (memcontrol.go), because the two files call
// each other, which two Go packages cannot: list_lru.c reads memcg_nr_cache_ids under
// memcg_cache_ids_sem, and memcontrol.c has list_lru.c resize and drain.
//
// cgroup_mutex is held, in 4.9, while a cgroup is made and so over any resize. It is held
// as well by css_killed_work_fn(), the ordinary way for a cgroup to go offline, which
// therefore never drains during a resize. But a cgroup whose making has failed halfway
// is taken offline by mem_cgroup_css_free() from a work item, without cgroup_mutex: a
// comment in memcg_offline_kmem() says so since 2016. Nobody was ever in it, so it has nothing
// on the lists. From 4.0 to 4.5 it is a write to memory.kmem.limit_in_bytes that resizes, under
// memcg_limit_mutex alone, and any cgroup that goes offline may drain meanwhile what it has
// there. That is who drains against a resize here. Both list_lru.c and the discussion keep the
// two apart without cgroup_mutex, so here it only keeps resizes apart from each other.
//
// How a list is walked is a story of its own, older by four years: see walk.go.
//
// Not modelled: more than one NUMA node, the items on the lists (they are counted),
// list_lrus without memcgs, cgroups below another than the root, the slab caches that
// memcg_alloc_cache_id() resizes first, and a resize that runs out of memory among the entries
// of one array (up to 5.1 __memcg_init_list_lru_node() leaks one then). Arrays grow by one where
// those of the kernel at least double.
//
// Start reading here, then proposals.go.
package listlru

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// maxIDs is one more than the largest id of a memory cgroup.
const maxIDs = 6

// onList is what list_lrus links: the list_lru, or its listLruNodes in those variants
// that have the list node there.
type onList interface {
	Header() *schedule.Object
	ListNode() *list.Node[onList]
}

// listLru is struct list_lru. It is in the memory of its owner, and freed with it.
type listLru struct {
	schedule.Object
	node mem.Ptr[*listLruNodes]
	list list.Node[onList]
	prev mem.Int // 1: list.prev was set to NULL, a mark of the variants with unlinkVictim
	put  mem.Int // how many items were put on its lists: part of the model, not of the kernel
}

// ListNode implements [list.Entry].
func (lru *listLru) ListNode() *list.Node[onList] { return &lru.list }

// listLruNodes is the array of struct list_lru_node, and what variants put before it.
type listLruNodes struct {
	schedule.Object
	list list.Node[onList]
	prev mem.Int // as listLru.prev
	size mem.Int // memcg_nr_cache_ids when it was allocated or resized last
	dead mem.Int // the resizer is to free it
	node listLruNode
}

// ListNode implements [list.Entry].
func (n *listLruNodes) ListNode() *list.Node[onList] { return &n.list }

// listLruNode is struct list_lru_node.
type listLruNode struct {
	lock      spin.Lock
	nrItems   mem.Int // of lru: what belongs to the root
	memcgLrus mem.Ptr[*listLruMemcg]
}

// listLruMemcg is struct list_lru_memcg, the array.
type listLruMemcg struct {
	schedule.Object
	nr  mem.Int // entries that were allocated: known to KASAN alone
	lru [maxIDs]mem.Ptr[*listLruOne]
	// val has the numbers of items where a variant stores list_lru_one by value.
	val [maxIDs]mem.Int
}

// listLruOne is struct list_lru_one.
type listLruOne struct {
	schedule.Object
	nrItems mem.Int
}

// listLruInit is list_lru_init_memcg().
func (s *system) listLruInit(t *schedule.Thread, lru *listLru) {
	if !s.Has(initWithoutSem) {
		s.memcgGetCacheIds(t)
	}
	n := s.nodesCache.Alloc(t)
	lru.node.Init(n)
	size := s.nrCacheIds.Read(t)
	n.node.memcgLrus.Init(s.newArray_(t, 0, size))
	n.size.Init(size)
	s.listLruRegister(t, s.linked_(lru, n))
	if !s.Has(initWithoutSem) {
		s.memcgPutCacheIds(t)
	}
}

// listLruRegister is list_lru_register().
func (s *system) listLruRegister(t *schedule.Thread, p onList) {
	s.lockList_(t)
	s.listLrus.Add(t, p)
	s.unlockList_(t)
}

// linked_ returns what of a list_lru is on the list.
func (s *system) linked_(lru *listLru, n *listLruNodes) onList {
	if s.Has(coallocated) {
		return n
	}
	return lru
}

// listLruDestroy is list_lru_destroy(). It may sleep, which is what the discussion is
// about.
func (s *system) listLruDestroy(t *schedule.Thread, lru *listLru) {
	n := lru.node.Read(t)
	if n == nil {
		return // destroyed already, or not yet initialized
	}
	if s.Has(stepAside) {
		s.destroyOrMark_(t, lru, n)
		return
	}
	if !s.Has(destroyWithoutSem) {
		s.memcgGetCacheIds(t)
	}
	s.listLruUnregister(t, lru)
	s.memcgDestroyListLru(t, n, s.sizeOf_(t, n))
	slab.Free(t, "kfree", n)
	lru.node.Write(t, nil)
	if !s.Has(destroyWithoutSem) {
		s.memcgPutCacheIds(t)
	}
}

// listLruUnregister is list_lru_unregister().
func (s *system) listLruUnregister(t *schedule.Thread, p onList) {
	s.lockList_(t)
	s.listLrus.Del(t, p)
	s.unlockList_(t)
}

// sizeOf_ returns the length of the array of n: memcg_nr_cache_ids, or what a variant has
// stored.
func (s *system) sizeOf_(t *schedule.Thread, n *listLruNodes) int {
	if s.Has(storedSize) {
		return n.size.Read(t)
	}
	return s.nrCacheIds.Read(t)
}

// memcgDestroyListLru is memcg_destroy_list_lru() of an array that should have size
// entries.
func (s *system) memcgDestroyListLru(t *schedule.Thread, n *listLruNodes, size int) {
	arr := n.node.memcgLrus.Read(t)
	s.memcgDestroyListLruNode(t, arr, 0, size)
	s.kfree_(t, arr)
}

// memcgDestroyListLruNode is __memcg_destroy_list_lru_node(): free the entries from begin
// to end.
func (s *system) memcgDestroyListLruNode(t *schedule.Thread, arr *listLruMemcg, begin, end int) {
	if s.Has(byValue) {
		return
	}
	for i := begin; i < end; i++ {
		slab.Free(t, "kfree", arr.entry_(t, i))
	}
}

// entry_ loads entry i, as KASAN sees it.
func (arr *listLruMemcg) entry_(t *schedule.Thread, i int) *listLruOne {
	one := arr.lru[i].Read(t)
	arr.check_(t, i)
	return one
}

// check_ fails if the step at hand, which touches entry i, is beyond the end.
func (arr *listLruMemcg) check_(t *schedule.Thread, i int) {
	if i >= arr.nr.Peek() { // never changes
		t.Fail(schedule.OutOfBounds, &arr.Object, schedule.Party{}, "")
	}
}

// newArray_ allocates an array of size entries and what belongs into those from begin on.
func (s *system) newArray_(t *schedule.Thread, begin, size int) *listLruMemcg {
	if size == 0 {
		return &s.zeroSize
	}
	arr := s.memcgCache.Alloc(t)
	arr.nr.Init(size)
	for i := begin; i < size && !s.Has(byValue); i++ {
		arr.lru[i].Init(s.oneCache.Alloc(t))
	}
	return arr
}

// memcgUpdateListLru is memcg_update_list_lru() with memcg_update_list_lru_node(): give n
// a longer array. It reports false if there is no memory.
func (s *system) memcgUpdateListLru(t *schedule.Thread, n *listLruNodes, size, newSize int) bool {
	if size > newSize {
		t.Warn(schedule.BugOn, &n.Object, schedule.Party{}, "old_size > new_size")
	}
	arr := n.node.memcgLrus.Read(t)
	if s.mayFail && t.Choose(2) == 1 {
		return false // -ENOMEM
	}
	bigger := s.newArray_(t, size, newSize)
	arr.memcpy_(t, bigger, size)
	n.node.lock.LockIrq(t)
	n.node.memcgLrus.Write(t, bigger)
	n.node.lock.UnlockIrq(t)
	s.kfree_(t, arr)
	return true
}

// kfree_ frees an array. Without entries there is nothing to free.
func (s *system) kfree_(t *schedule.Thread, arr *listLruMemcg) {
	if arr != &s.zeroSize {
		slab.Free(t, "kfree", arr)
	}
}

// memcpy_ copies the first n entries to an array that nobody else can see yet. It is one
// step: no two entries of one array change at the same time.
func (arr *listLruMemcg) memcpy_(t *schedule.Thread, to *listLruMemcg, n int) {
	if n == 0 {
		return
	}
	t.Step(schedule.Op{Verb: "memcpy", Cell: arr.Self(), Mode: schedule.PlainRead})
	arr.check_(t, n-1)
	for i := range n {
		to.lru[i].Init(arr.lru[i].Peek())
		to.val[i].Init(arr.val[i].Peek())
	}
}

// memcgUpdateAllListLrus is memcg_update_all_list_lrus().
func (s *system) memcgUpdateAllListLrus(t *schedule.Thread, newSize int) bool {
	if s.Has(stepAside) {
		return s.updateOneByOne_(t, newSize)
	}
	size := s.nrCacheIds.Read(t)
	ok := true
	s.lockList_(t)
	for p := s.listLrus.FirstEntry(t); p != nil; p = p.ListNode().NextEntry(t) {
		n := s.nodesOf_(t, p)
		if ok = s.memcgUpdateListLru(t, n, size, newSize); !ok {
			s.memcgCancelUpdateListLru(t, p, size, newSize)
			break
		}
		if s.Has(storedSize) {
			n.size.Write(t, newSize)
		}
	}
	s.unlockList_(t)
	return ok
}

// nodesOf_ returns the nodes of what is on the list, or was: a list_lru that has been destroyed has
// none.
func (s *system) nodesOf_(t *schedule.Thread, p onList) *listLruNodes {
	lru, ok := p.(*listLru)
	if !ok {
		return p.(*listLruNodes)
	}
	n := lru.node.Read(t)
	if n == nil {
		mem.NullDereference(t, "read", "lru->node[0].memcg_lrus")
	}
	return n
}

// memcgCancelUpdateListLru is memcg_cancel_update_list_lru() for all before the one that
// failed, all if that is nil, backwards, with the lock of the list held: the arrays stay as
// long as they are, and lose their new entries.
func (s *system) memcgCancelUpdateListLru(t *schedule.Thread, failed onList, size, newSize int) {
	for p := s.before_(t, failed); p != nil; p = s.before_(t, p) {
		n := s.nodesOf_(t, p)
		s.memcgDestroyListLruNode(t, n.node.memcgLrus.Read(t), size, newSize)
		if s.Has(storedSize) && !s.Has(failKeepsSize) {
			n.size.Write(t, size)
		}
	}
}

// before_ returns what is before p on the list, of nil the last.
func (s *system) before_(t *schedule.Thread, p onList) onList {
	if p == nil {
		return s.listLrus.LastEntry(t)
	}
	return list.PrevEntry(t, p)
}

// memcgDrainAllListLrus is memcg_drain_all_list_lrus(): move what belongs to an id to the
// parent, which is the root.
func (s *system) memcgDrainAllListLrus(t *schedule.Thread, src int) {
	if s.Has(drainWithSem) {
		s.memcgGetCacheIds(t)
	}
	s.lockList_(t)
	if s.Has(drainWithSemInside) {
		s.memcgGetCacheIds(t)
	}
	for p := s.listLrus.FirstEntry(t); p != nil; p = p.ListNode().NextEntry(t) {
		s.memcgDrainListLruNode(t, s.nodesOf_(t, p), src)
	}
	if s.Has(drainWithSemInside) {
		s.memcgPutCacheIds(t)
	}
	s.unlockList_(t)
	if s.Has(drainWithSem) {
		s.memcgPutCacheIds(t)
	}
}

// memcgDrainListLruNode is memcg_drain_list_lru_node().
func (s *system) memcgDrainListLruNode(t *schedule.Thread, n *listLruNodes, src int) {
	n.node.lock.LockIrq(t)
	items := s.itemsOf_(t, n, src)
	if v := items.Read(t); v != 0 {
		n.node.nrItems.Write(t, n.node.nrItems.Peek()+v) // under the lock
		items.Write(t, 0)
	}
	n.node.lock.UnlockIrq(t)
}

// listLruAdd is list_lru_add() of an item that was allocated for the cgroup.
func (s *system) listLruAdd(t *schedule.Thread, lru *listLru, memcg *memCgroup) {
	n := lru.node.Read(t)
	n.node.lock.Lock(t)
	items := s.itemsOf_(t, n, memcg.kmemcgID.Read(t))
	items.Write(t, items.Read(t)+1)
	lru.put.Init(lru.put.Peek() + 1)
	n.node.lock.Unlock(t)
}

// itemsOf_ is list_lru_from_memcg_idx(): where the items of an id are counted. The lock
// of the node is held.
func (s *system) itemsOf_(t *schedule.Thread, n *listLruNodes, id int) *mem.Int {
	if id < 0 {
		return &n.node.nrItems
	}
	arr := n.node.memcgLrus.Read(t)
	if s.Has(byValue) {
		arr.check_(t, id)
		return &arr.val[id]
	}
	return &arr.entry_(t, id).nrItems
}
