package listlru

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// What a variant changes in the code of 4.9. None of it was merged.
const (
	// destroyWithoutSem has list_lru_destroy not take memcg_cache_ids_sem.
	destroyWithoutSem program.Changes = 1 << iota
	// storedSize keeps the length of the array with each list_lru.
	storedSize
	// listSpinlock protects list_lrus by a spin lock.
	listSpinlock
	// stepAside drops the lock of the list around each resize, with currently_resized
	// saying which it is, and has list_lru_destroy leave that one to the resizer.
	stepAside
	// unlinkVictim is how item 4 of 7 October marks it: off the list, prev = NULL.
	unlinkVictim
	// coallocated puts the list node with the array of nodes, which outlives the owner.
	coallocated
	// markBySign is how the mail of 8 October marks it: the stored length negative.
	// Without it and unlinkVictim there is a flag.
	markBySign
	// drainWithSem has memcg_offline_kmem take memcg_cache_ids_sem shared, first.
	drainWithSem
	// byValue stores struct list_lru_one in the array, not a pointer to it.
	byValue

	// The rest are mistakes that one could make in writing the above.

	// sizeUnlocked stores the new length outside the lock.
	sizeUnlocked
	// keepCurrent does not clear currently_resized after the last.
	keepCurrent
	// freeThenNext frees the marked one, and reads its next after that.
	freeThenNext
	// testUnlocked tests currently_resized outside the lock.
	testUnlocked
	// failKeepsSize does not restore the stored length when a resize is undone.
	failKeepsSize
	// drainWithSemInside takes memcg_cache_ids_sem inside the lock of the list.
	drainWithSemInside
	// initWithoutSem has list_lru_init not take memcg_cache_ids_sem.
	initWithoutSem
)

// Item 4 of the plan of 7 October, then with item 1 as well, then what the mail of 8
// October came to.
const (
	p2  = destroyWithoutSem | storedSize
	p3  = p2 | listSpinlock
	p4  = p3 | stepAside | unlinkVictim
	p4c = p4 | coallocated
	p5  = p3 | stepAside | coallocated
	p6  = p5 | drainWithSem
)

// variant is a design.
type variant struct {
	name    string
	about   string
	changes program.Changes
}

var variants = []variant{
	{"real", "4.9 as it is; list_lru_destroy() may sleep", 0},
	{"P1", "list_lru_destroy() without memcg_cache_ids_sem", destroyWithoutSem},
	{"P2", "P1, and each list_lru stores the length of its array", p2},
	{"P3", "P2, and list_lrus_mutex is a spin lock", p3},
	{"P4", "P3, unlocked around each resize; destroy unlinks the one that is resized", p4},
	{"P4c", "P4, and the list node is with the array of nodes", p4c},
	{"P5", "P4c, but destroy leaves the one that is resized on the list and sets a flag", p5},
	{"P5-sign", "P5 with the sign of the stored length as the flag", p5 | markBySign},
	{"P5-lostmark", "P5-sign, and the new length is stored outside the lock",
		p5 | markBySign | sizeUnlocked},
	{"P5-noreset", "P5, and currently_resized is not cleared in the end", p5 | keepCurrent},
	{"P5-freenext", "P5, and the next one is read after the marked one is freed", p5 | freeThenNext},
	{"P5-race", "P5, and currently_resized is tested outside the lock", p5 | testUnlocked},
	{"P5-fail", "P5, and undoing a resize does not restore the length", p5 | failKeepsSize},
	{"P6", "P5, and memcg_offline_kmem() takes memcg_cache_ids_sem", p6},
	{"P6-abba", "P6 with list_lrus_mutex, taken before memcg_cache_ids_sem",
		p6&^(listSpinlock|drainWithSem) | drainWithSemInside},
	{"real-byvalue", "4.9 with list_lru_one stored by value", byValue},
	{"P5-byvalue", "P5 with list_lru_one stored by value", p5 | byValue},
	{"P6-byvalue", "P6 with list_lru_one stored by value", p6 | byValue},
	{"init-nosem", "4.9 with list_lru_init() without memcg_cache_ids_sem", initWithoutSem},
}

// The verdicts of a resize against a destroy.
var (
	sleeps = []program.Expect{program.Fails(schedule.SleepInAtomic, 0)}
	racyP1 = []program.Expect{
		program.Fails(schedule.OutOfBounds, 1), program.Fails(schedule.Leak, 1),
	}
	afterFree = []program.Expect{program.Fails(schedule.UseAfterFree, 1)}
	// What was taken off by list_del() is walked on from, or was freed by then.
	racyP4c = []program.Expect{
		program.Fails(schedule.ListCorrupt, 2), program.Fails(schedule.UseAfterFree, 1),
		program.Fails(schedule.DoubleFree, 3),
	}
	leaks  = []program.Expect{program.Fails(schedule.Leak, 1)}
	misses = []program.Expect{
		program.Fails(schedule.ListCorrupt, 3), program.Fails(schedule.UseAfterFree, 2),
		program.Fails(schedule.DoubleFree, 3), program.Fails(schedule.Leak, 1),
	}
	stale = []program.Expect{program.Fails(schedule.Leak, 0)}
	hangs = []program.Expect{program.Fails(schedule.Deadlock, 1)}
	loses = []program.Expect{program.Fails(schedule.LostUpdate, 1)}
)

// expected is the table of verdicts: every kind of failure with the fewest preemptions
// that it takes, by scenario and variant. What is not here never fails.
var expected = program.Table{
	// With a mutex or a semaphore in it, list_lru_destroy() must not be called so. The
	// kernel does not: fs/super.
	"destroy-under-sb_lock": {
		"real": sleeps, "P1": sleeps, "P2": sleeps, "P6-abba": sleeps,
		"real-byvalue": sleeps, "init-nosem": sleeps,
	},
	"resize-vs-destroy": {
		"P1": racyP1, "P3": sleeps, "P4": afterFree, "P5-lostmark": leaks, "P5-noreset": stale,
		"P5-freenext": afterFree, "P5-race": misses,
	},
	// The list_lru that is left is the last one to be resized: so P5-noreset is harmless.
	"resize-vs-two-destroys": {
		"P1": racyP1, "P3": sleeps, "P4": afterFree, "P4c": racyP4c, "P5-lostmark": leaks,
		"P5-freenext": afterFree, "P5-race": misses,
	},
	// There are no arrays yet, and -0 is no mark.
	"first-resize-vs-destroy": {
		"P1": racyP1, "P3": sleeps, "P4": afterFree, "P5-sign": leaks, "P5-lostmark": leaks,
		"P5-noreset": stale, "P5-freenext": afterFree,
		"P5-race": {
			program.Fails(schedule.ListCorrupt, 3), program.Fails(schedule.UseAfterFree, 2),
			program.Fails(schedule.Leak, 1),
		},
	},
	"failed-resize-vs-destroy": {
		"P1": racyP1, "P3": sleeps, "P4": afterFree, "P4c": racyP4c, "P5-lostmark": leaks,
		"P5-noreset": stale, "P5-freenext": afterFree,
		"P5-race": misses,
		"P5-fail": {program.Fails(schedule.DoubleFree, 0)},
	},
	// Who adds takes the lock of the node alone, and so does the store of the new array. Where
	// list_lru_one is not part of the array, old array and new share it, and nothing is lost.
	"resize-vs-add": {
		"P3": sleeps, "real-byvalue": loses, "P5-byvalue": loses, "P6-byvalue": loses,
	},
	// Nor does drain need to be kept apart from resize then.
	"resize-vs-drain": {"P3": sleeps, "P6-abba": hangs, "P5-byvalue": loses},
	"resize-vs-drain-vs-destroy": {
		"P1": racyP1, "P3": sleeps, "P4": afterFree, "P5-lostmark": leaks,
		"P5-freenext": afterFree, "P5-race": misses, "P6-abba": hangs, "P5-byvalue": loses,
	},
	"resize-vs-init-vs-add": {"P3": sleeps, "init-nosem": {program.Fails(schedule.OutOfBounds, 1)}},
	// What tens of thousands of executions find for certain. In 60,000 that were guided P1 also
	// freed twice (6 times), and P4 leaked (once); cmd/continuous has also walked on to a
	// list_lru of P4 without nodes (TestNoNodes).
	"workload": {
		"P1": racyP1, "P3": sleeps, "P4": afterFree, "P4c": afterFree,
		"P5-sign": leaks, "P5-lostmark": leaks, "P5-noreset": stale, "P5-freenext": afterFree,
		"P5-race":      misses,
		"P5-fail":      {program.Fails(schedule.DoubleFree, 0), program.Fails(schedule.UseAfterFree, 0)},
		"P6-abba":      hangs,
		"real-byvalue": loses, "P5-byvalue": loses, "P6-byvalue": loses,
		"init-nosem": {program.Fails(schedule.OutOfBounds, 1)},
	},
}

// Programs returns all programs, variants in the order of the discussion within a
// scenario.
func Programs() []program.Program {
	var out []program.Program
	for i := range scenarios {
		sc := &scenarios[i]
		for _, v := range variants {
			versions, about := "proposed", v.about
			if v.changes == 0 {
				versions = sc.versions()
			}
			if sc.note != "" {
				about += "; " + sc.note
			}
			out = append(out, program.Program{
				Object: "mm/list_lru", Scenario: sc.name, Variant: v.name,
				Versions: versions, Patches: about, Workload: sc.threads == nil,
				New: func() program.Instance { return sc.instance(newSystem(v.changes)) },
			})
		}
	}
	return expected.Fill(out)
}
