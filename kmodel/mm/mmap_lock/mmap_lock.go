// Package mmaplock is the locks of single mappings (include/linux/mmap_lock.h, mm/mmap_lock.c): a
// fault that finds a mapping which is another's by the time it is locked, and drops it again.
//
// The nouns: mmap_lock is the lock of an address space. A fault tries to do without: it finds the
// mapping (vm_area_struct) under rcu_read_lock(), and takes a reference, vm_refcnt, which keeps
// writers away from this one. Attached mappings have one reference of their own. A writer has
// mmap_lock. He adds VMA_LOCK_OFFSET, after which nobody gets a reference, and sleeps at
// vma_writer_wait of the mm until there are no readers; who drops the last reference but his wakes
// him. vm_lock_seq, equal to mm_lock_seq, is that the mapping is locked until mmap_lock is given
// back, which changes mm_lock_seq. To detach a mapping drops its own reference, and sleeps until
// there is none.
//
// Since 3104138517fc (6.15) mappings are of a cache with SLAB_TYPESAFE_BY_RCU: what a fault has
// found may be freed, and be a mapping of another process by the time that it takes the reference.
// It notices, by vm_mm, and drops the reference. But dropping it may wake a writer, at an mm of
// which nobody but that process has a reference; and the writer may have seen that no reader is
// left without sleeping, have exited, and have freed the mm: CVE-2025-38554. 9bbffee67ffd (6.17,
// 6.16.1 and 6.15.10) takes a reference of the mm before.
//
// The code follows 6.16, and 7.1.5 for the newest; 6.18.24 is the same as that but for names.
// Functions have the names of 6.16: since 7.1 or before __vma_enter_locked() is
// __vma_start_exclude_readers().
//
// Not modelled: the maple tree, of which each address space has one slot, and a walk is one step
// (see package kmodel/lib/maple_tree); the end of a mapping, merging and splitting; what a fault
// does with the mapping, and that with mmap_lock it looks again where this way fails; stores that
// nobody can see because vm_refcnt is 0 meanwhile: that a new mapping is all zeros before it is
// initialized; overflow of mm_lock_seq; mmu_gather; lockdep's maps.
//
// Start reading at lockVmaUnderRcu and vmaRefcountPut.
package mmaplock

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rwsem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// mmStruct is struct mm_struct.
type mmStruct struct {
	schedule.Object
	mmUsers       atomic.Int
	mmCount       atomic.Int
	mmapLock      rwsem.Sem
	mmLockSeq     mem.Int // its sequence
	vmaWriterWait rcuwait
	mmMt          rcu.Ptr[*vmArea] // the tree, which has a mapping or none
}

// vmArea is struct vm_area_struct.
type vmArea struct {
	schedule.Object
	slab.Typesafe
	vmMm      mem.Ptr[*mmStruct]
	vmLockSeq mem.Int
	vmRefcnt  refcnt
	vmStart   mem.Int
}

// mmapWriteLock is mmap_write_lock().
func (mm *mmStruct) mmapWriteLock(t *schedule.Thread) {
	mm.mmapLock.DownWrite(t)
	mm.mmLockSeq.Write(t, mm.mmLockSeq.Read(t)+1) // mm_lock_seqcount_begin
	mem.SmpWmb(t)
}

// vmaEndWriteAll is vma_end_write_all(): it unlocks all mappings that are locked for writing.
func (mm *mmStruct) vmaEndWriteAll(t *schedule.Thread) {
	mem.SmpWmb(t) // mm_lock_seqcount_end
	mm.mmLockSeq.Write(t, mm.mmLockSeq.Read(t)+1)
}

// mmapWriteUnlock is mmap_write_unlock().
func (mm *mmStruct) mmapWriteUnlock(t *schedule.Thread) {
	mm.vmaEndWriteAll(t)
	mm.mmapLock.UpWrite(t)
}

// mmapWriteDowngrade is mmap_write_downgrade().
func (mm *mmStruct) mmapWriteDowngrade(t *schedule.Thread) {
	mm.vmaEndWriteAll(t)
	mm.mmapLock.DowngradeWrite(t)
}

// mmdrop is mmdrop().
func (mm *mmStruct) mmdrop(t *schedule.Thread) {
	if mm.mmCount.DecAndTest(t) {
		slab.Free(t, "free_mm", mm)
	}
}

// vmaRefcountPut is vma_refcount_put().
func (s *system) vmaRefcountPut(t *schedule.Thread, vma *vmArea) {
	mm := vma.vmMm.Read(t)
	if left := vma.vmRefcnt.dec_(t); left != 0 && isVmaWriterOnly(left) {
		s.rcuwaitWakeUp(t, &mm.vmaWriterWait)
	}
}

// isVmaWriterOnly is is_vma_writer_only().
func isVmaWriterOnly(refcnt int) bool {
	return refcnt&vmaLockOffset != 0 && refcnt <= vmaLockOffset+1
}

// vmaStartRead is vma_start_read(), in a section of RCU. It returns nil if the mapping is locked,
// or was of another mm, and reports whether it was detached.
func (s *system) vmaStartRead(t *schedule.Thread, mm *mmStruct, vma *vmArea,
) (_ *vmArea, detached bool) {
	if vma.vmLockSeq.ReadOnce(t) == mm.mmLockSeq.ReadOnce(t) {
		return nil, false
	}
	if old := vma.vmRefcnt.incNotZero_(t); old == 0 || old > vmaRefLimit {
		return nil, old == 0
	}
	if s.Has(checkMm) && vma.vmMm.Read(t) != mm {
		s.dropOther_(t, vma)
		return nil, false
	}
	if vma.vmLockSeq.Read(t) == mm.mmLockSeq.LoadAcquire(t) { // raw_read_seqcount
		s.vmaRefcountPut(t, vma)
		return nil, false
	}
	return vma, false
}

// dropOther_ is how vma_start_read() drops a mapping of another mm. (Where the section of RCU ends
// and begins again, 7.1.5 has it end; nobody can tell.)
func (s *system) dropOther_(t *schedule.Thread, vma *vmArea) {
	if !s.Has(grabMm) {
		s.vmaRefcountPut(t, vma)
		return
	}
	otherMm := vma.vmMm.Read(t)
	rcu.ReadUnlock(t)
	otherMm.mmCount.Inc(t) // mmgrab
	s.vmaRefcountPut(t, vma)
	otherMm.mmdrop(t)
	rcu.ReadLock(t)
}

// vmaEndRead is vma_end_read().
func (s *system) vmaEndRead(t *schedule.Thread, vma *vmArea) { s.vmaRefcountPut(t, vma) }

// lockVmaUnderRcu is lock_vma_under_rcu().
func (s *system) lockVmaUnderRcu(t *schedule.Thread, mm *mmStruct, address int) *vmArea {
	rcu.ReadLock(t)
	for {
		found := mm.mmMt.Dereference(t) // mas_walk
		if found == nil {
			break
		}
		vma, detached := s.vmaStartRead(t, mm, found)
		if detached {
			continue
		}
		if vma == nil {
			break
		}
		if s.notTheOne_(t, mm, vma, address) {
			s.vmaEndRead(t, vma)
			break
		}
		rcu.ReadUnlock(t)
		return vma
	}
	rcu.ReadUnlock(t)
	return nil
}

// notTheOne_ is whether the mapping that is locked is not at the address, or of another mm.
func (s *system) notTheOne_(t *schedule.Thread, mm *mmStruct, vma *vmArea, address int) bool {
	if s.Has(lookMm) && vma.vmMm.Read(t) != mm {
		return true
	}
	return vma.vmStart.Read(t) != address
}

// __vmaEnterLocked is __vma_enter_locked(). It reports false if the mapping is detached.
func (s *system) __vmaEnterLocked(t *schedule.Thread, vma *vmArea, detaching bool) bool {
	target := vmaLockOffset
	if !detaching {
		target++
	}
	if !vma.vmRefcnt.addNotZero_(t, vmaLockOffset) {
		return false
	}
	w := &vma.vmMm.Read(t).vmaWriterWait
	s.prepareToRcuwait(t, w)
	for !s.sleepUnless_(t, &vma.vmRefcnt, target) { // rcuwait_wait_event
	}
	s.finishRcuwait(t, w)
	return true
}

// __vmaExitLocked is __vma_exit_locked().
func (vma *vmArea) __vmaExitLocked(t *schedule.Thread) { vma.vmRefcnt.sub_(t, vmaLockOffset) }

// vmaStartWrite is vma_start_write(), with mmap_lock held for writing.
func (s *system) vmaStartWrite(t *schedule.Thread, vma *vmArea) {
	seq := vma.vmMm.Read(t).mmLockSeq.Read(t)
	if vma.vmLockSeq.Read(t) == seq {
		return
	}
	locked := s.__vmaEnterLocked(t, vma, false)
	vma.vmLockSeq.WriteOnce(t, seq)
	if locked {
		vma.__vmaExitLocked(t)
	}
}

// vmaMarkDetached is vma_mark_detached().
func (s *system) vmaMarkDetached(t *schedule.Thread, vma *vmArea) {
	if vma.vmRefcnt.dec_(t) != 0 && s.__vmaEnterLocked(t, vma, true) {
		vma.__vmaExitLocked(t)
	}
}
