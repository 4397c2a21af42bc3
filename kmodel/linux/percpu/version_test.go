package percpu_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/percpu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// of makes a program in which the reference is of a version, and so many are held from the
// start. r[3] says that thread P0 has entered the release function.
func of(v percpu.Version, held int, f func(p prog)) func(*litmus.Program) {
	return build(held, func(p prog) {
		p.ref.Ctor(v, func(t *schedule.Thread) {
			p.released(t)
			p.r[3].SetBool(t.Name == "P0")
		})
		f(p)
	})
}

// killAlone is a kill, and the condition that it has released the count itself.
func killAlone(p prog) {
	p.does("P0", p.ref.Kill)
	p.Exists(func() bool { return p.r[3].Get() == 1 })
}

// putAndKill is a kill and a put, and the condition that they do not come to one release.
func putAndKill(p prog) {
	p.does("P0", p.ref.Put)
	p.does("P1", p.ref.Kill)
	p.releases(1)
}

var versionTests = []litmus.Test{{
	// The put of a kill can be the last one, if the switch comes before.
	Name: "REF318+last", Build: of(percpu.V318, 0, killAlone),
	Verdict: litmus.Sometimes, Counts: "10 pass, 5 exists",
}, {
	// Before, a kill puts nothing, and has nothing to do after call_rcu_sched().
	Name: "REF311+last", Build: of(percpu.V311, 0, killAlone),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// Later, with interrupts off, the kill is over before the switch can come.
	Name: "REF49+last", Build: of(percpu.V49, 0, killAlone),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// 6 with the put before call_rcu_sched(), 3 with it in the put, 15 after.
	Name: "REF311+put+kill", Build: of(percpu.V311, 1, putAndKill),
	Verdict: litmus.Never, Counts: "24 pass",
}, {
	// Both steps of the put before the last of the kill; the second alone after it, of which 8
	// have the first before call_rcu_sched(); both after.
	Name: "REF49+put+kill", Build: of(percpu.V49, 1, putAndKill),
	Verdict: litmus.Never, Counts: "104 pass", // 66 + 8 + 15 + 15,
}, {
	// Under percpu_ref_switch_lock two kills are one after the other, so the second always
	// finds the flag of the first: see KILL+2cpus.
	Name: "KILL49+2cpus", Build: of(percpu.V49, 1, func(p prog) {
		p.does("P0", p.ref.Kill)
		p.does("P1", p.ref.Kill)
	}),
	Bad: schedule.DoubleKill, Verdict: litmus.Always, Counts: "30 double-kill",
}}

// TestVersions runs the table of what the versions differ by.
func TestVersions(t *testing.T) { litmus.Run(t, versionTests) }
