package file

import (
	"math/bits"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// __sysSocket is __sys_socket().
func (s *system) __sysSocket(t *schedule.Thread) {
	s.sockMapFd(t, s.socks.Alloc(t)) // sock_create
}

// sockMapFd is sock_map_fd().
func (s *system) sockMapFd(t *schedule.Thread, u *unixSock) {
	fd := s.allocFd(t) // get_unused_fd_flags
	if fd < 0 {
		slab.Free(t, "sk_free", u) // sock_release
		return
	}
	s.fdInstall(t, fd, s.sockAllocFile(t, u))
}

// sockAllocFile is sock_alloc_file().
func (s *system) sockAllocFile(t *schedule.Thread, u *unixSock) *file {
	f := s.allocEmptyFile(t)
	u.file.Init(f)
	f.sk.Write(t, u)
	return f
}

// allocEmptyFile is alloc_empty_file(). Since 0ede61d8589c others may have the file, and f_count
// is set last.
func (s *system) allocEmptyFile(t *schedule.Thread) *file {
	if !s.Has(typesafe) {
		f := s.fileCache.Alloc(t)
		f.fCount.Init(1)
		return f
	}
	f := s.filpCachep.Alloc(t)
	f.sk.Write(t, nil) // kmem_cache_zalloc: f_count is 0
	f.fCount.Set(t, 1) // init_file
	return f
}

// allocFd is alloc_fd(): the lowest descriptor that is not used, or -EMFILE: for a socket the
// table does not grow.
func (s *system) allocFd(t *schedule.Thread) int {
	s.files.fileLock.Lock(t)
	fdt := s.files.fdt.DereferenceRaw(t)
	fd := bits.TrailingZeros(^uint(fdt.openFds.Read(t))) // find_next_fd
	if fd < fdt.maxFds {
		fdt.setOpen(fd, true)
	} else {
		fd = -1
	}
	s.files.fileLock.Unlock(t)
	return fd
}

// setOpen is __set_open_fd(), or __clear_open_fd(). It is no step: file_lock is held.
func (fdt *fdtable) setOpen(fd int, open bool) {
	v := fdt.openFds.Peek() &^ (1 << fd)
	if open {
		v |= 1 << fd
	}
	fdt.openFds.Init(v)
}

// fdInstall is fd_install().
func (s *system) fdInstall(t *schedule.Thread, fd int, f *file) {
	files := &s.files
	rcu.ReadLockSched(t)
	if files.resizeInProgress.Read(t) != 0 {
		rcu.ReadUnlockSched(t)
		files.fileLock.Lock(t)
		f.sk.Peek().install(fd)
		files.fdt.DereferenceRaw(t).fd[fd].Assign(t, f)
		files.fileLock.Unlock(t)
		return
	}
	mem.SmpRmb(t) // pairs with expandFdtable
	fdt := files.fdt.DereferenceRaw(t)
	f.sk.Peek().install(fd)
	fdt.fd[fd].Assign(t, f)
	rcu.ReadUnlockSched(t)
}
