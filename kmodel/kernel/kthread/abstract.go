package kthread

import (
	mm "github.com/kschedfuzz/kschedfuzz/kmodel/linux/mmu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/smp"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// abstract gives a word for each CPU: how it stands to the mm, whether it is in the
// mask, what its TLB holds, and whether the mm has one user or more. Which CPU it is is
// left out.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	users := uint64(min(s.Mm.MmUsers.Peek(), 3))
	for i := range smp.Online(e) {
		c := &s.CPUs[i]
		w := 1<<2 | users
		w = w<<1 | bit(c.Current() != nil)
		w = w<<1 | bit(c.Using())
		w = w<<1 | bit(c.ActiveOnMm())
		w = w<<1 | bit(s.Mm.Cpumask.Has(i))
		for p := range mm.Pages {
			present, stale := c.HasTLB(p)
			w = w<<2 | bit(present)<<1 | bit(stale)
			w = w<<1 | bit(s.Mm.Mapped(p))
		}
		hit(w)
	}
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
