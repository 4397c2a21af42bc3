package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The upstream patches that a variant may have applied, and what its kernel may be configured for.
const (
	// lookupIncNotZero is 3bd9a5d734c7 "aio: fix rcu ioctx lookup" (2.6.38): a
	// context whose count is 0 is not found any more.
	lookupIncNotZero program.Changes = 1 << iota
	// submitDeadTest is 7137c6bd (2.6.38): io_submit looks again, under ctx_lock,
	// whether the context has died.
	submitDeadTest
	// refcounting is 36f5588905c1 with 4fcc712f5c48 (3.10): the last reference waits
	// for the requests, and the first is dropped after an RCU delay. It is that of 3.10.65:
	// in 3.10.4 and 3.11 a request is counted off not by aio_complete() but by whoever reads
	// its event, and see killUnlocked.
	refcounting
	// cancelOnce has aio_complete count a request off once, also if it was cancelled. 3.10.65 does
	// so twice: 3.10.4 and 3.11 count only what was cancelled off there, and when the rest came to
	// be counted off there too, that stayed. Never upstream.
	cancelOnce
	// ioctxTable is db446a08c23d and what came with it in 3.12: the contexts in a
	// table, counted by percpu_refs; the RCU delay before the first reference is
	// dropped went with e34ecee2ae79. With it went a reference to reqs, so that no
	// context was ever freed; 1881686f8420 (3.13, 3.12.8) has put that back. The
	// percpu_refs are those of v4.4, but for refs311 and refs49; and io_setup has ring_lock
	// throughout, as since 3.15.
	ioctxTable
	// drains is e02ba72aabfa (3.15), fb2d44838320 (3.16) and 6098b45b32e6 (3.17): io_destroy
	// waits until the requests are gone, unless it is the loser of two, and exit_aio waits
	// for one context after the other. With it comes 2ff396be602f (3.17), the smp_rmb() in
	// aio_read_events_ring.
	drains
	// deadUnderLock is b2edffdd912b (4.0): kill_ioctx sets dead under ioctx_lock, and
	// mremap() of the ring looks there, and fails while the context is being killed.
	deadUnderLock
	// drainsAtOnce is dc48e56d7616 (4.1): exit_aio kills all contexts and waits for them
	// with one counter.
	drainsAtOnce
	// delayFree is a6d7cff472e0 (4.16): the memory is freed after an RCU delay. In
	// the form of f729863a8c23 (4.17), a struct rcu_work, instead of call_rcu() and a
	// work item.
	delayFree
	// rcuSlots is d0264c01e758 (4.16), of the same series: what is in the table is published,
	// and loaded, as RCU pointers are.
	rcuSlots
	// tryGetLive is baf10564fbb6 (4.17): lookup_ioctx refuses a killed context.
	tryGetLive

	// tryGet has lookup_ioctx use percpu_ref_tryget() instead. Never upstream.
	tryGet
	// syncInKill has kill_ioctx wait for a grace period after it has emptied the
	// slot, as 3.10 did. Never upstream.
	syncInKill
	// exitCountsItself has exit_aio start its counter one higher and take that off at
	// the end, so that only one subtraction can reach 0. Never upstream.
	exitCountsItself

	// refs311 is the percpu_ref before 3.18, and refs49 that of 4.9. Of variants of many
	// releases it is the first's: that of 3.18 and 3.19 is V318, and that of 4.9 to 4.15 V49.
	refs311
	refs49

	// refs54 is the percpu_ref of 5.4 and later.
	refs54

	// noPreempt is no patch: the kernel has CONFIG_PREEMPT=n.
	noPreempt
	// oneFlavour is RCU since 4.20, where the kernel has CONFIG_PREEMPT.
	oneFlavour

	// filesAndRings is no patch: requests hold files, and rings are mappings of an mm
	// that can be taken down and dumped, as they are in all kernels. See munmap.go.
	filesAndRings
	// fputNoRef is the one half of c7b285550544 (3.3): a request on fput_head has no
	// reference to its context.
	fputNoRef
	// fputRcu is the other half: aio_fput_routine is a reader while it uses the context.
	fputRcu
	// currentUnmaps is what became of aio_free_ring in 3.4: it unmaps from current->mm,
	// which must be the context's, and exit_aio leaves the ring to exit_mmap.
	currentUnmaps
	// freeAtOnce frees the context without an RCU delay. Never upstream.
	freeAtOnce
	// locklessWait has wait_for_all_aios look at the count without ctx_lock, as 3.10
	// does. Never upstream in these years.
	locklessWait
	// putFirst has aio_fput_routine drop its reference before the request is counted
	// off. Never upstream.
	putFirst
	// unlockTail has the unlock of a spin lock touch it once more, see spin.SetTail.
	unlockTail

	// copiesCookie is no patch: io_setup copies the cookie out of the context after it
	// has published it, as it does in all kernels. See history.go.
	copiesCookie
	// setupNoRef is a kernel before 86b62a2c (3.3): io_setup has no reference of its own.
	setupNoRef
	// killUnlocked is a kernel of 3.10.4 or 3.11, up to the table: kill_ioctx deletes the
	// context from the hlist without ioctx_lock.
	killUnlocked
	// waitBeforeDead has kill_ioctx store its caller's wait before it knows that it is the
	// one to kill. Never upstream.
	waitBeforeDead
	// emptyTest is 75321b50a9c8: aio_complete looks whether the request is on active_reqs,
	// without a lock, and not whether it has ever been; and io_cancel takes it off. 4.18 has it,
	// with cancelFirst; of no release is it known without. The cmpxchg in kiocb_cancel went in
	// 4.18 too (888933f8fdf0); here it stays, under ctx_lock and with nobody to race with.
	emptyTest
	// lastPutCompletes is "aio: store event at final iocb_put()" and what came before it (5.1): a
	// request has two references, and whoever drops the last, io_submit or the interrupt, does what
	// aio_complete does.
	lastPutCompletes
	// cancelFirst is 4faa99965e02 (4.17): free_ioctx_users calls the cancel function while
	// the request is still on active_reqs.
	cancelFirst
	// ringMoves is e4a0d3e720e7 (3.19): user space may mremap() the ring.
	ringMoves
)

// table41 is the table of 4.1 and later.
const table41 = ioctxTable | drains | deadUnderLock | drainsAtOnce

// table416 and table417 are those of 4.16 and 4.17.
const (
	table416 = table41 | delayFree | rcuSlots | refs49
	table417 = table416 | tryGetLive | cancelFirst
	// table54 is that of 5.4 to 6.7. In 6.8 who waits for events is woken in another way.
	table54 = table417&^refs49 | refs54 | oneFlavour | emptyTest | lastPutCompletes
)

var variants = []program.Variant{
	{Name: "1a", Versions: "2.6.29-2.6.37", About: "lookup_ioctx takes a count that may be 0"},
	{Name: "1b", Versions: "2.6.38-3.9", Changes: lookupIncNotZero | submitDeadTest,
		About: "3bd9a5d734c7: lookup_ioctx takes the count if it is not 0"},
	{Name: "1c", Versions: "3.10.65", Changes: refcounting,
		About: "36f5588905c1, 4fcc712f5c48: the first reference is dropped after an RCU delay"},
	{Name: "1d-3.13", Versions: "3.13-3.14", Changes: ioctxTable | refs311,
		About: "e34ecee2ae79: no RCU delay but the one in percpu_ref_kill()"},
	{Name: "1d-3.17", Versions: "3.17-3.19", Changes: ioctxTable | drains | refs311,
		About: "1d-3.13 where io_destroy waits for the requests, exit_aio too"},
	{Name: "1d", Versions: "4.1-4.15", Changes: table41,
		About: "e34ecee2ae79: no RCU delay but the one in percpu_ref_kill()"},
	{Name: "1d-merged", Versions: "4.1-4.15", Changes: table41 | noPreempt,
		About: "1d with CONFIG_PREEMPT=n"},
	{Name: "1e", Versions: "4.16", Changes: table416,
		About: "a6d7cff472e0: the context is freed after an RCU delay"},
	{Name: "1e-merged", Versions: "4.16", Changes: table416 | noPreempt,
		About: "1e with CONFIG_PREEMPT=n"},
	{Name: "1f", Versions: "4.17", Changes: table417,
		About: "baf10564fbb6: lookup_ioctx refuses a killed context"},
	{Name: "1f-5.4", Versions: "5.4-6.7", Changes: table54,
		About: "1f where RCU has one flavour, and the last reference completes a request"},
	{Name: "m1", Versions: "mutant", Changes: table41 | tryGetLive,
		About: "baf10564fbb6 without a6d7cff472e0"},
	{Name: "m2", Versions: "mutant", Changes: table417&^tryGetLive | tryGet,
		About: "1f with percpu_ref_tryget() instead of percpu_ref_tryget_live()"},
	{Name: "m3", Versions: "mutant", Changes: table41 | syncInKill,
		About: "1d with synchronize_rcu() in kill_ioctx"},
	{Name: "m4", Versions: "mutant", Changes: table417 | exitCountsItself,
		About: "1f with exit_aio counting itself"},
}

// muteResurrect lets the kernel go on after it has taken a count of 0 to 1, as a
// percpu_ref does without a word.
var muteResurrect = schedule.KindSet(schedule.RefResurrect)

// then makes up a row of the table of verdicts: what comes after a count has been taken from 0
// to 1.
func then(k schedule.Kind, preemptions int) program.Expect {
	return program.Expect{Kind: k, Preemptions: preemptions, Mute: muteResurrect}
}

// The verdicts of a call against io_destroy, the same for io_getevents and io_cancel.
var (
	racy1a = []program.Expect{
		program.Fails(schedule.RefResurrect, 1), program.Fails(schedule.BugOn, 1),
		then(schedule.DoubleRelease, 1), then(schedule.BugOn, 1), then(schedule.UseAfterFree, 2),
	}
	racy1d = []program.Expect{
		program.Fails(schedule.RefResurrect, 1), program.Fails(schedule.UseAfterFree, 1),
		then(schedule.DoubleRelease, 1), then(schedule.UseAfterFree, 1),
	}
	racy1e = []program.Expect{
		program.Fails(schedule.RefResurrect, 1),
		then(schedule.DoubleRelease, 1), then(schedule.UseAfterFree, 2),
	}
	racyM1 = []program.Expect{
		program.Fails(schedule.UseAfterFree, 1), then(schedule.UseAfterFree, 1),
	}

	resurrects = []program.Expect{program.Fails(schedule.RefResurrect, 1)}
	afterFree  = []program.Expect{program.Fails(schedule.UseAfterFree, 1)}
	earlyExit  = []program.Expect{
		program.Fails(schedule.UseAfterFree, 2), then(schedule.UseAfterFree, 2),
	}
)

// expected is the table of verdicts: every kind of failure with the fewest preemptions
// that it takes, by scenario and variant. What is not here never fails.
var expected = program.Table{
	"io_getevents-vs-io_destroy": {
		"1a": racy1a, "1d-3.13": racy1d, "1d-3.17": racy1d, "1d": racy1d, "1e": racy1e,
		"m1": racyM1,
	},
	"io_cancel-vs-io_destroy": {
		"1a": racy1a, "1d-3.13": racy1d, "1d-3.17": racy1d, "1d": racy1d, "1e": racy1e,
		"m1": racyM1,
	},
	"io_submit-vs-io_destroy": {
		// The use after free as it is: io_submit has no test whether the context has
		// died (7137c6bd), so a request may start after io_destroy has waited for all.
		"1a":      append([]program.Expect{program.Fails(schedule.UseAfterFree, 3)}, racy1a...),
		"1d-3.13": racy1d, "1d-3.17": racy1d, "1d": racy1d, "1e": racy1e, "m1": racyM1,
	},
	"io_destroy-vs-io_destroy": {
		// Both lookups come before either has set dead, and the hlist_del_rcu() of
		// those years is unconditional.
		"1a": {
			program.Fails(schedule.ListCorrupt, 1), program.Fails(schedule.RefResurrect, 1),
			program.Fails(schedule.BugOn, 1),
			then(schedule.ListCorrupt, 1), then(schedule.BugOn, 1), then(schedule.UseAfterFree, 2),
		},
		"1b":      {program.Fails(schedule.ListCorrupt, 1), then(schedule.ListCorrupt, 1)},
		"1d-3.13": racy1d, "1d-3.17": racy1d, "1d": racy1d, "1e": racy1e, "m1": racyM1,
	},
	// A finding, not history: see exitAtOnce_. In every variant that waits with one counter and
	// is preemptible: else no grace period ends in exitAio, which does not sleep before it
	// subtracts.
	"exit_aio-full-table": {
		"1d": earlyExit, "1e": earlyExit, "1f": earlyExit, "1f-5.4": earlyExit,
		"m1": earlyExit, "m2": earlyExit, "m3": earlyExit,
	},
	"workload": {
		"1a": resurrects, "1b": {program.Fails(schedule.ListCorrupt, 1)},
		"1c":      {program.Fails(schedule.BugOn, 0)}, // of cancelled requests, see cancelOnce
		"1d-3.13": resurrects, "1d-3.17": resurrects, "1d": resurrects, "1e": resurrects,
		"m1": afterFree,
	},
}

// Programs returns all programs, variants in historical order within a scenario.
func Programs() []program.Program {
	m := program.Model[*system]{
		Object:    "fs/aio",
		Variants:  variants,
		Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
		Expected:  expected,
		System:    newSystem,
	}
	for i := range scenarios {
		m.Scenarios = append(m.Scenarios, scenarios[i].listed())
	}
	return m.Programs()
}
