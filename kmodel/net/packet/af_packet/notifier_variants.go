package afpacket

import (
	"slices"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The variants of packet_notifier(), from 4.14 on. What came in between and does not matter here is
// left out.
var (
	v415 = program.Variant{Name: "4.15", Versions: "4.15-6.8",
		Changes: v414.Changes | bindNum | bindBug,
		About:   "15fe076edea7: bind() clears po->num while the socket is off its list"}
	v613 = program.Variant{Name: "6.13", Versions: "6.13-6.16", Changes: v415.Changes | joinDown,
		About: "a581ed81940d: PACKET_FANOUT while the device is down"}
	v617 = program.Variant{Name: "6.17", Versions: "6.17-6.19", Changes: v613.Changes | ringNum,
		About: "01d3c8417b9c: PACKET_RX_RING clears po->num, running or not"}
	v70 = program.Variant{Name: "7.0", Versions: "7.0-7.1.5", Changes: v617.Changes | releaseNum,
		About: "42156f93d123: close() clears po->num"}
	v72 = program.Variant{Name: "7.2", Versions: "7.1.6-7.2", Changes: v70.Changes | ringGone,
		About: "50aff80475ab: PACKET_RX_RING does not put back a socket whose device is gone"}
	v72asks = program.Variant{Name: "7.2-asks", Versions: "proposal",
		Changes: v72.Changes | lockedIndex | ringAsks,
		About: "packet_notifier() compares po->ifindex with bind_lock, " +
			"PACKET_RX_RING puts back a socket whose device is up"}
)

// What they come to, with the fewest preemptions each.
var (
	// upInBind is a hook that bind() has left on the list of the device when it has written another.
	upInBind  = []program.Expect{program.Fails(schedule.UseAfterFree, 0)}
	delInBind = []program.Expect{program.Fails(schedule.BugOn, 1)}
	// upInRing is a packet that comes to a ring while it is taken away.
	upInRing = []program.Expect{
		program.Fails(schedule.UseAfterFree, 1), program.Fails(schedule.NullDereference, 1),
	}
	// upInClose is a socket that has a hook again when it is closed, and so is never freed. If it is
	// in a group, its group is, with its hook.
	upInClose = []program.Expect{
		program.Fails(schedule.UseAfterFree, 2), program.Fails(schedule.Leak, 1),
	}
	// delInRing is the hook of a group that is put on a list of a device which goes, or has gone.
	delInRing = []program.Expect{
		program.Fails(schedule.BugOn, 0), program.Fails(schedule.UseAfterFree, 0),
	}
	// downInBind is a hook that packet_notifier() takes off another list than that of its device.
	// upInOpenRing is one that nobody puts back: packet_notifier() has found po->num zero.
	downInBind   = []program.Expect{program.Fails(schedule.LostUpdate, 1)}
	upInOpenRing = []program.Expect{program.Fails(schedule.LostUpdate, 0)}
	// fuzzedDevice is what comes of all calls. That a hook is added which is on a list takes two
	// calls of bind(), of which the first has left it there.
	fuzzedDevice = []program.Expect{
		program.Fails(schedule.BugOn, 0), program.Fails(schedule.UseAfterFree, 0),
		program.Fails(schedule.Leak, 1),
	}
	fuzzedDevice414 = append(slices.Clone(fuzzedDevice), program.Fails(schedule.ListCorrupt, 0))
)

var deviceModel = program.Model[*system]{
	Object:   "net/packet/af_packet",
	Variants: []program.Variant{v414, v415, v613, v617, v70, v72, v72asks},
	Scenarios: []program.Scenario[*system]{
		{Name: "bind-vs-up", New: bindVsUp},
		{Name: "bind-vs-del", New: bindVsDel},
		{Name: "ring-vs-up", New: ringVsUp},
		{Name: "close-vs-up", New: closeVsUp},
		{Name: "ring-vs-del", New: ringVsDel},
		{Name: "bind-vs-down", New: bindVsDown},
		{Name: "ring-vs-open", New: ringVsOpen},
	},
	Workloads: []program.Scenario[*system]{{Name: "device-workload", New: newDeviceWorkload}},
	Expected: program.Table{
		"bind-vs-up":  {"4.14": upInBind},
		"bind-vs-del": {"4.14": delInBind},
		"ring-vs-up":  {"4.14": upInRing, "4.15": upInRing, "6.13": upInRing},
		"close-vs-up": {"4.14": upInClose, "4.15": upInClose, "6.13": upInClose, "6.17": upInClose},
		"ring-vs-del": {"4.14": delInRing, "4.15": delInRing, "6.13": delInRing, "6.17": delInRing,
			"7.0": delInRing},
		"bind-vs-down": {"4.14": downInBind, "4.15": downInBind, "6.13": downInBind,
			"6.17": downInBind, "7.0": downInBind, "7.2": downInBind},
		"ring-vs-open": {"6.17": upInOpenRing, "7.0": upInOpenRing, "7.2": upInOpenRing},
		"device-workload": {"4.14": fuzzedDevice414, "4.15": fuzzedDevice, "6.13": fuzzedDevice,
			"6.17": fuzzedDevice, "7.0": fuzzedDevice[:2]},
	},
	System: newDeviceSystem,
}

// Each fix with a line of it missing, or in another place.
var (
	bindMutants = program.Model[*system]{
		Object: "net/packet/af_packet",
		Variants: []program.Variant{{Name: "15fe076-bug", Versions: "mutant",
			Changes: v414.Changes | bindBug, About: "of 15fe076edea7 only the BUG_ON()"}},
		Scenarios: []program.Scenario[*system]{{Name: "bind-vs-up", New: bindVsUp}},
		Expected:  program.Table{"bind-vs-up": {"15fe076-bug": {program.Fails(schedule.BugOn, 0)}}},
		System:    newDeviceSystem,
	}
	ringMutants = program.Model[*system]{
		Object: "net/packet/af_packet",
		Variants: []program.Variant{{Name: "01d3c84-late", Versions: "mutant",
			Changes: v613.Changes | lateRing, About: "01d3c8417b9c, but without bind_lock"}},
		Scenarios: []program.Scenario[*system]{{Name: "ring-vs-up", New: ringVsUp}},
		Expected: program.Table{"ring-vs-up": {"01d3c84-late": {
			program.Fails(schedule.UseAfterFree, 2), program.Fails(schedule.NullDereference, 2)}}},
		System: newDeviceSystem,
	}
	releaseMutants = program.Model[*system]{
		Object: "net/packet/af_packet",
		Variants: []program.Variant{{Name: "42156f9-late", Versions: "mutant",
			Changes: v617.Changes | lateRelease, About: "42156f93d123, but without bind_lock"}},
		Scenarios: []program.Scenario[*system]{{Name: "close-vs-up", New: closeVsUp}},
		Expected: program.Table{"close-vs-up": {"42156f9-late": {
			program.Fails(schedule.UseAfterFree, 2), program.Fails(schedule.Leak, 2)}}},
		System: newDeviceSystem,
	}
)

// newDeviceSystem is newSystem with a device.
func newDeviceSystem(c program.Changes) *system {
	s := newSystem(c)
	s.Global(&s.rtnlMutex, "rtnl_mutex")
	s.Global(&s.initNet, "init_net")
	s.Global(&s.sklist, "net->packet.sklist")
	s.Global(&s.sklistLock, "net->packet.sklist_lock")
	s.Global(&s.napi, "napi")
	s.devs = slab.NewCache[netDevice]("dev", nil)
	return s
}
