package afpacket

import (
	"maps"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// This machine is a second implementation of ring-vs-up and ring-vs-open, as that of machine_test.go
// is of ring-vs-version. The socket has no group and no other to share a list with, so its hook is on
// that of the device, or not.

// An nPC is the step that a thread takes next.
type nPC uint8

const (
	nEnd nPC = iota

	// packet_set_ring(), and the exit
	nLockSock
	nRingBusy
	nRingVersion
	nBindLock
	nWasRunning
	nNum
	nNumZero
	nStop // __unregister_prot_hook()
	nStopFanout
	nStopType
	nStopDev
	nStopLock
	nStopFirst
	nStopDel
	nStopUnlock
	nStopPut
	nBindUnlock
	nNumLate
	nSync
	nSyncEnds
	nPgVecLock
	nQueueLock
	nSwapRead
	nSwapWrite
	nQueueUnlock
	nFuncRing
	nFunc
	nPgVecUnlock
	nPgVecUnlockTail
	nBindLockAgain
	nNumBack
	nIfindex
	nAskDev
	nAskFlags
	nRunning // register_prot_hook()
	nHookFanout
	nHookType
	nHookDev
	nHookLock
	nHookAdd
	nHookUnlock
	nHookHold
	nHookRunning
	nBindUnlockAgain
	nVersion
	nFree
	nReleaseSock
	nExit

	// dev_open()
	nRtnlLock
	nFlags
	nNapiEnable
	nFlagsUp
	nUpReadLock
	nUpFirst
	nUpIfindex
	nUpBindLock
	nUpNum
	nUpRunning // register_prot_hook()
	nUpFanout
	nUpType
	nUpDev
	nUpLock
	nUpAdd
	nUpUnlock
	nUpHold
	nUpSetRunning
	nUpBindUnlock
	nUpNext
	nUpReadUnlock
	nRtnlUnlock
	nRtnlUnlockTail

	// A packet
	nNapiPrep
	nBhOff
	nReadLock
	nBaseFirst
	nFirst
	nType
	nNext
	nCall
	nRcvLock // packet_rcv()
	nRcvUnlock
	nTpLock // tpacket_rcv()
	nTpVersion
	nTpRing
	nTpNull
	nTpStatus
	nTpUnlock
	nTpCopy
	nReadUnlock
	nNapiComplete
	nBhOn
)

// The threads.
const (
	nRing = iota
	nLink
	nPacket
	nThreads
)

// An nState is everything. An owner is the number of a thread and 1, or 0.
type nState struct {
	pc                         [nThreads]nPC
	bind, queue, ptype         int8  // owners
	waits                      uint8 // who sets the ring, for these threads
	was                        bool
	running, listed, num, zero bool // zero: nRing has seen num as 0, and so puts back that
	gone, freed, tpacket       bool // of the ring; the hook is tpacket_rcv()
	napi, up                   bool
	on                         bool // the ring is set up, and not taken away
}

// An nMachine is a variant.
type nMachine struct{ merged, num, late, gone, asks bool }

var nMachines = map[string]nMachine{
	"4.14": {}, "4.15": {}, "6.13": {merged: true}, "01d3c84-late": {merged: true, late: true},
	"6.17": {merged: true, num: true}, "7.0": {merged: true, num: true},
	"7.2":      {merged: true, num: true, gone: true},
	"7.2-asks": {merged: true, num: true, gone: true, asks: true},
}

// owner returns the lock that the step at pc takes, and gives back. For others nobody else comes.
func (s *nState) owner(pc nPC) (take, give *int8) {
	switch pc {
	case nBindLock, nBindLockAgain, nUpBindLock:
		return &s.bind, nil
	case nBindUnlock, nBindUnlockAgain, nUpBindUnlock:
		return nil, &s.bind
	case nStopLock, nHookLock, nUpLock:
		return &s.ptype, nil
	case nStopUnlock, nHookUnlock, nUpUnlock:
		return nil, &s.ptype
	case nQueueLock, nRcvLock, nTpLock:
		return &s.queue, nil
	case nQueueUnlock, nRcvUnlock, nTpUnlock:
		return nil, &s.queue
	}
	return nil, nil
}

func (s *nState) enabled(me int) bool {
	pc := s.pc[me]
	take, _ := s.owner(pc)
	return pc != nEnd && (take == nil || *take == 0) && !(pc == nSyncEnds && s.waits != 0)
}

// reads reports whether a grace period waits for who is at pc: in a read-side section, and where
// the flavours are merged also with softirqs off. Who has a lock is in such a section, or waits.
func (m nMachine) reads(pc nPC) bool {
	return pc > nUpReadLock && pc <= nUpReadUnlock || pc > nReadLock && pc <= nReadUnlock ||
		m.merged && pc > nBhOff && pc <= nBhOn
}

// readers returns who those are.
func (m nMachine) readers(s *nState) (set uint8) {
	for _, who := range []int{nLink, nPacket} {
		if m.reads(s.pc[who]) {
			set |= 1 << who
		}
	}
	return set
}

// step takes a step, and returns how it fails.
func (m nMachine) step(s *nState, me int) schedule.Kind {
	pc := s.pc[me]
	switch take, give := s.owner(pc); {
	case take != nil:
		*take = int8(me) + 1
	case give != nil:
		*give = 0
	}
	switch {
	case pc == nTpNull:
		return schedule.NullDereference
	case (pc == nTpStatus || pc == nTpCopy) && s.freed:
		return schedule.UseAfterFree
	}
	switch me {
	case nRing:
		s.pc[me] = m.ring(s, pc)
	case nLink:
		s.pc[me] = m.link(s, pc)
	default:
		s.pc[me] = s.packet(pc)
	}
	if !m.reads(s.pc[me]) {
		s.waits &^= 1 << me
	}
	return schedule.NoFailure
}

// ring is a step of packet_set_ring(). It returns the one behind.
func (m nMachine) ring(s *nState, pc nPC) nPC {
	switch pc {
	case nLockSock:
		if !s.on {
			return nBindLock
		}
	case nWasRunning:
		s.was = s.running
	case nNum:
		s.zero = !s.num
		if !s.was && !m.num {
			return nBindUnlock
		}
	case nNumZero:
		if s.num = false; !s.was {
			return nBindUnlock
		}
	case nStop:
		s.running = false
	case nStopDel:
		s.listed = false
	case nBindUnlock:
		if !m.late {
			return nSync
		}
	case nNumLate:
		s.num = false
	case nSync:
		s.waits = m.readers(s)
	case nSwapWrite:
		s.gone = !s.on
	case nFunc:
		s.tpacket = s.on
	case nBindLockAgain:
		if !s.was && !m.num && !m.late {
			return nBindUnlockAgain
		}
	case nNumBack:
		switch s.num = !s.zero; {
		case m.asks:
			return nIfindex
		case !s.was:
			return nBindUnlockAgain
		case !m.gone:
			return nRunning
		}
	case nIfindex:
		if !m.asks {
			return nRunning
		}
	case nAskFlags:
		if !s.up {
			return nBindUnlockAgain
		}
	case nRunning:
		if s.running {
			return nBindUnlockAgain
		}
	case nHookAdd:
		s.listed = true
	case nHookRunning:
		s.running = true
	case nBindUnlockAgain:
		if s.on {
			return nReleaseSock
		}
	case nFree:
		s.freed = true
	case nExit:
		return nEnd
	}
	return pc + 1
}

// link is a step of dev_open().
func (m nMachine) link(s *nState, pc nPC) nPC {
	switch pc {
	case nNapiEnable:
		s.napi = true
	case nFlagsUp:
		s.up = true
	case nUpFirst:
		if m.asks {
			return nUpBindLock
		}
	case nUpBindLock:
		if m.asks {
			return nUpIfindex
		}
		return nUpNum
	case nUpIfindex:
		if m.asks {
			return nUpNum
		}
	case nUpNum:
		if !s.num {
			return nUpBindUnlock
		}
	case nUpRunning:
		if s.running {
			return nUpBindUnlock
		}
	case nUpAdd:
		s.listed = true
	case nUpSetRunning:
		s.running = true
	case nRtnlUnlockTail:
		return nEnd
	}
	return pc + 1
}

// packet is a step of the packet.
func (s *nState) packet(pc nPC) nPC {
	switch pc {
	case nNapiPrep:
		if !s.napi {
			return nEnd
		}
	case nFirst:
		if !s.listed {
			return nReadUnlock
		}
	case nCall:
		if s.tpacket {
			return nTpLock
		}
	case nRcvUnlock, nTpCopy:
		return nReadUnlock
	case nTpRing:
		if !s.gone {
			return nTpStatus
		}
	case nBhOn:
		return nEnd
	}
	return pc + 1
}

func (m nMachine) counted() verify.Machine[nState, schedule.Kind] {
	return verify.Machine[nState, schedule.Kind]{
		Threads: nThreads,
		Bound:   explore.Unbounded,
		Enabled: (*nState).enabled,
		Rests:   func(s *nState, me int) bool { return s.pc[me] == nEnd || s.pc[me] == nSyncEnds },
		Step: func(s nState, me int, next func(nState), end func(schedule.Kind)) {
			if kind := m.step(&s, me); kind != schedule.NoFailure {
				end(kind)
			} else {
				next(s)
			}
		},
		Stuck: func(s nState, _ func(nState), end func(schedule.Kind)) {
			if s.on && !s.listed {
				end(schedule.LostUpdate)
			} else {
				end(schedule.NoFailure)
			}
		},
	}
}

// nStarts is how each scenario begins.
var nStarts = map[string]nState{
	"ring-vs-up":   {pc: [nThreads]nPC{nLockSock, nRtnlLock, nNapiPrep}, num: true, tpacket: true},
	"ring-vs-open": {pc: [nThreads]nPC{nLockSock, nRtnlLock, nEnd}, num: true, on: true},
}

// TestNotifierMachine compares ring-vs-up and ring-vs-open with the machine.
func TestNotifierMachine(t *testing.T) {
	compared := map[string]int{}
	for _, p := range Programs() {
		first, ok := nStarts[p.Scenario]
		if !ok {
			continue
		}
		m, ok := nMachines[p.Variant]
		if !ok {
			t.Fatalf("the machine has no variant %s", p.Variant)
		}
		compared[p.Scenario]++
		r := verify.Explore(p, explore.Options{Bound: explore.Unbounded})
		agree := m.counted().Compare(t, r, first, func(e explore.Ending) schedule.Kind { return e.Kind })
		if agree < 20 {
			t.Errorf("%s: %d numbers agree, want more", p.Name(), agree)
		}
	}
	// The mutant is in the first only.
	want := map[string]int{"ring-vs-up": len(nMachines), "ring-vs-open": len(nMachines) - 1}
	if !maps.Equal(compared, want) {
		t.Errorf("compared %v variants, want %v", compared, want)
	}
}
