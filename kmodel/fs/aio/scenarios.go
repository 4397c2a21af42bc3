package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// scenario is what the threads of a program do on contexts that are there from the start.
type scenario struct {
	name     string // "io_submit-vs-io_destroy"
	threads  []thread
	contexts int  // at cookies 1, 2 ...
	spare    int  // slots of their table that are empty
	device   bool // there is one
	requests int  // which it has, and which can be cancelled
}

type thread struct {
	name string
	body func(s *system, t *schedule.Thread)
}

// The threads. Most make a call on the first context.
var (
	setup   = thread{"io_setup", func(s *system, t *schedule.Thread) { s.calls.ioSetup(t, 1) }}
	cancel  = thread{"io_cancel", func(s *system, t *schedule.Thread) { s.calls.ioCancel(t, 1) }}
	destroy = thread{"io_destroy", func(s *system, t *schedule.Thread) { s.calls.ioDestroy(t, 1) }}
	exit    = thread{"exit", func(s *system, t *schedule.Thread) { s.mm.mmput(t) }}

	getevents = thread{"io_getevents", func(s *system, t *schedule.Thread) {
		s.calls.ioGetevents(t, 1, 0)
	}}
	submit = thread{"io_submit", func(s *system, t *schedule.Thread) {
		s.calls.ioSubmit(t, 1, false)
	}}
	// destroyOther destroys the second.
	destroyOther = thread{"io_destroy", func(s *system, t *schedule.Thread) {
		s.calls.ioDestroy(t, 2)
	}}
	// moveRing moves the ring of the first.
	moveRing = thread{"mremap", func(s *system, t *schedule.Thread) {
		s.mm.mremap(t, 1, cookieMoved)
	}}
)

var scenarios = []scenario{
	{name: "io_getevents-vs-io_destroy", threads: []thread{getevents, destroy}, contexts: 1},
	{name: "io_submit-vs-io_destroy", threads: []thread{submit, destroy}, contexts: 1,
		device: true},
	{name: "io_cancel-vs-io_destroy", threads: []thread{cancel, destroy}, contexts: 1},
	{name: "io_destroy-vs-io_destroy", threads: []thread{destroy, destroy}, contexts: 1},
	{name: "exit_aio", threads: []thread{exit}, contexts: 1, spare: 1},
	{name: "exit_aio-full-table", threads: []thread{exit}, contexts: 1},
}

// listed is the scenario as a model lists it.
func (sc *scenario) listed() program.Scenario[*system] {
	return program.Scenario[*system]{Name: sc.name, New: func(s *system) program.Instance {
		return sc.begun(s, s.starters(sc.threads, sc.device))
	}}
}

// begun is an instance whose threads start creates.
func (sc *scenario) begun(s *system, start []func(e *schedule.Exec)) program.Instance {
	check := s.checkRings_
	begin := func(e *schedule.Exec) {
		s.boot(e)
		s.bootSlots = sc.contexts + sc.spare
		for i := range sc.contexts {
			s.calls.bootCtx(e, i+1)
		}
		if s.Has(ringMoves) {
			e.AtEnd(check)
		}
		for _, f := range start {
			f(e)
		}
		for range sc.requests {
			s.bootRequest_(e)
		}
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// starters returns the functions that create the threads of a fixed scenario. Their
// order must not matter to anything but the numbers of the threads; a test permutes
// them. The agents come last, so that where the schedule says nothing they wait until
// the threads have finished or sleep.
func (s *system) starters(threads []thread, device bool) []func(e *schedule.Exec) {
	var start []func(e *schedule.Exec)
	for _, th := range threads {
		body := func(t *schedule.Thread) { th.body(s, t) }
		start = append(start, func(e *schedule.Exec) { e.Go(th.name, body) })
	}
	start = append(start, s.bootRCU, s.bootWorkqueue)
	if device {
		start = append(start, func(e *schedule.Exec) { s.device.boot(e, nil) })
	}
	return start
}
