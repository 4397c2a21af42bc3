package file

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// sockList is a list of sockets, by their numbers. Whoever looks at one or changes it has
// unix_gc_lock, so nobody else could tell that there are steps.
type sockList struct {
	schedule.Object
	sk [maxFiles]mem.Ptr[*unixSock]
}

func (l *sockList) add(u *unixSock) { l.sk[u.num].Init(u) }

func (l *sockList) del(u *unixSock) { l.sk[u.num].Init(nil) }

func (l *sockList) has(u *unixSock) bool { return l.sk[u.num].Peek() != nil }

// first returns the first socket from number i on, or nil.
func (l *sockList) first(i int) *unixSock {
	for ; i < len(l.sk); i++ {
		if u := l.sk[i].Peek(); u != nil {
			return u
		}
	}
	return nil
}

// unixNotinflight is unix_notinflight(): the file has been taken out of a message.
func (s *system) unixNotinflight(t *schedule.Thread, fp *file) {
	u := fp.sk.Peek()
	s.unixGCLock.Lock(t)
	bugOn_(t, u.inflight.Read(t) == 0, u, "!atomic_long_read(&u->inflight)")
	bugOn_(t, !s.gcInflightList.has(u) && !s.gcCandidates.has(u), u, "list_empty(&u->link)")
	if u.inflight.DecAndTest(t) {
		s.gcInflightList.del(u)
		s.gcCandidates.del(u)
	}
	s.unixTotInflight.Write(t, s.unixTotInflight.Peek()-1)
	s.unixGCLock.Unlock(t)
}

// bugOn_ is BUG_ON(), about a socket.
func bugOn_(t *schedule.Thread, bug bool, u *unixSock, what string) {
	if bug {
		t.Fail(schedule.BugOn, u.Header(), schedule.Party{}, what)
	}
}

// unixGC is unix_gc().
func (s *system) unixGC(t *schedule.Thread) {
	s.unixGCLock.Lock(t)
	if s.gcInProgress.Read(t) != 0 {
		s.unixGCLock.Unlock(t)
		return
	}
	s.gcInProgress.Write(t, 1)
	s.findCandidates_(t)
	for u := s.gcCandidates.first(0); u != nil; u = s.gcCandidates.first(u.num + 1) {
		s.scanChildren(t, u, decInflight, nil)
	}
	notCycleList := s.splitOff_(t)
	for u := s.gcCandidates.first(0); u != nil; u = s.gcCandidates.first(u.num + 1) {
		s.scanChildren(t, u, incInflight, &s.hitlist.Head)
	}
	for _, u := range notCycleList {
		if u != nil {
			u.candidate.Init(0)
			s.gcInflightList.add(u)
		}
	}
	s.unixGCLock.Unlock(t)

	for { // __skb_queue_purge, without a lock
		skb := s.hitlist.FirstEntry(t)
		if skb == nil {
			break
		}
		list.SkbUnlink(t, skb)
		s.kfreeSkb(t, skb)
	}
	s.unixGCLock.Lock(t)
	if u := s.gcCandidates.first(0); u != nil {
		bugOn_(t, true, u, "!list_empty(&gc_candidates)")
	}
	s.gcInProgress.Write(t, 0)
	s.unixGCLock.Unlock(t)
}

// findCandidates_ moves sockets that nobody has but messages to gc_candidates.
func (s *system) findCandidates_(t *schedule.Thread) {
	for u := s.gcInflightList.first(0); u != nil; u = s.gcInflightList.first(u.num + 1) {
		total := u.file.Peek().fCount.Read(t) // file_count
		inflight := u.inflight.Read(t)
		bugOn_(t, inflight < 1, u, "inflight_refs < 1")
		bugOn_(t, total < inflight, u, "total_refs < inflight_refs")
		if total == inflight {
			s.gcInflightList.del(u)
			s.gcCandidates.add(u)
			u.candidate.Init(1)
		}
	}
}

// splitOff_ takes off gc_candidates those which are in flight in a queue that somebody can
// receive from, and what is in flight in their queues. It returns them, by their numbers: they
// are candidates until what is garbage is on the hitlist.
func (s *system) splitOff_(t *schedule.Thread) (notCycleList [maxFiles]*unixSock) {
	for u := s.gcCandidates.first(0); u != nil; {
		if u.inflight.Read(t) == 0 {
			u = s.gcCandidates.first(u.num + 1)
			continue
		}
		s.gcCandidates.del(u)
		notCycleList[u.num] = u
		s.scanChildren(t, u, incInflight, nil)
		u = s.gcCandidates.first(0) // inc_inflight_move_tail: none is passed over
	}
	return notCycleList
}

// scanChildren is scan_children(): it calls f for each candidate in the queue of x, and
// moves the messages that have them to the hitlist, if there is one. There they are linked as
// they were in the queue, and unlinked by whoever takes them for messages of the queue.
func (s *system) scanChildren(t *schedule.Thread, x *unixSock,
	f func(t *schedule.Thread, u *unixSock), hitlist *list.Head[*skBuff],
) {
	x.queueLock.Lock(t) // scan_inflight
	skb := x.skReceiveQueue.FirstEntry(t)
	for skb != nil {
		next := skb.node.Peek()
		if fp := skb.fp.Read(t); fp != nil {
			if u := fp.sk.Peek(); u.candidate.Peek() != 0 {
				f(t, u)
				if hitlist != nil {
					list.SkbUnlink(t, skb)
					hitlist.AddTail(t, skb) // __skb_queue_tail
				}
			}
		}
		skb = next
	}
	x.queueLock.Unlock(t)
}

// decInflight is dec_inflight().
func decInflight(t *schedule.Thread, u *unixSock) { u.inflight.Dec(t) }

// incInflight is inc_inflight().
func incInflight(t *schedule.Thread, u *unixSock) { u.inflight.Inc(t) }
