package afpacket

import (
	"slices"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/completion"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/global"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// What a variant has applied to the code of 4.6.
const (
	// ringLock is 84ac7260236a: all of packet_set_ring() has lock_sock(), and so has the look of
	// PACKET_VERSION whether there is a ring.
	ringLock program.Changes = 1 << iota
	// addMutex is d199fab63c11: fanout_add() looks at the socket with fanout_mutex, and so does
	// fanout_release().
	addMutex
	// memberHook is 2bd624b4611f: the hook of a group is on the list of its protocol while the
	// group has members, and fanout_release() leaves it to packet_release() to free the group.
	memberHook
	// anyRing is c800aaf8d869: the timer is deleted with any ring, not only when the socket is
	// closed.
	anyRing
	// addBindLock is 008ba2a13f2d: fanout_add() moves the socket with bind_lock.
	addBindLock
	// bindTest is 4971613c1639: packet_do_bind() looks at po->fanout with bind_lock.
	bindTest
	// bindNum is 15fe076edea7: packet_do_bind() clears po->num while the socket is off its list.
	bindNum
	// bindBug is its other line, BUG_ON(po->running).
	bindBug
	// joinDown is a581ed81940d, a merge: a socket may join a group while its device is down.
	joinDown
	// ringNum is 01d3c8417b9c: packet_set_ring() clears po->num though the socket was not running.
	ringNum
	// releaseNum is 42156f93d123: packet_release() clears po->num.
	releaseNum
	// ringGone is 50aff80475ab: packet_set_ring() does not put back a socket whose device is gone.
	ringGone
	// lockedIndex and ringAsks are of no kernel: packet_notifier() compares po->ifindex with
	// bind_lock only, and packet_set_ring() does not put back a socket that was running, but one
	// whose device is up.
	lockedIndex
	ringAsks

	// lateRing is ringNum, after bind_lock, and lateRelease is releaseNum.
	lateRing
	lateRelease
)

// The variants that both models have.
var (
	v46 = program.Variant{Name: "4.6", Versions: "3.2-4.8",
		About: "the options look at the socket without a lock"}
	v413 = program.Variant{Name: "4.13", Versions: "4.13-4.13.4",
		Changes: ringLock | addMutex | memberHook | anyRing,
		About: "c800aaf8d869: the timer of a ring is deleted with it; d199fab63c11, " +
			"2bd624b4611f: PACKET_FANOUT has fanout_mutex, a group is hooked while it has members"}
)

// What the races of the ring come to, with the fewest preemptions each.
var (
	// changed is a ring that is freed with its timer armed, since the version has changed.
	changed = []program.Expect{program.Fails(schedule.UseAfterFree, 0)}
	// off is a ring that is given up, which leaves the timer armed.
	off = []program.Expect{program.Fails(schedule.UseAfterFree, 0)}
	// options are also a ring that is set up twice, and one for TPACKET_V1 which a packet takes for
	// one of TPACKET_V3.
	options = []program.Expect{
		program.Fails(schedule.ListCorrupt, 0), program.Fails(schedule.UseAfterFree, 0),
		program.Fails(schedule.NullDereference, 0),
	}
)

var ringModel = program.Model[*system]{
	Object: "net/packet/af_packet",
	Variants: []program.Variant{v46,
		{Name: "4.9", Versions: "4.9-4.12", Changes: ringLock,
			About: "84ac7260236a: PACKET_RX_RING and PACKET_VERSION have lock_sock()"},
		v413,
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "ring-vs-version", New: ringVsVersion},
		{Name: "ring-off", New: ringOff},
	},
	Workloads: []program.Scenario[*system]{{Name: "ring-workload", New: newRingWorkload}},
	Expected: program.Table{
		"ring-vs-version": {"4.6": changed},
		"ring-off":        {"4.6": off, "4.9": off},
		"ring-workload":   {"4.6": options},
	},
	System: newSystem,
}

// What those of the hook come to.
var (
	// bound is a socket that bind() puts back, and that is in its group twice, or in the group and
	// on the list of a protocol; or that bind() looks for in the group before it is there; or that
	// is there and bound elsewhere.
	bound = []program.Expect{
		program.Fails(schedule.BugOn, 2), program.Fails(schedule.LostUpdate, 1),
		program.Fails(schedule.UseAfterFree, 1),
	}
	elsewhere = []program.Expect{program.Fails(schedule.LostUpdate, 1)}
	// unbound is a socket that bind() does not put back, and that is in a group all the same. Who
	// closes it finds it not running and leaves it there, and with it, from memberHook on, the hook
	// of a group that is freed. If bind() is done when the group has been made, nobody joins it.
	unbound = []program.Expect{
		program.Fails(schedule.BugOn, 2), program.Fails(schedule.LostUpdate, 1),
		program.Fails(schedule.Leak, 1),
	}
	unbound413 = append(slices.Clone(bound), program.Fails(schedule.Leak, 1))
	// rung is the same by packet_set_ring(). A packet may come by the other place while the ring of
	// a socket that is closed has gone.
	rung = []program.Expect{
		program.Fails(schedule.BugOn, 1), program.Fails(schedule.UseAfterFree, 1),
		program.Fails(schedule.NullDereference, 2),
	}
	// twice is a socket that is added to its group twice.
	twice = []program.Expect{program.Fails(schedule.UseAfterFree, 1)}
	// fuzzed is what comes of all calls, with those of the ring, and without.
	fuzzed = []program.Expect{
		program.Fails(schedule.ListCorrupt, 0), program.Fails(schedule.BugOn, 1),
		program.Fails(schedule.UseAfterFree, 0), program.Fails(schedule.Leak, 1),
	}
	fuzzed413 = []program.Expect{
		program.Fails(schedule.BugOn, 1), program.Fails(schedule.UseAfterFree, 1),
		program.Fails(schedule.Leak, 1),
	}
)

// v414 has the fixes of both.
var v414 = program.Variant{Name: "4.14", Versions: "4.13.9-4.14",
	Changes: v413.Changes | addBindLock | bindTest,
	About:   "4971613c1639: bind() looks for a group with bind_lock"}

var fanoutModel = program.Model[*system]{
	Object: "net/packet/af_packet",
	Variants: []program.Variant{v46, v413,
		{Name: "008ba2a", Versions: "mutant", Changes: v413.Changes | addBindLock,
			About: "008ba2a13f2d: PACKET_FANOUT has bind_lock"},
		v414,
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "fanout-vs-bind", New: fanoutVsBind},
		{Name: "fanout-vs-unbind", New: fanoutVsUnbind},
		{Name: "fanout-vs-ring", New: fanoutVsRing},
		{Name: "fanout-vs-fanout", New: fanoutVsFanout},
	},
	Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
	Expected: program.Table{
		"fanout-vs-bind":   {"4.6": bound, "4.13": bound, "008ba2a": elsewhere},
		"fanout-vs-unbind": {"4.6": unbound, "4.13": unbound413},
		"fanout-vs-ring":   {"4.6": rung, "4.13": rung},
		"fanout-vs-fanout": {"4.6": twice},
		"workload":         {"4.6": fuzzed, "4.13": fuzzed413, "008ba2a": elsewhere},
	},
	System: newSystem,
}

// Programs returns all programs.
func Programs() []program.Program {
	var out []program.Program
	for _, m := range models {
		out = append(out, m.Programs()...)
	}
	return out
}

var models = []program.Model[*system]{ringModel, fanoutModel, deviceModel, bindMutants, ringMutants,
	releaseMutants}

// filesStruct is struct files_struct, which the threads of a program share: the last to exit
// closes what is in it.
type filesStruct struct {
	schedule.Object
	count atomic.Int
	fd    [maxSocks]mem.Ptr[*packetSock]
}

// signalStruct is struct signal_struct, of the parent. A completion is a queue that counts: each
// child wakes it once.
type signalStruct struct {
	schedule.Object
	waitChldexit completion.Completion
}

// system is what the threads of a program share.
type system struct {
	program.Changes
	program.Globals
	files       filesStruct
	signal      signalStruct
	ptypeLock   global.Spin
	ptypeBase   ptypeBase
	fanoutMutex global.Mutex
	fanoutList  global.List[*packetFanout]
	socks       *slab.Cache[packetSock, *packetSock]
	fanouts     *slab.Cache[packetFanout, *packetFanout]
	pgvs        *slab.Cache[pgv, *pgv]

	// With a device.
	devs       *slab.Cache[netDevice, *netDevice] // nil if there is none
	dev        *netDevice                         // as a packet has it
	rtnlMutex  global.Mutex
	initNet    initNet
	sklist     global.List[listedSock]
	sklistLock global.Mutex
	napi       napiStruct

	checkEnd func(e *schedule.Exec) // checkEnd_, bound once
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	s.checkEnd = s.checkEnd_
	s.Global(&s.files, "files")
	s.Global(&s.signal, "signal")
	s.Global(&s.ptypeLock, "ptype_lock")
	s.Global(&s.ptypeBase, "ptype_base")
	s.Global(&s.fanoutMutex, "fanout_mutex")
	s.Global(&s.fanoutList, "fanout_list")
	s.socks = slab.NewCache("po", func(po *packetSock) {
		po.system = s
		po.rxRing.prbBdqc.retireBlkTimer.Init(po.prbRetireRxBlkTimerExpired)
	})
	s.fanouts = slab.NewCache("f", func(f *packetFanout) { f.system = s })
	s.pgvs = slab.NewCache[pgv]("pg_vec", nil)
	return s
}
