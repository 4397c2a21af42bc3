package guided

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The sizes of the tables here, of which half can be used; cells and marks beyond that do not
// count.
const (
	maxCells = 1 << 9
	maxMarks = 1 << 11
)

// contacts are accesses of an execution, one for each cell: a hash table, open addressing.
type contacts struct {
	slots [maxCells]contact
	used  int
	run   uint64 // number of the execution: 32 bits of them pass in half a day
}

// A contact is an access to a cell. It has no hash: most are asked for none.
type contact struct {
	cell   uint64
	verb   string
	run    uint64
	thread int32
	mode   schedule.Mode
}

// begin forgets all contacts.
func (c *contacts) begin() {
	c.run++
	c.used = 0
}

// find returns the contact of a cell, or where it belongs; nil if there are too many.
func (c *contacts) find(cell uint64) *contact {
	for i := product(cell, 0); ; i++ {
		s := &c.slots[i%maxCells]
		if s.run == c.run && s.cell == cell {
			return s
		}
		if s.run != c.run {
			if c.used == maxCells/2 {
				return nil
			}
			return s
		}
	}
}

// set makes s, which find has returned for the cell, the contact with what thread id is to do.
func (c *contacts) set(s *contact, cell uint64, op *schedule.Op, id int) {
	if s.run != c.run {
		s.run, s.cell = c.run, cell
		c.used++
	}
	s.verb, s.mode, s.thread = op.Verb, op.Mode, int32(id)
}

// accesses returns the hashes of what an operation does to what, and of the contact that its
// cell has had before.
func (s *contact) accesses(op *schedule.Op) (before, now uint64) {
	const places = 1<<12 - 1 // the bits of an ID that are the place in the object
	what := xxhash.Sum64String(op.Cell.Object().Kind()) + op.Cell.ID()&places
	return accessOf(s.verb, s.mode, what), accessOf(op.Verb, op.Mode, what)
}

func accessOf(verb string, mode schedule.Mode, what uint64) uint64 {
	return product(xxhash.Sum64String(verb)+uint64(mode), what)
}

// marks are hashes that were met: a hash table, open addressing.
type marks struct {
	slots [maxMarks]mark
	used  int
	epoch uint64
}

type mark struct {
	hash  uint64
	epoch uint64
}

// forget takes all marks away.
func (m *marks) forget() {
	m.used = 0
	m.epoch++
}

// add marks a hash, and reports whether it was not.
func (m *marks) add(hash uint64) bool {
	for i := hash; ; i++ {
		s := &m.slots[i%maxMarks]
		if s.epoch != m.epoch {
			if m.used == maxMarks/2 {
				return false
			}
			m.used++
			*s = mark{hash, m.epoch}
			return true
		}
		if s.hash == hash {
			return false
		}
	}
}

// product mixes two hashes, of which the order matters.
func product(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xe7037ed1a0b428db)
	return hi ^ lo
}
