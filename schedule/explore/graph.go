package explore

import (
	"maps"
	"math/big"
	"slices"
	"sync"
	"sync/atomic"

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
	if set := e.Enabled(); !set.Empty() {
		mark = 1
		if last := e.Last(); last != nil && set.Has(last.ID) {
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
	taken   uint32 // alternatives that were taken, from 0; see claim
	enabled uint16 // fold of the set of threads; 0: Choose
	n       uint8  // alternatives
	alt     uint8  // of parent
	preempt bool   // alternatives other than 0 are preemptions
}

// fold makes a set of threads fit a node. Of up to 16 threads it is the set; of more, sets
// that differ may be folded alike, which leaves a wrong node to be told by the others of
// its kind. Only the empty set is 0.
func fold(set schedule.Set) uint16 {
	lo, hi := set.Words()
	lo ^= hi
	small := uint16(lo ^ lo>>16 ^ lo>>32 ^ lo>>48)
	if small == 0 && !set.Empty() {
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
	counts  []uint64 // executions with exactly so many preemptions
	level   uint32   // the fewest preemptions
	first   claimed  // the edge by which it was first met
	cost    uint64   // of the cheapest way to it, see minimal.go
	all     *big.Int // executions; nil: not known
	witness Witness  // the first met; the minimal one once its level is finished
}

// A graph is what has been explored. The nodes of one level, those that need
// the same number of preemptions, lie together, in the order of discovery:
// everything in count.go and minimal.go goes level by level. Edges without
// preemption never lead to a higher level, and the others to the next at most.
type graph struct {
	nodes chunks[node]
	edges chunks[edge]

	// table finds nodes by key: open addressing, 0 is free. It costs 5 to 11
	// bytes a node beside the keys, which nodes hold anyway.
	table atomic.Pointer[[]uint32]
	byCat atomic.Pointer[map[Category]uint32] // replaced when there is one more

	_ [cacheLine]byte // above is what all workers read all the time

	size uint32 // nodes, node 0 included
	alts int    // edges; at the end of a chunk some numbers may be left out
	free uint32 // the number that the next edge may have

	starts  []uint32 // the first node of each level
	endings []*ending

	// From here on is what finished levels come to. Workers neither read nor write it, so
	// that it can be computed while they are in the next level already.
	known  []*ending // endings, up to the level finished last
	order  []uint32  // nodes, topologically sorted within each finished level
	costs  []uint64  // of the cheapest way to each node, see minimal.go
	cycle  Cycle     // in the finished levels
	counts []uint64  // executions with exactly so many preemptions
	over   bool      // the next one does not fit
	all    *big.Int  // executions; nil: not known
	prefix []uint64  // prefixes that lead to each node with len(counts)-1 preemptions
	spare  []uint64  // the next prefix
}

// cacheLine is how far apart two things are that must not share a line of the cache.
const cacheLine = 64

func newGraph() *graph {
	g := &graph{starts: []uint32{0}}
	g.byCat.Store(&map[Category]uint32{})
	g.rehash(1 << 10)
	g.reserve(1, 0)
	g.add(node{n: 1})
	return g
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
	if level+1 < len(g.starts) {
		return g.starts[level], g.starts[level+1]
	}
	return g.starts[level], g.size
}

// path appends to s the decisions that lead to the node id: its own way, by
// which it was discovered.
func (g *graph) path(s schedule.Tape, id uint32) schedule.Tape {
	from := len(s)
	for nd := g.node(id); nd.parent != 0; nd = g.node(nd.parent) {
		s = append(s, nd.alt)
	}
	slices.Reverse(s[from:])
	return s
}

// witness returns the execution that goes its own way to an edge that leads to an
// ending.
func (g *graph) witness(last claimed, preemptions int) Witness {
	w := Witness{Preemptions: preemptions, Tape: schedule.Tape{}}
	if last.Node != 0 {
		w.Tape = append(g.path(w.Tape, last.Node), last.Alt).Canonical()
	}
	for {
		ed := g.edge(last)
		w.Steps += int(ed.steps)
		w.Switches += int(ed.switches)
		if last.Node == 0 {
			return w
		}
		nd := g.node(last.Node)
		last = claimed{nd.parent, nd.alt}
	}
}

// meetEnding adds a category, met first by the given edge, and returns its number.
func (g *graph) meetEnding(c Category, level int, first claimed) uint32 {
	i := uint32(len(g.endings))
	byCat := maps.Clone(*g.byCat.Load())
	byCat[c] = i
	g.byCat.Store(&byCat)
	g.endings = append(g.endings, &ending{
		Category: c, level: uint32(level), first: first, cost: unreached,
	})
	return i
}

// finishLevel computes what is final once a level is finished, in the order of levels. Of
// nodes it reads those of this level and of lower ones, and of edges those that belong to
// this bound or a lower one: none of them will be written again. The price and the number
// of executions share nothing but the order, so two may compute them.
func (g *graph) finishLevel(level int, two bool) {
	g.sortLevel(level)
	var wg sync.WaitGroup
	if two {
		wg.Go(func() { g.priceLevel(level) })
	} else {
		g.priceLevel(level)
	}
	if g.cycle != CalmCycle {
		g.countNext()
	}
	wg.Wait()
}
