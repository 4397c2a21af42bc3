package mremap

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mmu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rwsem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Patches to the code of 4.4.
const (
	// flushInTime is eb66ae030829: flush before either page table is unlocked.
	flushInTime program.Changes = 1 << iota
	// dirty is 5d1904204c99, and the entry dirty: then it flushes with the old page table
	// locked, the new one not any more.
	dirty
	// lockRmap is without 38a76013ad80: entries of a file are moved under i_mmap_mutex.
	lockRmap
)

// stale is a load by the old address, of a page that was freed before the old address was
// flushed.
var stale = []program.Expect{program.Fails(schedule.StaleTLB, 1)}

var model = program.Model[*system]{
	Object: "mm/mremap",
	Variants: []program.Variant{
		{Name: "3.2", Versions: "3.2-3.6", Changes: lockRmap,
			About: "the old address is flushed after its page table is unlocked, and i_mmap_mutex"},
		{Name: "3.7", Versions: "3.7-4.18", About: "38a76013ad80, without i_mmap_mutex: the old " +
			"address is flushed after its page table is unlocked"},
		{Name: "4.9-dirty", Versions: "4.9-4.18", Changes: dirty, About: "5d1904204c99, of a dirty " +
			"entry: it is flushed before, but after the new page table is unlocked"},
		{Name: "4.19", Versions: "4.19", Changes: flushInTime,
			About: "eb66ae030829: it is flushed before either is unlocked"},
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "mremap-vs-truncate", New: mremapVsTruncate},
		{Name: "mremap-vs-reclaim", New: mremapVsReclaim},
		{Name: "mremap-vs-migration", New: mremapVsMigration},
	},
	Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
	Expected: program.Table{
		"mremap-vs-truncate":  {"3.2": stale, "3.7": stale},
		"mremap-vs-reclaim":   {"3.2": stale, "3.7": stale},
		"mremap-vs-migration": {"3.2": stale, "3.7": stale, "4.9-dirty": stale},
		"workload":            {"3.2": stale, "3.7": stale},
	},
	System: newSystem,
}

// Programs returns all programs.
func Programs() []program.Program { return model.Programs() }

// addressSpace is the struct address_space of the file, which has one page.
type addressSpace struct {
	schedule.Object
	iMmapRwsem rwsem.Sem
	// iMmap is where the mappings begin, and 1, in the order in which they came; 0: none.
	iMmap    [2]mem.Int
	treeLock spin.Lock
	page     mem.Ptr[*mmu.Page] // page_tree
}

// table is the struct page of a page table.
type table struct {
	schedule.Object
	ptl spin.Lock
}

// vma is the struct vm_area_struct that the process has from the start.
type vma struct {
	schedule.Object
	vmStart mem.Int
}

// system is what the threads of a program share.
type system struct {
	program.Changes
	program.Globals
	*mmu.Machine
	mapping addressSpace
	tables  [mmu.Pages]table // each of one page
	vma     vma
}

// noArch is for a machine that is told what a flush does.
var noArch = mmu.Variant{New: func(*mmu.Machine) mmu.Arch { return nil }}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	s.Machine, _ = mmu.NewMachine(&noArch)
	s.Global(&s.mapping, "mapping")
	for i := range s.tables {
		s.Global(&s.tables[i], [mmu.Pages]string{"table", "table2", "table3"}[i])
	}
	s.Global(&s.vma, "vma")
	return s
}

// boot begins an execution with a process on so many CPUs, which has the file mapped at 0.
func (s *system) boot(e *schedule.Exec, cpus int) {
	s.BootUnmapped(e, cpus)
	s.BootGlobals(e)
	page := s.BootPage(e, 0)
	page.Refcount.Init(2)
	s.mapping.page.Init(page)
	s.mapping.iMmap[0].Init(1)
	for i := range s.CPUs[:cpus] {
		s.CPUs[i].BootUser()
	}
}
