package file

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/refcount"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// unixSock is struct unix_sock, with the queue of its struct sock.
type unixSock struct {
	schedule.Object
	iolock         mutex.Mutex
	queueLock      spin.Lock // sk_receive_queue.lock
	skReceiveQueue list.Head[*skBuff]
	file           mem.Ptr[*file] // sk_socket->file; never changes

	num int           // its place in the lists; never changes
	fds schedule.Cell // which descriptors it has had, for [checkFd_]

	// Under unix_gc_lock:
	inflight  atomic.Int
	candidate mem.Int // UNIX_GC_CANDIDATE in gc_flags
}

// skBuff is struct sk_buff, a message.
type skBuff struct {
	schedule.Object
	node  list.Node[*skBuff]
	users refcount.Refcount
	data  mem.Int

	// UNIXCB(skb):
	consumed mem.Int
	fp       mem.Ptr[*file] // what it has in flight
}

// ListNode implements [list.Entry].
func (skb *skBuff) ListNode() *list.Node[*skBuff] { return &skb.node }

// install says that the socket is at a descriptor, or will be in the next step, which nobody
// else can tell apart.
func (u *unixSock) install(fd int) { u.fds.Set(u.fds.Value() | 1<<fd) }

// __sysRecvmsg is __sys_recvmsg() by who has no place for control messages. It does not wait.
func (s *system) __sysRecvmsg(t *schedule.Thread, fd int) {
	if file := s.fget(t, fd); file != nil {
		s.unixStreamReadGeneric(t, file.sk.Peek())
		s.fput(t, file)
	}
	s.taskWorkRun(t)
}

// unixStreamReadGeneric is unix_stream_read_generic(): it takes the first message and all
// of it. The queue is looked at without its lock: whoever receives has iolock, and nobody
// else takes a message out.
func (s *system) unixStreamReadGeneric(t *schedule.Thread, u *unixSock) {
	u.iolock.Lock(t)
	skb := u.skReceiveQueue.FirstEntry(t) // skb_peek
	if skb == nil {
		u.iolock.Unlock(t)
		return
	}
	skb.consumed.Read(t) // unix_skb_len
	skb.users.Inc(t)     // skb_get
	skb.data.Read(t)     // unix_stream_read_actor
	s.consumeSkb(t, skb)
	skb.consumed.Write(t, 1)
	var fp *file
	if skb.fp.Read(t) != nil {
		fp = s.unixDetachFds(t, skb)
	}
	u.skbUnlink(t, skb)
	s.consumeSkb(t, skb)
	u.iolock.Unlock(t)
	if fp != nil {
		s.fput(t, fp) // scm_destroy
	}
}

// skbUnlink is skb_unlink(), from whichever list it is on.
func (u *unixSock) skbUnlink(t *schedule.Thread, skb *skBuff) {
	u.queueLock.Lock(t)
	list.SkbUnlink(t, skb)
	u.queueLock.Unlock(t)
}

// skbDequeue is skb_dequeue(). It returns nil if there is no message.
func (u *unixSock) skbDequeue(t *schedule.Thread) *skBuff {
	u.queueLock.Lock(t)
	skb := u.skReceiveQueue.FirstEntry(t)
	if skb != nil {
		list.SkbUnlink(t, skb)
	}
	u.queueLock.Unlock(t)
	return skb
}

// unixDetachFds is unix_detach_fds(), by who has seen that the message has something in flight. It
// looks again, and does not ask whether there still is. (Up to 5.0 it is in one file with who calls
// it, and since then with one of the two: there a compiler need not load it again.)
func (s *system) unixDetachFds(t *schedule.Thread, skb *skBuff) *file {
	fp := skb.fp.Read(t)
	skb.fp.Write(t, nil)
	if fp == nil {
		mem.NullDereference(t, "read", "scm->fp->count")
	}
	s.unixNotinflight(t, fp)
	return fp
}

// skbUnref is skb_unref(), which leaves the last reference in place: then nobody else could take
// one.
func skbUnref(t *schedule.Thread, skb *skBuff) bool {
	if skb.users.Read(t) == 1 {
		mem.SmpRmb(t)
		return true
	}
	return skb.users.DecAndTest(t)
}

// kfreeSkb is kfree_skb().
func (s *system) kfreeSkb(t *schedule.Thread, skb *skBuff) {
	if skbUnref(t, skb) {
		s.__kfreeSkb(t, skb)
	}
}

// consumeSkb is consume_skb(): kfree_skb() of what has been received.
func (s *system) consumeSkb(t *schedule.Thread, skb *skBuff) {
	if skbUnref(t, skb) {
		s.__kfreeSkb(t, skb)
	}
}

// __kfreeSkb is __kfree_skb(), which calls the destructor of the message.
func (s *system) __kfreeSkb(t *schedule.Thread, skb *skBuff) {
	s.unixDestructScm(t, skb)
	slab.Free(t, "kfree_skbmem", skb)
}

// unixDestructScm is unix_destruct_scm().
func (s *system) unixDestructScm(t *schedule.Thread, skb *skBuff) {
	if skb.fp.Read(t) != nil {
		s.fput(t, s.unixDetachFds(t, skb)) // scm_destroy
	}
}

// unixReleaseSock is unix_release_sock().
func (s *system) unixReleaseSock(t *schedule.Thread, u *unixSock) {
	for skb := u.skbDequeue(t); skb != nil; skb = u.skbDequeue(t) {
		s.kfreeSkb(t, skb)
	}
	slab.Free(t, "sk_free", u) // sock_put
	if s.unixTotInflight.Read(t) != 0 {
		s.unixGC(t)
	}
}
