package gup

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// vmFault is what a fault comes to.
type vmFault uint

const (
	vmFaultWrite  vmFault = 1 << iota // COW was broken, or was not needed
	vmFaultSigbus                     // nothing can be mapped
)

// handleMmFault is handle_mm_fault(), with mmap_sem held for reading.
func (s *system) handleMmFault(t *schedule.Thread, write bool) vmFault {
	if s.mapped == anonymousHuge {
		return s.__handleMmFault(t, write)
	}
	return s.handlePteFault(t, write)
}

// handlePteFault is handle_pte_fault(). It looks without the lock, and once more with it.
func (s *system) handlePteFault(t *schedule.Thread, write bool) vmFault {
	orig := s.table.pte.read_(t)
	if orig.none() {
		if write {
			return s.doCowFault(t)
		}
		return s.doReadFault(t)
	}
	s.table.ptl.Lock(t)
	if s.table.pte.read_(t) == orig && write { // pte_same
		return s.doWpPage(t, orig)
	}
	s.table.ptl.Unlock(t)
	return 0
}

// doReadFault is do_read_fault(). Where it may map what is around too, and it may not where a
// userfaultfd wants to know, it does all with the lock held.
func (s *system) doReadFault(t *schedule.Thread) vmFault {
	if s.mapped == shmemMinor {
		s.__doFault(t)
		return vmFaultSigbus
	}
	s.table.ptl.Lock(t)
	if s.table.pte.read_(t).none() {
		s.filePage.getPage(t) // page_cache_get_speculative
		s.table.pte.set_(t, &setPteAt, value{page: &s.filePage})
	}
	s.table.ptl.Unlock(t)
	return 0
}

// doCowFault is do_cow_fault(): a copy is mapped where nothing was.
func (s *system) doCowFault(t *schedule.Thread) vmFault {
	newPage := s.allocPage(t)
	faultPage := s.__doFault(t)
	if faultPage == nil {
		newPage.putPage(t)
		return vmFaultSigbus
	}
	newPage.data.Init(faultPage.data.Read(t)) // copy_user_highpage
	s.table.ptl.Lock(t)
	same := s.table.pte.read_(t).none()
	if same {
		s.table.pte.set_(t, &setPteAt, value{newPage, true})
	}
	s.table.ptl.Unlock(t)
	faultPage.putPage(t)
	if !same {
		newPage.putPage(t)
	}
	return 0
}

// __doFault is __do_fault(): the page of the file, with a reference. With a userfaultfd that wants
// to know of a page which is in the page cache and not mapped, it is nil: handle_userfault() cannot
// wait for that here, since who has called get_user_pages() does not allow it to drop mmap_sem.
func (s *system) __doFault(t *schedule.Thread) *page {
	s.filePage.getPage(t)
	if s.mapped == shmemMinor {
		s.filePage.putPage(t)
		return nil
	}
	return &s.filePage
}

// doWpPage is do_wp_page(), with the lock held, which it gives back.
func (s *system) doWpPage(t *schedule.Thread, orig value) vmFault {
	if s.pageAnon(orig.page) && s.reuses_(t, orig.page) {
		// wp_page_reuse: what is mapped is dirty already.
		s.table.ptl.Unlock(t)
		return vmFaultWrite
	}
	orig.page.getPage(t)
	s.table.ptl.Unlock(t)
	return s.wpPageCopy(t, orig)
}

// reuses_ is reuse_swap_page(), by mappings, of which there is one. From 5.9 on do_wp_page() counts
// references itself, and since 5.19 asks for PageAnonExclusive() first.
func (s *system) reuses_(t *schedule.Thread, page *page) bool {
	if !s.Has(byRefs) {
		return true
	}
	count := page.refcount.Read(t) // page_count
	if count == 1 {
		count = page.refcount.Read(t) // once more, with the lock of the page
	}
	return count == 1
}

// wpPageCopy is wp_page_copy(), with a reference to the page, which it drops. In its place comes
// a copy, if it is still there.
func (s *system) wpPageCopy(t *schedule.Thread, orig value) vmFault {
	newPage := s.allocPage(t)
	newPage.data.Init(orig.page.data.Read(t)) // cow_user_page
	s.table.ptl.Lock(t)
	copied := s.table.pte.read_(t) == orig // pte_same
	if copied {
		s.table.pte.getAndClear_(t, "ptep_clear_flush")
		s.table.pte.set_(t, &setPteAt, value{newPage, true})
		orig.page.putPage(t)
	} else {
		newPage.putPage(t)
	}
	s.table.ptl.Unlock(t)
	orig.page.putPage(t)
	if copied {
		return vmFaultWrite
	}
	return 0
}

// madvise is madvise(), with MADV_DONTNEED.
func (s *system) madvise(t *schedule.Thread) {
	s.mmapSem().DownRead(t)
	if s.mapped == anonymousHuge {
		s.zapHugePmd(t)
	} else {
		s.zapPteRange(t)
	}
	s.mmapSem().UpRead(t)
}

// zapPteRange is zap_pte_range(), and tlb_finish_mmu(), which drops the page.
func (s *system) zapPteRange(t *schedule.Thread) {
	s.table.ptl.Lock(t)
	pte := s.table.pte.read_(t)
	if !pte.none() {
		s.table.pte.getAndClear_(t, "ptep_get_and_clear")
		s.noteZap_(t, pte)
	}
	s.table.ptl.Unlock(t)
	preempt.CondResched(t) // zap_pmd_range
	if !pte.none() {
		pte.page.putPage(t)
	}
}

// noteZap_ remembers, for reports, who takes a copy away. It belongs to the step before it.
func (s *system) noteZap_(t *schedule.Thread, v value) {
	if s.pageAnon(v.page) {
		s.zapped = t.Now()
	}
}

// pageAnon is PageAnon().
func (s *system) pageAnon(page *page) bool {
	return page != &s.filePage && page != &s.hugeZeroPage
}

// allocPage is alloc_page(), for what is going to be mapped.
func (s *system) allocPage(t *schedule.Thread) *page {
	page := s.pages.Alloc(t)
	page.refcount.Init(1)
	return page
}
