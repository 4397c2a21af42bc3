package list

import "github.com/kschedfuzz/kschedfuzz/schedule"

// DelRcuUnlocked is hlist_del_rcu() by somebody who has not got the writers' lock: two steps,
// the loads of the links of p and the stores to what they led to. What others have written
// there in between is lost, so that what they took off may be on the list again.
//
// The loads find p by a walk of the list, so whoever calls this where p may be on it no more
// does not get what the kernel does; that fails.
func (h *Head[P]) DelRcuUnlocked(t *schedule.Thread, p P) {
	var null P
	n := p.ListNode()
	t.Step(schedule.Op{
		Verb: "hlist_del_rcu (load links)", Cell: &n.next.Cell, Mode: schedule.PlainRead,
	})
	at, next := h.linkTo(p), n.next.Get()
	if at.Get() == null {
		t.Fail(schedule.ListCorrupt, p.Header(), schedule.Party{}, "deletes what nothing leads to")
	}
	t.Observe(at.ID())
	t.Observe(n.next.Value())
	t.Step(schedule.Op{Verb: "hlist_del_rcu", Cell: &at.Cell, Mode: schedule.WriteOnce})
	h.settle(t, p)
	at.Store(t, next)
	if next != null {
		t.Touch(next.Header())
	}
	linkBack(t, next)
	n.leave(t, p, poisoned)
}
