package ntty

import (
	"slices"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// What a variant has, that 3.14 has not.
const (
	// bufLock is buf.lock, up to 3.11: who asks for room has it, who has characters handed over,
	// and flush_to_ldisc() but for that.
	bufLock program.Changes = 1 << iota
	// fillLock is c56a00a16571: who asks for room has it until that is filled.
	fillLock
	// fillApart gives it back in between.
	fillApart
	// outputLock is 4291086b1f08: n_tty_write() has output_lock without OPOST too.
	outputLock
	// portLock is b6da31b2c07c: pty_write() has the lock of the other's port.
	portLock
	// pushApart is 71a174b39f10: it gives it back before tty_flip_buffer_push().
	pushApart
)

// What the race comes to, with the fewest preemptions.
var (
	// beyond is a buffer that is filled beyond its end, or, in 3.14, read. (In a workload it is
	// also one of which fewer characters than none are handed over.)
	beyond = []program.Expect{program.Fails(schedule.OutOfBounds, 1)}
	// stale is also the last buffer as it was, which is not the last any more, and is freed.
	stale = []program.Expect{
		program.Fails(schedule.OutOfBounds, 1), program.Fails(schedule.UseAfterFree, 1),
	}
	// pushed is the last buffer as it was too, or a commit that goes back.
	pushed = []program.Expect{
		program.Fails(schedule.UseAfterFree, 1), program.Fails(schedule.OutOfBounds, 3),
	}
	// lockless is also a buffer that is put behind the same as another, which is lost.
	lockless = append(slices.Clone(stale), program.Fails(schedule.Leak, 1))
)

var model = program.Model[*system]{
	Object: "drivers/tty/n_tty",
	Variants: []program.Variant{
		{Name: "3.3", Versions: "2.6.31-3.4, 3.9-3.11", Changes: bufLock,
			About: "who asks for room has a lock, and who fills it has none"},
		{Name: "3.7", Versions: "3.5-3.8", Changes: bufLock | fillLock,
			About: "c56a00a16571: both have it"},
		{Name: "m1", Versions: "mutant", Changes: bufLock | fillApart,
			About: "both have it, one after the other"},
		{Name: "3.14", Versions: "3.12-3.14", About: "no lock: there is one producer"},
		{Name: "3.15", Versions: "3.15-4.17", Changes: outputLock,
			About: "4291086b1f08: n_tty_write() has output_lock without OPOST too"},
		{Name: "4.19", Versions: "4.18-5.9", Changes: outputLock | portLock,
			About: "b6da31b2c07c: pty_write() has the lock of the port"},
		{Name: "5.10", Versions: "5.10-5.18", Changes: outputLock | portLock | pushApart,
			About: "71a174b39f10: pty_write() gives that back before tty_flip_buffer_push()"},
		{Name: "m2", Versions: "mutant", Changes: portLock, About: "b6da31b2c07c without 4291086b1f08"},
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "write-vs-echo", New: writeVsEcho},
		{Name: "opost-vs-echo", New: opostVsEcho},
		{Name: "xchar-vs-echo", New: xcharVsEcho},
	},
	Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
	Expected: program.Table{
		"write-vs-echo": {"3.3": beyond, "m1": beyond, "3.14": lockless[:2]},
		"xchar-vs-echo": {"3.3": beyond, "m1": beyond, "3.14": lockless[:2], "3.15": lockless[:2],
			"5.10": pushed},
		"workload": {"3.3": stale, "m1": beyond, "3.14": lockless},
	},
	System: newSystem,
}

// Programs returns all programs.
func Programs() []program.Program { return model.Programs() }

// system is what the threads of a program share: a pty.
type system struct {
	program.Changes
	program.Globals
	tty, master ttyStruct // the slave, and its master
	ports       [2]ttyPort
	buffers     *slab.Cache[ttyBuffer, *ttyBuffer]
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	s.Global(&s.tty, "tty")
	s.Global(&s.master, "master")
	s.Global(&s.ports[0], "tty_port")
	s.Global(&s.ports[1], "master_port")
	s.tty.init(s, &s.master, &s.ports[0])
	s.master.init(s, &s.tty, &s.ports[1])
	s.buffers = slab.NewCache[ttyBuffer]("tty_buffer", nil)
	return s
}

// init is what never changes.
func (tty *ttyStruct) init(s *system, link *ttyStruct, port *ttyPort) {
	tty.system, tty.link, tty.port = s, link, port
	port.system, port.itty = s, tty
	port.buf.work.Init(port.flushToLdisc)
}
