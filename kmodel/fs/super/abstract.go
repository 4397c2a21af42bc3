package super

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// abstract gives a word for each super_block: how far it is on its way from sget to
// kfree, how its counts stand, and what is locked. Which of them it is and who does what
// is left out.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	locked := s.sbLock.IsLocked()
	for _, sb := range s.sbCache.InUse(e) {
		w := program.Word(1, locked, sb.Live(), sb.sInstances.Peek() != 0,
			sb.sRoot.Peek() != 0, sb.sFlags.Peek() != 0, sb.sUmount.IsLocked(), sb.sUmount.Waiters())
		w = w<<2 | count(sb.sCount.Peek())
		hit(w<<2 | count(sb.sActive.Peek()))
	}
}

// count is a count as 0, 1, 2, or more.
func count(n int) uint64 { return uint64(max(0, min(n, 3))) }
