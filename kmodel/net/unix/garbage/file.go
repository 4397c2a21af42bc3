package garbage

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// file is struct file, of a socket.
type file struct {
	schedule.Object
	fCount atomic.Int
	sk     mem.Ptr[*unixSock] // private_data and sock->sk; never changes
}

// filesStruct is struct files_struct, which all threads share. To take a file out of it or put one
// in is one step: kmodel/fs/file has what is in that.
type filesStruct struct {
	schedule.Object
	fd [maxFds]mem.Ptr[*file]
}

// fget is fget(): the file, with a reference, or nil.
func (s *system) fget(t *schedule.Thread, fd int) *file {
	f := s.files.fd[fd].Read(t)
	if f != nil {
		f.fCount.Init(f.fCount.Peek() + 1)
	}
	return f
}

// fdInstall is fd_install(), with a reference that the caller has, at a descriptor that only this
// thread uses. If it has one there already it drops the reference, as with EMFILE.
func (s *system) fdInstall(t *schedule.Thread, f *file) {
	fd := &s.files.fd[firstOwn+int(t.ID)]
	if fd.Peek() != nil {
		s.fput(t, f)
		return
	}
	fd.Write(t, f)
}

// closeFd is close().
func (s *system) closeFd(t *schedule.Thread, fd int) {
	f := s.files.fd[fd].Read(t) // file_close_fd
	if f != nil {
		s.files.fd[fd].Init(nil)
		s.fput(t, f)
	}
	s.taskWorkRun(t)
}

// fput is fput(): the last reference has the file closed when the system call returns, or, if it is
// a worker that drops it, by another one.
func (s *system) fput(t *schedule.Thread, f *file) {
	if !f.fCount.DecAndTest(t) {
		return
	}
	if !t.IsAgent() {
		works := &s.works[t.ID] // task_work_add
		works.file[works.n] = f
		works.n++
		return
	}
	s.delayedFputList.add(f) // llist_add; who queues the work is the only one who adds
	workqueue.ScheduleWork(t, &s.delayedFputWork.Work)
}

// taskWorkRun is task_work_run(), on the way out of a system call.
func (s *system) taskWorkRun(t *schedule.Thread) {
	works := &s.works[t.ID]
	for works.n > 0 {
		works.n--
		s.__fput(t, works.file[works.n])
	}
}

// delayedFput is delayed_fput().
func (s *system) delayedFput(t *schedule.Thread) {
	for f := s.delayedFputList.take(); f != nil; f = s.delayedFputList.take() {
		s.__fput(t, f)
	}
}

// __fput is __fput().
func (s *system) __fput(t *schedule.Thread, f *file) {
	s.unixReleaseSock(t, f.sk.Peek())
	slab.Free(t, "kmem_cache_free", f)
}

// fileList is delayed_fput_list.
type fileList struct {
	schedule.Object
	f [maxFiles]mem.Ptr[*file]
}

func (l *fileList) add(f *file) {
	for i := range l.f {
		if l.f[i].Peek() == nil {
			l.f[i].Init(f)
			return
		}
	}
}

func (l *fileList) take() *file {
	for i := range l.f {
		if f := l.f[i].Peek(); f != nil {
			l.f[i].Init(nil)
			return f
		}
	}
	return nil
}
