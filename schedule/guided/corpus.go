package guided

import (
	"iter"
	"slices"
	"sync/atomic"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A corpus is the memory states that executions have come to, by hash, and for each a way
// there. A memory state is coarser than a state: what threads know is left out. There are
// few, and most of what leads on to a failure is one that was not there before. It is safe
// for concurrent use.
type corpus struct {
	entries chunks[entry]
	index   index  // by memory
	limit   uint32 // of entries

	_     cacheLine
	given atomic.Uint32 // numbers that were given out, from 1 on: entry 0 is none
	_     cacheLine
}

// An entry is a memory state.
type entry struct {
	memory uint64
	tape   schedule.Tape // the decisions that lead to it, once it is kept
	kept   atomic.Bool   // the execution that came to it has ended
}

func (c *corpus) init(limit int) {
	c.limit = uint32(min(limit, maxNodes))
	c.index.init(func(id uint32) uint64 { return c.entries.at(id).memory })
}

// len returns how many entries there may be: of those that executions under way have come
// to some may not be kept yet, or ever.
func (c *corpus) len() int { return int(min(c.given.Load(), c.limit)) }

// meet returns the number of the entry with that memory, and whether it is new: then it is to
// be kept. It is 0 if there is no room for it. A spare is a number that was given out and is
// not used.
func (c *corpus) meet(memory uint64, spare *uint32) (id uint32, fresh bool) {
	if id = c.index.find(memory); id != 0 {
		return id, false
	}
	if *spare == 0 {
		if c.full() {
			return 0, false
		}
		id := c.given.Add(1)
		if id > c.limit {
			return 0, false
		}
		c.entries.reach(id, uint64(c.limit)+1)
		*spare = id
	}
	c.entries.at(*spare).memory = memory
	if id = c.index.put(memory, *spare); id != *spare {
		return id, false
	}
	*spare = 0
	return id, true
}

// full reports whether there is no room for another entry.
func (c *corpus) full() bool { return c.given.Load() >= c.limit }

// A found is a new entry, and how many decisions led to it.
type found struct {
	id     uint32
	length int
}

// keep gives entries their tapes, which are prefixes of one.
func (c *corpus) keep(news []found, tape schedule.Tape) {
	if len(news) == 0 {
		return
	}
	whole := slices.Clone(tape[:news[len(news)-1].length])
	for _, f := range news {
		en := c.entries.at(f.id)
		en.tape = whole[:f.length:f.length]
		en.kept.Store(true)
	}
}

// kept returns the entry of that number, nil if it is not kept.
func (c *corpus) kept(id uint32) *entry {
	if en := c.entries.get(id); en != nil && en.kept.Load() {
		return en
	}
	return nil
}

// any returns the way to an entry, nil if it is not kept.
func (c *corpus) any(below func(n int) int) schedule.Tape {
	if en := c.kept(uint32(1 + below(c.len()))); en != nil {
		return en.tape
	}
	return nil
}

// all returns the tapes, in the order in which they were met.
func (c *corpus) all() iter.Seq[schedule.Tape] {
	return func(yield func(schedule.Tape) bool) {
		for id := range c.len() {
			if en := c.kept(uint32(1 + id)); en != nil && !yield(en.tape) {
				return
			}
		}
	}
}
