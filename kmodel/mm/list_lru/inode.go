package listlru

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// What is here of fs/inode.c: the isolate function of the walk, what the walk is for
// (prune_icache_sb()), and iput(). It is part of this package because the walk calls it and
// it calls the walk.

// inode is struct inode.
type inode struct {
	schedule.Object
	iLock   spin.Lock
	iCount  atomic.Int
	iState  mem.Int // under i_lock
	nrpages mem.Int // of i_data
	iLru    list.Node[*inode]
	iRcu    rcu.Head
}

// ListNode implements [list.Entry].
func (inode *inode) ListNode() *list.Node[*inode] { return &inode.iLru }

// Values of i_state.
const (
	iReferenced = 1 << iota
	iFreeing
)

// inodeList is the head of a list of inodes.
type inodeList struct {
	schedule.Object
	list.Head[*inode]
}

// inodeLruIsolate is inode_lru_isolate(), with the lock of the list held. It wants i_lock,
// inside of which that lock is taken elsewhere.
func (s *walkSystem) inodeLruIsolate(t *schedule.Thread, inode *inode,
	freeable *inodeList) lruStatus {
	if !inode.iLock.Trylock(t) {
		return lruSkip
	}
	count, state := inode.iCount.Read(t), inode.iState.Read(t)
	if count != 0 || state&^iReferenced != 0 {
		list.DelInit(t, inode) // in use: it comes back when it is not
		inode.iLock.Unlock(t)
		return lruRemoved
	}
	if state&iReferenced != 0 {
		inode.iState.Write(t, state&^iReferenced)
		inode.iLock.Unlock(t)
		return lruRotate
	}
	if inode.nrpages.Read(t) != 0 {
		inode.iCount.Inc(t) // __iget
		inode.iLock.Unlock(t)
		s.nlru.lock.Unlock(t)
		inode.nrpages.Write(t, 0) // invalidate_mapping_pages
		s.iput(t, inode)
		s.nlru.lock.Lock(t)
		return lruRetry
	}
	inode.iState.Write(t, state|iFreeing)
	list.Move(t, inode, &freeable.Head)
	inode.iLock.Unlock(t)
	return lruRemoved
}

// pruneIcacheSb is prune_icache_sb().
func (s *walkSystem) pruneIcacheSb(t *schedule.Thread, nrToScan int, freeable *inodeList) {
	s.listLruWalkNode(t, nrToScan, freeable)
	s.disposeList(t, freeable)
}

// disposeList is dispose_list(). Nobody else should see what is on the list.
func (s *walkSystem) disposeList(t *schedule.Thread, head *inodeList) {
	for inode := head.FirstEntry(t); inode != nil; inode = head.FirstEntry(t) {
		list.DelInit(t, inode)
		inode.evict(t)
	}
}

// evict is evict(): whoever has i_lock yet is waited for before the inode is freed.
func (inode *inode) evict(t *schedule.Thread) {
	inode.iLock.Lock(t)
	inode.iLock.Unlock(t)
	rcu.Call(t, &inode.iRcu) // destroy_inode
}

// iCallback is i_callback(), which frees an inode after a grace period.
func (inode *inode) iCallback(t *schedule.Thread) { slab.Free(t, "kmem_cache_free", inode) }

// iput is iput().
func (s *walkSystem) iput(t *schedule.Thread, inode *inode) {
	if inode.iCount.AddUnless(t, -1, 1) { // atomic_dec_and_lock
		return
	}
	inode.iLock.Lock(t)
	if inode.iCount.DecAndTest(t) {
		s.iputFinal(t, inode)
	}
	inode.iLock.Unlock(t)
}

// iputFinal is iput_final() of an inode that has a name: it is kept.
func (s *walkSystem) iputFinal(t *schedule.Thread, inode *inode) {
	state := inode.iState.Read(t) | iReferenced
	inode.iState.Write(t, state)
	if state&iFreeing == 0 && inode.iCount.Read(t) == 0 { // inode_add_lru
		s.nlru.listLruAdd(t, inode)
	}
}
