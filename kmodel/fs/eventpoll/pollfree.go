package eventpoll

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// eppollEntry is struct eppoll_entry.
type eppollEntry struct {
	schedule.Object
	wait  wait.Entry[*eppollEntry]
	base  mem.Ptr[*epitem] // never changes
	whead mem.Ptr[*wait.Head[*eppollEntry]]

	*system
}

// WaitEntry implements [wait.Waiter].
func (pwq *eppollEntry) WaitEntry() *wait.Entry[*eppollEntry] { return &pwq.wait }

// sighandStruct is the part of struct sighand_struct that is for signalfd.
type sighandStruct struct {
	schedule.Object
	slab.Typesafe
	signalfdWqh wait.Head[*eppollEntry]
}

// __cleanupSighand is __cleanup_sighand(), by the last thread of a process.
func (s *system) __cleanupSighand(t *schedule.Thread, sighand *sighandStruct) {
	if s.Has(pollfree) {
		signalfdCleanup(t, sighand)
	}
	s.sighandCachep.Free(t, sighand)
}

// signalfdCleanup is signalfd_cleanup(), up to 5.15.
func signalfdCleanup(t *schedule.Thread, sighand *sighandStruct) {
	if sighand.signalfdWqh.Active(t) {
		sighand.signalfdWqh.WakeUp(t, wait.Epollhup|wait.Pollfree)
	}
}

// epPollCallback is ep_poll_callback() with POLLFREE, under the lock of the wait queue.
func (pwq *eppollEntry) epPollCallback(t *schedule.Thread, _ int) int {
	epi := pwq.base.Read(t) // ep_item_from_wait
	ep := epi.ep.Read(t)
	if !pwq.Has(forgetLast) {
		if pwq.Has(forget) {
			pwq.whead.Write(t, nil)
		}
		wait.DelInit(t, pwq)
	}
	ep.lock.LockIrq(t)
	epi.events.Read(t)
	ep.lock.UnlockIrq(t)
	epi.events.Read(t) // EPOLLEXCLUSIVE, since 4.5
	if pwq.Has(forgetLast) {
		wait.DelInit(t, pwq)
		pwq.whead.StoreRelease(t, nil)
	}
	return 1 // without EPOLLEXCLUSIVE
}

// epRemoveWaitQueue is ep_remove_wait_queue(), which came with RCU. What the fix made an
// acquire was rcu_dereference() before.
func (s *system) epRemoveWaitQueue(t *schedule.Thread, pwq *eppollEntry) {
	if !s.Has(forget) {
		pwq.whead.Read(t).RemoveWaitQueue(t, pwq)
		return
	}
	rcu.ReadLock(t)
	load := pwq.whead.ReadOnce
	if s.Has(forgetLast) {
		load = pwq.whead.LoadAcquire
	}
	if whead := load(t); whead != nil {
		whead.RemoveWaitQueue(t, pwq)
	}
	rcu.ReadUnlock(t)
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
	pwq.whead.Init(&sighand.signalfdWqh)
	pwq.base.Init(epi)
	sighand.signalfdWqh.AddWaitQueue(t, pwq)
	epi.pwqlist.Write(t, pwq)
}
