package super

import "github.com/kschedfuzz/kschedfuzz/schedule"

// abstract gives a word for each super_block: how far it is on its way from sget to
// kfree, how its counts stand, and what is locked. Which of them it is and who does what
// is left out.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	locked := s.sbLock.IsLocked()
	for _, sb := range s.sbCache.InUse(e) {
		w := word(1)
		w.bool(locked)
		w.bool(sb.Live())
		w.bool(sb.sInstances.Peek() != 0)
		w.bool(sb.sRoot.Peek() != 0)
		w.bool(sb.sFlags.Peek() != 0)
		w.bool(sb.sUmount.IsLocked())
		w.bool(sb.sUmount.Waiters())
		w.count(sb.sCount.Peek())
		w.count(sb.sActive.Peek())
		hit(uint64(w))
	}
}

// A word is put together from small fields. A leading 1 tells lengths apart.
type word uint64

func (w *word) bool(b bool) {
	*w <<= 1
	if b {
		*w |= 1
	}
}

// count adds a count as 0, 1, 2, or more.
func (w *word) count(n int) { *w = *w<<2 | word(max(0, min(n, 3))) }
