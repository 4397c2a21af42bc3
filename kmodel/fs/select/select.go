// Package fsselect is poll() (fs/select.c) of a pipe against what fills it.
//
// The nouns: who polls is put on the wait queue of the pipe by poll_wait(), and looks then
// whether there is anything to read. If there is not he sleeps, unless triggered says that a
// wake-up has come since. write() wakes who is on the queue, with its lock. vmsplice() looks
// first, without the lock, whether anybody is there. So each writes what the other one reads:
//
//	poll()                                vmsplice()
//
//	be on the queue                       have a buffer in the pipe
//	look whether there is a buffer        look whether anybody is on the queue
//
// With memory sequentially consistent one of the two finds the other. With store buffers it takes
// a full barrier between the lines on each side. vmsplice() has smp_mb(). On the other side there
// was the lock of the queue, taken and given back between the lines. That is none: what is stored
// inside may wait together with the unlock while the pipe is looked at. On x86 to take the lock is
// a barrier, and comes too early.
//
// The code follows 6.12, and differs from 5.15 in that up to 6.6 read() and write() take the lock
// of the queue once more.
//
// Not modelled: what the buffers hold, a pipe that is full, its other end, keys of wake-ups (who
// polls waits for EPOLLIN), FASYNC, timeouts, busy polling. A signal comes when nothing else can
// happen any more, and ends the sleep.
//
// Start reading at pollWait and wakeupPipeReaders.
package fsselect

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// pollWqueues is struct poll_wqueues, on the stack of who polls, with its first entry.
type pollWqueues struct {
	schedule.Object
	wait        wait.Entry[*pollWqueues]
	triggered   mem.Int
	pollingTask *schedule.Thread // never changes
}

// WaitEntry implements [wait.Waiter].
func (pwq *pollWqueues) WaitEntry() *wait.Entry[*pollWqueues] { return &pwq.wait }

// pollwake is pollwake(). The barrier is that of __pollwake().
func (pwq *pollWqueues) pollwake(t *schedule.Thread, _ int) int {
	mem.SmpWmb(t)
	pwq.triggered.Write(t, 1)
	return wait.DefaultWakeFunction(t, pwq.pollingTask, wait.TaskInterruptible)
}

// pollWait is poll_wait(), with __pollwait().
func (s *system) pollWait(t *schedule.Thread, pwq *pollWqueues) {
	s.pipe.rdWait.AddWaitQueue(t, pwq)
	if s.Has(barrier) {
		mem.SmpMb(t)
	}
}

// doPoll is do_poll() of the end of the pipe that is read from. It returns when there is something
// to read, or a signal.
func (s *system) doPoll(t *schedule.Thread, pwq *pollWqueues) {
	mask := s.pipePoll(t, pwq)
	for mask == 0 && s.pollScheduleTimeout(t, pwq) {
		mask = s.pipePoll(t, nil)
	}
	s.pipe.rdWait.RemoveWaitQueue(t, pwq) // poll_freewait
}

// pollScheduleTimeout is poll_schedule_timeout(). It reports false if there was a signal.
func (s *system) pollScheduleTimeout(t *schedule.Thread, pwq *pollWqueues) bool {
	woken := true
	wait.SetCurrentState(t, wait.TaskInterruptible)
	if pwq.triggered.Read(t) == 0 {
		if woken = wait.Schedule(t); !woken {
			s.checkWoken_(t)
		}
	}
	wait.SetCurrentState(t, wait.TaskRunning)
	pwq.triggered.Write(t, 0)
	mem.SmpMb(t) // smp_store_mb
	return woken
}

// checkWoken_ is that who had to be woken by a signal had nothing to be woken for. All others have
// finished. Its name ends in an underscore because it is no function of the kernel.
func (s *system) checkWoken_(t *schedule.Thread) {
	if s.pipe.head.Peek() != s.pipe.tail.Peek() {
		t.Fail(schedule.LostUpdate, &s.pipe.Object, schedule.Party{},
			"it sleeps, and there is something to read")
	}
}
