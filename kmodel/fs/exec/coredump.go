package exec

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mm"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// What is here of how a core file is written: the thread that crashes kills the others
// that share its mm, waits until they are parked in exit_mm(), and then walks the mappings
// without mmap_sem. Two functions are from other files, each being the other half of
// something: exit_mm() of kernel/exit.c and elf_core_dump() of fs/binfmt_elf.c.

// DoCoredump is do_coredump().
func DoCoredump(t *schedule.Thread, m *mm.Struct) {
	others := coredumpWait(t, m)
	if others < 0 {
		return // -EBUSY: somebody else is at it
	}
	elfCoreDump(t, m)
	coredumpFinish(t, m, others)
}

// coredumpWait is coredump_wait(): kill all others, and wait until they are parked. It
// returns how many there are, or -1.
func coredumpWait(t *schedule.Thread, m *mm.Struct) int {
	m.MmapSem.DownWrite(t)
	if m.CoreState.Read(t) != 0 {
		m.MmapSem.UpWrite(t)
		return -1
	}
	others := zapThreads(t, m)
	m.MmapSem.UpWrite(t)
	if others > 0 {
		m.Startup.WaitForCompletion(t)
	}
	return others
}

// zapThreads is zap_threads(): it counts the tasks that it kills.
func zapThreads(t *schedule.Thread, m *mm.Struct) int {
	m.CoreState.Write(t, 1)
	others := m.Tasks.Read(t) - 1
	m.NrThreads.Set(t, others)
	return others
}

// elfCoreDump is elf_core_dump(), whose several walks are one here.
func elfCoreDump(t *schedule.Thread, m *mm.Struct) {
	vma := m.Mmap.Read(t)
	m.SetWalk(t, mm.Dump)
	for vma != nil {
		vma.VMStart.Read(t)
		vma = vma.VMNext.Read(t)
	}
}

// coredumpFinish is coredump_finish(): let the others go on exiting.
func coredumpFinish(t *schedule.Thread, m *mm.Struct, others int) {
	m.SetWalk(t, mm.Nobody)
	for range others {
		m.Dumped.Complete(t)
	}
	m.CoreState.Write(t, 0)
}

// ExitMm is exit_mm() up to mmput(): leave the mm, but wait for a core dump that is under
// way.
func ExitMm(t *schedule.Thread, m *mm.Struct) {
	m.MmapSem.DownRead(t)
	if m.CoreState.Read(t) != 0 {
		m.MmapSem.UpRead(t)
		if m.NrThreads.DecAndTest(t) {
			m.Startup.Complete(t)
		}
		m.Dumped.WaitForCompletion(t)
		m.MmapSem.DownRead(t)
	}
	m.Tasks.Dec(t) // tsk->mm = NULL
	m.MmapSem.UpRead(t)
}
