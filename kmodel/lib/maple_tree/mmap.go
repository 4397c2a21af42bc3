package mapletree

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rwsem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// mmStruct is struct mm_struct.
type mmStruct struct {
	schedule.Object
	mmapLock      rwsem.Sem
	pageTableLock spin.Lock
	maRoot        rcu.Ptr[*mapleNode] // of mm_mt
	mmLockSeq     mem.Int             // its sequence
}

// vmArea is struct vm_area_struct, with VM_GROWSDOWN.
type vmArea struct {
	schedule.Object
	vmStart mem.Int
	vmEnd   int // never changes
}

// anonVma is struct anon_vma, that of the stack.
type anonVma struct {
	schedule.Object
	rwsem rwsem.Sem
}

// findVma is find_vma(), with mt_find().
func (s *system) findVma(t *schedule.Thread, addr int) *vmArea {
	mas := maState{index: addr, last: addr}
	rcu.ReadLock(t)
	vma := s.masWalk(t, &mas)
	switch {
	case vma == nil && s.Has(nextSlot):
		vma = s.masNextSlot(t, &mas)
	case vma == nil:
		vma = s.masNextEntry(t, &mas)
	}
	rcu.ReadUnlock(t)
	s.checkFound_(t, "find_vma()", vma == &s.stack)
	return vma
}

// findVmaPrev is find_vma_prev().
func (s *system) findVmaPrev(t *schedule.Thread, addr int) (vma, prev *vmArea) {
	mas := maState{index: addr, last: addr}
	s.readLock_(t)
	vma = s.masWalk(t, &mas)
	prev = s.masPrev(t, &mas)
	if vma == nil {
		vma = s.masNext(t, &mas)
	}
	s.readUnlock_(t)
	s.checkFound_(t, "find_vma_prev()", vma == &s.stack && prev == &s.prev)
	return vma, prev
}

// readLock_ is rcu_read_lock() where no kernel has it.
func (s *system) readLock_(t *schedule.Thread) {
	if s.Has(readLock) {
		rcu.ReadLock(t)
	}
}

func (s *system) readUnlock_(t *schedule.Thread) {
	if s.Has(readLock) {
		rcu.ReadUnlock(t)
	}
}

// checkFound_ is the promise of a function that looks up what is mapped. No kernel checks that. It
// belongs to the step before it. What is unmapped is never mapped again here.
func (s *system) checkFound_(t *schedule.Thread, who string, found bool) {
	if !found && s.mm.maRoot.Peek() != nil {
		t.Fail(schedule.LostUpdate, &s.mm.Object, schedule.Party{},
			who+" does not find what is mapped")
	}
}

// expandDownwards is expand_downwards(), by expand_stack(), or expand_stack_locked() since 6.5.
func (s *system) expandDownwards(t *schedule.Thread, vma *vmArea, address int) {
	start := vma.vmStart.Read(t)
	mas := maState{index: start, last: start}
	s.readLock_(t)
	s.masPrev(t, &mas)
	s.readUnlock_(t)
	s.anonVma.rwsem.DownWrite(t) // anon_vma_lock_write
	if address < vma.vmStart.Read(t) {
		s.mm.pageTableLock.Lock(t)
		vma.vmStart.Write(t, address)
		mas = maState{index: address, last: vma.vmEnd - 1} // mas_set_range
		s.masStorePrealloc(t, &mas, vma)
		s.mm.pageTableLock.Unlock(t)
	}
	s.anonVma.rwsem.UpWrite(t)
}

// doUserAddrFault is do_user_addr_fault(), by who has touched the address.
func (s *system) doUserAddrFault(t *schedule.Thread, address int) {
	if s.Has(writeLock) {
		s.lockMmAndFindVma(t, address)
		s.mm.mmapLock.UpRead(t)
		return
	}
	s.mm.mmapLock.DownRead(t)
	vma := s.findVma(t, address)
	if vma.vmStart.Read(t) > address {
		s.expandDownwards(t, vma, address)
	}
	s.mm.mmapLock.UpRead(t)
}

// lockMmAndFindVma is lock_mm_and_find_vma(), which returns with mmap_lock held for reading.
func (s *system) lockMmAndFindVma(t *schedule.Thread, address int) {
	s.mm.mmapLock.DownRead(t)
	vma := s.findVma(t, address)
	if vma.vmStart.Read(t) <= address {
		return
	}
	s.mm.mmapLock.UpRead(t) // upgrade_mmap_lock_carefully
	s.mmapWriteLock(t)
	vma = s.findVma(t, address)
	if vma.vmStart.Read(t) > address {
		s.expandDownwards(t, vma, address)
	}
	s.mmapWriteDowngrade(t)
}

// mmapWriteLock is mmap_write_lock(). Nobody looked at mm_lock_seq so before lock_next_vma().
func (s *system) mmapWriteLock(t *schedule.Thread) {
	s.mm.mmapLock.DownWrite(t)
	if s.Has(nextSlot) {
		s.mm.mmLockSeq.Write(t, s.mm.mmLockSeq.Read(t)+1) // mm_lock_seqcount_begin
		mem.SmpWmb(t)
	}
}

// mmapWriteDowngrade is mmap_write_downgrade().
func (s *system) mmapWriteDowngrade(t *schedule.Thread) {
	if s.Has(nextSlot) {
		s.mmLockSeqcountEnd_(t)
	}
	s.mm.mmapLock.DowngradeWrite(t)
}

// madviseWalkVmas is madvise_walk_vmas(), of advice for which mmap_lock is held for reading.
func (s *system) madviseWalkVmas(t *schedule.Thread, start int) {
	s.mm.mmapLock.DownRead(t)
	s.findVmaPrev(t, start)
	s.mm.mmapLock.UpRead(t)
}
