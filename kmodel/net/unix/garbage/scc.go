package garbage

import "slices"

// sccStart is UNIX_VERTEX_INDEX_START.
const sccStart = 2

// A set is a set of vertices, by their places in unix_unvisited_vertices.
type set uint

func (s set) has(i int) bool { return s>>i&1 != 0 }

// A walk finds the strongly connected components of the graph, in the order in which they are
// looked at, each in that in which its vertices are. Nothing of it is a step, since it is all under
// unix_gc_lock. The system has one, which is made anew each time.
type walk struct {
	*system
	n     int
	end   [maxFiles]int // of component i in order
	order [maxFiles]*unixVertex

	// By the places in unix_unvisited_vertices:
	index    [maxFiles]int // 0: not visited
	sccIndex [maxFiles]int
	grouped  set
	last     int
	stack    []int
}

// of returns component i.
func (w *walk) of(i int) []*unixVertex {
	from := 0
	if i > 0 {
		from = w.end[i-1]
	}
	return w.order[from:w.end[i]]
}

// add adds a vertex to the last component.
func (w *walk) add(v *unixVertex) {
	w.order[w.end[w.n]] = v
	w.end[w.n]++
}

// close ends the last component.
func (w *walk) close() {
	if w.n++; w.n < maxFiles {
		w.end[w.n] = w.end[w.n-1]
	}
}

// begin makes the walk anew.
func (w *walk) begin() {
	w.n, w.end[0], w.last, w.grouped, w.stack = 0, 0, sccStart, 0, w.stack[:0]
	clear(w.index[:])
}

// tarjan finds the components as unix_walk_scc() does.
func (w *walk) tarjan() {
	w.begin()
	for i := range w.unixUnvisitedVertices.v {
		if w.unixUnvisitedVertices.v[i].Peek() != nil && w.index[i] == 0 {
			w.visit(i)
		}
	}
}

// visit is __unix_walk_scc(), which has two lists in the place of the recursion. Not each vertex
// of a component comes out with the scc_index of the first: what is on the stack may get a lower
// one when another has taken over the one that it had.
func (w *walk) visit(i int) {
	list := &w.unixUnvisitedVertices
	v := list.v[i].Peek()
	depth := len(w.stack)
	w.stack = append(w.stack, i)
	w.index[i], w.sccIndex[i] = w.last, w.last
	w.last++
	for j := range v.outDegree.Peek() {
		next := v.edges[j].Peek().successor.Peek().vertex.Peek() // unix_edge_successor
		if next == nil {
			continue
		}
		n := list.find(next)
		if w.index[n] == 0 {
			w.visit(n)
		}
		if !w.grouped.has(n) {
			w.sccIndex[i] = min(w.sccIndex[i], w.sccIndex[n])
		}
	}
	if w.index[i] != w.sccIndex[i] {
		return
	}
	for _, n := range w.stack[depth:] {
		if w.Has(oneIndex) {
			w.sccIndex[n] = w.sccIndex[i]
		}
		w.grouped |= 1 << n
		w.add(list.v[n].Peek())
	}
	w.stack = w.stack[:depth]
	w.close()
}

// store is what the walk leaves behind in the vertices.
func (w *walk) store() {
	for i := range w.unixUnvisitedVertices.v {
		if v := w.unixUnvisitedVertices.v[i].Peek(); v != nil {
			v.sccIndex.Init(w.sccIndex[i])
		}
	}
	for i := range w.n {
		scc := w.of(i)
		for j, v := range scc { // each before the one that was found next
			next := scc[(j+1)%len(scc)]
			v.sccEntry.prev.Init(next)
			next.sccEntry.next.Init(v)
		}
	}
	w.unixVertexMaxSccIndex.Init(sccStart)
}

// stays says that a component that has been found is not dropped: unix_vertex_max_scc_index is the
// highest of those, of which only the vertex that was visited first counts.
func (w *walk) stays(scc []*unixVertex) {
	top := max(w.unixVertexMaxSccIndex.Peek(), scc[0].sccIndex.Peek())
	w.unixVertexMaxSccIndex.Init(top)
}

// known finds the components as unix_walk_scc_fast() does: the rings of scc_entry that a walk has
// left behind, backwards, of which it leaves out what is not in the graph any more.
func (w *walk) known() {
	w.begin()
	list := &w.unixUnvisitedVertices
	for i := range list.v {
		v := list.v[i].Peek()
		if v == nil || w.grouped.has(i) {
			continue
		}
		for more, u := true, v; more; more = u != v {
			if list.has(u) {
				w.grouped |= 1 << list.find(u)
				w.add(u)
			}
			u = u.sccEntry.prev.Peek()
		}
		w.close()
	}
}

// unixSccCyclic is unix_scc_cyclic().
func unixSccCyclic(scc []*unixVertex) bool {
	if len(scc) > 1 {
		return true
	}
	v := scc[0]
	for i := range v.outDegree.Peek() {
		if v.edges[i].Peek().successor.Peek().vertex.Peek() == v {
			return true
		}
	}
	return false
}

// live_ is what the collector should find out: the vertices of sockets that somebody has open, or
// that can be received from a socket of which that is so.
func (s *system) live_() (live set) {
	list := &s.unixUnvisitedVertices
	for more := true; more; {
		more = false
		for i := range list.v {
			v := list.v[i].Peek()
			if v == nil || live.has(i) {
				continue
			}
			u := v.edges[0].Peek().predecessor.Peek()
			is := u.file.Peek().fCount.Peek() > v.outDegree.Peek()
			for j := range v.outDegree.Peek() {
				next := v.edges[j].Peek().successor.Peek().vertex.Peek()
				is = is || next == nil || live.has(list.find(next))
			}
			if is {
				live |= 1 << i
				more = true
			}
		}
	}
	return live
}

// garbage_ returns a vertex that is garbage, or nil.
func (s *system) garbage_() *unixVertex {
	live := s.live_()
	for i := range s.unixUnvisitedVertices.v {
		if v := s.unixUnvisitedVertices.v[i].Peek(); v != nil && !live.has(i) {
			return v
		}
	}
	return nil
}

// found_ reports whether the next collection would find that the vertex is garbage.
func (s *system) found_(v *unixVertex) bool {
	w := &s.walk
	switch s.unixGraphState.Peek() {
	case graphNotCyclic:
		return false
	case graphMaybeCyclic:
		w.tarjan()
	case graphCyclic:
		w.known()
		for i := range s.unixUnvisitedVertices.v {
			if u := s.unixUnvisitedVertices.v[i].Peek(); u != nil {
				w.sccIndex[i] = u.sccIndex.Peek()
			}
		}
	}
	for i := range w.n {
		if scc := w.of(i); slices.Contains(scc, v) {
			return w.same(scc)
		}
	}
	return false
}

// same reports whether all vertices of a component have the same scc_index, without which the
// collector takes them for several.
func (w *walk) same(scc []*unixVertex) bool {
	list := &w.unixUnvisitedVertices
	for _, v := range scc {
		if w.sccIndex[list.find(v)] != w.sccIndex[list.find(scc[0])] {
			return false
		}
	}
	return true
}
