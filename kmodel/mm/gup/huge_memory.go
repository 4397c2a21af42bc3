package gup

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// followTransHugePmd is follow_trans_huge_pmd(), with the lock held, if there is anything huge.
func (s *system) followTransHugePmd(t *schedule.Thread, flags gupFlags) *page {
	pmd := s.pmds.pmd.read_(t)
	if pmd.none() || flags&follWrite != 0 && !s.canFollowWrite(pmd, flags) {
		return nil
	}
	s.touchPmd(t, pmd, flags)
	pmd.page.getPage(t)
	return pmd.page
}

// touchPmd is touch_pmd(), which sets the accessed bit, and up to 4.14 the dirty bit with it for
// whoever comes: that bit of a pmd meant nothing once.
func (s *system) touchPmd(t *schedule.Thread, pmd value, flags gupFlags) {
	if pmd.dirty || s.Has(touchDirty) && flags&follWrite == 0 {
		return
	}
	s.pmds.pmd.set_(t, &pmdpSetAccessFlags, value{pmd.page, true})
}

// __handleMmFault is __handle_mm_fault(), where a huge page is allowed.
func (s *system) __handleMmFault(t *schedule.Thread, write bool) vmFault {
	orig := s.pmds.pmd.read_(t)
	switch {
	case orig.none() && write:
		s.__doHugePmdAnonymousPage(t)
	case orig.none():
		s.doHugePmdAnonymousPage(t)
	case write:
		return s.doHugePmdWpPage(t, orig)
	default:
		s.pmds.ptl.Lock(t)  // huge_pmd_set_accessed
		s.pmds.pmd.read_(t) // pmd_same
		s.pmds.ptl.Unlock(t)
	}
	return 0
}

// doHugePmdAnonymousPage is do_huge_pmd_anonymous_page() of who reads.
func (s *system) doHugePmdAnonymousPage(t *schedule.Thread) {
	s.pmds.ptl.Lock(t)
	if s.pmds.pmd.read_(t).none() {
		s.pmds.pmd.set_(t, &setPmdAt, value{page: &s.hugeZeroPage}) // set_huge_zero_page
	}
	s.pmds.ptl.Unlock(t)
}

// __doHugePmdAnonymousPage is __do_huge_pmd_anonymous_page(), of who writes.
func (s *system) __doHugePmdAnonymousPage(t *schedule.Thread) {
	page := s.allocPage(t) // clear_huge_page
	s.pmds.ptl.Lock(t)
	same := s.pmds.pmd.read_(t).none()
	if same {
		s.pmds.pmd.set_(t, &setPmdAt, value{page, true})
	}
	s.pmds.ptl.Unlock(t)
	if !same {
		page.putPage(t)
	}
}

// doHugePmdWpPage is do_huge_pmd_wp_page().
func (s *system) doHugePmdWpPage(t *schedule.Thread, orig value) (ret vmFault) {
	if !s.pageAnon(orig.page) {
		return s.copyZeroPage_(t, orig)
	}
	s.pmds.ptl.Lock(t)
	if s.pmds.pmd.read_(t) == orig { // pmd_same
		ret = vmFaultWrite // reuse_swap_page; what is mapped is dirty already
	}
	s.pmds.ptl.Unlock(t)
	return ret
}

// copyZeroPage_ is the part of do_huge_pmd_wp_page() in which the huge zero page is there: that is
// copied without a look at it.
func (s *system) copyZeroPage_(t *schedule.Thread, orig value) (ret vmFault) {
	newPage := s.allocPage(t) // clear_huge_page
	s.pmds.ptl.Lock(t)
	same := s.pmds.pmd.read_(t) == orig // pmd_same
	if same {
		s.pmds.pmd.getAndClear_(t, "pmdp_huge_clear_flush")
		s.pmds.pmd.set_(t, &setPmdAt, value{newPage, true})
		ret = vmFaultWrite
	}
	s.pmds.ptl.Unlock(t)
	if !same {
		newPage.putPage(t)
	}
	return ret
}

// zapHugePmd is zap_huge_pmd(), if zap_pmd_range() sees anything huge, and tlb_finish_mmu(), which
// drops the page. The huge zero page has no reference for a mapping.
func (s *system) zapHugePmd(t *schedule.Thread) {
	if s.pmds.pmd.read_(t).none() { // zap_pmd_range
		return
	}
	s.pmds.ptl.Lock(t) // __pmd_trans_huge_lock
	pmd := s.pmds.pmd.read_(t)
	if !pmd.none() {
		s.pmds.pmd.getAndClear_(t, "pmdp_huge_get_and_clear")
		s.noteZap_(t, pmd)
	}
	s.pmds.ptl.Unlock(t)
	preempt.CondResched(t) // zap_pmd_range
	if !pmd.none() && s.pageAnon(pmd.page) {
		pmd.page.putPage(t)
	}
}
