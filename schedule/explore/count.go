package explore

import "math/bits"

// Counting the executions with exactly j preemptions.
//
// An execution is a path through the graph from node 0 to an ending. Let
// P(j, v) be the number of paths from node 0 to v that take j preemptions. It
// is the sum of P(j, u) over the edges u-v that are none, and of P(j-1, u)
// over those that are. So the numbers for j follow from those for j-1 in one pass,
// if the nodes are visited in an order in which edges without preemption lead
// forward; where they form a cycle, there is nothing to count.
//
// Such an order need not be made anew for each j. Edges without preemption
// never lead to a higher level: sorting each level once, when it is finished,
// and visiting the highest level first, will do.
//
// Words of 64 bits are enough to find out that they are not. Every path to a
// node goes on calmly to some ending, with no more preemptions: P(j, v) is at most
// the number of executions with j preemptions, and does not overflow before it.

// sortLevel appends the nodes of a level that has just been finished to
// g.order, sorted by the edges without preemption (Kahn's algorithm). If they
// form a cycle, the nodes it keeps from being sorted come last, as discovered.
//
// Of the nodes that may be next it takes the one that became so last. Then those of one
// execution follow each other, as they do in the graph and in what is computed for each
// node, and passes wait for memory half as long as if the first came first.
func (g *graph) sortLevel(level int) {
	from, to := g.span(level)
	inner := make([]uint32, to-from) // edges from unsorted nodes of the level
	for id := from; id < to; id++ {
		g.targets(id, from, to, func(id uint32) { inner[id-from]++ })
	}
	var ready []uint32
	for id := to; id > from; id-- {
		if inner[id-1-from] == 0 {
			ready = append(ready, id-1)
		}
	}
	for len(ready) > 0 {
		id := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		g.order = append(g.order, id)
		g.targets(id, from, to, func(id uint32) {
			if inner[id-from]--; inner[id-from] == 0 {
				ready = append(ready, id)
			}
		})
	}
	if len(g.order) == int(to) {
		return
	}
	g.cycle = CalmCycle
	for id := from; id < to; id++ {
		if inner[id-from] > 0 {
			g.order = append(g.order, id)
		}
	}
}

// targets calls f with the target of every edge of id without preemption that
// leads to a node of a range.
func (g *graph) targets(id, from, to uint32, f func(id uint32)) {
	nd := g.node(id)
	for _, ed := range g.alternatives(nd)[:nd.calm()] {
		if from <= ed.to && ed.to < to {
			f(ed.to)
		}
	}
}

// countNext counts the executions with one preemption more than were counted
// last, starting from 0. It reports false, and counts nothing, if there are
// none or if their number does not fit. All edges that such executions take
// must have been taken.
func (g *graph) countNext() bool {
	if g.over {
		return false
	}
	c := counter{graph: g, next: g.spare}
	c.ends = make([]uint64, len(g.known))
	c.next = append(c.next[:0], make([]uint64, len(g.order))...)
	if len(g.counts) == 0 {
		c.next[0] = 1
	}
	c.preemptions()
	c.calm()
	if c.over || c.total == 0 {
		g.over = c.over
		return false
	}
	for i, n := range c.ends {
		g.known[i].count(len(g.counts), n)
	}
	g.counts = append(g.counts, c.total)
	g.prefix, g.spare = c.next, g.prefix
	return true
}

// count notes how many executions with so many preemptions end there.
func (end *ending) count(preemptions int, n uint64) {
	for len(end.counts) < preemptions {
		end.counts = append(end.counts, 0)
	}
	end.counts = append(end.counts, n)
}

// A counter computes P(j, v) in next from P(j-1, v) in the graph's prefix.
type counter struct {
	*graph
	next  []uint64
	ends  []uint64 // of each ending
	total uint64
	over  bool
}

// preemptions adds the edges that are preemptions: they lead from the numbers
// of one preemption less, so no order is needed.
func (c *counter) preemptions() {
	for id, n := range c.prefix {
		if nd := c.node(uint32(id)); n > 0 && nd.preempt {
			c.spread(c.alternatives(nd)[1:], n)
		}
	}
}

// calm adds the others, nodes in topological order: when a node's turn comes, all
// that leads to it has been added. Executions with j preemptions stay within
// the levels up to j.
func (c *counter) calm() {
	for level := min(len(c.counts), len(c.starts)-1); level >= 0; level-- {
		from, to := c.span(level)
		for _, id := range c.order[from:to] {
			if n := c.next[id]; n > 0 {
				nd := c.node(id)
				c.spread(c.alternatives(nd)[:nd.calm()], n)
			}
		}
	}
}

// spread adds n to the targets of the edges.
func (c *counter) spread(edges []edge, n uint64) {
	for _, ed := range edges {
		if ed.to < terminal {
			c.add(&c.next[ed.to], n)
			continue
		}
		c.add(&c.ends[ed.to&^terminal], n)
		c.add(&c.total, n)
	}
}

// add adds n to a sum, and remembers if that does not fit.
func (c *counter) add(sum *uint64, n uint64) {
	s, carry := bits.Add64(*sum, n, 0)
	*sum = s
	c.over = c.over || carry != 0
}
