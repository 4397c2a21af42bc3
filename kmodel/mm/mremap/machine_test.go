package mremap

import "testing"

// A machine is the race again, in a few lines that share nothing with the model: where the
// page is, what the reader has in its TLB, and who holds which page table.
type machine struct {
	old, new, freed    bool // the page is mapped there; it is free
	dirty              bool // and the page is, so that reclaim keeps it
	moving             bool // there was something to move
	tlbOld             bool // the reader has the old address in its TLB
	lockOld, lockNew   int  // 0: nobody has it; 1: mremap(); 2: who takes the page away
	lockMap            int  // i_mmap_mutex
	found              bool // by who takes the page away
	pc                 [3]int
	usedFreed          bool // the reader did
	mover, taker, user []op
}

// An op is a step: it reports whether it could be taken.
type op func(m *machine) bool

func lockOld(by int) op {
	return func(m *machine) bool { return take(&m.lockOld, by) }
}
func lockNew(by int) op {
	return func(m *machine) bool { return take(&m.lockNew, by) }
}
func lockMap(by int) op {
	return func(m *machine) bool { return take(&m.lockMap, by) }
}

func take(lock *int, by int) bool {
	if *lock != 0 {
		return false
	}
	*lock = by
	return true
}

func unlockOld(m *machine) bool { m.lockOld = 0; return true }
func unlockNew(m *machine) bool { m.lockNew = 0; return true }
func unlockMap(m *machine) bool { m.lockMap = 0; return true }
func flushOld(m *machine) bool  { m.tlbOld = false; return true }
func clearOld(m *machine) bool  { m.moving, m.old = m.old, false; return true }
func setNew(m *machine) bool    { m.new = m.moving; return true }
func takeOld(m *machine) bool   { m.found = m.found || m.old; m.old = false; return true }
func takeNew(m *machine) bool   { m.found = m.found || m.new; m.new = false; return true }
func free(m *machine) bool      { m.freed = m.freed || m.found; return true }
func freeClean(m *machine) bool { return m.dirty || free(m) }
func load(m *machine) bool      { m.usedFreed = m.tlbOld && m.freed; return true }

// movers is move_ptes() and what follows, by variant.
var movers = map[string][]op{
	"3.2": {
		lockMap(1), lockOld(1), lockNew(1), clearOld, setNew, unlockNew, unlockOld, unlockMap, flushOld,
	},
	"3.7":       {lockOld(1), lockNew(1), clearOld, setNew, unlockNew, unlockOld, flushOld},
	"4.9-dirty": {lockOld(1), lockNew(1), clearOld, setNew, unlockNew, flushOld, unlockOld},
	"4.19":      {lockOld(1), lockNew(1), clearOld, setNew, flushOld, unlockNew, unlockOld},
}

// takers is who takes the page away, by scenario: in the first, the lock of the old page table
// is taken in any case; in the others, only if the entry is there at a first look.
var takers = map[string][]op{
	"mremap-vs-truncate": {
		lockMap(2), lockOld(2), takeOldFlushed, unlockOld, lockNew(2), takeNew, unlockNew,
		unlockMap, free,
	},
	"mremap-vs-reclaim": {
		lockMap(2), lookOld, takeOldFlushed, unlockOldIfHeld, lockNew(2), takeNew, unlockNew,
		unlockMap, freeClean,
	},
	"mremap-vs-migration": {
		lockMap(2), lookOld, takeOldFlushed, unlockOldIfHeld, lockNew(2), takeNew, unlockNew,
		unlockMap, free,
	},
}

// takeOldFlushed is takeOld with the flush of that address.
func takeOldFlushed(m *machine) bool {
	if m.lockOld == 2 && m.old {
		takeOld(m)
		m.tlbOld = false
	}
	return true
}

// lookOld takes the lock if there is an entry.
func lookOld(m *machine) bool { return !m.old || take(&m.lockOld, 2) }

func unlockOldIfHeld(m *machine) bool {
	if m.lockOld == 2 {
		m.lockOld = 0
	}
	return true
}

// fails reports whether any interleaving from here has the reader use what is free.
func (m machine) fails() bool {
	if m.usedFreed {
		return true
	}
	for i, ops := range [][]op{m.mover, m.taker, m.user} {
		next := m
		if m.pc[i] < len(ops) && ops[m.pc[i]](&next) {
			next.pc[i]++
			if next.fails() {
				return true
			}
		}
	}
	return false
}

// TestMachine compares the verdicts of the fixed programs with those of the machine.
func TestMachine(t *testing.T) {
	for _, p := range Programs() {
		if p.Workload {
			continue
		}
		m := machine{old: true, tlbOld: true, dirty: p.Variant == "4.9-dirty",
			mover: movers[p.Variant], taker: takers[p.Scenario], user: []op{load}}
		if got := m.fails(); got != p.Racy() {
			t.Errorf("%s: the machine fails: %v, the model: %v", p.Name(), got, p.Racy())
		}
	}
}
