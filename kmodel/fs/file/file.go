// Package file is looking up a file descriptor (fs/file.c) against closing it, and what
// comes of it when the file is a socket that the garbage collector of AF_UNIX takes for
// dead (net/unix/garbage.c, af_unix.c).
//
// The nouns: f_count is how many use a file. fget() finds the file in the table of
// descriptors without a lock, and takes a reference if there is one; so it may take one from
// a file whose descriptor has been closed meanwhile, if something else has the file still. A
// file that has been sent with SCM_RIGHTS and not received is in flight: a message in the
// receive queue of a socket has it. Sockets that are in flight in their own queues, or in
// those of each other, and that nobody has open, are garbage. The collector finds them by
// comparing f_count with inflight, how often the socket is in flight. If the two are equal
// it takes the queue to be its own, since nobody could receive from it, and drops what is in
// it. That nobody has the file open is not to say that nobody is in fget().
//
// Since 0ede61d8589c (6.7) files are of a cache with SLAB_TYPESAFE_BY_RCU: one that is closed is
// not freed after a grace period, but may be another file at once. So fget() may take its
// reference of a file that has been opened meanwhile, under another descriptor. What it looks at
// afterwards, for the sake of the collector at first, is what finds that out.
//
// The code follows 5.15, with RCU merged; that of 4.11 is the same but for the flavours, which
// nobody sees. The race is far older, but what comes of it differs: up to 4.10 a socket that is no
// garbage stops being a candidate before the messages of the garbage are counted back, and
// unix_notinflight() does not look whether there is anything to count down; in 3.10 a receiver
// takes no reference of the message, and in 3.2 he takes it off the queue first of all. What opens
// files, and fget() of 6.8, follow 6.8, and are in 6.5 the same but for what a variant says;
// close() has no task_work there, which nobody sees.
// Files: file.go is fs/file.c and fs/file_table.c, socket.go is net/socket.c with what it calls
// of these, af_unix.go and garbage.go are those of net/unix.
//
// Not modelled: sending (what is in flight is so from the start), MSG_PEEK, receiving the file
// as a descriptor (what is received is closed), datagrams, peers, listening sockets,
// unix_state_lock; f_mode, the size of the table but for the one time that it grows, tables that
// are not shared. A struct sock is freed when its file is. A message has one file. The lists of
// sockets are walked in the order of the sockets, and nothing of that is a step, since it is all
// under unix_gc_lock. How long a queue is: whoever unlinks a message that the collector has
// moved to its hitlist makes the length of his queue wrong. To unlink is one step, also where
// the collector does so without a lock. A message has its file itself, not a struct scm_fp_list,
// which whoever has taken it frees; and scan_inflight() loads what that is once, where the C has
// three loads in a row, of which a compiler makes one.
//
// Start reading at __fgetFiles and unixGC.
package file

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The sizes of a table of descriptors before and after it grows.
const (
	numFds     = shared + maxThreads
	numFdsMore = numFds + 1
)

// filesStruct is struct files_struct.
type filesStruct struct {
	schedule.Object
	fileLock         spin.Lock
	fdt              rcu.Ptr[*fdtable]
	resizeInProgress mem.Int // under file_lock
	resizeWait       wait.Queue
}

// fdtable is struct fdtable.
type fdtable struct {
	schedule.Object
	fd      [numFdsMore]rcu.Ptr[*file]
	openFds mem.Int // a set, under file_lock
	maxFds  int     // never changes
}

// file is struct file, of a socket.
type file struct {
	schedule.Object
	slab.Typesafe
	fCount atomic.Int
	rcu    rcu.Head
	sk     mem.Ptr[*unixSock] // private_data and sock->sk; does not change while it is open
}

// fileFreeRcu is file_free_rcu().
func (f *file) fileFreeRcu(t *schedule.Thread) { slab.Free(t, "kmem_cache_free", f) }

// fget is fget(), by __fget_files().
func (s *system) fget(t *schedule.Thread, fd int) *file {
	rcu.ReadLock(t)
	file := s.__fgetFiles(t, fd)
	rcu.ReadUnlock(t)
	if file != nil {
		checkFd_(t, fd, file)
	}
	return file
}

// checkFd_ is the promise of fget(): the file that it returns has been at the descriptor. No
// kernel checks that. It belongs to the step before it.
func checkFd_(t *schedule.Thread, fd int, file *file) {
	if u := file.sk.Peek(); u == nil || u.fds.Value()>>fd&1 == 0 {
		t.Fail(schedule.LostUpdate, &file.Object, schedule.Party{},
			"fget() returns a file that has never been at the descriptor")
	}
}

// __fgetFiles is __fget_files(), or __fget_files_rcu(), within the section of RCU. The first
// looks the file up with files_lookup_fd_rcu(), which asks for the section and is
// files_lookup_fd_raw() else.
func (s *system) __fgetFiles(t *schedule.Thread, fd int) *file {
	for {
		fdt := s.files.fdt.DereferenceRaw(t)
		if fd >= fdt.maxFds {
			return nil
		}
		file := fdt.fd[fd].DereferenceRaw(t)
		if file == nil {
			return nil
		}
		if !file.fCount.IncNotZero(t) { // get_file_rcu_many
			continue
		}
		if s.stillThere_(t, fdt, fd, file) {
			return file
		}
		s.fput(t, file)
	}
}

// stillThere_ is the look that the fixes take after the reference: whether the descriptor
// is still that of the file.
func (s *system) stillThere_(t *schedule.Thread, fdt *fdtable, fd int, file *file) bool {
	switch {
	case s.Has(lookAgain):
		fdt = s.files.fdt.DereferenceRaw(t) // files_lookup_fd_raw
		return fd < fdt.maxFds && fdt.fd[fd].DereferenceRaw(t) == file
	case s.Has(lookAtTable) && s.Has(typesafe):
		return fdt.fd[fd].DereferenceRaw(t) == file && s.files.fdt.DereferenceRaw(t) == fdt
	case s.Has(lookAtTable):
		return s.files.fdt.DereferenceRaw(t) == fdt && fdt.fd[fd].DereferenceRaw(t) == file
	}
	return true
}

// closeFd is close_fd(), by close().
func (s *system) closeFd(t *schedule.Thread, fd int) {
	file := s.pickFile(t, fd)
	if file != nil {
		s.fput(t, file) // filp_close
	}
	s.taskWorkRun(t)
}

// pickFile is pick_file(): it takes the file out of the table. What is ERR_PTR() there, of
// EINVAL or EBADF, is nil here, since close_fd() makes EBADF of both.
func (s *system) pickFile(t *schedule.Thread, fd int) *file {
	var file *file
	s.files.fileLock.Lock(t)
	if fdt := s.files.fdt.DereferenceRaw(t); fd < fdt.maxFds {
		if file = fdt.fd[fd].DereferenceRaw(t); file != nil {
			fdt.setOpen(fd, false) // __put_unused_fd
			fdt.fd[fd].Assign(t, nil)
		}
	}
	s.files.fileLock.Unlock(t)
	return file
}

// ksysDup3 is ksys_dup3(), by dup2().
func (s *system) ksysDup3(t *schedule.Thread, oldfd, newfd int) {
	s.files.fileLock.Lock(t)
	s.expandFiles(t, newfd)
	fdt := s.files.fdt.DereferenceRaw(t)
	file := fdt.fd[oldfd].DereferenceRaw(t)
	if file == nil {
		s.files.fileLock.Unlock(t)
		return
	}
	s.doDup2(t, file, newfd)
	s.taskWorkRun(t)
}

// doDup2 is do_dup2(), which gives file_lock back.
func (s *system) doDup2(t *schedule.Thread, file *file, fd int) {
	fdt := s.files.fdt.DereferenceRaw(t)
	tofree := fdt.fd[fd].DereferenceRaw(t)
	file.fCount.Inc(t) // get_file
	file.sk.Peek().install(fd)
	fdt.setOpen(fd, true)
	fdt.fd[fd].Assign(t, file)
	s.files.fileLock.Unlock(t)
	if tofree != nil {
		s.fput(t, tofree) // filp_close
	}
}

// expandFiles is expand_files(), under file_lock, which it may drop meanwhile.
func (s *system) expandFiles(t *schedule.Thread, nr int) {
	files := &s.files
	for nr >= files.fdt.DereferenceRaw(t).maxFds {
		if files.resizeInProgress.Read(t) == 0 {
			files.resizeInProgress.Write(t, 1)
			s.expandFdtable(t)
			files.resizeInProgress.Write(t, 0)
			files.resizeWait.WakeUpAll(t)
			return
		}
		files.fileLock.Unlock(t)
		for { // wait_event
			files.resizeWait.PrepareToWait(t, wait.TaskUninterruptible)
			if files.resizeInProgress.Read(t) == 0 {
				break
			}
			wait.Schedule(t)
		}
		files.resizeWait.FinishWait(t)
		files.fileLock.Lock(t)
	}
}

// expandFdtable is expand_fdtable(). The first table is part of the files_struct and is not
// freed.
func (s *system) expandFdtable(t *schedule.Thread) {
	s.files.fileLock.Unlock(t)
	newFdt := s.fdtables.Alloc(t)
	newFdt.maxFds = numFdsMore
	rcu.Synchronize(t) // those in fd_install()
	s.files.fileLock.Lock(t)
	curFdt := s.files.fdt.DereferenceRaw(t)
	newFdt.openFds.Init(curFdt.openFds.Peek())
	for i := range curFdt.maxFds { // copy_fdtable
		newFdt.fd[i].Init(curFdt.fd[i].DereferenceRaw(t))
	}
	s.files.fdt.Assign(t, newFdt)
	mem.SmpWmb(t) // pairs with fdInstall: resize_in_progress is cleared after this
}

// fput is fput(): the last reference has the file closed when the system call returns.
func (s *system) fput(t *schedule.Thread, f *file) {
	if f.fCount.DecAndTest(t) {
		works := &s.works[t.ID] // task_work_add
		works.file[works.n] = f
		works.n++
	}
}

// taskWorkRun is task_work_run(), on the way out of a system call: it takes all that there is,
// of which the last comes first, and then what that has added.
func (s *system) taskWorkRun(t *schedule.Thread) {
	for s.works[t.ID].n > 0 {
		works := s.works[t.ID]
		s.works[t.ID].n = 0
		for works.n > 0 {
			works.n--
			s.__fput(t, works.file[works.n])
		}
	}
}

// __fput is __fput().
func (s *system) __fput(t *schedule.Thread, f *file) {
	s.unixReleaseSock(t, f.sk.Peek())
	s.fileFree(t, f)
}

// fileFree is file_free().
func (s *system) fileFree(t *schedule.Thread, f *file) {
	if s.Has(typesafe) {
		s.filpCachep.Free(t, f)
	} else {
		rcu.Call(t, &f.rcu)
	}
}
