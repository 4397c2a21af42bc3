package explore

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The graph as workers share it, without executions: these tests are of most use with -race.

// step takes a step that uses nothing.
func step(t *schedule.Thread) { t.Step(schedule.Op{Verb: "step"}) }

// made returns the key of the node that TestTable makes of i, and how many alternatives it
// has. Two of them have the same place in the table.
func made(i int) (k key, n int) {
	const golden = 0x9e3779b97f4a7c15
	return key{uint64(i/2) * golden >> 20, uint64(i)}, 1 + i%7
}

// stepsOf returns how many steps TestTable says that an edge has.
func (s *search) stepsOf(c claimed) int { return int(s.node(c.Node).hi)*16 + int(c.Alt) }

// A chooserFunc is a chooser.
type chooserFunc func(e *schedule.Exec, n int) int

func (f chooserFunc) Choose(e *schedule.Exec, n int) int { return f(e, n) }

// TestTable has eight workers look for the same nodes in different orders, add what they do
// not find, take every alternative that is left, and read what others have taken. Each node
// must be added once, each alternative taken by one, and what is read be whole, while chunks
// are added and the table is replaced.
func TestTable(t *testing.T) {
	const nodes, many = 6 * chunkLen, 8
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(many))
	s := newSearch(context.Background(), plain(2, 2), Options{Workers: many}, new(schedule.Loads))
	defer s.close()
	slots := len(*s.table.Load())
	var owned, lost atomic.Int64
	var wg sync.WaitGroup
	for seed, w := range s.workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(seed), 1))
			for turn := range nodes { // all the same, and between two of them any
				for _, i := range []int{turn, rng.IntN(nodes)} {
					id, raced := w.findOrAdd(i)
					if raced {
						lost.Add(1)
					}
					owned.Add(int64(w.takeAll(t, id)))
				}
			}
		})
	}
	wg.Wait()
	alts := 0
	for i := range nodes {
		k, n := made(i)
		id := s.find(k)
		if id == 0 || s.node(id).key != k || int(s.node(id).taken) != n {
			t.Fatalf("node %d is %d, %+v", i, id, s.node(id))
		}
		alts += n
	}
	if s.size != nodes+1 || s.alts != alts+1 || int(owned.Load()) != alts {
		t.Errorf("%d nodes, %d edges, of which %d taken; want %d, %d",
			s.size-1, s.alts-1, owned.Load(), nodes, alts)
	}
	if s.halted.Load() || len(*s.table.Load()) <= slots {
		t.Errorf("halted: %v; %d slots", s.err, len(*s.table.Load()))
	}
	t.Logf("%d times another was first", lost.Load())
}

// findOrAdd returns node i, and whether it was added between the two looks at the table.
func (w *worker) findOrAdd(i int) (id uint32, raced bool) {
	k, n := made(i)
	if id = w.find(k); id != 0 {
		return id, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if id = w.find(k); id != 0 {
		return id, true
	}
	w.reserve(n, 0)
	id = w.add(node{key: k, n: uint8(n)})
	w.publish(id)
	return id, false
}

// takeAll takes what is left of a node, and looks at its edges. It returns how many it took.
func (w *worker) takeAll(t *testing.T, id uint32) (owned int) {
	nd := w.node(id)
	for alt, ok := w.claim(nd); ok; alt, ok = w.claim(nd) {
		w.from, w.alt, w.on = id, alt, w.edge(claimed{id, alt})
		w.link(id, w.stepsOf(claimed{id, alt}), 1)
		owned++
	}
	edges := w.alternatives(nd)
	for alt := range edges {
		ed := &edges[alt]
		if to := atomic.LoadUint32(&ed.to); to == unexpanded {
			continue
		} else if to != id || int(ed.steps) != w.stepsOf(claimed{id, uint8(alt)}) {
			t.Errorf("alternative %d of node %d: %+v", alt, id, *ed)
		}
	}
	return owned
}

// TestDiscoverLate is about who finds nothing and is not the first to add it: it gets the
// node of the other, even where there is no room for more.
func TestDiscoverLate(t *testing.T) {
	s := newSearch(context.Background(), plain(2, 2), Options{MaxNodes: 1}, new(schedule.Loads))
	defer s.close()
	w := s.workers[0]
	late := chooserFunc(func(e *schedule.Exec, n int) int {
		first, isNew := w.discover(e, keyOf(e), n)
		if first == 0 || !isNew {
			t.Errorf("first: node %d, new: %v", first, isNew)
		}
		second, isNew := w.discover(e, keyOf(e), n)
		if second != first || isNew || s.size != 2 || s.halted.Load() {
			t.Errorf("second: node %d, new: %v; %d nodes", second, isNew, s.size-1)
		}
		if third, _ := w.discover(e, key{1, 2}, n); third != 0 || s.stop != NodeLimit {
			t.Errorf("third: node %d, stop: %v", third, s.stop)
		}
		return -1
	})
	w.begin(claimed{})
	w.runner.Run(late)
}

// TestChunks compares the numbers of edges with their definition: one after the other, but
// those of a node in one chunk.
func TestChunks(t *testing.T) {
	g := newGraph()
	next := uint32(1)
	for i := range 40_000 {
		n := 1 + i*i%255
		if !g.reserve(n, 0) {
			t.Fatal("no room")
		}
		if next/chunkLen != (next+uint32(n)-1)/chunkLen {
			next = (next/chunkLen + 1) * chunkLen
		}
		id := g.add(node{key: key{uint64(i), 1}, n: uint8(n)})
		g.publish(id)
		nd := g.node(id)
		if nd.edge != next || len(g.alternatives(nd)) != n || g.find(nd.key) != id {
			t.Fatalf("node %d: edge %d, want %d", id, nd.edge, next)
		}
		next += uint32(n)
	}
	if room := g.nodes.len(); room < g.size || room >= g.size+chunkLen {
		t.Errorf("%d nodes in room for %d", g.size, room)
	}
}
