package mmaplock

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// What a variant has.
const (
	// lookMm has lock_vma_under_rcu() look whether the mapping that it has locked is of the mm.
	lookMm program.Changes = 1 << iota
	// checkMm is the one half of 9bbffee67ffd: vma_start_read() looks.
	checkMm
	// grabMm is the other half: it takes a reference of the mm that the mapping is of.
	grabMm
)

// What the race comes to, with the fewest preemptions.
var (
	// woken is a writer who is woken at an mm that is freed.
	woken = []program.Expect{program.Fails(schedule.UseAfterFree, 5)}
	// untold is a mapping of another mm that is used.
	untold = []program.Expect{program.Fails(schedule.LostUpdate, 2)}
)

// The variants that the workload has too.
var (
	nobodyLooks = program.Variant{Name: "m1", Versions: "mutant",
		About: "nobody looks whether the mapping is of the mm"}
	fixed = program.Variant{Name: "6.17", Versions: "6.17-7.1", Changes: checkMm | grabMm,
		About: "9bbffee67ffd: it takes a reference of that mm before"}
)

var model = program.Model[*system]{
	Object: "mm/mmap_lock",
	Variants: []program.Variant{
		nobodyLooks,
		{Name: "6.16", Versions: "6.15-6.16", Changes: lookMm,
			About: "CVE-2025-38554: the mapping of another mm is dropped, whose writer may be woken"},
		{Name: "m2", Versions: "mutant", Changes: checkMm,
			About: "vma_start_read() drops it"},
		fixed,
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "fault-vs-munmap", New: faultVsMunmap},
		{Name: "fault-vs-exec", New: faultVsExec},
	},
	Expected: program.Table{
		"fault-vs-exec": {"m1": untold, "6.16": woken, "m2": woken},
	},
	System: newSystem,
}

// drawn is the workload, of the variants whose verdict chance comes by: what 6.16 comes to takes
// five preemptions.
var drawn = program.Model[*system]{
	Object:    model.Object,
	Variants:  []program.Variant{nobodyLooks, fixed},
	Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
	Expected:  program.Table{"workload": {"m1": untold}},
	System:    newSystem,
}

// Programs returns all programs.
func Programs() []program.Program { return append(model.Programs(), drawn.Programs()...) }

// taskStruct is struct task_struct, of the task that does nothing.
type taskStruct struct {
	schedule.Object
	mm mem.Ptr[*mmStruct]
}

// system is what the threads of a program share.
type system struct {
	program.Changes
	program.Globals
	task         taskStruct
	vmAreaCachep slab.TypesafeCache[vmArea, *vmArea]
	mms          *slab.Cache[mmStruct, *mmStruct]
	threads      [maxThreads]*schedule.Thread // by their numbers
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	s.Global(&s.task, "task")
	s.Global(&s.vmAreaCachep, "vm_area_cachep")
	s.vmAreaCachep.Init("vma", nil)
	s.mms = slab.NewCache[mmStruct]("mm", nil)
	return s
}
