package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// scenario is what the threads of a program do.
type scenario struct {
	name     string
	workload bool
	instance func(s *system) program.Instance
}

var scenarios = []scenario{
	{"io_getevents-vs-io_destroy", false, func(s *system) program.Instance {
		return s.pair("io_getevents", func(t *schedule.Thread) { s.calls.ioGetevents(t, 1, 0) }, false)
	}},
	{"io_submit-vs-io_destroy", false, func(s *system) program.Instance {
		return s.pair("io_submit", func(t *schedule.Thread) { s.calls.ioSubmit(t, 1, false) }, true)
	}},
	{"io_cancel-vs-io_destroy", false, func(s *system) program.Instance {
		return s.pair("io_cancel", func(t *schedule.Thread) { s.calls.ioCancel(t, 1) }, false)
	}},
	{"io_destroy-vs-io_destroy", false, func(s *system) program.Instance {
		return s.pair("io_destroy", func(t *schedule.Thread) { s.calls.ioDestroy(t, 1) }, false)
	}},
	{"workload", true, func(s *system) program.Instance {
		w := newWorkload(s)
		return program.Instance{Begin: w.begin, Abstract: s.abstract}
	}},
}

// pair is a fixed scenario: one call on the only context against its io_destroy.
func (s *system) pair(name string, call func(t *schedule.Thread), requests bool) program.Instance {
	destroy := func(t *schedule.Thread) { s.calls.ioDestroy(t, 1) }
	begin := func(e *schedule.Exec) {
		s.boot(e)
		s.bootSlots = 1
		s.calls.bootCtx(e, 1)
		e.Go(name, call)
		e.Go("io_destroy", destroy)
		s.bootAgents(e)
		if requests {
			s.device.boot(e, nil)
		}
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// abstract is the fingerprint of each context: how far it is on its way out.
func (s *system) abstract(hit func(uint64)) {}
