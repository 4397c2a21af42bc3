package mapletree

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// This file is maps-vs-munmap again, as a machine of its own: there is one leaf, which is in the
// tree or not, and dead or not.

// A gPC is the step that a thread takes next.
type gPC uint8

const (
	gDone gPC = iota

	gRcuLock // who reads
	gBegin
	gStart // vm_start
	gRetryRmb
	gRetry
	gLeave // the section, for mmap_lock
	gDownRead
	gDownReadWait
	gUpRead
	gEnter
	gRcuUnlock

	gRoot // mas_find()
	gRootRmb
	gRootDead
	gAwait
	gEnd
	gPivot0
	gPivot1
	gSlot
	gSlotRmb
	gSlotDead
	gTopRmb // mas_next_slot()
	gTopDead
	gLimit
	gLimitRmb
	gLimitDead
	gIndex
	gLast
	gNext
	gNextRmb
	gNextDead

	gDownWrite // who unmaps
	gDownWriteWait
	gSteps // as many as follow
)

// What who unmaps does with mmap_lock, in steps from gSteps on.
const (
	gReadSeq = iota
	gSetSeq
	gWalk                      // smp_wmb(), and what he reads of the tree
	gNoRoot      = gWalk + 22  // ma_root
	gKill        = gNoRoot + 1 // and smp_wmb()
	gCall        = gKill + 2   // and smp_wmb(), and mm_lock_seq
	gUnlockSeq   = gCall + 3
	gDowngrade   = gUnlockSeq + 1
	gUnmapUpRead = gDowngrade + 1
)

// A gState is everything.
type gState struct {
	pc             [2]gPC
	gone           bool // ma_root is NULL
	dead, queued   bool // the leaf; its callback
	running        bool
	section, holds bool // who reads is in a section; the callback waits for it
	again          bool // he walks again, in mas_next_slot()
	find           int8 // of how many times that he looks
	seq, seen      int8
	writer         bool
	readers        int8
	waits          [2]bool // for mmap_lock
	none           bool    // he has found no tree
	found          bool
}

// A gMachine is what a variant has.
type gMachine struct{ lock, twice, none bool }

func (m *gMachine) enabled(s *gState, me int) bool {
	if me == 2 {
		return s.running || s.queued && !s.holds
	}
	switch s.pc[me] {
	case gDone:
		return false
	case gDownReadWait:
		return !s.writer
	case gDownWriteWait:
		return s.readers == 0
	case gAwait:
		return s.gone || !s.dead
	}
	return true
}

// step has a thread take its step. It returns how that ends everything, or "".
func (m *gMachine) step(s *gState, me int) string {
	switch {
	case me == 2:
		s.queued = false
		s.running = !s.running
	case me == 1:
		s.unmap()
	case s.pc[0] < gRoot:
		m.read(s)
	default:
		return m.walk(s)
	}
	return ""
}

// unmap is munmap().
func (s *gState) unmap() {
	at := s.pc[1]
	s.pc[1]++
	switch at {
	case gDownWrite:
		if s.readers > 0 {
			s.waits[1] = true
			return
		}
		s.writer = true
		s.pc[1] = gSteps
	case gDownWriteWait:
		s.writer, s.waits[1] = true, false
	case gSteps + gSetSeq, gSteps + gUnlockSeq:
		s.seq++
	case gSteps + gNoRoot:
		s.gone = true
	case gSteps + gKill:
		s.dead = true
	case gSteps + gCall:
		s.queued, s.holds = true, s.section
	case gSteps + gDowngrade:
		s.writer = false
		s.readers++
	case gSteps + gUnmapUpRead:
		s.readers--
		s.pc[1] = gDone
	}
}

// read is lock_next_vma(), but for the walks.
func (m *gMachine) read(s *gState) {
	at := s.pc[0]
	s.pc[0]++
	switch at {
	case gRcuLock, gEnter:
		s.section = true
		if at == gEnter {
			s.pc[0] = gRcuUnlock
		}
	case gBegin:
		s.seen = s.seq
		s.pc[0] = gRoot
	case gStart:
		s.compare()
	case gRetry:
		switch {
		case s.seq == s.seen:
			s.pc[0] = gRcuUnlock
		case s.found:
			s.find = 1
			s.pc[0] = gRoot
		default:
			s.pc[0] = gLeave
		}
	case gLeave:
		s.section, s.holds = false, false
	case gDownRead:
		if s.writer || s.waits[1] {
			s.waits[0] = true
			return
		}
		s.locked()
	case gDownReadWait:
		s.waits[0] = false
		s.locked()
	case gUpRead:
		s.readers--
		if m.lock {
			s.pc[0] = gDone
		}
	case gRcuUnlock:
		s.section, s.holds = false, false
		s.pc[0] = gDone
	}
}

// locked is mmap_lock, for who reads.
func (s *gState) locked() {
	s.readers++
	s.find = 2
	s.pc[0] = gRoot
}

// compare is where he asks whether mm_lock_seq is what it was, if it was even.
func (s *gState) compare() {
	switch {
	case s.seen&1 == 0:
		s.pc[0] = gRetryRmb
	case s.found:
		s.find = 1
		s.pc[0] = gRoot
	default:
		s.pc[0] = gLeave
	}
}

// over is the end of a walk, which has found the stack or nothing.
func (m *gMachine) over(s *gState, found bool) {
	s.found, s.again = found, false
	switch {
	case s.find == 2:
		s.pc[0] = gUpRead
	case s.find == 1 && !found:
		s.pc[0] = gLeave
	case s.find == 1:
		s.pc[0] = gRcuUnlock
	case found:
		s.pc[0] = gStart
	case m.twice:
		s.compare()
	default:
		s.pc[0] = gRcuUnlock
	}
}

// walk is mas_find().
func (m *gMachine) walk(s *gState) string {
	at := s.pc[0]
	s.pc[0]++
	switch at {
	case gRoot:
		switch {
		case !s.gone:
		case s.again && !m.none:
			s.none = true
			s.pc[0] = gTopRmb
		default:
			m.over(s, false)
		}
	case gRootDead:
		if s.pc[0] = gEnd; s.dead {
			s.pc[0] = gAwait
		}
	case gAwait:
		s.pc[0] = gRoot
	case gSlotDead:
		if s.dead {
			s.pc[0] = gRoot
		}
	case gTopDead, gLimitDead, gNextDead:
		switch {
		case s.none:
			return "null-dereference"
		case s.dead:
			s.again = true
			s.pc[0] = gRoot
		case at == gNextDead:
			m.over(s, true)
		}
	}
	return ""
}

// counted is the machine as verify compares it.
func (m *gMachine) counted() verify.Machine[gState, string] {
	return verify.Machine[gState, string]{
		Threads: 3,
		Bound:   explore.Unbounded,
		Enabled: m.enabled,
		Rests: func(s *gState, me int) bool {
			return me == 2 && !s.running || me < 2 && s.pc[me] == gDone
		},
		Step: func(s gState, me int, next func(gState), end func(string)) {
			if how := m.step(&s, me); how != "" {
				end(how)
			} else {
				next(s)
			}
		},
		Stuck: func(_ gState, _ func(gState), end func(string)) { end("pass") },
	}
}

// TestMapsMachine compares maps-vs-munmap with the machine, as TestMachine does.
func TestMapsMachine(t *testing.T) {
	machines := map[string]gMachine{
		"6.16": {lock: true}, "7.1": {}, "m2": {twice: true}, "m3": {none: true},
	}
	agree := 0
	for _, p := range maps.Programs() {
		if p.Scenario != "maps-vs-munmap" {
			continue
		}
		m, ok := machines[p.Variant]
		if !ok {
			t.Fatalf("the machine has no variant %s", p.Variant)
		}
		first := gState{pc: [2]gPC{gRcuLock, gDownWrite}}
		if m.lock {
			first.pc[0] = gDownRead
		}
		r := verify.Explore(p, explore.Options{Bound: explore.Unbounded})
		agree += m.counted().Compare(t, r, first, func(e explore.Ending) string {
			if e.Outcome == schedule.Fail {
				return e.Kind.String()
			}
			return e.Outcome.String()
		})
	}
	t.Logf("%d numbers agree", agree)
}
