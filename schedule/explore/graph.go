package explore

import (
	"math"
	"math/big"
	"unsafe"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A key says which node a decision belongs to: the hash of the state, with what
// else the future depends on.
type key struct{ lo, hi uint64 }

// keyOf returns the key of the decision that e has come to.
//
// What is decided, and what each alternative leads to, is a function of the
// state and of two things more. The first is the running thread: whether
// alternative 1 is a preemption, and who alternative 0 is. The second matters to
// the number of context switches only: an agent that has just finished a piece
// of work and is ready for the next is not the running thread, but going on
// with it is no switch. Both are said by the thread that took the last step, if
// it is enabled, and by none otherwise: any alternative is a switch then.
//
// At a Choose the state is that of the middle of a step. A mark of its own
// keeps it apart from all scheduling decisions. No more is needed: who is asking
// and for the how-manieth time within the step are part of the observations,
// which the beginning of the step moved on and every answer is mixed into. (The
// step's last answer is mixed in too, so its end is another state.)
//
// The mark is added to the second lane. Nodes of one state never collide by
// it, and the chance for others stays what it was.
func keyOf(e *schedule.Exec) key {
	s := e.State()
	const golden = 0x9e3779b97f4a7c15 // odd: multiples of it differ
	mark := uint64(0)
	if set := e.Enabled(); set != 0 {
		mark = 1
		if last := e.Last(); last != nil && set>>last.ID&1 != 0 {
			mark = 2 + uint64(last.ID)
		}
	}
	return key{s.Lo, s.Hi + mark*golden}
}

// A node is a decision still to be taken. Node 0 is none: it is the beginning,
// its only edge leads to the first decision.
type node struct {
	key
	edge    uint32 // the first of its edges, in order of alternatives
	parent  uint32 // by which it was discovered, with the fewest preemptions
	level   uint32 // the fewest preemptions
	enabled uint16 // fold of the set of threads; 0: Choose
	n       uint8  // alternatives
	alt     uint8  // of parent
	taken   uint8  // alternatives that were taken, from 0
	preempt bool   // alternatives other than 0 are preemptions
}

// fold makes a set of threads fit a node. Of up to 16 threads it is the set; of more, sets
// that differ may be folded alike, which leaves a wrong node to be told by the others of
// its kind. Only the empty set is 0.
func fold(set uint64) uint16 {
	small := uint16(set ^ set>>16 ^ set>>32 ^ set>>48)
	if small == 0 && set != 0 {
		return 1
	}
	return small
}

// An edge is one alternative of a node, and what happens until the next.
type edge struct {
	to       uint32 // a node, terminal|index of an ending, or unexpanded
	steps    uint32
	switches uint32
}

const (
	unexpanded = 0 // nothing leads to node 0
	terminal   = 1 << 31
	// maxGraph is the most nodes that Options.MaxNodes can ask for.
	maxGraph = terminal - 1
)

// An ending is a category as it is being explored.
type ending struct {
	Category
	counts  []uint64  // executions with exactly so many preemptions
	level   uint32    // the fewest preemptions
	first   claimed   // the edge by which it was first met
	way     []claimed // of the minimal witness: all its decisions
	cost    uint64    // of the cheapest way to it, see minimal.go
	all     *big.Int  // executions; nil: not known
	witness Witness   // the first met; the minimal one once its level is finished
}

// A graph is what has been explored. The nodes of one level, those that need
// the same number of preemptions, lie together, in the order of discovery:
// everything in count.go and minimal.go goes level by level. Edges without
// preemption never lead to a higher level, and the others to the next at most.
type graph struct {
	nodes   []node
	edges   []edge
	starts  []uint32 // the first node of each level
	endings []ending
	byCat   map[Category]uint32

	// table finds nodes by key: open addressing, 0 is free. It costs 4 to 8
	// bytes a node beside the keys, which nodes hold anyway.
	table []uint32

	order  []uint32 // nodes, topologically sorted within each finished level
	costs  []uint64 // of the cheapest way to each node, see minimal.go
	cycle  Cycle    // in the finished levels
	counts []uint64 // executions with exactly so many preemptions
	over   bool     // the next one does not fit
	all    *big.Int // executions; nil: not known
	prefix []uint64 // prefixes that lead to each node with len(counts)-1 preemptions
	spare  []uint64 // the next prefix
}

func newGraph() *graph {
	return &graph{
		nodes:  []node{{n: 1}},
		edges:  []edge{{}},
		starts: []uint32{0},
		byCat:  make(map[Category]uint32),
		table:  make([]uint32, 1<<10),
	}
}

// find returns the node with key k and true, or the place in the table where
// it belongs. A key is a hash already: its low bits are as good as any.
func (g *graph) find(k key) (at uint32, known bool) {
	mask := uint32(len(g.table) - 1)
	for i := uint32(k.lo) & mask; ; i = (i + 1) & mask {
		id := g.table[i]
		if id == 0 {
			return i, false
		}
		if g.nodes[id].key == k {
			return id, true
		}
	}
}

// add adds nd with n unexpanded edges. There must be room, see reserve.
func (g *graph) add(nd node) uint32 {
	id := uint32(len(g.nodes))
	nd.edge = uint32(len(g.edges))
	slot, _ := g.find(nd.key)
	g.table[slot] = id
	g.nodes = append(g.nodes, nd)
	for range nd.n {
		g.edges = append(g.edges, edge{})
	}
	return id
}

// What a graph takes: a node, an edge, a place in the table, and what the passes at the
// end of a bound (count.go, minimal.go, total.go) need for each node.
const (
	nodeBytes = int64(unsafe.Sizeof(node{}))
	edgeBytes = int64(unsafe.Sizeof(edge{}))
	slotBytes = 4
	passBytes = 64
)

// bytes returns how much memory the graph takes, and will take at the end of the bound.
func (g *graph) bytes() int64 {
	return int64(cap(g.nodes))*(nodeBytes+passBytes) + int64(cap(g.edges))*edgeBytes +
		int64(len(g.table))*slotBytes
}

// reserve makes room for one more node with n alternatives. It reports false if that
// takes more than limit bytes, copying included, unless limit is 0, or more edges than
// have numbers.
func (g *graph) reserve(n int, limit int64) bool {
	if limit == 0 {
		limit = math.MaxInt64
	}
	if len(g.edges)+n > math.MaxUint32 {
		return false
	}
	if len(g.nodes) == cap(g.nodes) {
		room := (limit - g.bytes()) / (2*nodeBytes + passBytes)
		more, ok := growth(cap(g.nodes), 1, room)
		if !ok {
			return false
		}
		g.nodes = append(make([]node, 0, more), g.nodes...)
	}
	if len(g.edges)+n > cap(g.edges) {
		more, ok := growth(cap(g.edges), n, (limit-g.bytes())/(2*edgeBytes))
		if !ok {
			return false
		}
		g.edges = append(make([]edge, 0, more), g.edges...)
	}
	if len(g.nodes) >= len(g.table)/4*3 {
		if limit-g.bytes() < 2*slotBytes*int64(len(g.table)) {
			return false
		}
		g.grow()
	}
	return true
}

// growth returns the next capacity of an array that needs at least n places more: half
// as much again or, near the limit, less. Copying keeps both arrays, so the new one may
// have at most the present capacity and half of room.
func growth(capacity, n int, room int64) (more int, ok bool) {
	for _, by := range []int{capacity/2 + 1024, capacity/8 + 1024, capacity/32 + 1024} {
		if by = max(by, n); int64(capacity)/2+int64(by) <= room {
			return capacity + by, true
		}
	}
	return 0, false
}

// grow doubles the table. The keys are in the nodes, so it is made anew.
func (g *graph) grow() {
	g.table = make([]uint32, 2*len(g.table))
	for id := 1; id < len(g.nodes); id++ {
		slot, _ := g.find(g.nodes[id].key)
		g.table[slot] = uint32(id)
	}
}

// alternatives returns the edges of nd.
func (g *graph) alternatives(nd *node) []edge {
	return g.edges[nd.edge : nd.edge+uint32(nd.n)]
}

// calm returns how many of nd's alternatives, from the first, take no
// preemption.
func (nd *node) calm() int {
	if nd.preempt {
		return 1
	}
	return int(nd.n)
}

// span returns the nodes of a level as a range.
func (g *graph) span(level int) (from, to uint32) {
	to = uint32(len(g.nodes))
	if level+1 < len(g.starts) {
		to = g.starts[level+1]
	}
	return g.starts[level], to
}

// path appends to s the decisions that lead to the node id: its own way, by
// which it was discovered.
func (g *graph) path(s schedule.Tape, id uint32) schedule.Tape {
	from := len(s)
	for ; g.nodes[id].parent != 0; id = g.nodes[id].parent {
		s = append(s, g.nodes[id].alt)
	}
	for i, j := from, len(s)-1; i < j; i, j = i+1, j-1 {
		s[i], s[j] = s[j], s[i]
	}
	return s
}

// witness returns the execution that goes its own way to an edge that leads to an
// ending.
func (g *graph) witness(last claimed, preemptions int) Witness {
	id, alt := last.Node, last.Alt
	w := Witness{Preemptions: preemptions, Tape: schedule.Tape{}}
	if id != 0 {
		w.Tape = append(g.path(w.Tape, id), alt).Canonical()
	}
	for {
		ed := &g.edges[g.nodes[id].edge+uint32(alt)]
		w.Steps += int(ed.steps)
		w.Switches += int(ed.switches)
		if id == 0 {
			return w
		}
		id, alt = g.nodes[id].parent, g.nodes[id].alt
	}
}

// meetEnding adds a category, met first by the given edge, and returns its number.
func (g *graph) meetEnding(c Category, level int, first claimed) uint32 {
	i := uint32(len(g.endings))
	g.byCat[c] = i
	g.endings = append(g.endings, ending{
		Category: c, level: uint32(level), first: first, cost: unreached,
	})
	return i
}

// finishLevel computes what is final once a level is finished, in the order of levels.
func (g *graph) finishLevel(level int) {
	g.sortLevel(level)
	g.priceLevel(level)
	if g.cycle != CalmCycle {
		g.countNext()
	}
}
