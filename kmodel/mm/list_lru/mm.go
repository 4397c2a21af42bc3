package listlru

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// An MM is the code of 4.9 for another object that has list_lrus in it, which knows it as
// an interface of its own. Its methods are no functions of the kernel, hence their names.
type MM struct{ s *system }

// New returns an MM.
func New() *MM { return &MM{newSystem(0)} }

// Boot begins an execution with arrays of size entries.
func (m *MM) Boot(e *schedule.Exec, size int) { m.s.boot(e, size) }

// BootLru returns a list_lru that is there from the start.
func (m *MM) BootLru(e *schedule.Exec) schedule.Header {
	lru := m.s.lruCache.AllocBoot(e)
	m.s.bootNodes(e, lru)
	return lru
}

// Alloc_ returns the memory of a list_lru, which is zeroed.
func (m *MM) Alloc_(t *schedule.Thread) schedule.Header { return m.s.lruCache.Alloc(t) }

// Free_ frees it with the memory around it: no step.
func (m *MM) Free_(t *schedule.Thread, lru schedule.Header) { t.Free(lru.Header()) }

// Init_ calls list_lru_init_memcg().
func (m *MM) Init_(t *schedule.Thread, lru schedule.Header) { m.s.listLruInit(t, lru.(*listLru)) }

// Destroy_ calls list_lru_destroy().
func (m *MM) Destroy_(t *schedule.Thread, lru schedule.Header) {
	m.s.listLruDestroy(t, lru.(*listLru))
}

// Online_ makes memory cgroup i, unless it was made before.
func (m *MM) Online_(t *schedule.Thread, i int) { m.s.online_(t, &m.s.memcgs[i%maxMemcgs]) }

// Offline_ takes memory cgroup i away, if it is there.
func (m *MM) Offline_(t *schedule.Thread, i int) { m.s.offline_(t, &m.s.memcgs[i%maxMemcgs]) }

// online_ is the making of a cgroup, which cgroup_mutex keeps apart from any other.
func (s *system) online_(t *schedule.Thread, memcg *memCgroup) {
	s.cgroupMutex.Lock(t)
	if memcg.state.Read(t) == kmemNone {
		s.memcgOnlineKmem(t, memcg)
	}
	s.cgroupMutex.Unlock(t)
}

// offline_ is the end of a cgroup, once.
func (s *system) offline_(t *schedule.Thread, memcg *memCgroup) {
	s.cgroupMutex.Lock(t)
	was := memcg.state.Read(t)
	if was == kmemOnline {
		memcg.state.Write(t, kmemAllocated)
	}
	s.cgroupMutex.Unlock(t)
	if was == kmemOnline {
		s.memcgOfflineKmem(t, memcg)
	}
}

// mount is what a file system does for its list_lru: initialize, and let others use it.
func (s *system) mount(t *schedule.Thread, i int) {
	lru := s.lruCache.Alloc(t)
	s.listLruInit(t, lru)
	s.mounts.lru[i].Write(t, lru)
}

// umount destroys the list_lru of mount i and frees its owner. Nobody else uses it.
func (s *system) umount(t *schedule.Thread, i int) {
	lru := s.mounts.lru[i].Read(t)
	s.mounts.lru[i].Write(t, nil)
	s.listLruDestroy(t, lru)
	slab.Free(t, "kfree", lru)
}
