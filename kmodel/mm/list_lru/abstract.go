package listlru

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// abstract gives a word for each array of nodes: how far it is from list_lru_init to its
// end, whether it is being resized and marked, how its length stands to that of the
// others, and what is locked meanwhile. Which of them it is, and who does it, is left out.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	locks := program.Word(1, s.cacheIdsSem.IsLocked(), s.cacheIdsSem.Waiters(),
		s.listLrusMutex.IsLocked() || s.listLrusLock.IsLocked())
	nr := s.nrCacheIds.Peek()
	resized := s.currentlyResized.Peek()
	for _, n := range s.nodesCache.InUse(e) {
		w := program.Word(int(locks), n.Live(), s.owner_(e, n) != nil,
			n.dead.Peek() != 0 || n.prev.Peek() != 0 || n.size.Peek() < 0,
			resized != nil && (resized.Header() == n.Header() || s.coversOf_(resized, n)),
			n.node.lock.IsLocked())
		if arr := n.node.memcgLrus.Peek(); arr != nil { // initialized
			longer := min(max(arr.nr.Peek()-nr, -1), 1)
			w = program.Word(int(w), arr.Live())<<2 | uint64(longer+1)
		}
		hit(w)
	}
}

// coversOf_ reports whether p is the list_lru of n.
func (s *system) coversOf_(p onList, n *listLruNodes) bool {
	lru, ok := p.(*listLru)
	return ok && lru.node.Peek() == n
}
