package mapletree

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// This file is a read() of /proc/PID/maps (proc_get_vma() is fs/proc/task_mmu.c, lock_next_vma()
// mm/mmap_lock.c), with the tree as of 7.1.5 (lib/maple_tree.c). Who has found a mapping takes its
// lock, which is not modelled: he always gets it.

// masFind is mas_find().
func (s *system) masFind(t *schedule.Thread, mas *maState) *vmArea {
	if vma := s.masWalk(t, mas); vma != nil || mas.none {
		return vma
	}
	return s.masNextSlot(t, mas)
}

// masRewalkIfDead is mas_rewalk_if_dead().
func (s *system) masRewalkIfDead(t *schedule.Thread, mas *maState, index int) bool {
	if !s.maDeadNode(t, mas.node) {
		return false
	}
	s.masRewalk(t, mas, index)
	return true
}

// masNextSlot is mas_next_slot(), which took the place of mas_next_entry(). It does the same with a
// leaf that is dead. If there is no tree by then, it looks whether the leaf at NULL is dead.
func (s *system) masNextSlot(t *schedule.Thread, mas *maState) *vmArea {
	savePoint := mas.last
	for !mas.none || !s.Has(lookNone) {
		if s.masRewalkIfDead(t, mas, savePoint) {
			continue
		}
		pivot := mas.max
		if mas.offset < mas.end {
			pivot = mas.node.pivot[mas.offset].Read(t)
		}
		if s.masRewalkIfDead(t, mas, savePoint) {
			continue
		}
		if pivot >= ulongMax {
			return nil // it was at the limit
		}
		mas.index = mas.node.pivot[mas.offset].Read(t) + 1
		entry, dead := s.followingSlots_(t, mas, savePoint)
		if !dead {
			return entry
		}
	}
	return nil
}

// followingSlots_ is the part of it that goes from slot to slot, until it finds the leaf dead.
func (s *system) followingSlots_(t *schedule.Thread, mas *maState, savePoint int,
) (_ *vmArea, dead bool) {
	for {
		mas.offset++
		mas.last = mas.max
		if mas.offset < mas.end {
			mas.last = mas.node.pivot[mas.offset].Read(t)
		}
		entry := mas.node.slot[mas.offset].DereferenceRaw(t)
		if s.masRewalkIfDead(t, mas, savePoint) {
			return nil, true
		}
		if entry != nil || mas.last >= ulongMax {
			return entry, false
		}
		mas.index = mas.last + 1
	}
}

// mmapLockSpeculateTryBegin is mmap_lock_speculate_try_begin().
func (s *system) mmapLockSpeculateTryBegin(t *schedule.Thread) (seq int, unlocked bool) {
	seq = s.mm.mmLockSeq.LoadAcquire(t)
	return seq, seq&1 == 0
}

// mmapLockSpeculateRetry is mmap_lock_speculate_retry().
func (s *system) mmapLockSpeculateRetry(t *schedule.Thread, seq int) bool {
	mem.SmpRmb(t)
	return s.mm.mmLockSeq.ReadOnce(t) != seq
}

// lockNextVma is lock_next_vma(), in a section of RCU. It looks once more at what it has found if
// the mappings may have changed meanwhile, but not if it has found nothing.
func (s *system) lockNextVma(t *schedule.Thread, fromAddr int) *vmArea {
	mas := maState{index: fromAddr, last: fromAddr}
	seq, unlocked := s.mmapLockSpeculateTryBegin(t)
	vma := s.masFind(t, &mas) // vma_next
	if vma == nil && !s.Has(lookTwice) {
		return nil
	}
	if vma != nil && fromAddr >= vma.vmStart.Read(t) {
		return vma
	}
	if unlocked && !s.mmapLockSpeculateRetry(t, seq) {
		return vma
	}
	mas = maState{index: fromAddr, last: fromAddr} // vma_iter_set
	if vma != nil && vma == s.masFind(t, &mas) {
		return vma
	}
	rcu.ReadUnlock(t)
	vma = s.lockNextVmaUnderMmapLock(t, fromAddr)
	rcu.ReadLock(t)
	return vma
}

// lockNextVmaUnderMmapLock is lock_next_vma_under_mmap_lock().
func (s *system) lockNextVmaUnderMmapLock(t *schedule.Thread, fromAddr int) *vmArea {
	mas := maState{index: fromAddr, last: fromAddr}
	s.mm.mmapLock.DownRead(t)
	vma := s.masFind(t, &mas)
	s.mm.mmapLock.UpRead(t)
	return vma
}

// procGetVma is proc_get_vma(), by a read() that goes on where the one before has ended. It finds
// the stack, unless that has been unmapped.
func (s *system) procGetVma(t *schedule.Thread, pos int) {
	if !s.Has(lockNext) {
		vma := s.lockNextVmaUnderMmapLock(t, pos)
		s.checkFound_(t, "proc_get_vma()", vma == &s.stack)
		return
	}
	rcu.ReadLock(t) // lock_vma_range
	vma := s.lockNextVma(t, pos)
	rcu.ReadUnlock(t) // unlock_vma_range
	s.checkFound_(t, "proc_get_vma()", vma == &s.stack)
}
