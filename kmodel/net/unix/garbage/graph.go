package garbage

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The values of unix_graph_state. 6.17 has them as two variables, unix_graph_maybe_cyclic and
// unix_graph_grouped.
const (
	graphNotCyclic   = iota // no cycle
	graphMaybeCyclic        // the components are not known
	graphCyclic             // they are, and there is a cycle
)

// unixVertex is struct unix_vertex: a socket that is in flight.
type unixVertex struct {
	schedule.Object
	edges     [maxEdges]mem.Ptr[*scmFpList] // in order: those of messages that have the socket
	outDegree mem.Int
	sccIndex  mem.Int
	sccEntry  sccEntry
}

// sccEntry is scc_entry of a vertex: the ring of its component, as the last walk has found it, or
// of its own. Who follows the ring has unix_gc_lock, but not all that is on it need be there still.
type sccEntry struct {
	next, prev mem.Ptr[*unixVertex]
}

// initScc_ is INIT_LIST_HEAD() of scc_entry.
func (v *unixVertex) initScc_() {
	v.sccEntry.next.Init(v)
	v.sccEntry.prev.Init(v)
}

// delScc_ is list_del() of it. The two besides it are in the graph, if this is all that takes a
// vertex off it.
func (v *unixVertex) delScc_() {
	next, prev := v.sccEntry.next.Peek(), v.sccEntry.prev.Peek()
	next.sccEntry.prev.Init(prev)
	prev.sccEntry.next.Init(next)
	v.sccEntry.next.Init(nil) // LIST_POISON1
	v.sccEntry.prev.Init(nil)
}

// scmFpList is struct scm_fp_list, of one file, with its struct unix_edge.
type scmFpList struct {
	schedule.Object
	fp       mem.Ptr[*file]
	vertices mem.Ptr[*unixVertex] // at most one
	inflight mem.Int
	dead     mem.Int

	predecessor mem.Ptr[*unixSock] // the socket that is in flight
	successor   mem.Ptr[*unixSock] // in whose queue
}

// vertexList is a list of vertices, in order. Whoever looks at it or changes it has unix_gc_lock,
// so nobody else could tell that there are steps.
type vertexList struct {
	schedule.Object
	v [maxFiles]mem.Ptr[*unixVertex]
}

func (l *vertexList) add(v *unixVertex) { l.v[l.find(nil)].Init(v) }

// has reports whether v is in the list, by its place: it may be freed.
func (l *vertexList) has(v *unixVertex) bool {
	for i := range l.v {
		if l.v[i].Peek() == v {
			return true
		}
	}
	return false
}

func (l *vertexList) del(v *unixVertex) {
	i := l.find(v)
	for ; i+1 < len(l.v); i++ {
		l.v[i].Init(l.v[i+1].Peek())
	}
	l.v[i].Init(nil)
}

// find returns the place of v, or of the first that is free if v is nil.
func (l *vertexList) find(v *unixVertex) int {
	i := 0
	for l.v[i].Peek() != v {
		i++
	}
	return i
}

// unixUpdateGraph is unix_update_graph(): an edge that leads to the vertex has changed.
func (s *system) unixUpdateGraph(t *schedule.Thread, v *unixVertex) {
	if v != nil {
		s.unixGraphState.WriteOnce(t, graphMaybeCyclic)
	}
}

// unixAddEdge is unix_add_edge().
func (s *system) unixAddEdge(t *schedule.Thread, fpl *scmFpList) {
	u := fpl.predecessor.Peek()
	v := u.vertex.Peek()
	if v == nil {
		v = fpl.vertices.Peek()
		fpl.vertices.Init(nil)
		if s.Has(initScc) {
			s.unixVertexMaxSccIndex.Init(s.unixVertexMaxSccIndex.Peek() + 1)
			v.sccIndex.Init(s.unixVertexMaxSccIndex.Peek())
		}
		v.initScc_()
		s.unixUnvisitedVertices.add(v)
		u.vertex.Init(v)
	}
	v.edges[v.outDegree.Peek()].Init(fpl)
	v.outDegree.Init(v.outDegree.Peek() + 1)
	s.unixUpdateGraph(t, fpl.successor.Peek().vertex.Peek())
}

// unixDelEdge is unix_del_edge(). A vertex without an edge goes back to the list of files.
func (s *system) unixDelEdge(t *schedule.Thread, fpl *scmFpList) {
	u := fpl.predecessor.Peek()
	v := u.vertex.Peek()
	if fpl.dead.Peek() == 0 {
		s.unixUpdateGraph(t, fpl.successor.Peek().vertex.Peek())
	}
	i := 0
	for v.edges[i].Peek() != fpl {
		i++
	}
	n := v.outDegree.Peek() - 1
	for ; i < n; i++ {
		v.edges[i].Init(v.edges[i+1].Peek())
	}
	v.edges[n].Init(nil)
	if v.outDegree.Init(n); n == 0 {
		u.vertex.Init(nil)
		if s.Has(unlinkScc) {
			v.delScc_()
		}
		s.unixUnvisitedVertices.del(v)
		fpl.vertices.Init(v)
	}
}

// unixAddEdges is unix_add_edges(), before the message is in the queue of the receiver. A mutant
// has it put there before unix_gc_lock is given back.
func (s *system) unixAddEdges(t *schedule.Thread, skb *skBuff, receiver *unixSock) {
	fpl := skb.fp.Peek()
	s.unixGCLock.Lock(t)
	fpl.predecessor.Init(fpl.fp.Peek().sk.Peek())
	fpl.successor.Init(receiver)
	s.unixAddEdge(t, fpl)
	s.inflight_(t, 1)
	if s.Has(oneSection) {
		receiver.queueTail_(t, skb)
	}
	s.unixGCLock.Unlock(t)
	fpl.inflight.Init(1) // only who has the message looks at it
	s.unixFreeVertices(t, fpl)
}

// unixDelEdges is unix_del_edges().
func (s *system) unixDelEdges(t *schedule.Thread, fpl *scmFpList) {
	s.unixGCLock.Lock(t)
	s.unixDelEdge(t, fpl)
	s.inflight_(t, -1)
	s.unixGCLock.Unlock(t)
	fpl.inflight.Init(0)
}

// inflight_ counts in unix_tot_inflight, which 6.19 has not any more.
func (s *system) inflight_(t *schedule.Thread, n int) {
	if !s.Has(scheduleGC) {
		s.unixTotInflight.WriteOnce(t, s.unixTotInflight.Peek()+n)
	}
}

// unixFreeVertices is unix_free_vertices().
func (s *system) unixFreeVertices(t *schedule.Thread, fpl *scmFpList) {
	if v := fpl.vertices.Peek(); v != nil {
		fpl.vertices.Init(nil)
		slab.Free(t, "kfree", v)
	}
}

// unixDestroyFpl is unix_destroy_fpl().
func (s *system) unixDestroyFpl(t *schedule.Thread, fpl *scmFpList) {
	if fpl.inflight.Peek() != 0 {
		s.unixDelEdges(t, fpl)
	}
	s.unixFreeVertices(t, fpl)
}
