package list

import "github.com/kschedfuzz/kschedfuzz/schedule"

// ReplaceInit is list_replace_init(): what is on old is on replacement, and old is empty. It
// writes the links of the first and of the last. The kernel does not look at what replacement
// was; here it must be empty.
func ReplaceInit[P Entry[P]](t *schedule.Thread, old, replacement *Head[P]) {
	takeAll(t, "list_replace_init", old, replacement)
}

// SpliceInit is list_splice_init() to a list that is empty: it does there what ReplaceInit does.
func SpliceInit[P Entry[P]](t *schedule.Thread, list, to *Head[P]) {
	takeAll(t, "list_splice_init", list, to)
}

func takeAll[P Entry[P]](t *schedule.Thread, verb string, old, replacement *Head[P]) {
	var last, null P
	t.Step(schedule.Op{Verb: verb, Cell: &old.first.Cell, Mode: schedule.PlainWrite})
	old.settle(t, null)
	replacement.settle(t, null)
	t.Touch(replacement.first.Object())
	first := old.first.Get()
	if first != null {
		t.Touch(first.Header())
	}
	if lost := replacement.first.Get(); lost != null {
		t.Fail(schedule.ListCorrupt, lost.Header(), schedule.Party{}, "overwrites what is not empty")
	}
	for p := first; p != null; p = p.ListNode().next.Get() {
		old.checkOn(t, p, takenEntry)
		p.ListNode().moveTo(t, replacement)
		last = p
	}
	if last != null {
		t.Touch(last.Header())
		last.ListNode().linkEnd(t)
	}
	replacement.first.Store(t, first)
	old.first.Store(t, null)
}

// Forget says that the head, a local variable of a function that returns, is not there any
// more: no step. What was on it has been freed, or is on another list.
func (h *Head[P]) Forget() {
	var null P
	h.first.Put(null)
}

// AddBlind is list_add() where p may be on another list, of which CONFIG_DEBUG_LIST sees
// nothing. p then has the links of this list. What was before it there still leads to it, so
// a walk of that list goes on into this one: see [Head.WalkNext]. What was behind it is on
// that list still, and nothing leads there. Whatever else is done to that list at p, or to
// p but adding it, fails.
func (h *Head[P]) AddBlind(t *schedule.Thread, p P) {
	const verb = "list_add"
	t.Step(schedule.Op{Verb: verb, Cell: &h.first.Cell, Mode: schedule.PlainWrite})
	h.settle(t, p)
	t.Touch(p.Header())
	n := p.ListNode()
	if !n.Listed() {
		h.linkFirst(t, p)
		return
	}
	if h.linkTo(p).Get() == p { // a walk comes to it
		t.Fail(schedule.ListCorrupt, p.Header(), schedule.Party{}, h.addedTwice(p, verb))
	}
	var null P
	for left := n.next.Get(); left != null; left = left.ListNode().next.Get() {
		left.ListNode().mark(t)
	}
	h.linkFirst(t, p)
	n.mark(t)
}

// mark writes down which list the node is on where that does not follow from who leads to it.
func (n *Node[P]) mark(t *schedule.Thread) { n.pprev.Store(t, n.on().first.ID(), n.on()) }

// moveTo changes which list the node is on.
func (n *Node[P]) moveTo(t *schedule.Thread, h *Head[P]) {
	n.pprev.Keep(t, h)
	if n.pprev.Value() != linked {
		n.mark(t)
	}
}

// takenEntry is what checkOn says where nobody looks at the link back.
const takenEntry = "another list has taken an entry"

// checkOn fails if p, to which h leads, has been added to another list: its link back is not
// what it was. Of one that has been deleted, and h leads to still, nobody knows where it was.
func (h *Head[P]) checkOn(t *schedule.Thread, p P, note string) {
	if n := p.ListNode(); n.Listed() && n.list() != h {
		t.Fail(schedule.ListCorrupt, p.Header(), schedule.Party{}, note)
	}
}
