package mapletree

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// This file is munmap() (mm/vma.c), of all that is mapped.

// doVmiMunmap is do_vmi_munmap(), with mmap_lock held for writing by __vm_munmap(), which it gives
// back.
func (s *system) doVmiMunmap(t *schedule.Thread) {
	s.mmapWriteLock(t) // __vm_munmap
	var mas maState
	if s.masFind(t, &mas) == nil { // vma_find
		s.mmapWriteUnlock(t)
		return
	}
	s.doVmiAlignMunmap(t, 0, stackEnd)
}

// doVmiAlignMunmap is do_vmi_align_munmap().
func (s *system) doVmiAlignMunmap(t *schedule.Thread, start, end int) {
	mas := maState{index: start, last: end - 1}
	s.masStoreGfp(t, &mas)  // vma_iter_clear_gfp
	s.mmapWriteDowngrade(t) // vms_complete_munmap_vmas
	s.mm.mmapLock.UpRead(t)
}

// mmapWriteUnlock is mmap_write_unlock().
func (s *system) mmapWriteUnlock(t *schedule.Thread) {
	s.mmLockSeqcountEnd_(t)
	s.mm.mmapLock.UpWrite(t)
}

// mmLockSeqcountEnd_ is mm_lock_seqcount_end().
func (s *system) mmLockSeqcountEnd_(t *schedule.Thread) {
	mem.SmpWmb(t)
	s.mm.mmLockSeq.Write(t, s.mm.mmLockSeq.Read(t)+1)
}
