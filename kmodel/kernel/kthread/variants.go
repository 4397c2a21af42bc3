package kthread

import (
	mm "github.com/kschedfuzz/kschedfuzz/kmodel/linux/mmu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// muteLost lets a kernel go on after it has lost a CPU from mm_cpumask, as all of these do:
// none checks it.
var muteLost = schedule.KindSet(schedule.CpumaskLost)

// then is what comes after a CPU has been lost from the mask.
func then(k schedule.Kind, preemptions int) program.Expect {
	return program.Expect{Kind: k, Preemptions: preemptions, Mute: muteLost}
}

// expected is the table of verdicts: every kind of failure with the fewest preemptions
// that it takes, by scenario and variant. What is not here never fails.
//
// The rows of the workload are another thing, since it cannot be exhausted: one kind of
// failure each, which random executions find soon (that of powerpc-6.4 only with two threads
// and what they do given), with the fewest preemptions known. The
// workload can do what a fixed scenario does, and needs that many there; 0 is the fewest
// there can be, and for the others random executions with fewer find nothing
// (TestWorkloadRows). That is no proof.
var expected = program.Table{
	"kthread_use_mm-vs-munmap": {
		// Where the loads of active_cpus and mm_users pass each other.
		"powerpc-5.9-rmo": {program.Fails(schedule.CpumaskLost, 2), then(schedule.StaleTLB, 2)},

		"sparc-5.9":    {program.Fails(schedule.CpumaskLost, 2), then(schedule.StaleTLB, 2)},
		"sparc-ipi-c1": {program.Fails(schedule.CpumaskLost, 2), then(schedule.StaleTLB, 2)},
		"sparc-ipi-c2": {program.Fails(schedule.CpumaskLost, 2), then(schedule.StaleTLB, 3)},
		"sparc-ipi-c5": {program.Fails(schedule.StaleTLB, 1)},
	},
	"kthread_use_mm-vs-munmap-lazy": {
		"sparc-5.9":       {program.Fails(schedule.CpumaskLost, 2), then(schedule.StaleTLB, 2)},
		"sparc-ipi-c1":    {program.Fails(schedule.CpumaskLost, 1), then(schedule.StaleTLB, 1)},
		"sparc-ipi-c2":    {program.Fails(schedule.CpumaskLost, 1), then(schedule.StaleTLB, 2)},
		"sparc-ipi-c3":    {program.Fails(schedule.StaleTLB, 1)},
		"sparc-ipi-c5":    {program.Fails(schedule.StaleTLB, 0)},
		"powerpc-5.9":     {program.Fails(schedule.CpumaskLost, 1), then(schedule.StaleTLB, 1)},
		"powerpc-5.10-c3": {program.Fails(schedule.StaleTLB, 1)},
	},
	"kthread_use_mm-vs-munmap-third": {
		"sparc-5.9":    {program.Fails(schedule.CpumaskLost, 2), then(schedule.StaleTLB, 2)},
		"sparc-ipi-c1": {program.Fails(schedule.CpumaskLost, 1), then(schedule.StaleTLB, 1)},
		"sparc-ipi-c2": {program.Fails(schedule.CpumaskLost, 2), then(schedule.StaleTLB, 3)},
		"sparc-ipi-c5": {program.Fails(schedule.StaleTLB, 1)},
		"powerpc-5.9":  {program.Fails(schedule.CpumaskLost, 1), then(schedule.StaleTLB, 1)},
	},
	"mmget-vs-munmap": {
		"sparc-ipi-c5": {program.Fails(schedule.StaleTLB, 1)},
	},
	"mmget-vs-munmap-lazy": {
		"sparc-ipi-c5": {program.Fails(schedule.StaleTLB, 0)},
	},
	"madvise-vs-reclaim": {
		"sparc-5.9":       {program.Fails(schedule.CpumaskLost, 2), then(schedule.StaleTLB, 2)},
		"sparc-ipi-c1":    {program.Fails(schedule.CpumaskLost, 1), then(schedule.StaleTLB, 1)},
		"sparc-ipi-c2":    {program.Fails(schedule.CpumaskLost, 1), then(schedule.StaleTLB, 2)},
		"sparc-ipi-c5":    {program.Fails(schedule.StaleTLB, 1)},
		"powerpc-5.9":     {program.Fails(schedule.CpumaskLost, 1), then(schedule.StaleTLB, 1)},
		"powerpc-5.12-c7": {program.Fails(schedule.StaleTLB, 1)},
	},
	"madvise-vs-reclaim-lazy": {
		"powerpc-5.12":    {program.Fails(schedule.RefUnderflow, 1), program.Fails(schedule.StaleTLB, 1)},
		"powerpc-5.12-c7": {program.Fails(schedule.RefUnderflow, 1), program.Fails(schedule.StaleTLB, 0)},
		"powerpc-6.4":     {program.Fails(schedule.StaleTLB, 1)},
	},
	"cpu_down-vs-munmap": {
		"sparc-5.9":    {program.Fails(schedule.CpumaskLost, 2), then(schedule.StaleTLB, 2)},
		"sparc-ipi-c1": {program.Fails(schedule.CpumaskLost, 1), then(schedule.StaleTLB, 1)},
		"sparc-ipi-c2": {program.Fails(schedule.CpumaskLost, 2), then(schedule.StaleTLB, 3)},
		"sparc-ipi-c5": {program.Fails(schedule.StaleTLB, 1)},
		"sparc-ipi-c8": {program.Fails(schedule.StaleTLB, 1)},
	},
	"exec_mmap-vs-munmap-lazy": {
		"sparc-ipi-c2":  {program.Fails(schedule.RefUnderflow, 1)},
		"powerpc-5.9":   {program.Fails(schedule.RefUnderflow, 1), program.Fails(schedule.BugOn, 1)},
		"powerpc-5.9.2": {program.Fails(schedule.RefUnderflow, 1), program.Fails(schedule.BugOn, 1)},
	},
	"workload": {
		"sparc-5.9":       {program.Fails(schedule.CpumaskLost, 2)},
		"sparc-ipi-c1":    {program.Fails(schedule.CpumaskLost, 1)},
		"sparc-ipi-c2":    {program.Fails(schedule.CpumaskLost, 1)},
		"powerpc-5.9":     {program.Fails(schedule.CpumaskLost, 1)},
		"sparc-ipi-c3":    {program.Fails(schedule.StaleTLB, 1)},
		"sparc-ipi-c5":    {program.Fails(schedule.StaleTLB, 0)},
		"powerpc-5.10-c3": {program.Fails(schedule.StaleTLB, 1)},
		"powerpc-5.12":    {program.Fails(schedule.RefUnderflow, 1)},
		"powerpc-5.12-c7": {program.Fails(schedule.RefUnderflow, 1)},
		"powerpc-6.4":     {program.Fails(schedule.StaleTLB, 1)},
	},
}

// Programs returns all programs over the variants of all architectures.
func Programs(variants ...mm.Variant) []program.Program {
	var out []program.Program
	for i := range scenarios {
		sc := &scenarios[i]
		for _, v := range variants {
			if sc.hotplug && !v.Hotplug || !sc.hotplug && v.Offline || !sc.exec && v.Exec {
				continue
			}
			p := program.Program{
				Object: "kernel/kthread", Scenario: sc.name, Variant: v.Name,
				Versions: v.Versions, Patches: v.About, Workload: sc.workload(),
				New: func() program.Instance { return sc.instance(newSystem(&v)) },
			}
			out = append(out, p)
			if rmo := p.With(program.RMO); expected[sc.name][rmo.Variant] != nil {
				rmo.Unlisted = false
				out = append(out, rmo)
			}
		}
	}
	return expected.Fill(out)
}
