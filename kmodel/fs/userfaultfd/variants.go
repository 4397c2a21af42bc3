package userfaultfd

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mm"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// changes is the set of patches that a variant has applied to the code of 5.0.
type changes uint

// stillValid is 04f5866e41fb: nobody changes the mappings during a core dump.
const stillValid changes = 1 << iota

// variants in historical order.
var variants = []struct {
	name, versions, about string
	changes               changes
}{
	{"5.0", "4.3-5.0", "mappings change while the core is dumped", 0},
	{"5.1", "5.1", "04f5866e41fb: not if there is a core_state", stillValid},
}

// freed is the dump that is at a mapping which has been merged into another.
var freed = []program.Expect{{Kind: schedule.UseAfterFree, Preemptions: 1}}

// expected is the table of verdicts, by scenario and variant: every kind of failure with
// the fewest preemptions that it takes. What is not here never fails.
var expected = program.Table{
	"register-vs-dump": {"5.0": freed},
	"workload":         {"5.0": freed},
}

// Rest is what userfaultfd needs from other files of the kernel.
type Rest struct {
	DoCoredump  func(t *schedule.Thread, m *mm.Struct)                               // fs/exec.c
	ExitMm      func(t *schedule.Thread, m *mm.Struct)                               // kernel/exit.c
	ExitMmap    func(t *schedule.Thread, m *mm.Struct)                               // mm/mmap.c
	FindVmaPrev func(t *schedule.Thread, m *mm.Struct, addr int) (vma, prev *mm.VMA) // mm/mmap.c
	VmaMerge    func(t *schedule.Thread, prev, vma *mm.VMA, flags int) bool          // mm/mmap.c
}

// Programs returns all programs.
func Programs(rest Rest) []program.Program {
	var out []program.Program
	for i := range scenarios {
		sc := &scenarios[i]
		for _, v := range variants {
			out = append(out, program.Program{
				Object: "fs/userfaultfd", Scenario: sc.name, Variant: v.name,
				Versions: v.versions, Patches: v.about, Workload: sc.workload,
				New: func() program.Instance { return sc.instance(newSystem(v.changes, rest)) },
			})
		}
	}
	return expected.Fill(out)
}

// system is what the threads of a program share.
type system struct {
	changes changes
	rest    Rest
	ctx     userfaultfdCtx
	space   *mm.Space
	mm      *mm.Struct
}

func newSystem(c changes, rest Rest) *system {
	s := &system{changes: c, rest: rest, space: mm.NewSpace()}
	s.ctx.Bind(&s.ctx, "ctx")
	s.ctx.system = s
	return s
}

// has reports whether a patch is applied.
func (s *system) has(c changes) bool { return s.changes&c != 0 }

// boot begins an execution: a process of so many threads and three mappings, of which the
// second is not registered.
func (s *system) boot(e *schedule.Exec, threads int) {
	e.Static(&s.ctx.Object, 0)
	s.mm = s.space.Boot(e, threads, 0, 1, 2)
	first := s.mm.Mmap.Peek()
	first.VMFlags.Init(vmUffdMissing)
	first.VMNext.Peek().VMNext.Peek().VMFlags.Init(vmUffdMissing)
	s.mm.MmCount.Init(2)
	s.ctx.mm.Init(s.mm)
}
