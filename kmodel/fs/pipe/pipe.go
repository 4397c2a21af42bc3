// Package pipe is the lifetime of a pipe (fs/pipe.c): closing its two ends at once.
//
// The nouns: files counts how many struct file have the pipe, under i_lock of its inode;
// whoever takes it to 0 frees the pipe. Everything else is under the mutex in the pipe. The
// last to close has the mutex when nobody else does, and still is not alone: who had it
// before may not be through with mutex_unlock().
//
// The code follows 3.12.
//
// Not modelled: what is read and written, FASYNC, opening for both, opening by another name
// of the inode (there is one, and files are closed by who has opened them).
//
// Start reading at pipeRelease.
package pipe

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// pipeInodeInfo is struct pipe_inode_info.
type pipeInodeInfo struct {
	schedule.Object
	mutex    mutex.Mutex
	wait     wait.Queue
	readers  mem.Int
	writers  mem.Int
	files    mem.Int // under i_lock
	rCounter mem.Int
	wCounter mem.Int
}

// file is the part of struct file that only its opener sees.
type file struct {
	privateData *pipeInodeInfo
	fMode       fmode
}

type fmode uint

const (
	fmodeRead fmode = 1 << iota
	fmodeWrite
)

// pipeRelease is pipe_release().
func (s *system) pipeRelease(t *schedule.Thread, f file) {
	pipe := f.privateData
	if !s.Has(putAfter) {
		pipe = s.inode.iPipe.Read(t)
	}
	pipe.mutex.Lock(t) // __pipe_lock
	if f.fMode&fmodeRead != 0 {
		pipe.readers.Write(t, pipe.readers.Read(t)-1)
	}
	if f.fMode&fmodeWrite != 0 {
		pipe.writers.Write(t, pipe.writers.Read(t)-1)
	}
	if pipe.readers.Read(t) != 0 || pipe.writers.Read(t) != 0 {
		pipe.wait.WakeUp(t)
	}
	s.unlockAndPut_(t, pipe)
}

// unlockAndPut_ is the end of pipe_release(), and of a fifo_open() that fails.
func (s *system) unlockAndPut_(t *schedule.Thread, pipe *pipeInodeInfo) {
	if s.Has(putAfter) {
		pipe.mutex.Unlock(t) // __pipe_unlock
		s.putPipeInfo(t, pipe)
		return
	}
	kill := s.putFiles_(t, pipe)
	pipe.mutex.Unlock(t) // __pipe_unlock
	if kill {
		freePipeInfo(t, pipe)
	}
}

// putPipeInfo is put_pipe_info(), which came with the fix.
func (s *system) putPipeInfo(t *schedule.Thread, pipe *pipeInodeInfo) {
	if s.putFiles_(t, pipe) {
		freePipeInfo(t, pipe)
	}
}

// putFiles_ drops the reference of a file, and reports whether it was the last.
func (s *system) putFiles_(t *schedule.Thread, pipe *pipeInodeInfo) (kill bool) {
	s.inode.iLock.Lock(t)
	files := pipe.files.Read(t) - 1
	pipe.files.Write(t, files)
	if files == 0 {
		s.inode.iPipe.Write(t, nil)
		kill = true
	}
	s.inode.iLock.Unlock(t)
	return kill
}

// freePipeInfo is free_pipe_info().
func freePipeInfo(t *schedule.Thread, pipe *pipeInodeInfo) { slab.Free(t, "kfree", pipe) }

// fifoOpen is fifo_open(), for reading or for writing. It fails, and returns no file, if a
// signal comes, or if there is no reader and the writer does not want to wait.
func (s *system) fifoOpen(t *schedule.Thread, mode fmode, nonblock bool) file {
	pipe := s.pin_(t)
	pipe.mutex.Lock(t) // __pipe_lock
	var ok bool
	if mode == fmodeRead {
		ok = pipe.openRead_(t, nonblock)
	} else {
		ok = pipe.openWrite_(t, nonblock)
	}
	if !ok {
		s.unlockAndPut_(t, pipe)
		return file{}
	}
	pipe.mutex.Unlock(t) // __pipe_unlock
	return file{pipe, mode}
}

// pin_ returns the pipe of the inode, a new one if it has none, with a reference.
func (s *system) pin_(t *schedule.Thread) *pipeInodeInfo {
	s.inode.iLock.Lock(t)
	pipe := s.inode.iPipe.Read(t)
	if pipe != nil {
		pipe.files.Write(t, pipe.files.Read(t)+1)
		s.inode.iLock.Unlock(t)
		return pipe
	}
	s.inode.iLock.Unlock(t)
	pipe = s.pipes.Alloc(t) // alloc_pipe_info
	pipe.files.Init(1)
	s.inode.iLock.Lock(t)
	if other := s.inode.iPipe.Read(t); other != nil {
		other.files.Write(t, other.files.Read(t)+1)
		s.inode.iLock.Unlock(t)
		freePipeInfo(t, pipe)
		return other
	}
	s.inode.iPipe.Write(t, pipe)
	s.inode.iLock.Unlock(t)
	return pipe
}

// openRead_ is fifo_open() with FMODE_READ, inside the mutex.
func (pipe *pipeInodeInfo) openRead_(t *schedule.Thread, nonblock bool) bool {
	pipe.rCounter.Write(t, pipe.rCounter.Read(t)+1)
	readers := pipe.readers.Read(t)
	pipe.readers.Write(t, readers+1)
	if readers == 0 {
		pipe.wait.WakeUp(t) // wake_up_partner
	}
	if pipe.writers.Read(t) != 0 || nonblock || pipe.waitForPartner(t, &pipe.wCounter) {
		return true
	}
	readers = pipe.readers.Read(t) - 1
	pipe.readers.Write(t, readers)
	if readers == 0 {
		pipe.wait.WakeUp(t)
	}
	return false
}

// openWrite_ is fifo_open() with FMODE_WRITE, inside the mutex.
func (pipe *pipeInodeInfo) openWrite_(t *schedule.Thread, nonblock bool) bool {
	if nonblock && pipe.readers.Read(t) == 0 {
		return false // -ENXIO
	}
	pipe.wCounter.Write(t, pipe.wCounter.Read(t)+1)
	writers := pipe.writers.Read(t)
	pipe.writers.Write(t, writers+1)
	if writers == 0 {
		pipe.wait.WakeUp(t) // wake_up_partner
	}
	if pipe.readers.Read(t) != 0 || pipe.waitForPartner(t, &pipe.rCounter) {
		return true
	}
	writers = pipe.writers.Read(t) - 1
	pipe.writers.Write(t, writers)
	if writers == 0 {
		pipe.wait.WakeUp(t)
	}
	return false
}

// waitForPartner is wait_for_partner(): until somebody opens the other end. It reports
// false if a signal came instead.
func (pipe *pipeInodeInfo) waitForPartner(t *schedule.Thread, cnt *mem.Int) bool {
	cur := cnt.Read(t)
	for cur == cnt.Read(t) {
		pipe.pipeWait(t)
		if t.Interrupted() {
			break
		}
	}
	return cur != cnt.Read(t)
}

// pipeWait is pipe_wait().
func (pipe *pipeInodeInfo) pipeWait(t *schedule.Thread) {
	pipe.wait.PrepareToWait(t, wait.TaskInterruptible)
	pipe.mutex.Unlock(t) // pipe_unlock
	wait.Schedule(t)
	pipe.wait.FinishWait(t)
	pipe.mutex.Lock(t) // pipe_lock
}
