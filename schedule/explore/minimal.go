package explore

import (
	"math"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The minimal schedule of an ending: fewest preemptions, then fewest context
// switches, then fewest steps, then the shortest canonical tape, then the
// smallest digits from the left.
//
// The first three add up along a path, so they are a shortest-path problem. The
// number of preemptions is the level; the other two make one word, switches in
// the upper half. All cheapest paths together are a subgraph, and the tape
// is read off there: only in it may a choice be made by digits, for what looks
// smaller now may cost a switch later.

// unreached is the cost of what has not been reached.
const unreached = math.MaxUint64

func (ed *edge) cost() uint64 { return uint64(ed.switches)<<32 | uint64(ed.steps) }

// priceLevel computes the costs of the nodes of a level that has just been
// finished, and sets the witnesses of the endings that are first reached there.
// What a level costs depends on lower ones only, so it is final.
func (g *graph) priceLevel(level int) {
	from, to := g.span(level)
	for range to - from {
		g.costs = append(g.costs, unreached)
	}
	if level == 0 {
		g.costs[0] = 0
	} else {
		below, _ := g.span(level - 1)
		for id := below; id < from; id++ {
			if nd := g.node(id); nd.preempt {
				g.relax(level, id, g.alternatives(nd)[1:])
			}
		}
	}
	// The order is topological, so that one pass does, unless there is a cycle.
	for again := true; again; {
		again = false
		for _, id := range g.order[from:to] {
			nd := g.node(id)
			if g.relax(level, id, g.alternatives(nd)[:nd.calm()]) && g.cycle == CalmCycle {
				again = true
			}
		}
	}
	for i, end := range g.known {
		if int(end.level) == level {
			g.minimize(uint32(i), end)
		}
	}
}

// relax lowers the costs of what the given edges of node id lead to at the
// level. It reports whether it lowered that of a node.
func (g *graph) relax(level int, id uint32, edges []edge) (lowered bool) {
	from := g.starts[level]
	base := g.costs[id]
	if base == unreached {
		return false
	}
	for i := range edges {
		ed := &edges[i]
		cost := base + ed.cost()
		if ed.to >= terminal {
			if end := g.known[ed.to&^terminal]; int(end.level) == level {
				end.cost = min(end.cost, cost)
			}
		} else if ed.to >= from && cost < g.costs[ed.to] {
			g.costs[ed.to], lowered = cost, true
		}
	}
	return lowered
}

// minimize sets the witness of an ending to the minimal one.
func (g *graph) minimize(index uint32, end *ending) {
	m := minimizer{graph: g, end: end, target: terminal | index}
	m.lengths = make([]int32, len(g.costs))
	m.length(0)
	end.witness = Witness{
		Tape:        m.tape(),
		Preemptions: int(end.level), Switches: int(end.cost >> 32), Steps: int(uint32(end.cost)),
		Minimal: true,
	}
}

// A minimizer finds the shortlex-least tape among the cheapest paths to an
// ending.
type minimizer struct {
	*graph
	end    *ending
	target uint32
	// lengths[id] is 2 + the length of the shortest canonical tape that leads
	// from node id to the ending, or one of the marks below.
	lengths []int32
}

const (
	notYet   = 0 // not computed
	deadEnd  = 1 // no cheapest path leads through the node
	atTarget = 2 // it takes calm decisions only
)

// length returns and stores m.lengths[id]. The depth of the recursion is the
// number of decisions of an execution. Steps cost, so cheapest paths have no
// cycles, but for a model that goes round within one; deadEnd keeps it out.
func (m *minimizer) length(id uint32) int32 {
	if l := m.lengths[id]; l != notYet {
		return l
	}
	best := int32(deadEnd)
	m.lengths[id] = best
	nd := m.node(id)
	for alt := range m.alternatives(nd) {
		if l := m.via(id, alt); l > deadEnd && (best == deadEnd || l < best) {
			best = l
		}
	}
	m.lengths[id] = best
	return best
}

// via is length for the tapes that take the given alternative first. What leads to a higher
// level than that of the ending is not looked at: workers may be about it.
func (m *minimizer) via(id uint32, alt int) int32 {
	nd := m.node(id)
	level := nd.level
	if alt >= nd.calm() {
		level++
	}
	if level > m.end.level {
		return deadEnd
	}
	ed := &m.alternatives(nd)[alt]
	cost, rest := m.costs[id]+ed.cost(), int32(deadEnd)
	switch {
	case cost > m.end.cost:
	case ed.to == m.target:
		if level == m.end.level && cost == m.end.cost {
			rest = atTarget
		}
	case ed.to == unexpanded || ed.to >= uint32(len(m.costs)):
	case level == m.node(ed.to).level && cost == m.costs[ed.to]:
		rest = m.length(ed.to)
	}
	if rest == deadEnd || id == 0 || rest == atTarget && alt == 0 {
		return rest // node 0 is no decision; zeros at the end are not written
	}
	return rest + 1
}

// tape returns that tape, once the lengths are known.
func (m *minimizer) tape() schedule.Tape {
	s := schedule.Tape{}
	for id := m.edge(claimed{}).to; id < terminal; {
		for alt := range m.alternatives(m.node(id)) {
			if m.via(id, alt) == m.lengths[id] {
				s = append(s, uint8(alt))
				id = m.edge(claimed{id, uint8(alt)}).to
				break
			}
		}
	}
	return s.Canonical()
}
