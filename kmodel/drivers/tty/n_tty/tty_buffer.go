package ntty

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// ttyPort is struct tty_port.
type ttyPort struct {
	schedule.Object
	lock spin.Lock
	buf  ttyBufhead
	itty *ttyStruct

	*system
}

// ttyBufhead is struct tty_bufhead.
type ttyBufhead struct {
	lock spin.Lock // up to 3.11
	head mem.Ptr[*ttyBuffer]
	tail mem.Ptr[*ttyBuffer]
	free llist
	work workqueue.Work
}

// ttyBuffer is struct tty_buffer.
type ttyBuffer struct {
	schedule.Object
	next   mem.Ptr[*ttyBuffer] // of the free list too
	used   mem.Int
	commit mem.Int
	read   mem.Int
	size   mem.Int // never changes
	data   mem.Int
}

// The sizes of buffers, in units.
const (
	small = 2
	large = 4
)

// llist is the list of free buffers, a struct llist_head. Up to 3.11 it is a list with buf.lock.
type llist struct{ schedule.Ptr[*ttyBuffer] }

// add_ is llist_add().
func (l *llist) add_(t *schedule.Thread, b *ttyBuffer) {
	t.Step(schedule.Op{Verb: "llist_add", Cell: &l.Cell, Mode: schedule.RMWFull})
	b.next.Init(l.Get())
	l.Put(b)
}

// delFirst_ is llist_del_first().
func (l *llist) delFirst_(t *schedule.Thread) *ttyBuffer {
	t.Step(schedule.Op{Verb: "llist_del_first", Cell: &l.Cell, Mode: schedule.RMWFull})
	t.Observe(l.Value())
	b := l.Get()
	if b != nil {
		l.Put(b.next.Peek())
	}
	return b
}

// lock_ and unlock_ are for buf.lock, in the variants that have it there.
func (b *ttyBufhead) lock_(t *schedule.Thread, there bool) {
	if there {
		b.lock.LockIrq(t)
	}
}

func (b *ttyBufhead) unlock_(t *schedule.Thread, there bool) {
	if there {
		b.lock.UnlockIrq(t)
	}
}

// ttyInsertFlipStringFixedFlag is tty_insert_flip_string_fixed_flag().
func (port *ttyPort) ttyInsertFlipStringFixedFlag(t *schedule.Thread, size int) {
	port.buf.lock_(t, port.Has(bufLock))
	port.__ttyBufferRequestRoom(t, size)
	port.buf.unlock_(t, port.Has(bufLock) && !port.Has(fillLock))
	port.buf.lock_(t, port.Has(fillApart))
	tb := port.buf.tail.Read(t)
	tb.fill_(t, tb.used.Read(t), size)
	tb.used.Write(t, tb.used.Read(t)+size)
	port.buf.unlock_(t, port.Has(fillLock|fillApart))
}

// fill_ is the memcpy() of characters into a buffer.
func (b *ttyBuffer) fill_(t *schedule.Thread, at, size int) {
	t.Step(schedule.Op{Verb: "memcpy", Cell: b.data.Cell(), Mode: schedule.PlainWrite})
	if at+size > b.size.Peek() {
		t.Fail(schedule.OutOfBounds, &b.Object, schedule.Party{}, "the buffer has no room for so much")
	}
}

// handOver_ is the memcpy() of what has come into the buffer, from read to commit, by the line
// discipline, which takes a count below 0 for a very large one. With flags the characters are the
// first half of the memory of a buffer, so that what is behind their end is inside of it.
func (b *ttyBuffer) handOver_(t *schedule.Thread, read, commit int, flags bool) {
	t.Step(schedule.Op{Verb: "memcpy", Cell: b.data.Cell(), Mode: schedule.PlainRead})
	if commit < read {
		t.Fail(schedule.OutOfBounds, &b.Object, schedule.Party{}, "the number of characters is below 0")
	}
	if commit > b.size.Peek() && !flags {
		t.Fail(schedule.OutOfBounds, &b.Object, schedule.Party{}, "the buffer has not as many")
	}
}

// __ttyBufferRequestRoom is __tty_buffer_request_room(): the last buffer has room from then on.
func (port *ttyPort) __ttyBufferRequestRoom(t *schedule.Thread, size int) {
	b := port.buf.tail.Read(t)
	left := b.size.Peek() - b.used.Read(t)
	if left < 0 || left >= size { // size is unsigned in C, and so what is below 0 is enough
		return
	}
	n := port.ttyBufferAlloc(t, size)
	if port.Has(bufLock) {
		b.next.Write(t, n)
		b.commit.Write(t, b.used.Read(t))
		port.buf.tail.Write(t, n)
		return
	}
	port.buf.tail.Write(t, n)
	b.commit.Write(t, b.used.Read(t))
	mem.SmpMb(t)
	b.next.Write(t, n)
}

// ttyBufferAlloc is tty_buffer_alloc(), and tty_buffer_reset().
func (port *ttyPort) ttyBufferAlloc(t *schedule.Thread, size int) *ttyBuffer {
	if size <= small {
		if b := port.buf.free.delFirst_(t); b != nil {
			b.used.Write(t, 0)
			b.next.Write(t, nil)
			b.commit.Write(t, 0)
			b.read.Write(t, 0)
			return b
		}
		size = small
	} else {
		size = large
	}
	b := port.buffers.AllocAtomic(t)
	b.size.Init(size)
	return b
}

// ttyBufferFree is tty_buffer_free().
func (port *ttyPort) ttyBufferFree(t *schedule.Thread, b *ttyBuffer) {
	if b.size.Peek() > small {
		slab.Free(t, "kfree", b)
	} else {
		port.buf.free.add_(t, b)
	}
}

// ttyFlipBufferPush is tty_flip_buffer_push().
func (port *ttyPort) ttyFlipBufferPush(t *schedule.Thread) {
	port.buf.lock_(t, port.Has(bufLock))
	tb := port.buf.tail.Read(t) // twice in C, of which compilers make one
	tb.commit.Write(t, tb.used.Read(t))
	port.buf.unlock_(t, port.Has(bufLock))
	workqueue.ScheduleWork(t, &port.buf.work)
}

// flushToLdisc is flush_to_ldisc().
func (port *ttyPort) flushToLdisc(t *schedule.Thread) {
	port.buf.lock_(t, port.Has(bufLock))
	for {
		head := port.buf.head.Read(t)
		commit, read := head.commit.Read(t), head.read.Read(t)
		if commit != read {
			port.receiveBuf(t, head, read, commit)
			continue
		}
		next := head.next.Read(t)
		if next == nil {
			break
		}
		port.buf.head.Write(t, next)
		port.ttyBufferFree(t, head)
	}
	port.buf.unlock_(t, port.Has(bufLock))
}

// receiveBuf is receive_buf(). Up to 3.11 the lock is dropped for that.
func (port *ttyPort) receiveBuf(t *schedule.Thread, head *ttyBuffer, read, commit int) {
	if port.Has(bufLock) {
		head.read.Write(t, commit)
		port.buf.lock.UnlockIrq(t)
	}
	port.itty.nTtyReceiveBuf(t, head, read, commit)
	if port.Has(bufLock) {
		port.buf.lock.LockIrq(t)
	} else {
		head.read.Write(t, commit)
	}
}
