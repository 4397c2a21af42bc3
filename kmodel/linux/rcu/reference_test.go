package rcu_test

import (
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The reference is RCU once more, in all its flavours, as plain as can be: an interpreter of
// short programs, which shares nothing with the package. What a grace period waits for it finds
// out anew after each step, by looking at what all threads are in. The programs, and what is
// compared, are in reference_model_test.go.

// A refCode is an instruction of the reference.
type refCode uint8

const (
	refReadLock refCode = iota
	refReadUnlock
	refPreemptOff
	refPreemptOn
	refRead
	refWrite
	refMutexLock
	refMutexUnlock
	refMutexTail
	refSync
	refSyncEnd
	refCall
	refCallSched
	refBarrier
	refBarrierEnd
	refMaySleep // this, and what comes after it, are no steps
	refForget
)

// A refInstr is an instruction with the word or the rcu_head that it is about.
type refInstr struct {
	code refCode
	arg  uint8
}

// refOps are what random programs are made of.
var refOps = [][]refCode{
	{refReadLock, refRead, refReadUnlock},
	{refPreemptOff, refRead, refPreemptOn},
	{refReadLock, refPreemptOff, refReadUnlock, refRead, refPreemptOn},
	{refRead},
	{refWrite},
	{refMaySleep, refSync, refMaySleep, refSyncEnd},
	{refCall},
	{refCallSched},
	{refMaySleep, refBarrier, refMaySleep, refBarrierEnd},
	{refMaySleep, refMutexLock, refRead, refMutexUnlock, refMutexTail},
	{refMaySleep}, // cond_resched()
	{refForget},
}

const (
	refThreads = 3
	refSoftirq = refThreads // its number
)

// A refThread is where a thread stands and what it is in.
type refThread struct {
	pc           uint8
	nest, atomic int8
	kernel       bool   // it has taken a step since it could last leave its CPU
	queued, runs uint8  // what rcu_barrier() waits for: rcu_heads, and whether one that runs
	sync         uint8  // threads that synchronize_rcu() waits for
	log          uint32 // what it has read
}

// A refHead is an rcu_head.
type refHead struct {
	queued, sched bool
	cpu, place    uint8
	wait          uint8 // threads
}

type refState struct {
	th      [refThreads + 1]refThread
	heads   [2]refHead
	words   [2]uint8
	mutex   bool
	running uint8 // the rcu_head whose callback runs, + 1
	sched   bool  // it is one of call_rcu_sched()
}

// A reference is a program for the interpreter.
type reference struct {
	flavours rcu.Flavours
	code     [][]refInstr
}

// readers returns the threads that a grace period would wait for that began now.
func (p *reference) readers(s *refState, sched bool) (set uint8) {
	for i, th := range s.th {
		in := false
		switch p.flavours {
		case rcu.Split:
			in = sched && th.atomic > 0 || !sched && th.nest > 0
		case rcu.Merged:
			in = th.atomic > 0 || th.nest > 0
		case rcu.NonPreemptible:
			in = th.kernel
		}
		if in {
			set |= 1 << i
		}
	}
	return set
}

// at returns the instruction that a thread is before, false if it has finished.
func (p *reference) at(s *refState, me int) (refInstr, bool) {
	if me >= len(p.code) || int(s.th[me].pc) == len(p.code[me]) {
		return refInstr{}, false
	}
	return p.code[me][s.th[me].pc], true
}

// arrive has a thread run on to its next step, and grace periods notice who is a reader no more.
func (p *reference) arrive(s *refState, me int) {
	th := &s.th[me]
	for {
		in, more := p.at(s, me)
		if !more && (me != refSoftirq || s.running == 0) {
			th.kernel = false
		}
		if !more || in.code < refMaySleep {
			break
		}
		th.kernel = false
		th.pc++
	}
	for i := range s.heads {
		s.heads[i].wait &= p.readers(s, s.heads[i].sched)
	}
	for i := range s.th {
		s.th[i].sync &= p.readers(s, false)
	}
}

// enabled reports whether a thread could take its step.
func (p *reference) enabled(s *refState, me int) bool {
	in, more := p.at(s, me)
	th := &s.th[me]
	switch {
	case !more:
		return false
	case in.code == refMutexLock:
		return !s.mutex
	case in.code == refSyncEnd:
		return th.sync == 0
	case in.code == refBarrierEnd:
		return th.queued|th.runs == 0
	}
	return true
}

// step is the step of a thread. It returns how it fails, or nothing.
func (p *reference) step(s *refState, me int) string {
	in, _ := p.at(s, me)
	th := &s.th[me]
	th.kernel = true
	th.pc++
	switch in.code {
	case refReadLock:
		th.nest++
	case refReadUnlock:
		th.nest--
	case refPreemptOff:
		th.atomic++
	case refPreemptOn:
		th.atomic--
	case refRead:
		th.log = th.log*8 + uint32(s.words[in.arg])
	case refWrite:
		s.words[in.arg] = uint8(me) + 1
	case refMutexLock, refMutexUnlock:
		s.mutex = in.code == refMutexLock
	case refSync:
		th.sync = p.readers(s, false)
	case refCall, refCallSched:
		return p.call(s, me, int(in.arg), in.code == refCallSched)
	case refBarrier:
		for i, h := range s.heads {
			if h.queued && (!h.sched || p.flavours != rcu.Split) {
				th.queued |= 1 << i
			}
		}
		if s.running > 0 && (!s.sched || p.flavours != rcu.Split) {
			th.runs = 1
		}
	}
	return ""
}

func (p *reference) call(s *refState, me, i int, sched bool) string {
	if s.heads[i].queued {
		return schedule.LockRule.String()
	}
	s.heads[i] = refHead{true, sched, uint8(me), 0, p.readers(s, sched)}
	if other := s.heads[1-i]; other.queued {
		s.heads[i].place = other.place + 1
	}
	return ""
}

// ready reports whether the callback of an rcu_head may begin.
func (p *reference) ready(s *refState, i int) bool {
	h, other := s.heads[i], s.heads[1-i]
	behind := other.queued && other.cpu == h.cpu && other.place < h.place &&
		(other.sched == h.sched || p.flavours != rcu.Split)
	return s.running == 0 && h.queued && h.wait == 0 && !behind
}

// begin begins a callback.
func (p *reference) begin(s *refState, i int) {
	s.running, s.sched = uint8(i)+1, s.heads[i].sched
	s.heads[i] = refHead{}
	s.th[refSoftirq].atomic, s.th[refSoftirq].kernel = 1, true
	for me := range s.th {
		th := &s.th[me]
		th.runs = th.queued >> i & 1
		th.queued &^= 1 << i
	}
}

// end is the only other step of a callback.
func (p *reference) end(s *refState) {
	i := s.running - 1
	s.words[i] = 5
	s.running, s.th[refSoftirq].atomic = 0, 0
	for me := range s.th {
		s.th[me].runs = 0
	}
}

// next calls f with every state that may follow, or how it fails.
func (p *reference) next(s refState, f func(s refState, failure string)) {
	take := func(me int, step func(s *refState) string) {
		then := s
		failure := step(&then)
		p.arrive(&then, me)
		f(then, failure)
	}
	for me := range p.code {
		if p.enabled(&s, me) {
			take(me, func(s *refState) string { return p.step(s, me) })
		}
	}
	for i := range s.heads {
		if p.ready(&s, i) {
			take(refSoftirq, func(s *refState) string { p.begin(s, i); return "" })
		}
	}
	if s.running > 0 {
		take(refSoftirq, func(s *refState) string { p.end(s); return "" })
	}
}

// count returns how many executions end how.
func (p *reference) count() map[string]uint64 {
	endings := map[string]uint64{}
	var start refState
	for me := range p.code {
		p.arrive(&start, me)
	}
	for layer := map[refState]uint64{start: 1}; len(layer) > 0; {
		then := map[refState]uint64{}
		for s, n := range layer {
			stuck := true
			p.next(s, func(s refState, failure string) {
				stuck = false
				if failure != "" {
					endings[failure] += n
				} else {
					then[s] += n
				}
			})
			if stuck {
				endings[s.ending()] += n
			}
		}
		layer = then
	}
	return endings
}

// ending is what the threads have read, and what is in memory.
func (s *refState) ending() string {
	var logs [refThreads]uint32
	for i := range logs {
		logs[i] = s.th[i].log
	}
	return fmt.Sprint(logs, s.words)
}
