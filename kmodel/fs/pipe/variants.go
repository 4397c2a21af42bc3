package pipe

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// putAfter is b0d8d2292160, applied to the code of 3.12: the reference is dropped after the
// mutex. And pipe_release() takes the pipe from its file, as fifo_open() has left it there, and
// not from the inode.
const putAfter program.Changes = 1

// tail is the mutex_unlock() of who was not the last, after the last has freed the pipe.
var tail = []program.Expect{program.Fails(schedule.UseAfterFree, 1)}

var model = program.Model[*system]{
	Object: "fs/pipe",
	Variants: []program.Variant{
		{Name: "3.10", Versions: "3.10-3.12",
			About: "ba5bb147330a: the count of files is dropped inside the pipe's mutex"},
		{Name: "3.13", Versions: "3.13", Changes: putAfter,
			About: "b0d8d2292160: it is dropped after the unlock"},
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "close-vs-close", New: closeVsClose},
		{Name: "open-vs-close", New: openVsClose},
	},
	Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
	Expected: program.Table{
		"close-vs-close": {"3.10": tail},
		"open-vs-close":  {"3.10": tail},
		"workload":       {"3.10": tail},
	},
	System: newSystem,
}

// Programs returns all programs.
func Programs() []program.Program { return model.Programs() }

// inode is struct inode, of a FIFO or of what pipe() made.
type inode struct {
	schedule.Object
	iLock spin.Lock
	iPipe mem.Ptr[*pipeInodeInfo]
}

// system is what the threads of a program share.
type system struct {
	program.Changes
	program.Globals
	inode inode
	pipes *slab.Cache[pipeInodeInfo, *pipeInodeInfo]
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c, pipes: slab.NewCache[pipeInodeInfo]("pipe", nil)}
	s.Global(&s.inode, "inode")
	return s
}

// bootFile opens the inode before the first step.
func (s *system) bootFile(e *schedule.Exec, mode fmode) file {
	pipe := s.inode.iPipe.Peek()
	if pipe == nil {
		pipe = s.pipes.AllocBoot(e)
		s.inode.iPipe.Init(pipe)
	}
	pipe.files.Init(pipe.files.Peek() + 1)
	if mode == fmodeRead {
		pipe.readers.Init(pipe.readers.Peek() + 1)
	} else {
		pipe.writers.Init(pipe.writers.Peek() + 1)
	}
	return file{pipe, mode}
}
