package listlru

import "github.com/kschedfuzz/kschedfuzz/schedule"

// abstract gives a word for each array of nodes: how far it is from list_lru_init to its
// end, whether it is being resized and marked, how its length stands to that of the
// others, and what is locked meanwhile. Which of them it is, and who does it, is left out.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	locks := word(1)
	locks.bool(s.cacheIdsSem.IsLocked())
	locks.bool(s.cacheIdsSem.Waiters())
	locks.bool(s.listLrusMutex.IsLocked() || s.listLrusLock.IsLocked())
	nr := s.nrCacheIds.Peek()
	resized := s.currentlyResized.Peek()
	for _, n := range s.nodesCache.InUse(e) {
		w := locks
		w.bool(n.Live())
		w.bool(s.owner_(e, n) != nil)
		w.bool(n.dead.Peek() != 0 || n.prev.Peek() != 0 || n.size.Peek() < 0)
		w.bool(resized != nil && (resized.Header() == n.Header() || s.coversOf_(resized, n)))
		w.bool(n.node.lock.IsLocked())
		if arr := n.node.memcgLrus.Peek(); arr != nil { // initialized
			w.bool(arr.Live())
			w.count(arr.nr.Peek() - nr)
		}
		hit(uint64(w))
	}
}

// coversOf_ reports whether p is the list_lru of n.
func (s *system) coversOf_(p onList, n *listLruNodes) bool {
	lru, ok := p.(*listLru)
	return ok && lru.node.Peek() == n
}

// A word is put together from small fields. A leading 1 tells lengths apart.
type word uint64

func (w *word) bool(b bool) {
	*w <<= 1
	if b {
		*w |= 1
	}
}

// count adds a number as below 0, 0 or more.
func (w *word) count(n int) { *w = *w<<2 | word(max(-1, min(n, 1))+1) }
