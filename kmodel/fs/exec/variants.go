package exec

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// What a variant of exec_mmap() has.
const (
	// preemptRT is PREEMPT_RT: task_lock() sleeps, and keeps nobody from running.
	preemptRT program.Changes = 1 << iota
	// activeFirst replaces active_mm before mm.
	activeFirst
	// irqsOff is d53c3dfb23c4 (5.10).
	irqsOff
)

var variants = []program.Variant{
	{Name: "5.9", Versions: "5.9", About: "task_lock(), a spin lock, keeps the scheduler away"},
	{Name: "5.9-rt", Versions: "5.4-rt", Changes: preemptRT,
		About: "task_lock() sleeps: active_mm is read and replaced with preemption on"},
	{Name: "5.9-rt-swap", Versions: "proposal", Changes: preemptRT | activeFirst,
		About: "5.9-rt with active_mm replaced before mm, as was tried in 2020"},
	{Name: "5.10-rt", Versions: "5.10-rt", Changes: preemptRT | irqsOff,
		About: "d53c3dfb23c4: active_mm is read and replaced with interrupts off"},
}

// muteUnderflow lets a kernel go on that has freed an mm under its users.
var muteUnderflow = schedule.KindSet(schedule.RefUnderflow)

func then(k schedule.Kind, preemptions int) program.Expect {
	return program.Expect{Kind: k, Preemptions: preemptions, Mute: muteUnderflow}
}

// expected is the table of verdicts: every kind of failure with the fewest preemptions
// that it takes, by scenario and variant. What is not here never fails.
//
// What exec_mmap() drops has been dropped by the scheduler before. Where that was the last
// reference it is a use after free. Where the old mm has users it is theirs that is
// dropped, and they may use or free it again; if nobody notices, then what remains is the
// mm that exec_mmap() has overwritten, with a count that nobody drops. To replace active_mm
// first (5.9-rt-swap) makes it worse: for a moment the new mm looks like a borrowed one.
var expected = program.Table{
	"exec_mmap-vs-schedule": {
		"5.9-rt": {program.Fails(schedule.UseAfterFree, 1)},
		"5.9-rt-swap": {
			program.Fails(schedule.RefUnderflow, 1), program.Fails(schedule.UseAfterFree, 1),
			then(schedule.UseAfterFree, 1),
		},
	},
	"exec_mmap-vs-schedule-owner": {"5.9-rt": owned, "5.9-rt-swap": owned},
	"exec_mmap-vs-exit_mm":        {"5.9-rt": exits, "5.9-rt-swap": exits},
	// What a short run finds, not all that there is.
	"workload": {"5.9-rt": exits[:2], "5.9-rt-swap": exits[:2]},
}

var (
	owned = []program.Expect{program.Fails(schedule.RefUnderflow, 1), then(schedule.Leak, 1)}
	exits = []program.Expect{
		program.Fails(schedule.RefUnderflow, 1), program.Fails(schedule.UseAfterFree, 1),
		then(schedule.UseAfterFree, 1), then(schedule.Leak, 2), then(schedule.DoubleFree, 3),
	}
)

// Programs returns all programs of exec_mmap().
func Programs() []program.Program {
	m := program.Model[*system]{
		Object: "fs/exec", Variants: variants, Expected: expected, System: newSystem,
		Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
	}
	for i := range scenarios {
		sc := &scenarios[i]
		m.Scenarios = append(m.Scenarios, program.Scenario[*system]{Name: sc.name, New: sc.instance})
	}
	return m.Programs()
}
