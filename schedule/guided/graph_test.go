package guided

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// A maze is a program without an execution: its state is a level and a room there, each room
// but those of the last level has doors, and a door leads to some room of the next level.
const (
	levels = 5
	rooms  = 2
	doors  = 3
)

// TestLearn has several goroutines walk through mazes, each by doors that are open yet. At
// the moment at which any of them is told that nothing new can come of anything, every door
// there is a way to must have been taken by somebody, and every room be known once.
func TestLearn(t *testing.T) {
	mazes, walkers := uint64(20_000), 3
	if testing.Short() {
		mazes = 1000
	}
	for seed := range mazes {
		m := &maze{seed: seed, t: t}
		rng := rand.New(rand.NewPCG(seed, 1))
		for i := range m.behind {
			m.behind[i] = (i/(rooms*doors)+1)*rooms + rng.IntN(rooms)
			m.key[i/doors] = rng.Uint64()
		}
		m.graph.init(levels * rooms)
		var wg sync.WaitGroup
		for w := range walkers {
			wg.Go(func() { m.walk(rand.New(rand.NewPCG(seed, uint64(w)))) })
		}
		wg.Wait()
		if n, want := m.fresh.Load(), m.check(); n != want {
			t.Errorf("maze %d: %d rooms are known, want %d", seed, n, want)
		}
	}
}

type maze struct {
	t      *testing.T
	seed   uint64
	behind [levels * rooms * doors]int // the room behind each door
	key    [levels * rooms]uint64
	graph  graph
	taken  [levels * rooms * doors]atomic.Bool
	fresh  atomic.Int64
}

// walk walks until nothing is left to see.
func (m *maze) walk(rng *rand.Rand) {
	s := stock{}
	for done := false; !done; {
		path, room, repeats := []place{}, 0, false
		for room < (levels-1)*rooms && !repeats {
			id, nd, fresh := m.graph.visit(m.key[room], doors, nowhere, &s)
			if fresh {
				m.fresh.Add(1)
			}
			door := rng.IntN(doors)
			for n := 0; !m.graph.open(nd, m.graph.edge(nd, door)) && !repeats; n++ {
				door, repeats = (door+1)%doors, n == doors
			}
			if !repeats {
				path = append(path, place{nd, m.graph.edge(nd, door), id})
				m.taken[room*doors+door].Store(true)
				room = m.behind[room*doors+door]
			}
		}
		done = m.graph.learn(path, true)
	}
	m.check()
}

// check looks at every door that there is a way to, and returns how many rooms have such.
func (m *maze) check() (n int64) {
	seen, todo := [levels * rooms]bool{}, []int{0}
	for ; len(todo) > 0; todo = todo[1:] {
		room := todo[0]
		if seen[room] || room >= (levels-1)*rooms {
			continue
		}
		seen[room] = true
		n++
		for door := range doors {
			if !m.taken[room*doors+door].Load() {
				m.t.Errorf("maze %d: nobody took door %d of room %d", m.seed, door, room)
			}
			todo = append(todo, m.behind[room*doors+door])
		}
	}
	return n
}

// TestSupply has several goroutines take nodes until there is no more room. No number may be
// given twice, and as many nodes as there may be have been given in the end.
func TestSupply(t *testing.T) {
	const walkers = 4
	for _, limit := range []int{1, 2, 5, 300, 5000} {
		g := &graph{}
		g.init(limit)
		var nodes, edges [walkers][]int
		var wg sync.WaitGroup
		for w := range walkers {
			wg.Go(func() {
				s, rng := stock{}, rand.New(rand.NewPCG(1, uint64(w)))
				for n := 1 + rng.IntN(255); g.supply(n, &s); n = 1 + rng.IntN(255) {
					nodes[w] = append(nodes[w], int(s.node))
					for i := range n {
						edges[w] = append(edges[w], int(s.edge)+i)
						g.edges.at(s.edge + uint32(i)).Store(untried) // there is room
					}
					s.node++
					s.edge += uint32(n)
				}
			})
		}
		wg.Wait()
		all := slices.Sorted(slices.Values(slices.Concat(nodes[:]...)))
		if len(all) != limit || all[0] != 1 || all[limit-1] != limit || len(slices.Compact(all)) != limit {
			t.Errorf("limit %d: %d nodes, from %d to %d", limit, len(all), all[0], all[len(all)-1])
		}
		taken := slices.Sorted(slices.Values(slices.Concat(edges[:]...)))
		if n := len(taken); len(slices.Compact(taken)) != n {
			t.Errorf("limit %d: an edge was given twice", limit)
		}
	}
}
