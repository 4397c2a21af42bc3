package list

import "github.com/kschedfuzz/kschedfuzz/schedule"

// Store buffers. All that list.h and rculist.h store is plain, WRITE_ONCE() or smp_store_release(),
// which is the same to x86. They store the link that leads to an entry after the entry's own, and
// poison what is deleted last; of that nobody sees anything here, as an operation is one step.
// Where stores pass stores, what adds for RCU is a release; and operations on one list that write a
// link in common stay in order. Up to 3.14 rcu_assign_pointer() was smp_wmb() and a store, which
// what is stored later may pass too, but not what is before the barrier: a release allows more.
//
// Who has the lock sees what others have done, for the store that gave it back came after that. Who
// changes a list without one might not, and lose what is in another's buffer. How the list is torn
// then follows from the links back as well, which are not all kept, so what another CPU has stored
// to it gets to memory first: changes of a list come one after the other, as without buffers.

// settle has what other CPUs have done to h, if that is a list, and to p and the list that p is on,
// get to memory. It belongs in the step of a change, before that.
func (h *Head[P]) settle(t *schedule.Thread, p P) {
	if !t.Exec().BuffersStores() {
		return
	}
	var null P
	if p != null {
		n := p.ListNode()
		n.settle(t)
		if n.Listed() && n.on() != h {
			n.on().settleLinks(t)
		}
	}
	if h != nil {
		h.settleLinks(t)
	}
}

func (h *Head[P]) settleLinks(t *schedule.Thread) {
	var null P
	t.DrainStoresTo(&h.first.Cell)
	for at := h.first.Get(); at != null; at = at.ListNode().next.Get() {
		at.ListNode().settle(t)
	}
}

// settle is that of a node alone.
func (n *Node[P]) settle(t *schedule.Thread) {
	t.DrainStoresTo(&n.pprev.Cell)
	t.DrainStoresTo(&n.next.Cell)
}

// linkBack writes the link back of p, to which another link leads now, unless p is nil. What it is
// follows from who leads to p, so this changes nothing. But where stores pass stores, none that
// leads to p passes those that have put p on the list.
func linkBack[P Entry[P]](t *schedule.Thread, p P) {
	var null P
	if p != null && t.Exec().BuffersStores() {
		n := p.ListNode()
		n.settle(t) // of [Head.DelRcuUnlocked], to which p may be elsewhere by now
		n.pprev.Keep(t, n.on())
	}
}

// linkEnd writes the link of a last entry, which leads to another head now. Here it is nil for any.
func (n *Node[P]) linkEnd(t *schedule.Thread) {
	if t.Exec().BuffersStores() {
		n.next.Store(t, n.next.Get())
	}
}
