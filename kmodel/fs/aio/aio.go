// Package aio is the life of a kioctx (fs/aio.c): who may look one up, who kills it,
// and when it may be freed.
//
// The nouns: a kioctx is what io_setup creates and io_destroy destroys; users counts
// the system calls inside it, plus one for the table; reqs counts its requests. The
// mm finds it by the address of its ring, the cookie that user space holds. From
// v3.12 on it is in a table under RCU, with percpu_refs; before that on an RCU hlist,
// with atomic counts (listctx.go).
//
// The story is in lookupIoctx and killIoctx. Between taking a kioctx out of the table
// and dropping its first reference there was once an RCU delay; it was lost on the
// theory that percpu_ref_kill() has one. That is a grace period of the other flavour:
// it does not wait for a reader in lookup_ioctx. The variants (variants.go) are the code from
// 2.6.29 to 4.17, and what became of it since.
//
// The code follows v4.4.121, the tree that the fix baf10564fbb6 was ported to, with
// the later patches applied by variant; the hlist follows v3.3.8 and v3.10.65.
//
// Not modelled: the contents of the ring and its head/tail arithmetic beyond counting
// events, the quota of requests (aio_nr, reqs_available), eventfd, page migration of the
// ring, a ring address that is used again, faults on user memory in io_setup, requests that
// complete within io_submit, retries, the aio workqueue and the batches of requests of the
// hlist years, and that they called a driver's cancel function without ctx_lock. The table
// starts with one slot and doubles, where the kernel starts with four and quadruples, so that
// few contexts make it grow. Files, and rings that are mappings, are in the programs of 3.3
// alone (munmap.go, fput.go), a ring that moves in one of history.go alone, and who waits for so
// many events, as since 6.8, in getevents.go alone.
//
// Start reading at lookup.go and kill.go; for the "too late munmap()" of 3.3, at fput.go.
package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/completion"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/percpu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/refcount"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rwsem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

const (
	// maxCookies is one more than the most contexts that one execution may set up.
	// The cookie of a context is the address of its ring; here the addresses are 1,
	// 2, 3 ..., given out in an order that the program fixes beforehand.
	maxCookies = 8
	// maxSlots is the size of the largest table: 1, 2, 4, 8.
	maxSlots = 8
)

// mmStruct is struct mm_struct, as far as aio goes.
type mmStruct struct {
	schedule.Object
	mmUsers    atomic.Int
	ioctxLock  spin.Lock
	ioctxTable rcu.Ptr[*kioctxTable]
	ioctxList  list.Head[*listKioctx] // before v3.12

	// ring is user memory: the pages at each cookie, where user space and kernel
	// find the number of the slot. 0: not mapped; else slot + 1.
	ring    [maxCookies]mem.Int
	mmapSem rwsem.Sem // where rings move

	*system
}

// kioctxTable is struct kioctx_table.
type kioctxTable struct {
	schedule.Object
	rcu   slab.RcuHead
	nr    mem.Int // never changes once others can see the table
	table [maxSlots]slot
}

// A slot is a place in the table, a pointer marked __rcu. d0264c01e758 (4.16) has given it the
// accessors; before that it is loaded and stored plainly.
type slot struct{ rcu.Ptr[*kioctx] }

// follow_ is the load by a reader.
func (x *slot) follow_(t *schedule.Thread, s *system) *kioctx {
	if s.Has(rcuSlots) {
		return x.Dereference(t)
	}
	return x.Read(t)
}

// isEmpty_ is the look of who fills it, with ioctx_lock.
func (x *slot) isEmpty_(t *schedule.Thread, s *system) bool {
	if s.Has(rcuSlots) {
		return x.AccessPointer(t) == nil
	}
	return x.Read(t) == nil
}

func (x *slot) fill_(t *schedule.Thread, s *system, ctx *kioctx) {
	if s.Has(rcuSlots) {
		x.Assign(t, ctx)
		return
	}
	x.Write(t, ctx)
}

func (x *slot) empty_(t *schedule.Thread, s *system) {
	if s.Has(rcuSlots) {
		x.InitPointer(t, nil)
		return
	}
	x.Write(t, nil)
}

// last_ is the load of exit_aio.
func (x *slot) last_(t *schedule.Thread, s *system) *kioctx {
	if s.Has(rcuSlots) {
		return x.DereferenceRaw(t)
	}
	return x.Read(t)
}

// kioctx is struct kioctx.
type kioctx struct {
	schedule.Object
	users    percpu.Ref // system calls inside, +1 for the table
	dead     atomic.Int
	reqs     percpu.Ref // requests, +1 to begin with, +1 until free_ioctx_users
	userID   mem.Int    // the cookie
	id       mem.Int    // slot; never changes once others can see the context
	mmapSize mem.Int    // 0: not mapped; only exit_aio changes it, alone

	rqWait mem.Ptr[*ctxRqWait]

	ctxLock    spin.Lock
	activeReqs list.Head[*aioKiocb] // those that can be cancelled

	ringLock       mutex.Mutex
	wait           wait.Queue
	completionLock spin.Lock
	tail           mem.Int // events written
	head           mem.Int // events read

	freeWork  workqueue.Work    // before a6d7cff472e0
	freeRwork workqueue.RcuWork // since then

	*system
}

// ctxRqWait is struct ctx_rq_wait: on the stack of the task that waits.
type ctxRqWait struct {
	schedule.Object
	comp  completion.Completion
	count atomic.Int
}

// aioKiocb is struct aio_kiocb: a request.
type aioKiocb struct {
	schedule.Object
	kiCtx     mem.Ptr[*kioctx]
	kiListCtx mem.Ptr[*listKioctx] // ki_ctx before v3.12
	kiList    list.Node[*aioKiocb]
	kiCancel  atomic.Int        // see cancel*
	kiUsers   atomic.Int        // before v3.12: submitter and IO; an int under ctx_lock before 3.10
	kiRefcnt  refcount.Refcount // since 5.1: submitter and IO
	kiFilp    mem.Ptr[*file]
	device    deviceEntry
}

// Values of ki_cancel.
const (
	cancelNone = iota // cannot be cancelled
	cancelFn          // has a cancel function
	cancelled         // KIOCB_CANCELLED
)

// ListNode implements [list.Entry].
func (req *aioKiocb) ListNode() *list.Node[*aioKiocb] { return &req.kiList }

// syscalls is what user space can do with an mm, and what becomes of it.
type syscalls interface {
	ioSetup(t *schedule.Thread, cookie int)
	ioSubmit(t *schedule.Thread, cookie int, cancellable bool)
	ioGetevents(t *schedule.Thread, cookie, minNr int)
	ioCancel(t *schedule.Thread, cookie int)
	ioDestroy(t *schedule.Thread, cookie int)
	exitAio(t *schedule.Thread)

	// bootCtx sets up a context that is there before the first step.
	bootCtx(e *schedule.Exec, cookie int)
	aioComplete(t *schedule.Thread, req *aioKiocb)
}

// system is what all objects of a program share: which patches are applied, and the
// caches.
type system struct {
	program.Changes
	mm     mmStruct
	calls  syscalls // of mm: itself, or as it was before v3.12
	device device

	bootSlots int // of the table that bootCtx makes: a power of 2, if there is a table

	ctxCache     *slab.Cache[kioctx, *kioctx]
	tableCache   *slab.Cache[kioctxTable, *kioctxTable]
	rqWaitCache  *slab.Cache[ctxRqWait, *ctxRqWait]
	reqCache     *slab.Cache[aioKiocb, *aioKiocb]
	listCtxCache *slab.Cache[listKioctx, *listKioctx]

	*era33 // what the programs of munmap.go have besides, else nil
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	s.mm.Bind(&s.mm, "mm")
	s.mm.system = s
	if s.calls = &s.mm; !s.Has(ioctxTable) {
		s.calls = &listMM{&s.mm}
	}
	s.ctxCache = slab.NewCache("ctx", func(ctx *kioctx) {
		ctx.system = s
		ctx.users.Ctor(s.percpuRefs(), ctx.freeIoctxUsers)
		ctx.reqs.Ctor(s.percpuRefs(), ctx.freeIoctxReqs)
		ctx.freeWork.Init(ctx.freeIoctx)
		ctx.freeRwork.Init(ctx.freeIoctx)
	})
	s.device.complete = s.calls.aioComplete
	s.tableCache = slab.NewCache("table", func(tbl *kioctxTable) { tbl.rcu.Init(tbl) })
	s.rqWaitCache = slab.NewCache("wait", func(wait *ctxRqWait) { wait.SetOnStack() })
	s.reqCache = slab.NewCache("req", func(*aioKiocb) {})
	s.listCtxCache = newListCtxCache(s)
	return s
}

// percpuRefs is the version of the percpu_refs.
func (s *system) percpuRefs() percpu.Version {
	switch {
	case s.Has(refs311):
		return percpu.V311
	case s.Has(refs49):
		return percpu.V49
	case s.Has(refs54):
		return percpu.V54
	}
	return percpu.V318
}

// boot begins an execution: an mm with a first user.
func (s *system) boot(e *schedule.Exec) {
	e.Static(&s.mm.Object, 0)
	s.mm.mmUsers.Init(1)
}

// bootRCU creates the softirq, with the flavours of the variant.
func (s *system) bootRCU(e *schedule.Exec) {
	switch {
	case s.Has(noPreempt):
		rcu.Boot(e, rcu.NonPreemptible)
	case s.Has(oneFlavour):
		rcu.Boot(e, rcu.Merged)
	default:
		rcu.Boot(e, rcu.Split)
	}
}

// bootWorkqueue creates a kworker.
func (s *system) bootWorkqueue(e *schedule.Exec) { workqueue.Boot(e, 1) }

// bootCtx implements [syscalls].
func (mm *mmStruct) bootCtx(e *schedule.Exec, cookie int) {
	ctx := mm.ctxCache.AllocBoot(e)
	ctx.init(cookie)
	ctx.reqs.InitGet()
	table := mm.ioctxTable.Peek()
	if table == nil {
		table = mm.tableCache.AllocBoot(e)
		table.nr.Init(mm.bootSlots)
		mm.ioctxTable.Init(table)
	}
	slot := 0
	for table.table[slot].Peek() != nil {
		slot++
	}
	ctx.id.Init(slot)
	table.table[slot].Init(ctx)
	mm.ring[cookie].Init(slot + 1)
}
