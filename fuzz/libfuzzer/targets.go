package libfuzzer

// FuzzLookupIoctx is lookup_ioctx() against io_destroy() and everything else that
// fs/aio.c does with contexts, as of 4.16.
func FuzzLookupIoctx(data []byte) int { return Run("FuzzLookupIoctx", data) }

// FuzzFixedLookupIoctx is FuzzLookupIoctx with baf10564fbb6 applied.
func FuzzFixedLookupIoctx(data []byte) int { return Run("FuzzFixedLookupIoctx", data) }

// FuzzTooLateMunmap is aio_fput_routine() against exit_mmap(), elf_core_dump() and
// everything else that fs/aio.c does with requests and their files, as of 3.3-rc6.
func FuzzTooLateMunmap(data []byte) int { return Run("FuzzTooLateMunmap", data) }

// FuzzFixedTooLateMunmap is FuzzTooLateMunmap with c7b285550544 applied.
func FuzzFixedTooLateMunmap(data []byte) int { return Run("FuzzFixedTooLateMunmap", data) }

// FuzzListLRUResize is the resizing of all list_lrus against unmounts, mounts and memory
// cgroups that go offline, as planned on 7 October 2017.
func FuzzListLRUResize(data []byte) int { return Run("FuzzListLRUResize", data) }

// FuzzFixedListLRUResize is FuzzListLRUResize with what was found wrong with it the day
// after put right.
func FuzzFixedListLRUResize(data []byte) int { return Run("FuzzFixedListLRUResize", data) }

// FuzzListLRUWalk is list_lru_walk_node() of several shrinkers, as of June 2013.
func FuzzListLRUWalk(data []byte) int { return Run("FuzzListLRUWalk", data) }

// FuzzFixedListLRUWalk is FuzzListLRUWalk with 5cedf721a7cd and c56b097af26c applied.
func FuzzFixedListLRUWalk(data []byte) int { return Run("FuzzFixedListLRUWalk", data) }

// FuzzPutSuper is the last reference of a super_block, with the list_lrus not destroyed
// before it is dropped, as a static tool believed of the kernel in 2017.
func FuzzPutSuper(data []byte) int { return Run("FuzzPutSuper", data) }

// FuzzFixedPutSuper is FuzzPutSuper as the kernel is.
func FuzzFixedPutSuper(data []byte) int { return Run("FuzzFixedPutSuper", data) }

// FuzzKthreadUseMm is kthread_use_mm() against munmap() and everything else that flushes
// a TLB, as of sparc64 in 5.9.
func FuzzKthreadUseMm(data []byte) int { return Run("FuzzKthreadUseMm", data) }

// FuzzFixedKthreadUseMm is FuzzKthreadUseMm with bafb056c applied.
func FuzzFixedKthreadUseMm(data []byte) int { return Run("FuzzFixedKthreadUseMm", data) }

// FuzzGetNetNsById is get_net_ns_by_id() against the end of the namespace, as of 4.14.
func FuzzGetNetNsById(data []byte) int { return Run("FuzzGetNetNsById", data) }

// FuzzFixedGetNetNsById is FuzzGetNetNsById with 21b594435005 applied.
func FuzzFixedGetNetNsById(data []byte) int { return Run("FuzzFixedGetNetNsById", data) }

// FuzzPacketSetRing is PACKET_RX_RING against PACKET_VERSION and the timer of the ring, as of 4.6.
func FuzzPacketSetRing(data []byte) int { return Run("FuzzPacketSetRing", data) }

// FuzzFixedPacketSetRing is FuzzPacketSetRing with 84ac7260236a applied.
func FuzzFixedPacketSetRing(data []byte) int { return Run("FuzzFixedPacketSetRing", data) }

// FuzzFanoutAdd is PACKET_FANOUT against bind() and PACKET_RX_RING, as of 4.13.
func FuzzFanoutAdd(data []byte) int { return Run("FuzzFanoutAdd", data) }

// FuzzFixedFanoutAdd is FuzzFanoutAdd with 008ba2a13f2d and 4971613c1639 applied.
func FuzzFixedFanoutAdd(data []byte) int { return Run("FuzzFixedFanoutAdd", data) }

// FuzzPacketNotifier is packet_notifier() against bind(), PACKET_RX_RING and close(), as of 4.14.
func FuzzPacketNotifier(data []byte) int { return Run("FuzzPacketNotifier", data) }

// FuzzFixedPacketNotifier is FuzzPacketNotifier with 15fe076edea7, 01d3c8417b9c, 42156f93d123 and
// 50aff80475ab applied.
func FuzzFixedPacketNotifier(data []byte) int { return Run("FuzzFixedPacketNotifier", data) }

// FuzzUnixPeekFds is MSG_PEEK against the collector of AF_UNIX sockets, as of 6.17.
func FuzzUnixPeekFds(data []byte) int { return Run("FuzzUnixPeekFds", data) }

// FuzzFixedUnixPeekFds is FuzzUnixPeekFds as of 7.1: with e5b31d988a41 and d82ba05263c6 applied.
func FuzzFixedUnixPeekFds(data []byte) int { return Run("FuzzFixedUnixPeekFds", data) }

// FuzzPipeRelease is pipe_release() and fifo_open(), as of 3.10.
func FuzzPipeRelease(data []byte) int { return Run("FuzzPipeRelease", data) }

// FuzzFixedPipeRelease is FuzzPipeRelease with b0d8d2292160 applied.
func FuzzFixedPipeRelease(data []byte) int { return Run("FuzzFixedPipeRelease", data) }

// FuzzAioReadEventsRing is aio_read_events_ring() against aio_complete(), as of 3.16, where loads
// pass loads.
func FuzzAioReadEventsRing(data []byte) int { return Run("FuzzAioReadEventsRing", data) }

// FuzzFixedAioReadEventsRing is FuzzAioReadEventsRing with 2ff396be602f applied.
func FuzzFixedAioReadEventsRing(data []byte) int { return Run("FuzzFixedAioReadEventsRing", data) }

// FuzzPollWait is poll() of a pipe against vmsplice(), as of 6.12, with store buffers.
func FuzzPollWait(data []byte) int { return Run("FuzzPollWait", data) }

// FuzzFixedPollWait is FuzzPollWait with cacd9ae4bf80 applied.
func FuzzFixedPollWait(data []byte) int { return Run("FuzzFixedPollWait", data) }

// FuzzEventpollRelease is an epoll instance against the files that it watches, as of 6.4.
func FuzzEventpollRelease(data []byte) int { return Run("FuzzEventpollRelease", data) }

// FuzzFixedEventpollRelease is FuzzEventpollRelease with 8c2e52ebbe88 applied.
func FuzzFixedEventpollRelease(data []byte) int { return Run("FuzzFixedEventpollRelease", data) }

// FuzzEpPollCallback is the end of a wait queue against epoll that waits at it, as of 4.13.
func FuzzEpPollCallback(data []byte) int { return Run("FuzzEpPollCallback", data) }

// FuzzFixedEpPollCallback is FuzzEpPollCallback with 138e4ad67afd applied.
func FuzzFixedEpPollCallback(data []byte) int { return Run("FuzzFixedEpPollCallback", data) }

// FuzzPosixCPUTimerDel is timer_delete() against the tick of a task that has exited, as of
// 5.10.
func FuzzPosixCPUTimerDel(data []byte) int { return Run("FuzzPosixCPUTimerDel", data) }

// FuzzFixedPosixCPUTimerDel is FuzzPosixCPUTimerDel with f90fff1e152d applied.
func FuzzFixedPosixCPUTimerDel(data []byte) int { return Run("FuzzFixedPosixCPUTimerDel", data) }

// FuzzUserfaultfdRegister is userfaultfd_register() against a core dump, as of 5.0.
func FuzzUserfaultfdRegister(data []byte) int { return Run("FuzzUserfaultfdRegister", data) }

// FuzzFixedUserfaultfdRegister is FuzzUserfaultfdRegister with 04f5866e41fb applied.
func FuzzFixedUserfaultfdRegister(data []byte) int {
	return Run("FuzzFixedUserfaultfdRegister", data)
}

// FuzzIoReqCompletePost is io_req_complete_post() against the end of the ring, as of
// 5.12-rc3.
func FuzzIoReqCompletePost(data []byte) int { return Run("FuzzIoReqCompletePost", data) }

// FuzzFixedIoReqCompletePost is FuzzIoReqCompletePost with 180f829fe402 applied.
func FuzzFixedIoReqCompletePost(data []byte) int { return Run("FuzzFixedIoReqCompletePost", data) }

// FuzzFget is fget() against close() and the garbage collector of AF_UNIX, as of 5.15.
func FuzzFget(data []byte) int { return Run("FuzzFget", data) }

// FuzzFixedFget is FuzzFget with e386dfc56f83 applied.
func FuzzFixedFget(data []byte) int { return Run("FuzzFixedFget", data) }

// FuzzTypesafeFget is fget() of 6.8 against close() and socket(), without the look at the
// descriptor that makes it good.
func FuzzTypesafeFget(data []byte) int { return Run("FuzzTypesafeFget", data) }

// FuzzFixedTypesafeFget is FuzzTypesafeFget as 6.8 is.
func FuzzFixedTypesafeFget(data []byte) int { return Run("FuzzFixedTypesafeFget", data) }

// FuzzMntput is mntput() against those who use the mount, as of 4.17.
func FuzzMntput(data []byte) int { return Run("FuzzMntput", data) }

// FuzzFixedMntput is FuzzMntput with 9ea0a46ca2c3 and 119e1ef80ecf applied.
func FuzzFixedMntput(data []byte) int { return Run("FuzzFixedMntput", data) }

// FuzzAioPollWake is aio poll at a wait queue that dies, as of 5.15.
func FuzzAioPollWake(data []byte) int { return Run("FuzzAioPollWake", data) }

// FuzzFixedAioPollWake is FuzzAioPollWake with 363bee27e258 and 50252e4b5e98 applied.
func FuzzFixedAioPollWake(data []byte) int { return Run("FuzzFixedAioPollWake", data) }

// FuzzMovePtes is mremap() against truncating and reclaim, as of 3.2.
func FuzzMovePtes(data []byte) int { return Run("FuzzMovePtes", data) }

// FuzzFixedMovePtes is FuzzMovePtes with eb66ae030829 applied.
func FuzzFixedMovePtes(data []byte) int { return Run("FuzzFixedMovePtes", data) }

// FuzzExecMmap is exec_mmap() against the scheduler, as of 5.9 with PREEMPT_RT.
func FuzzExecMmap(data []byte) int { return Run("FuzzExecMmap", data) }

// FuzzFixedExecMmap is FuzzExecMmap with d53c3dfb23c4 applied.
func FuzzFixedExecMmap(data []byte) int { return Run("FuzzFixedExecMmap", data) }

// FuzzSwitchMm is switch_mm() of x86 against flushes, as of 4.4, with a store buffer.
func FuzzSwitchMm(data []byte) int { return Run("FuzzSwitchMm", data) }

// FuzzFixedSwitchMm is FuzzSwitchMm with 71b3c126e611 applied.
func FuzzFixedSwitchMm(data []byte) int { return Run("FuzzFixedSwitchMm", data) }

// FuzzFollowPagePte is a forced write to a private mapping of a file against madvise(), as of 4.6.
func FuzzFollowPagePte(data []byte) int { return Run("FuzzFollowPagePte", data) }

// FuzzFixedFollowPagePte is FuzzFollowPagePte with 19be0eaffa3a applied.
func FuzzFixedFollowPagePte(data []byte) int { return Run("FuzzFixedFollowPagePte", data) }

// FuzzTouchPmd is a forced write to huge pages against madvise() and reads, as of 4.14.
func FuzzTouchPmd(data []byte) int { return Run("FuzzTouchPmd", data) }

// FuzzFixedTouchPmd is FuzzTouchPmd with a8f97366452e applied.
func FuzzFixedTouchPmd(data []byte) int { return Run("FuzzFixedTouchPmd", data) }

// FuzzUffdioContinue is a forced write to a private mapping of a file in tmpfs against
// madvise() and UFFDIO_CONTINUE, as of 5.19.
func FuzzUffdioContinue(data []byte) int { return Run("FuzzUffdioContinue", data) }

// FuzzFixedUffdioContinue is FuzzUffdioContinue with 5535be309971 applied.
func FuzzFixedUffdioContinue(data []byte) int { return Run("FuzzFixedUffdioContinue", data) }

// FuzzNHdlcSendFrames is n_hdlc_send_frames() against TCFLSH, as of 4.6.
func FuzzNHdlcSendFrames(data []byte) int { return Run("FuzzNHdlcSendFrames", data) }

// FuzzFixedNHdlcSendFrames is FuzzNHdlcSendFrames with 82f2341c94d2 applied.
func FuzzFixedNHdlcSendFrames(data []byte) int { return Run("FuzzFixedNHdlcSendFrames", data) }

// FuzzNTtyWrite is what is written to a terminal against an echo, as of 3.14.
func FuzzNTtyWrite(data []byte) int { return Run("FuzzNTtyWrite", data) }

// FuzzFixedNTtyWrite is FuzzNTtyWrite with 4291086b1f08 applied.
func FuzzFixedNTtyWrite(data []byte) int { return Run("FuzzFixedNTtyWrite", data) }

// FuzzVsockConnect is connect() of a vsock that a signal ends, as of 6.11.
func FuzzVsockConnect(data []byte) int { return Run("FuzzVsockConnect", data) }

// FuzzFixedVsockConnect is FuzzVsockConnect as of 6.12.117, with 6ca575374dd9, 2cb7c756f605,
// 002541ef650b and what came of that.
func FuzzFixedVsockConnect(data []byte) int { return Run("FuzzFixedVsockConnect", data) }

// FuzzExpandStack is a stack that grows against who looks it up, as of 6.3.
func FuzzExpandStack(data []byte) int { return Run("FuzzExpandStack", data) }

// FuzzFixedExpandStack is FuzzExpandStack with 9471f1f2f502 applied.
func FuzzFixedExpandStack(data []byte) int { return Run("FuzzFixedExpandStack", data) }

// FuzzLockNextVma is a read of /proc/PID/maps without mmap_lock, as of 6.18 to 7.1, against a stack
// that grows, or munmap() of all.
func FuzzLockNextVma(data []byte) int { return Run("FuzzLockNextVma", data) }

// FuzzFixedLockNextVma is FuzzLockNextVma as of 6.16, with mmap_lock.
func FuzzFixedLockNextVma(data []byte) int { return Run("FuzzFixedLockNextVma", data) }

// FuzzLockVmaUnderRcu is a fault without mmap_lock against what unmaps and maps, where nobody
// looks whose mapping it is.
func FuzzLockVmaUnderRcu(data []byte) int { return Run("FuzzLockVmaUnderRcu", data) }

// FuzzFixedLockVmaUnderRcu is FuzzLockVmaUnderRcu as of 6.17, with 9bbffee67ffd.
func FuzzFixedLockVmaUnderRcu(data []byte) int { return Run("FuzzFixedLockVmaUnderRcu", data) }
