// Package mmap is how mappings come and go (mm/mmap.c of 3.3): do_munmap() with mmap_sem
// held, and exit_mmap(), which takes no lock because nobody is left who could need one.
//
// It has no programs of its own. Those of fs/aio, which unmaps the ring of a context, and
// of fs/userfaultfd, which has mappings merged, are given its functions.
//
// Not modelled: see package kmodel/linux/mm.
package mmap

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mm"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// DoMmap is do_mmap() of one page at addr, with mmap_sem held.
func DoMmap(t *schedule.Thread, m *mm.Struct, addr int) {
	vma := m.NewVMA(t, addr)
	link, next := findVma(t, m, addr)
	vma.VMNext.Init(next)
	link.Write(t, vma) // vma_link
}

// DoMunmap is do_munmap() of the page at addr, with mmap_sem held.
func DoMunmap(t *schedule.Thread, m *mm.Struct, addr int) {
	link, vma := findVma(t, m, addr)
	m.CheckWalk(t)
	if vma == nil || vma.VMStart.Peek() != addr { // find_vma has read it
		return
	}
	next := vma.VMNext.Read(t)
	link.Write(t, next) // detach_vmas_to_be_unmapped
	m.CheckWalk(t)
	vma.VMNext.Write(t, nil) // a walk that is at it ends there
	removeVma(t, vma)
}

// findVma is find_vma_prepare(): the first mapping that ends above addr, and the link to
// it.
func findVma(t *schedule.Thread, m *mm.Struct, addr int) (*mem.Ptr[*mm.VMA], *mm.VMA) {
	link := &m.Mmap
	vma := link.Read(t)
	m.CheckWalk(t)
	for vma != nil && vma.VMStart.Read(t) < addr {
		link = &vma.VMNext
		vma = link.Read(t)
	}
	return link, vma
}

// FindVmaPrev is find_vma_prev() of the mapping that begins at addr: nil if none does.
func FindVmaPrev(t *schedule.Thread, m *mm.Struct, addr int) (vma, prev *mm.VMA) {
	vma = m.Mmap.Read(t)
	for vma != nil && vma.VMStart.Read(t) < addr {
		prev, vma = vma, vma.VMNext.Read(t)
	}
	if vma == nil || vma.VMStart.Peek() != addr { // the loop has read it
		return nil, prev
	}
	return vma, prev
}

// VmaMerge is vma_merge(), with mmap_sem held, of a mapping that is to have the flags and
// the one before it, to which it is adjacent. It reports whether they could be merged: then
// there is only prev.
func VmaMerge(t *schedule.Thread, prev, vma *mm.VMA, flags int) bool {
	if prev == nil || prev.VMFlags.Read(t) != flags {
		return false
	}
	__vmaAdjust(t, prev, vma)
	return true
}

// __vmaAdjust is __vma_adjust(), which extends prev over vma.
func __vmaAdjust(t *schedule.Thread, prev, vma *mm.VMA) {
	prev.VMNext.Write(t, vma.VMNext.Read(t))
	slab.Free(t, "vm_area_free", vma)
}

// removeVma is remove_vma().
func removeVma(t *schedule.Thread, vma *mm.VMA) { slab.Free(t, "kmem_cache_free", vma) }

// ExitMmap is exit_mmap(): unmap everything, and free the mappings. It does not take
// mmap_sem.
func ExitMmap(t *schedule.Thread, m *mm.Struct) {
	first := m.Mmap.Read(t)
	m.SetWalk(t, mm.Exit)
	for vma := first; vma != nil; vma = vma.VMNext.Read(t) { // unmap_vmas, free_pgtables
		vma.VMStart.Read(t)
	}
	for vma := first; vma != nil; {
		next := vma.VMNext.Read(t)
		removeVma(t, vma)
		vma = next
	}
}
