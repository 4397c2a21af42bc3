package guided

import (
	"iter"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A corpus is the memory states that executions have come to, by hash, and for each a way
// there. A memory state is coarser than a state: what threads know is left out. There are
// few, and most of what leads on to a failure is one that was not there before.
type corpus struct {
	entries []entry // entry 0 is none
	index   index   // by memory
	limit   int     // of entries
}

// An entry is a memory state.
type entry struct {
	memory uint64
	tape   schedule.Tape // the decisions that lead to it
	states uint32        // how many states were met that have this memory
	chosen uint32        // how often an execution went back to it
}

func newCorpus(limit int) corpus {
	return corpus{entries: make([]entry, 1), index: newIndex(), limit: limit}
}

// meet counts a state of that memory and reports whether it is the first, and there is room
// for it; then the entry is the last, without a tape.
func (c *corpus) meet(memory uint64) bool {
	id, slot := c.index.find(memory, func(id uint32) uint64 { return c.entries[id].memory })
	if id != nowhere {
		c.entries[id].states++
		return false
	}
	if len(c.entries) > c.limit {
		return false
	}
	c.entries = append(c.entries, entry{memory: memory, states: 1})
	c.index.put(slot, uint32(len(c.entries)-1),
		func(id uint32) uint64 { return c.entries[id].memory })
	return true
}

// keep gives the entries from number i on their tapes, which are prefixes of one.
func (c *corpus) keep(i int, lengths []int, tape schedule.Tape) {
	if len(lengths) == 0 {
		return
	}
	whole := slices.Clone(tape[:lengths[len(lengths)-1]])
	for j, n := range lengths {
		c.entries[i+j].tape = whole[:n:n]
	}
}

// contest is how many entries are compared to choose one.
const contest = 8

// choose returns the way to the entry that promises most, of some drawn at random: few
// states known, and seldom chosen. There must be one.
func (c *corpus) choose(below func(n int) int) schedule.Tape {
	n := len(c.entries) - 1
	best := &c.entries[1+below(n)]
	for range contest - 1 {
		if en := &c.entries[1+below(n)]; en.cost() < best.cost() {
			best = en
		}
	}
	best.chosen++
	return best.tape
}

func (en *entry) cost() uint64 { return uint64(en.states) * uint64(1+en.chosen) }

// all returns the tapes, in the order in which they were met.
func (c *corpus) all() iter.Seq[schedule.Tape] {
	return func(yield func(schedule.Tape) bool) {
		for _, en := range c.entries[1:] {
			if !yield(en.tape) {
				return
			}
		}
	}
}
