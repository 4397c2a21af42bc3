// Package list is the list with the links in its objects (include/linux/list.h),
// and its RCU-protected form (include/linux/rculist.h), which readers walk without a
// lock while whoever holds the writers' lock changes it.
//
// The links are in the objects, so walking to a neighbour that has been freed is
// a use-after-free, as it is in the kernel.
//
// Steps: adding, deleting, moving and replacing one each (the caller holds the writers' lock,
// and a reader sees the one store that links or unlinks; see DelRcuUnlocked for who does not);
// First, Next, FirstEntry, NextEntry, LastEntry, PrevEntry, WalkNext, Linked, and Empty of a
// head or a node, one each.
//
// Misuse is [schedule.ListCorrupt]: deleting what is not on a list (a poisoned
// node), or is on another; adding what is on one; walking on from a node that list_del() has
// poisoned. CONFIG_DEBUG_LIST sees some of this, of a list_head; the notes of the failures tell
// which it was. Where it matters what comes of adding what is on another list, there is AddBlind.
// What __skb_unlink() has taken off has links that are NULL: [schedule.NullDereference].
//
// A node that has never been on a list is one that was initialized to list_empty(), and one that
// was not (NULL links) to whoever deletes it: list_del_init() after INIT_LIST_HEAD(), which is
// allowed, is not modelled.
//
// With store buffers ([schedule.Exec.BufferStores]) what an operation stores waits in that of the
// CPU, as it does on x86, and gets to memory in one step: who has not got the lock sees of it what
// he would without buffers, but later. Some is in memory at once, where a machine may be late: what
// Init and Forget do; an operation that writes more than eight words, as that of SpliceInit and
// ReplaceInit is with more than five entries; and what another CPU has done to a list that is
// changed now, which matters only if the two have no lock in common.
//
// Where loads pass loads ([schedule.Exec.ReorderLoads]) each look at a link may see an old one. Not
// those of LastEntry and PrevEntry: the links back are in no cells, and who follows them has the
// lock. Nor those with which a change begins, also of DelRcuUnlocked. And when a walk sees the end of
// a list, which list that is, and whether the last entry has been poisoned, is as of now: all ends
// are nil, so a link from one end to another has no old value.
package list

import "github.com/kschedfuzz/kschedfuzz/schedule"

// A Head is a struct list_head or hlist_head of objects of type P. One object can be
// on one list, and on another as a struct{ P }, which says where the node of that is.
type Head[P Entry[P]] struct{ first schedule.Ptr[P] }

// A Node is the struct list_head or hlist_node inside an object, an [Entry].
type Node[P Entry[P]] struct {
	next schedule.Ptr[P]
	// pprev is 0 if it was never linked, else one of the values below. While it is linked, the
	// list that it is on is kept: see list.
	pprev schedule.Kept[*Head[P]] `words:",linked,LIST_POISON2,itself,LIST_POISON1,unlinked,NULL"`
}

// Values of pprev.
const (
	linked   = 1
	poisoned = 2 // LIST_POISON2: hlist_del_rcu() leaves next for readers and poisons pprev
	toItself = 3 // after list_del_init(): not on a list, and may be deleted again
	bothGone = 4 // list_del() poisons next too
	unlinked = 5 // __list_del_entry() leaves both links as they were
	nulls    = 6 // __skb_unlink()
	// The ID of the head of a list: on that, while another list leads here, or nothing does.
)

// Entry is what can be on a list: a pointer to a struct that embeds
// [schedule.Object] and says where its node is. With a P that is an interface, objects of several
// types are on one list.
type Entry[P Entry[P]] interface {
	schedule.Pointer
	ListNode() *Node[P]
}

// AddHeadRcu is hlist_add_head_rcu().
func (h *Head[P]) AddHeadRcu(t *schedule.Thread, p P) {
	h.add(t, p, "hlist_add_head_rcu", schedule.WriteOnce|schedule.Release)
}

// AddRcu is list_add_rcu().
func (h *Head[P]) AddRcu(t *schedule.Thread, p P) {
	h.add(t, p, "list_add_rcu", schedule.WriteOnce|schedule.Release)
}

// Add is list_add().
func (h *Head[P]) Add(t *schedule.Thread, p P) { h.add(t, p, "list_add", schedule.PlainWrite) }

// AddTail is list_add_tail().
func (h *Head[P]) AddTail(t *schedule.Thread, p P) {
	h.begin(t, p, "list_add_tail", schedule.PlainWrite)
	h.linkLast(t, p)
}

// AddTailRcu is list_add_tail_rcu().
func (h *Head[P]) AddTailRcu(t *schedule.Thread, p P) {
	h.begin(t, p, "list_add_tail_rcu", schedule.WriteOnce|schedule.Release)
	h.linkLast(t, p)
}

func (h *Head[P]) add(t *schedule.Thread, p P, verb string, m schedule.Mode) {
	h.begin(t, p, verb, m)
	h.linkFirst(t, p)
}

// begin is the step of adding p, up to the links.
func (h *Head[P]) begin(t *schedule.Thread, p P, verb string, m schedule.Mode) {
	t.Step(schedule.Op{Verb: verb, Cell: &h.first.Cell, Mode: m})
	h.settle(t, p)
	t.Touch(p.Header())
	if p.ListNode().Listed() {
		t.Fail(schedule.ListCorrupt, p.Header(), schedule.Party{}, h.addedTwice(p, verb))
	}
}

// addedTwice says what is wrong with adding p, which is on a list. All that CONFIG_DEBUG_LIST
// sees of it, since 3.5, is that p is one of the two between which it is added.
func (h *Head[P]) addedTwice(p P, verb string) string {
	var null P
	n := p.ListNode()
	switch tail := verb == "list_add_tail"; {
	case !tail && h.first.Get() == p:
		return "adds the first entry once more"
	case tail && n.on() == h && n.next.Get() == null:
		return "adds the last entry once more"
	}
	return "adds what is on a list"
}

func (h *Head[P]) linkFirst(t *schedule.Thread, p P) {
	var null P
	if first := h.first.Get(); first != null {
		t.Touch(first.Header()) // its back link is written
		h.checkOn(t, first, "adds before an entry that leads back elsewhere")
	}
	h.linkAt(t, &h.first, p)
}

func (h *Head[P]) linkLast(t *schedule.Thread, p P) {
	var null P
	at := &h.first
	for at.Get() != null {
		h.checkOn(t, at.Get(), takenEntry)
		at = &at.Get().ListNode().next
	}
	t.Touch(at.Object()) // its link is written
	h.linkAt(t, at, p)
}

// Init puts p at the head where nobody else can see it yet: no step.
func (h *Head[P]) Init(p P) {
	n := p.ListNode()
	n.next.Put(h.first.Get())
	n.pprev.Put(linked, h)
	h.first.Put(p)
}

func (h *Head[P]) linkAt(t *schedule.Thread, at *schedule.Ptr[P], p P) {
	n := p.ListNode()
	n.next.Store(t, at.Get())
	n.pprev.Store(t, linked, h)
	linkBack(t, at.Get())
	at.Store(t, p)
}

// DelRcu is hlist_del_rcu(). The node keeps its next, for readers that are there.
func (h *Head[P]) DelRcu(t *schedule.Thread, p P) { h.del(t, p, "hlist_del_rcu", poisoned) }

// ListDelRcu is list_del_rcu(): DelRcu of a list_head.
func (h *Head[P]) ListDelRcu(t *schedule.Thread, p P) { h.del(t, p, "list_del_rcu", poisoned) }

// Del is list_del().
func (h *Head[P]) Del(t *schedule.Thread, p P) { h.del(t, p, "list_del", bothGone) }

// DelEntry is __list_del_entry(), which leaves the links of the node as they are: a walk that
// is at it goes on.
func (h *Head[P]) DelEntry(t *schedule.Thread, p P) { h.del(t, p, "__list_del_entry", unlinked) }

// Del is list_del(), from whichever list p is on.
func Del[P Entry[P]](t *schedule.Thread, p P) {
	var whichever *Head[P]
	whichever.del(t, p, "list_del", bothGone)
}

// DelInit is list_del_init(): the node may be deleted again without harm.
func (h *Head[P]) DelInit(t *schedule.Thread, p P) { h.del(t, p, "list_del_init", toItself) }

// DelInit is list_del_init(), from whichever list p is on.
func DelInit[P Entry[P]](t *schedule.Thread, p P) {
	var whichever *Head[P]
	whichever.del(t, p, "list_del_init", toItself)
}

// SkbUnlink is __skb_unlink() (include/linux/skbuff.h), from whichever sk_buff_head p is on. Its
// links are NULL then, and nothing checks these lists: who unlinks twice, or walks on from there,
// is at NULL.
func SkbUnlink[P Entry[P]](t *schedule.Thread, p P) {
	var whichever *Head[P]
	whichever.del(t, p, "__skb_unlink", nulls)
}

// Move is list_move() to the head of a list, from whichever list p is on.
func Move[P Entry[P]](t *schedule.Thread, p P, to *Head[P]) {
	var whichever *Head[P]
	whichever.del(t, p, "list_move", toItself)
	t.Touch(to.first.Object()) // a link of the head is written
	to.settle(t, p)
	to.linkFirst(t, p)
}

// MoveTail is list_move_tail(), from whichever list p is on.
func MoveTail[P Entry[P]](t *schedule.Thread, p P, to *Head[P]) {
	var whichever *Head[P]
	whichever.del(t, p, "list_move_tail", toItself)
	t.Touch(to.first.Object()) // a link of the head is written
	to.settle(t, p)
	to.linkLast(t, p)
}

// del takes p off h, or, if that is nil, off the list that it is on.
func (h *Head[P]) del(t *schedule.Thread, p P, verb string, after uint64) {
	n := p.ListNode()
	t.Step(schedule.Op{Verb: verb, Cell: &n.pprev.Cell, Mode: schedule.WriteOnce})
	h.settle(t, p)
	if h == nil {
		h = n.on()
	}
	switch n.pprev.Value() {
	case linked:
		h.unlink(t, p, verb)
	case toItself:
		if after == unlinked {
			return
		}
	case poisoned, bothGone, unlinked:
		t.Fail(schedule.ListCorrupt, p.Header(), schedule.Party{}, "deletes what has been deleted")
	case nulls:
		t.Fail(schedule.NullDereference, nil, schedule.Party{}, "next->prev")
	case 0:
		t.Fail(schedule.ListCorrupt, p.Header(), schedule.Party{}, "deletes what was never on a list")
	default:
		t.Fail(schedule.ListCorrupt, p.Header(), schedule.Party{}, n.taken(p))
	}
	n.leave(t, p, after)
}

// taken says what is wrong with deleting p, which is marked: it is on another list, of which
// CONFIG_DEBUG_LIST sees nothing, or what was before it is, and leads elsewhere now.
func (n *Node[P]) taken(p P) string {
	if n.list().linkTo(p).Get() == p {
		return "another list has taken it"
	}
	return "deletes behind an entry that leads elsewhere"
}

// leave writes the links of p, which is off its list: what is left there keeps others from
// leaking, and leads walks.
func (n *Node[P]) leave(t *schedule.Thread, p P, after uint64) {
	var null P
	switch after {
	case toItself:
		n.next.Store(t, p)
	case bothGone, nulls:
		n.next.Store(t, null)
	}
	n.pprev.Store(t, after, n.on())
}

// unlink writes the links of the neighbours. The head is one of them where p is the first, and
// where it is the last, but of an hlist, which ends in nil.
func (h *Head[P]) unlink(t *schedule.Thread, p P, verb string) {
	var null P
	at := h.linkTo(p)
	if at.Get() == null {
		t.Fail(schedule.ListCorrupt, p.Header(), schedule.Party{}, "deletes what is on another list")
	}
	t.Touch(at.Object())
	next := p.ListNode().next.Get()
	switch {
	case next != null:
		t.Touch(next.Header())
		h.checkOn(t, next, "deletes before an entry that leads back elsewhere")
	case verb != "hlist_del_rcu":
		t.Touch(h.first.Object())
	}
	linkBack(t, next)
	at.Store(t, next)
}

// linkTo returns the link that leads to p, or the last one if none does.
func (h *Head[P]) linkTo(p P) *schedule.Ptr[P] {
	var null P
	at := &h.first
	for at.Get() != p && at.Get() != null {
		at = &at.Get().ListNode().next
	}
	return at
}

// Empty is list_empty().
func (h *Head[P]) Empty(t *schedule.Thread) bool {
	var null P
	t.Step(schedule.Op{Verb: "list_empty", Cell: &h.first.Cell, Mode: schedule.PlainRead})
	first, _ := h.first.Load(t)
	return t.ObserveBool(first == null)
}

// Linked is the test of a node's own next: whether it has ever been on a list.
func (n *Node[P]) Linked(t *schedule.Thread) bool {
	t.Step(schedule.Op{Verb: "read", Cell: &n.pprev.Cell, Mode: schedule.PlainRead})
	return t.ObserveBool(n.look(t) != 0)
}

// Empty is list_empty() of a node that list_del_init() may have taken off: whether its links
// lead to itself. It was initialized so. After list_del() they do not.
func (n *Node[P]) Empty(t *schedule.Thread) bool {
	return n.empty(t, "list_empty", schedule.PlainRead)
}

// EmptyCareful is list_empty_careful() of a node, as Empty: an acquire since 5.9 (c6fe44d96fc1).
func (n *Node[P]) EmptyCareful(t *schedule.Thread) bool {
	return n.empty(t, "list_empty_careful", schedule.ReadOnce|schedule.Acquire)
}

func (n *Node[P]) empty(t *schedule.Thread, verb string, m schedule.Mode) bool {
	t.Step(schedule.Op{Verb: verb, Cell: &n.pprev.Cell, Mode: m})
	v := n.look(t)
	return t.ObserveBool(v == 0 || v == toItself)
}

// look loads what pprev says. It is next that C looks at, so what is loaded from that later is no
// older, nor is this than what has been loaded from that: see walk. (What is older than a
// list_del_rcu() that this has seen, C could load all the same: that leaves next.)
func (n *Node[P]) look(t *schedule.Thread) uint64 {
	v := t.Load(&n.pprev.Cell)
	t.LoadsNoOlder(&n.next.Cell)
	return v
}

// First is the load with which a walk begins: rcu_dereference() for readers.
func (h *Head[P]) First(t *schedule.Thread) P {
	return follow(t, &h.first, "rcu_dereference", schedule.ReadOnce)
}

// Next is the load with which a walk goes on.
func (n *Node[P]) Next(t *schedule.Thread) P {
	return n.walk(t, "rcu_dereference", schedule.ReadOnce)
}

// FirstEntry is list_first_entry_or_null(), for whoever holds the writers' lock.
func (h *Head[P]) FirstEntry(t *schedule.Thread) P {
	return follow(t, &h.first, "list_first_entry", schedule.PlainRead)
}

// NextEntry is list_next_entry(), or nil at the end of the list that the node is on, even if the
// walk began at another: [Head.WalkNext] tells.
func (n *Node[P]) NextEntry(t *schedule.Thread) P {
	return n.walk(t, "list_next_entry", schedule.PlainRead)
}

// LastEntry is list_last_entry(), or nil if the list is empty.
func (h *Head[P]) LastEntry(t *schedule.Thread) P {
	var null P
	t.Step(schedule.Op{Verb: "list_last_entry", Cell: &h.first.Cell, Mode: schedule.PlainRead})
	return h.before(t, null)
}

// PrevEntry is list_prev_entry(), or nil at the head of the list that p is on. On this side all
// that delete poison but list_del_init(), which leaves a link that leads to p itself. (So does
// not __list_del_entry(), but what p was behind is not kept.)
func PrevEntry[P Entry[P]](t *schedule.Thread, p P) P {
	n := p.ListNode()
	t.Step(schedule.Op{Verb: "list_prev_entry", Cell: &n.pprev.Cell, Mode: schedule.PlainRead})
	if n.Listed() {
		return n.list().before(t, p)
	}
	if v := n.pprev.Value(); v != 0 && v != toItself {
		n.walksOn(t)
	}
	return observe(t, p)
}

// before returns the entry whose next is p, nil if p is the first; of null the last.
func (h *Head[P]) before(t *schedule.Thread, p P) P {
	var prev, null P
	for at := h.first.Get(); at != p && at != null; at = at.ListNode().next.Get() {
		h.checkOn(t, at, takenEntry)
		prev = at
	}
	return observe(t, prev)
}

// observe observes an entry that is in no one cell.
func observe[P Entry[P]](t *schedule.Thread, p P) P {
	var null P
	if p == null {
		t.Observe(0)
	} else {
		t.Observe(p.Header().Self().ID())
	}
	return p
}

// walk follows the link of a node. Where it is poisoned, what comes next faults.
func (n *Node[P]) walk(t *schedule.Thread, verb string, m schedule.Mode) P {
	next := follow(t, &n.next, verb, m)
	t.LoadsNoOlder(&n.pprev.Cell)
	if next == n.next.Get() { // else it was loaded before they were
		n.checkLinks(t)
	}
	return next
}

// checkLinks fails if the links of the node are poisoned, or NULL.
func (n *Node[P]) checkLinks(t *schedule.Thread) {
	if v := n.pprev.Value(); v == bothGone || v == nulls {
		n.walksOn(t)
	}
}

func (n *Node[P]) walksOn(t *schedule.Thread) {
	if n.pprev.Value() == nulls {
		t.Fail(schedule.NullDereference, nil, schedule.Party{}, "the next of what was unlinked")
	}
	t.Fail(schedule.ListCorrupt, n.next.Object(), schedule.Party{},
		"walks on from what has been deleted")
}

// WalkNext is the load of list_for_each_entry(), or its safe form, of what comes behind p, in
// a walk of h that does not see whether p is still there. If p was taken off by
// list_del_init() that is p itself. If p is the last of another list it is no object but the
// head of that, and the walk does not end there: other is that list. (If list_del_rcu() or
// __list_del_entry() has taken the last off another list, the walk ends here, and there too
// comes to that head.)
func (h *Head[P]) WalkNext(t *schedule.Thread, p P) (next P, other *Head[P]) {
	n := p.ListNode()
	var null P
	next = n.walk(t, "list_next_entry", schedule.PlainRead)
	if next == null && n.next.Get() == null && n.Listed() && n.list() != h {
		t.Observe(n.on().first.Object().Self().ID())
		return null, n.on()
	}
	return next, nil
}

// Cell returns the cell that stands for the list in the operations of others.
func (h *Head[P]) Cell() *schedule.Cell { return &h.first.Cell }

func follow[P Entry[P]](t *schedule.Thread, c *schedule.Ptr[P], verb string, m schedule.Mode) P {
	t.Step(schedule.Op{Verb: verb, Cell: &c.Cell, Mode: m})
	p, v := c.Load(t)
	t.Observe(v)
	return p
}

// Peek returns the first entry without a step, for fingerprints.
func (h *Head[P]) Peek() P { return h.first.Get() }

// Peek returns the entry behind the node without a step.
func (n *Node[P]) Peek() P { return n.next.Get() }

// list returns the list that the node is on, and looks at what that follows from: the node, if
// it is marked, and else who leads to it. [ReplaceInit] changes the head alone.
func (n *Node[P]) list() *Head[P] {
	n.pprev.Value()
	h := n.on()
	h.first.Value()
	return h
}

// on returns the list that the node is on, or was.
func (n *Node[P]) on() *Head[P] { return n.pprev.Kept() }

// Listed reports whether the node is on a list, without a step.
func (n *Node[P]) Listed() bool {
	v := n.pprev.Value()
	return v == linked || v > nulls
}
