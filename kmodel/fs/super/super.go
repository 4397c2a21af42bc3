// Package super is the end of a super_block (fs/super.c), and why its last reference may
// be dropped under a spin lock.
//
// The nouns: s_active counts those who use the file system; when the last of them goes,
// deactivate_locked_super() shuts it down. s_count counts those who need the struct only,
// all of s_active together for one; it is protected by sb_lock, and whoever drops the last
// one in __put_super() does that under sb_lock, which is a spin lock. This may be anybody:
// a walk over all super_blocks holds on to the one it is at.
//
// In October 2017 a static tool reported that put_super() so calls list_lru_destroy(), by
// way of destroy_super(), and that this may sleep. It may; but in the kernel of 2017 the
// report is wrong, as Al Viro answered. s_active above 0 implies s_count above 0, so what
// gets to destroy_super() from __put_super() has been through deactivate_locked_super(),
// and that has called list_lru_destroy() for both lists already, where it may sleep. The
// second call finds lru->node NULL and returns. The mutants (variants.go) take that away,
// and say so in every report of theirs.
// The answer led to a discussion of list_lru_destroy() nevertheless: package
// kmodel/mm/list_lru.
//
// The code follows 4.9; from 4.3 to 4.14 it is the same, but for what is not modelled. By 4.15
// __put_super() has lost the second call, and warns if lru->node is set (0200894d1155 and
// what came with it). The package knows list_lrus by the interface [LRUs] only; package
// kmodel passes it those of mm/list_lru.
//
// Not modelled: file systems themselves, freezing, the shrinker (unregister_shrinker()
// waits for it before any of this), the hash of instances by type (a flag says whether a
// super_block is on it), errors in mounting, security, user namespaces. super_blocks are
// listed in the reverse order.
//
// Start reading at putSuper and deactivateLockedSuper.
package super

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rwsem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// LRUs is what mm/list_lru.c, and mm/memcontrol.c behind it, are to fs/super.c. The names
// end in an underscore because these methods only call functions of the kernel.
type LRUs interface {
	Boot(e *schedule.Exec, size int)                  // begin an execution
	BootLru(e *schedule.Exec) schedule.Header         // one that is there from the start
	Alloc_(t *schedule.Thread) schedule.Header        // the memory of one
	Free_(t *schedule.Thread, lru schedule.Header)    // no step
	Init_(t *schedule.Thread, lru schedule.Header)    // list_lru_init_memcg()
	Destroy_(t *schedule.Thread, lru schedule.Header) // list_lru_destroy()
	Online_(t *schedule.Thread, memcg int)            // which resizes them all
	Offline_(t *schedule.Thread, memcg int)           // which drains them all
}

// superBlock is struct super_block.
type superBlock struct {
	schedule.Object
	sList      list.Node[*superBlock]
	sDev       mem.Int // what is mounted; never changes once others can see it
	sCount     mem.Int // under sb_lock
	sActive    atomic.Int
	sUmount    rwsem.Sem
	sInstances mem.Int // 1: found by sget(); under sb_lock
	sRoot      mem.Int // 1: there is one
	sFlags     mem.Int // 1: MS_BORN

	sDentryLru mem.Ptr[schedule.Header] // its struct list_lru is part of the super_block
	sInodeLru  mem.Ptr[schedule.Header]

	rcu         rcu.Head
	destroyWork workqueue.Work

	*system
}

// ListNode implements [list.Entry].
func (sb *superBlock) ListNode() *list.Node[*superBlock] { return &sb.sList }

// allocSuper is alloc_super(). It returns with s_umount held for writing.
func (s *system) allocSuper(t *schedule.Thread, dev int) *superBlock {
	sb := s.sbCache.Alloc(t)
	sb.sDev.Init(dev)
	sb.sDentryLru.Init(s.lrus.Alloc_(t))
	sb.sInodeLru.Init(s.lrus.Alloc_(t))
	s.lrus.Init_(t, sb.sDentryLru.Peek())
	s.lrus.Init_(t, sb.sInodeLru.Peek())
	sb.sUmount.DownWrite(t)
	sb.sCount.Init(1)
	sb.sActive.Init(1)
	return sb
}

// destroySuper is destroy_super().
func (sb *superBlock) destroySuper(t *schedule.Thread) {
	sb.lrus.Destroy_(t, sb.sDentryLru.Peek())
	sb.lrus.Destroy_(t, sb.sInodeLru.Peek())
	rcu.Call(t, &sb.rcu)
}

// destroySuperRcu is destroy_super_rcu(), the callback.
func (sb *superBlock) destroySuperRcu(t *schedule.Thread) {
	workqueue.ScheduleWork(t, &sb.destroyWork)
}

// destroySuperWork is destroy_super_work(): freeing the percpu rwsems may sleep. The
// list_lrus go with the super_block that they are in.
func (sb *superBlock) destroySuperWork(t *schedule.Thread) {
	preempt.MightSleep(t, "percpu_free_rwsem")
	dentries, inodes := sb.sDentryLru.Peek(), sb.sInodeLru.Peek()
	slab.Free(t, "kfree", sb)
	sb.lrus.Free_(t, dentries)
	sb.lrus.Free_(t, inodes)
}

// __putSuper is __put_super(): drop a reference, with sb_lock held.
func (sb *superBlock) __putSuper(t *schedule.Thread) {
	left := sb.sCount.Read(t) - 1
	sb.sCount.Write(t, left)
	if left == 0 {
		sb.superBlocks.DelInit(t, sb)
		sb.destroySuper(t)
	}
}

// putSuper is put_super().
func (sb *superBlock) putSuper(t *schedule.Thread) {
	sb.sbLock.Lock(t)
	sb.__putSuper(t)
	sb.sbLock.Unlock(t)
}

// deactivateLockedSuper is deactivate_locked_super(): drop an active reference, with
// s_umount held for writing, which it releases. Its comment in 4.9 says why the lists are
// destroyed here: put_super() could not.
func (sb *superBlock) deactivateLockedSuper(t *schedule.Thread) {
	if !sb.sActive.DecAndTest(t) {
		sb.sUmount.UpWrite(t)
		return
	}
	sb.genericShutdownSuper(t) // s_type->kill_sb
	if sb.Has(putFirst) {
		sb.putSuper(t)
	}
	if !sb.Has(noEarlyDestroy) {
		sb.lrus.Destroy_(t, sb.sDentryLru.Peek())
		sb.lrus.Destroy_(t, sb.sInodeLru.Peek())
	}
	if !sb.Has(putFirst) {
		sb.putSuper(t)
	}
}

// genericShutdownSuper is generic_shutdown_super(): from here on nobody finds it.
func (sb *superBlock) genericShutdownSuper(t *schedule.Thread) {
	sb.sRoot.Write(t, 0) // shrink_dcache_for_umount
	sb.sbLock.Lock(t)
	sb.sInstances.Write(t, 0) // hlist_del_init
	sb.sbLock.Unlock(t)
	sb.sUmount.UpWrite(t)
}

// deactivateSuper is deactivate_super(): drop an active reference.
func (sb *superBlock) deactivateSuper(t *schedule.Thread) {
	if !sb.sActive.AddUnless(t, -1, 1) {
		sb.sUmount.DownWrite(t)
		sb.deactivateLockedSuper(t)
	}
}

// grabSuper is grab_super(): take an active reference, with sb_lock held, which it
// releases. If it reports true, s_umount is held for writing.
func (sb *superBlock) grabSuper(t *schedule.Thread) bool {
	sb.sCount.Write(t, sb.sCount.Read(t)+1)
	sb.sbLock.Unlock(t)
	sb.sUmount.DownWrite(t)
	if sb.sFlags.Read(t) != 0 && sb.sActive.IncNotZero(t) {
		sb.putSuper(t)
		return true
	}
	sb.sUmount.UpWrite(t)
	sb.putSuper(t)
	return false
}

// sget is sget(): the super_block of dev, with s_umount held for writing and an active
// reference; a new one if there is none.
func (s *system) sget(t *schedule.Thread, dev int) *superBlock {
	var sb *superBlock
	for {
		s.sbLock.Lock(t)
		old := s.findInstance_(t, dev)
		switch {
		case old != nil && !old.grabSuper(t):
			continue
		case old != nil:
			if sb != nil {
				sb.sUmount.UpWrite(t)
				sb.destroySuper(t) // never published
			}
			return old
		case sb == nil:
			s.sbLock.Unlock(t)
			sb = s.allocSuper(t, dev)
			continue
		}
		s.superBlocks.Add(t, sb)
		sb.sInstances.Write(t, 1)
		s.sbLock.Unlock(t)
		return sb
	}
}

// findInstance_ is the walk over type->fs_supers in sget(), with sb_lock held.
func (s *system) findInstance_(t *schedule.Thread, dev int) *superBlock {
	for sb := s.superBlocks.FirstEntry(t); sb != nil; sb = sb.sList.NextEntry(t) {
		if sb.sInstances.Read(t) != 0 && sb.sDev.Peek() == dev {
			return sb
		}
	}
	return nil
}

// mount is what mount_fs() and its callers do with the super_block: fill it if it is new.
func (s *system) mount(t *schedule.Thread, dev int) *superBlock {
	sb := s.sget(t, dev)
	if sb.sRoot.Read(t) == 0 {
		sb.sRoot.Write(t, 1) // fill_super
	}
	sb.sFlags.Write(t, 1)
	sb.sUmount.UpWrite(t)
	return sb
}

// iterateSupers is iterate_supers(), with a function that does nothing. It drops the
// reference of the one before when it has the next: it may be the last one.
func (s *system) iterateSupers(t *schedule.Thread) {
	var p *superBlock
	s.sbLock.Lock(t)
	for sb := s.superBlocks.FirstEntry(t); sb != nil; sb = sb.sList.NextEntry(t) {
		if sb.sInstances.Read(t) == 0 {
			continue
		}
		sb.sCount.Write(t, sb.sCount.Read(t)+1)
		s.sbLock.Unlock(t)
		sb.sUmount.DownRead(t)
		if sb.sRoot.Read(t) != 0 {
			sb.sFlags.Read(t)
		}
		sb.sUmount.UpRead(t)
		s.sbLock.Lock(t)
		if p != nil {
			p.__putSuper(t)
		}
		p = sb
	}
	if p != nil {
		p.__putSuper(t)
	}
	s.sbLock.Unlock(t)
}
