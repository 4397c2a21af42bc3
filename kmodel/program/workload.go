package program

import (
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Workload is threads whose calls the tape chooses before the schedule, as a program of
// syzkaller would. C says what a call is. The model's Begin
//
//   - asks for the number of threads, with Threads or Share;
//   - chooses what each finds and its calls, with Choose and Calls; after Share with Give or
//     CallsOrNone;
//   - creates each, with Go.
//
// Calls are counted as soon as they are certain, see [schedule.Exec.CountCalls].
type Workload[C any] struct {
	choose func(e *schedule.Exec, n int) int
	most   int   // calls of a thread
	calls  [][]C // by thread
	sure   int   // the first so many threads have a call that is counted
	bodies []func(t *schedule.Thread)
}

// names of the threads.
var names = [...]string{"A", "B", "C", "D"}

// NewWorkload returns a workload of at most so many threads, 2 to 4, and calls of each. run
// makes the calls of thread i.
func NewWorkload[C any](threads, calls int,
	run func(t *schedule.Thread, i int, calls []C)) *Workload[C] {
	w := &Workload[C]{
		choose: (*schedule.Exec).Choose,
		most:   calls,
		calls:  make([][]C, threads),
		bodies: make([]func(t *schedule.Thread), threads),
	}
	for i := range w.bodies {
		w.calls[i] = make([]C, 0, calls)
		w.bodies[i] = func(t *schedule.Thread) { run(t, i, w.calls[i]) }
	}
	return w
}

// Instance returns the instance of a workload that begins so.
func (w *Workload[C]) Instance(begin func(e *schedule.Exec),
	abstract func(e *schedule.Exec, hit func(word uint64))) Instance {
	script := func(choose func(e *schedule.Exec, n int) int) { w.choose = choose }
	return Instance{Begin: begin, Abstract: abstract, Script: script}
}

// Choose has the tape choose one of 0 to n-1.
func (w *Workload[C]) Choose(e *schedule.Exec, n int) int { return w.choose(e, n) }

// Threads has the tape choose the number of threads, at least 2. They have no calls yet, and
// each must be asked for with Calls.
func (w *Workload[C]) Threads(e *schedule.Exec) int {
	w.sure = w.Share(e)
	e.CountCalls(w.sure)
	return w.sure
}

// Share is Threads for threads that are given their calls, some of them perhaps none.
func (w *Workload[C]) Share(e *schedule.Exec) int {
	for i := range w.calls {
		w.calls[i] = w.calls[i][:0]
	}
	w.sure = 0
	return 2 + w.choose(e, len(w.calls)-1)
}

// Calls has the tape choose the number of calls of thread i, at least 1, and returns them to
// be filled in.
func (w *Workload[C]) Calls(e *schedule.Exec, i int) []C {
	return w.resize(e, i, 1+w.choose(e, w.most))
}

// CallsOrNone is Calls for a thread of Share, which may have none.
func (w *Workload[C]) CallsOrNone(e *schedule.Exec, i int) []C {
	return w.resize(e, i, w.choose(e, w.most+1))
}

func (w *Workload[C]) resize(e *schedule.Exec, i, n int) []C {
	w.calls[i] = w.calls[i][:n]
	if i < w.sure {
		n-- // it is counted
	}
	e.CountCalls(n)
	return w.calls[i]
}

// Give gives thread i one more call.
func (w *Workload[C]) Give(e *schedule.Exec, i int, call C) {
	e.CountCalls(1)
	w.calls[i] = append(w.calls[i], call)
}

// Go creates thread i.
func (w *Workload[C]) Go(e *schedule.Exec, i int) *schedule.Thread {
	if i < w.sure && len(w.calls[i]) == 0 {
		panic(fmt.Sprintf("program: thread %s of Threads is created without Calls", names[i]))
	}
	return e.Go(names[i], w.bodies[i])
}

// Body is what thread i runs, for a model that creates its threads itself.
func (w *Workload[C]) Body(i int) func(t *schedule.Thread) { return w.bodies[i] }
