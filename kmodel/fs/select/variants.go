package fsselect

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// barrier is cacd9ae4bf80, applied to the code of 6.12: smp_mb() at the end of poll_wait().
const barrier program.Changes = 1

// missed is a wake-up that was left out for one who had looked before there was anything, and was
// not seen on the queue.
var missed = []program.Expect{program.Fails(schedule.LostUpdate, 1)}

var model = program.Model[*system]{
	Object: "fs/select",
	Variants: []program.Variant{
		{Name: "6.12", Versions: "5.15-6.12",
			About: "no barrier in poll_wait(), which takes store buffers to fail"},
		{Name: "6.13", Versions: "6.13", Changes: barrier, About: "cacd9ae4bf80: smp_mb()"},
		{Name: "6.12-tso", Versions: "5.15-6.12", About: "6.12 with store buffers"},
		{Name: "6.13-tso", Versions: "6.13", Changes: barrier, About: "6.13 with store buffers"},
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "poll-vs-vmsplice", New: pollVsVmsplice},
		{Name: "poll-vs-write", New: pollVsWrite},
	},
	Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
	Expected: program.Table{
		"poll-vs-vmsplice": {"6.12-tso": missed},
		"workload":         {"6.12-tso": missed},
	},
	System: newSystem,
}

// Programs returns all programs.
func Programs() []program.Program { return model.Programs() }

// system is what the threads of a program share.
type system struct {
	program.Changes
	program.Globals
	pipe pipeInodeInfo
	pwq  pollWqueues // of the only one who polls
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	s.Global(&s.pipe, "pipe")
	s.Global(&s.pwq, "pwq")
	s.pwq.wait.InitFunc(s.pwq.pollwake)
	return s
}
