package bench

import (
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench/pthread"
)

// pipe is CVE-2009-3547 (fs/pipe.c): the opener takes the mutex of the inode and counts
// itself in the pipe, which the last user may have taken away. Fixed, it looks.
type pipe struct {
	schedule.Object
	mutex pthread.Mutex
	pipe  pthread.Ptr[*pipeInfo]
	info  pipeInfo
	fixed bool
}

type pipeInfo struct {
	schedule.Object
	readers pthread.Int
}

func newPipe(s *scene, fixed bool) {
	p := &pipe{fixed: fixed}
	s.static(p, "inode")
	p.info.Bind(&p.info, "pipe")
	s.init(p.init)
	s.thread("release", p.release)
	s.thread("open", p.open)
}

func (p *pipe) init(e *schedule.Exec) {
	e.AllocBoot(&p.info.Object, 0)
	p.pipe.Init(&p.info)
}

func (p *pipe) open(t *schedule.Thread) {
	p.mutex.Lock(t)
	info := p.pipe.Read(t)
	if info != nil || !p.fixed {
		pthread.Dereference(t, info)
		info.readers.Inc(t, 1)
	}
	p.mutex.Unlock(t)
}

func (p *pipe) release(t *schedule.Thread) {
	p.mutex.Lock(t)
	info := p.pipe.Read(t)
	p.pipe.Write(t, nil)
	pthread.Free(t, info)
	p.mutex.Unlock(t)
}

// keyrings is CVE-2013-1792 (security/keys): a user's two keyrings are installed one after
// the other under a mutex, and whoever sees the first believes that both are there. Fixed,
// it looks for both.
type keyrings struct {
	schedule.Object
	mutex        pthread.Mutex
	uid, session pthread.Ptr[*keyring]
	rings        [2][2]keyring // what each thread would install
	fixed        bool
}

type keyring struct {
	schedule.Object
	usage pthread.Int
}

func newKeyrings(s *scene, fixed bool) {
	k := &keyrings{fixed: fixed}
	s.static(k, "user")
	for i := range k.rings {
		for j := range k.rings[i] {
			s.static(&k.rings[i][j], "keyring")
		}
	}
	s.thread("install", k.first)
	s.thread("install2", k.second)
}

func (k *keyrings) first(t *schedule.Thread)  { k.install(t, &k.rings[0]) }
func (k *keyrings) second(t *schedule.Thread) { k.install(t, &k.rings[1]) }

func (k *keyrings) install(t *schedule.Thread, rings *[2]keyring) {
	if k.uid.Read(t) == nil || k.fixed && k.session.Read(t) == nil {
		k.mutex.Lock(t)
		if k.uid.Read(t) == nil {
			k.uid.Write(t, &rings[0])
			k.session.Write(t, &rings[1])
		}
		k.mutex.Unlock(t)
	}
	ring := k.session.Read(t)
	pthread.Dereference(t, ring)
	ring.usage.Add(t, 1)
}

// revoked is CVE-2015-7550 (security/keys): a reader looks whether the key is valid and
// then takes the semaphore; the key may have been revoked in between. Fixed, it looks with
// the semaphore held.
type revoked struct {
	schedule.Object
	sem     pthread.Mutex
	flags   pthread.Int
	payload pthread.Ptr[*keyring]
	data    keyring
	fixed   bool
}

func newRevoked(s *scene, fixed bool) {
	k := &revoked{fixed: fixed}
	s.static(k, "key")
	s.static(&k.data, "payload")
	s.init(k.init)
	s.thread("read", k.read)
	s.thread("revoke", k.revoke)
}

func (k *revoked) init(*schedule.Exec) { k.payload.Init(&k.data) }

func (k *revoked) read(t *schedule.Thread) {
	if !k.fixed && k.flags.Read(t) != 0 {
		return
	}
	k.sem.Lock(t)
	if !k.fixed || k.flags.Read(t) == 0 {
		data := k.payload.Read(t)
		pthread.Dereference(t, data)
		data.usage.Read(t)
	}
	k.sem.Unlock(t)
}

func (k *revoked) revoke(t *schedule.Thread) {
	k.sem.Lock(t)
	k.flags.Write(t, 1)
	k.payload.Write(t, nil)
	k.sem.Unlock(t)
}

// once is CVE-2016-1972 (libvpx): something is to be done once, under a lock that the last
// who waits for it frees. They are counted, but not atomically. Fixed, the lock stays.
type once struct {
	schedule.Object
	lock    pthread.Ptr[*onceLock] // keeps what is not freed from being lost
	waiters pthread.Int
	done    pthread.Int
	memory  onceLock
	fixed   bool
}

type onceLock struct {
	schedule.Object
	m pthread.Mutex
}

func newOnce(s *scene, fixed bool) {
	o := &once{fixed: fixed}
	s.static(o, "once")
	o.memory.Bind(&o.memory, "lock")
	s.init(o.init)
	s.thread("once", o.once)
	s.thread("once2", o.once)
}

func (o *once) init(e *schedule.Exec) {
	e.AllocBoot(&o.memory.Object, 0)
	o.lock.Init(&o.memory)
}

func (o *once) once(t *schedule.Thread) {
	if o.done.Read(t) != 0 {
		return
	}
	o.waiters.Inc(t, 1)
	lock := &o.memory.m
	lock.Lock(t)
	if o.done.Read(t) == 0 {
		o.done.Write(t, 1)
	}
	lock.Unlock(t)
	o.waiters.Inc(t, -1)
	if o.waiters.Read(t) == 0 && !o.fixed {
		pthread.Free(t, &o.memory)
	}
}

// singleton is CVE-2016-1973 (WebRTC): there is one object, counted by its users, made by
// the first and freed by the last. Whether there is one is looked at before it is counted
// up, and the last may go in between. Fixed, both are done under a lock.
type singleton struct {
	schedule.Object
	m        pthread.Mutex
	count    pthread.Int
	instance pthread.Ptr[*single]
	made     [2]single
	fixed    bool
}

type single struct {
	schedule.Object
	value pthread.Int
}

func newSingleton(s *scene, fixed bool) {
	x := &singleton{fixed: fixed}
	s.static(x, "static")
	for i := range x.made {
		x.made[i].Bind(&x.made[i], "single")
	}
	s.init(x.init)
	s.thread("release", x.release)
	s.thread("acquire", x.acquire)
}

// init leaves the one object, with one user.
func (x *singleton) init(e *schedule.Exec) {
	e.AllocBoot(&x.made[0].Object, 0)
	x.instance.Init(&x.made[0])
	x.count.Init(1)
}

func (x *singleton) acquire(t *schedule.Thread) {
	x.lock(t)
	if x.count.Read(t) == 0 {
		o := &x.made[1]
		t.Alloc(&o.Object, 1)
		x.instance.Write(t, o)
	}
	x.count.Add(t, 1)
	x.unlock(t)
	x.instance.Read(t).value.Inc(t, 1)
	x.release(t)
}

func (x *singleton) release(t *schedule.Thread) {
	x.lock(t)
	o := x.instance.Read(t)
	if x.count.Add(t, -1) == 0 {
		pthread.Free(t, o)
	}
	x.unlock(t)
}

func (x *singleton) lock(t *schedule.Thread) {
	if x.fixed {
		x.m.Lock(t)
	}
}

func (x *singleton) unlock(t *schedule.Thread) {
	if x.fixed {
		x.m.Unlock(t)
	}
}

// port is CVE-2017-15265 (sound/core/seq): a port that has been put on the list can be
// found and deleted, and its creator goes on using it. Fixed, the creator has done with it
// before it lets go of the lock.
type port struct {
	schedule.Object
	m     pthread.Mutex
	list  pthread.Ptr[*portEntry]
	entry portEntry
	fixed bool
}

type portEntry struct {
	schedule.Object
	capability, kind pthread.Int
}

func newPort(s *scene, fixed bool) {
	p := &port{fixed: fixed}
	s.static(p, "client")
	p.entry.Bind(&p.entry, "port")
	s.thread("create", p.create)
	s.thread("delete", p.delete)
}

func (p *port) create(t *schedule.Thread) {
	p.m.Lock(t)
	t.Alloc(&p.entry.Object, 0)
	p.list.Write(t, &p.entry)
	if p.fixed {
		p.use(t)
	}
	p.m.Unlock(t)
	if !p.fixed {
		p.use(t)
	}
}

func (p *port) use(t *schedule.Thread) {
	p.entry.capability.Write(t, 1)
	p.entry.kind.Write(t, 1)
}

func (p *port) delete(t *schedule.Thread) {
	p.m.Lock(t)
	entry := p.list.Read(t)
	if entry != nil {
		p.list.Write(t, nil)
	}
	p.m.Unlock(t)
	if entry != nil {
		pthread.Free(t, entry)
	}
}
