package wait

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Keys of wake-ups: what has happened, or 0 if the waker does not say.
const (
	Epollin  = 0x1
	Epollhup = 0x10
	Pollfree = 0x4000 // who waits must leave, and forget the queue
)

// A Waiter is what can wait at a [Head]: a pointer to a struct that embeds [schedule.Object]
// and says where its entry is. With a P that is an interface, objects of several types wait at
// one Head.
type Waiter[P Waiter[P]] interface {
	schedule.Pointer
	WaitEntry() *Entry[P]
}

// An Entry is the struct wait_queue_entry inside an object, a [Waiter].
type Entry[P Waiter[P]] struct {
	node  list.Node[queued[P]]
	flags schedule.Cell `words:",WQ_FLAG_EXCLUSIVE"` // changes while it is not queued
	f     func(t *schedule.Thread, key int) int
}

const exclusive = 1

// queued is a P as the list of a Head has it.
type queued[P Waiter[P]] struct{ p P }

func (w queued[P]) Header() *schedule.Object        { return w.p.Header() }
func (w queued[P]) ListNode() *list.Node[queued[P]] { return &w.p.WaitEntry().node }

// InitFunc is init_waitqueue_func_entry(): f is what a wake-up calls with the lock. It returns
// whether it has woken anybody, which counts for who waits exclusively, and less than 0 if the
// wake-up is to go no further. It belongs in the constructor of the object.
func (w *Entry[P]) InitFunc(f func(t *schedule.Thread, key int) int) { w.f = f }

// Empty is list_empty() of the entry: whether it is on no queue.
func (w *Entry[P]) Empty(t *schedule.Thread) bool { return w.node.Empty(t) }

// EmptyCareful is list_empty_careful() of the entry, an acquire: see [list.Node.EmptyCareful].
func (w *Entry[P]) EmptyCareful(t *schedule.Thread) bool { return w.node.EmptyCareful(t) }

// Queued is Empty, negated, without a step: for fingerprints.
func (w *Entry[P]) Queued() bool { return w.node.Listed() }

// DelInit is list_del_init() of the entry of p, by its wake function or who else has the lock.
func DelInit[P Waiter[P]](t *schedule.Thread, p P) { list.DelInit(t, queued[P]{p}) }

// A Head is a wait_queue_head_t at which objects wait, each with a wake function. All is done
// step by step: what is under the lock, and what is not. Who sleeps there is an object of his
// own, whose function is [DefaultWakeFunction], or that and [DelInit], which is
// autoremove_wake_function().
type Head[P Waiter[P]] struct {
	Lock spin.Lock
	head list.Head[queued[P]]
}

// Header returns the object that the queue is in, so that pointers may lead to the queue.
func (h *Head[P]) Header() *schedule.Object { return h.head.Cell().Object() }

// Init puts p on the queue where nobody else can see it yet: no step.
func (h *Head[P]) Init(p P) { h.head.Init(queued[P]{p}) }

// Peek returns the first that waits without a step, for fingerprints.
func (h *Head[P]) Peek() P { return h.head.Peek().p }

// AddWaitQueue is add_wait_queue(), at the head: lock, add and unlock.
func (h *Head[P]) AddWaitQueue(t *schedule.Thread, p P) {
	h.Lock.LockIrq(t)
	h.AddLocked(t, p)
	h.Lock.UnlockIrq(t)
}

// AddWaitQueueExclusive is add_wait_queue_exclusive(), at the tail.
func (h *Head[P]) AddWaitQueueExclusive(t *schedule.Thread, p P) {
	h.Lock.LockIrq(t)
	h.AddTailExclusiveLocked(t, p)
	h.Lock.UnlockIrq(t)
}

// AddLocked is __add_wait_queue(), for who has the lock.
func (h *Head[P]) AddLocked(t *schedule.Thread, p P) {
	h.head.Add(t, queued[P]{p})
	t.Store(&p.WaitEntry().flags, 0)
}

// AddTailExclusiveLocked is __add_wait_queue_entry_tail_exclusive().
func (h *Head[P]) AddTailExclusiveLocked(t *schedule.Thread, p P) {
	h.head.AddTail(t, queued[P]{p})
	t.Store(&p.WaitEntry().flags, exclusive)
}

// RemoveWaitQueue is remove_wait_queue(): lock, delete and unlock.
func (h *Head[P]) RemoveWaitQueue(t *schedule.Thread, p P) {
	h.Lock.LockIrq(t)
	h.head.Del(t, queued[P]{p})
	h.Lock.UnlockIrq(t)
}

// Active is waitqueue_active(): a look without the lock.
func (h *Head[P]) Active(t *schedule.Thread) bool {
	t.Step(schedule.Op{Verb: "waitqueue_active", Cell: h.head.Cell(), Mode: schedule.PlainRead})
	return t.ObserveBool(t.Load(h.head.Cell()) != 0)
}

// WakeUp is wake_up(), or, with a key, wake_up_poll(): it goes on until a wake function of who
// waits exclusively has woken somebody.
func (h *Head[P]) WakeUp(t *schedule.Thread, key int) { h.WakeUpNr(t, 1, key) }

// WakeUpAll is wake_up_all().
func (h *Head[P]) WakeUpAll(t *schedule.Thread, key int) { h.WakeUpNr(t, 0, key) }

// WakeUpNr is __wake_up(): lock, [Head.WakeUpLocked] and unlock.
func (h *Head[P]) WakeUpNr(t *schedule.Thread, nr, key int) {
	h.Lock.LockIrq(t)
	h.WakeUpLocked(t, nr, key)
	h.Lock.UnlockIrq(t)
}

// WakeUpLocked is __wake_up_locked_key(), and what the others do with the lock,
// __wake_up_common(): one step for each link, and what the wake functions do. The link behind
// an entry is read before its function is called. With nr 0 it goes to the end.
func (h *Head[P]) WakeUpLocked(t *schedule.Thread, nr, key int) {
	if !lockdep.Holds(t, h.Lock.Cell()) {
		t.Fail(schedule.LockRule, h.Header(), schedule.Party{}, "the lock of the queue is not held")
	}
	var null P
	for p := h.head.FirstEntry(t).p; p != null; {
		w := p.WaitEntry()
		next, alone := w.node.NextEntry(t).p, w.flags.Value() == exclusive
		woken := w.f(t, key)
		if woken < 0 {
			break
		}
		if woken > 0 && alone {
			if nr--; nr == 0 {
				break
			}
		}
		p = next
	}
}

// WakeUpPollfree is wake_up_pollfree() (42288cb44c4b, 5.16): all that wait must leave, since
// the queue dies with the task. That they have, the kernel looks at and warns of. The queue is
// to be freed after a grace period.
func (h *Head[P]) WakeUpPollfree(t *schedule.Thread) {
	if !h.Active(t) {
		return
	}
	h.WakeUpAll(t, Epollhup|Pollfree)
	if h.Active(t) {
		t.Warn(schedule.BugOn, h.Header(), schedule.Party{}, "WARN_ON_ONCE(waitqueue_active())")
	}
}

// DefaultWakeFunction is default_wake_function() of a thread, one step: try_to_wake_up(), if
// it is in one of the states. It returns 1 if that was so.
func DefaultWakeFunction(t, sleeper *schedule.Thread, mode State) int {
	s := facility.Of(t.Exec())
	t.Step(schedule.Op{Verb: "try_to_wake_up", Cell: s.of(sleeper), Mode: schedule.RMWFull})
	if t.ObserveBool(s.wake(sleeper.ID, mode)) {
		return 1
	}
	return 0
}
