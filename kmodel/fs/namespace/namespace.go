// Package namespace is how a mount is counted and ends (fs/namespace.c).
//
// The nouns: mnt_count is how many use a mount, kept for each CPU; whoever gets a reference
// on one CPU may put it on another, so what is on one means nothing, and only the sum does.
// To sum up takes a while, so mntput() does so only if the mount is in no namespace any
// more, mnt_ns being NULL: before, the namespace has a reference. Whoever finds a sum of 0
// marks the mount MNT_DOOMED and shuts the filesystem down. mount_lock is a seqlock: the sum
// is made by a writer, and __legitimize_mnt(), which has found a mount without a reference
// and takes one, sees by the sequence whether there was any.
//
// The code follows 4.17, which has two flavours of RCU if it is preemptible. Mounts are found with
// RCU since 3.13.
//
// One of the two things that 119e1ef80ecf mends takes store buffers: __legitimize_mnt() may not
// see that mount_lock is taken, and mntput() not that it is counted, if nothing orders what either
// writes before what it reads. The variant without the two smp_mb() fails with store buffers
// (m1-tso) and not without (m1).
//
// Not modelled: the tree of mounts, dentries, propagation, MNT_SYNC_UMOUNT and busy mounts
// (umount is lazy), writers, expiry but for the look at mnt_expiry_mark. There is one mount
// and what it is mounted on, which is NULL. The pwd is found there by path walks without a
// reference, and is one word instead of a path under fs->seq; a walk that fails is not tried
// again with references. Who wants a reference without a walk, which waits for mount_lock, takes
// fchdir(). legitimize_mnt() is not here, which puts the
// reference itself: it is for lookup_mnt() and unlazy_child(). cleanup_mnt() is at once, not
// when the system call returns; the filesystem is freed when it is shut down.
//
// Start reading at mntputNoExpire and __legitimizeMnt.
package namespace

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/percpu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// mount is struct mount, with its struct vfsmount.
type mount struct {
	schedule.Object
	mntCount percpu.Int // mnt_pcp->mnt_count
	mntNs    mem.Int    // whether it is in a namespace
	mntFlags mem.Int
	mntSb    mem.Ptr[*superBlock] // never changes
	mntRcu   rcu.Head

	mntExpiryMark mem.Int // 0: nothing here marks a mount
}

// mntDoomed is MNT_DOOMED.
const mntDoomed = 1

// superBlock is struct super_block.
type superBlock struct {
	schedule.Object
	sDev mem.Int
}

// fsStruct is struct fs_struct, which the threads share.
type fsStruct struct {
	schedule.Object
	lock spin.Lock
	pwd  mem.Ptr[*mount]
}

// mntget is mntget(), on that CPU: the caller knows that there is a reference.
func (mnt *mount) mntget(t *schedule.Thread, cpu int) { mnt.mntCount.ThisCPUAdd(t, cpu, 1) }

// mntGetCount is mnt_get_count().
func (mnt *mount) mntGetCount(t *schedule.Thread) int {
	count := 0
	for cpu := range percpu.MaxCPUs {
		count += mnt.mntCount.Read(t, cpu)
	}
	return count
}

// mntput is mntput(), on that CPU. It takes the mark back that the mount may expire, if there
// is one.
func (s *system) mntput(t *schedule.Thread, mnt *mount, cpu int) {
	mnt.mntExpiryMark.Read(t)
	s.mntputNoExpire(t, mnt, cpu)
}

// mntputNoExpire is mntput_no_expire().
func (s *system) mntputNoExpire(t *schedule.Thread, mnt *mount, cpu int) {
	rcu.ReadLock(t)
	mntNs := mnt.mntNs.ReadOnce
	if !s.Has(putUnderLock) {
		mnt.mntCount.ThisCPUAdd(t, cpu, -1)
		mntNs = mnt.mntNs.Read
	}
	if mntNs(t) != 0 {
		if s.Has(putUnderLock) {
			mnt.mntCount.ThisCPUAdd(t, cpu, -1)
		}
		rcu.ReadUnlock(t)
		return
	}
	s.mountLock.WriteSeqlock(t) // lock_mount_hash
	if s.Has(barriers) {
		mem.SmpMb(t)
	}
	if s.Has(putUnderLock) {
		mnt.mntCount.ThisCPUAdd(t, cpu, -1)
	}
	if mnt.mntGetCount(t) != 0 || mnt.mntFlags.Read(t)&mntDoomed != 0 {
		rcu.ReadUnlock(t)
		s.mountLock.WriteSequnlock(t)
		return
	}
	mnt.mntFlags.Write(t, mntDoomed)
	rcu.ReadUnlock(t)
	s.mountLock.WriteSequnlock(t)
	cleanupMnt(t, mnt)
}

// cleanupMnt is cleanup_mnt().
func cleanupMnt(t *schedule.Thread, mnt *mount) {
	slab.Free(t, "deactivate_super", mnt.mntSb.Read(t))
	rcu.Call(t, &mnt.mntRcu)
}

// delayedFreeVfsmnt is delayed_free_vfsmnt().
func (mnt *mount) delayedFreeVfsmnt(t *schedule.Thread) {
	slab.Free(t, "kmem_cache_free", mnt)
}

// What __legitimize_mnt() returns.
const (
	legitimized = 0
	failed      = 1
	mustPut     = -1 // failed, and the caller has a reference to put
)

// __legitimizeMnt is __legitimize_mnt(), in a section of RCU: it takes a reference of what
// has been found, if mount_lock has not been taken since the sequence was seq.
func (s *system) __legitimizeMnt(t *schedule.Thread, mnt *mount, seq uint64, cpu int) int {
	if s.mountLock.ReadSeqretry(t, seq) {
		return failed
	}
	mnt.mntCount.ThisCPUAdd(t, cpu, 1)
	if s.Has(barriers) {
		mem.SmpMb(t)
	}
	if !s.mountLock.ReadSeqretry(t, seq) {
		return legitimized
	}
	if s.Has(lookForDoomed) {
		s.mountLock.WriteSeqlock(t) // lock_mount_hash
		if mnt.mntFlags.Read(t)&mntDoomed != 0 {
			mnt.mntCount.ThisCPUAdd(t, cpu, -1)
			s.mountLock.WriteSequnlock(t)
			return failed
		}
		s.mountLock.WriteSequnlock(t)
	}
	return mustPut
}

// unlazyWalk is unlazy_walk(), by legitimize_path(): it leaves the section of RCU, and says
// what __legitimize_mnt() has.
func (s *system) unlazyWalk(t *schedule.Thread, mnt *mount, seq uint64, cpu int) int {
	res := s.__legitimizeMnt(t, mnt, seq, cpu)
	rcu.ReadUnlock(t)
	return res
}

// sysNewstat is sys_newstat() of a relative name: a path walk that starts at the pwd without a
// reference, and gets one for the end of it. In these kernels path_init() looks at mount_lock
// before the section of RCU begins.
func (s *system) sysNewstat(t *schedule.Thread, cpu, then int) {
	seq := s.mountLock.ReadSeqbegin(t) // path_init
	rcu.ReadLock(t)
	mnt := s.fs.pwd.Read(t) // under fs->seq
	if mnt == nil {
		rcu.ReadUnlock(t)
		return
	}
	switch s.unlazyWalk(t, mnt, seq, cpu) {
	case legitimized:
		mnt.vfsGetattr(t)
		s.mntput(t, mnt, then) // path_put
	case mustPut:
		s.mntput(t, mnt, cpu) // terminate_walk, path_put
	}
}

// sysNewfstat is sys_newfstat() of an open file, whose reference of the mount is enough.
func (mnt *mount) sysNewfstat(t *schedule.Thread) { mnt.vfsGetattr(t) }

// vfsGetattr is vfs_getattr(), by generic_fillattr(): whoever has a reference of the mount may
// use the filesystem. It gets there by the inode, and does not look at the mount.
func (mnt *mount) vfsGetattr(t *schedule.Thread) { mnt.mntSb.Peek().sDev.Read(t) }

// sysFchdir is sys_fchdir() to an open directory, whose reference of the mount keeps it all the
// time; or to one of another mount, which is NULL here. There is no path walk, and nobody looks at
// mount_lock. The reference of the old pwd may be put on another CPU than that of the new one is
// taken on.
func (s *system) sysFchdir(t *schedule.Thread, mnt *mount, cpu, then int) {
	if mnt != nil {
		mnt.mntget(t, cpu) // set_fs_pwd, path_get
	}
	s.fs.lock.Lock(t)
	old := s.fs.pwd.Read(t)
	s.fs.pwd.Write(t, mnt)
	s.fs.lock.Unlock(t)
	if old != nil {
		s.mntput(t, old, then) // path_put
	}
}

// doUmount is do_umount() with MNT_DETACH.
func (s *system) doUmount(t *schedule.Thread, cpu int) {
	s.namespaceSem.DownWrite(t) // namespace_lock
	mnt := s.mountpoint.mnt.Read(t)
	if mnt != nil {
		s.mountLock.WriteSeqlock(t) // lock_mount_hash
		mnt.mntNs.Write(t, 0)       // umount_tree
		s.mountpoint.mnt.Write(t, nil)
		s.mountLock.WriteSequnlock(t)
	}
	s.namespaceSem.UpWrite(t) // namespace_unlock
	if mnt != nil {
		rcu.Synchronize(t)
		s.mntput(t, mnt, cpu)
	}
}
