package percpu_test

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

var (
	killMuted      = schedule.KindSet(schedule.DoubleKill)
	underflowMuted = schedule.KindSet(schedule.DoubleKill, schedule.RefUnderflow)
)

var misuseTests = []litmus.Test{{
	// Killed twice, one after the other.
	Name: "KILL+kill", Build: build(1, func(p prog) {
		p.does("P0", p.ref.Kill, p.ref.Kill)
	}),
	Bad: schedule.DoubleKill, Verdict: litmus.Always, Counts: "35 double-kill",
}, {
	// A kernel warns and goes on: the second put takes a reference that is not there. The
	// count is 0 when the switch puts its own, or the put of the kill is one too many.
	Name: "KILL+kill+mute", Build: build(0, func(p prog) {
		p.does("P0", p.ref.Kill, p.ref.Kill)
	}),
	Mute: killMuted, Bad: schedule.RefUnderflow,
	Verdict: litmus.Always, Counts: "330 refcount-underflow",
}, {
	// And the object is released while the holder of the other reference uses it.
	Name: "KILL+kill+early", Build: build(1, func(p prog) {
		p.Thread("holder", func(t *schedule.Thread) {
			p.r[2].Set(1)
			p.x.ReadOnce(t)
			p.r[2].Set(0)
			p.ref.Put(t)
		})
		p.does("P0", p.ref.Kill, p.ref.Kill)
		p.early()
	}),
	Mute: underflowMuted, Verdict: litmus.Sometimes, Counts: "349866 pass, 330 exists",
}, {
	// Two kill at a time. mode |= DEAD is a read and a write: neither may see the other's
	// flag. Then both queue the switch, whose head may be queued still (lock-rule), or
	// which takes the bias off twice.
	Name: "KILL+2cpus", Build: build(1, func(p prog) {
		p.does("P0", p.ref.Kill)
		p.does("P1", p.ref.Kill)
	}),
	Bad: schedule.DoubleKill, Verdict: litmus.Sometimes,
	Counts: "33552 pass, 6372 lock-rule, 120 double-kill, 8846776 refcount-underflow",
}, {
	// A put too many after the kill, in atomic mode: before the switch the bias hides it.
	Name: "PUT+killed", Build: build(0, func(p prog) {
		p.does("P0", p.ref.Kill, p.ref.Put)
	}),
	Bad: schedule.RefUnderflow, Verdict: litmus.Always, Counts: "70 refcount-underflow",
}, {
	// A put too many in per-CPU mode: nobody looks before the switch.
	Name: "PUT+live", Build: build(0, func(p prog) {
		p.does("P0", p.ref.Put, p.ref.Kill)
	}),
	Bad: schedule.RefUnderflow, Verdict: litmus.Always, Counts: "15 refcount-underflow",
}, {
	// Without a kill nobody ever looks.
	Name: "PUT+live+nokill", Build: build(0, func(p prog) { p.does("P0", p.ref.Put) }),
	Bad: schedule.RefUnderflow, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The count goes from 0 to -1, which is not 0: no release.
	Name: "PUT+killed+mute", Build: build(0, func(p prog) {
		p.does("P0", p.ref.Kill, p.ref.Put)
		p.Exists(func() bool { return p.r[0].Get() > 1 })
	}),
	Mute: underflowMuted, Verdict: litmus.Never, Counts: "70 pass",
}, {
	// A count of 0 that is taken up and dropped: released twice.
	Name: "GET+released", Build: build(0, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.ref.Kill(t)
			p.ref.Get(t)
			p.ref.Put(t)
		})
	}),
	Mute: resurrectMuted, Bad: schedule.DoubleRelease,
	Verdict: litmus.Sometimes, Counts: "175 pass, 35 double-release",
}, {
	// As above, if the kernel is let go on: two releases and no failure.
	Name: "GET+released+mute", Build: build(0, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.ref.Kill(t)
			p.ref.Get(t)
			p.ref.Put(t)
		})
		p.Exists(func() bool { return p.r[0].Get() == 2 })
	}),
	Mute: againMuted, Verdict: litmus.Sometimes, Counts: "175 pass, 35 exists",
}}
