// Package kmodel lists the kernel models: every program in every variant, and
// the fuzz targets over them.
//
// A model is the Go rendering of a kernel object and of the functions that race
// on it. The kernel's own tree is the index: the model of fs/aio.c is package
// kmodel/fs/aio, the primitives of include/linux/rcupdate.h are package
// kmodel/linux/rcu, and every function keeps its kernel name, lookup_ioctx being
// lookupIoctx. One that is none of the kernel's has a name that ends in an underscore, and
// counts as part of its caller.
//
// What is modelled is lifetime and ordering: who may free what, who waits for
// whom. Data, errors that race with nothing, and hardware are left out; each
// package comment says what. Memory is sequentially consistent; each program is there three times
// more, in weaker memory ([program.Order]), under its name and "-tso", "-pso" or "-rmo".
//
// If you know the kernel, read fs/aio first and then linux/rcu. If you know Go
// better, read package schedule first.
package kmodel

import (
	"slices"
	"sync"

	"github.com/kschedfuzz/kschedfuzz/kmodel/arch/powerpc"
	"github.com/kschedfuzz/kschedfuzz/kmodel/arch/sparc"
	"github.com/kschedfuzz/kschedfuzz/kmodel/arch/x86/mm/tlb"
	nhdlc "github.com/kschedfuzz/kschedfuzz/kmodel/drivers/tty/n_hdlc"
	ntty "github.com/kschedfuzz/kschedfuzz/kmodel/drivers/tty/n_tty"
	"github.com/kschedfuzz/kschedfuzz/kmodel/fs/aio"
	aiopoll "github.com/kschedfuzz/kschedfuzz/kmodel/fs/aio_poll"
	"github.com/kschedfuzz/kschedfuzz/kmodel/fs/eventpoll"
	"github.com/kschedfuzz/kschedfuzz/kmodel/fs/exec"
	"github.com/kschedfuzz/kschedfuzz/kmodel/fs/file"
	iouring "github.com/kschedfuzz/kschedfuzz/kmodel/fs/io_uring"
	"github.com/kschedfuzz/kschedfuzz/kmodel/fs/namespace"
	"github.com/kschedfuzz/kschedfuzz/kmodel/fs/pipe"
	fsselect "github.com/kschedfuzz/kschedfuzz/kmodel/fs/select"
	"github.com/kschedfuzz/kschedfuzz/kmodel/fs/super"
	"github.com/kschedfuzz/kschedfuzz/kmodel/fs/userfaultfd"
	"github.com/kschedfuzz/kschedfuzz/kmodel/kernel/kthread"
	posixcputimers "github.com/kschedfuzz/kschedfuzz/kmodel/kernel/time/posix-cpu-timers"
	mapletree "github.com/kschedfuzz/kschedfuzz/kmodel/lib/maple_tree"
	"github.com/kschedfuzz/kschedfuzz/kmodel/mm/gup"
	listlru "github.com/kschedfuzz/kschedfuzz/kmodel/mm/list_lru"
	"github.com/kschedfuzz/kschedfuzz/kmodel/mm/mmap"
	mmaplock "github.com/kschedfuzz/kschedfuzz/kmodel/mm/mmap_lock"
	"github.com/kschedfuzz/kschedfuzz/kmodel/mm/mremap"
	netnamespace "github.com/kschedfuzz/kschedfuzz/kmodel/net/core/net_namespace"
	afpacket "github.com/kschedfuzz/kschedfuzz/kmodel/net/packet/af_packet"
	"github.com/kschedfuzz/kschedfuzz/kmodel/net/unix/garbage"
	afvsock "github.com/kschedfuzz/kschedfuzz/kmodel/net/vmw_vsock/af_vsock"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/kmodel/protocol"
)

// Programs returns every program, objects in the order of their documents,
// variants in historical order, and last the protocol by which this is compared with
// other tools.
func Programs() []program.Program { return slices.Clone(programs()) }

// programs makes the list once: it is looked at for every name.
var programs = sync.OnceValue(func() []program.Program {
	return slices.Concat(
		aio.Programs(),
		kthread.Programs(append(sparc.Variants(), powerpc.Variants()...)...),
		exec.Programs(),
		aio.History(),
		aio.TooLateMunmap(aioRest),
		listlru.Programs(),
		listlru.Walks(),
		super.Programs(func() super.LRUs { return listlru.New() }),
		super.Births(),
		netnamespace.Programs(),
		afpacket.Programs(),
		garbage.Programs(),
		pipe.Programs(),
		fsselect.Programs(),
		eventpoll.Programs(),
		posixcputimers.Programs(),
		userfaultfd.Programs(userfaultfdRest),
		iouring.Programs(),
		file.Programs(),
		namespace.Programs(),
		aiopoll.Programs(),
		mremap.Programs(),
		tlb.Programs(),
		gup.Programs(),
		nhdlc.Programs(),
		ntty.Programs(),
		afvsock.Programs(),
		mapletree.Programs(),
		mmaplock.Programs(),
		protocol.Programs(),
	)
})

// aioRest is what aio needs from other files of the kernel.
var aioRest = aio.Rest{
	DoMmap: mmap.DoMmap, DoMunmap: mmap.DoMunmap, ExitMmap: mmap.ExitMmap,
	DoCoredump: exec.DoCoredump, ExitMm: exec.ExitMm,
}

// userfaultfdRest is what userfaultfd needs from other files of the kernel.
var userfaultfdRest = userfaultfd.Rest{
	DoCoredump: exec.DoCoredump, ExitMm: exec.ExitMm, ExitMmap: mmap.ExitMmap,
	FindVmaPrev: mmap.FindVmaPrev, VmaMerge: mmap.VmaMerge,
}

// A Target is a fuzz target: a workload in the variant it fuzzes by default.
type Target struct {
	Name     string // of the Go function: "FuzzLookupIoctx"
	Object   string
	Scenario string
	Variant  string // by default
}

// Targets returns all fuzz targets.
func Targets() []Target {
	return []Target{
		{"FuzzLookupIoctx", "fs/aio", "workload", "1e"},
		{"FuzzFixedLookupIoctx", "fs/aio", "workload", "1f"},
		{"FuzzTooLateMunmap", "fs/aio", "munmap-workload", "A"},
		{"FuzzFixedTooLateMunmap", "fs/aio", "munmap-workload", "B"},
		{"FuzzListLRUResize", "mm/list_lru", "workload", "P4c"},
		{"FuzzFixedListLRUResize", "mm/list_lru", "workload", "P6"},
		{"FuzzListLRUWalk", "mm/list_lru", "walk-workload", "next-2013"},
		{"FuzzFixedListLRUWalk", "mm/list_lru", "walk-workload", "3.12"},
		{"FuzzPutSuper", "fs/super", "workload", "m1"},
		{"FuzzFixedPutSuper", "fs/super", "workload", "real"},
		{"FuzzKthreadUseMm", "kernel/kthread", "workload", "sparc-5.9"},
		{"FuzzFixedKthreadUseMm", "kernel/kthread", "workload", "sparc-5.10"},
		{"FuzzGetNetNsById", "net/core/net_namespace", "workload", "4.14"},
		{"FuzzFixedGetNetNsById", "net/core/net_namespace", "workload", "4.15"},
		{"FuzzPacketSetRing", "net/packet/af_packet", "ring-workload", "4.6"},
		{"FuzzFixedPacketSetRing", "net/packet/af_packet", "ring-workload", "4.9"},
		{"FuzzFanoutAdd", "net/packet/af_packet", "workload", "4.13"},
		{"FuzzFixedFanoutAdd", "net/packet/af_packet", "workload", "4.14"},
		{"FuzzPacketNotifier", "net/packet/af_packet", "device-workload", "4.14"},
		{"FuzzFixedPacketNotifier", "net/packet/af_packet", "device-workload", "7.2"},
		{"FuzzUnixPeekFds", "net/unix/garbage", "workload", "6.17"},
		{"FuzzFixedUnixPeekFds", "net/unix/garbage", "workload", "7.1"},
		{"FuzzPipeRelease", "fs/pipe", "workload", "3.10"},
		{"FuzzFixedPipeRelease", "fs/pipe", "workload", "3.13"},
		{"FuzzAioReadEventsRing", "fs/aio", "ring-workload", "3.16-rmo"},
		{"FuzzFixedAioReadEventsRing", "fs/aio", "ring-workload", "3.17-rmo"},
		{"FuzzPollWait", "fs/select", "workload", "6.12-tso"},
		{"FuzzFixedPollWait", "fs/select", "workload", "6.13-tso"},
		{"FuzzEventpollRelease", "fs/eventpoll", "workload", "6.4"},
		{"FuzzFixedEventpollRelease", "fs/eventpoll", "workload", "6.16"},
		{"FuzzEpPollCallback", "fs/eventpoll", "pollfree-workload", "3.3"},
		{"FuzzFixedEpPollCallback", "fs/eventpoll", "pollfree-workload", "4.13"},
		{"FuzzPosixCPUTimerDel", "kernel/time/posix-cpu-timers", "workload", "5.10"},
		{"FuzzFixedPosixCPUTimerDel", "kernel/time/posix-cpu-timers", "workload", "5.10.239"},
		{"FuzzUserfaultfdRegister", "fs/userfaultfd", "workload", "5.0"},
		{"FuzzFixedUserfaultfdRegister", "fs/userfaultfd", "workload", "5.1"},
		{"FuzzIoReqCompletePost", "fs/io_uring", "workload", "5.12-rc3"},
		{"FuzzFixedIoReqCompletePost", "fs/io_uring", "workload", "5.12"},
		{"FuzzFget", "fs/file", "workload", "5.15"},
		{"FuzzFixedFget", "fs/file", "workload", "5.16"},
		{"FuzzTypesafeFget", "fs/file", "socket-workload", "6.8-once"},
		{"FuzzFixedTypesafeFget", "fs/file", "socket-workload", "6.8"},
		{"FuzzMntput", "fs/namespace", "workload", "4.17"},
		{"FuzzFixedMntput", "fs/namespace", "workload", "4.18"},
		{"FuzzAioPollWake", "fs/aio_poll", "workload", "5.15"},
		{"FuzzFixedAioPollWake", "fs/aio_poll", "workload", "5.16"},
		{"FuzzMovePtes", "mm/mremap", "workload", "3.7"},
		{"FuzzFixedMovePtes", "mm/mremap", "workload", "4.19"},
		{"FuzzExecMmap", "fs/exec", "workload", "5.9-rt"},
		{"FuzzFixedExecMmap", "fs/exec", "workload", "5.10-rt"},
		{"FuzzSwitchMm", "arch/x86/mm/tlb", "workload", "4.4-tso"},
		{"FuzzFixedSwitchMm", "arch/x86/mm/tlb", "workload", "4.5-tso"},
		{"FuzzFollowPagePte", "mm/gup", "workload", "4.6"},
		{"FuzzFixedFollowPagePte", "mm/gup", "workload", "4.14"},
		{"FuzzTouchPmd", "mm/gup", "huge-workload", "4.14"},
		{"FuzzFixedTouchPmd", "mm/gup", "huge-workload", "4.15"},
		{"FuzzUffdioContinue", "mm/gup", "continue-workload", "5.19"},
		{"FuzzFixedUffdioContinue", "mm/gup", "continue-workload", "6.1"},
		{"FuzzNHdlcSendFrames", "drivers/tty/n_hdlc", "workload", "4.6"},
		{"FuzzFixedNHdlcSendFrames", "drivers/tty/n_hdlc", "workload", "4.11"},
		{"FuzzNTtyWrite", "drivers/tty/n_tty", "workload", "3.14"},
		{"FuzzFixedNTtyWrite", "drivers/tty/n_tty", "workload", "3.15"},
		{"FuzzVsockConnect", "net/vmw_vsock/af_vsock", "workload", "6.11"},
		{"FuzzFixedVsockConnect", "net/vmw_vsock/af_vsock", "workload", "6.12.117"},
		{"FuzzExpandStack", "lib/maple_tree", "workload", "6.3"},
		{"FuzzFixedExpandStack", "lib/maple_tree", "workload", "6.4.1"},
		{"FuzzLockNextVma", "lib/maple_tree", "maps-workload", "7.1"},
		{"FuzzFixedLockNextVma", "lib/maple_tree", "maps-workload", "6.16"},
		{"FuzzLockVmaUnderRcu", "mm/mmap_lock", "workload", "m1"},
		{"FuzzFixedLockVmaUnderRcu", "mm/mmap_lock", "workload", "6.17"},
	}
}

// Program returns the target's program in the given variant, or in its default
// one if variant is empty. The error is a [NoVariantError] if there is no such variant.
func (t Target) Program(variant string) (program.Program, error) {
	if variant == "" {
		variant = t.Variant
	}
	return Find(t.Object + "/" + t.Scenario + "@" + variant)
}
