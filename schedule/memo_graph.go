package schedule

import "fmt"

// A memoGraph is what a [Memo] keeps: decisions and ends, and what leads from one to the next.
// Numbers of nodes and edges count from 1.
type memoGraph struct {
	nodes  []memoNode
	edges  []memoEdge
	events []memoEvent
	slots  []uint32 // numbers of nodes, by key: open addressing, at most half full
	ops    []Op
	opNum  map[Op]uint32
	cells  map[cellKey]*Cell
}

// firstEdge is the edge before the first decision.
const firstEdge = 1

// A memoNode is a decision, or the end of an execution.
type memoNode struct {
	state, memory uint64
	enabled       Set    // empty in Choose, and at the end
	first         uint32 // of its edges
	n             uint8  // how many; 0: the end
}

// A memoEdge is an alternative, and what happens up to the next node: event by event, for
// who is shown steps, and all at once, for who is not.
type memoEdge struct {
	to       uint32 // 0: not known
	first, n uint32 // events, of each step; after these one for each thread, what it ends as
	steps    uint32 // among them
	switches uint32 // from one of them to the next
	threads  uint8  // that have an event
	// Threads, or nobody: who takes the first step, which may be a switch; who ends the last;
	// and who has not ended it, since it is in Choose.
	taker, last, within uint8
}

// nobody is no thread.
const nobody = MaxThreads

// A memoEvent is what becomes of a thread.
type memoEvent struct {
	op     uint32
	named  bool // op is its operation from now on; else it has the one that it had
	what   what
	thread uint8
	state  threadState
}

type what uint8

const (
	takes  what = iota // a step, which is shown
	starts             // the first of an agent, which does not say yet what it is
	says               // what that is
	rests              // it has taken its step
	passes             // takes it and rests: nothing happens between, and op and state are those after
)

// begins reports whether a step begins.
func (w what) begins() bool { return w == takes || w == starts || w == passes }

// ends reports whether a step ends.
func (w what) ends() bool { return w == rests || w == passes }

type cellKey struct {
	id   uint64
	kind string
}

func (g *memoGraph) init() {
	*g = memoGraph{
		nodes: make([]memoNode, 1), edges: make([]memoEdge, firstEdge+1),
		slots: make([]uint32, 1<<8), opNum: map[Op]uint32{}, cells: map[cellKey]*Cell{},
	}
}

// key returns what a node is known by. A Choose is decided within a step, in a state that may
// be one between steps too.
func (nd *memoNode) key() uint64 {
	switch {
	case nd.n == 0:
		return nd.state + 1
	case nd.enabled.Empty():
		return ^nd.state
	}
	return nd.state
}

// slot returns the slot of a node with that key, or the free one where it belongs.
func (g *memoGraph) slot(key uint64) *uint32 {
	mask := uint64(len(g.slots) - 1)
	for i := key >> 32; ; i++ { // keys are hashes
		s := &g.slots[i&mask]
		if *s == 0 || g.nodes[*s].key() == key {
			return s
		}
	}
}

// find returns the number of the node that has the key of nd, or 0.
func (g *memoGraph) find(nd memoNode) uint32 {
	id := *g.slot(nd.key())
	if has := &g.nodes[id]; id != 0 && (has.n != nd.n || has.enabled != nd.enabled) {
		panic(fmt.Sprintf("schedule: %d alternatives of threads %v, which were %d of %v in the same "+
			"state: what do they depend on that is in no cell?", nd.n, nd.enabled, has.n, has.enabled))
	}
	return id
}

// record adds what has happened as the events of an edge that leads to a node.
func (g *memoGraph) record(to uint32, events []memoEvent) memoEdge {
	edge := memoEdge{
		to: to, first: uint32(len(g.events)), n: uint32(len(events)),
		taker: nobody, last: nobody, within: nobody,
	}
	g.events = append(g.events, events...)
	ends := len(g.events)
	for _, ev := range events {
		if ev.what.begins() {
			switch {
			case edge.last == nobody:
				edge.taker = ev.thread
			case edge.last != ev.thread:
				edge.switches++
			}
			edge.steps++
			edge.within = ev.thread
		}
		if ev.what.ends() {
			edge.last, edge.within = ev.thread, nobody
		}
		i := ends
		for i < len(g.events) && g.events[i].thread != ev.thread {
			i++
		}
		if i == len(g.events) {
			g.events = append(g.events, ev)
			continue
		}
		end := &g.events[i]
		end.state = ev.state
		if ev.named {
			end.op, end.named = ev.op, true
		}
	}
	edge.threads = uint8(len(g.events) - ends)
	return edge
}

// add adds a node.
func (g *memoGraph) add(nd memoNode) uint32 {
	id := uint32(len(g.nodes))
	nd.first = uint32(len(g.edges))
	g.nodes = append(g.nodes, nd)
	for range nd.n {
		g.edges = append(g.edges, memoEdge{})
	}
	if 2*len(g.nodes) > len(g.slots) {
		g.slots = make([]uint32, 2*len(g.slots))
		for id := range uint32(len(g.nodes)) {
			*g.slot(g.nodes[id].key()) = id
		}
		return id
	}
	*g.slot(nd.key()) = id
	return id
}

// number returns the number of an operation.
func (g *memoGraph) number(op Op) uint32 {
	if c := op.Cell; c != nil && c.obj != nil {
		op.Cell = g.cell(c)
	}
	n, ok := g.opNum[op]
	if !ok {
		n = uint32(len(g.ops))
		g.opNum[op] = n
		g.ops = append(g.ops, op)
	}
	return n
}

// cell returns a cell that says of itself what c does: c itself may have another identity
// in the next execution.
func (g *memoGraph) cell(c *Cell) *Cell {
	key := cellKey{c.ID(), c.obj.kind}
	out := g.cells[key]
	if out == nil {
		o := &Object{id: c.obj.id, kind: c.obj.kind, nth: c.obj.nth}
		out = &Cell{obj: o, num: c.num, name: c.name}
		g.cells[key] = out
	}
	return out
}
