package super

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/global"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// What a variant changes in the code of 4.9.
const (
	// noEarlyDestroy takes the calls of list_lru_destroy() out of
	// deactivate_locked_super().
	noEarlyDestroy program.Changes = 1 << iota
	// putFirst has deactivate_locked_super() call put_super() before them.
	putFirst
)

// muteSleep lets the kernel go on after a might_sleep() splat, as it does.
var muteSleep = schedule.KindSet(schedule.SleepInAtomic)

var (
	sleeps    = []program.Expect{{Kind: schedule.SleepInAtomic}}
	afterFree = []program.Expect{
		{Kind: schedule.SleepInAtomic},
		{Kind: schedule.UseAfterFree, Preemptions: 1, Mute: muteSleep},
	}
	// Whoever drops the last reference and the task that unmounts may destroy the same
	// list_lru at once, which both then take off list_lrus.
	twice = append([]program.Expect{
		{Kind: schedule.ListCorrupt, Preemptions: 2, Mute: muteSleep},
	}, afterFree...)
)

// Programs returns all programs. newLRUs makes the list_lrus of one of them.
func Programs(newLRUs func() LRUs) []program.Program {
	return program.Model[*system]{
		Object: "fs/super",
		Variants: []program.Variant{
			{Name: "real", Versions: "4.3-4.14",
				About: "put_super() cannot sleep: the list_lrus have been destroyed before"},
			{Name: "m1", Versions: "mutant", Changes: noEarlyDestroy,
				About: "deactivate_locked_super() without list_lru_destroy(): the kernel of 2017 " +
					"calls it, so there this cannot happen"},
			{Name: "m2", Versions: "mutant", Changes: putFirst,
				About: "list_lru_destroy() after put_super() in deactivate_locked_super(): in the " +
					"kernel it comes before, so there this cannot happen"},
		},
		Scenarios: []program.Scenario[*system]{
			{Name: "umount", New: fixed(umountIt)},
			{Name: "umount-vs-iterate_supers", New: fixed(umountIt, iterate)},
			{Name: "umount-vs-mount", New: fixed(umountIt, mountIt)},
			{Name: "umount-vs-memcg_online", New: fixed(umountIt, online)},
		},
		Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
		Expected: program.Table{
			"umount":                   {"m1": sleeps, "m2": afterFree},
			"umount-vs-iterate_supers": {"m1": sleeps, "m2": twice},
			"umount-vs-mount":          {"m1": sleeps, "m2": twice},
			"umount-vs-memcg_online":   {"m1": sleeps, "m2": afterFree},
			"workload":                 {"m1": sleeps, "m2": sleeps},
		},
		System: func(c program.Changes) *system { return newSystem(c, newLRUs()) },
	}.Programs()
}

// mounts is who has mounted what: each thread holds an active reference of its own.
type mounts struct {
	schedule.Object
	sb [maxThreads]mem.Ptr[*superBlock]
}

// system is what a program shares.
type system struct {
	program.Changes
	program.Globals
	lrus        LRUs
	sbLock      global.Spin
	superBlocks global.List[*superBlock]
	mounts      mounts
	sbCache     *slab.Cache[superBlock, *superBlock]
}

func newSystem(c program.Changes, lrus LRUs) *system {
	s := &system{Changes: c, lrus: lrus}
	s.Global(&s.sbLock, "sb_lock")
	s.Global(&s.superBlocks, "super_blocks")
	s.Global(&s.mounts, "mounts")
	s.sbCache = slab.NewCache("sb", func(sb *superBlock) {
		sb.system = s
		sb.rcu.Init(sb.destroySuperRcu)
		sb.destroyWork.Init(sb.destroySuperWork)
	})
	return s
}

// boot begins an execution in which nothing is mounted.
func (s *system) boot(e *schedule.Exec, size int) {
	s.BootGlobals(e)
	s.lrus.Boot(e, size)
}

// bootMount mounts dev for thread i before the first step.
func (s *system) bootMount(e *schedule.Exec, i, dev int) {
	sb := s.superBlocks.Peek()
	for sb != nil && sb.sDev.Peek() != dev {
		sb = sb.sList.Peek()
	}
	if sb == nil {
		sb = s.sbCache.AllocBoot(e)
		sb.sDev.Init(dev)
		sb.sCount.Init(1)
		sb.sInstances.Init(1)
		sb.sRoot.Init(1)
		sb.sFlags.Init(1)
		sb.sDentryLru.Init(s.lrus.BootLru(e))
		sb.sInodeLru.Init(s.lrus.BootLru(e))
		s.superBlocks.Init(sb)
	}
	sb.sActive.Init(sb.sActive.Peek() + 1)
	s.mounts.sb[i].Init(sb)
}

// bootAgents creates the softirq and a kworker.
func (s *system) bootAgents(e *schedule.Exec) {
	rcu.Boot(e, rcu.Split)
	workqueue.Boot(e, 1)
}

// umount drops what thread i has mounted.
func (s *system) umount(t *schedule.Thread, i int) {
	sb := s.mounts.sb[i].Peek() // nobody else changes it
	s.mounts.sb[i].Write(t, nil)
	sb.deactivateSuper(t)
}
