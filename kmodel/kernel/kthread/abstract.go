package kthread

import (
	mm "github.com/kschedfuzz/kschedfuzz/kmodel/linux/mmu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/smp"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// abstract gives a word for each CPU: how it stands to the mm, whether it is in the
// mask, what its TLB holds, and whether the mm has one user or more. Which CPU it is is
// left out.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	users := min(s.Mm.MmUsers.Peek(), 3)
	for i := range smp.Online(e) {
		c := &s.CPUs[i]
		w := program.Word(4|users,
			c.Current() != nil, c.Using(), c.ActiveOnMm(), s.Mm.Cpumask.Has(i))
		for p := range mm.Pages {
			present, stale := c.HasTLB(p)
			w = program.Word(int(w), present, stale, s.Mm.Mapped(p))
		}
		hit(w)
	}
}
