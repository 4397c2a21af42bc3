// Package mapletree is the maple tree of an address space (lib/maple_tree.c) against a stack that
// grows down to the mapping below it: StackRot, CVE-2023-3269.
//
// The nouns: a leaf of the tree (maple_node) has slots, each a mapping or NULL, and pivots, which
// say where the range of a slot ends. A walk (ma_state) begins at ma_root. mmap_lock is what keeps
// the tree as it is for those who look a mapping up; only find_vma() is in a section of RCU as
// well. But a fault below a stack expands it, and did so up to 6.4 with the lock for reading, and
// page_table_lock against others that do so. That was safe while expanding moved one pivot, as it
// does where a gap stays below the stack. Above a mapping that grows too, or that nobody may access
// (PROT_NONE), no gap need stay: then the NULL between the two goes, and the leaf is another.
//
// In 6.1 the leaf is rewritten in place, and who walks it meanwhile finds something else than what
// is mapped (syzbot found that). 3dd443254941 ("mm: enable maple tree RCU mode by default", 6.3)
// has another leaf take its place, and frees the old one after a grace period. Who holds mmap_lock
// only does not hold that up. And where the old leaf is found dead in time, mas_next_entry() goes
// on behind the range in which it was, which the stack may have taken over: find_vma() passes the
// stack by. 9471f1f2f502 ("Merge branch 'expand-stack'", 6.5, and 6.1.37, 6.3.11 and 6.4.1) takes
// the lock for writing.
//
// A read of /proc/PID/maps has done without mmap_lock since lock_next_vma() (6.18.24 and 7.1.5 have
// it, 6.16 not). mas_next_slot() treats a dead leaf as mas_next_entry() did. So it may pass by what
// grows down to where the read goes on. lock_next_vma() notices if it has found what is behind
// that, but believes that there is nothing behind, and the mapping is left out.
//
// And when all is unmapped, the last leaf is dead with no other in its place: ma_root is NULL. A
// walk from the root says so. But mas_next_slot(), where the leaf that it is in is dead, walks from
// the root and begins again, whatever it has found: it looks whether the leaf at NULL is dead.
//
// The code follows 6.1-rc7 for what is in place, 6.4.6 for the tree in RCU mode and for the fix,
// and 7.1.5 for /proc/PID/maps and munmap(), but for what expand_downwards() reads with the lock.
// Files: maple_tree.go and store.go are lib/maple_tree.c, mmap.go is mm/mmap.c and mm/memory.c,
// munmap.go mm/vma.c; maps.go is mm/mmap_lock.c for lock_next_vma(), fs/proc/task_mmu.c for
// proc_get_vma(), and lib/maple_tree.c for the tree of 7.1.5.
//
// Not modelled: nodes above the leaf, and leaves that are split or joined, which in 6.1 frees nodes
// at once; gaps; VM_GROWSUP; the limits of a stack and stack_guard_gap, which what is below the
// stack need not have here; the locks of single mappings, which munmap() takes before it touches
// the tree, and detaching and freeing them; munmap() of a part; tries of mmap_lock, so nobody
// upgrades it at once. The lowest mapping begins at 0. What is preallocated for a store and not
// used is not allocated. Where a leaf ends is in meta.end, of a full one too, whose last pivot says
// so. Where memcpy() writes what has been there, nobody sees it, and it is no step; it goes from
// low addresses to high. 6.1 looks less often whether a leaf is dead; no leaf is, there.
// mas_wr_slot_store() of 7.1.5 does not store the pivot that stays as it is; no scenario with that
// code calls it.
//
// RCU is that of a preemptible kernel. Without CONFIG_PREEMPT who looks a mapping up would have to
// sleep on the way, which no walk does here.
//
// Start reading at masPrev and expandDownwards.
package mapletree

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

const (
	maxSlots = 4       // MAPLE_RANGE64_SLOTS is 16
	ulongMax = 1 << 20 // the end of the last slot
)

// mapleNode is struct maple_node, a leaf.
type mapleNode struct {
	schedule.Object
	dead  mem.Int // whether parent is the node itself
	pivot [maxSlots]mem.Int
	slot  [maxSlots]rcu.Ptr[*vmArea]
	end   mem.Int // meta.end, the last slot
	rcu   rcu.Head
}

// mtFreeRcu is mt_free_rcu(), and mt_free_walk() of a leaf.
func (node *mapleNode) mtFreeRcu(t *schedule.Thread) { slab.Free(t, "kmem_cache_free", node) }

// maState is struct ma_state, of which node is nil for MAS_START, or if there is no tree.
type maState struct {
	index, last int
	min, max    int
	node        *mapleNode
	offset, end int
	none        bool // whether it is that (ma_none)
}

// rootGate is open when ma_root leads to a node that is not dead, or to none.
type rootGate struct{ mm *mmStruct }

func (g *rootGate) Open(*schedule.Thread) bool {
	root := g.mm.maRoot.Peek()
	return root == nil || !root.Live() || root.dead.Peek() == 0
}

// maDeadNode is ma_dead_node().
func (s *system) maDeadNode(t *schedule.Thread, node *mapleNode) bool {
	if s.Has(rcuMode) {
		mem.SmpRmb(t)
	}
	if node == nil {
		mem.NullDereference(t, "read", "mas->node->parent")
	}
	return node.dead.Read(t) != 0
}

// mteSetNodeDead is mte_set_node_dead().
func mteSetNodeDead(t *schedule.Thread, node *mapleNode) {
	node.dead.Write(t, 1)
	mem.SmpWmb(t)
}

// masStart is mas_start(). In RCU mode it spins while the root is dead, until there is another, or
// none.
func (s *system) masStart(t *schedule.Thread, mas *maState) {
	mas.min, mas.max = 0, ulongMax
	mas.node = s.mm.maRoot.DereferenceRaw(t)
	if !s.Has(rcuMode) {
		return
	}
	for mas.node != nil && s.maDeadNode(t, mas.node) {
		op := schedule.Op{Verb: "mas_start", Mode: schedule.Marked | schedule.Blocks}
		t.Await(op, &s.rootGate)
		mas.node = s.mm.maRoot.DereferenceRaw(t)
	}
	mas.none = mas.node == nil
}

// mtreeRangeWalk is mtree_range_walk(). If the leaf is dead the walk has to start again.
func (s *system) mtreeRangeWalk(t *schedule.Thread, mas *maState) *vmArea {
	node := mas.node
	end := node.end.Read(t) // ma_data_end
	if !s.Has(nextSlot) && s.maDeadNode(t, node) {
		mas.node = nil
		return nil
	}
	offset, lo, hi := 0, mas.min, mas.max
	pivot := node.pivot[0].Read(t)
	if pivot >= mas.index {
		hi = pivot
	} else {
		for pivot < mas.index {
			lo = pivot + 1
			if offset++; offset >= end {
				pivot = 0
				break
			}
			pivot = node.pivot[offset].Read(t)
		}
		if pivot != 0 {
			hi = pivot
		}
	}
	entry := node.slot[offset].DereferenceRaw(t) // mt_slot
	if s.maDeadNode(t, node) {
		mas.node = nil
		return nil
	}
	mas.offset, mas.end, mas.index, mas.last = offset, end, lo, hi
	return entry
}

// masWalk is mas_walk(), from the start.
func (s *system) masWalk(t *schedule.Thread, mas *maState) *vmArea {
	for {
		s.masStart(t, mas)
		if mas.none {
			return nil
		}
		entry := s.mtreeRangeWalk(t, mas)
		if mas.node != nil {
			return entry
		}
	}
}

// masRewalk is mas_rewalk().
func (s *system) masRewalk(t *schedule.Thread, mas *maState, index int) {
	mas.index, mas.last = index, index // mas_set
	s.masWalk(t, mas)
}

// masSafeMin is mas_safe_min().
func masSafeMin(t *schedule.Thread, mas *maState, offset int) int {
	if offset == 0 {
		return mas.min
	}
	return mas.node.pivot[offset-1].Read(t) + 1
}

// masPrev is mas_prev(), with mas_prev_entry(): the mapping before the range at which the walk is.
// There is one, since nobody asks for what is before the lowest; but in a leaf that is rewritten it
// may find none.
func (s *system) masPrev(t *schedule.Thread, mas *maState) *vmArea {
	if mas.node == nil {
		s.masWalk(t, mas)
	}
	for mas.offset > 0 {
		entry, dead := s.masPrevNentry(t, mas)
		if entry == nil && !dead {
			s.masPrevNode(t, mas)
		}
		if !dead {
			return entry
		}
		s.masRewalk(t, mas, mas.index)
	}
	return nil
}

// masPrevNode is mas_prev_node(), which finds that there is no other leaf. C walks again if the
// leaf is dead. Here none is: only what walks a leaf that is rewritten comes here, and in 6.1 none
// dies.
func (s *system) masPrevNode(t *schedule.Thread, mas *maState) {
	mas.node.dead.Read(t) // ma_is_root
	s.maDeadNode(t, mas.node)
	mas.index, mas.last, mas.node = 0, 0, nil
}

// masPrevNentry is mas_prev_nentry(), until it finds the leaf dead.
func (s *system) masPrevNentry(t *schedule.Thread, mas *maState) (entry *vmArea, dead bool) {
	node, offset := mas.node, mas.offset-1
	if s.Has(rcuMode) && s.maDeadNode(t, node) {
		return nil, true
	}
	pivot := node.pivot[offset].Read(t)
	if s.maDeadNode(t, node) {
		return nil, true
	}
	for offset > 0 && (node.slot[offset].DereferenceRaw(t) == nil || pivot == 0) {
		offset--
		pivot = node.pivot[offset].Read(t)
	}
	lo := masSafeMin(t, mas, offset)
	entry = node.slot[offset].DereferenceRaw(t) // mas_slot
	if s.maDeadNode(t, node) {
		return nil, true
	}
	if entry != nil {
		mas.offset, mas.last, mas.index = offset, pivot, lo
	}
	return entry, false
}

// masNext is mas_next().
func (s *system) masNext(t *schedule.Thread, mas *maState) *vmArea {
	if mas.node == nil {
		s.masWalk(t, mas)
	}
	if mas.last == ulongMax {
		return nil
	}
	return s.masNextEntry(t, mas)
}

// masNextEntry is mas_next_entry(), with mas_next_node(), which finds that there is no other leaf.
// If the leaf is dead it walks to the end of the range where it was, and goes on behind whatever is
// there now.
func (s *system) masNextEntry(t *schedule.Thread, mas *maState) *vmArea {
	last := mas.last
	for {
		node := mas.node
		if mas.offset++; mas.offset < maxSlots { // else it is the last slot of a full leaf
			entry := s.masNextNentry(t, mas, node)
			if s.maDeadNode(t, node) {
				s.masRewalk(t, mas, last)
				continue
			}
			if entry != nil {
				return entry
			}
		}
		if s.maDeadNode(t, node) { // mas_next_node
			s.masRewalk(t, mas, last)
			continue
		}
		return nil
	}
}

// masNextNentry is mas_next_nentry(). Whether the leaf is dead its caller asks again.
func (s *system) masNextNentry(t *schedule.Thread, mas *maState, node *mapleNode) *vmArea {
	if mas.last == mas.max {
		return nil
	}
	count := node.end.Read(t) // ma_data_end
	if s.maDeadNode(t, node) {
		return nil
	}
	mas.index = masSafeMin(t, mas, mas.offset)
	if s.maDeadNode(t, node) || mas.offset > count {
		return nil
	}
	for {
		pivot := ulongMax // mas_safe_pivot
		if mas.offset < maxSlots-1 {
			pivot = node.pivot[mas.offset].Read(t)
		}
		entry := node.slot[mas.offset].DereferenceRaw(t)
		if s.maDeadNode(t, node) || mas.offset == count && pivot == 0 {
			return nil
		}
		if entry != nil {
			mas.last = pivot
			return entry
		}
		if mas.offset == count || pivot >= ulongMax {
			return nil
		}
		mas.index = pivot + 1
		mas.offset++
	}
}
