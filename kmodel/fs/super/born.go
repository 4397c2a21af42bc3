package super

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/global"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// What a variant has applied to the code of 4.16.
const (
	// countBorn is half of 79f546a696bf: super_cache_count() looks whether the superblock is born,
	// with smp_rmb() after it.
	countBorn program.Changes = 1 << iota
	// bornLast is the other half: smp_wmb() before it is.
	bornLast
)

var births = program.Model[*birth]{
	Object: "fs/super",
	Variants: []program.Variant{
		{Name: "4.16", Versions: "4.8-4.16",
			About: "the shrinker looks into a superblock from sget() on"},
		{Name: "4.17", Versions: "4.17", Changes: countBorn | bornLast,
			About: "79f546a696bf: not before it is born"},
		{Name: "m3", Versions: "mutant", Changes: countBorn,
			About: "4.17 without smp_wmb(), which takes store buffers that reorder to fail"},
		{Name: "4.16-pso", Versions: "4.8-4.16",
			About: "4.16 with store buffers that reorder, if no lock came between the stores"},
		{Name: "4.17-pso", Versions: "4.17", Changes: countBorn | bornLast,
			About: "4.17 with store buffers that reorder"},
		{Name: "m3-pso", Versions: "mutant", Changes: countBorn,
			About: "m3 with store buffers that reorder, if no lock came between the stores"},
	},
	Scenarios: []program.Scenario[*birth]{
		{Name: "mount-vs-shrink_slab", New: mountVsShrinkSlab},
		{Name: "failing-mount-vs-shrink_slab", New: failingMountVsShrinkSlab},
	},
	Expected: program.Table{
		"mount-vs-shrink_slab": {
			"4.16-pso": {program.Fails(schedule.NullDereference, 0)},
			"m3-pso":   {program.Fails(schedule.NullDereference, 0)},
		},
		"failing-mount-vs-shrink_slab": {
			"4.16": {
				program.Fails(schedule.NullDereference, 1), program.Fails(schedule.UseAfterFree, 1),
			},
			"4.16-pso": {
				program.Fails(schedule.NullDereference, 0), program.Fails(schedule.UseAfterFree, 0),
			},
		},
	},
	System: newBirth,
}

// Births returns the programs about a mount of tmpfs against the shrinker of its superblock. They
// begin where sget() has registered that, and fill_super() has not begun.
//
// The locks that the mount takes between its stores are left out, and order them: an unlock and
// then a lock do on arm64 (a release, an acquire) and by tools/memory-model since 5.17, an unlock
// alone on powerpc (lwsync). There are such before s_op, in percpu_counter_init() (on arm64 if
// CONFIG_HOTPLUG_CPU is set), and before SB_BORN, in shmem_get_inode(). So what takes store buffers
// that reorder to fail here shows what smp_wmb() is for, and is no failure of tmpfs on either.
func Births() []program.Program { return births.Programs() }

// tmpfs is the part of a super_block that both look at, and that of its shrinker.
type tmpfs struct {
	schedule.Object
	sFlags     mem.Int // 1: SB_BORN
	sOp        mem.Int // 1: &shmem_ops
	sFsInfo    mem.Ptr[*shmemSbInfo]
	registered mem.Int // its s_shrink is on shrinker_list
}

type shmemSbInfo struct {
	schedule.Object
	shrinklistLen mem.Int
}

// birth is what a mount and a shrinker share.
type birth struct {
	program.Changes
	program.Globals
	sb            tmpfs
	shrinkerRwsem global.Sem
	sbinfos       *slab.Cache[shmemSbInfo, *shmemSbInfo]
}

func newBirth(c program.Changes) *birth {
	s := &birth{Changes: c, sbinfos: slab.NewCache[shmemSbInfo]("sbinfo", nil)}
	s.Global(&s.sb, "sb")
	s.Global(&s.shrinkerRwsem, "shrinker_rwsem")
	return s
}

func mountVsShrinkSlab(s *birth) program.Instance        { return s.against(false) }
func failingMountVsShrinkSlab(s *birth) program.Instance { return s.against(true) }

// against is a mount, which may fail, against a task that reclaims memory.
func (s *birth) against(fails bool) program.Instance {
	mount := func(t *schedule.Thread) { s.mountFs(t, fails) }
	shrink := s.shrinkSlab
	return program.Instance{Begin: func(e *schedule.Exec) {
		s.BootGlobals(e)
		s.sb.registered.Init(1)
		e.Go("mount", mount)
		e.Go("kswapd0", shrink)
	}}
}

// mountFs is mount_fs(), with mount_nodev() inside it.
func (s *birth) mountFs(t *schedule.Thread, fails bool) {
	if !s.shmemFillSuper(t, fails) {
		s.deactivateLockedSuper(t)
		return
	}
	if s.Has(bornLast) {
		mem.SmpWmb(t)
	}
	s.sb.sFlags.Write(t, 1)
}

// shmemFillSuper is shmem_fill_super(). It fails where there is no memory for the inode of the
// root, and reports whether it did not.
func (s *birth) shmemFillSuper(t *schedule.Thread, fails bool) bool {
	sbinfo := s.sbinfos.Alloc(t)
	s.sb.sFsInfo.Write(t, sbinfo)
	s.sb.sOp.Write(t, 1)
	if fails {
		s.shmemPutSuper(t, sbinfo)
	}
	return !fails
}

func (s *birth) shmemPutSuper(t *schedule.Thread, sbinfo *shmemSbInfo) {
	slab.Free(t, "kfree", sbinfo)
	s.sb.sFsInfo.Write(t, nil)
}

// deactivateLockedSuper is deactivate_locked_super(), as far as unregister_shrinker().
func (s *birth) deactivateLockedSuper(t *schedule.Thread) {
	s.shrinkerRwsem.DownWrite(t)
	s.sb.registered.Write(t, 0)
	s.shrinkerRwsem.UpWrite(t)
}

// shrinkSlab is shrink_slab(). Where it does not get shrinker_rwsem the kernel does nothing, and
// here it waits, and finds no shrinker.
func (s *birth) shrinkSlab(t *schedule.Thread) {
	s.shrinkerRwsem.DownRead(t)
	if s.sb.registered.Read(t) != 0 {
		s.superCacheCount(t)
	}
	s.shrinkerRwsem.UpRead(t)
}

// superCacheCount is super_cache_count(), as far as the filesystem's own objects.
func (s *birth) superCacheCount(t *schedule.Thread) {
	if s.Has(countBorn) {
		if s.sb.sFlags.Read(t) == 0 {
			return
		}
		mem.SmpRmb(t)
	}
	if s.sb.sOp.Read(t) != 0 {
		s.shmemUnusedHugeCount(t)
	}
}

func (s *birth) shmemUnusedHugeCount(t *schedule.Thread) {
	sbinfo := s.sb.sFsInfo.Read(t)
	if sbinfo == nil {
		mem.NullDereference(t, "READ_ONCE", "sbinfo->shrinklist_len")
	}
	sbinfo.shrinklistLen.ReadOnce(t)
}
