package bench

import (
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench/pthread"
)

// ksm is CVE-2011-2183 (mm/ksm.c): the scanner looks whether there is a slot and then takes
// the lock for the first; an exiting task may have taken that away, and the head of the
// list, which has no mm, is taken for a slot. Fixed, the scanner looks again.
type ksm struct {
	schedule.Object
	lock   pthread.Mutex
	first  pthread.Ptr[*mmSlot] // of the list; nil is its head, as in cursor
	bucket pthread.Ptr[*mmSlot] // of the hash
	cursor pthread.Ptr[*mmSlot]
	slot   mmSlot
	fixed  bool
}

type mmSlot struct {
	schedule.Object
	mm, rmapList pthread.Int
}

func newKsm(s *scene, fixed bool) {
	k := &ksm{fixed: fixed}
	s.static(k, "ksm")
	k.slot.Bind(&k.slot, "slot")
	s.init(k.init)
	s.thread("scan", k.scan)
	s.thread("exit", k.exit)
}

func (k *ksm) init(e *schedule.Exec) {
	e.AllocBoot(&k.slot.Object, 0)
	k.slot.mm.Init(1)
	k.first.Init(&k.slot)
	k.bucket.Init(&k.slot)
}

func (k *ksm) scan(t *schedule.Thread) {
	if k.first.Read(t) == nil {
		return
	}
	slot := k.cursor.Read(t)
	if slot == nil {
		k.lock.Lock(t)
		slot = k.first.Read(t)
		k.cursor.Write(t, slot)
		k.lock.Unlock(t)
		if slot == nil && k.fixed {
			return
		}
		pthread.Dereference(t, slot)
	}
	slot.mm.Read(t)
	k.lock.Lock(t)
	k.cursor.Write(t, nil)
	k.remove(t)
	k.lock.Unlock(t)
	pthread.Free(t, slot)
}

func (k *ksm) remove(t *schedule.Thread) {
	k.bucket.Write(t, nil)
	k.first.Write(t, nil)
}

func (k *ksm) exit(t *schedule.Thread) {
	k.lock.Lock(t)
	slot := k.bucket.Read(t)
	mine := slot != nil && k.cursor.Read(t) != slot && slot.rmapList.Read(t) == 0
	if mine {
		k.remove(t)
	}
	k.lock.Unlock(t)
	if mine {
		pthread.Free(t, slot)
	}
}

// ioprio is CVE-2016-7911 (block/ioprio.c): the pointer to the io_context of a task is read
// twice, to look at it and to use it; the task may have exited in between. Fixed, under the
// lock of the task.
type ioprio struct {
	schedule.Object
	lock  pthread.Mutex
	ctx   pthread.Ptr[*ioContext]
	ioc   ioContext
	fixed bool
}

type ioContext struct {
	schedule.Object
	ioprio, tasks pthread.Int
}

func newIoprio(s *scene, fixed bool) {
	p := &ioprio{fixed: fixed}
	s.static(p, "task")
	s.static(&p.ioc, "io_context")
	s.init(p.init)
	s.thread("get", p.get)
	s.thread("exit", p.exit)
}

func (p *ioprio) init(*schedule.Exec) { p.ctx.Init(&p.ioc) }

func (p *ioprio) get(t *schedule.Thread) {
	if p.fixed {
		p.lock.Lock(t)
	}
	if p.ctx.Read(t) != nil {
		ioc := p.ctx.Read(t)
		pthread.Dereference(t, ioc)
		ioc.ioprio.Read(t)
	}
	if p.fixed {
		p.lock.Unlock(t)
	}
}

func (p *ioprio) exit(t *schedule.Thread) {
	p.lock.Lock(t)
	ioc := p.ctx.Read(t)
	p.ctx.Write(t, nil)
	p.lock.Unlock(t)
	ioc.tasks.Inc(t, -1)
}

// dump is CVE-2016-9806 (net/netlink): a dump puts its buffer into the socket under the
// mutex, and frees what is there after it; another may have put its own there. Fixed, it
// is freed under the mutex.
type dump struct {
	schedule.Object
	mutex pthread.Mutex
	skb   pthread.Ptr[*buffer]
	made  [2]buffer
	fixed bool
}

type buffer struct {
	schedule.Object
	sk pthread.Int
}

func newDump(s *scene, fixed bool) {
	d := &dump{fixed: fixed}
	s.static(d, "socket")
	for i := range d.made {
		d.made[i].Bind(&d.made[i], "skb")
	}
	s.thread("dump", d.first)
	s.thread("dump2", d.second)
}

func (d *dump) first(t *schedule.Thread)  { d.dump(t, 0) }
func (d *dump) second(t *schedule.Thread) { d.dump(t, 1) }

func (d *dump) dump(t *schedule.Thread, i int) {
	d.mutex.Lock(t)
	skb := &d.made[i]
	t.Alloc(&skb.Object, i)
	skb.sk.Write(t, 1)
	d.skb.Write(t, skb)
	if d.fixed {
		pthread.Free(t, d.skb.Read(t))
	}
	d.mutex.Unlock(t)
	if !d.fixed {
		pthread.Free(t, d.skb.Read(t))
	}
}

// fanout is CVE-2017-6346 (net/packet): what a socket has one of is allocated, found to be
// in vain and freed, by two threads at once, each by the pointer in the socket. Fixed,
// with the mutex held from the beginning.
type fanout struct {
	schedule.Object
	mutex    pthread.Mutex
	rollover pthread.Ptr[*rollover]
	kept     [2]pthread.Ptr[*rollover] // keeps what is not freed from being lost
	made     [2]rollover
	fixed    bool
}

type rollover struct {
	schedule.Object
	num pthread.Int
}

func newFanout(s *scene, fixed bool) {
	f := &fanout{fixed: fixed}
	s.static(f, "packet_sock")
	for i := range f.made {
		f.made[i].Bind(&f.made[i], "rollover")
	}
	s.init(f.init)
	s.thread("add", f.first)
	s.thread("add2", f.second)
}

// init makes what each thread will allocate.
func (f *fanout) init(e *schedule.Exec) {
	for i := range f.made {
		e.AllocBoot(&f.made[i].Object, i)
		f.kept[i].Init(&f.made[i])
	}
}

func (f *fanout) first(t *schedule.Thread)  { f.add(t, 0) }
func (f *fanout) second(t *schedule.Thread) { f.add(t, 1) }

func (f *fanout) add(t *schedule.Thread, i int) {
	if f.fixed {
		f.mutex.Lock(t)
	}
	f.rollover.Write(t, &f.made[i])
	r := f.rollover.Read(t)
	pthread.Dereference(t, r)
	r.num.Store(t, 0)
	if !f.fixed {
		f.mutex.Lock(t) // the socket is found not to be bound
		f.mutex.Unlock(t)
	}
	if r = f.rollover.Read(t); r != nil {
		pthread.Free(t, r)
	}
	f.rollover.Write(t, nil)
	if f.fixed {
		f.mutex.Unlock(t)
	}
}
