package nhdlc

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// nHdlcBuf is struct n_hdlc_buf.
type nHdlcBuf struct {
	schedule.Object
	link     mem.Ptr[*nHdlcBuf]   // up to 4.10
	listItem list.Node[*nHdlcBuf] // with listHead
}

// ListNode implements [list.Entry].
func (b *nHdlcBuf) ListNode() *list.Node[*nHdlcBuf] { return &b.listItem }

// nHdlcBufList is struct n_hdlc_buf_list.
type nHdlcBufList struct {
	head, tail mem.Ptr[*nHdlcBuf]
	list       list.Head[*nHdlcBuf]
	spinlock   spin.Lock
}

// nHdlcBufReturn is n_hdlc_buf_return(): back to the head.
func (s *system) nHdlcBufReturn(t *schedule.Thread, l *nHdlcBufList, buf *nHdlcBuf) {
	l.spinlock.LockIrq(t)
	l.list.Add(t, buf)
	l.spinlock.UnlockIrq(t)
}

// nHdlcBufPut is n_hdlc_buf_put(): to the tail.
func (s *system) nHdlcBufPut(t *schedule.Thread, l *nHdlcBufList, buf *nHdlcBuf) {
	l.spinlock.LockIrq(t)
	if s.Has(listHead) {
		l.list.AddTail(t, buf)
		l.spinlock.UnlockIrq(t)
		return
	}
	buf.link.Write(t, nil)
	if tail := l.tail.Read(t); tail != nil {
		tail.link.Write(t, buf)
	} else {
		l.head.Write(t, buf)
	}
	l.tail.Write(t, buf)
	l.spinlock.UnlockIrq(t)
}

// nHdlcBufGet is n_hdlc_buf_get(): the head, or nil.
func (s *system) nHdlcBufGet(t *schedule.Thread, l *nHdlcBufList) *nHdlcBuf {
	l.spinlock.LockIrq(t)
	if s.Has(listHead) {
		buf := l.list.FirstEntry(t)
		if buf != nil {
			l.list.Del(t, buf)
		}
		l.spinlock.UnlockIrq(t)
		return buf
	}
	buf := l.head.Read(t)
	if buf != nil {
		l.head.Write(t, buf.link.Read(t))
	}
	if l.head.Read(t) == nil {
		l.tail.Write(t, nil)
	}
	l.spinlock.UnlockIrq(t)
	return buf
}

// freeBufList_ is one of the loops of n_hdlc_release(), and n_hdlc_free_buf_list() since 5.7.
func (s *system) freeBufList_(t *schedule.Thread, l *nHdlcBufList) {
	for buf := s.nHdlcBufGet(t, l); buf != nil; buf = s.nHdlcBufGet(t, l) {
		slab.Free(t, "kfree", buf)
	}
}
