package aio

// A mPC says where a thread of the machine stands: before the step of that name.
type mPC uint8

// mObject is what can be freed.
type mObject uint8

const (
	onNothing mObject = iota // or on what is never freed: the mm, its table, a task
	onCtx                    // struct kioctx
	onWait                   // struct ctx_rq_wait, on the stack of the io_destroy that waits
	onReq                    // struct aio_kiocb
)

const (
	atRest mPC = iota // a thread that has finished, an agent between two pieces of work

	// lookup_ioctx(); L0 to L6 of the facts.
	atRing
	atReadLock
	atTable
	atSlot
	atUserID
	atReadUnlock
	// io_getevents.
	atRingLock
	atReadHead
	atReadTail
	atReadRmb
	atRingUnlock
	atRingUnlockTail
	atReadDead
	// io_cancel.
	atCancelLock
	atCancelFirst
	atCancelUnlock
	// io_submit.
	atSubmit
	// kill_ioctx(), K1 to K6 of the facts, and io_destroy.
	atKillLock
	atXchgDead
	atKillTable
	atClearSlot
	atKillUnlock
	atSyncStart
	atSyncEnd
	atKillWake
	atWakeEnd // of any wake_up_all()
	atMunmap
	atSetRqWait
	atCompletion
	// free_ioctx_users(), free_ioctx_reqs(), free_ioctx().
	atUsersLock
	atUsersEmpty
	atUsersUnlock
	atReadRqWait
	atDecWait
	atComplete
	atScheduleWork
	atQueueRcuWork
	atQueueRcuCall
	atQueueWork
	atFreeCtx
	// aio_complete().
	atIrqCtx
	atIrqLinked
	atIrqLock
	atIrqTail
	atIrqUnlock
	atIrqFree
	atIrqActive
	atIocbPut
	atIocbFree
	// mmput(), exit_aio().
	atMmput
	atExitTable
	atExitSlot
	atExitMapped
	atExitSub
	atExitAssign
	atExitFree

	// Before 3.12. lookup_ioctx().
	atFirst
	atExitFirst // exit_aio()
	atLookupDead
	atGetRead
	atInc
	atIncNotZero
	atNext
	// io_submit: aio_get_req(), the test of dead, aio_put_req(), really_put_req().
	atReqAddLock
	atReqAdd
	atReqCount
	atReqAddUnlock
	atReqInc
	atDeadLock
	atDeadTest
	atDeadUnlock
	atReqPutLock
	atReqPut
	atReqDel
	atReqFree
	atReqUncount
	atReqDead
	atReqWake
	atReqPutUnlock
	// io_destroy, kill_ioctx().
	atDelLock
	atDelDead
	atDelSetDead
	atDel
	atDelUnlock
	atKillMapped
	atKillMunmap
	atKillCall
	atDestroyWake
	// kill_ioctx_work().
	atWorkWake
	// put_ioctx(), __put_ioctx().
	atPutRead
	atPutDec
	atBugActive
	atFreeMapped
	atFreeMunmap
	atFreeCall
	// aio_cancel_all(), wait_for_all_aios(), free_ioctx() of 3.10.
	atAllLock
	atAllSetDead
	atAllEmpty
	atAllFirst
	atAllDel
	atAllKiCancel
	atAllUnlock
	atWaitLock
	atWaitActive
	atWaitAdd
	atWaitState
	atWaitWhile
	atWaitUnlock
	atWaitSchedule
	atWaitAgain
	atWaitRelock
	atWaitRun
	atWaitRemove
	atWaitDone
	atIdleWhile
	atIdlePrepare
	atIdleActive
	atIdleSchedule
	atIdleFinish
	atIdleLeave
	atIdleWarn
	// aio_complete(), up to 3.9 and of 3.10.
	atOldCtx
	atOldLock
	atOldTail
	atOldActive
	atOldWake
	atOldUnlock
	atTenLock
	atTenLinked
	atTenCancel
	atTenTailLock
	atTenTail
	atTenTailUnlock
	atTenDec
	atTenActive
	atTenWake
	atTenUnlock

	// percpu_ref.
	atGetMode
	atGet
	atTryMode
	atTry
	atTryLiveMode
	atTryLive
	atPutMode
	atPut
	atSwitchLock
	atSwitchUnlock
	atKillRead
	atKillDead
	atKillReadAgain
	atKillAtomic
	atKillCallRcu
	atSwitch

	// Not steps: what a thread does between two of them, which nobody can see.
	toKilled     // percpu_ref_kill(users) has returned
	toDestroyed  // io_destroy has put its reference
	toPutReqs    // percpu_ref_kill(reqs) has returned
	toPutEnd     // the release function has returned
	toCancelAll  // io_destroy has put the reference of the list
	toLastPut    // io_submit has put its request
	toSoftirqEnd // the callback has returned
	toWorkerEnd  // the work item has
	toIrqEnd     // aio_complete has

	numPCs

	firstListPC    = atFirst
	firstRcuPC     = atGetMode
	firstPrivatePC = toKilled
)

// A mStep is what is known of the step at a pc: the verb that traces have for it, and
// what it touches.
type mStep struct {
	verb string
	on   mObject
}

// mSteps is the table of steps. The sequence of them is in the switches.
var mSteps = [numPCs]mStep{
	atRing:       {"read", onNothing}, // L0 get_user(id, &ring->id)
	atReadLock:   {"rcu_read_lock", onNothing},
	atTable:      {"rcu_dereference", onNothing}, // mm->ioctx_table
	atSlot:       {"read", onNothing},            // table->table[id]
	atUserID:     {"read", onCtx},                // ctx->user_id
	atReadUnlock: {"rcu_read_unlock", onNothing},
	atFirst:      {"rcu_dereference", onNothing}, // hlist_for_each_entry_rcu
	atExitFirst:  {"list_first_entry", onNothing},
	atLookupDead: {"atomic_read", onCtx},         // !ctx->dead
	atGetRead:    {"atomic_read", onCtx},         // get_ioctx: BUG_ON(users <= 0)
	atInc:        {"atomic_inc", onCtx},          // users
	atIncNotZero: {"atomic_inc_not_zero", onCtx}, // try_get_ioctx
	atNext:       {"rcu_dereference", onCtx},     // ctx->list.next

	atGetMode:       {"percpu_ref_get: mode", onCtx},
	atGet:           {"percpu_ref_get", onCtx},
	atTryMode:       {"percpu_ref_tryget: mode", onCtx},
	atTry:           {"percpu_ref_tryget", onCtx},
	atTryLiveMode:   {"percpu_ref_tryget_live: mode", onCtx},
	atTryLive:       {"percpu_ref_tryget_live", onCtx},
	atPutMode:       {"percpu_ref_put: mode", onCtx},
	atPut:           {"percpu_ref_put", onCtx},
	atSwitchLock:    {"spin_lock_irq", onNothing}, // percpu_ref_switch_lock
	atSwitchUnlock:  {"spin_unlock_irq", onNothing},
	atKillRead:      {"percpu_ref_kill: read mode", onCtx}, // |= DEAD, the load
	atKillDead:      {"percpu_ref_kill", onCtx},            // |= DEAD, the store
	atKillReadAgain: {"percpu_ref_kill: read mode", onCtx}, // |= ATOMIC, the load
	atKillAtomic:    {"percpu_ref_kill", onCtx},            // |= ATOMIC, the store
	atKillCallRcu:   {"call_rcu_sched", onCtx},
	atSwitch:        {"percpu_ref: add per-CPU counts", onCtx},

	atRingLock:       {"mutex_lock", onCtx}, // ring_lock
	atReadHead:       {"read", onCtx},
	atReadTail:       {"read", onCtx},
	atReadRmb:        {"smp_rmb", onNothing},
	atRingUnlock:     {"mutex_unlock", onCtx},
	atRingUnlockTail: {"mutex_unlock (tail)", onCtx},
	atReadDead:       {"atomic_read", onCtx},
	atCancelLock:     {"spin_lock_irq", onCtx},    // ctx_lock
	atCancelFirst:    {"list_first_entry", onCtx}, // lookup_kiocb in active_reqs
	atCancelUnlock:   {"spin_unlock_irq", onCtx},
	atSubmit:         {"submit_bio", onReq},
	atReqAddLock:     {"spin_lock_irq", onCtx}, // aio_get_req
	atReqAdd:         {"list_add", onCtx},
	atReqCount:       {"atomic_set", onCtx}, // ctx->reqs_active++
	atReqAddUnlock:   {"spin_unlock_irq", onCtx},
	atReqInc:         {"atomic_inc", onCtx},    // ctx->reqs_active, 3.10
	atDeadLock:       {"spin_lock_irq", onCtx}, // 7137c6bd
	atDeadTest:       {"atomic_read", onCtx},
	atDeadUnlock:     {"spin_unlock_irq", onCtx},
	atReqPutLock:     {"spin_lock_irq", onCtx}, // aio_put_req
	atReqPut:         {"atomic_sub_and_test", onReq},
	atReqDel:         {"list_del", onReq},
	atReqFree:        {"kmem_cache_free", onReq}, // really_put_req
	atReqUncount:     {"atomic_set", onCtx},      // ctx->reqs_active--
	atReqDead:        {"atomic_read", onCtx},     // ctx->dead
	atReqWake:        {"wake_up_all", onCtx},
	atReqPutUnlock:   {"spin_unlock_irq", onCtx},

	atKillLock:    {"spin_lock", onNothing},           // K1 mm->ioctx_lock
	atXchgDead:    {"atomic_xchg", onCtx},             // K2
	atKillTable:   {"rcu_dereference_raw", onNothing}, // mm->ioctx_table
	atClearSlot:   {"write", onNothing},               // K3 table->table[ctx->id] = NULL
	atKillUnlock:  {"spin_unlock", onNothing},         // K4
	atSyncStart:   {"synchronize_rcu", onNothing},
	atSyncEnd:     {"synchronize_rcu ends", onNothing},
	atKillWake:    {"wake_up_all", onCtx}, // K5
	atWakeEnd:     {"wake_up_all (tail)", onCtx},
	atMunmap:      {"write", onNothing},               // K5 vm_munmap
	atSetRqWait:   {"write", onCtx},                   // K6
	atCompletion:  {"wait_for_completion", onNothing}, // of its own stack
	atDelLock:     {"spin_lock", onNothing},
	atDelDead:     {"atomic_read", onCtx},
	atDelSetDead:  {"atomic_set", onCtx},
	atDel:         {"hlist_del_rcu", onCtx},
	atDelUnlock:   {"spin_unlock", onNothing},
	atKillMapped:  {"read", onCtx}, // mmap_size
	atKillMunmap:  {"write", onNothing},
	atKillCall:    {"call_rcu", onCtx}, // kill_ioctx_rcu
	atDestroyWake: {"wake_up_all", onCtx},

	atUsersLock:    {"spin_lock_irq", onCtx}, // U1
	atUsersEmpty:   {"list_empty", onCtx},    // no request can be cancelled here
	atUsersUnlock:  {"spin_unlock_irq", onCtx},
	atReadRqWait:   {"read", onCtx}, // Q1
	atDecWait:      {"atomic_dec_and_test", onWait},
	atComplete:     {"complete", onWait},
	atScheduleWork: {"schedule_work", onCtx},
	atQueueRcuWork: {"queue_rcu_work", onCtx}, // Q2
	atQueueRcuCall: {"call_rcu", onCtx},
	atQueueWork:    {"queue_work", onCtx},
	atFreeCtx:      {"kmem_cache_free", onCtx},

	atPutRead:      {"atomic_read", onCtx}, // BUG_ON(users <= 0)
	atPutDec:       {"atomic_dec_and_test", onCtx},
	atBugActive:    {"atomic_read", onCtx}, // BUG_ON(reqs_active)
	atFreeMapped:   {"read", onCtx},
	atFreeMunmap:   {"write", onNothing},
	atFreeCall:     {"call_rcu", onCtx},      // ctx_rcu_free
	atAllLock:      {"spin_lock_irq", onCtx}, // aio_cancel_all
	atAllSetDead:   {"atomic_set", onCtx},
	atAllEmpty:     {"list_empty", onCtx},
	atAllFirst:     {"list_first_entry", onCtx},
	atAllDel:       {"list_del_init", onReq},
	atAllKiCancel:  {"atomic_read", onReq}, // no cancel function
	atAllUnlock:    {"spin_unlock_irq", onCtx},
	atWaitLock:     {"spin_lock_irq", onCtx}, // wait_for_all_aios
	atWaitActive:   {"atomic_read", onCtx},
	atWaitAdd:      {"add_wait_queue", onCtx},
	atWaitState:    {"set_current_state", onNothing},
	atWaitWhile:    {"atomic_read", onCtx},
	atWaitUnlock:   {"spin_unlock_irq", onCtx},
	atWaitSchedule: {"schedule", onNothing},
	atWaitAgain:    {"set_current_state", onNothing},
	atWaitRelock:   {"spin_lock_irq", onCtx},
	atWaitRun:      {"__set_current_state", onNothing},
	atWaitRemove:   {"remove_wait_queue", onCtx},
	atWaitDone:     {"spin_unlock_irq", onCtx},
	atIdleWhile:    {"atomic_read", onCtx}, // free_ioctx of 3.10
	atIdlePrepare:  {"prepare_to_wait", onCtx},
	atIdleActive:   {"atomic_read", onCtx},
	atIdleSchedule: {"schedule", onNothing},
	atIdleFinish:   {"finish_wait", onNothing},
	atIdleLeave:    {"finish_wait", onCtx}, // still on the queue
	atIdleWarn:     {"atomic_read", onCtx},
	atWorkWake:     {"wake_up_all", onCtx},

	atIrqCtx:        {"read", onReq}, // req->ki_ctx
	atIrqLinked:     {"read", onReq}, // !list_empty(&req->ki_list)
	atIrqLock:       {"spin_lock_irq", onCtx},
	atIrqTail:       {"write", onCtx},
	atIrqUnlock:     {"spin_unlock_irq", onCtx},
	atIrqFree:       {"kiocb_free", onReq},
	atIrqActive:     {"waitqueue_active", onCtx},
	atIocbPut:       {"refcount_dec_and_test", onReq}, // since 5.1
	atIocbFree:      {"kmem_cache_free", onReq},
	atMmput:         {"atomic_dec_and_test", onNothing}, // mm_users
	atExitTable:     {"rcu_dereference_raw", onNothing},
	atExitSlot:      {"read", onNothing},                // table->table[i]
	atExitMapped:    {"write", onCtx},                   // mmap_size = 0
	atExitSub:       {"atomic_sub_and_test", onNothing}, // wait.count, on its own stack
	atExitAssign:    {"rcu_assign_pointer", onNothing},
	atExitFree:      {"kfree", onNothing}, // the table
	atOldCtx:        {"read", onReq},
	atOldLock:       {"spin_lock_irq", onCtx},
	atOldTail:       {"write", onCtx},
	atOldActive:     {"waitqueue_active", onCtx},
	atOldWake:       {"wake_up_all", onCtx},
	atOldUnlock:     {"spin_unlock_irq", onCtx},
	atTenLock:       {"rcu_read_lock", onNothing},
	atTenLinked:     {"read", onReq},
	atTenCancel:     {"atomic_xchg", onReq},   // ki_cancel
	atTenTailLock:   {"spin_lock_irq", onCtx}, // completion_lock
	atTenTail:       {"write", onCtx},
	atTenTailUnlock: {"spin_unlock_irq", onCtx},
	atTenDec:        {"atomic_dec", onCtx},
	atTenActive:     {"waitqueue_active", onCtx},
	atTenWake:       {"wake_up_all", onCtx},
	atTenUnlock:     {"rcu_read_unlock", onNothing},
}
