// Package eventpoll is the lifetime of an epoll instance (fs/eventpoll.c): closing it
// against closing a file that it watches, and against the end of a wait queue that it waits
// at.
//
// The nouns: an epitem says that a struct eventpoll watches a file, and is known to both.
// refcount counts the epitems of the eventpoll, and one for its own file; whoever takes it
// to 0 frees it. Whoever removes an epitem has mtx, and says with dying that he is about to.
// refcount is atomic and needs no lock, and yet it was dropped under mtx: then whoever is
// not the last unlocks what the last may free.
//
// An eppoll_entry waits at the wait queue of a watched file. That of a signalfd is in the
// sighand_struct of the process that has added it, and dies with the process. Before, it
// wakes all who wait with POLLFREE, which says that they must leave and forget it; whead is
// the queue, or NULL once it is forgotten. Whoever removes an epitem frees the entry, and
// takes the lock of the queue for that only if there is a queue.
//
// The code follows 6.12. The variants of POLLFREE, 3.2 to 4.13, differ by what was done
// about that, and in all else are 6.16: kernels of that time have epmutex instead of
// refcount and dying.
//
// Not modelled: events and those who wait for them, an epoll instance that another one watches,
// overflow of the number of watches. The tree of epitems is an array. A file has one wait queue
// or none. The lock of the eventpoll is a spin lock, as in 4.15 and 6.18; in 5.4 to 6.13 it is
// an rwlock, which a callback takes for reading. The sighand_struct is of a cache with
// SLAB_TYPESAFE_BY_RCU, but nobody forks, and so uses one again. A watched file is closed and not
// freed; that the test of f_ep without a lock can be too early for that is a race of its own
// (CVE-2026-46242).
//
// Start reading at eventpollReleaseFile and epClearAndPut, or at epPollCallback and
// epRemoveWaitQueue.
package eventpoll

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/refcount"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// eventpoll is struct eventpoll.
type eventpoll struct {
	schedule.Object
	mtx      mutex.Mutex
	lock     spin.Lock
	rbr      [maxFiles]mem.Ptr[*epitem] // by file
	refcount refcount.Refcount

	*system
}

// epitem is struct epitem.
type epitem struct {
	schedule.Object
	fllink list.Node[*epitem]
	rcu    rcu.Head
	ep     mem.Ptr[*eventpoll] // never changes
	file   mem.Int             // ffd: which file; never changes
	dying  mem.Int             // under f_lock
	events mem.Int             // event.events

	pwqlist mem.Ptr[*eppollEntry] // under mtx
}

// ListNode implements [list.Entry].
func (epi *epitem) ListNode() *list.Node[*epitem] { return &epi.fllink }

// epiRcuFree is epi_rcu_free(), which later kernels have as kfree_rcu().
func (epi *epitem) epiRcuFree(t *schedule.Thread) { slab.Free(t, "kmem_cache_free", epi) }

// epitemsHead is struct epitems_head: the epitems of a file, while there are any.
type epitemsHead struct {
	schedule.Object
	epitems list.Head[*epitem]
}

// freeEphead is free_ephead().
func freeEphead(t *schedule.Thread, head *epitemsHead) {
	if head != nil {
		slab.Free(t, "kmem_cache_free", head)
	}
}

// epFree is ep_free().
func epFree(t *schedule.Thread, ep *eventpoll) { slab.Free(t, "kfree", ep) }

// epRefcountDecAndTest is ep_refcount_dec_and_test().
func epRefcountDecAndTest(t *schedule.Thread, ep *eventpoll) bool {
	return ep.refcount.DecAndTest(t)
}

// __epRemove is __ep_remove(), with mtx held. It reports whether the eventpoll is to be
// freed; with the fix, whether a reference is to be dropped.
func (ep *eventpoll) __epRemove(t *schedule.Thread, epi *epitem, force bool) bool {
	file := &ep.files[epi.file.Peek()]
	ep.epUnregisterPollwait(t, epi)
	file.fLock.Lock(t)
	if epi.dying.Read(t) != 0 && !force {
		file.fLock.Unlock(t)
		return false
	}
	var toFree *epitemsHead
	head := file.fEp.Read(t)
	if head.epitems.Peek() == epi && epi.fllink.Peek() == nil { // under f_lock
		file.fEp.Write(t, nil)
		toFree = head
	}
	head.epitems.DelRcu(t, epi)
	file.fLock.Unlock(t)
	freeEphead(t, toFree)
	ep.rbr[epi.file.Peek()].Write(t, nil) // rb_erase
	// Off the ready list; and after a callback that has the lock.
	ep.lock.LockIrq(t)
	ep.lock.UnlockIrq(t)
	rcu.Call(t, &epi.rcu)
	return ep.Has(putAfter) || epRefcountDecAndTest(t, ep)
}

// epRemoveSafe is ep_remove_safe(): the caller has another reference.
func (ep *eventpoll) epRemoveSafe(t *schedule.Thread, epi *epitem) {
	if ep.__epRemove(t, epi, false) && ep.Has(putAfter) {
		epRefcountDecAndTest(t, ep)
	}
}

// epClearAndPut is ep_clear_and_put(), when the file of the eventpoll is closed.
func (ep *eventpoll) epClearAndPut(t *schedule.Thread) {
	ep.mtx.Lock(t)
	for i := range ep.rbr {
		if epi := ep.rbr[i].Peek(); epi != nil { // under mtx
			ep.epUnregisterPollwait(t, epi)
		}
	}
	for i := range ep.rbr {
		if epi := ep.rbr[i].Read(t); epi != nil {
			ep.epRemoveSafe(t, epi)
		}
	}
	if ep.Has(putAfter) {
		ep.mtx.Unlock(t)
		if epRefcountDecAndTest(t, ep) {
			epFree(t, ep)
		}
		return
	}
	dispose := epRefcountDecAndTest(t, ep)
	ep.mtx.Unlock(t)
	if dispose {
		epFree(t, ep)
	}
}

// eventpollReleaseFile is eventpoll_release_file(), when a watched file is closed.
func (s *system) eventpollReleaseFile(t *schedule.Thread, file *file) {
	for {
		file.fLock.Lock(t)
		head := file.fEp.Read(t)
		if head == nil {
			break
		}
		epi := head.epitems.FirstEntry(t) // there is one while there is a head
		epi.dying.Write(t, 1)
		file.fLock.Unlock(t)

		ep := epi.ep.Read(t)
		ep.mtx.Lock(t)
		dispose := ep.__epRemove(t, epi, true)
		ep.mtx.Unlock(t)
		if s.Has(putAfter) {
			dispose = dispose && epRefcountDecAndTest(t, ep)
		}
		if dispose {
			epFree(t, ep)
		}
	}
	file.fLock.Unlock(t)
}

// eventpollRelease is eventpoll_release(), of __fput().
func (s *system) eventpollRelease(t *schedule.Thread, file *file) {
	if file.fEp.Read(t) != nil {
		s.eventpollReleaseFile(t, file)
	}
}

// attachEpitem is attach_epitem().
func (s *system) attachEpitem(t *schedule.Thread, file *file, epi *epitem) {
	var toFree *epitemsHead
	if file.fEp.ReadOnce(t) == nil {
		toFree = s.epheads.Alloc(t)
	}
	file.fLock.Lock(t)
	for file.fEp.Read(t) == nil {
		if toFree != nil {
			file.fEp.Write(t, toFree)
			toFree = nil
			break
		}
		file.fLock.Unlock(t)
		toFree = s.epheads.Alloc(t)
		file.fLock.Lock(t)
	}
	file.fEp.Peek().epitems.AddHeadRcu(t, epi)
	file.fLock.Unlock(t)
	freeEphead(t, toFree)
}

// epInsert is ep_insert(), with mtx held. sighand is that of the caller, if the file is a
// signalfd.
func (ep *eventpoll) epInsert(t *schedule.Thread, i int, sighand *sighandStruct) {
	epi := ep.epis.Alloc(t)
	epi.file.Init(i)
	epi.ep.Init(ep)
	ep.attachEpitem(t, &ep.files[i], epi)
	ep.rbr[i].Write(t, epi) // ep_rbtree_insert
	ep.refcount.Inc(t)      // ep_get
	if sighand != nil {
		ep.epPtableQueueProc(t, epi, sighand)
	}
}

// doEpollCtl is do_epoll_ctl() of a file that the caller has open, as he has the eventpoll.
func (ep *eventpoll) doEpollCtl(t *schedule.Thread, i int, sighand *sighandStruct, add bool) {
	ep.mtx.Lock(t)
	epi := ep.rbr[i].Read(t) // ep_find
	if add && epi == nil {
		ep.epInsert(t, i, sighand)
	}
	if !add && epi != nil {
		ep.epRemoveSafe(t, epi)
	}
	ep.mtx.Unlock(t)
}
