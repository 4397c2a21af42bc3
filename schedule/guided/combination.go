package guided

import (
	"slices"
	"sync/atomic"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// pairs are the reads-from pairs of an execution: a write and a read that sees it, by another
// thread, or the initial value and a read. They are told apart by what is done to which cell
// of which kind of object, as segments are.
type pairs struct {
	contacts           // the last write to each cell
	seen        marks  // pairs
	combination uint64 // sum of their hashes
}

// begin prepares for the next execution.
func (p *pairs) begin() {
	p.contacts.begin()
	p.seen.forget()
	p.combination = 0
}

// step is told of the step that t is to take.
func (p *pairs) step(t *schedule.Thread) {
	op := t.Op()
	if op.Cell == nil || op.Cell.Object() == nil {
		return
	}
	cell := op.Cell.ID()
	c := p.find(cell)
	if c == nil {
		return
	}
	if initial := c.run != p.run; op.Mode&schedule.Reads != 0 && (initial || c.thread != int32(t.ID)) {
		write, read := c.accesses(&op)
		if initial {
			write = 0
		}
		pair := product(write, read)
		if p.seen.add(pair) {
			p.combination += product(pair, 1)
		}
	}
	if op.Mode&schedule.Writes != 0 {
		p.set(c, cell, &op, t.ID)
	}
}

// combinations are the sets of reads-from pairs that executions have shown, each with the
// constraints under which the first of them ran. These are what RFF calls abstract schedules
// (Wolff, Shi, Duck, Mathur and Roychoudhury, "Greybox fuzzing for concurrency testing",
// ASPLOS 2024, section 4). RFF keeps those that show a new pair, and counts combinations for
// its energy only; pairs are few and soon all known, so here a new combination is enough.
// They are safe for concurrent use, and grow up to a limit.
type combinations struct {
	all   chunks[combination] // from 1 on
	index index               // by hash
	limit uint32

	_     cacheLine
	given atomic.Uint32 // numbers that were given out
	shown atomic.Int64  // executions that showed one of them
	_     cacheLine
}

// A combination is one of them.
type combination struct {
	hash  uint64
	list  []sample.Constraint
	kept  atomic.Bool   // list is there
	times atomic.Uint32 // executions that showed it
	turns atomic.Uint32 // since it was passed over last
}

func (c *combinations) init(limit int) {
	c.limit = uint32(min(limit, maxNodes))
	c.index.init(func(id uint32) uint64 { return c.all.at(id).hash })
}

// len returns how many there may be, of which some may not be kept yet, or ever.
func (c *combinations) len() int { return int(min(c.given.Load(), c.limit)) }

// add counts an execution under the given constraints.
func (c *combinations) add(hash uint64, list []sample.Constraint) {
	id := c.index.find(hash)
	if id == 0 {
		mine := uint32(0)
		if c.given.Load() < c.limit {
			mine = c.given.Add(1)
		}
		if mine == 0 || mine > c.limit {
			return
		}
		c.all.reach(mine, uint64(c.limit)+1)
		n := c.all.at(mine)
		n.hash = hash
		if id = c.index.put(hash, mine); id == mine {
			n.list = slices.Clone(list)
			n.kept.Store(true)
		}
	}
	c.all.at(id).times.Add(1)
	c.shown.Add(1)
}

// energy returns how many executions with the constraints of a combination are to follow each
// other now: none while it was shown more often than they are in the mean, else twice as many
// as when its turn came last. It is the cut-off exponential power schedule (Böhme, Pham and
// Roychoudhury, "Coverage-based greybox fuzzing as Markov chain", CCS 2016, section 4.2), as
// RFF has it, without its factor for how fast an execution is and how much it shows.
func (c *combinations) energy(id int) int {
	n := c.all.get(uint32(id))
	if n == nil || !n.kept.Load() {
		return 0
	}
	if int64(n.times.Load())*int64(c.len()) > c.shown.Load() {
		n.turns.Store(0)
		return 0
	}
	return min(most, 1<<min(n.turns.Add(1)-1, 8))
}

// most is the most executions that something is mutated for in a row.
const most = 16
