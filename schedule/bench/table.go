package bench

import (
	"fmt"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The sources of programs.
const (
	sctBench = "SCTBench" // with the programs of CHESS, Concurrency Bugs, Inspect and so on
	conVul   = "ConVul"
	ours     = "ours"
)

// Programs returns the table: the programs of the literature, and then ours for depth.
func Programs() []Program { return slices.Concat(literature(), untuned(), depths()) }

const (
	bug       = schedule.BugOn // an assertion, or NULL dereferenced
	stuck     = schedule.Deadlock
	afterFree = schedule.UseAfterFree
)

// literature has what programs of more than 16 threads take from the smaller ones: they
// cannot be explored, but one thread more of a kind makes no bug take more preemptions.
func literature() []Program {
	twice := schedule.KindSet(schedule.DoubleFree)
	return []Program{
		{"CS.account", 4, bug, 0, 0,
			"three threads under one lock, the check last", sctBench, newAccount},
		{"CS.lazy01", 4, bug, 0, 0,
			"two additions and a check under one lock, the check last", sctBench, newLazy},
		{"CS.token_ring", 5, bug, 0, 0,
			"three threads hand a number on, not in the order of the ring", sctBench, newRing},
		{"CS.deadlock01", 3, stuck, 0, 1,
			"two locks in two orders", sctBench, newCrossed},
		{"CS.carter01", 5, stuck, 0, 1,
			"counting under m, the first of a group takes l: m and l in two orders", sctBench, newCarter},
		{"CS.bluetooth_driver", 2, bug, 0, 1,
			"looks whether the driver stops, and then counts itself in", sctBench, newBluetooth},
		{"CS.circular_buffer", 3, bug, 0, 1,
			"7 and 7 turns, and a turn that comes too early is lost", sctBench, newCircular},
		{"CS.queue", 3, bug, 0, 1,
			"20 and 20 turns, and a turn that comes too early is lost", sctBench, newQueue},
		{"CS.stack", 3, bug, 0, 1,
			"10 pushes, and 10 pops that look whether there ever was a push", sctBench, newStack},
		{"CS.twostage", 3, bug, 0, 1,
			"two words under two locks, read in between", sctBench, newTwostage(1, 1)},
		{"CS.twostage_20", 21, bug, 0, 1,
			"the same: 10 writers, 10 readers", sctBench, newTwostage(10, 10)},
		{"CS.twostage_50", 51, bug, 0, 1,
			"the same: 40 writers, 10 readers", sctBench, newTwostage(40, 10)},
		{"CS.twostage_100", 101, bug, 0, 1,
			"the same: 99 writers, 1 reader", sctBench, newTwostage(99, 1)},
		{"CS.reorder_3", 4, bug, 0, 1,
			"a pair of words without a lock: 2 setters, 1 checker", sctBench, newReorder(2, 1)},
		{"CS.reorder_5", 6, bug, 0, 1,
			"the same: 4 setters, 1 checker", sctBench, newReorder(4, 1)},
		{"CS.reorder_10", 11, bug, 0, 1,
			"the same: 9 setters, 1 checker", sctBench, newReorder(9, 1)},
		{"CS.reorder_20", 21, bug, 0, 1,
			"the same: 10 setters, 10 checkers", sctBench, newReorder(10, 10)},
		{"CS.reorder_50", 51, bug, 0, 1,
			"the same: 40 setters, 10 checkers", sctBench, newReorder(40, 10)},
		{"CS.reorder_100", 101, bug, 0, 1,
			"the same: 99 setters, 1 checker", sctBench, newReorder(99, 1)},
		{"CS.wronglock", 9, bug, 0, 1,
			"one thread increments under a lock, 7 under another", sctBench, newWronglock(7)},
		{"CB.stringbuffer", 3, bug, 0, 2,
			"length, then characters; erased in between", sctBench, newBuffers},
		{"CHESS.WSQ", 3, bug, 0, 1,
			"work-stealing queue, capacity test off by one: an item is done twice", sctBench, newStealing},
		{"CVE-2009-3547", 3, bug, 0, 0,
			"pipe: taken away before it is opened, under the mutex", conVul, newPipe},
		{"CVE-2013-1792", 3, bug, 0, 1,
			"keyrings: two pointers installed, who sees the first uses the second", conVul, newKeyrings},
		{"CVE-2015-7550", 3, bug, 0, 1,
			"key: valid, then revoked, then read", conVul, newRevoked},
		{"CVE-2016-1972", 3, afterFree, twice, 1,
			"a lock that the last of its waiters frees, not counted atomically", conVul, newOnce},
		{"CVE-2016-1973", 3, afterFree, twice, 1,
			"one object, looked at, freed by its last user, counted up", conVul, newSingleton},
		{"CVE-2017-15265", 3, afterFree, 0, 1,
			"port: published, deleted, used by its creator", conVul, newPort},
		{"SafeStack", 4, bug, 0, 7,
			"stack of slots without a lock: a slot has two owners", sctBench, newSafeStack},
	}
}

// untuned has the programs of the literature that came when the samplers and what guides them
// had been chosen.
func untuned() []Program {
	twice := schedule.KindSet(schedule.UseAfterFree, schedule.DoubleFree)
	return []Program{
		{"CHESS.IWSQ", 3, bug, 0, 1,
			"as CHESS.WSQ, with a lock that is tried for", sctBench, newInterlocked},
		{"CHESS.IWSQWS", 4, bug, 0, 2,
			"a queue that is right, and a vector of stacks that threads resize without a lock",
			sctBench, newSpinning(false)},
		{"CHESS.SWSQ", 4, bug, 0, 2,
			"the same: 4 items are pushed, and then popped", sctBench, newSpinning(true)},
		{"Inspect.boundedBuffer", 5, bug, 0, 1,
			"waits until there is something, and lets go of the lock before it takes it",
			sctBench, newBounded},
		{"Inspect.qsort_mt", 5, schedule.LostUpdate, 0, 1,
			"an idle thread is handed work in two steps, and may begin between them",
			sctBench, newSorter},
		{"RADBench.bug4", 3, bug, 0, 2,
			"NSPR: a lock is made by the first who needs it, or by the first two",
			sctBench, newLocaltime},
		{"RADBench.bug6", 3, stuck, 0, 1,
			"NSPR: a reader takes the lock again, while a writer waits for it", sctBench, newRwlock},
		{"Splash2.lu", 3, bug, 0, 0,
			"two threads, five barriers, and nothing that waits for the end", sctBench, newFactor},
		{"CVE-2011-2183", 3, bug, 0, 1,
			"ksm: there is a slot, it is taken away, the first is used", conVul, newKsm},
		{"CVE-2016-7911", 3, bug, 0, 1,
			"ioprio: a pointer is read twice, and cleared in between", conVul, newIoprio},
		{"CVE-2016-9806", 3, schedule.DoubleFree, 0, 1,
			"netlink: put there under the mutex, freed from there after it", conVul, newDump},
		{"CVE-2017-6346", 3, bug, twice, 1,
			"packet: allocated and freed by two threads through one pointer", conVul, newFanout},
	}
}

func depths() []Program {
	resurrected := schedule.KindSet(schedule.RefResurrect)
	var out []Program
	for d := minDepth; d <= maxDepth; d++ {
		out = append(out, Program{fmt.Sprintf("handshake_%d", d), 3, bug, 0, d - 1,
			fmt.Sprintf("two threads hand a number on %d times, each at its turn", d),
			ours, newHandshake(d)})
	}
	for d := minDepth; d <= maxDepth; d++ {
		out = append(out, Program{fmt.Sprintf("refchain_%d", d), 3, afterFree, resurrected, d - 1,
			fmt.Sprintf("objects are handed on %d times, and the last counted up from 0", d-2),
			ours, newRefChain(d)})
	}
	for d := minDepth; d <= maxDepth; d++ {
		out = append(out, Program{fmt.Sprintf("rcuchain_%d", d), 3, afterFree, 0, d - 1,
			fmt.Sprintf("objects are handed on %d times, and the last used after its section", d-2),
			ours, newRCUChain(d)})
	}
	return out
}
