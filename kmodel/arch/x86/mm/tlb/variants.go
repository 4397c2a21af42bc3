package tlb

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mmu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/smp"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Patches to the code of 4.4, and what memory does.
const (
	// barrier is 71b3c126e611: smp_mb() before mm_cpumask is read.
	barrier program.Changes = 1 << iota
	// flushFirst flushes and then clears the entry.
	flushFirst
)

// A switch comes between the flush's look at mm_cpumask and the end of the page, and uses the
// page after that. A flush whose store is in the buffer has to wait where the page ends, and
// so need not be preempted there.
var (
	buffered = []program.Expect{program.Fails(schedule.StaleTLB, 1)}
	reversed = []program.Expect{program.Fails(schedule.StaleTLB, 2)}
)

var model = program.Model[*system]{
	Object: "arch/x86/mm/tlb",
	Variants: []program.Variant{
		{Name: "4.4", Versions: "3.6-4.4.0", About: "no barrier between the page table and " +
			"mm_cpumask, which takes store buffers to fail"},
		{Name: "4.5", Versions: "4.4.1, 4.5", Changes: barrier, About: "71b3c126e611: smp_mb()"},
		{Name: "4.4-tso", Versions: "3.6-4.4.0",
			About: "4.4 with store buffers"},
		{Name: "4.5-tso", Versions: "4.4.1, 4.5", Changes: barrier,
			About: "4.5 with store buffers"},
		{Name: "4.5-first", Versions: "mutant", Changes: barrier | flushFirst,
			About: "4.5 with the flush before the entry is cleared"},
	},
	Scenarios: []program.Scenario[*system]{{Name: "switch_mm-vs-flush", New: switchMmVsFlush}},
	Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
	Expected: program.Table{
		"switch_mm-vs-flush": {"4.4-tso": buffered, "4.5-first": reversed},
		"workload":           {"4.4-tso": buffered, "4.5-first": reversed},
	},
	System: newSystem,
}

// Programs returns all programs.
func Programs() []program.Program { return model.Programs() }

// pageTable is the struct page of the page table.
type pageTable struct {
	schedule.Object
	ptl spin.Lock
}

// system is what the threads of a program share.
type system struct {
	program.Changes
	program.Globals
	*mmu.Machine
	other     mmu.Struct // of another process
	pageTable pageTable
}

// noArch is for a machine whose architecture is this package.
var noArch = mmu.Variant{New: func(*mmu.Machine) mmu.Arch { return nil }}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	s.Machine, _ = mmu.NewMachine(&noArch)
	s.Mm.Context.Flush.Init(s.flushTlbFunc)
	s.Global(&s.other, "mm2")
	s.Global(&s.pageTable, "table")
	return s
}

// boot begins an execution with so many CPUs, none of which runs the mm.
func (s *system) boot(e *schedule.Exec, cpus int) {
	s.Boot(e, cpus)
	s.BootGlobals(e)
}

// bootAgents starts the interrupts.
func (s *system) bootAgents(e *schedule.Exec, cpus int) { smp.Boot(e, cpus) }
