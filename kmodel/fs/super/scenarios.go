package super

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// scenario is what the threads of a program do to the only mount, which is thread 0's; or,
// if there are none, whatever the tape says.
type scenario struct {
	name    string
	threads []thread
}

// A thread of a fixed scenario.
type thread struct {
	name string
	run  func(s *system, t *schedule.Thread)
}

var (
	umountIt = thread{"umount", func(s *system, t *schedule.Thread) { s.umount(t, 0) }}
	iterate  = thread{"sync", func(s *system, t *schedule.Thread) { s.iterateSupers(t) }}
	mountIt  = thread{"mount", func(s *system, t *schedule.Thread) {
		sb := s.mount(t, 1)
		s.mounts.sb[1].Write(t, sb)
	}}
	online = thread{"memcg_online", func(s *system, t *schedule.Thread) { s.lrus.Online_(t, 1) }}
)

var scenarios = []scenario{
	{"umount", []thread{umountIt}},
	{"umount-vs-iterate_supers", []thread{umountIt, iterate}},
	{"umount-vs-mount", []thread{umountIt, mountIt}},
	{"umount-vs-memcg_online", []thread{umountIt, online}},
	{name: "workload"},
}

// instance builds the scenario over s.
func (sc *scenario) instance(s *system) program.Instance {
	if sc.threads == nil {
		return newWorkload(s)
	}
	return sc.fixed(s, sc.starters(s))
}

// fixed is an instance of a fixed scenario whose threads start creates.
func (sc *scenario) fixed(s *system, start []func(e *schedule.Exec)) program.Instance {
	begin := func(e *schedule.Exec) {
		s.boot(e, 1)
		s.bootMount(e, 0, 1)
		for _, f := range start {
			f(e)
		}
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// starters returns the functions that create the threads of a fixed scenario, the agents
// last, so that where the schedule says nothing they wait until the threads have finished
// or sleep.
func (sc *scenario) starters(s *system) []func(e *schedule.Exec) {
	var start []func(e *schedule.Exec)
	for _, th := range sc.threads {
		body := func(t *schedule.Thread) { th.run(s, t) }
		start = append(start, func(e *schedule.Exec) { e.Go(th.name, body) })
	}
	return append(start, s.bootAgents)
}
