package bench

import (
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench/pthread"
)

// A nsprLock is a PRLock of NSPR with its assertions.
type nsprLock struct {
	schedule.Object
	m             pthread.Mutex
	locked, owner pthread.Int
}

func (l *nsprLock) lock(t *schedule.Thread) {
	l.m.Lock(t)
	l.take(t)
}

func (l *nsprLock) take(t *schedule.Thread) {
	l.locked.Write(t, 1)
	l.owner.Write(t, t.ID+1)
}

func (l *nsprLock) unlock(t *schedule.Thread) {
	pthread.Assert(t, l.locked.Read(t) != 0, "unlock of what is not locked")
	pthread.Assert(t, l.owner.Read(t) == t.ID+1, "unlock of what another has locked")
	l.locked.Write(t, 0)
	l.m.Unlock(t)
}

func (l *nsprLock) wait(t *schedule.Thread, c *pthread.Cond) {
	l.locked.Write(t, 0)
	c.Wait(t, &l.m)
	l.take(t)
}

// localtime is RADBench.bug4 (NSPR, Mozilla bug 354593): the lock around localtime() is
// made by the first who needs it, and by the second too if it comes soon enough. Who has
// locked the one then unlocks the other. Fixed, it is made before there are threads.
type localtime struct {
	schedule.Object
	monitor   pthread.Ptr[*nsprLock]
	made      [2]nsprLock
	result    pthread.Int // of localtime(), which is one for all
	book, mon nsprLock    // of what threads there are, and of alive
	threads   pthread.Int
	alive     pthread.Int
	c         pthread.Cond
	fixed     bool
}

func newLocaltime(s *scene, fixed bool) {
	x := &localtime{fixed: fixed}
	s.static(x, "nspr")
	for i := range x.made {
		s.static(&x.made[i], "lock")
	}
	s.static(&x.book, "book")
	s.static(&x.mon, "mon")
	s.init(x.init)
	s.mainRuns = true
	s.thread("time", x.first)
	s.thread("time2", x.second)
	s.thread("wait", x.wait)
}

func (x *localtime) init(*schedule.Exec) {
	x.alive.Init(2)
	if x.fixed {
		x.monitor.Init(&x.made[0])
	}
}

func (x *localtime) first(t *schedule.Thread)  { x.time(t, &x.made[0]) }
func (x *localtime) second(t *schedule.Thread) { x.time(t, &x.made[1]) }

func (x *localtime) time(t *schedule.Thread, made *nsprLock) {
	x.count(t, 1)
	x.localtime(t, made) // of a day in 1970, and then of the day
	x.localtime(t, made)
	x.mon.lock(t)
	x.alive.Inc(t, -1)
	x.mon.unlock(t)
	x.c.Signal(t)
	x.count(t, -1)
}

func (x *localtime) localtime(t *schedule.Thread, made *nsprLock) {
	if x.monitor.Read(t) == nil {
		x.monitor.Write(t, made)
	}
	x.monitor.Read(t).lock(t)
	x.result.Write(t, 1)
	x.result.Read(t)
	x.monitor.Read(t).unlock(t)
}

func (x *localtime) count(t *schedule.Thread, by int) {
	x.book.lock(t)
	x.threads.Inc(t, by)
	x.book.unlock(t)
}

func (x *localtime) wait(t *schedule.Thread) {
	x.mon.lock(t)
	for x.alive.Read(t) != 0 {
		x.mon.wait(t, &x.c)
	}
	x.mon.unlock(t)
}

// rwlock is RADBench.bug6 (NSPR, Mozilla bug 526805): readers wait for a writer that waits.
// A reader that has the lock and takes it once more then waits for the writer, and the
// writer for it. Fixed, readers wait only for who has the lock.
type rwlock struct {
	schedule.Object
	m                                pthread.Mutex
	held                             pthread.Int // by so many readers, -1: by a writer
	waitingReaders, waitingWriters   pthread.Int
	readersProceed, writerMayProceed pthread.Cond
	fixed                            bool
}

func newRwlock(s *scene, fixed bool) {
	l := &rwlock{fixed: fixed}
	s.static(l, "rwlock")
	s.thread("writer", l.writer)
	s.thread("reader", l.reader)
}

func (l *rwlock) reader(t *schedule.Thread) {
	l.rlock(t)
	l.rlock(t)
	l.unlock(t)
	l.unlock(t)
}

func (l *rwlock) writer(t *schedule.Thread) {
	l.wlock(t)
	l.unlock(t)
}

func (l *rwlock) rlock(t *schedule.Thread) {
	l.m.Lock(t)
	for l.held.Read(t) < 0 || !l.fixed && l.waitingWriters.Read(t) > 0 {
		l.waitingReaders.Inc(t, 1)
		l.readersProceed.Wait(t, &l.m)
		l.waitingReaders.Inc(t, -1)
	}
	l.held.Inc(t, 1)
	l.m.Unlock(t)
}

func (l *rwlock) wlock(t *schedule.Thread) {
	l.m.Lock(t)
	for l.held.Read(t) != 0 {
		l.waitingWriters.Inc(t, 1)
		l.writerMayProceed.Wait(t, &l.m)
		l.waitingWriters.Inc(t, -1)
	}
	l.held.Inc(t, -1)
	l.m.Unlock(t)
}

// unlock wakes when it has given the mutex back, as NSPR does.
func (l *rwlock) unlock(t *schedule.Thread) {
	l.m.Lock(t)
	n := l.held.Read(t)
	left := max(n-1, 0)
	l.held.Write(t, left)
	writer := left == 0 && l.waitingWriters.Read(t) > 0
	readers := n < 0 && !writer && l.waitingReaders.Read(t) > 0
	l.m.Unlock(t)
	if writer {
		l.writerMayProceed.Signal(t)
	}
	if readers {
		l.readersProceed.Broadcast(t)
	}
}
