package guided

import "github.com/kschedfuzz/kschedfuzz/schedule"

// segments are the interleaving segments that executions have shown. A communication is an
// access to a cell after one of another thread, one of the two a write; a segment is a
// communication and the next one of the execution. Both are told apart by what is done to which
// cell of which kind of object, not by who does it. It is the knot of SegFuzz (Jeong, Lee, Lee
// and Shin, "SegFuzz: segmentizing thread interleaving to discover kernel concurrency bugs
// through fuzzing", IEEE S&P 2023), but of communications that follow each other only, which
// takes constant time a step.
type segments struct {
	contacts        // the last access to each cell
	seen     marks  // segments
	last     uint64 // communication
	fresh    bool   // the execution showed a new one
}

// forget makes all segments new.
func (s *segments) forget() { s.seen.forget() }

// begin prepares for the next execution.
func (s *segments) begin() {
	s.contacts.begin()
	s.last, s.fresh = 0, false
}

// step is told of the step that t is to take.
func (s *segments) step(t *schedule.Thread) {
	op := t.Op()
	if op.Cell == nil || op.Cell.Object() == nil {
		return
	}
	cell := op.Cell.ID()
	c := s.find(cell)
	if c == nil {
		return
	}
	if c.run == s.run && c.thread != int32(t.ID) && (c.mode|op.Mode)&schedule.Writes != 0 {
		now := product(c.accesses(&op))
		s.fresh = s.seen.add(product(s.last, now)) || s.fresh
		s.last = now
	}
	s.set(c, cell, &op, t.ID)
}
