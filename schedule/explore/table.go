package explore

import (
	"math"
	"sync/atomic"
	"unsafe"
)

// What workers read without a lock.
//
// Most of what a worker does with the graph is to look: for a node by its key, for an
// alternative that is left, for where an edge leads. Nothing that it looks at ever moves,
// goes away or is written a second time, but for one number of each node. So it needs no
// lock for that. It takes one (search.mu) to add a node, which is one decision of many.
//
// Who writes what, while workers work:
//
//   - Numbers of nodes and edges, chunks, the table and its slots: who holds mu.
//   - A node: who adds it, holding mu, before any other can see it; then nobody, but for
//     taken.
//   - taken: anybody, by compare-and-swap (claim). Who moves it from i to i+1 owns
//     alternative i.
//   - An edge: its owner, once, to last (link). An owner that comes to no end of it leaves
//     it as it was and hands it on: in its own list of dropped edges, or at a checkpoint.
//
// Why that is enough: atomic loads and stores of Go are sequentially consistent, and a
// load that sees a store comes after it, with all that the storing goroutine did or had
// seen before. By induction over the order of additions, whoever has the number of a node
// sees the node and all of the way by which it was discovered, nodes and edges. It has the
// number
//
//   - from a slot of the table: discover fills in the node, then the edge that led to it,
//     then stores the slot, atomically. The beginning of the way it had seen itself;
//   - from the end of an edge: link stores it, atomically, after the node is filled in. The
//     rest of the way is what its reader came by;
//   - from a queue, under mu, or from the parent of a node, which is on its way.
//
// The directory of chunks is stored, atomically, before any number is given out that it is
// needed for. Steps and switches of an edge are read by who has seen its end, or by way of
// the node that was discovered by it.
//
// So what find returns is right. That it finds nothing proves nothing: the slot may be
// stored a moment later, or in a table that has replaced the one that was looked at. Then
// discover looks again, holding mu, which all nodes are added under.
//
// What is computed at the end of a bound (finishLevel, with count.go and minimal.go) uses
// none of this, though workers may be about the next bound by then. sync.WaitGroup orders
// before it what they did in the bound and in those before. Of that it reads what nobody
// writes any more: the nodes of finished levels, but not taken, and the edges that belong to
// finished bounds, which are complete. It does not read size or endings, which grow, but
// starts and known. What it computes, workers do not look at. While total.go and lanes.go
// count at the end of the last bound, there are no workers.

// chunkLen is how many nodes or edges are allocated together: few enough for the many
// programs that have some hundred, and so many that the directory of ten million nodes
// stays in the cache.
const chunkLen = 1 << 11

// chunks is an array that grows without moving what is in it.
type chunks[T any] struct {
	dir atomic.Pointer[[]*[chunkLen]T]
}

// chunk returns the chunk that the element i is in, at i%chunkLen.
func (c *chunks[T]) chunk(i uint32) *[chunkLen]T { return (*c.dir.Load())[i/chunkLen] }

// len returns for how many elements there is room.
func (c *chunks[T]) len() uint32 {
	if dir := c.dir.Load(); dir != nil {
		return uint32(len(*dir)) * chunkLen
	}
	return 0
}

// grow adds a chunk. Only one goroutine may do so at a time. Appending to what others
// read is no conflict: what they know of the directory ends before.
func (c *chunks[T]) grow() {
	var dir []*[chunkLen]T
	if old := c.dir.Load(); old != nil {
		dir = *old
	}
	dir = append(dir, new([chunkLen]T))
	c.dir.Store(&dir)
}

// node returns the node with a number.
func (g *graph) node(id uint32) *node { return &g.nodes.chunk(id)[id%chunkLen] }

// alternatives returns the edges of nd, which are in one chunk.
func (g *graph) alternatives(nd *node) []edge {
	at := nd.edge % chunkLen
	return g.edges.chunk(nd.edge)[at : at+uint32(nd.n)]
}

// edge returns an edge.
func (g *graph) edge(c claimed) *edge { return &g.alternatives(g.node(c.Node))[c.Alt] }

// find returns the node with key k, or 0 if it is not known. A key is a hash already: its
// low bits are as good as any.
func (g *graph) find(k key) uint32 {
	table := *g.table.Load()
	mask := uint32(len(table) - 1)
	for i := uint32(k.lo) & mask; ; i = (i + 1) & mask {
		id := atomic.LoadUint32(&table[i])
		if id == 0 || g.node(id).key == k {
			return id
		}
	}
}

// add adds nd with n unexpanded edges, for find not to be found before it is published.
// There must be room, see reserve.
func (g *graph) add(nd node) uint32 {
	id := g.size
	nd.edge = g.room(int(nd.n))
	*g.node(id) = nd
	g.size++
	g.alts += int(nd.n)
	g.free = nd.edge + uint32(nd.n)
	return id
}

// publish has find return node id.
func (g *graph) publish(id uint32) { enter(*g.table.Load(), g.node(id).lo, id) }

// enter puts a node that is not there into a table.
func enter(table []uint32, hash uint64, id uint32) {
	mask := uint32(len(table) - 1)
	i := uint32(hash) & mask
	for table[i] != 0 {
		i = (i + 1) & mask
	}
	atomic.StoreUint32(&table[i], id)
}

// room returns the number that the first of n edges will have: they are in one chunk.
func (g *graph) room(n int) uint32 {
	if left := -g.free % chunkLen; uint32(n) > left && left > 0 {
		return g.free + left
	}
	return g.free
}

// What a graph takes: a node, an edge, a place in the table, and what the passes at the
// end of a bound (count.go, lanes.go, minimal.go, total.go) need for each node.
const (
	nodeBytes = int64(unsafe.Sizeof(node{}))
	edgeBytes = int64(unsafe.Sizeof(edge{}))
	slotBytes = 4
	passBytes = 112
)

// bytes returns how much memory the graph takes, and will take at the end of the bound.
func (g *graph) bytes() int64 {
	return int64(g.nodes.len())*nodeBytes + int64(g.edges.len())*edgeBytes +
		int64(len(*g.table.Load()))*slotBytes + int64(g.size)*passBytes
}

// reserve makes room for one more node with n alternatives. It reports false if that
// takes more than limit bytes, unless limit is 0, or more edges than have numbers.
func (g *graph) reserve(n int, limit int64) bool {
	last := uint64(g.room(n)) + uint64(n) // one less is the last edge
	if last > math.MaxUint32-chunkLen {
		return false
	}
	nodes, edges := g.size >= g.nodes.len(), uint32(last) > g.edges.len()
	slots := len(*g.table.Load())
	table := int(g.size) >= slots/4*3
	if limit > 0 {
		need := g.bytes() + passBytes
		if nodes {
			need += chunkLen * nodeBytes
		}
		if edges {
			need += chunkLen * edgeBytes
		}
		if table {
			need += 2 * slotBytes * int64(slots)
		}
		if need > limit {
			return false
		}
	}
	if nodes {
		g.nodes.grow()
	}
	if edges {
		g.edges.grow()
	}
	if table {
		g.rehash(2 * slots)
	}
	return true
}

// rehash makes a table of so many slots, a power of 2. The keys are in the nodes.
func (g *graph) rehash(slots int) {
	table := make([]uint32, slots)
	for id := uint32(1); id < g.size; id++ {
		enter(table, g.node(id).lo, id)
	}
	g.table.Store(&table)
}
