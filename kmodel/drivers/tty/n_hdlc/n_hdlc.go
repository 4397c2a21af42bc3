// Package nhdlc is the line discipline N_HDLC (drivers/tty/n_hdlc.c): a frame that the driver did
// not take, against who throws away what is to be sent: CVE-2017-2636.
//
// The nouns: each frame is in a buffer (n_hdlc_buf). Those that are free are on tx_free_buf_list,
// those to be sent on tx_buf_list; a list has a lock, for its links and no more. tbuf is the buffer
// that n_hdlc_send_frames() had in hand when the driver did not take it, which is on no list.
// tbusy keeps two from sending at once. Who closes the terminal last frees what is on the lists,
// and tbuf.
//
// be10eb758933 (2.6.31) had TCFLSH throw away what is to be sent: flush_tx_queue() moves it to
// tx_free_buf_list, and tbuf with it. That it does with the lock of tx_buf_list, which
// n_hdlc_send_frames() does not have when it takes tbuf, sends it, and puts it on tx_free_buf_list
// itself, or sets tbuf again. The buffer is free twice then, and is freed twice. The lists of those
// days are linked by hand, so that nothing sees it earlier.
//
// The terminal is a pty. While it is stopped, by TCXONC, pty_write() takes nothing: that is how a
// frame stays. TCXONC that starts it again wakes the line discipline, which sends.
//
// The code follows 4.6. Up to 3.17 TCXONC has no lock any more when it wakes the line discipline;
// in 5.15 flow_lock and the two that it is for are in tty->flow. 2.6.29 is that without TCFLSH; it
// has one buffer, in truth. Who writes has the big kernel lock there, and in 2.6.32 still. What came
// later are variants.
//
// Not modelled: what is received, and so the lists for that, and who reads or polls; what is in a
// frame, and how many are on a list, which nobody asks of those here; a driver that takes a part of
// a frame, or none for another reason; the other end of the pty, and TIOCOUTQ; hangup and TIOCSETD,
// which wait, with ldisc_sem, for all that are in the line discipline; backup_tty, which was never
// set. The terminal has been opened with O_NONBLOCK: who finds no free buffer, or another who
// writes, does not wait. Nobody calls close(): the last to exit of the threads that share the
// terminal closes it.
//
// Start reading at nHdlcSendFrames and flushTxQueue.
package nhdlc

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// nHdlc is struct n_hdlc.
type nHdlc struct {
	schedule.Object
	tbusy         mem.Int
	wokeUp        mem.Int
	tbuf          mem.Ptr[*nHdlcBuf]
	txBufList     nHdlcBufList
	txFreeBufList nHdlcBufList
	writeWork     workqueue.Work

	*system
}

// flushTxQueue is flush_tx_queue().
func (n *nHdlc) flushTxQueue(t *schedule.Thread) {
	for buf := n.nHdlcBufGet(t, &n.txBufList); buf != nil; buf = n.nHdlcBufGet(t, &n.txBufList) {
		n.nHdlcBufPut(t, &n.txFreeBufList, buf)
	}
	if n.Has(bufReturn) {
		return
	}
	n.txBufList.spinlock.LockIrq(t)
	if tbuf := n.tbuf.Read(t); tbuf != nil { // twice in C, of which compilers make one
		n.nHdlcBufPut(t, &n.txFreeBufList, tbuf)
		n.tbuf.Write(t, nil)
	}
	n.txBufList.spinlock.UnlockIrq(t)
}

// nHdlcSendFrames is n_hdlc_send_frames().
func (n *nHdlc) nHdlcSendFrames(t *schedule.Thread) {
	for n.beBusy_(t) {
		tbuf := n.current_(t)
		for tbuf != nil && n.send_(t, tbuf) {
			tbuf = n.nHdlcBufGet(t, &n.txBufList)
		}
		if tbuf == nil {
			n.tty.doWriteWakeup.clear_(t)
		}
		n.txBufList.spinlock.LockIrq(t)
		n.tbusy.Write(t, 0)
		n.txBufList.spinlock.UnlockIrq(t)
		if n.wokeUp.Read(t) == 0 {
			return
		}
	}
}

// beBusy_ is the beginning of n_hdlc_send_frames(). If somebody else sends, he is told that there
// is more.
func (n *nHdlc) beBusy_(t *schedule.Thread) bool {
	n.txBufList.spinlock.LockIrq(t)
	busy := n.tbusy.Read(t) != 0
	if busy {
		n.wokeUp.Write(t, 1)
	} else {
		n.tbusy.Write(t, 1)
		n.wokeUp.Write(t, 0)
	}
	n.txBufList.spinlock.UnlockIrq(t)
	return !busy
}

// current_ is the first buffer to send: the one that is left, or one from the list.
func (n *nHdlc) current_(t *schedule.Thread) *nHdlcBuf {
	if !n.Has(bufReturn) {
		if tbuf := n.tbuf.Read(t); tbuf != nil {
			return tbuf
		}
	}
	return n.nHdlcBufGet(t, &n.txBufList)
}

// send_ gives a frame to the driver. It reports whether that has taken it.
func (n *nHdlc) send_(t *schedule.Thread, tbuf *nHdlcBuf) bool {
	n.tty.doWriteWakeup.set_(t)
	switch taken := n.ptyWrite(t); {
	case taken:
		n.sent_(t, tbuf)
		return true
	case !n.Has(bufReturn):
		n.tbuf.Write(t, tbuf)
	case !n.Has(noReturn):
		n.nHdlcBufReturn(t, &n.txBufList, tbuf)
	}
	return false
}

// sent_ is what follows when the driver has taken a frame.
func (n *nHdlc) sent_(t *schedule.Thread, tbuf *nHdlcBuf) {
	if n.Has(lockedPut) {
		n.txBufList.spinlock.LockIrq(t)
	}
	n.nHdlcBufPut(t, &n.txFreeBufList, tbuf)
	if !n.Has(bufReturn) {
		n.tbuf.Write(t, nil)
	}
	if n.Has(lockedPut) {
		n.txBufList.spinlock.UnlockIrq(t)
	}
}

// nHdlcTtyWakeup is n_hdlc_tty_wakeup(), of a terminal that has this line discipline.
func (n *nHdlc) nHdlcTtyWakeup(t *schedule.Thread) {
	if n.Has(writeWork) {
		workqueue.ScheduleWork(t, &n.writeWork)
		return
	}
	n.nHdlcSendFrames(t)
}

// nHdlcTtyWrite is n_hdlc_tty_write(), of one frame.
func (n *nHdlc) nHdlcTtyWrite(t *schedule.Thread) {
	tbuf := n.nHdlcBufGet(t, &n.txFreeBufList)
	if tbuf == nil {
		return // -EAGAIN
	}
	n.nHdlcBufPut(t, &n.txBufList, tbuf)
	n.nHdlcSendFrames(t)
}

// nHdlcTtyClose is n_hdlc_tty_close() and n_hdlc_release().
func (n *nHdlc) nHdlcTtyClose(t *schedule.Thread) {
	n.tty.discData.Write(t, nil)
	if n.Has(writeWork) && !n.Has(noCancel) {
		workqueue.CancelWorkSync(t, &n.writeWork)
	}
	n.freeBufList_(t, &n.txFreeBufList)
	n.freeBufList_(t, &n.txBufList)
	if !n.Has(bufReturn) {
		if tbuf := n.tbuf.Read(t); tbuf != nil {
			slab.Free(t, "kfree", tbuf)
		}
	}
	slab.Free(t, "kfree", n)
}
