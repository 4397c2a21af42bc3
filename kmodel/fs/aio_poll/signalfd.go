package aiopoll

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// taskStruct is struct task_struct, of the process that has submitted the requests.
type taskStruct struct {
	schedule.Object
	sighand rcu.Ptr[*sighandStruct]
}

// sighandStruct is struct sighand_struct.
type sighandStruct struct {
	schedule.Object
	slab.Typesafe
	siglock     spin.Lock
	signalfdWqh waitQueueHead
}

// signalfdPoll is signalfd_poll(), called without a queue to wait at. What it looks for are
// signals of current. That is a kworker, which has a sighand_struct of its own, as each has,
// and ignores all signals: it finds none.
func signalfdPoll() int { return 0 }

// doSendSigInfo is do_send_sig_info(), of a signal that the process does not ignore and that is
// not pending yet.
func (s *system) doSendSigInfo(t *schedule.Thread) {
	if sighand := s.lockTaskSighand(t); sighand != nil {
		signalfdNotify(t, sighand) // __send_signal
		sighand.siglock.UnlockIrq(t)
	}
}

// lockTaskSighand is lock_task_sighand(). It returns nil if the process is gone.
func (s *system) lockTaskSighand(t *schedule.Thread) *sighandStruct {
	rcu.ReadLock(t)
	for {
		sighand := s.task.sighand.Dereference(t)
		if sighand == nil {
			rcu.ReadUnlock(t)
			return nil
		}
		sighand.siglock.LockIrq(t)
		if s.task.sighand.Dereference(t) == sighand { // rcu_access_pointer
			rcu.ReadUnlock(t)
			return sighand
		}
		sighand.siglock.UnlockIrq(t)
	}
}

// signalfdNotify is signalfd_notify(), under siglock: those who poll are woken, and not told
// why.
func signalfdNotify(t *schedule.Thread, sighand *sighandStruct) {
	if sighand.signalfdWqh.Active(t) {
		sighand.signalfdWqh.WakeUp(t, 0)
	}
}

// __exitSignal is __exit_signal(), of the only thread of the process.
func (s *system) __exitSignal(t *schedule.Thread) {
	sighand := s.task.sighand.DereferenceRaw(t)
	sighand.siglock.Lock(t)
	s.task.sighand.Assign(t, nil)
	sighand.siglock.Unlock(t)
	s.__cleanupSighand(t, sighand)
}

// __cleanupSighand is __cleanup_sighand(). Nobody else has a reference, so the count is left
// out.
func (s *system) __cleanupSighand(t *schedule.Thread, sighand *sighandStruct) {
	s.signalfdCleanup(t, sighand)
	s.sighandCachep.Free(t, sighand)
}

// signalfdCleanup is signalfd_cleanup().
func (s *system) signalfdCleanup(t *schedule.Thread, sighand *sighandStruct) {
	switch wqh := &sighand.signalfdWqh; {
	case s.Has(wakeAll):
		wqh.WakeUpPollfree(t)
	case wqh.Active(t):
		wqh.WakeUp(t, wait.Epollhup|wait.Pollfree)
	}
}
