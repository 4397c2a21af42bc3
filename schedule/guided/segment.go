package guided

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// segments are the interleaving segments that executions have shown since they were last
// forgotten. A communication is an access to a cell after one of another thread, one of the
// two a write; a segment is a communication and the next one of the execution. Both are told
// apart by what is done to which cell of which kind of object, not by who does it. It is the
// knot of SegFuzz (Jeong, Lee, Lee and Shin, "SegFuzz: segmentizing thread interleaving to
// discover kernel concurrency bugs through fuzzing", IEEE S&P 2023), but of communications
// that follow each other only, which takes constant time a step.
type segments struct {
	cells [maxCells]contact // a hash table, open addressing
	used  int               // of them in this execution
	run   uint32            // number of the execution
	last  uint64            // communication
	fresh bool              // the execution showed a new one

	seen  [maxSegments]mark // a hash table too
	known int               // of them
	epoch uint32            // number of the burst
}

// The sizes of the hash tables. Half of each can be used; cells and segments beyond that do
// not count.
const (
	maxCells    = 1 << 9
	maxSegments = 1 << 11
)

// A contact is the last access to a cell.
type contact struct {
	cell   uint64
	access uint64 // hash
	run    uint32
	thread int32
	mode   schedule.Mode
}

// A mark is a segment.
type mark struct {
	segment uint64
	epoch   uint32
}

// forget makes all segments new.
func (s *segments) forget() {
	s.known = 0
	s.epoch++
}

// begin prepares for the next execution.
func (s *segments) begin() {
	s.run++
	s.used, s.last, s.fresh = 0, 0, false
}

// step is told of the step that t is to take.
func (s *segments) step(t *schedule.Thread) {
	op := t.Op()
	if op.Cell == nil || op.Cell.Object() == nil {
		return
	}
	c := s.find(op.Cell.ID())
	if c == nil {
		return
	}
	access := accessOf(op)
	if c.run == s.run {
		if c.thread != int32(t.ID) && (c.mode|op.Mode)&schedule.Writes != 0 {
			s.communicate(product(c.access, access))
		}
	} else {
		s.used++
	}
	*c = contact{op.Cell.ID(), access, s.run, int32(t.ID), op.Mode}
}

// accessOf returns the hash of what an operation does to what.
func accessOf(op schedule.Op) uint64 {
	const places = 1<<12 - 1 // the bits of an ID that are the place in the object
	kind := xxhash.Sum64String(op.Cell.Object().Kind())
	return product(xxhash.Sum64String(op.Verb)+uint64(op.Mode), kind+op.Cell.ID()&places)
}

// find returns the contact of a cell, or where it belongs; nil if there are too many.
func (s *segments) find(cell uint64) *contact {
	for i := product(cell, 0); ; i++ {
		c := &s.cells[i%maxCells]
		if c.run == s.run && c.cell == cell {
			return c
		}
		if c.run != s.run {
			if s.used == maxCells/2 {
				return nil
			}
			return c
		}
	}
}

// communicate is told of a communication.
func (s *segments) communicate(c uint64) {
	segment := product(s.last, c)
	s.last = c
	for i := segment; ; i++ {
		m := &s.seen[i%maxSegments]
		if m.epoch != s.epoch {
			if s.known < maxSegments/2 {
				*m = mark{segment, s.epoch}
				s.known++
				s.fresh = true
			}
			return
		}
		if m.segment == segment {
			return
		}
	}
}

// product mixes two hashes, of which the order matters.
func product(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xe7037ed1a0b428db)
	return hi ^ lo
}
