package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The most of everything that a workload of 3.3 has.
const (
	maxThreads33  = 3
	maxCalls33    = 3
	maxContexts33 = 2
)

// call33 is a system call.
type call33 uint8

const (
	submitClose33 call33 = iota // open a file, io_submit, close it: the request has the last reference
	destroy33                   // io_destroy
	getevents33                 // io_getevents, no waiting
	submit33                    // io_submit with a file that stays open until the thread has exited
	cancel33                    // io_cancel
	submitFull33                // submitClose33 when the ring looks full
	setup33                     // io_setup
	numCalls33
)

// workload33 is a workload of 3.3: 2 or 3 threads of one process with 1 to 3 calls each,
// over 1 or 2 contexts that are there and one that io_setup may make. Then every thread
// exits, the last takes the mm down, and one of them may crash before.
//
// A context is destroyed by one thread only, for io_destroy of those years has an error of
// its own when two call it at once (fs/aio/io_destroy-vs-io_destroy@1b). No thread waits in
// io_getevents, where the signal with which a core dump begins would have to wake it.
type workload33 struct {
	*listMM
	choose  func(e *schedule.Exec, n int) int // Exec.Choose, except in tests
	calls   [maxThreads33][maxCalls33]call33
	cookies [maxThreads33][maxCalls33]int
	n       [maxThreads33]int
	files   [maxThreads33]*file
	crash   int // which thread crashes, from 1
	setups  int
	owner   [maxContexts33 + 2]int // who may destroy the context, from 1
	bodies  [maxThreads33]func(t *schedule.Thread)
}

const workload33Name = "munmap-workload"

func newWorkload33(s *system) *workload33 {
	w := &workload33{listMM: s.calls.(*listMM), choose: (*schedule.Exec).Choose}
	for i := range w.bodies {
		w.bodies[i] = func(t *schedule.Thread) { w.run_(t, i) }
	}
	return w
}

func (w *workload33) begin(e *schedule.Exec) {
	threads := 2 + w.choose(e, maxThreads33-1)
	e.CountCalls(threads) // each makes one, and perhaps more
	contexts := 1 + w.choose(e, maxContexts33)
	w.crash = w.choose(e, threads+1)
	w.setups = 0
	w.owner = [len(w.owner)]int{}
	if contexts == 1 {
		w.bootMM_(e, threads, textAddr, 1)
	} else {
		w.bootMM_(e, threads, textAddr, 1, 2)
	}
	for i := range threads {
		w.files[i] = w.fileCache.AllocBoot(e)
		w.files[i].fCount.Init(1)
		w.n[i] = 1 + w.choose(e, maxCalls33)
		e.CountCalls(w.n[i] - 1)
		for j := range w.n[i] {
			w.calls[i][j], w.cookies[i][j] = w.chooseCall(e, i)
		}
		e.Go(names[i], w.bodies[i])
	}
	w.bootRCU(e)
	w.bootWorkqueue(e)
	w.device.boot(e, nil)
}

// chooseCall chooses a call of thread i, and the context.
func (w *workload33) chooseCall(e *schedule.Exec, i int) (call33, int) {
	kind := call33(w.choose(e, int(numCalls33)))
	if kind == setup33 && w.setups == 0 {
		w.setups++
		return kind, maxContexts33 + 1
	}
	if kind == setup33 {
		kind = getevents33
	}
	cookie := 1 + w.choose(e, maxContexts33+1)
	if kind == destroy33 {
		if w.owner[cookie] != 0 && w.owner[cookie] != i+1 {
			return getevents33, cookie
		}
		w.owner[cookie] = i + 1
	}
	return kind, cookie
}

// run_ is thread i, from its first call to its end.
func (w *workload33) run_(t *schedule.Thread, i int) {
	for j := range w.n[i] {
		w.call_(t, i, w.calls[i][j], w.cookies[i][j])
		t.Forget(uint64(j))
	}
	if w.crash == i+1 {
		w.rest.DoCoredump(t, w.vm)
		t.Forget(maxCalls33)
	}
	w.rest.ExitMm(t, w.vm)
	w.mmput(t)
	w.files[i].fput(t) // exit_files
}

func (w *workload33) call_(t *schedule.Thread, i int, c call33, cookie int) {
	w.fd[t.ID], w.full[t.ID] = w.files[i], false
	switch c {
	case submitClose33, submitFull33:
		f := w.fileCache.Alloc(t) // open
		f.fCount.Init(1)
		w.fd[t.ID], w.full[t.ID] = f, c == submitFull33
		w.ioSubmit(t, cookie, false)
		f.fput(t) // close
	case submit33:
		w.ioSubmit(t, cookie, true)
	case destroy33:
		w.ioDestroy(t, cookie)
	case getevents33:
		w.ioGetevents(t, cookie, 0)
	case cancel33:
		w.ioCancel(t, cookie)
	case setup33:
		w.ioSetup(t, cookie)
	}
}

// workloads33 returns the workload in every variant.
func workloads33(rest Rest) []program.Program {
	var out []program.Program
	for _, v := range variants33 {
		out = append(out, program.Program{
			Object: "fs/aio", Scenario: workload33Name, Variant: v.name,
			Versions: v.versions, Patches: v.about, Workload: true,
			New: func() program.Instance {
				s := newSystem33(v.patches, rest)
				return program.Instance{Begin: newWorkload33(s).begin, Abstract: s.abstract}
			},
		})
	}
	return out
}
