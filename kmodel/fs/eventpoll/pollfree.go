package eventpoll

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// eppollEntry is struct eppoll_entry.
type eppollEntry struct {
	schedule.Object
	wait  list.Node[*eppollEntry]
	base  mem.Ptr[*epitem] // never changes
	whead mem.Ptr[*sighandStruct]
}

// ListNode implements [list.Entry].
func (pwq *eppollEntry) ListNode() *list.Node[*eppollEntry] { return &pwq.wait }

// sighandStruct is the part of struct sighand_struct that is for signalfd, the wait queue
// signalfd_wqh.
type sighandStruct struct {
	schedule.Object
	lock spin.Lock
	head list.Head[*eppollEntry]
	rcu  rcu.Head
}

// kmemCacheFree is what frees a sighand_struct after a grace period.
func (sighand *sighandStruct) kmemCacheFree(t *schedule.Thread) {
	slab.Free(t, "kmem_cache_free", sighand)
}

// __cleanupSighand is __cleanup_sighand(), by the last thread of a process.
func (s *system) __cleanupSighand(t *schedule.Thread, sighand *sighandStruct) {
	if s.Has(pollfree) {
		s.signalfdCleanup(t, sighand)
	}
	rcu.Call(t, &sighand.rcu)
}

// signalfdCleanup is signalfd_cleanup().
func (s *system) signalfdCleanup(t *schedule.Thread, sighand *sighandStruct) {
	if sighand.head.Empty(t) { // waitqueue_active
		return
	}
	sighand.lock.LockIrq(t) // wake_up_poll
	for pwq := sighand.head.FirstEntry(t); pwq != nil; {
		next := pwq.wait.NextEntry(t)
		s.epPollCallback(t, sighand, pwq)
		pwq = next
	}
	sighand.lock.UnlockIrq(t)
}

// epPollCallback is ep_poll_callback() with POLLFREE, under the lock of the wait queue.
func (s *system) epPollCallback(t *schedule.Thread, sighand *sighandStruct, pwq *eppollEntry) {
	epi := pwq.base.Read(t) // ep_item_from_wait
	ep := epi.ep.Read(t)
	if !s.Has(forgetLast) {
		if s.Has(forget) {
			pwq.whead.Write(t, nil)
		}
		sighand.head.DelInit(t, pwq)
	}
	ep.lock.LockIrq(t)
	epi.events.Read(t)
	ep.lock.UnlockIrq(t)
	if s.Has(forgetLast) {
		sighand.head.DelInit(t, pwq)
		pwq.whead.StoreRelease(t, nil)
	}
}

// epRemoveWaitQueue is ep_remove_wait_queue(), which came with RCU. What the fix made an
// acquire was rcu_dereference() before.
func (s *system) epRemoveWaitQueue(t *schedule.Thread, pwq *eppollEntry) {
	if !s.Has(forget) {
		removeWaitQueue(t, pwq.whead.Read(t), pwq)
		return
	}
	rcu.ReadLock(t)
	load := pwq.whead.ReadOnce
	if s.Has(forgetLast) {
		load = pwq.whead.LoadAcquire
	}
	if whead := load(t); whead != nil {
		removeWaitQueue(t, whead, pwq)
	}
	rcu.ReadUnlock(t)
}

// removeWaitQueue is remove_wait_queue().
func removeWaitQueue(t *schedule.Thread, whead *sighandStruct, pwq *eppollEntry) {
	whead.lock.LockIrq(t)
	whead.head.Del(t, pwq)
	whead.lock.UnlockIrq(t)
}

// epUnregisterPollwait is ep_unregister_pollwait(), with mtx held.
func (ep *eventpoll) epUnregisterPollwait(t *schedule.Thread, epi *epitem) {
	pwq := epi.pwqlist.Peek() // under mtx
	if pwq == nil {
		return
	}
	epi.pwqlist.Write(t, nil)
	ep.epRemoveWaitQueue(t, pwq)
	slab.Free(t, "kmem_cache_free", pwq)
}

// epPtableQueueProc is ep_ptable_queue_proc(), called by signalfd_poll().
func (ep *eventpoll) epPtableQueueProc(t *schedule.Thread, epi *epitem, sighand *sighandStruct) {
	pwq := ep.pwqs.Alloc(t)
	pwq.whead.Init(sighand)
	pwq.base.Init(epi)
	sighand.lock.LockIrq(t) // add_wait_queue
	sighand.head.Add(t, pwq)
	sighand.lock.UnlockIrq(t)
	epi.pwqlist.Write(t, pwq)
}
