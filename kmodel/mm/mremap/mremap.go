// Package mremap is how a mapping moves to another address (mm/mremap.c) while its page is
// taken away: by truncating the file, by reclaim, or by migration, which gives the file another
// page for it.
//
// The nouns: a page of a file is in the page cache, and in the page tables of those who have
// mapped it; it is freed when the last of these references is dropped. Each page table has a
// lock. A CPU that has loaded a translation goes on using it until it is flushed. Whoever
// takes a page away finds it by the mappings of the file, address_space->i_mmap, and flushes
// the address at which it was mapped. That is the new address once the page has moved, and
// nobody but mremap() flushes the old one.
//
// mmap_sem keeps other system calls of the process away, and none of those who take the page
// away takes it. The mapping at the new address comes after the old one in i_mmap, so whoever
// goes through them finds the page at one of the two; who looks before taking a lock may find it
// at neither, while it is moved, and then keeps it. Up to 3.6 i_mmap has no such order, and
// move_ptes() keeps them away by i_mmap_mutex, which it gives back before the flush.
//
// The code follows 4.4, where i_mmap_rwsem is in the place of that mutex (since 3.19). A flush is
// that of an architecture where an instruction reaches all CPUs; where it takes interrupts, these
// are handled before the flush returns. Reclaim is that of arm64, or of x86 before 4.3: since then
// that puts its flushes off, and flushes all of the TLB, of every CPU that may have the page,
// before it frees any. Migration does not.
//
// From 4.9 on mremap() flushes an entry that is dirty earlier than one that is not: 4.9-dirty is of
// such an entry, and 3.7 is not. Reclaim does not free a dirty page, which has to be written
// first; migration moves it.
//
// Not modelled: writing a page; the accessed bit, for which reclaim keeps a page until it has
// found it clear where the page is mapped then; entries of migration, at which faults wait; huge
// pages and the page tables that move as a whole; files of more than one page, mappings of other
// processes, private mappings; two page tables with one lock; faults, by which the page could be
// mapped again; the lock of the page and that of the inode; stretching a mapping, and merging it
// with another, for which mremap() takes i_mmap_rwsem since 3.7 (need_rmap_locks).
//
// Start reading at movePtes.
package mremap

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mmu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// mremap is mremap() of the mapping to the address that is so far from where it is.
func (s *system) mremap(t *schedule.Thread, by int) {
	s.Mm.MmapSem.DownWrite(t)
	old := s.vma.vmStart.Read(t) // find_vma
	s.moveVma(t, old, (old+by)%mmu.Pages)
	s.Mm.MmapSem.UpWrite(t)
}

// moveVma is move_vma().
func (s *system) moveVma(t *schedule.Thread, old, new int) {
	s.copyVma(t, new)
	s.movePageTables(t, old, new)
	s.doMunmap(t, old)
	s.vma.vmStart.Write(t, new)
}

// copyVma is copy_vma(): the file has a mapping more, which comes last.
func (s *system) copyVma(t *schedule.Thread, addr int) {
	s.mapping.iMmapRwsem.DownWrite(t)
	s.mapping.iMmap[1].Write(t, 1+addr) // vma_link
	s.mapping.iMmapRwsem.UpWrite(t)
}

// movePageTables is move_page_tables().
func (s *system) movePageTables(t *schedule.Thread, old, new int) {
	if s.movePtes(t, old, new) {
		s.flushTlbRange(t, old)
	}
}

// movePtes is move_ptes(), of one entry. It reports whether the old address is to be flushed
// still, which it is even if nothing was there.
func (s *system) movePtes(t *schedule.Thread, old, new int) (needFlush bool) {
	oldPtl, newPtl := &s.tables[old].ptl, &s.tables[new].ptl
	if s.Has(lockRmap) {
		s.mapping.iMmapRwsem.DownWrite(t)
	}
	oldPtl.Lock(t)
	newPtl.Lock(t)
	pte := s.Mm.PtepGetAndClear(t, old)
	if pte != nil {
		s.Mm.SetPteAt(t, new, pte)
	}
	if pte != nil && s.Has(flushInTime) {
		s.flushTlbRange(t, old)
	}
	newPtl.Unlock(t)
	if pte != nil && s.Has(dirty) {
		s.flushTlbRange(t, old)
	}
	oldPtl.Unlock(t)
	if s.Has(lockRmap) {
		s.mapping.iMmapRwsem.UpWrite(t)
	}
	return !s.Has(flushInTime) && !(pte != nil && s.Has(dirty))
}

// flushTlbRange is flush_tlb_range() of one page.
func (s *system) flushTlbRange(t *schedule.Thread, addr int) {
	s.Broadcast(t, "flush_tlb_range", addr)
}

// doMunmap is do_munmap() of the mapping that the file has had for longest.
func (s *system) doMunmap(t *schedule.Thread, addr int) {
	page := s.zapPteRange(t, addr)
	s.mapping.iMmapRwsem.DownWrite(t) // unlink_file_vma
	s.mapping.iMmap[0].Write(t, s.mapping.iMmap[1].Read(t))
	s.mapping.iMmap[1].Write(t, 0)
	s.mapping.iMmapRwsem.UpWrite(t)
	s.tlbFinishMmu(t, addr, page)
}

// zapPteRange is zap_pte_range() of one entry. It returns the page that was there, to be
// flushed. A dirty one it flushes before it gives the lock back, and drops it then
// (1cf35d47712d).
func (s *system) zapPteRange(t *schedule.Thread, addr int) *mmu.Page {
	ptl := &s.tables[addr].ptl
	ptl.Lock(t)
	page := s.Mm.PtepGetAndClear(t, addr)
	flush := page != nil && s.Has(dirty)
	if flush {
		s.flushTlbRange(t, addr) // tlb_flush_mmu_tlbonly
	}
	ptl.Unlock(t)
	if flush {
		mmu.PutPage(t, page) // tlb_flush_mmu_free
		return nil
	}
	return page
}

// tlbFinishMmu is tlb_finish_mmu(): flush, and only then drop the page that was there.
func (s *system) tlbFinishMmu(t *schedule.Thread, addr int, page *mmu.Page) {
	if page != nil {
		s.flushTlbRange(t, addr)
		mmu.PutPage(t, page)
	}
}

// truncatePagecache is truncate_pagecache(), of all of the file. It unmaps a second time at the
// end, and truncate_inode_page() before, if the page is mapped: both for what faults have mapped
// since the first.
func (s *system) truncatePagecache(t *schedule.Thread) {
	s.unmapMappingRange(t)
	s.truncateInodePages(t)
}

// unmapMappingRange is unmap_mapping_range().
func (s *system) unmapMappingRange(t *schedule.Thread) {
	s.mapping.iMmapRwsem.DownWrite(t)
	for i := range s.mapping.iMmap {
		if vma := s.mapping.iMmap[i].Read(t); vma != 0 {
			s.tlbFinishMmu(t, vma-1, s.zapPteRange(t, vma-1)) // zap_page_range_single
		}
	}
	s.mapping.iMmapRwsem.UpWrite(t)
}

// truncateInodePages is truncate_inode_pages().
func (s *system) truncateInodePages(t *schedule.Thread) {
	s.mapping.treeLock.LockIrq(t)
	page := s.mapping.page.Read(t)
	if page != nil {
		s.mapping.page.Write(t, nil) // delete_from_page_cache
	}
	s.mapping.treeLock.UnlockIrq(t)
	if page != nil {
		mmu.PutPage(t, page)
	}
}

// shrinkPageList is shrink_page_list(), of the page of the file. One that is dirty is kept.
func (s *system) shrinkPageList(t *schedule.Thread) {
	s.tryToUnmap(t)
	if !s.Has(dirty) {
		s.removeMapping(t)
	}
}

// tryToUnmap is try_to_unmap().
func (s *system) tryToUnmap(t *schedule.Thread) {
	s.mapping.iMmapRwsem.DownRead(t) // rmap_walk_file
	for i := range s.mapping.iMmap {
		if vma := s.mapping.iMmap[i].Read(t); vma != 0 {
			s.tryToUnmapOne(t, vma-1)
		}
	}
	s.mapping.iMmapRwsem.UpRead(t)
}

// tryToUnmapOne is try_to_unmap_one(). It takes the lock only where there is something.
func (s *system) tryToUnmapOne(t *schedule.Thread, addr int) {
	if !s.Mm.PtePresent(t, addr) { // page_check_address
		return
	}
	ptl := &s.tables[addr].ptl
	ptl.Lock(t)
	if page := s.Mm.PtepGetAndClear(t, addr); page != nil { // ptep_clear_flush
		s.flushTlbRange(t, addr)
		mmu.PutPage(t, page)
	}
	ptl.Unlock(t)
}

// removeMapping is __remove_mapping(): free the page if nobody has it but the page cache.
func (s *system) removeMapping(t *schedule.Thread) {
	s.mapping.treeLock.LockIrq(t)
	page := s.mapping.page.Read(t)
	if page == nil || page.Refcount.Cmpxchg(t, 1, 0) != 1 { // page_freeze_refs
		s.mapping.treeLock.UnlockIrq(t)
		return
	}
	s.mapping.page.Write(t, nil) // __delete_from_page_cache
	s.mapping.treeLock.UnlockIrq(t)
	mmu.FreePage(t, page)
}

// unmapAndMove is unmap_and_move(), of the page of the file. The reference of who isolated it
// is left out.
func (s *system) unmapAndMove(t *schedule.Thread) {
	newPage := s.AllocPage(t)
	newPage.Refcount.Init(1)
	s.tryToUnmap(t)
	if page := s.migratePageMoveMapping(t, newPage); page != nil {
		mmu.FreePage(t, page)
	} else {
		mmu.FreePage(t, newPage)
	}
}

// migratePageMoveMapping is migrate_page_move_mapping(). It returns the page that the file had,
// nil if somebody else has that too.
func (s *system) migratePageMoveMapping(t *schedule.Thread, newPage *mmu.Page) *mmu.Page {
	s.mapping.treeLock.LockIrq(t)
	page := s.mapping.page.Read(t)
	if page == nil || page.Refcount.Cmpxchg(t, 1, 0) != 1 { // page_freeze_refs
		s.mapping.treeLock.UnlockIrq(t)
		return nil
	}
	s.mapping.page.Write(t, newPage) // radix_tree_replace_slot
	s.mapping.treeLock.UnlockIrq(t)
	return page
}
