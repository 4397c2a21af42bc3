package tlb

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A storeBuffer is that of one CPU, with room for the store that clears an entry of the page
// table. It is empty all the time in variants without tso.
type storeBuffer struct {
	schedule.Object
	pteClear schedule.Cell // which page, and 1; 0: it is empty
	s        *system
}

// pteClear_ is pte_clear(), a plain store.
func (s *system) pteClear_(t *schedule.Thread, p int) {
	if !s.Has(tso) {
		s.Mm.SetPteAt(t, p, nil)
		return
	}
	b := s.buffer_(t)
	t.Step(schedule.Op{Verb: "pte_clear", Cell: &b.pteClear, Mode: schedule.WriteOnce})
	b.pteClear.Set(1 + uint64(p))
}

// smpMb_ is smp_mb().
func (s *system) smpMb_(t *schedule.Thread) {
	if s.Has(tso) {
		s.drain_(t, "smp_mb")
	} else {
		mem.SmpMb(t)
	}
}

// fullBarrier_ is in front of what is a full barrier besides what it does.
func (s *system) fullBarrier_(t *schedule.Thread, verb string) {
	if s.Has(tso) {
		s.drain_(t, verb)
	}
}

// drain_ waits until the store buffer is empty.
func (s *system) drain_(t *schedule.Thread, verb string) {
	b := s.buffer_(t)
	t.Await(schedule.Op{Verb: verb, Cell: &b.pteClear,
		Mode: schedule.Barrier | schedule.Blocks}, b)
}

func (s *system) buffer_(t *schedule.Thread) *storeBuffer { return &s.buffers[s.This(t).Num] }

// Open implements [schedule.Gate]: the buffer is empty.
func (b *storeBuffer) Open(*schedule.Thread) bool { return b.pteClear.Value() == 0 }

// Ready implements [schedule.Agent].
func (b *storeBuffer) Ready(*schedule.Thread) bool { return b.pteClear.Value() != 0 }

// Run implements [schedule.Agent]: the store reaches memory.
func (b *storeBuffer) Run(t *schedule.Thread) {
	t.Begin(schedule.Op{Verb: "store buffer drains", Cell: &b.pteClear, Mode: schedule.PlainRead})
	b.s.Mm.SetPteAt(t, int(b.pteClear.Value())-1, nil)
	b.pteClear.Set(0)
}
