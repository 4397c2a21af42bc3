package super

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// changes is the set of changes that a variant makes to the code of 4.9.
type changes uint

const (
	// noEarlyDestroy takes the calls of list_lru_destroy() out of
	// deactivate_locked_super().
	noEarlyDestroy changes = 1 << iota
	// putFirst has deactivate_locked_super() call put_super() before them.
	putFirst
)

// variant is the kernel, or a mutant of it.
type variant struct {
	name     string
	versions string
	about    string
	changes  changes
}

var variants = []variant{
	{"real", "4.3-4.14", "put_super() cannot sleep: the list_lrus have been destroyed before", 0},
	{"m1", "mutant", "deactivate_locked_super() without list_lru_destroy(): the kernel of 2017 " +
		"calls it, so there this cannot happen", noEarlyDestroy},
	{"m2", "mutant", "list_lru_destroy() after put_super() in deactivate_locked_super(): in the " +
		"kernel it comes before, so there this cannot happen", putFirst},
}

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

// expected is the table of verdicts: every kind of failure with the fewest preemptions
// that it takes, by scenario and variant. What is not here never fails.
var expected = program.Table{
	"umount":                   {"m1": sleeps, "m2": afterFree},
	"umount-vs-iterate_supers": {"m1": sleeps, "m2": twice},
	"umount-vs-mount":          {"m1": sleeps, "m2": twice},
	"umount-vs-memcg_online":   {"m1": sleeps, "m2": afterFree},
	"workload":                 {"m1": sleeps, "m2": sleeps},
}

// Programs returns all programs. newLRUs makes the list_lrus of one of them.
func Programs(newLRUs func() LRUs) []program.Program {
	var out []program.Program
	for i := range scenarios {
		sc := &scenarios[i]
		for _, v := range variants {
			out = append(out, program.Program{
				Object: "fs/super", Scenario: sc.name, Variant: v.name,
				Versions: v.versions, Patches: v.about, Workload: sc.threads == nil,
				New: func() program.Instance { return sc.instance(newSystem(v.changes, newLRUs())) },
			})
		}
	}
	return expected.Fill(out)
}

// The global variables of the kernel are objects of their own, so that traces name them
// as the kernel does.
type (
	spinlock   = spin.Lock // embedded as spin.Lock, the field would hide the method
	globalSpin struct {
		schedule.Object
		spinlock
	}
	globalList struct {
		schedule.Object
		list.Head[*superBlock]
	}
)

// mounts is who has mounted what: each thread holds an active reference of its own.
type mounts struct {
	schedule.Object
	sb [maxThreads]mem.Ptr[*superBlock]
}

// system is what a program shares.
type system struct {
	changes     changes
	lrus        LRUs
	sbLock      globalSpin
	superBlocks globalList
	mounts      mounts
	sbCache     *slab.Cache[superBlock, *superBlock]
}

func newSystem(c changes, lrus LRUs) *system {
	s := &system{changes: c, lrus: lrus}
	s.sbLock.Bind(&s.sbLock, "sb_lock")
	s.superBlocks.Bind(&s.superBlocks, "super_blocks")
	s.mounts.Bind(&s.mounts, "mounts")
	s.sbCache = slab.NewCache("sb", func(sb *superBlock) {
		sb.system = s
		sb.rcu.Init(sb.destroySuperRcu)
		sb.destroyWork.Init(sb.destroySuperWork)
	})
	return s
}

// has reports whether a change is made.
func (s *system) has(c changes) bool { return s.changes&c != 0 }

// boot begins an execution in which nothing is mounted.
func (s *system) boot(e *schedule.Exec, size int) {
	e.Static(&s.sbLock.Object, 0)
	e.Static(&s.superBlocks.Object, 0)
	e.Static(&s.mounts.Object, 0)
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
