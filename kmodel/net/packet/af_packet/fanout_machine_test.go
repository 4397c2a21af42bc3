package afpacket

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// This machine is a second implementation of fanout-vs-fanout, as that of machine_test.go is of
// ring-vs-version. The group has another member from the start, so its hook stays on the list and
// is the first there; behind it is that of the socket, which leaves the list and does not come
// back.

// A jPC is the step that a thread takes next.
type jPC uint8

const (
	jEnd jPC = iota

	// fanout_add(): what is looked at first, by variant
	jRunning
	jFanout
	jMutex
	jFind
	jBindLock
	jRunningBound
	jType

	jUnlistType // __dev_remove_pack()
	jUnlistLock
	jUnlistFirst
	jUnlistNext
	jUnlistDel
	jUnlistUnlock
	jSetFanout
	jRefInc
	jLinkLock // __fanout_link()
	jLinkNum
	jLinkArr
	jLinkWmb
	jLinkCount
	jLinkUnlock
	jBindUnlock
	jMutexUnlock
	jMutexUnlockTail

	// The exit, and packet_release()
	jExit
	jFd
	jFdNull
	jCloseBindLock
	jCloseRunning
	jCloseStop
	jCloseFanout
	jUnlinkLock // __fanout_unlink()
	jUnlinkNum
	jUnlinkOther
	jUnlinkFound
	jUnlinkLast
	jUnlinkArr
	jUnlinkCount
	jUnlinkUnlock
	jHookPut
	jCloseBindUnlock
	jCloseRing
	jReleaseFanoutEarly // fanout_release()
	jReleaseMutex
	jReleaseFanout
	jReleaseNull
	jReleaseRef
	jReleaseUnlock
	jReleaseUnlockTail
	jSync
	jSyncEnds
	jSockPut
	jFree
	jFd1

	// A packet
	jBhOff
	jReadLock
	jFirst
	jFirstType
	jNext
	jNextType
	jNum
	jArr
	jFunc
	jQueueLock
	jQueueUnlock
	jNextNext // if the socket is on the list too
	jNextFunc
	jNextQueueLock
	jNextQueueUnlock
	jReadUnlock
	jBhOn
)

const (
	jPacket  = 2 // the threads before it join
	jThreads = 3
)

// A jState is everything. An owner is the number of a thread and 1, or 0.
type jState struct {
	pc                         [jThreads]jPC
	mutex, ptype, member, bind int8 // owners
	files, num                 int8
	listed, fanout, freed      bool
	waits                      bool // who closes the socket, for the packet
	second                     bool // the packet has found the socket on the list
	choice                     int8 // of the packet, of a member
}

// A jMachine is a variant.
type jMachine struct{ mutex, bind bool }

var jMachines = map[string]jMachine{
	"4.6": {}, "4.13": {mutex: true},
	"008ba2a": {mutex: true, bind: true}, "4.14": {mutex: true, bind: true},
}

// owner returns the lock that the step at pc takes, and gives back.
func (s *jState) owner(pc jPC) (take, give *int8) {
	switch pc {
	case jMutex, jReleaseMutex:
		return &s.mutex, nil
	case jMutexUnlock, jReleaseUnlock:
		return nil, &s.mutex
	case jUnlistLock:
		return &s.ptype, nil
	case jUnlistUnlock:
		return nil, &s.ptype
	case jLinkLock, jUnlinkLock:
		return &s.member, nil
	case jLinkUnlock, jUnlinkUnlock:
		return nil, &s.member
	case jBindLock, jCloseBindLock:
		return &s.bind, nil
	case jBindUnlock, jCloseBindUnlock:
		return nil, &s.bind
	}
	return nil, nil
}

func (s *jState) enabled(me int) bool {
	pc := s.pc[me]
	take, _ := s.owner(pc)
	return pc != jEnd && (take == nil || *take == 0) && !(pc == jSyncEnds && s.waits)
}

// step takes a step. For each choice there is it calls next or end.
func (m jMachine) step(s jState, me int, next func(jState), end func(schedule.Kind)) {
	pc := s.pc[me]
	switch take, give := s.owner(pc); {
	case take != nil:
		*take = int8(me) + 1
	case give != nil:
		*give = 0
	}
	if me != jPacket {
		s.pc[me] = m.join(&s, pc)
		next(s)
		return
	}
	if pc == jNum {
		for s.choice = range s.num {
			s.pc[me] = pc + 1
			next(s)
		}
		return
	}
	to, socket := s.packet(pc)
	if socket && s.freed {
		end(schedule.UseAfterFree)
		return
	}
	s.pc[me] = to
	next(s)
}

// join is a step of who joins. It returns the one behind.
func (m jMachine) join(s *jState, pc jPC) jPC {
	switch pc {
	case jFanout:
		switch {
		case s.fanout && m.mutex:
			return jMutexUnlock
		case s.fanout:
			return jExit
		case m.mutex:
			return jFind
		}
	case jMutex:
		switch {
		case m.bind:
			return jFanout
		case m.mutex:
			return jRunning
		}
	case jFind:
		if !m.bind {
			return jType
		}
	case jUnlistNext:
		if !s.listed {
			return jUnlistUnlock
		}
	case jUnlistDel:
		s.listed = false
	case jSetFanout:
		s.fanout = true
	case jLinkCount:
		s.num++
	case jLinkUnlock:
		if !m.bind {
			return jMutexUnlock
		}

	case jExit:
		if s.files--; s.files > 0 {
			return jEnd
		}
	case jUnlinkCount:
		s.num--
	case jCloseRing:
		if m.mutex {
			return jReleaseMutex
		}
	case jReleaseMutex:
		if !m.mutex {
			return jReleaseNull
		}
	case jSync:
		s.waits = s.pc[jPacket] > jReadLock && s.pc[jPacket] <= jReadUnlock
	case jFree:
		s.freed = true
	case jFd1:
		return jEnd
	}
	return pc + 1
}

// packet is a step of the packet. It returns the one behind, and whether the step touches the
// socket.
func (s *jState) packet(pc jPC) (to jPC, socket bool) {
	switch pc {
	case jNext:
		if s.second = s.listed; !s.second {
			return jNum, false
		}
	case jNextType, jNextNext, jNextFunc, jNextQueueLock, jNextQueueUnlock:
		return pc + 1, true
	case jFunc, jQueueLock:
		return pc + 1, s.choice > 0
	case jQueueUnlock:
		if !s.second {
			return jReadUnlock, s.choice > 0
		}
		return jNextNext, s.choice > 0
	case jReadUnlock:
		s.waits = false
	case jBhOn:
		return jEnd, false
	}
	return pc + 1, false
}

func (m jMachine) counted() verify.Machine[jState, schedule.Kind] {
	return verify.Machine[jState, schedule.Kind]{
		Threads: jThreads,
		Bound:   explore.Unbounded,
		Enabled: (*jState).enabled,
		Rests:   func(s *jState, me int) bool { return s.pc[me] == jEnd || s.pc[me] == jSyncEnds },
		Step:    m.step,
		Stuck:   func(_ jState, _ func(jState), end func(schedule.Kind)) { end(schedule.NoFailure) },
	}
}

// TestFanoutMachine compares fanout-vs-fanout with the machine.
func TestFanoutMachine(t *testing.T) {
	for _, p := range fanoutModel.Programs() {
		if p.Scenario != "fanout-vs-fanout" || testing.Short() && p.Racy() {
			continue
		}
		m, ok := jMachines[p.Variant]
		if !ok {
			t.Fatalf("the machine has no variant %s", p.Variant)
		}
		first := jState{files: 2, num: 1, listed: true}
		first.pc = [jThreads]jPC{jRunning, jRunning, jBhOff}
		if m.mutex {
			first.pc = [jThreads]jPC{jMutex, jMutex, jBhOff}
		}
		r := verify.Explore(p, explore.Options{Bound: explore.Unbounded})
		agree := m.counted().Compare(t, r, first, func(e explore.Ending) schedule.Kind { return e.Kind })
		if agree < 20 {
			t.Errorf("%s: %d numbers agree, want more", p.Name(), agree)
		}
	}
	if len(jMachines) != len(fanoutModel.Variants) {
		t.Error("a variant of the machine is none of the model")
	}
}
