package garbage

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// unixPeekFpl is unix_peek_fpl(), by who has taken a reference of a file by MSG_PEEK: a collection
// that is under way may have looked at its count before. The kernel has the lock and the sequence
// apart, unix_peek_lock and unix_peek_seq, and takes the same steps.
func (s *system) unixPeekFpl(t *schedule.Thread) {
	if !s.Has(peekSeq) || s.gcInProgress.ReadOnce(t) == 0 {
		return
	}
	s.unixPeekSeq.WriteSeqlock(t)
	s.unixPeekSeq.WriteSequnlock(t) // raw_write_seqcount_barrier
}

// unixVertexDead is unix_vertex_dead(): whether nobody can receive the socket but from sockets of
// the same component, and nobody has it open.
func (s *system) unixVertexDead(t *schedule.Thread, v *unixVertex) bool {
	var u *unixSock
	for i := range v.edges {
		edge := v.edges[i].Peek()
		if edge == nil {
			continue
		}
		next := edge.successor.Peek().vertex.Peek() // unix_edge_successor
		if next == nil || next.sccIndex.Peek() != v.sccIndex.Peek() {
			return false
		}
		if u == nil {
			u = edge.predecessor.Peek()
		}
	}
	return u.file.Peek().fCount.Read(t) == v.outDegree.Peek() // file_count
}

// unixSccDead is unix_scc_dead(), of a component.
func (s *system) unixSccDead(t *schedule.Thread, scc []*unixVertex) bool {
	var seq uint64
	if s.Has(peekSeq) {
		seq = s.unixPeekSeq.ReadSeqbegin(t)
	}
	dead := true
	for _, v := range scc {
		if dead {
			dead = s.unixVertexDead(t, v)
		}
	}
	if s.Has(peekSeq) && s.unixPeekSeq.ReadSeqretry(t, seq) {
		return false
	}
	return dead
}

// unixCollectSkb is unix_collect_skb(): the messages of a component go to the hitlist.
func (s *system) unixCollectSkb(t *schedule.Thread, scc []*unixVertex) {
	for _, v := range scc {
		u := v.edges[0].Peek().predecessor.Peek()
		u.queueLock.Lock(t)
		for u.skReceiveQueue.Peek() != nil { // skb_queue_splice_init
			list.MoveTail(t, u.skReceiveQueue.Peek(), &s.hitlist.Head)
			s.checkPurge_(t, v, u)
		}
		u.queueLock.Unlock(t)
	}
}

// checkPurge_ is the promise of the collector: nobody can receive the messages that it drops. No
// kernel checks that. It belongs to the step before it.
func (s *system) checkPurge_(t *schedule.Thread, v *unixVertex, u *unixSock) {
	if s.live_().has(s.unixUnvisitedVertices.find(v)) {
		t.Fail(schedule.LostUpdate, &u.Object, schedule.Party{},
			"a message is dropped from the queue of a socket that somebody can receive from")
	}
}

// unixWalkSccFast is what unix_walk_scc_fast() does with the ring of a component before it calls
// unix_scc_dead(): list_add() of a head after the first vertex, which writes to the one that comes
// after that. What is not in the graph any more is not under unix_gc_lock.
func (s *system) unixWalkSccFast(t *schedule.Thread, v *unixVertex) {
	if next := v.sccEntry.next.Peek(); !s.unixUnvisitedVertices.has(next) {
		next.sccEntry.prev.Write(t, v)
	}
}

// unixWalk_ is unix_walk_scc(), or unix_walk_scc_fast() if the components are known. A vertex is
// in unix_unvisited_vertices all the time here: in the kernel it is back there when the lock is
// released.
func (s *system) unixWalk_(t *schedule.Thread, fast bool) {
	w := &s.walk
	if fast {
		w.known()
	} else {
		w.tarjan()
		w.store()
	}
	cyclic, gone := 0, 0
	for i := range w.n {
		scc := w.of(i)
		if fast {
			s.unixWalkSccFast(t, scc[0])
		}
		if s.unixSccDead(t, scc) {
			s.unixCollectSkb(t, scc)
			gone++
			continue
		}
		if !fast {
			w.stays(scc)
		}
		if unixSccCyclic(scc) {
			cyclic++
		}
	}
	if fast && s.Has(countSccs) {
		cyclic = s.unixGraphCyclicSccs.Peek() - gone
	}
	s.unixGraphCyclicSccs.Init(cyclic)
	if cyclic != 0 {
		s.unixGraphState.WriteOnce(t, graphCyclic)
	} else {
		s.unixGraphState.WriteOnce(t, graphNotCyclic)
	}
}

// unixGC is unix_gc() or, up to 6.18, __unix_gc(): the work item.
func (s *system) unixGC(t *schedule.Thread) {
	if s.Has(setInWork) {
		s.gcInProgress.WriteOnce(t, 1)
	}
	s.unixGCLock.Lock(t)
	state := s.unixGraphState.Read(t)
	if state == graphNotCyclic {
		s.unixGCLock.Unlock(t)
		s.gcInProgress.WriteOnce(t, 0)
		return
	}
	s.unixWalk_(t, state == graphCyclic)
	s.unixGCLock.Unlock(t)

	for skb := s.hitlist.Peek(); skb != nil; skb = skb.node.Peek() {
		if fpl := skb.fp.Peek(); fpl != nil {
			fpl.dead.Init(1) // nobody else has the message
		}
	}
	for skb := s.hitlist.FirstEntry(t); skb != nil; skb = s.hitlist.FirstEntry(t) {
		list.SkbUnlink(t, skb) // __skb_queue_purge_reason
		s.kfreeSkb(t, skb)
	}
	s.gcInProgress.WriteOnce(t, 0)
}

// unixScheduleGC is unix_schedule_gc(NULL), by who has released a socket. Up to 6.18 that looks
// whether any socket is in flight, and calls unix_gc(), which always queues the item.
func (s *system) unixScheduleGC(t *schedule.Thread) {
	switch {
	case !s.Has(scheduleGC):
		if s.unixTotInflight.ReadOnce(t) == 0 {
			return
		}
		s.gcInProgress.WriteOnce(t, 1)
	case s.unixGraphState.ReadOnce(t) == graphNotCyclic:
		return
	case s.Has(alwaysQueue):
	case s.gcInProgress.ReadOnce(t) != 0:
		return
	case !s.Has(setInWork):
		s.gcInProgress.WriteOnce(t, 1)
	}
	workqueue.QueueWork(t, &s.unixGCWork.Work)
}
