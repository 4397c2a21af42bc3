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

	_          cacheLine
	givenNodes atomic.Uint32 // numbers that were given out: up to this one
	givenEdges atomic.Uint32
	_          cacheLine
}

// A node is a decision.
type node struct {
	key   uint64
	first uint32       // of its edges
	left  atomic.Int32 // alternatives that are not spent, or more: see spend
}

// A stock is numbers of nodes and edges that were given to an Engine, which it has not used
// yet. They are given out many at once: what each of them writes is in cache lines of its own
// then, and who counts them is asked seldom.
type stock struct {
	node, nodes uint32 // the next one, and one past the last
	edge, edges uint32
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
	g.givenNodes.Store(1)
	g.index.init(func(id uint32) uint64 { return g.nodes.at(id).key })
}

// maxNodes is less than half of what there are numbers for, if no node takes more than
// edgesAtOnce of those of edges.
const maxNodes = 1 << 23

const (
	// nodesAtOnce is how many numbers of nodes are given out at once, but no more than a
	// nodesShare of those that are left: in the end one.
	nodesAtOnce = 64
	nodesShare  = 1 << 8
	// edgesAtOnce is no less than a decision has alternatives, and no more than the first
	// chunk has room for.
	edgesAtOnce = 1 << chunkBits
)

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
// A guess is a node that may be the one, or 0: where the last edge led before.
func (g *graph) visit(key uint64, n int, guess uint32, s *stock) (id uint32, nd *node, fresh bool) {
	if guess != nowhere {
		if nd = g.nodes.at(guess); nd.key == key {
			return guess, nd, false
		}
	}
	if !g.supply(n, s) {
		if id = g.index.find(key); id == nowhere {
			return nowhere, nil, false
		}
		return id, g.nodes.at(id), false
	}
	nd = g.nodes.at(s.node)
	nd.key, nd.first = key, s.edge
	nd.left.Store(int32(n))
	if id = g.index.put(key, s.node); id != s.node {
		return id, g.nodes.at(id), false
	}
	s.node++
	s.edge += uint32(n)
	return id, nd, true
}

// supply sees to it that a stock has a node and n edges, and reports whether there is room.
// Edges that are too few are lost.
func (g *graph) supply(n int, s *stock) bool {
	if s.node == s.nodes {
		if g.full() {
			return false
		}
		left := g.limit + 1 - g.givenNodes.Load()
		k := max(1, min(nodesAtOnce, left/nodesShare))
		s.nodes = g.givenNodes.Add(k)
		s.node = s.nodes - k
		if s.nodes = min(s.nodes, g.limit+1); s.node >= s.nodes {
			s.node = s.nodes
			return false
		}
		g.nodes.reach(s.node, uint64(g.limit)+1)
		g.nodes.reach(s.nodes-1, uint64(g.limit)+1)
	}
	if s.edges-s.edge < uint32(n) {
		s.edges = g.givenEdges.Add(edgesAtOnce)
		s.edge = s.edges - edgesAtOnce
		g.edges.reach(s.edge, 1<<32)
		g.edges.reach(s.edges-1, 1<<32)
	}
	return true
}

// full reports whether there is no room for another node.
func (g *graph) full() bool { return g.givenNodes.Load() > g.limit }

// edge returns edge r of a node.
func (g *graph) edge(nd *node, r int) *atomic.Uint32 { return g.edges.at(nd.first + uint32(r)) }

// calmRank returns which edge of its node decision 0 is. Edges are in the order of threads:
// which thread decision 0 stands for is up to who was running.
func calmRank(e *schedule.Exec) int {
	set := e.Enabled()
	if set.Empty() {
		return 0
	}
	return set.Below(e.Alternative(0).ID)
}

// rank returns which edge decision d is, where decision 0 is edge calm.
func rank(d, calm int) int {
	switch {
	case d == 0:
		return calm
	case d <= calm:
		return d - 1
	}
	return d
}

// decision returns the decision that edge r is, where decision 0 is edge calm.
func decision(r, calm int) int {
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
func (g *graph) open(nd *node, e *atomic.Uint32) bool {
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
	if e.Load() != spent && e.Swap(spent) != spent {
		nd.left.Add(-1)
	}
}

// A place is an edge that an execution has taken.
type place struct {
	node *node // nil: there was no room for it
	edge *atomic.Uint32
	id   uint32 // of the node
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
		if done {
			p.node.spend(p.edge)
		} else if i+1 < len(path) && p.edge.Load() == untried {
			p.edge.CompareAndSwap(untried, path[i+1].id)
		}
		done = p.node.left.Load() == 0
	}
	return done
}
