package listlru

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// memCgroup is struct mem_cgroup, a child of the root.
type memCgroup struct {
	schedule.Object
	kmemcgID mem.Int // -1: the items count for the root, which has that too
	state    mem.Int // kmem_state, under cgroup_mutex
}

// memcgGetCacheIds is memcg_get_cache_ids(). It may sleep.
func (s *system) memcgGetCacheIds(t *schedule.Thread) { s.cacheIdsSem.DownRead(t) }

// memcgPutCacheIds is memcg_put_cache_ids().
func (s *system) memcgPutCacheIds(t *schedule.Thread) { s.cacheIdsSem.UpRead(t) }

// Values of memCgroup.state.
const (
	kmemNone = iota
	kmemOnline
	kmemAllocated // after memcg_offline_kmem()
)

// memcgOnlineKmem is memcg_online_kmem(): give a new cgroup an id.
func (s *system) memcgOnlineKmem(t *schedule.Thread, memcg *memCgroup) {
	id := s.memcgAllocCacheID(t)
	if id < 0 {
		return
	}
	memcg.kmemcgID.Write(t, id)
	memcg.state.Write(t, kmemOnline)
}

// memcgAllocCacheID is memcg_alloc_cache_id(). It returns -1 if there is no memory. In the
// mutants of P1 and in the kernel alike, memcg_nr_cache_ids changes last.
func (s *system) memcgAllocCacheID(t *schedule.Thread) int {
	id := s.idaSimpleGet_(t)
	if id < 0 || id < s.nrCacheIds.Read(t) {
		return id
	}
	s.cacheIdsSem.DownWrite(t)
	ok := s.memcgUpdateAllListLrus(t, id+1)
	if ok {
		s.nrCacheIds.Write(t, id+1)
	}
	s.cacheIdsSem.UpWrite(t)
	if !ok {
		s.memcgFreeCacheID(t, id)
		return -1
	}
	return id
}

// idaSimpleGet_ is ida_simple_get() of memcg_cache_ida: the lowest id that is free.
func (s *system) idaSimpleGet_(t *schedule.Thread) int {
	t.Step(schedule.Op{Verb: "ida_simple_get", Cell: &s.ida.used, Mode: schedule.RMWFull})
	used := t.Observe(s.ida.used.Value())
	for id := range maxIDs {
		if used>>id&1 == 0 {
			s.ida.used.Set(used | 1<<id)
			return id
		}
	}
	return -1 // -ENOSPC
}

// memcgFreeCacheID is memcg_free_cache_id().
func (s *system) memcgFreeCacheID(t *schedule.Thread, id int) {
	t.Step(schedule.Op{Verb: "ida_simple_remove", Cell: &s.ida.used, Mode: schedule.RMWFull})
	s.ida.used.Set(s.ida.used.Value() &^ (1 << id))
}

// memcgOfflineKmem is memcg_offline_kmem(): what the cgroup allocates from now on counts
// for its parent, what it has on the lists moves there, and then the id may be used
// again. The order is imposed by the locks of the nodes.
func (s *system) memcgOfflineKmem(t *schedule.Thread, memcg *memCgroup) {
	id := memcg.kmemcgID.Read(t)
	memcg.kmemcgID.Write(t, -1)
	s.memcgDrainAllListLrus(t, id)
	s.memcgFreeCacheID(t, id)
}
