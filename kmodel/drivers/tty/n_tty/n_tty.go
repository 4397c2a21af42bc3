// Package ntty is the line discipline of every terminal (drivers/tty/n_tty.c), and the buffers
// between the two ends of a pty (tty_buffer.c): what is written to a terminal against the echo of
// what is typed there: CVE-2014-0196.
//
// The nouns: the two ends of a pty are a terminal each, with a port of its own. pty_write() to the
// one puts characters into the last buffer of the other's port (buf.tail), if there is room, or
// else into a new one, and queues flush_to_ldisc(), which hands to the line discipline what is
// there (up to commit) and frees the buffers before the last. If the line discipline echoes, that is
// another pty_write(), the other way, by the worker.
//
// The buffers are for one producer. Who writes has atomic_write_lock, an echo has output_lock, and
// who writes with OPOST has both. Without OPOST, in raw mode, it had not, from the beginning. So
// two of them may see the same room, and each fills it, behind what the other has put there: beyond
// the end of the buffer. d945cb9cce20 (2.6.31) had brought these buffers to ptys. 4291086b1f08 has
// who writes take output_lock, in raw mode too. Who sends a STOP character has atomic_write_lock,
// and no output_lock: up to b6da31b2c07c, with which pty_write() has a lock itself.
//
// The code follows 3.14, and, where there is buf.lock, 3.3 and 3.7. The echo is that of 3.14 in all
// variants; up to 3.11 there is one lock more, echo_lock, inside output_lock. Since 3.15
// flush_to_ldisc() reads next before commit, so that it frees no buffer that has got more in between.
// Here that is lost in the later variants too.
//
// Characters are counted in units of which a small buffer has room for two, and a large one for
// four. A small one goes to a list of free ones, a large one is freed. (A small one has 256
// characters with a flag each. Since 3.14 those of a pty have none, and room for 512.)
//
// Not modelled: what is in a buffer, and flags of characters; characters that are lost, since two
// counts of them become one, which nobody checks; a buffer that cannot be had, mem_used and
// tty_write_room(); termios_rwsem, which all have for reading, and tcsetattr(); canonical input, and
// who reads what has arrived; a terminal that is stopped, or closed; other line disciplines, and
// TIOCSTI; the mutex that flush_to_ldisc()
// has since 3.12, and TTY_FLUSHING before, which are for it and for who flushes; what comes of it
// that two call llist_del_first() at once, which they must not. Each port has had a buffer when all
// begins.
//
// Start reading at nTtyWrite and ttyInsertFlipStringFixedFlag.
package ntty

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// nTtyData is struct n_tty_data.
type nTtyData struct {
	outputLock mutex.Mutex
	echoHead   mem.Int // behind the last that is to be echoed
	echoMark   mem.Int
	echoCommit mem.Int
	echoTail   mem.Int // the first that has not been
}

// ttyStruct is struct tty_struct.
type ttyStruct struct {
	schedule.Object
	atomicWriteLock mutex.Mutex
	ldata           nTtyData
	echo, opost     mem.Int // never change
	link            *ttyStruct
	port            *ttyPort

	*system
}

// ttyWrite is tty_write().
func (tty *ttyStruct) ttyWrite(t *schedule.Thread, nr int) {
	tty.atomicWriteLock.Lock(t) // tty_write_lock
	tty.nTtyWrite(t, nr)
	tty.atomicWriteLock.Unlock(t) // tty_write_unlock
}

// ttySendXchar is tty_send_xchar(), and send_prio_char() of 3.15, of a terminal that is not stopped.
func (tty *ttyStruct) ttySendXchar(t *schedule.Thread) {
	tty.atomicWriteLock.Lock(t) // tty_write_lock
	tty.ptyWrite(t, 1)
	tty.atomicWriteLock.Unlock(t) // tty_write_unlock
}

// nTtyWrite is n_tty_write().
func (tty *ttyStruct) nTtyWrite(t *schedule.Thread, nr int) {
	tty.processEchoes(t)
	if tty.opost.Peek() == 0 && !tty.Has(outputLock) {
		tty.ptyWrite(t, nr)
		return
	}
	tty.ldata.outputLock.Lock(t) // or process_output_block
	tty.ptyWrite(t, nr)
	tty.ldata.outputLock.Unlock(t)
}

// processEchoes is process_echoes(), of what the worker has left.
func (tty *ttyStruct) processEchoes(t *schedule.Thread) {
	l := &tty.ldata
	if l.echoMark.Read(t) == l.echoTail.Read(t) {
		return
	}
	l.outputLock.Lock(t)
	l.echoCommit.Write(t, l.echoMark.Read(t))
	tty.__processEchoes(t)
	l.outputLock.Unlock(t)
}

// flushEchoes is flush_echoes().
func (tty *ttyStruct) flushEchoes(t *schedule.Thread) {
	l := &tty.ldata
	if l.echoCommit.Read(t) == l.echoHead.Read(t) {
		return
	}
	l.outputLock.Lock(t)
	l.echoCommit.Write(t, l.echoHead.Read(t))
	tty.__processEchoes(t)
	l.outputLock.Unlock(t)
}

// __processEchoes is __process_echoes(), with output_lock.
func (tty *ttyStruct) __processEchoes(t *schedule.Thread) {
	l := &tty.ldata
	tail := l.echoTail.Read(t)
	for l.echoCommit.Read(t) != tail {
		tty.ptyWrite(t, 1) // tty_put_char
		tail++
	}
	l.echoTail.Write(t, tail)
}

// nTtyReceiveBuf is n_tty_receive_buf(), of what is not raw if it echoes.
func (tty *ttyStruct) nTtyReceiveBuf(t *schedule.Thread, b *ttyBuffer, read, commit int) {
	b.handOver_(t, read, commit, tty.Has(bufLock))
	if tty.echo.Peek() == 0 {
		return
	}
	l := &tty.ldata
	for range commit - read {
		head := l.echoHead.Read(t) + 1 // add_echo_byte
		l.echoHead.Write(t, head)
		l.echoMark.Write(t, head) // commit_echoes
	}
	tty.flushEchoes(t)
}

// ptyWrite is pty_write().
func (tty *ttyStruct) ptyWrite(t *schedule.Thread, c int) {
	to := tty.link.port
	if tty.Has(portLock) {
		to.lock.LockIrq(t)
	}
	to.ttyInsertFlipStringFixedFlag(t, c)
	if tty.Has(pushApart) {
		to.lock.UnlockIrq(t)
	}
	to.ttyFlipBufferPush(t)
	if tty.Has(portLock) && !tty.Has(pushApart) {
		to.lock.UnlockIrq(t)
	}
}
