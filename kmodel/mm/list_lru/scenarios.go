package listlru

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// scenario is what the threads of a program do; or, if there are none, whatever the tape
// says.
type scenario struct {
	name    string
	size    int    // memcg_nr_cache_ids at the start
	lrus    int    // list_lrus that are there at the start
	mayFail bool   // the allocations of a resize may fail
	items   bool   // the first cgroup has an item on every list
	note    string // why no kernel comes to this
	threads []thread
}

// versions is which kernels are as they are, in this scenario.
func (sc *scenario) versions() string {
	if sc.note != "" {
		return "mutant"
	}
	return "4.0-4.16"
}

// A thread of a fixed scenario.
type thread struct {
	name string
	run  func(s *system, t *schedule.Thread)
}

// The threads. New cgroups get the id memcg_nr_cache_ids, so that all arrays are resized.
var (
	resize = thread{"memcg_online", func(s *system, t *schedule.Thread) {
		s.memcgOnlineKmem(t, &s.memcgs[maxMemcgs-1])
	}}
	offline = thread{"memcg_offline", func(s *system, t *schedule.Thread) {
		s.memcgOfflineKmem(t, &s.memcgs[0])
	}}
	umountOne = thread{"umount", func(s *system, t *schedule.Thread) { s.umount(t, 0) }}
	// umountTwo unmounts two file systems, that of the first list_lru on the list first.
	umountTwo = thread{"umount", func(s *system, t *schedule.Thread) {
		s.umount(t, 0)
		s.umount(t, 1)
	}}
	mountOne = thread{"mount", func(s *system, t *schedule.Thread) { s.mount(t, 0) }}
	// add puts a dentry of the first cgroup on a list.
	add = thread{"dput", func(s *system, t *schedule.Thread) {
		s.listLruAdd(t, s.mounts.lru[0].Peek(), &s.memcgs[0])
	}}
	// addNew has a task in the new cgroup use the new file system, if both are there.
	addNew = thread{"dput", func(s *system, t *schedule.Thread) {
		if lru := s.mounts.lru[0].Read(t); lru != nil {
			s.listLruAdd(t, lru, &s.memcgs[maxMemcgs-1])
		}
	}}
	// underSbLock calls list_lru_destroy() as the tool thought that put_super() does.
	underSbLock = thread{"put_super", func(s *system, t *schedule.Thread) {
		lru := s.mounts.lru[0].Peek()
		s.sbLock.Lock(t)
		s.listLruDestroy(t, lru)
		s.sbLock.Unlock(t)
	}}
)

var scenarios = []scenario{
	{name: "destroy-under-sb_lock", size: 1, lrus: 1, threads: []thread{underSbLock},
		note: "in the kernel put_super() finds the list_lru destroyed already"},
	{name: "resize-vs-destroy", size: 1, lrus: 1, threads: []thread{resize, umountOne}},
	{name: "resize-vs-two-destroys", size: 1, lrus: 3, threads: []thread{resize, umountTwo}},
	{name: "first-resize-vs-destroy", size: 0, lrus: 1, threads: []thread{resize, umountOne}},
	{name: "failed-resize-vs-destroy", size: 1, lrus: 2, mayFail: true,
		threads: []thread{resize, umountTwo}},
	{name: "resize-vs-add", size: 1, lrus: 1, threads: []thread{resize, add}},
	{name: "resize-vs-drain", size: 1, lrus: 1, items: true, threads: []thread{resize, offline}},
	{name: "resize-vs-drain-vs-destroy", size: 1, lrus: 2, items: true,
		threads: []thread{resize, offline, umountOne}},
	{name: "resize-vs-init-vs-add", size: 1, lrus: 0, threads: []thread{resize, mountOne, addNew}},
	{name: "workload"},
}

// instance builds the scenario over s.
func (sc *scenario) instance(s *system) program.Instance {
	if sc.threads == nil {
		return newWorkload(s)
	}
	s.mayFail = sc.mayFail
	s.drained = sc.items
	var start []func(e *schedule.Exec)
	for _, th := range sc.threads {
		body := func(t *schedule.Thread) { th.run(s, t) }
		start = append(start, func(e *schedule.Exec) { e.Go(th.name, body) })
	}
	begin := func(e *schedule.Exec) {
		s.boot(e, sc.size)
		for i := sc.lrus - 1; i >= 0; i-- {
			s.bootLru(e, i)
			if sc.items {
				s.bootItem(i)
			}
		}
		for _, f := range start {
			f(e)
		}
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}
