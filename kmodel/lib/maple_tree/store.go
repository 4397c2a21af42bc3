package mapletree

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// leaf is what is in a leaf, or is to be.
type leaf struct {
	pivot [maxSlots]int
	slot  [maxSlots]*vmArea
	end   int
}

// A maWrState is struct ma_wr_state.
type maWrState struct {
	rMin, rMax int // the range where the store begins
	offsetEnd  int // the slot in which it ends
	old        leaf
}

// masStorePrealloc is mas_store_prealloc(), with mas_wr_store_entry() and mas_wr_modify(): the
// entry is to be at index to last. It ends where a range ends, which is not that where it begins.
func (s *system) masStorePrealloc(t *schedule.Thread, mas *maState, entry *vmArea) {
	wr := s.masWrWalk(t, mas)
	if wr.offsetEnd-mas.offset > 1 || !s.masWrSlotStore(t, mas, wr, entry) {
		s.masWrNodeStore(t, mas, wr, entry)
	}
}

// masStoreGfp is mas_store_gfp(), of NULL over all that is mapped. What is behind that is NULL too
// (mas_wr_extend_null), and so all is.
func (s *system) masStoreGfp(t *schedule.Thread, mas *maState) {
	s.masWrWalk(t, mas)
	s.masNewRoot(t)
}

// masWrWalk is mas_wr_walk(), and mas_wr_end_piv(). It reads all of the leaf, which nobody else
// writes to, so that nobody can tell when.
func (s *system) masWrWalk(t *schedule.Thread, mas *maState) maWrState {
	s.masStart(t, mas)
	var wr maWrState
	wr.old.end = mas.node.end.Read(t)
	for i := range wr.old.end + 1 {
		wr.old.pivot[i] = mas.node.pivot[i].Read(t)
		wr.old.slot[i] = mas.node.slot[i].DereferenceRaw(t)
	}
	mas.offset = 0
	for mas.offset < wr.old.end && mas.index > wr.old.pivot[mas.offset] {
		wr.rMin = wr.old.pivot[mas.offset] + 1
		mas.offset++
	}
	wr.rMax = wr.old.pivot[mas.offset]
	for wr.offsetEnd = mas.offset; mas.last > wr.old.pivot[wr.offsetEnd]; {
		wr.offsetEnd++
	}
	return wr
}

// masWrSlotStore is mas_wr_slot_store(): a store that begins within a range and ends with the next
// moves the pivot between the two. It is in place, in RCU mode too.
func (s *system) masWrSlotStore(t *schedule.Thread, mas *maState, wr maWrState, entry *vmArea,
) bool {
	if wr.rMin == mas.index {
		return false
	}
	node := mas.node
	node.pivot[mas.offset+1].Write(t, mas.last)
	node.slot[mas.offset+1].Assign(t, entry)
	node.pivot[mas.offset].Write(t, mas.index-1)
	return true
}

// masWrNodeStore is mas_wr_node_store(), of a store that begins and ends with ranges, of which it
// makes one.
func (s *system) masWrNodeStore(t *schedule.Thread, mas *maState, wr maWrState, entry *vmArea) {
	var to leaf
	n := copy(to.pivot[:], wr.old.pivot[:mas.offset])
	copy(to.slot[:], wr.old.slot[:mas.offset])
	to.pivot[n], to.slot[n] = mas.last, entry
	for i := wr.offsetEnd + 1; i <= wr.old.end; i++ {
		n++
		to.pivot[n], to.slot[n] = wr.old.pivot[i], wr.old.slot[i]
	}
	to.end = n
	if n < maxSlots-1 {
		to.pivot[n] = ulongMax // of mas
	}
	if !s.Has(rcuMode) {
		mas.node.memcpy_(t, wr.old, to)
		return
	}
	newnode := s.nodes.AllocAtomic(t) // mas_pop_node
	newnode.fill_(to)
	if !s.Has(nextSlot) {
		mteSetNodeDead(t, mas.node)
	}
	s.masReplace(t, mas.node, newnode)
}

// memcpy_ writes what is to be in the leaf over what is there.
func (node *mapleNode) memcpy_(t *schedule.Thread, from, to leaf) {
	for i := range maxSlots {
		if to.pivot[i] != from.pivot[i] {
			node.pivot[i].Write(t, to.pivot[i])
		}
	}
	for i := range maxSlots {
		if to.slot[i] != from.slot[i] {
			node.slot[i].Write(t, to.slot[i])
		}
	}
	node.end.Write(t, to.end)
}

// fill_ is that to a leaf which nobody else can see yet.
func (node *mapleNode) fill_(to leaf) {
	for i := range maxSlots {
		node.pivot[i].Init(to.pivot[i])
		node.slot[i].Init(to.slot[i])
	}
	node.end.Init(to.end)
}

// masReplace is mas_replace(), which is mas_replace_node() in 7.1, of the root, and mas_free().
func (s *system) masReplace(t *schedule.Thread, old, node *mapleNode) {
	s.mm.maRoot.Assign(t, node)
	mteSetNodeDead(t, old)
	s.maFreeRcu(t, old)
}

// masNewRoot is mas_new_root(), of NULL: there is no tree any more.
func (s *system) masNewRoot(t *schedule.Thread) {
	root := s.mm.maRoot.DereferenceRaw(t)
	s.mm.maRoot.Assign(t, nil)
	s.mteDestroyWalk(t, root)
}

// mteDestroyWalk is mte_destroy_walk(), of a leaf, with mt_destroy_walk().
func (s *system) mteDestroyWalk(t *schedule.Thread, node *mapleNode) {
	mteSetNodeDead(t, node)
	rcu.Call(t, &node.rcu)
}

// maFreeRcu is ma_free_rcu().
func (s *system) maFreeRcu(t *schedule.Thread, node *mapleNode) {
	node.dead.Read(t) // WARN_ON
	rcu.Call(t, &node.rcu)
}
