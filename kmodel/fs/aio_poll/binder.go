package aiopoll

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// pollhup is EPOLLHUP.
const pollhup = 2

// binderProc is struct binder_proc (drivers/android/binder.c), of the polled file.
type binderProc struct {
	schedule.Object
	innerLock spin.Lock
	thread    mem.Ptr[*binderThread] // in threads; under inner_lock
	todo      mem.Int                // whether there is work, EPOLLIN
}

// binderThread is the part of struct binder_thread that is its wait queue.
type binderThread struct {
	schedule.Object
	lock spin.Lock
	wait list.Head[*aioKiocb]
}

// binderProcTransaction is binder_proc_transaction(), by way of binder_wakeup_thread_ilocked():
// those who poll are woken, and not told why. There is work, unless another thread has taken it
// at once.
func (s *system) binderProcTransaction(t *schedule.Thread, work bool) {
	s.proc.innerLock.Lock(t)
	if work {
		s.proc.todo.Write(t, 1)
	}
	s.binderWakeupPollThreadsIlocked(t)
	s.proc.innerLock.Unlock(t)
}

// binderWakeupPollThreadsIlocked is binder_wakeup_poll_threads_ilocked(), under inner_lock.
func (s *system) binderWakeupPollThreadsIlocked(t *schedule.Thread) {
	if thread := s.proc.thread.Read(t); thread != nil {
		s.wakeUp(t, thread, false)
	}
}

// binderPoll is binder_poll(), called without a queue to wait at: what is left is
// binder_has_work().
func (s *system) binderPoll(t *schedule.Thread) int {
	s.proc.innerLock.Lock(t)
	mask := s.proc.todo.Read(t)
	s.proc.innerLock.Unlock(t)
	return mask
}

// binderThreadRead is binder_thread_read(), by a thread that has a queue of its own.
func (s *system) binderThreadRead(t *schedule.Thread) {
	s.proc.innerLock.Lock(t)
	s.proc.todo.Write(t, 0) // binder_dequeue_work_head_ilocked
	s.proc.innerLock.Unlock(t)
}

// binderThreadRelease is binder_thread_release(), by BINDER_THREAD_EXIT.
func (s *system) binderThreadRelease(t *schedule.Thread) {
	s.proc.innerLock.Lock(t)
	thread := s.proc.thread.Read(t)
	s.proc.thread.Write(t, nil)
	if !thread.wait.Empty(t) { // waitqueue_active, wake_up_pollfree
		s.wakeUp(t, thread, true)
	}
	s.proc.innerLock.Unlock(t)
	rcu.Synchronize(t)
	binderThreadDecTmpref(t, thread)
}

// binderThreadDecTmpref is binder_thread_dec_tmpref(). Nobody else has a reference, so the
// count, and inner_lock around it, are left out.
func binderThreadDecTmpref(t *schedule.Thread, thread *binderThread) { binderFreeThread(t, thread) }

// binderFreeThread is binder_free_thread().
func binderFreeThread(t *schedule.Thread, thread *binderThread) { slab.Free(t, "kfree", thread) }

// wakeUp is wake_up_poll() with POLLFREE, or wake_up_interruptible().
func (s *system) wakeUp(t *schedule.Thread, thread *binderThread, pollfree_ bool) {
	thread.lock.LockIrq(t)
	for iocb := thread.wait.FirstEntry(t); iocb != nil; {
		next := iocb.wait.NextEntry(t)
		iocb.aioPollWake(t, thread, pollfree_)
		iocb = next
	}
	thread.lock.UnlockIrq(t)
}
