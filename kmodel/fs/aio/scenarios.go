package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// scenario is what the threads of a program do: one call on the only context, as a rule
// against io_destroy; or, if call is nil, whatever the tape says.
type scenario struct {
	name    string // "io_submit-vs-io_destroy"
	thread  string // "io_submit"
	slots   int    // of the table that the context is in
	destroy bool   // a second thread calls io_destroy
	request bool   // there is a device
	call    func(s *system, t *schedule.Thread)
}

var scenarios = []scenario{
	{"io_getevents-vs-io_destroy", "io_getevents", 1, true, false,
		func(s *system, t *schedule.Thread) { s.calls.ioGetevents(t, 1, 0) }},
	{"io_submit-vs-io_destroy", "io_submit", 1, true, true,
		func(s *system, t *schedule.Thread) { s.calls.ioSubmit(t, 1, false) }},
	{"io_cancel-vs-io_destroy", "io_cancel", 1, true, false,
		func(s *system, t *schedule.Thread) { s.calls.ioCancel(t, 1) }},
	{"io_destroy-vs-io_destroy", "io_destroy", 1, true, false,
		func(s *system, t *schedule.Thread) { s.calls.ioDestroy(t, 1) }},
	{"exit_aio", "exit", 2, false, false,
		func(s *system, t *schedule.Thread) { s.mm.mmput(t) }},
	{"exit_aio-full-table", "exit", 1, false, false,
		func(s *system, t *schedule.Thread) { s.mm.mmput(t) }},
	{name: "workload"},
}

// instance builds the scenario over s.
func (sc *scenario) instance(s *system) program.Instance {
	if sc.call == nil {
		return newWorkload(s)
	}
	return sc.fixed(s, sc.starters(s))
}

// fixed is an instance of a fixed scenario whose threads start creates.
func (sc *scenario) fixed(s *system, start []func(e *schedule.Exec)) program.Instance {
	begin := func(e *schedule.Exec) {
		s.boot(e)
		s.bootSlots = sc.slots
		s.calls.bootCtx(e, 1)
		for _, f := range start {
			f(e)
		}
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// starters returns the functions that create the threads of a fixed scenario. Their
// order must not matter to anything but the numbers of the threads; a test permutes
// them. The agents come last, so that where the schedule says nothing they wait until
// the threads have finished or sleep.
func (sc *scenario) starters(s *system) []func(e *schedule.Exec) {
	call := func(t *schedule.Thread) { sc.call(s, t) }
	start := []func(e *schedule.Exec){func(e *schedule.Exec) { e.Go(sc.thread, call) }}
	if sc.destroy {
		destroy := func(t *schedule.Thread) { s.calls.ioDestroy(t, 1) }
		start = append(start, func(e *schedule.Exec) { e.Go("io_destroy", destroy) })
	}
	start = append(start, s.bootRCU, s.bootWorkqueue)
	if sc.request {
		start = append(start, func(e *schedule.Exec) { s.device.boot(e, nil) })
	}
	return start
}
