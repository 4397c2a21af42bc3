package fsselect

import (
	"context"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// The machine is poll() of a pipe against what fills it once more, written from the kernel's code
// (fs/select.c, fs/pipe.c, fs/splice.c and include/linux/poll.h of 6.13): words, of which each CPU
// has a queue of stores that are not in memory yet, a program counter for each thread, and a switch
// that says what the step at each of them does. It has nothing in common with the model but what a
// step is.

// The words. Of the list of those who wait there is whether it has the one who polls.
const (
	wPollUsage = iota
	wHead
	wTail
	wQueued
	wTriggered
	wQueueLock // 0: free
	wPipeLock
	wSleeping // TASK_INTERRUPTIBLE
	numWords
)

// The threads, and what writes the stores of each to memory.
const (
	mPoll = iota
	mFill
	mDrainPoll
	mDrainFill
	mThreads
)

// An mPC is the step that a thread takes next.
type mPC uint8

const (
	atRest mPC = iota

	atPollUsage
	atLockQueue // add_wait_queue
	atAdd
	atUnlockQueue
	atPollBarrier
	atReadHead
	atReadTail
	atSetSleeping
	atReadTriggered
	atSchedule
	atSetRunning
	atClearTriggered
	atStoreBarrier
	atLockToLeave // remove_wait_queue
	atDel
	atUnlockAndLeave

	atLockPipe
	atFillHead
	atFillTail
	atWriteHead
	atUnlockPipe
	atUnlockPipeTail
	atWakeBarrier
	atActive
	atLockToWake
	atFirst
	atNext
	atWakeWmb
	atSetTriggered
	atWakeUp
	atUnlockWoken
)

// An mStore is a store that waits, or nothing.
type mStore struct{ word, value int8 }

// An mState is everything.
type mState struct {
	pc      [mThreads]mPC
	memory  [numWords]int8
	waiting [2][4]mStore // of each CPU, the oldest first; the word is one higher
	head    [2]int8      // that a thread has read
	first   bool         // who polls has not looked before
	woken   bool
	signal  bool // nothing else can happen any more
}

// A machine is what never changes.
type machine struct {
	buffers bool // stores wait
	barrier bool // at the end of poll_wait()
	write   bool // the other calls write(), or else vmsplice()
}

func (m *machine) initial() mState {
	s := mState{first: true}
	s.pc[mPoll], s.pc[mFill] = atPollUsage, atLockPipe
	return s
}

// empty reports whether no store of a CPU waits.
func (s *mState) empty(cpu int) bool { return s.waiting[cpu][0].word == 0 }

func (s *mState) load(cpu int, word int8) int8 {
	v := s.memory[word]
	for _, w := range s.waiting[cpu] {
		if w.word == word+1 {
			v = w.value
		}
	}
	return v
}

func (m *machine) store(s *mState, cpu int, word, v int8) {
	if !m.buffers {
		s.memory[word] = v
		return
	}
	for i := range s.waiting[cpu] {
		if s.waiting[cpu][i].word == 0 {
			s.waiting[cpu][i] = mStore{word + 1, v}
			return
		}
	}
	panic("more stores wait than the machine has room for")
}

// drain writes the oldest store to memory.
func (s *mState) drain(cpu int) {
	q := &s.waiting[cpu]
	s.memory[q[0].word-1] = q[0].value
	copy(q[:], q[1:])
	q[len(q)-1] = mStore{}
}

// set stores as a locked instruction, which no store waits behind.
func (s *mState) set(cpu int, word, v int8) {
	for !s.empty(cpu) {
		s.drain(cpu)
	}
	s.memory[word] = v
}

// enabled reports whether a thread could take its step.
func (m *machine) enabled(s *mState, me int) bool {
	switch s.pc[me] {
	case atRest:
		return me >= mDrainPoll && !s.empty(me-mDrainPoll)
	case atLockQueue, atLockToLeave, atLockToWake:
		return s.empty(me) && s.memory[wQueueLock] == 0
	case atLockPipe:
		return s.empty(me) && s.memory[wPipeLock] == 0
	case atPollBarrier, atStoreBarrier, atWakeBarrier, atWakeUp:
		return s.empty(me)
	case atSchedule:
		return s.empty(me) && (s.memory[wSleeping] == 0 || s.signal)
	}
	return true
}

// step has a thread take its step. It returns the kind of failure.
func (m *machine) step(s *mState, me int) string {
	switch me {
	case mPoll:
		return m.pollStep(s)
	case mFill:
		m.fillStep(s)
	default:
		s.drain(me - mDrainPoll)
	}
	return ""
}

// pollStep is do_poll() of the end of the pipe that is read from, and poll_freewait().
func (m *machine) pollStep(s *mState) (failure string) {
	pc := &s.pc[mPoll]
	at := *pc
	*pc = at + 1
	switch at {
	case atPollUsage:
		m.store(s, mPoll, wPollUsage, 1)
		if !s.first { // its _qproc is NULL
			*pc = atReadHead
		}
		s.first = false
	case atLockQueue, atLockToLeave:
		s.memory[wQueueLock] = 1
	case atAdd:
		m.store(s, mPoll, wQueued, 1)
	case atUnlockQueue:
		m.store(s, mPoll, wQueueLock, 0)
		if !m.barrier {
			*pc = atReadHead
		}
	case atReadHead:
		s.head[mPoll] = s.load(mPoll, wHead)
	case atReadTail:
		if s.load(mPoll, wTail) != s.head[mPoll] {
			*pc = atLockToLeave
		}
	case atSetSleeping:
		s.set(mPoll, wSleeping, 1)
	case atReadTriggered:
		if s.woken = true; s.load(mPoll, wTriggered) != 0 {
			*pc = atSetRunning
		}
	case atSchedule:
		s.woken = s.memory[wSleeping] == 0
		s.memory[wSleeping] = 0
		if !s.woken && s.memory[wHead] != s.memory[wTail] {
			return "lost-update"
		}
	case atSetRunning:
		s.set(mPoll, wSleeping, 0)
	case atClearTriggered:
		m.store(s, mPoll, wTriggered, 0)
	case atStoreBarrier:
		if s.woken {
			*pc = atPollUsage
		}
	case atDel:
		m.store(s, mPoll, wQueued, 0)
	case atUnlockAndLeave:
		m.store(s, mPoll, wQueueLock, 0)
		*pc = atRest
	}
	return ""
}

// fillStep is vmsplice_to_pipe() with wakeup_pipe_readers(), or pipe_write(). That the pipe was
// empty write() knows, and so wakes whoever there is.
func (m *machine) fillStep(s *mState) {
	pc := &s.pc[mFill]
	at := *pc
	*pc = at + 1
	switch at {
	case atLockPipe:
		s.memory[wPipeLock] = 1
	case atFillHead:
		s.head[mFill] = s.load(mFill, wHead)
	case atWriteHead:
		m.store(s, mFill, wHead, s.head[mFill]+1)
	case atUnlockPipe:
		s.set(mFill, wPipeLock, 0)
	case atUnlockPipeTail:
		if m.write {
			*pc = atLockToWake
		}
	case atActive:
		if s.load(mFill, wQueued) == 0 {
			*pc = atRest
		}
	case atLockToWake:
		s.memory[wQueueLock] = 1
	case atFirst:
		if s.load(mFill, wQueued) == 0 {
			*pc = atUnlockWoken
		}
	case atSetTriggered:
		m.store(s, mFill, wTriggered, 1)
	case atWakeUp:
		s.memory[wSleeping] = 0
	case atUnlockWoken:
		m.store(s, mFill, wQueueLock, 0)
		*pc = atRest
	}
}

// counted is the machine as verify compares it.
func (m *machine) counted() verify.Machine[mState, string] {
	return verify.Machine[mState, string]{
		Threads: mThreads,
		Bound:   explore.Unbounded,
		Enabled: m.enabled,
		Rests:   func(s *mState, me int) bool { return s.pc[me] == atRest },
		Step: func(s mState, me int, next func(mState), end func(string)) {
			if kind := m.step(&s, me); kind != "" {
				end(kind)
			} else {
				next(s)
			}
		},
		Stuck: func(s mState, next func(mState), end func(string)) {
			switch {
			case s.pc[mPoll] == atSchedule && !s.signal:
				s.signal = true
				next(s)
			case s.pc == [mThreads]mPC{}:
				end("pass")
			default:
				end("deadlock")
			}
		},
	}
}

// TestMachine compares all fixed programs with the machine: how they end, and the number of their
// executions with any number of preemptions.
func TestMachine(t *testing.T) {
	agree := 0
	for _, p := range Programs() {
		if p.Workload {
			continue
		}
		name, order := program.CutOrder(p.Variant)
		m := machine{
			buffers: order == program.TSO, barrier: name == "6.13", write: p.Scenario == "poll-vs-write",
		}
		r := explore.Last(explore.Exhaust(context.Background(), p.Schedule(),
			explore.Options{Bound: explore.Unbounded}))
		agree += m.counted().Compare(t, r, m.initial(), func(e explore.Ending) string {
			if e.Outcome == schedule.Fail {
				return e.Kind.String()
			}
			return e.Outcome.String()
		})
	}
	t.Logf("%d numbers agree", agree)
}
