package afpacket

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// This machine is a second implementation of bind-vs-down. The hook is on the list that
// prot_hook.dev says, or on none. ptype_lock is only taken with bind_lock, so nobody waits for it.

// A dPC is the step that a thread takes next.
type dPC uint8

const (
	dEnd dPC = iota

	// bind(), and the exit
	dLockSock
	dBindLock
	dReadLock
	dFanout
	dType
	dDev
	dRunning
	dReadUnlock
	dNumZero
	dStop // __unregister_prot_hook()
	dStopFanout
	dStopType
	dStopDev
	dStopLock
	dStopFirst
	dStopDel
	dStopUnlock
	dStopPut
	dStopBindUnlock
	dSync
	dSyncEnds
	dStopBindLock
	dReadLockAgain
	dDevAgain
	dBug
	dSetNum
	dSetType
	dSetDev
	dSetIfindex
	dDevPut
	dHook // register_prot_hook()
	dHookFanout
	dHookType
	dHookDev
	dHookLock
	dHookAdd
	dHookUnlock
	dHookHold
	dHookRunning
	dReadUnlockAgain
	dBindUnlock
	dReleaseSock
	dExit

	// dev_close()
	dRtnlLock
	dFlags
	dDeactivate
	dDeactivateEnds
	dNapiDisable
	dFlagsDown
	dDownReadLock
	dDownFirst
	dDownIfindex
	dDownBindLock
	dDownIfindexLocked
	dDownRunning
	dDownStop // __unregister_prot_hook()
	dDownFanout
	dDownType
	dDownDev
	dDownLock
	dDownListFirst
	dDownDel
	dDownUnlock
	dDownPut
	dDownBindUnlock
	dDownNext
	dDownReadUnlock
	dRtnlUnlock
	dRtnlUnlockTail
)

// The threads.
const (
	dBind = iota
	dLink
	dThreads
)

// A dState is everything.
type dState struct {
	pc              [dThreads]dPC
	waits           [dThreads]bool // in synchronize_rcu(), for the other
	locked          bool           // bind_lock
	running, listed bool
	moved           bool // po->ifindex is that of all devices
}

// A dMachine is a variant.
type dMachine struct{ num, merged, asks bool }

var dMachines = map[string]dMachine{
	"4.14": {}, "4.15": {num: true}, "6.13": {num: true, merged: true},
	"6.17": {num: true, merged: true}, "7.0": {num: true, merged: true},
	"7.2": {num: true, merged: true}, "7.2-asks": {num: true, merged: true, asks: true},
}

func (s *dState) enabled(me int) bool {
	switch s.pc[me] {
	case dEnd:
		return false
	case dBindLock, dStopBindLock, dDownBindLock:
		return !s.locked
	case dSyncEnds, dDeactivateEnds:
		return !s.waits[me]
	}
	return true
}

// reads reports whether a grace period waits for a thread: in a read-side section, and where the
// flavours are merged also with a spin lock.
func (m dMachine) reads(pc dPC) bool {
	if m.merged && (pc > dBindLock && pc <= dStopBindUnlock || pc > dStopBindLock && pc <= dBindUnlock) {
		return true
	}
	return pc > dReadLock && pc <= dReadUnlock || pc > dReadLockAgain && pc <= dReadUnlockAgain ||
		pc > dDownReadLock && pc <= dDownReadUnlock
}

// step takes a step.
func (m dMachine) step(s *dState, me int) {
	other, pc := 1-me, s.pc[me]
	switch pc {
	case dBindLock, dStopBindLock, dDownBindLock:
		s.locked = true
	case dBindUnlock, dStopBindUnlock, dDownBindUnlock:
		s.locked = false
	case dSync, dDeactivate:
		s.waits[me] = m.reads(s.pc[other])
	case dStop, dDownStop:
		s.running = false
	case dStopDel, dDownDel:
		s.listed = false
	case dHookAdd:
		s.listed = true
	case dHookRunning:
		s.running = true
	case dSetIfindex:
		s.moved = true
	}
	s.pc[me] = m.next(s, pc)
	if !m.reads(s.pc[me]) {
		s.waits[other] = false
	}
}

// next is the step behind that at pc, which has been taken.
func (m dMachine) next(s *dState, pc dPC) dPC {
	switch {
	case pc == dRunning && !s.running && m.num:
		return dBug
	case pc == dRunning && !s.running, pc == dDevAgain && !m.num:
		return dSetNum
	case pc == dReadUnlock && !m.num:
		return dStop
	case pc == dHook && s.running:
		return dReadUnlockAgain
	case pc == dDownFirst && m.asks:
		return dDownBindLock
	case pc == dDownIfindex && s.moved:
		return dDownNext
	case pc == dDownBindLock && !m.asks:
		return dDownRunning
	case pc == dDownIfindexLocked && s.moved, pc == dDownRunning && !s.running:
		return dDownBindUnlock
	case pc == dExit, pc == dRtnlUnlockTail:
		return dEnd
	}
	return pc + 1
}

func (m dMachine) counted() verify.Machine[dState, schedule.Kind] {
	return verify.Machine[dState, schedule.Kind]{
		Threads: dThreads,
		Bound:   explore.Unbounded,
		Enabled: (*dState).enabled,
		Rests: func(s *dState, me int) bool {
			return s.pc[me] == dEnd || s.pc[me] == dSyncEnds || s.pc[me] == dDeactivateEnds
		},
		Step: func(s dState, me int, next func(dState), _ func(schedule.Kind)) {
			m.step(&s, me)
			next(s)
		},
		Stuck: func(s dState, _ func(dState), end func(schedule.Kind)) {
			if s.listed {
				end(schedule.NoFailure)
			} else {
				end(schedule.LostUpdate)
			}
		},
	}
}

// TestDownMachine compares bind-vs-down with the machine.
func TestDownMachine(t *testing.T) {
	compared := 0
	for _, p := range Programs() {
		if p.Scenario != "bind-vs-down" {
			continue
		}
		m, ok := dMachines[p.Variant]
		if !ok {
			t.Fatalf("the machine has no variant %s", p.Variant)
		}
		compared++
		first := dState{pc: [dThreads]dPC{dLockSock, dRtnlLock}, running: true, listed: true}
		r := verify.Explore(p, explore.Options{Bound: explore.Unbounded})
		agree := m.counted().Compare(t, r, first, func(e explore.Ending) schedule.Kind { return e.Kind })
		if agree < 19 {
			t.Errorf("%s: %d numbers agree, want more", p.Name(), agree)
		}
	}
	if compared != len(dMachines) {
		t.Errorf("%d variants compared, the machine has %d", compared, len(dMachines))
	}
}
