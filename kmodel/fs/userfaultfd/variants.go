package userfaultfd

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mm"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// stillValid is 04f5866e41fb, applied to the code of 5.0: nobody changes the mappings during
// a core dump.
const stillValid program.Changes = 1

// freed is the dump that is at a mapping which has been merged into another.
var freed = []program.Expect{program.Fails(schedule.UseAfterFree, 1)}

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
	return program.Model[*system]{
		Object: "fs/userfaultfd",
		Variants: []program.Variant{
			{Name: "5.0", Versions: "4.7-5.0", About: "mappings change while the core is dumped"},
			{Name: "5.1", Versions: "5.1", Changes: stillValid,
				About: "04f5866e41fb: not if there is a core_state"},
		},
		Scenarios: []program.Scenario[*system]{{Name: "register-vs-dump", New: registerVsDump}},
		Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
		Expected: program.Table{
			"register-vs-dump": {"5.0": freed},
			"workload":         {"5.0": freed},
		},
		System: func(c program.Changes) *system { return newSystem(c, rest) },
	}.Programs()
}

// system is what the threads of a program share.
type system struct {
	program.Changes
	program.Globals
	rest  Rest
	ctx   userfaultfdCtx
	space *mm.Space
	mm    *mm.Struct
}

func newSystem(c program.Changes, rest Rest) *system {
	s := &system{Changes: c, rest: rest, space: mm.NewSpace()}
	s.Global(&s.ctx, "ctx")
	s.ctx.system = s
	return s
}

// boot begins an execution: a process of so many threads and three mappings, of which the
// first is registered.
func (s *system) boot(e *schedule.Exec, threads int) {
	s.BootGlobals(e)
	s.mm = s.space.Boot(e, threads, 0, 1, 2)
	s.mm.Mmap.Peek().VMFlags.Init(vmUffdMissing)
	s.mm.MmCount.Init(2)
	s.ctx.mm.Init(s.mm)
}
