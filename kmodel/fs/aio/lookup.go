package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// lookupIoctx is lookup_ioctx(): find the context of a cookie and take a reference,
// or return nil. The window is between loading ctx and taking the reference: the
// context can be killed there. Whether it can also be freed there, and what taking a
// reference on a killed one does, is what the variants are about.
func (mm *mmStruct) lookupIoctx(t *schedule.Thread, cookie int) *kioctx {
	id := mm.ring[cookie].Read(t) - 1 // get_user(id, &ring->id)
	if id < 0 {
		return nil // -EFAULT
	}
	var ret *kioctx
	rcu.ReadLock(t)
	if table := mm.ioctxTable.Dereference(t); table != nil && id < table.nr.Peek() {
		table.table[id].DependsOn(t, &mm.ring[cookie])
		ctx := table.table[id].follow_(t, mm.system)
		if ctx != nil && ctx.userID.Read(t) == cookie && mm.getUsers_(t, ctx) {
			ret = ctx
		}
	}
	rcu.ReadUnlock(t)
	return ret
}

// getUsers_ is how lookup_ioctx takes its reference. baf10564fbb6 replaced the first
// by the second.
func (s *system) getUsers_(t *schedule.Thread, ctx *kioctx) bool {
	switch {
	case s.Has(tryGetLive):
		return ctx.users.TryGetLive(t)
	case s.Has(tryGet):
		return ctx.users.TryGet(t)
	}
	ctx.users.Get(t)
	return true
}

// ioSetup is io_setup(): create a context, whose ring is mapped at cookie.
func (mm *mmStruct) ioSetup(t *schedule.Thread, cookie int) {
	ctx := mm.ioctxAlloc(t, cookie)
	preempt.MightSleep(t, "put_user")
	ctx.users.Put(t)
}

// ioctxAlloc is ioctx_alloc(). It returns with a reference for io_setup.
func (mm *mmStruct) ioctxAlloc(t *schedule.Thread, cookie int) *kioctx {
	ctx := mm.ctxCache.Alloc(t)
	ctx.init(cookie)
	ctx.ringLock.Lock(t) // until setup is complete, against page migration
	ctx.users.InitGet()  // io_setup() will drop this ref
	ctx.reqs.InitGet()   // free_ioctx_users() will drop this
	mm.ioctxAddTable(t, ctx)
	ctx.ringLock.Unlock(t)
	return ctx
}

// init sets what nobody else can see yet.
func (ctx *kioctx) init(cookie int) {
	ctx.users.Init()
	ctx.reqs.Init()
	ctx.userID.Init(cookie)
	ctx.mmapSize.Init(1)
}

// ioctxAddTable is ioctx_add_table(): find a free slot, or make the table larger.
func (mm *mmStruct) ioctxAddTable(t *schedule.Thread, ctx *kioctx) {
	mm.ioctxLock.Lock(t)
	table := mm.ioctxTable.DereferenceRaw(t)
	for {
		if i := table.freeSlot_(t, mm.system); i >= 0 {
			ctx.id.Init(i)
			table.table[i].fill_(t, mm.system, ctx)
			mm.ioctxLock.Unlock(t)
			mm.ring[ctx.userID.Peek()].Write(t, i+1) // ring->id = ctx->id
			return
		}
		table = mm.growTable_(t, table)
	}
}

// freeSlot_ returns an empty slot, or -1. Slots change under ioctx_lock only, which the
// caller holds.
func (table *kioctxTable) freeSlot_(t *schedule.Thread, s *system) int {
	if table == nil {
		return -1
	}
	for i := range table.nr.Peek() {
		if table.table[i].isEmpty_(t, s) {
			return i
		}
	}
	return -1
}

// growTable_ is the rest of the loop in ioctx_add_table(): it drops the lock to
// allocate, and publishes the new table unless somebody else has been quicker. It
// returns with the lock held.
func (mm *mmStruct) growTable_(t *schedule.Thread, table *kioctxTable) *kioctxTable {
	nr := 1
	if table != nil {
		nr = table.nr.Peek() * 2
	}
	if nr > maxSlots {
		panic("aio: more contexts than a program may set up")
	}
	mm.ioctxLock.Unlock(t)
	bigger := mm.tableCache.Alloc(t)
	bigger.nr.Init(nr)
	mm.ioctxLock.Lock(t)
	old := mm.ioctxTable.DereferenceRaw(t)
	switch {
	case old == nil:
		mm.ioctxTable.Assign(t, bigger)
	case nr > old.nr.Peek():
		for i := range old.nr.Peek() { // memcpy: bigger is still private
			bigger.table[i].Init(old.table[i].Read(t))
		}
		mm.ioctxTable.Assign(t, bigger)
		slab.KfreeRcu(t, &old.rcu)
	default:
		slab.Free(t, "kfree", bigger)
		return old
	}
	return bigger
}
