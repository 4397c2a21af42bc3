package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mm"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// This file is the programs of the "too late munmap()" race of 3.3, c7b285550544: the
// hlist years (listctx.go) with files (fput.go) and an mm that has mappings.

// era33 is what a system has besides for these programs.
type era33 struct {
	fputs
	rest      Rest
	space     *mm.Space
	vm        *mm.Struct // the mm, whose ioctx_list is in mmStruct
	fileCache *slab.Cache[file, *file]
	proc      procReader

	// What the next io_submit of a thread is about: its file, and whether the ring looks
	// full. The thread sets and reads it itself.
	fd   [schedule.MaxThreads]*file
	full [schedule.MaxThreads]bool
}

// procReader is somebody who has the mm open in /proc and keeps an mm_users, from
// get_task_mm(), beyond the end of the execution. So the mm is not taken down.
type procReader struct {
	schedule.Object
	mm mem.Ptr[*mm.Struct]
}

// textAddr is the address of the mapping that is no ring, below all rings.
const textAddr = 0

func newSystem33(c program.Changes, rest Rest) *system {
	era := &era33{rest: rest, space: mm.NewSpace()}
	era.fileCache = slab.NewCache[file]("file", nil)
	era.Bind(&era.fputs, "aio")
	era.proc.Bind(&era.proc, "proc")
	era.fputWork.Init(era.aioFputRoutine)
	s := newSystem(c | filesAndRings)
	s.era33 = era
	return s
}

// bootMM_ makes an mm with users tasks, and a context for each of its mappings but the
// first.
func (s *system) bootMM_(e *schedule.Exec, users int, addrs ...int) {
	s.boot(e)
	spin.SetTail(e, s.Has(unlockTail))
	e.Static(&s.fputs.Object, 0)
	e.Static(&s.proc.Object, 0)
	s.vm = s.space.Boot(e, users, addrs...)
	s.vm.MmCount.Init(len(addrs))
	for _, cookie := range addrs[1:] {
		s.calls.bootCtx(e, cookie)
	}
}

// boot33_ begins an execution: an mm with users tasks and one context, which has one
// request. Its user has closed the file, so the request holds the last reference.
func (s *system) boot33_(e *schedule.Exec, users int) *aioKiocb {
	s.bootMM_(e, users, textAddr, 1)
	ctx := s.mm.ioctxList.Peek()
	f := s.fileCache.AllocBoot(e)
	f.fCount.Init(1)
	req := s.reqCache.AllocBoot(e)
	req.kiListCtx.Init(ctx)
	req.kiFilp.Init(f)
	ctx.reqsActive.Init(1)
	return req
}

// submitted_ leaves req with the device: the completion is yet to come.
func (s *system) submitted_(req *aioKiocb) {
	ctx := req.kiListCtx.Peek()
	req.kiUsers.Init(1)
	ctx.activeReqs.Init(req)
	s.device.queue.PushBoot(req)
}

// completed_ leaves req on fput_head: the completion has been, and the work item is
// queued.
func (s *system) completed_(e *schedule.Exec, req *aioKiocb) {
	ctx := req.kiListCtx.Peek()
	ctx.tail.Init(1)
	if !s.Has(fputNoRef) {
		ctx.users.Init(2)
	}
	s.fputHead.Init(req)
	workqueue.QueueBoot(e, &s.fputWork)
}

// scenario33 is a fixed scenario of one context with one request.
type scenario33 struct {
	threads []thread
	device  bool // the request is with the device, else it has been completed
	proc    bool // somebody has the mm open in /proc
}

// The threads.
var (
	exit33 = thread{"exit", func(s *system, t *schedule.Thread) { s.calls.(*listMM).mmput(t) }}
	// destroyAndExit is a thread that calls io_destroy and exits, killed or not. What mmput()
	// would drop is not the last.
	destroyAndExit = thread{"io_destroy", func(s *system, t *schedule.Thread) {
		s.calls.ioDestroy(t, 1)
		t.Forget(1)
		s.rest.ExitMm(t, s.vm)
	}}
	// crash is a thread that crashes, as above.
	crash = thread{"crash", func(s *system, t *schedule.Thread) {
		s.rest.DoCoredump(t, s.vm)
		t.Forget(1)
		s.rest.ExitMm(t, s.vm)
	}}
)

// instance builds the scenario over s.
func (sc scenario33) instance(s *system) program.Instance {
	start := s.starters(sc.threads, sc.device)
	begin := func(e *schedule.Exec) {
		req := s.boot33_(e, len(sc.threads))
		for _, f := range start {
			f(e)
		}
		if sc.proc {
			s.vm.MmUsers.Init(len(sc.threads) + 1)
			s.proc.mm.Init(s.vm)
		}
		if sc.device {
			s.submitted_(req)
		} else {
			s.completed_(e, req)
		}
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// before33 is what all these variants have: 2.6.38 with 86b62a2c.
const before33 = lookupIncNotZero | submitDeadTest

// fixed33 is before33 with c7b285550544.
const fixed33 = before33 | fputNoRef | fputRcu

var variants33 = []program.Variant{
	{Name: "A", Versions: "3.3-rc6", Changes: before33,
		About: "aio_fput_routine drops a reference that may be the last"},
	{Name: "A34", Versions: "mutant", Changes: before33 | currentUnmaps,
		About: "3.4, which unmaps from current->mm, without c7b285550544"},
	{Name: "B", Versions: "3.3", Changes: fixed33,
		About: "c7b285550544: no reference, but rcu_read_lock()"},
	{Name: "B-tail", Versions: "3.3", Changes: fixed33 | unlockTail,
		About: "B where an unlock touches the lock once more"},
	{Name: "C", Versions: "mutant", Changes: before33 | fputNoRef,
		About: "c7b285550544 without rcu_read_lock()"},
	{Name: "C-tail", Versions: "mutant", Changes: before33 | fputNoRef | unlockTail,
		About: "C where an unlock touches the lock once more"},
	{Name: "D", Versions: "mutant", Changes: fixed33 | freeAtOnce,
		About: "c7b285550544 with the context freed without call_rcu()"},
	{Name: "D-tail", Versions: "mutant", Changes: fixed33 | freeAtOnce | unlockTail,
		About: "D where an unlock touches the lock once more"},
	{Name: "E", Versions: "mutant", Changes: before33 | fputNoRef | locklessWait,
		About: "C with a wait for the requests that takes no lock"},
	{Name: "E-rcu", Versions: "mutant", Changes: fixed33 | locklessWait,
		About: "E with rcu_read_lock() wherever a request is counted off, as 3.10 has it"},
	{Name: "F", Versions: "mutant", Changes: before33 | putFirst,
		About: "A with the reference dropped before the request is counted off"},
	{Name: "F-tail", Versions: "mutant", Changes: before33 | putFirst | unlockTail,
		About: "F where an unlock touches the lock once more"},
}

// muteLate lets the kernel go on with a munmap that is too late, as it does.
var muteLate = schedule.KindSet(schedule.LateMunmap)

// evenLate makes up a row of the table of verdicts: what comes of a munmap that is too
// late.
func evenLate(k schedule.Kind, preemptions int) program.Expect {
	return program.Expect{Kind: k, Preemptions: preemptions, Mute: muteLate}
}

// always is a failure that has nothing to do with that.
func always(k schedule.Kind, preemptions int) []program.Expect {
	return []program.Expect{program.Fails(k, preemptions), evenLate(k, preemptions)}
}

// The double free: the ring is unmapped between exit_mmap's finding its mapping and
// freeing it.
var lateInExit = []program.Expect{
	program.Fails(schedule.LateMunmap, 1), program.Fails(schedule.UseAfterFree, 3),
	evenLate(schedule.UseAfterFree, 1), evenLate(schedule.DoubleFree, 3),
}

var expected33 = program.Table{
	"aio_fput_routine-vs-exit_mmap": {
		"A":      lateInExit,
		"C-tail": always(schedule.UseAfterFree, 1), "D-tail": always(schedule.UseAfterFree, 1),
		"E": always(schedule.UseAfterFree, 1), "F-tail": always(schedule.UseAfterFree, 1),
	},
	"aio_complete-vs-exit_mmap": {
		"A": lateInExit,
		// The unlock at the end of aio_complete has a tail too, and no rcu_read_lock().
		"B-tail": always(schedule.UseAfterFree, 1),
		"C-tail": always(schedule.UseAfterFree, 1), "D-tail": always(schedule.UseAfterFree, 1),
		"E": always(schedule.UseAfterFree, 1), "F-tail": always(schedule.UseAfterFree, 1),
	},
	"aio_fput_routine-vs-elf_core_dump": {
		"A":      {program.Fails(schedule.LateMunmap, 2), evenLate(schedule.UseAfterFree, 2)},
		"A34":    always(schedule.BugOn, 1),
		"C-tail": always(schedule.UseAfterFree, 1), "D-tail": always(schedule.UseAfterFree, 1),
		"E": always(schedule.UseAfterFree, 1), "F-tail": always(schedule.UseAfterFree, 1),
	},
	"munmap-workload": {
		"A":   {program.Fails(schedule.LateMunmap, 1)},
		"A34": {program.Fails(schedule.BugOn, 1)},
		// D even without a tail: lookup_ioctx walks the list under RCU alone.
		"D": afterFree, "D-tail": afterFree, "B-tail": afterFree, "C-tail": afterFree,
		"E": afterFree, "F-tail": afterFree,
	},
}

// TooLateMunmap returns the programs of the race of 3.3.
func TooLateMunmap(rest Rest) []program.Program {
	exits, dump := []thread{exit33}, []thread{destroyAndExit, crash}
	return program.Model[*system]{
		Object:   "fs/aio",
		Variants: variants33,
		Scenarios: []program.Scenario[*system]{
			{Name: "aio_fput_routine-vs-exit_mmap", New: scenario33{threads: exits}.instance},
			{Name: "aio_complete-vs-exit_mmap",
				New: scenario33{threads: exits, device: true}.instance},
			{Name: "aio_fput_routine-vs-elf_core_dump",
				New: scenario33{threads: dump, proc: true}.instance},
		},
		Workloads: []program.Scenario[*system]{{Name: "munmap-workload", New: newWorkload33}},
		Expected:  expected33,
		System:    func(c program.Changes) *system { return newSystem33(c, rest) },
	}.Programs()
}
