package listlru

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// This is another story, of 2013: how a list is walked. There is one node and there are no
// memory cgroups, which came later. The list is that of the inodes of a super_block, and
// what is done to each is in inode.go.
//
// The nouns: a walk holds the lock of the list, and calls isolate for each item, which says
// what has become of it. An inode that has pages is kept, and loses them without the lock:
// this is lruRetry. In the meantime the list may change, by a walk of somebody else as
// well. An inode that nothing keeps goes to the dispose list of the walk, on its stack, and
// is freed when the walk is done.
//
// Not modelled: that to take an inode off a dispose list is more than one store, to which its
// owner needs no lock.

// lruNode is the struct list_lru_node of 3.12.
type lruNode struct {
	schedule.Object
	lock    spin.Lock
	list    list.Head[*inode]
	nrItems mem.Int
}

// lruStatus is enum lru_status.
type lruStatus uint8

const (
	lruRemoved lruStatus = iota
	lruRotate
	lruSkip
	lruRetry
)

// listLruAdd is list_lru_add().
func (n *lruNode) listLruAdd(t *schedule.Thread, inode *inode) {
	n.lock.Lock(t)
	if inode.iLru.Empty(t) {
		n.list.AddTail(t, inode)
		n.nrItems.Write(t, n.nrItems.Peek()+1) // under the lock
	}
	n.lock.Unlock(t)
}

// A lruWalk is the locals of list_lru_walk_node().
type lruWalk struct {
	nrToWalk  int        // an unsigned long, which goes from 0 to the largest one
	firstPass bool       // in the old code
	freeable  *inodeList // what isolate gets
}

// listLruWalkNode is list_lru_walk_node().
func (s *walkSystem) listLruWalkNode(t *schedule.Thread, nrToWalk int, freeable *inodeList) {
	w := lruWalk{nrToWalk, true, freeable}
	s.nlru.lock.Lock(t)
	for s.pass_(t, &w) {
	}
	s.nlru.lock.Unlock(t)
}

// pass_ goes through the list, until it must begin again: then it reports true.
func (s *walkSystem) pass_(t *schedule.Thread, w *lruWalk) (restart bool) {
	item := s.nlru.list.FirstEntry(t)
	for item != nil {
		n, other := s.nlru.list.WalkNext(t, item)
		if s.Has(alwaysRestart) && s.spent_(w) {
			return false
		}
		switch s.inodeLruIsolate(t, item, w.freeable) {
		case lruRemoved:
			s.nlru.isolated_(t)
		case lruRotate:
			list.MoveTail(t, item, &s.nlru.list)
		case lruRetry:
			if s.Has(alwaysRestart) || w.firstPass {
				w.firstPass = false
				return true
			}
			w.firstPass = true
		}
		if !s.Has(alwaysRestart) && s.spent_(w) {
			return false
		}
		if other != nil {
			inodeLruIsolate(t, other)
		}
		item = n
	}
	return false
}

// isolated_ counts an item less. It checks what the code of June 2013 does by BUG_ON(), and that of
// 3.12 by WARN_ON_ONCE().
func (n *lruNode) isolated_(t *schedule.Thread) {
	left := n.nrItems.Peek() - 1 // under the lock
	n.nrItems.Write(t, left)
	if left < 0 {
		t.Warn(schedule.BugOn, &n.Object, schedule.Party{}, "nr_items < 0")
	}
}

// spent_ takes one off what the walk may look at. It reports whether it must end.
func (s *walkSystem) spent_(w *lruWalk) bool {
	w.nrToWalk--
	if s.Has(alwaysRestart) && !s.Has(countThenTake) {
		return w.nrToWalk == 0
	}
	return w.nrToWalk == -1
}

// inodeLruIsolate is inode_lru_isolate() when the walk has come to the head of another list, which
// it takes for an item: it begins with a lock that is not there.
func inodeLruIsolate(t *schedule.Thread, other *list.Head[*inode]) {
	t.Step(schedule.Op{Verb: "spin_trylock", Cell: other.Cell(), Mode: schedule.PlainRead})
	t.Fail(schedule.OutOfBounds, other.Cell().Object(), schedule.Party{},
		"the head of another list is taken for an inode")
}
