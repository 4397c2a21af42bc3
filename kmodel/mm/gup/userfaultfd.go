package gup

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// __mcopyAtomic is __mcopy_atomic(), of UFFDIO_CONTINUE.
func (s *system) __mcopyAtomic(t *schedule.Thread) {
	s.mmapSem().DownRead(t)
	s.mcontinueAtomicPte(t)
	preempt.CondResched(t)
	s.mmapSem().UpRead(t)
}

// mcontinueAtomicPte is mcontinue_atomic_pte(): the page of the file is mapped.
func (s *system) mcontinueAtomicPte(t *schedule.Thread) {
	s.filePage.getPage(t) // shmem_getpage
	if !s.mfillAtomicInstallPte(t) {
		s.filePage.putPage(t)
	}
}

// mfillAtomicInstallPte is mfill_atomic_install_pte(). It reports whether nothing was mapped.
func (s *system) mfillAtomicInstallPte(t *schedule.Thread) bool {
	s.table.ptl.Lock(t)
	none := s.table.pte.read_(t).none()
	if none {
		s.table.pte.set_(t, &setPteAt, s.continued())
	}
	s.table.ptl.Unlock(t)
	return none
}

// continued is what UFFDIO_CONTINUE maps.
func (s *system) continued() value { return value{&s.filePage, s.Has(continueDirty)} }
