package sample

import "github.com/kschedfuzz/kschedfuzz/schedule"

// A Constraint is that a read sees a write, once at least, or never does. It is the
// constraint of RFF's abstract schedules.
type Constraint struct {
	Cell  uint64 // ID
	Write Access // the zero Access is the initial value
	Read  Access
	Never bool
}

// An Access says which accesses to a cell are meant.
type Access struct {
	Mode   schedule.Mode
	Thread int // or Anybody
	Nth    int // of the accesses of Thread in that mode, from 0; or AnyTime, as with Anybody
}

// What an [Access] may leave open.
const (
	Anybody = -1
	AnyTime = -1
)

// MaxConstraints is the most constraints of one execution.
const MaxConstraints = 8

// of reports whether the step that t is to take is one of those, whichever it is.
func (a *Access) of(t *schedule.Thread) bool {
	return a.Mode == t.Op().Mode && (a.Thread == Anybody || a.Thread == t.ID)
}

// A set has bit i for constraint i of an execution.
type set uint8

// progress is how far the constraints of an execution have come.
type progress struct {
	list [MaxConstraints]Constraint
	met  [MaxConstraints]struct{ writes, reads int } // accesses of each side so far
	n    int

	never   set // those that are never to be
	last    set // the cell holds what the write of the constraint has written
	dropped set // of which nothing is to be said any more

	// What each thread's pending step is to the constraints. It changes with the
	// thread's own steps only, so it is looked at again after those.
	pending [schedule.MaxThreads]pending
	epoch   uint32
}

// pending is what a step that a thread is to take is to the constraints that are about its
// cell.
type pending struct {
	read, write set // it is the read, the write of the constraint
	other       set // it is a write that is not
	epoch       uint32
}

// begin begins an execution under these constraints.
func (p *progress) begin(list []Constraint) {
	p.n = copy(p.list[:], list)
	p.never, p.last, p.dropped = 0, 0, 0
	for i := range p.n {
		c := &p.list[i]
		p.met[i].writes, p.met[i].reads = 0, 0
		if c.Never {
			p.never |= 1 << i
		}
		if c.Write.Mode == 0 {
			p.last |= 1 << i
		}
	}
	p.epoch++
}

// step is told of a step of t on the cell.
func (p *progress) step(t *schedule.Thread, cell uint64) {
	p.pending[t.ID].epoch = 0
	for i := range p.n {
		c, bit := &p.list[i], set(1)<<i
		if c.Cell != cell || p.dropped&bit != 0 {
			continue
		}
		write, read := c.Write.of(t), c.Read.of(t)
		if read && p.last&bit != 0 && is(c.Read, p.met[i].reads) {
			p.dropped |= bit
		}
		if t.Op().Mode&schedule.Writes != 0 {
			p.last &^= bit
			if write && is(c.Write, p.met[i].writes) {
				p.last |= bit
			}
		}
		if write {
			p.met[i].writes++
		}
		if read {
			p.met[i].reads++
		}
	}
}

// is reports whether the next access is the one that is meant.
func is(a Access, met int) bool { return a.Nth == AnyTime || a.Nth == met }

// look sees what the pending step of t is to the constraints.
func (p *progress) look(t *schedule.Thread) {
	s := &p.pending[t.ID]
	*s = pending{epoch: p.epoch}
	c := t.Op().Cell
	if t.Idle() || c == nil || c.Object() == nil {
		return
	}
	cell, writes := c.ID(), t.Op().Mode&schedule.Writes != 0
	for i := range p.n {
		c, bit := &p.list[i], set(1)<<i
		if c.Cell != cell {
			continue
		}
		if c.Read.of(t) && is(c.Read, p.met[i].reads) {
			s.read |= bit
		}
		if c.Write.of(t) && is(c.Write, p.met[i].writes) {
			s.write |= bit
		} else if writes {
			s.other |= bit
		}
	}
}

// The bands that the step of a thread can be in: what is in a higher one goes first.
const (
	held = iota
	free // nothing is said of it, or both
	hurried
)

// band returns the band of a step, where waiting are the constraints whose read is pending.
func (p *progress) band(s *pending, waiting set) int {
	read, write, other := s.read&^p.dropped, s.write&^p.dropped, s.other&^p.dropped
	if read|write|other == 0 {
		return free
	}
	wrong := ^(p.last ^ p.never) // those whose read would not do now what is wanted
	avoid := read&wrong | write&p.never | other&^read&^p.never&^wrong
	take := read&^wrong | wrong&waiting&(write&^p.never|other&p.never)
	switch {
	case (take == 0) == (avoid == 0):
		return free
	case take != 0:
		return hurried
	}
	return held
}
