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

// kind33 is a system call.
type kind33 uint8

const (
	submitClose33 kind33 = iota // open, io_submit, close: the request has the last reference
	destroy33                   // io_destroy
	getevents33                 // io_getevents, no waiting
	submit33                    // io_submit with a file that stays open until the thread has exited
	cancel33                    // io_cancel
	submitFull33                // submitClose33 when the ring looks full
	setup33                     // io_setup
	numCalls33
)

type call33 struct {
	kind   kind33
	cookie int
}

// workload33 is a workload of 3.3: 2 or 3 threads of one process with 1 to 3 calls each,
// over 1 or 2 contexts that are there and one that io_setup may make. Then every thread
// exits, the last takes the mm down, and one of them may crash before.
//
// A context is destroyed by one thread only, for io_destroy of those years has an error of
// its own when two call it at once (fs/aio/io_destroy-vs-io_destroy@1b). No thread waits in
// io_getevents, where the signal with which a core dump begins would have to wake it.
type workload33 struct {
	*listMM
	*program.Workload[call33]
	files  [maxThreads33]*file
	crash  int // which thread crashes, from 1
	setups int
	owner  [maxContexts33 + 2]int // who may destroy the context, from 1
}

func newWorkload33(s *system) program.Instance {
	w := &workload33{listMM: s.calls.(*listMM)}
	w.Workload = program.NewWorkload(maxThreads33, maxCalls33, w.run_)
	return w.Instance(w.begin, s.abstract)
}

func (w *workload33) begin(e *schedule.Exec) {
	threads := w.Threads(e)
	contexts := 1 + w.Choose(e, maxContexts33)
	w.crash = w.Choose(e, threads+1)
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
		calls := w.Calls(e, i)
		for j := range calls {
			calls[j] = w.chooseCall(e, i)
		}
		w.Go(e, i)
	}
	w.bootRCU(e)
	w.bootWorkqueue(e)
	w.device.boot(e, nil)
}

// chooseCall chooses a call of thread i, and the context.
func (w *workload33) chooseCall(e *schedule.Exec, i int) call33 {
	kind := kind33(w.Choose(e, int(numCalls33)))
	if kind == setup33 && w.setups == 0 {
		w.setups++
		return call33{kind, maxContexts33 + 1}
	}
	if kind == setup33 {
		kind = getevents33
	}
	cookie := 1 + w.Choose(e, maxContexts33+1)
	if kind == destroy33 {
		if w.owner[cookie] != 0 && w.owner[cookie] != i+1 {
			return call33{getevents33, cookie}
		}
		w.owner[cookie] = i + 1
	}
	return call33{kind, cookie}
}

// run_ is thread i, from its first call to its end.
func (w *workload33) run_(t *schedule.Thread, i int, calls []call33) {
	for j, c := range calls {
		w.call_(t, i, c)
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

func (w *workload33) call_(t *schedule.Thread, i int, c call33) {
	w.fd[t.ID], w.full[t.ID] = w.files[i], false
	switch c.kind {
	case submitClose33, submitFull33:
		f := w.fileCache.Alloc(t) // open
		f.fCount.Init(1)
		w.fd[t.ID], w.full[t.ID] = f, c.kind == submitFull33
		w.ioSubmit(t, c.cookie, false)
		f.fput(t) // close
	case submit33:
		w.ioSubmit(t, c.cookie, true)
	case destroy33:
		w.ioDestroy(t, c.cookie)
	case getevents33:
		w.ioGetevents(t, c.cookie, 0)
	case cancel33:
		w.ioCancel(t, c.cookie)
	case setup33:
		w.ioSetup(t, c.cookie)
	}
}
