package listlru

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// lockList_ takes what protects list_lrus: list_lrus_mutex, or in the proposals a spin
// lock, since nothing is to sleep under it.
func (s *system) lockList_(t *schedule.Thread) {
	if s.Has(listSpinlock) {
		s.listLrusLock.Lock(t)
	} else {
		s.listLrusMutex.Lock(t)
	}
}

func (s *system) unlockList_(t *schedule.Thread) {
	if s.Has(listSpinlock) {
		s.listLrusLock.Unlock(t)
	} else {
		s.listLrusMutex.Unlock(t)
	}
}

// destroyOrMark_ is list_lru_destroy() of the proposals: if the list_lru is being resized
// just now, leave it to the resizer to free, and do not wait.
func (s *system) destroyOrMark_(t *schedule.Thread, lru *listLru, n *listLruNodes) {
	p := s.linked_(lru, n)
	if s.Has(coallocated) {
		lru.node.Write(t, nil)
	}
	if s.Has(testUnlocked) {
		if s.currentlyResized.Read(t) == p {
			s.lockList_(t)
			s.mark_(t, p, n)
			s.unlockList_(t)
			return
		}
		s.lockList_(t)
	} else {
		s.lockList_(t)
		if s.currentlyResized.Read(t) == p {
			s.mark_(t, p, n)
			s.unlockList_(t)
			return
		}
	}
	s.listLrus.Del(t, p)
	size := n.size.Read(t)
	s.unlockList_(t)
	s.freeNodes_(t, n, size)
	if !s.Has(coallocated) {
		lru.node.Write(t, nil)
	}
}

// mark_ tells the resizer that it is to free n, in one of the ways that were proposed.
func (s *system) mark_(t *schedule.Thread, p onList, n *listLruNodes) {
	switch {
	case s.Has(unlinkVictim):
		s.listLrus.DelEntry(t, p)
		switch v := p.(type) {
		case *listLru:
			v.prev.Write(t, 1)
		case *listLruNodes:
			v.prev.Write(t, 1)
		}
	case s.Has(markBySign):
		n.size.Write(t, -n.size.Read(t))
	default:
		n.dead.Write(t, 1)
	}
}

// marked_ reports whether mark_ was called.
func (s *system) marked_(t *schedule.Thread, p onList, n *listLruNodes) bool {
	switch {
	case s.Has(unlinkVictim):
		if v, ok := p.(*listLru); ok {
			return v.prev.Read(t) != 0
		}
		return n.prev.Read(t) != 0
	case s.Has(markBySign):
		return n.size.Read(t) < 0
	}
	return n.dead.Read(t) != 0
}

// freeNodes_ frees n with all that belongs to it.
func (s *system) freeNodes_(t *schedule.Thread, n *listLruNodes, size int) {
	s.memcgDestroyListLru(t, n, size)
	slab.Free(t, "kfree", n)
}

// updateOneByOne_ is memcg_update_all_list_lrus() of the proposals: drop the lock of the
// list while one of them is being resized, and free it if it was marked meanwhile.
func (s *system) updateOneByOne_(t *schedule.Thread, newSize int) bool {
	ok := true
	s.lockList_(t)
	for p := s.listLrus.FirstEntry(t); p != nil && ok; {
		n := s.nodesOf_(t, p)
		size := n.size.Read(t)
		s.currentlyResized.Write(t, p)
		s.unlockList_(t)
		ok = s.memcgUpdateListLru(t, n, size, newSize)
		if ok && s.Has(sizeUnlocked) {
			n.size.Write(t, newSize)
		}
		s.lockList_(t)
		next, dead := s.resized_(t, p, n, size, newSize, ok)
		if !ok && dead {
			p = next // which was not resized either
		}
		if !ok {
			s.memcgCancelUpdateListLru(t, p, size, newSize)
		}
		p = next
	}
	if !s.Has(keepCurrent) {
		s.currentlyResized.Write(t, nil)
	}
	s.unlockList_(t)
	return ok
}

// resized_ comes after p has been resized, or not for want of memory, with the lock held.
// It returns the next one, and whether p was to be freed.
func (s *system) resized_(t *schedule.Thread, p onList, n *listLruNodes,
	size, newSize int, ok bool) (next onList, dead bool) {
	dead = s.marked_(t, p, n)
	if !s.Has(freeThenNext) {
		next = p.ListNode().NextEntry(t)
	}
	if !ok {
		newSize = size
	}
	switch {
	case dead:
		if !s.Has(unlinkVictim) {
			s.listLrus.Del(t, p)
		}
		s.freeNodes_(t, n, newSize) // kfree() does not sleep
	case ok && !s.Has(sizeUnlocked):
		n.size.Write(t, newSize)
	}
	if s.Has(freeThenNext) {
		next = p.ListNode().NextEntry(t)
	}
	return next, dead
}
