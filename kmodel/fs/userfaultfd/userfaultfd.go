// Package userfaultfd is a change of the mappings of a process (fs/userfaultfd.c) while its
// core is dumped.
//
// The nouns: the dumper kills all other threads of its process, waits until they are parked
// in exit_mm(), and then walks the mappings without mmap_sem, since nobody is left to change
// them. But an mm is not only for the threads whose mm it is. Who has a reference to the
// struct, here a userfaultfd that another process has open, takes mm_users with
// mmget_not_zero(), and then may take mmap_sem and change mappings.
//
// The code follows 5.0; the dump is that of package kmodel/fs/exec. From 4.3 to 4.6 a
// userfaultfd has one of mm_users as long as it is open, and takes none for a call; the race is
// the same.
//
// Not modelled: faults and events, closing the userfaultfd (the fix was wrong there and was
// mended, 46d0b24c5ee1), ranges of more or less than one mapping, merging with the mapping
// behind, and the others that take mmget_not_zero() or get_task_mm().
//
// Start reading at userfaultfdRegister.
package userfaultfd

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mm"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// userfaultfdCtx is struct userfaultfd_ctx, which has an mm_count.
type userfaultfdCtx struct {
	schedule.Object
	mm mem.Ptr[*mm.Struct]

	*system
}

// Values of vm_flags.
const vmUffdMissing = 1 // VM_UFFD_MISSING

// userfaultfdRegister is userfaultfd_register() of the mapping that begins at start.
func (ctx *userfaultfdCtx) userfaultfdRegister(t *schedule.Thread, start int) {
	ctx.ioctl_(t, start, vmUffdMissing)
}

// userfaultfdUnregister is userfaultfd_unregister() of the mapping that begins at start.
func (ctx *userfaultfdCtx) userfaultfdUnregister(t *schedule.Thread, start int) {
	ctx.ioctl_(t, start, 0)
}

// ioctl_ is both: the mapping gets the flags.
func (ctx *userfaultfdCtx) ioctl_(t *schedule.Thread, start, flags int) {
	m := ctx.mm.Read(t)
	if !m.MmUsers.IncNotZero(t) { // mmget_not_zero
		return
	}
	m.MmapSem.DownWrite(t)
	if !ctx.Has(stillValid) || mmgetStillValid(t, m) {
		vma, prev := ctx.rest.FindVmaPrev(t, m, start)
		if vma != nil && vma.VMFlags.Read(t) != flags {
			if ctx.rest.VmaMerge(t, prev, vma, flags) {
				vma = prev
			}
			vma.VMFlags.Write(t, flags)
		}
	}
	m.MmapSem.UpWrite(t)
	ctx.mmput(t, m)
}

// mmgetStillValid is mmget_still_valid(), with mmap_sem held: whether there is no core dump.
func mmgetStillValid(t *schedule.Thread, m *mm.Struct) bool { return m.CoreState.Read(t) == 0 }

// mmput is mmput().
func (s *system) mmput(t *schedule.Thread, m *mm.Struct) {
	preempt.MightSleep(t, "mmput")
	if m.MmUsers.DecAndTest(t) {
		s.rest.ExitMmap(t, m)
		m.Mmdrop(t)
	}
}

// exit is do_exit(), as far as the mm is concerned.
func (s *system) exit(t *schedule.Thread, m *mm.Struct) {
	s.rest.ExitMm(t, m)
	s.mmput(t, m)
}
