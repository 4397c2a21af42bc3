package gup

import (
	"slices"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rwsem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Patches to the code of 4.6, in historical order.
const (
	// followCow is 19be0eaffa3a, and 8310d48b125d for what is huge: FOLL_COW in the place of no
	// FOLL_WRITE, and it counts where the entry is dirty.
	followCow program.Changes = 1 << iota
	// touchDirty is a8f97366452e: touch_pmd() sets the dirty bit for who writes.
	touchDirty
	// byRefs is do_wp_page() of 5.9 to 5.18, which counts references.
	byRefs
	// continueDirty is 9ae0f87d009c: UFFDIO_CONTINUE maps what is dirty, in any case.
	continueDirty
	// noFollCow is 5535be309971: no FOLL_COW; a page can be followed if it is anonymous and
	// exclusive.
	noFollCow
)

// stray is a write to a page that is not the process's own.
var stray = []program.Expect{program.Fails(schedule.StrayWrite, 1)}

// model is the page of a file, and the huge zero page.
var model = program.Model[*system]{
	Object: "mm/gup",
	Variants: []program.Variant{
		{Name: "4.6", Versions: "4.6-4.8",
			About: "when COW is broken, a forced write goes on as a read"},
		{Name: "4.14", Versions: "4.10-4.14", Changes: followCow,
			About: "19be0eaffa3a, 8310d48b125d: as a write, if what is mapped is dirty"},
		{Name: "4.15", Versions: "4.15-5.4", Changes: followCow | touchDirty,
			About: "a8f97366452e: and it is not a read that has made it dirty"},
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "write-vs-madvise", New: writeVsMadvise},
		{Name: "huge-write-vs-madvise", New: hugeWriteVsMadvise},
		{Name: "huge-write-vs-read", New: hugeWriteVsRead},
	},
	Workloads: []program.Scenario[*system]{
		{Name: "workload", New: newWorkload},
		{Name: "huge-workload", New: newHugeWorkload},
	},
	Expected: program.Table{
		"write-vs-madvise":      {"4.6": stray},
		"huge-write-vs-madvise": {"4.6": stray},
		"huge-write-vs-read":    {"4.6": stray, "4.14": stray},
		"workload":              {"4.6": stray},
		"huge-workload":         {"4.6": stray, "4.14": stray},
	},
	System: newSystem,
}

// since515 is what the code of 4.15 has become for the page of a file.
const since515 = followCow | touchDirty | byRefs

// continues is the page of a file in tmpfs, with a userfaultfd that is told of faults by which it
// would be mapped (UFFDIO_REGISTER_MODE_MINOR, UFFDIO_CONTINUE), which came with 5.14.
var continues = program.Model[*system]{
	Object: "mm/gup",
	Variants: []program.Variant{
		{Name: "5.15", Versions: "5.15", Changes: since515,
			About: "UFFDIO_CONTINUE of a private mapping maps the page of the file, not dirty"},
		{Name: "5.17", Versions: "5.16-5.18", Changes: since515 | continueDirty,
			About: "9ae0f87d009c: dirty"},
		{Name: "5.19", Versions: "5.19", Changes: since515&^byRefs | continueDirty,
			About: "6c287605fd56: do_wp_page() asks for PageAnonExclusive"},
		{Name: "6.1", Versions: "6.0-6.1", Changes: since515&^byRefs | continueDirty | noFollCow,
			About: "5535be309971: so does a forced write, and not for FOLL_COW and dirty"},
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "write-vs-continue", New: writeVsContinue},
		{Name: "write-vs-write", New: writeVsWrite},
	},
	Workloads: []program.Scenario[*system]{{Name: "continue-workload", New: newContinueWorkload}},
	Expected: program.Table{
		"write-vs-continue": {"5.17": stray, "5.19": stray},
		"continue-workload": {"5.17": stray, "5.19": stray},
	},
	System: newSystem,
}

// Programs returns all programs.
func Programs() []program.Program { return slices.Concat(model.Programs(), continues.Programs()) }

// mapped is what the process has mapped.
type mapped uint8

const (
	file          mapped = iota // a page of a file
	anonymousHuge               // nothing but memory, where it may be huge
	shmemMinor                  // a page of a file in tmpfs, with a userfaultfd
)

// mmStruct is struct mm_struct.
type mmStruct struct {
	schedule.Object
	mmapSem  rwsem.Sem // of kernels up to 5.7
	mmapLock rwsem.Sem // the same in kernels since 5.8
}

// mmapSem is mmap_sem or mmap_lock.
func (s *system) mmapSem() *rwsem.Sem {
	if s.mapped == shmemMinor {
		return &s.mm.mmapLock
	}
	return &s.mm.mmapSem
}

// pteTable is the struct page of a page table, and what is in that.
type pteTable struct {
	schedule.Object
	ptl spin.Lock
	pte entry
}

// pmdTable is one above.
type pmdTable struct {
	schedule.Object
	ptl spin.Lock
	pmd entry
}

// system is what the threads of a program share.
type system struct {
	program.Changes
	program.Globals
	mm           mmStruct
	mapped       mapped // never changes
	table        pteTable
	pmds         pmdTable
	filePage     page // in the page cache
	hugeZeroPage page
	pages        *slab.Cache[page, *page]
	zapped       schedule.Party // for reports only
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	s.Global(&s.mm, "mm")
	s.Global(&s.table, "table")
	s.Global(&s.pmds, "pmd_table")
	s.Global(&s.filePage, "file_page")
	s.Global(&s.hugeZeroPage, "huge_zero_page")
	s.pages = slab.NewCache[page]("page", nil)
	return s
}

// boot begins an execution: the page that others have too is mapped, or nothing is.
func (s *system) boot(e *schedule.Exec, present bool) {
	s.BootGlobals(e)
	s.zapped = schedule.Party{}
	s.filePage.refcount.Init(1)
	s.hugeZeroPage.refcount.Init(1)
	if !present {
		return
	}
	if s.mapped == anonymousHuge {
		s.pmds.pmd.boot(value{page: &s.hugeZeroPage})
		return
	}
	v := value{page: &s.filePage}
	if s.mapped == shmemMinor {
		v = s.continued()
	}
	s.filePage.refcount.Init(2)
	s.table.pte.boot(v)
}
