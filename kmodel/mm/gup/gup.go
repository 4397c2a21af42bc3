// Package gup is a forced write to a private mapping that nobody may write (mm/gup.c), against
// madvise(MADV_DONTNEED): Dirty COW, CVE-2016-5195, and what came of its fix.
//
// The nouns: a process has mapped a page privately and read-only. The page is that of a file, or
// the huge zero page; others have it too. Who writes to /proc/self/mem gets the page with
// FOLL_WRITE and FOLL_FORCE, and must get a copy, which is the process's own: a fault with write
// intent breaks COW, and the copy is mapped, read-only still. follow_page_mask() looks up what is
// mapped, faultin_page() faults it in, and __get_user_pages() has them take turns until a page is
// found. Between any two of these turns, and in the middle of a fault, madvise() may take the copy
// away: both have mmap_sem for reading only. What tells the lookup that COW is broken must
// therefore be something about what is mapped, and about that alone.
//
// The code of the file is that of 4.6. Since then its faults have been written anew, and look where
// they did, with the lock and without; that of a read has its reference to the page before it has
// the lock now. What is huge is of 4.14, which does what 4.6 does. That of UFFDIO_CONTINUE is of
// 5.17. In the process nobody forks or swaps, so that a page of its own has no other mapping, and
// is PageAnonExclusive() since 5.19.
//
// The two looks of __handle_mm_fault() at a pmd, whether it is none and what else it is, are one:
// if it went away between them, a page table would come in its place. In follow_page_mask() there
// are more, up to 4.14, and the first that finds nothing ends it: one does for all. Who comes by
// /proc/self/mem does not let a fault drop mmap_sem.
//
// Not modelled: the mapping itself, which nobody changes, and the mm, which nobody leaves; memory
// that is no file's and not huge, which has a zero page too; writing the page of a file back, its
// truncation and reclaim; the lock of a page, which a fault has of that of a file, do_wp_page() of
// a copy, and set_page_dirty_lock() of both; the reference to a copy that is on its way to the LRU
// list; the TLB, through which nobody goes here; the accessed bit; a file that is not in the page
// cache; a page table that comes, goes away, or takes the place of a huge page when there is no
// memory; and a look at two pages at once. A page has one word.
//
// Start reading at __getUserPages.
package gup

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// gupFlags are those that say how a page is to be got. FOLL_FORCE, FOLL_GET and FOLL_TOUCH are
// always set.
type gupFlags uint

const (
	follWrite gupFlags = 1 << iota
	follCow            // COW was broken, once
)

// memWrite is mem_write() of /proc/self/mem, of one word.
func (s *system) memWrite(t *schedule.Thread) { s.__accessRemoteVm(t, follWrite) }

// memRead is mem_read().
func (s *system) memRead(t *schedule.Thread) { s.__accessRemoteVm(t, 0) }

// __accessRemoteVm is __access_remote_vm().
func (s *system) __accessRemoteVm(t *schedule.Thread, flags gupFlags) {
	s.mmapSem().DownRead(t)
	if page := s.__getUserPages(t, flags); page != nil {
		if flags&follWrite != 0 {
			page.data.Write(t, 1) // copy_to_user_page
			s.checkWrite_(t, page)
		} else {
			page.data.Read(t) // copy_from_user_page
		}
		page.putPage(t)
	}
	s.mmapSem().UpRead(t)
}

// checkWrite_ is the promise of a private mapping, which no kernel checks: what is written through
// it, nobody else sees. It belongs to the step before it.
func (s *system) checkWrite_(t *schedule.Thread, page *page) {
	switch page {
	case &s.filePage:
		t.Fail(schedule.StrayWrite, &page.Object, s.zapped,
			"the page of a file is written through a private mapping")
	case &s.hugeZeroPage:
		t.Fail(schedule.StrayWrite, &page.Object, s.zapped,
			"the huge zero page, which is everybody's, is written through a private mapping")
	}
}

// __getUserPages is __get_user_pages(), of one page, or nil if that cannot be had.
func (s *system) __getUserPages(t *schedule.Thread, flags gupFlags) *page {
	for {
		preempt.CondResched(t)
		if page := s.followPageMask(t, flags); page != nil {
			return page
		}
		if !s.faultinPage(t, &flags) {
			return nil
		}
	}
}

// faultinPage is faultin_page(). It reports whether there may be a page now: else there will
// never be one.
func (s *system) faultinPage(t *schedule.Thread, flags *gupFlags) bool {
	ret := s.handleMmFault(t, *flags&follWrite != 0)
	if ret&vmFaultSigbus != 0 {
		return false
	}
	switch {
	case ret&vmFaultWrite == 0 || s.Has(noFollCow):
	case s.Has(followCow):
		*flags |= follCow
	default:
		*flags &^= follWrite // what is there is a copy, it believes
	}
	return true
}

// followPageMask is follow_page_mask(): what is mapped, with a reference, or nil.
func (s *system) followPageMask(t *schedule.Thread, flags gupFlags) *page {
	if s.mapped == anonymousHuge {
		return s.followPmdMask(t, flags)
	}
	return s.followPagePte(t, flags)
}

// followPagePte is follow_page_pte().
func (s *system) followPagePte(t *schedule.Thread, flags gupFlags) *page {
	s.table.ptl.Lock(t)
	pte := s.table.pte.read_(t)
	if pte.none() || flags&follWrite != 0 && !s.canFollowWrite(pte, flags) {
		s.table.ptl.Unlock(t)
		return nil
	}
	pte.page.getPage(t)
	s.table.ptl.Unlock(t)
	return pte.page
}

// canFollowWrite is can_follow_write_pte() and can_follow_write_pmd(), or pte_write() and
// pmd_write(), which nothing is here.
func (s *system) canFollowWrite(v value, flags gupFlags) bool {
	switch {
	case s.Has(noFollCow):
		return s.pageAnon(v.page) // and PageAnonExclusive
	case s.Has(followCow):
		return flags&follCow != 0 && v.dirty
	}
	return false
}

// followPmdMask is follow_pmd_mask().
func (s *system) followPmdMask(t *schedule.Thread, flags gupFlags) *page {
	if s.pmds.pmd.read_(t).none() {
		return nil
	}
	s.pmds.ptl.Lock(t) // pmd_lock
	page := s.followTransHugePmd(t, flags)
	s.pmds.ptl.Unlock(t)
	return page
}
