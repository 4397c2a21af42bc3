package garbage

import (
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
	lock           spin.Lock // unix_state_lock
	iolock         mutex.Mutex
	queueLock      spin.Lock // sk_receive_queue.lock
	skReceiveQueue list.Head[*skBuff]
	skRefcnt       refcount.Refcount
	dead           mem.Int // SOCK_DEAD
	peer           mem.Ptr[*unixSock]
	file           mem.Ptr[*file] // sk_socket->file; never changes

	vertex mem.Ptr[*unixVertex] // under unix_gc_lock
}

// skBuff is struct sk_buff, a message.
type skBuff struct {
	schedule.Object
	node list.Node[*skBuff]
	fp   mem.Ptr[*scmFpList] // UNIXCB(skb).fp
}

// ListNode implements [list.Entry].
func (skb *skBuff) ListNode() *list.Node[*skBuff] { return &skb.node }

// __sysSendmsg is __sys_sendmsg() of one byte and a descriptor, by SCM_RIGHTS.
func (s *system) __sysSendmsg(t *schedule.Thread, fd, right int) {
	if f := s.fget(t, fd); f != nil {
		s.unixStreamSendmsg(t, f.sk.Peek(), right)
		s.fput(t, f)
	}
	s.taskWorkRun(t)
}

// unixStreamSendmsg is unix_stream_sendmsg(). The peer does not go away: who sends has the socket
// open.
func (s *system) unixStreamSendmsg(t *schedule.Thread, u *unixSock, right int) {
	f := s.fget(t, right) // scm_fp_copy
	if f == nil {
		return
	}
	fpl := s.fpls.Alloc(t)
	fpl.fp.Init(f)
	other := u.peer.Read(t)
	skb := s.skbs.Alloc(t)
	skb.fp.Init(fpl)                       // unix_attach_fds
	fpl.vertices.Init(s.vertices.Alloc(t)) // unix_prepare_fpl

	other.lock.Lock(t)
	if other.dead.Read(t) != 0 {
		other.lock.Unlock(t)
		s.kfreeSkb(t, skb)
		return
	}
	s.unixAddEdges(t, skb, other) // scm_stat_add
	if !s.Has(oneSection) {
		other.queueTail_(t, skb)
	}
	if s.Has(updateAgain) {
		s.unixGCLock.Lock(t)
		s.unixUpdateGraph(t, other.vertex.Peek())
		s.unixGCLock.Unlock(t)
	}
	other.lock.Unlock(t)
}

// __sysRecvmsg is __sys_recvmsg(), which does not wait. What it receives it installs.
func (s *system) __sysRecvmsg(t *schedule.Thread, fd int, peek bool) {
	if f := s.fget(t, fd); f != nil {
		s.unixStreamReadGeneric(t, f.sk.Peek(), peek)
		s.fput(t, f)
	}
	s.taskWorkRun(t)
}

// unixStreamReadGeneric is unix_stream_read_generic(): it takes the first message and all of it,
// or looks at it.
func (s *system) unixStreamReadGeneric(t *schedule.Thread, u *unixSock, peek bool) {
	u.iolock.Lock(t)
	u.lock.Lock(t)
	skb := u.skReceiveQueue.FirstEntry(t) // skb_peek
	u.lock.Unlock(t)
	if skb == nil {
		u.iolock.Unlock(t)
		return
	}
	fpl := skb.fp.Read(t)
	var f *file
	if peek {
		f = fpl.fp.Peek()
		f.fCount.Inc(t) // scm_fp_dup
		s.unixPeekFpl(t)
	} else {
		s.unixDelEdges(t, fpl) // scm_stat_del
		f = s.unixDetachFds(t, skb)
		u.queueLock.Lock(t)
		list.SkbUnlink(t, skb)
		u.queueLock.Unlock(t)
		s.kfreeSkb(t, skb) // consume_skb
	}
	u.iolock.Unlock(t)
	s.fdInstall(t, f) // scm_recv_unix
}

// unixDetachFds is unix_detach_fds(), with the kfree() of __scm_destroy(). The file is the
// caller's.
func (s *system) unixDetachFds(t *schedule.Thread, skb *skBuff) *file {
	fpl := skb.fp.Peek()
	skb.fp.Write(t, nil)
	s.unixDestroyFpl(t, fpl)
	f := fpl.fp.Peek()
	slab.Free(t, "kfree", fpl)
	return f
}

// kfreeSkb is kfree_skb() of the last reference: unix_destruct_scm() drops what is in flight.
func (s *system) kfreeSkb(t *schedule.Thread, skb *skBuff) {
	if skb.fp.Read(t) != nil {
		s.fput(t, s.unixDetachFds(t, skb)) // scm_destroy
	}
	slab.Free(t, "kfree_skbmem", skb)
}

// queueTail_ is what unix_stream_sendmsg() does of skb_queue_tail(): a lock, __skb_queue_tail()
// and an unlock.
func (u *unixSock) queueTail_(t *schedule.Thread, skb *skBuff) {
	u.queueLock.Lock(t)
	u.skReceiveQueue.AddTail(t, skb)
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

// sockPut is sock_put().
func sockPut(t *schedule.Thread, u *unixSock) {
	if u.skRefcnt.DecAndTest(t) {
		slab.Free(t, "sk_free", u)
	}
}

// unixReleaseSock is unix_release_sock().
func (s *system) unixReleaseSock(t *schedule.Thread, u *unixSock) {
	u.lock.Lock(t)
	u.dead.Write(t, 1) // sock_orphan
	peer := u.peer.Read(t)
	if peer != nil {
		u.peer.Write(t, nil)
	}
	u.lock.Unlock(t)
	if peer != nil {
		sockPut(t, peer)
	}
	for skb := u.skbDequeue(t); skb != nil; skb = u.skbDequeue(t) {
		s.kfreeSkb(t, skb)
	}
	sockPut(t, u)
	s.unixScheduleGC(t)
}
