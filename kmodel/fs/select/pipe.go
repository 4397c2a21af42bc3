package fsselect

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// This file is the pipe (fs/pipe.c), and how it is filled without a copy (fs/splice.c).

// pipeInodeInfo is struct pipe_inode_info. Buffers are what head is ahead of tail.
type pipeInodeInfo struct {
	schedule.Object
	mutex     mutex.Mutex
	rdWait    wait.Head[*pollWqueues]
	head      mem.Int // under mutex
	tail      mem.Int // under mutex
	pollUsage mem.Int
}

// pipePoll is pipe_poll() of the end that is read from. It returns EPOLLIN, or 0. Who is on the
// queue already polls without an entry.
func (s *system) pipePoll(t *schedule.Thread, pwq *pollWqueues) int {
	s.pipe.pollUsage.WriteOnce(t, 1)
	if pwq != nil {
		s.pollWait(t, pwq)
	}
	head := s.pipe.head.ReadOnce(t)
	tail := s.pipe.tail.ReadOnce(t)
	if head == tail { // pipe_empty
		return 0
	}
	return wait.Epollin
}

// pipeRead is pipe_read() of a buffer, with O_NONBLOCK.
func (pipe *pipeInodeInfo) pipeRead(t *schedule.Thread) {
	pipe.mutex.Lock(t) // __pipe_lock
	head := pipe.head.LoadAcquire(t)
	if tail := pipe.tail.Read(t); head != tail {
		pipe.tail.Write(t, tail+1) // pipe_update_tail
	}
	pipe.mutex.Unlock(t) // __pipe_unlock
}

// pipeWrite is pipe_write() of a buffer.
func (pipe *pipeInodeInfo) pipeWrite(t *schedule.Thread) {
	pipe.mutex.Lock(t) // __pipe_lock
	head := pipe.head.Read(t)
	wasEmpty := head == pipe.tail.Read(t)
	pipe.head.Write(t, head+1)
	pipe.mutex.Unlock(t) // __pipe_unlock
	if wasEmpty || pipe.pollUsage.Read(t) != 0 {
		pipe.rdWait.WakeUp(t, wait.Epollin)
	}
}

// vmspliceToPipe is vmsplice_to_pipe() of a page.
func (pipe *pipeInodeInfo) vmspliceToPipe(t *schedule.Thread) {
	pipe.mutex.Lock(t) // pipe_lock
	head := pipe.head.Read(t)
	pipe.tail.Read(t)
	pipe.head.Write(t, head+1) // add_to_pipe
	pipe.mutex.Unlock(t)       // pipe_unlock
	pipe.wakeupPipeReaders(t)
}

// wakeupPipeReaders is wakeup_pipe_readers().
func (pipe *pipeInodeInfo) wakeupPipeReaders(t *schedule.Thread) {
	mem.SmpMb(t)
	if pipe.rdWait.Active(t) {
		pipe.rdWait.WakeUp(t, 0)
	}
}
