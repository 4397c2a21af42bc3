package exec

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// patches is what a variant of exec_mmap() has.
type patches uint

const (
	// preemptRT is PREEMPT_RT: task_lock() sleeps, and keeps nobody from running.
	preemptRT patches = 1 << iota
	// activeFirst replaces active_mm before mm.
	activeFirst
	// irqsOff is d53c3dfb23c4 (5.10).
	irqsOff
)

// has reports whether any of p is there.
func (v patches) has(p patches) bool { return v&p != 0 }

type variant struct {
	name     string
	versions string
	about    string
	patches  patches
}

var variants = []variant{
	{"5.9", "5.9", "task_lock(), a spin lock, keeps the scheduler away", 0},
	{"5.9-rt", "5.4-rt", "task_lock() sleeps: active_mm is read and replaced with preemption on",
		preemptRT},
	{"5.9-rt-swap", "proposal", "5.9-rt with active_mm replaced before mm, as was tried in 2020",
		preemptRT | activeFirst},
	{"5.10-rt", "5.10-rt", "d53c3dfb23c4: active_mm is read and replaced with interrupts off",
		preemptRT | irqsOff},
}

// muteUnderflow lets a kernel go on that has freed an mm under its users.
var muteUnderflow = schedule.KindSet(schedule.RefUnderflow)

func fails(k schedule.Kind, preemptions int) program.Expect {
	return program.Expect{Kind: k, Preemptions: preemptions}
}

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
		"5.9-rt": {fails(schedule.UseAfterFree, 1)},
		"5.9-rt-swap": {
			fails(schedule.RefUnderflow, 1), fails(schedule.UseAfterFree, 1),
			then(schedule.UseAfterFree, 1),
		},
	},
	"exec_mmap-vs-schedule-owner": {"5.9-rt": owned, "5.9-rt-swap": owned},
	"exec_mmap-vs-exit_mm":        {"5.9-rt": exits, "5.9-rt-swap": exits},
	// What a short run finds, not all that there is.
	"workload": {"5.9-rt": exits[:2], "5.9-rt-swap": exits[:2]},
}

var (
	owned = []program.Expect{fails(schedule.RefUnderflow, 1), then(schedule.Leak, 1)}
	exits = []program.Expect{
		fails(schedule.RefUnderflow, 1), fails(schedule.UseAfterFree, 1),
		then(schedule.UseAfterFree, 1), then(schedule.Leak, 2), then(schedule.DoubleFree, 3),
	}
)

// Programs returns all programs of exec_mmap().
func Programs() []program.Program {
	var out []program.Program
	for i := range scenarios {
		out = append(out, scenarios[i].programs()...)
	}
	return append(out, workloads.programs()...)
}

func (sc *scenario) programs() []program.Program {
	var out []program.Program
	for _, v := range variants {
		out = append(out, program.Program{
			Object: "fs/exec", Scenario: sc.name, Variant: v.name,
			Versions: v.versions, Patches: v.about, Workload: sc == &workloads,
			Expect: expected[sc.name][v.name],
			New:    func() program.Instance { return sc.instance(newSystem(v.patches)) },
		})
	}
	return out
}
