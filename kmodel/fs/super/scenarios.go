package super

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

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

// fixed makes the instances of a fixed scenario, whose threads do this to the only mount,
// which is thread 0's. The agents are the last, so that where the schedule says nothing they
// wait until the threads have finished or sleep.
func fixed(threads ...thread) func(s *system) program.Instance {
	return func(s *system) program.Instance {
		var start []func(e *schedule.Exec)
		for _, th := range threads {
			body := func(t *schedule.Thread) { th.run(s, t) }
			start = append(start, func(e *schedule.Exec) { e.Go(th.name, body) })
		}
		begin := func(e *schedule.Exec) {
			s.boot(e, 1)
			s.bootMount(e, 0, 1)
			for _, f := range start {
				f(e)
			}
			s.bootAgents(e)
		}
		return program.Instance{Begin: begin, Abstract: s.abstract}
	}
}
