package explore

import "math/bits"

// Counting on, beyond the bound that exhausted the graph.
//
// What count.go does with one number of preemptions at a time takes a pass over the graph
// for each, and a pass waits for memory more than it adds. Where all edges lead forward in
// one order, those that are preemptions too, a pass can do several numbers: when a node's
// turn comes, P(j, v) is final for each of them. And the graph can be laid out in that order.

// A layout is the targets of the edges of an exhausted graph without cycles, its nodes
// numbered in topological order: node i, in the graph order[i], has those from first[i] to
// first[i+1], of which the ones before calm[i] are no preemptions. To an ending it has what
// an [edge] has.
type layout struct {
	order, first, calm []uint32
	to                 []uint32
}

// layOut returns the layout of the graph, which must be exhausted (Kahn's algorithm, last
// come first served like sortLevel). It returns nil if there is a cycle: then there is no
// end of executions.
func (g *graph) layOut() *layout {
	in := make([]uint32, g.size) // edges from nodes without a place
	for id := range g.size {
		for _, ed := range g.alternatives(g.node(id)) {
			if ed.to < terminal {
				in[ed.to]++
			}
		}
	}
	l := &layout{
		order: make([]uint32, 0, g.size), first: make([]uint32, 1, g.size+1),
		calm: make([]uint32, 0, g.size), to: make([]uint32, 0, g.alts),
	}
	ready := []uint32{0} // everything is reached from node 0
	for len(ready) > 0 {
		id := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		l.order = append(l.order, id)
		nd := g.node(id)
		l.calm = append(l.calm, uint32(len(l.to)+nd.calm()))
		for _, ed := range g.alternatives(nd) {
			l.to = append(l.to, ed.to)
			if ed.to >= terminal {
				continue
			}
			if in[ed.to]--; in[ed.to] == 0 {
				ready = append(ready, ed.to)
			}
		}
		l.first = append(l.first, uint32(len(l.to)))
	}
	if len(l.order) < int(g.size) {
		return nil
	}
	place := in
	for i, id := range l.order {
		place[id] = uint32(i)
	}
	for i, to := range l.to {
		if to < terminal {
			l.to[i] = place[to]
		}
	}
	return l
}

// lanes is how many numbers of preemptions a pass counts.
const lanes = 4

// A lane is P(j, v) for so many j in a row.
type lane [lanes]uint64

// A laneCounter is a [counter] of several numbers of preemptions.
type laneCounter struct {
	*graph
	*layout
	before []uint64 // P(j-1, v) for the first j
	next   []lane
	ends   []lane // of each ending
	total  lane
	over   uint // set of lanes
}

// newLaneCounter returns one that goes on from what countNext has counted.
func (g *graph) newLaneCounter(l *layout) *laneCounter {
	c := &laneCounter{graph: g, layout: l}
	c.before, c.next = make([]uint64, len(l.order)), make([]lane, len(l.order))
	c.ends = make([]lane, len(g.known))
	for i, id := range l.order {
		if int(id) < len(g.prefix) {
			c.before[i] = g.prefix[id]
		}
	}
	return c
}

// count is countNext for several numbers of preemptions, none above last. It reports false if
// that was all.
func (c *laneCounter) count(last int) bool {
	if c.graph.over {
		return false
	}
	c.pass()
	first := len(c.counts)
	for j := range lanes {
		if first+j > last {
			return false
		}
		c.graph.over = c.over>>j&1 != 0
		if c.graph.over || c.total[j] == 0 {
			return false
		}
		for i := range c.ends {
			c.known[i].count(first+j, c.ends[i][j])
		}
		c.counts = append(c.counts, c.total[j])
	}
	for i := range c.next {
		c.before[i] = c.next[i][lanes-1]
	}
	return true
}

// pass counts the next numbers.
func (c *laneCounter) pass() {
	clear(c.next)
	clear(c.ends)
	c.total, c.over = lane{}, 0
	for i, before := range c.before {
		n := &c.next[i]
		if before == 0 && *n == (lane{}) {
			continue
		}
		for _, to := range c.to[c.first[i]:c.calm[i]] {
			c.add(to, n)
		}
		later := lane{before} // for edges that are preemptions
		copy(later[1:], n[:])
		for _, to := range c.to[c.calm[i]:c.first[i+1]] {
			c.add(to, &later)
		}
	}
}

// add adds n to the target of an edge.
func (c *laneCounter) add(to uint32, n *lane) {
	if to < terminal {
		c.sum(&c.next[to], n)
		return
	}
	c.sum(&c.ends[to&^terminal], n)
	c.sum(&c.total, n)
}

func (c *laneCounter) sum(sum, n *lane) {
	for j := range sum {
		s, carry := bits.Add64(sum[j], n[j], 0)
		sum[j] = s
		c.over |= uint(carry) << j
	}
}
