package guided

import (
	"sync/atomic"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A graph is the decisions that executions have come to, known by the state, and what each
// alternative leads to. Whatever comes after a state comes after it on whatever way it was
// reached; so an alternative after which every decision has been taken in every way is
// spent, for all executions that come there. A graph grows up to a limit.
//
// It is safe for concurrent use, and what it says of an edge stays true: a node that is there
// keeps its number, key and edges; an edge that leads to a node leads there for ever, or
// until it is spent; and a spent one stays so.
type graph struct {
	nodes chunks[node]
	edges chunks[atomic.Uint32] // untried, spent, or the number of a node
	index index                 // of nodes, by key
	limit uint32                // of nodes

	_     cacheLine
	given atomic.Uint64 // numbers that were given out: of nodes << 32 | of edges
	_     cacheLine
}

// A node is a decision.
type node struct {
	key    uint64
	first  uint32 // of its edges
	visits atomic.Uint32
	left   atomic.Int32 // alternatives that are not spent, or more: see spend
}

// A spare is a node, with room for so many edges, that somebody was given a number for
// and has no key for yet: another has come to the same decision at the same time, and was
// quicker.
type spare struct {
	id, first uint32
	room      int
}

// An edge is an alternative: untried, spent, or the number of the node that it leads to.
const (
	untried = 0 // node 0 is none
	spent   = 1<<32 - 1
)

// nowhere is the number of no node.
const nowhere = 0

func (g *graph) init(limit int) {
	g.limit = uint32(min(limit, maxNodes))
	g.nodes.reach(0, uint64(g.limit)+1)
	g.given.Store(1 << 32)
	g.index.init(func(id uint32) uint64 { return g.nodes.at(id).key })
}

// maxNodes is as many as there are numbers for their edges, if all have 255.
const maxNodes = 1 << 24

// keyOf returns the key of a decision. A Choose is decided within a step, in a state that may
// be one between steps too.
func keyOf(e *schedule.Exec) uint64 {
	key := e.State().Lo
	if e.Enabled().Empty() {
		key = ^key
	}
	return key
}

// visit returns the node with that key, and whether it is new; nil if there is no room.
func (g *graph) visit(key uint64, n int, s *spare) (id uint32, nd *node, fresh bool) {
	if id = g.index.find(key); id == nowhere {
		if !g.give(n, s) {
			return nowhere, nil, false
		}
		nd = g.nodes.at(s.id)
		nd.key, nd.first = key, s.first
		nd.left.Store(int32(n))
		if id = g.index.put(key, s.id); id == s.id {
			fresh, *s = true, spare{}
		}
	}
	nd = g.nodes.at(id)
	nd.visits.Add(1)
	return id, nd, fresh
}

// give sees to it that a spare is a node with n edges, and reports whether there is room.
// Edges that are too few for a spare are lost.
func (g *graph) give(n int, s *spare) bool {
	switch {
	case s.id != nowhere && s.room >= n:
		return true
	case s.id != nowhere:
		s.first = uint32(g.given.Add(uint64(n))) - uint32(n)
	case g.full():
		return false
	default:
		given := g.given.Add(1<<32 | uint64(n))
		if s.id = uint32(given>>32) - 1; s.id > g.limit {
			s.id = nowhere
			return false
		}
		s.first = uint32(given) - uint32(n)
		g.nodes.reach(s.id, uint64(g.limit)+1)
	}
	s.room = n
	g.edges.reach(s.first, 1<<32)
	g.edges.reach(s.first+uint32(n)-1, 1<<32)
	return true
}

// full reports whether there is no room for another node.
func (g *graph) full() bool { return uint32(g.given.Load()>>32) > g.limit }

// edge returns edge r of a node.
func (g *graph) edge(nd *node, r int) *atomic.Uint32 { return g.edges.at(nd.first + uint32(r)) }

// rank returns which edge of its node decision d is. Edges are in the order of threads:
// which thread decision 0 stands for is up to who was running.
func rank(e *schedule.Exec, d int) int {
	set := e.Enabled()
	if set.Empty() {
		return d
	}
	return set.Below(e.Alternative(d).ID)
}

// decision returns the decision that edge r of its node is.
func decision(e *schedule.Exec, r int) int {
	set := e.Enabled()
	if set.Empty() {
		return r
	}
	calm := set.Below(e.Alternative(0).ID)
	switch {
	case r == calm:
		return 0
	case r < calm:
		return r + 1
	}
	return r
}

// open reports whether anything new can come of an edge. If the node that it leads to has
// been used up since, it is spent.
func (g *graph) open(nd *node, r int) bool {
	e := g.edge(nd, r)
	to := e.Load()
	if to == untried || to != spent && g.nodes.at(to).left.Load() > 0 {
		return true
	}
	if to != spent {
		nd.spend(e)
	}
	return false
}

// spend makes an edge spent. Who makes it so counts it, and does so afterwards: of edges that
// are not spent there are never more than left says. So none left means none, whoever asks,
// while for a moment some may be said to be left of which none is.
func (nd *node) spend(e *atomic.Uint32) {
	if e.Swap(spent) != spent {
		nd.left.Add(-1)
	}
}

// visits returns how often executions came to the node that an edge leads to.
func (g *graph) visits(nd *node, r int) uint32 {
	switch to := g.edge(nd, r).Load(); to {
	case untried, spent:
		return 0
	default:
		return g.nodes.at(to).visits.Load()
	}
}

// A place is an edge that an execution has taken.
type place struct {
	node *node // nil: there was no room for it
	id   uint32
	rank uint32
}

// learn is told the decisions of an execution, and whether nothing new can come of what follows
// the last. It reports whether nothing new can come of anything.
//
// Others may do the same on ways that cross this one. An edge is spent here, or in open, for
// one of three reasons: the execution has ended after it, at a node that it leads to none is
// left, or each edge of that node was seen to be spent. Each is true for ever once it is, and
// says the same: there is no execution through the edge that some execution, or some that
// came to the same states, has not followed to its end. By induction over the length of what
// can follow, so does spent; it takes no two of these things to be true at one moment. What
// may be missed is that a node was used up by another between two looks at it: then the edges
// to it are spent by the next that comes there, as are those on all the other ways to it. So
// that of the first node none is left is true too, whoever is told, be it one or several.
func (g *graph) learn(path []place, done bool) bool {
	for i := len(path) - 1; i >= 0; i-- {
		p := path[i]
		if p.node == nil {
			done = false
			continue
		}
		e := g.edge(p.node, int(p.rank))
		if done {
			p.node.spend(e)
		} else if i+1 < len(path) && e.Load() == untried {
			e.CompareAndSwap(untried, path[i+1].id)
		}
		done = p.node.left.Load() == 0
	}
	return done
}
