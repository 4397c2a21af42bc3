package guided

import (
	"math/bits"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A graph is the decisions that executions have come to, known by the state, and what each
// alternative leads to. Whatever comes after a state comes after it on whatever way it was
// reached; so an alternative after which every decision has been taken in every way is
// spent, for all executions that come there. A graph grows up to a limit.
type graph struct {
	nodes []node
	edges []edge
	index index // of nodes, by key
	limit int
}

// A node is a decision.
type node struct {
	key    uint64
	first  uint32 // of its edges
	visits uint32
	n      uint8 // alternatives
	left   uint8 // of them not spent
}

// An edge is an alternative: untried, spent, or the number of the node that it leads to.
type edge uint32

const (
	untried edge = 0 // node 0 is none
	spent   edge = 1<<32 - 1
)

// nowhere is the number of no node.
const nowhere = 0

func newGraph(limit int) graph {
	return graph{nodes: make([]node, 1), index: newIndex(), limit: limit}
}

// keyOf returns the key of a decision. A Choose is decided within a step, in a state that may
// be one between steps too.
func keyOf(e *schedule.Exec) uint64 {
	key := e.State().Lo
	if e.Enabled() == 0 {
		key = ^key
	}
	return key
}

// visit returns the node with that key, and whether it is new; nowhere if there is no room.
func (g *graph) visit(key uint64, n int) (id uint32, fresh bool) {
	id, slot := g.index.find(key, func(id uint32) uint64 { return g.nodes[id].key })
	if id == nowhere {
		if len(g.nodes) > g.limit {
			return nowhere, false
		}
		id, fresh = uint32(len(g.nodes)), true
		g.nodes = append(g.nodes, node{
			key: key, first: uint32(len(g.edges)), n: uint8(n), left: uint8(n),
		})
		for range n {
			g.edges = append(g.edges, untried)
		}
		g.index.put(slot, id, func(id uint32) uint64 { return g.nodes[id].key })
	}
	g.nodes[id].visits++
	return id, fresh
}

// rank returns which edge of its node decision d is. Edges are in the order of threads:
// which thread decision 0 stands for is up to who was running.
func rank(e *schedule.Exec, d int) int {
	set := e.Enabled()
	if set == 0 {
		return d
	}
	return bits.OnesCount64(set & (1<<e.Alternative(d).ID - 1))
}

// decision returns the decision that edge r of its node is.
func decision(e *schedule.Exec, r int) int {
	set := e.Enabled()
	if set == 0 {
		return r
	}
	calm := bits.OnesCount64(set & (1<<e.Alternative(0).ID - 1))
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
func (g *graph) open(id uint32, r int) bool {
	nd := &g.nodes[id]
	to := &g.edges[nd.first+uint32(r)]
	if *to == untried || *to != spent && g.nodes[*to].left > 0 {
		return true
	}
	if *to != spent {
		g.spend(id, r)
	}
	return false
}

// spend makes an edge spent.
func (g *graph) spend(id uint32, r int) {
	nd := &g.nodes[id]
	if to := &g.edges[nd.first+uint32(r)]; *to != spent {
		*to = spent
		nd.left--
	}
}

// visits returns how often executions came to the node that an edge leads to.
func (g *graph) visits(id uint32, r int) uint32 {
	switch to := g.edges[g.nodes[id].first+uint32(r)]; to {
	case untried, spent:
		return 0
	default:
		return g.nodes[to].visits
	}
}

// A place is an edge that an execution has taken.
type place struct {
	id   uint32
	rank uint32
}

// learn is told the decisions of an execution, of which those that there was no room for are
// nowhere, and whether nothing new can come of what follows the last. It reports whether
// nothing new can come of anything.
func (g *graph) learn(path []place, done bool) bool {
	for i := len(path) - 1; i >= 0; i-- {
		p := path[i]
		if p.id == nowhere {
			done = false
			continue
		}
		if done {
			g.spend(p.id, int(p.rank))
		} else if to := &g.edges[g.nodes[p.id].first+p.rank]; i+1 < len(path) && *to == untried {
			*to = edge(path[i+1].id)
		}
		done = g.nodes[p.id].left == 0
	}
	return done
}
