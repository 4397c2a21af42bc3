package mapletree

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// What a variant has applied to the code of 6.1.
const (
	// rcuMode is 3dd443254941, with the seven that it needs: a leaf is not rewritten, but another
	// takes its place.
	rcuMode program.Changes = 1 << iota
	// readLock has who looks a mapping up in a section of RCU, all of them.
	readLock
	// writeLock is 9471f1f2f502: who expands a stack has mmap_lock for writing.
	writeLock
	// nextSlot is the tree, and mm_lock_seq, as of 7.1.5.
	nextSlot
	// lockNext has a read of /proc/PID/maps do without mmap_lock.
	lockNext
	// lookTwice has lock_next_vma() look once more where it has found nothing, too.
	lookTwice
	// lookNone has mas_next_slot() find nothing if there is no tree any more.
	lookNone
)

// What the race comes to, with the fewest preemptions.
var (
	// torn is a leaf that is walked while it is rewritten.
	torn = []program.Expect{program.Fails(schedule.LostUpdate, 1)}
	// freed is one that is walked when it has been freed.
	freed = []program.Expect{program.Fails(schedule.UseAfterFree, 1)}
	// passed is a stack that a look passes by when it has found the leaf dead.
	passed = []program.Expect{program.Fails(schedule.LostUpdate, 1)}
	// gone is a leaf that is replaced by nothing.
	gone   = []program.Expect{program.Fails(schedule.NullDereference, 1)}
	either = []program.Expect{
		program.Fails(schedule.LostUpdate, 1), program.Fails(schedule.UseAfterFree, 1),
	}
	leftOrGone = []program.Expect{
		program.Fails(schedule.LostUpdate, 1), program.Fails(schedule.NullDereference, 1),
	}
)

var model = program.Model[*system]{
	Object: "lib/maple_tree",
	Variants: []program.Variant{
		{Name: "6.1", Versions: "6.1-6.2 before RCU mode",
			About: "a leaf is rewritten in place, with mmap_lock for reading"},
		{Name: "6.3", Versions: "6.3-6.4", Changes: rcuMode,
			About: "3dd443254941: another takes its place, and it is freed by RCU"},
		{Name: "m1", Versions: "mutant", Changes: rcuMode | readLock,
			About: "whoever walks the tree is in a section of RCU"},
		{Name: "6.4.1", Versions: "6.4.1", Changes: rcuMode | writeLock,
			About: "9471f1f2f502: a stack is expanded with mmap_lock for writing"},
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "madvise-vs-expand", New: madviseVsExpand},
		{Name: "madvise-vs-gap", New: madviseVsGap},
		{Name: "expand-vs-expand", New: expandVsExpand},
	},
	Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
	Expected: program.Table{
		"madvise-vs-expand": {"6.1": torn, "6.3": freed},
		"expand-vs-expand":  {"6.1": torn, "6.3": either, "m1": passed},
		"workload":          {"6.1": torn, "6.3": either, "m1": passed},
	},
	System: newSystem,
}

// maps is a read of /proc/PID/maps.
var maps = program.Model[*system]{
	Object: model.Object,
	Variants: []program.Variant{
		{Name: "6.16", Versions: "6.12-6.16", Changes: rcuMode | writeLock | nextSlot,
			About: "/proc/PID/maps is read with mmap_lock"},
		{Name: "7.1", Versions: "6.18-7.1", Changes: rcuMode | writeLock | nextSlot | lockNext,
			About: "lock_next_vma(): it is read without"},
		{Name: "m2", Versions: "mutant",
			Changes: rcuMode | writeLock | nextSlot | lockNext | lookTwice,
			About:   "lock_next_vma() looks twice where it has found nothing, too"},
		{Name: "m3", Versions: "mutant",
			Changes: rcuMode | writeLock | nextSlot | lockNext | lookNone,
			About:   "mas_next_slot() finds nothing if the tree has gone"},
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "maps-vs-expand", New: mapsVsExpand},
		{Name: "maps-vs-munmap", New: mapsVsMunmap},
	},
	Workloads: []program.Scenario[*system]{{Name: "maps-workload", New: newMapsWorkload}},
	Expected: program.Table{
		"maps-vs-expand": {"7.1": passed, "m3": passed},
		"maps-vs-munmap": {"7.1": gone, "m2": gone},
		"maps-workload":  {"7.1": leftOrGone, "m2": gone, "m3": passed},
	},
	System: newSystem,
}

// Programs returns all programs.
func Programs() []program.Program { return append(model.Programs(), maps.Programs()...) }

// system is what the threads of a program share.
type system struct {
	program.Changes
	program.Globals
	mm       mmStruct
	anonVma  anonVma
	prev     vmArea
	stack    vmArea
	nodes    *slab.Cache[mapleNode, *mapleNode]
	rootGate rootGate
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	s.Global(&s.mm, "mm")
	s.Global(&s.anonVma, "anon_vma")
	s.Global(&s.prev, "prev")
	s.Global(&s.stack, "stack")
	s.rootGate.mm = &s.mm
	s.stack.vmEnd = stackEnd
	s.nodes = slab.NewCache("node", func(node *mapleNode) { node.rcu.Init(node.mtFreeRcu) })
	return s
}
