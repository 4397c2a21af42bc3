package pipe

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// changes is the set of patches that a variant has applied to the code of 3.12.
type changes uint

// putAfter is b0d8d2292160: the reference is dropped after the mutex.
const putAfter changes = 1 << iota

// variants in historical order.
var variants = []struct {
	name, versions, about string
	changes               changes
}{
	{"3.10", "3.10-3.12", "ba5bb147330a: the count of files is dropped inside the pipe's mutex", 0},
	{"3.13", "3.13", "b0d8d2292160: it is dropped after the unlock", putAfter},
}

// tail is the mutex_unlock() of who was not the last, after the last has freed the pipe.
var tail = []program.Expect{{Kind: schedule.UseAfterFree, Preemptions: 1}}

// expected is the table of verdicts, by scenario and variant: every kind of failure with
// the fewest preemptions that it takes. What is not here never fails.
var expected = program.Table{
	"close-vs-close": {"3.10": tail},
	"open-vs-close":  {"3.10": tail},
	"workload":       {"3.10": tail},
}

// Programs returns all programs.
func Programs() []program.Program {
	var out []program.Program
	for i := range scenarios {
		sc := &scenarios[i]
		for _, v := range variants {
			out = append(out, program.Program{
				Object: "fs/pipe", Scenario: sc.name, Variant: v.name,
				Versions: v.versions, Patches: v.about, Workload: sc.workload,
				New: func() program.Instance { return sc.instance(newSystem(v.changes)) },
			})
		}
	}
	return expected.Fill(out)
}

// inode is struct inode, of a FIFO or of what pipe() made.
type inode struct {
	schedule.Object
	iLock spin.Lock
	iPipe mem.Ptr[*pipeInodeInfo]
}

// system is what the threads of a program share.
type system struct {
	changes changes
	inode   inode
	pipes   *slab.Cache[pipeInodeInfo, *pipeInodeInfo]
}

func newSystem(c changes) *system {
	s := &system{changes: c, pipes: slab.NewCache[pipeInodeInfo]("pipe", nil)}
	s.inode.Bind(&s.inode, "inode")
	return s
}

// has reports whether a patch is applied.
func (s *system) has(c changes) bool { return s.changes&c != 0 }

// boot begins an execution in which nobody has opened the inode.
func (s *system) boot(e *schedule.Exec) { e.Static(&s.inode.Object, 0) }

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
