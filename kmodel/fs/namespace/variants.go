package namespace

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/global"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// What a variant has applied to the code of 4.17.
const (
	// putUnderLock is 9ea0a46ca2c3: a reference that may be the last is put under
	// mount_lock.
	putUnderLock program.Changes = 1 << iota
	// lookForDoomed is half of 119e1ef80ecf: who fails to legitimize a mount looks whether
	// it is doomed.
	lookForDoomed
	// barriers is the other half: smp_mb() between mount_lock and mnt_count.
	barriers
)

var model = program.Model[*system]{
	Object: "fs/namespace",
	Variants: []program.Variant{
		{Name: "4.17", Versions: "3.13-4.17",
			About: "references are put outside of mount_lock"},
		{Name: "9ea0a46", Versions: "mutant", Changes: putUnderLock,
			About: "9ea0a46ca2c3: inside, if they may be the last"},
		{Name: "4.18", Versions: "4.18", Changes: putUnderLock | lookForDoomed | barriers,
			About: "119e1ef80ecf: who legitimizes a mount looks whether it is doomed"},
		{Name: "m1", Versions: "mutant", Changes: putUnderLock | lookForDoomed,
			About: "4.18 without smp_mb(), which takes store buffers to fail"},
		{Name: "4.18-tso", Versions: "4.18", Changes: putUnderLock | lookForDoomed | barriers,
			About: "4.18 with store buffers"},
		{Name: "m1-tso", Versions: "mutant", Changes: putUnderLock | lookForDoomed,
			About: "m1 with store buffers"},
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "close-vs-fchdir", New: closeVsFchdir},
		{Name: "stat-vs-fchdir", New: statVsFchdir},
	},
	Workloads: []program.Scenario[*system]{
		{Name: "workload", New: newWorkload},
	},
	Expected: expected,
	System:   newSystem,
}

// freed is the mount or its filesystem that is used after mntput() has found nobody who has
// a reference.
func freed(preemptions int) []program.Expect {
	return []program.Expect{{Kind: schedule.UseAfterFree, Preemptions: preemptions}}
}

// expected is the table of verdicts, by scenario and variant: every kind of failure with
// the fewest preemptions that it takes. What is not here never fails.
var expected = program.Table{
	"close-vs-fchdir": {"4.17": freed(1)},
	"stat-vs-fchdir":  {"4.17": freed(2), "9ea0a46": freed(2), "m1-tso": freed(1)},
	"workload":        {"4.17": freed(1), "9ea0a46": freed(2), "m1-tso": freed(1)},
}

// Programs returns all programs.
func Programs() []program.Program { return model.Programs() }

// mountpoint is where the mount is mounted: its place in mount_hashtable.
type mountpoint struct {
	schedule.Object
	mnt mem.Ptr[*mount]
}

// system is what the threads of a program share.
type system struct {
	program.Changes
	program.Globals
	mountLock    global.Seqlock
	namespaceSem global.Sem
	mountpoint   mountpoint
	fs           fsStruct
	mounts       *slab.Cache[mount, *mount]
	supers       *slab.Cache[superBlock, *superBlock]
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	s.Global(&s.mountLock, "mount_lock")
	s.Global(&s.namespaceSem, "namespace_sem")
	s.Global(&s.mountpoint, "mount_hashtable")
	s.Global(&s.fs, "fs")
	s.mounts = slab.NewCache("mnt", func(mnt *mount) { mnt.mntRcu.Init(mnt.delayedFreeVfsmnt) })
	s.supers = slab.NewCache[superBlock]("sb", nil)
	return s
}

// boot begins an execution with a mount that has a reference on CPU 0 for each of so many
// open files.
func (s *system) boot(e *schedule.Exec, files int) *mount {
	s.BootGlobals(e)
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
func (s *system) bootAgents(e *schedule.Exec) { rcu.Boot(e, rcu.Split) }
