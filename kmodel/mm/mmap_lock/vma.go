package mmaplock

import (
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// This file is what maps and unmaps: mm/vma.c, mm/vma_exec.c, mm/mmap.c, mm/vma_init.c.

// userPage is where mappings are.
const userPage = 1

// vmAreaAlloc is vm_area_alloc().
func (s *system) vmAreaAlloc(t *schedule.Thread, mm *mmStruct) *vmArea {
	vma := s.vmAreaCachep.Alloc(t)
	vma.vmMm.Write(t, mm) // vma_init
	vma.vmLockSeq.Write(t, -1)
	return vma
}

// vmAreaFree is vm_area_free().
func (s *system) vmAreaFree(t *schedule.Thread, vma *vmArea) { s.vmAreaCachep.Free(t, vma) }

// mmapRegion is mmap_region(), of the page, if it is not mapped.
func (s *system) mmapRegion(t *schedule.Thread, mm *mmStruct) {
	mm.mmapWriteLock(t)
	if mm.mmMt.DereferenceRaw(t) == nil {
		s.vmaLink(t, mm, s.vmAreaAlloc(t, mm)) // __mmap_new_vma
	}
	mm.mmapWriteUnlock(t)
}

// createInitStackVma is create_init_stack_vma(), of an mm that nobody else has.
func (s *system) createInitStackVma(t *schedule.Thread, mm *mmStruct) {
	vma := s.vmAreaAlloc(t, mm)
	mm.mmapWriteLock(t)
	s.vmaLink(t, mm, vma) // insert_vm_struct
	mm.mmapWriteUnlock(t)
}

// vmaLink is vma_link(), of what is to be the page.
func (s *system) vmaLink(t *schedule.Thread, mm *mmStruct, vma *vmArea) {
	vma.vmStart.Write(t, userPage)
	s.vmaStartWrite(t, vma)
	vma.vmRefcnt.setRelease_(t, 1) // vma_mark_attached
	mm.mmMt.Assign(t, vma)         // vma_iter_store_new
}

// doVmiMunmap is do_vmi_munmap(), of all that there is.
func (s *system) doVmiMunmap(t *schedule.Thread, mm *mmStruct) {
	mm.mmapWriteLock(t)
	vma := mm.mmMt.DereferenceRaw(t)
	if vma == nil {
		mm.mmapWriteUnlock(t)
		return
	}
	s.vmaStartWrite(t, vma) // vms_gather_munmap_vmas
	s.vmaMarkDetached(t, vma)
	mm.mmMt.Assign(t, nil)   // vma_iter_clear_gfp
	mm.mmapWriteDowngrade(t) // vms_complete_munmap_vmas
	s.vmAreaFree(t, vma)     // remove_vma
	mm.mmapLock.UpRead(t)
}

// execve_ is execve(): a new mm with a mapping, for the stack, takes the place of the mm of the
// task.
func (s *system) execve_(t *schedule.Thread, mm *mmStruct) *mmStruct {
	fresh := s.mms.Alloc(t) // mm_alloc
	fresh.mmUsers.Init(1)
	fresh.mmCount.Init(1)
	s.createInitStackVma(t, fresh)
	s.mmput(t, mm) // exec_mmap
	return fresh
}

// mmput is mmput(), and exit_mmap() by the last.
func (s *system) mmput(t *schedule.Thread, mm *mmStruct) {
	if !mm.mmUsers.DecAndTest(t) {
		return
	}
	mm.mmapWriteLock(t) // exit_mmap
	if vma := mm.mmMt.DereferenceRaw(t); vma != nil {
		s.vmaStartWrite(t, vma) // free_pgtables
		s.vmaMarkDetached(t, vma)
		s.vmAreaFree(t, vma)   // remove_vma
		mm.mmMt.Assign(t, nil) // __mt_destroy
	}
	mm.mmapWriteUnlock(t)
	mm.mmdrop(t)
}

// doUserAddrFault is do_user_addr_fault(), which goes on with mmap_lock if it does not get the
// lock of the mapping.
func (s *system) doUserAddrFault(t *schedule.Thread, mm *mmStruct) {
	vma := s.lockVmaUnderRcu(t, mm, userPage)
	if vma == nil {
		return
	}
	s.checkMm_(t, mm, vma.vmMm.Read(t)) // handle_mm_fault
	s.vmaEndRead(t, vma)
}

// checkMm_ is the promise of lock_vma_under_rcu(): what it returns is a mapping of the mm, and
// stays one. No kernel checks that. It belongs to the step before it.
func (s *system) checkMm_(t *schedule.Thread, mm, of *mmStruct) {
	if of != mm {
		t.Fail(schedule.LostUpdate, &mm.Object, schedule.Party{},
			"lock_vma_under_rcu() returns a mapping of another mm")
	}
}
