package mm_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mm"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A body is what a thread does to the only mm.
type body func(m *mm.Struct, t *schedule.Thread)

// two makes a program of two threads and an mm that begins with that many users, which
// hold one reference, and that many references besides. What passes has freed it.
func two(users, refs int, p0, p1 body) func(*litmus.Program) {
	return func(p *litmus.Program) {
		space := mm.NewSpace()
		var m *mm.Struct
		p.Begin(func(e *schedule.Exec) {
			m = space.Boot(e, users)
			m.MmCount.Init(min(users, 1) + refs)
		})
		p.Thread("P0", func(t *schedule.Thread) { p0(m, t) })
		p.Thread("P1", func(t *schedule.Thread) { p1(m, t) })
		p.Exists(func() bool { return false })
	}
}

func drop(m *mm.Struct, t *schedule.Thread) { m.Mmdrop(t) }

// lazy borrows the mm for a while, for which one must have a reference.
func lazy(m *mm.Struct, t *schedule.Thread) {
	m.Mmgrab(t)
	m.Mmdrop(t)
	m.Mmdrop(t)
}

// exit is the last user's mmput().
func exit(m *mm.Struct, t *schedule.Thread) {
	if m.MmUsers.DecAndTest(t) {
		m.Mmdrop(t)
	}
}

func nothing(_ *mm.Struct, t *schedule.Thread) { t.Step(schedule.Op{Verb: "nop"}) }

var litmusTests = []litmus.Test{{
	// The last one frees it, whoever that is.
	Name: "MM+drop+drop", Counts: "2 pass", Build: two(0, 2, drop, drop), Verdict: litmus.Never,
}, {
	Name: "MM+grab-drop+drop", Counts: "4 pass", Build: two(0, 2, lazy, drop), Verdict: litmus.Never,
}, {
	Name: "MM+grab-drop+grab-drop", Build: two(0, 2, lazy, lazy), Verdict: litmus.Never,
	Counts: "20 pass",
}, {
	Name: "MM+exit+drop", Counts: "3 pass", Build: two(1, 1, exit, drop), Verdict: litmus.Never,
}, {
	// A reference too few: what the second finds is free already, or nearly.
	Name: "MM+drop+drop+one", Build: two(0, 1, drop, drop),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes,
	Counts: "2 refcount-underflow, 2 use-after-free", // the second is before or after the free
}, {
	// One drops the reference of the users.
	Name: "MM+exit+drop+none", Build: two(1, 0, exit, drop),
	Bad: schedule.RefUnderflow, Verdict: litmus.Sometimes,
	Counts: "3 refcount-underflow, 2 use-after-free",
}, {
	// The kernel goes on and frees it.
	Name: "MM+exit+drop+none+mute", Build: two(1, 0, exit, drop),
	Mute: schedule.KindSet(schedule.RefUnderflow),
	Bad:  schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "3 pass, 4 use-after-free",
}, {
	// Nobody drops it.
	Name: "MM+leak", Build: two(0, 1, nothing, nothing),
	Bad: schedule.Leak, Verdict: litmus.Always, Counts: "2 memory-leak",
}}

func TestLitmus(t *testing.T) { litmus.Run(t, litmusTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests) }
