package namespace

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rwsem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/seqlock"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// changes is the set of patches that a variant has applied to the code of 4.17.
type changes uint

const (
	// putUnderLock is 9ea0a46ca2c3: a reference that may be the last is put under
	// mount_lock.
	putUnderLock changes = 1 << iota
	// lookForDoomed is half of 119e1ef80ecf: who fails to legitimize a mount looks whether
	// it is doomed.
	lookForDoomed
	// barriers is the other half: smp_mb() between mount_lock and mnt_count.
	barriers
)

// variants in historical order.
var variants = []struct {
	name, versions, about string
	changes               changes
}{
	{"4.17", "3.13-4.17", "references are put outside of mount_lock", 0},
	{"9ea0a46", "mutant", "9ea0a46ca2c3: inside, if they may be the last", putUnderLock},
	{"4.18", "4.18", "119e1ef80ecf: who legitimizes a mount looks whether it is doomed",
		putUnderLock | lookForDoomed | barriers},
	{"m1", "mutant", "4.18 without smp_mb(), which weaker memory would show",
		putUnderLock | lookForDoomed},
}

// freed is the mount or its filesystem that is used after mntput() has found nobody who has
// a reference.
func freed(preemptions int) []program.Expect {
	return []program.Expect{{Kind: schedule.UseAfterFree, Preemptions: preemptions}}
}

// expected is the table of verdicts, by scenario and variant: every kind of failure with
// the fewest preemptions that it takes. What is not here never fails.
var expected = program.Table{
	"close-vs-fstatat": {"4.17": freed(1)},
	"stat-vs-chdir":    {"4.17": freed(2), "9ea0a46": freed(2)},
	"workload":         {"4.17": freed(1), "9ea0a46": freed(2)},
}

// Programs returns all programs.
func Programs() []program.Program {
	var out []program.Program
	for i := range scenarios {
		sc := &scenarios[i]
		for _, v := range variants {
			out = append(out, program.Program{
				Object: "fs/namespace", Scenario: sc.name, Variant: v.name,
				Versions: v.versions, Patches: v.about, Workload: sc.workload,
				New: func() program.Instance { return sc.instance(newSystem(v.changes)) },
			})
		}
	}
	return expected.Fill(out)
}

// The global variables of the kernel.
type (
	globalSeqlock struct {
		schedule.Object
		seqlock.Lock
	}
	globalSem struct {
		schedule.Object
		rwsem.Sem
	}
)

// mountpoint is where the mount is mounted: its place in mount_hashtable.
type mountpoint struct {
	schedule.Object
	mnt mem.Ptr[*mount]
}

// system is what the threads of a program share.
type system struct {
	changes      changes
	mountLock    globalSeqlock
	namespaceSem globalSem
	mountpoint   mountpoint
	fs           fsStruct
	mounts       *slab.Cache[mount, *mount]
	supers       *slab.Cache[superBlock, *superBlock]
}

func newSystem(c changes) *system {
	s := &system{changes: c}
	s.mountLock.Bind(&s.mountLock, "mount_lock")
	s.namespaceSem.Bind(&s.namespaceSem, "namespace_sem")
	s.mountpoint.Bind(&s.mountpoint, "mount_hashtable")
	s.fs.Bind(&s.fs, "fs")
	s.mounts = slab.NewCache("mnt", func(mnt *mount) { mnt.mntRcu.Init(mnt.delayedFreeVfsmnt) })
	s.supers = slab.NewCache[superBlock]("sb", nil)
	return s
}

// has reports whether a patch is applied.
func (s *system) has(c changes) bool { return s.changes&c != 0 }

// boot begins an execution with a mount that has a reference on CPU 0 for each of so many
// open files.
func (s *system) boot(e *schedule.Exec, files int) *mount {
	e.Static(&s.mountLock.Object, 0)
	e.Static(&s.namespaceSem.Object, 0)
	e.Static(&s.mountpoint.Object, 0)
	e.Static(&s.fs.Object, 0)
	mnt := s.mounts.AllocBoot(e)
	mnt.mntSb.Init(s.supers.AllocBoot(e))
	mnt.mntCount.Init(0, files)
	return mnt
}

// bootPwd makes the mount the pwd, which got its reference on CPU 1.
func (s *system) bootPwd(mnt *mount) {
	s.fs.pwd.Init(mnt)
	mnt.mntCount.Init(1, 1)
}

// bootMounted has the mount in a namespace, which got its reference on CPU 2.
func (s *system) bootMounted(mnt *mount) {
	s.mountpoint.mnt.Init(mnt)
	mnt.mntNs.Init(1)
	mnt.mntCount.Init(2, 1)
}

// bootAgents creates the softirq, after the threads.
func (s *system) bootAgents(e *schedule.Exec) { rcu.Boot(e, rcu.Merged) }
