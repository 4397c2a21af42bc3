// Package mm is what others see of an address space: struct mm_struct and its list of
// struct vm_area_struct (include/linux/mm_types.h, mm.h).
//
// mm_users counts those who use the address space, and mmput() of the last takes it down;
// mm_count keeps the struct itself, one for all of mm_users together.
//
// Steps: those of the fields. [Struct.Mmgrab] one; [Struct.Mmdrop] one, and one to free.
// What is done to the mappings, do_munmap() and exit_mmap(), is package kmodel/mm/mmap.
//
// Misuse: an mm_count that falls to 0 while there are users is [schedule.RefUnderflow],
// since somebody has dropped a reference that he did not hold. The kernel warns there too
// since 3.4 (check_mm(): "BUG: Bad rss-counter state"), and frees it.
//
// An mm that is taken down, or written to a core file, is walked without mmap_sem, on the
// ground that nobody else is left. The walker says so with Walk, and whoever changes the
// list asks with [Struct.CheckWalk]: this is [schedule.LateMunmap], which the kernel has
// no check for.
//
// Not modelled: the tree of mappings (looking one up walks the list), back links, page
// tables, the cache of the last mapping found, splitting.
package mm

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/completion"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rwsem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Struct is a struct mm_struct.
type Struct struct {
	schedule.Object
	MmUsers atomic.Int
	MmCount atomic.Int
	MmapSem rwsem.Sem
	Mmap    mem.Ptr[*VMA] // by address

	// What struct core_state has, which the kernel keeps on the stack of the dumping
	// thread; and in the place of its list of struct core_thread a completion.
	Tasks     atomic.Int // those whose mm this is
	CoreState mem.Int    // whether there is one; under mmap_sem
	NrThreads atomic.Int
	Startup   completion.Completion
	Dumped    completion.Completion

	walked schedule.Cell // by whom; part of the model, not of the kernel
	walker schedule.Party
	space  *Space
}

// A VMA is a struct vm_area_struct.
type VMA struct {
	schedule.Object
	VMStart mem.Int // never changes
	VMNext  mem.Ptr[*VMA]
	VMFlags mem.Int
}

// A Space is where the address spaces of a program come from.
type Space struct {
	mms  *slab.Cache[Struct, *Struct]
	vmas *slab.Cache[VMA, *VMA]
}

// NewSpace returns the caches of a program.
func NewSpace() *Space {
	s := &Space{vmas: slab.NewCache[VMA]("vma", nil)}
	s.mms = slab.NewCache("mm", func(mm *Struct) { mm.space = s })
	return s
}

// Boot allocates an address space that is there before the first step, for users tasks,
// with a mapping at each of the addresses, which ascend.
func (s *Space) Boot(e *schedule.Exec, users int, addrs ...int) *Struct {
	mm := s.mms.AllocBoot(e)
	mm.MmUsers.Init(users)
	mm.Tasks.Init(users)
	mm.MmCount.Init(1)
	link := &mm.Mmap
	for _, addr := range addrs {
		vma := s.vmas.AllocBoot(e)
		vma.VMStart.Init(addr)
		link.Init(vma)
		link = &vma.VMNext
	}
	return mm
}

// NewVMA allocates a mapping that is in no list.
func (mm *Struct) NewVMA(t *schedule.Thread, addr int) *VMA {
	vma := mm.space.vmas.Alloc(t)
	vma.VMStart.Init(addr)
	return vma
}

// Mmgrab is mmgrab().
func (mm *Struct) Mmgrab(t *schedule.Thread) { mm.MmCount.Inc(t) }

// Mmdrop is mmdrop(). The last one frees the struct.
func (mm *Struct) Mmdrop(t *schedule.Thread) {
	if !mm.MmCount.DecAndTest(t) {
		if mm.MmCount.Peek() < 0 {
			t.Warn(schedule.RefUnderflow, &mm.Object, schedule.Party{}, "mm_count is below 0")
		}
		return
	}
	if mm.MmUsers.Peek() > 0 {
		t.Warn(schedule.RefUnderflow, &mm.Object, schedule.Party{}, "BUG: Bad rss-counter state")
	}
	slab.Free(t, "free_mm", mm)
}

// A Walk is somebody who walks the mappings without mmap_sem.
type Walk uint8

// The walks.
const (
	Nobody Walk = iota
	Exit        // exit_mmap()
	Dump        // elf_core_dump()
)

// SetWalk says in the current step of t who walks the mappings from here on. It is no
// step.
func (mm *Struct) SetWalk(t *schedule.Thread, w Walk) {
	mm.walked.Set(uint64(w))
	mm.walker = t.Now()
}

// Walked returns who walks the mappings, for fingerprints.
func (mm *Struct) Walked() Walk { return Walk(mm.walked.Value()) }

// CheckWalk fails the current step of t, which changes the mappings or is about to, if
// somebody walks them.
func (mm *Struct) CheckWalk(t *schedule.Thread) {
	switch mm.Walked() {
	case Exit:
		t.Warn(schedule.LateMunmap, &mm.Object, mm.walker, "exit_mmap has begun")
	case Dump:
		t.Warn(schedule.LateMunmap, &mm.Object, mm.walker, "a core dump is under way")
	}
}
