package wait_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// A waitQueue is a wait queue as threads use it.
type waitQueue interface {
	prepare(t *schedule.Thread, state wait.State, exclusive bool)
	prepareEvent(t *schedule.Thread, state wait.State, exclusive bool) bool
	finish(t *schedule.Thread)
	abort(t *schedule.Thread)
	add(t *schedule.Thread, exclusive bool)
	remove(t *schedule.Thread)
	wakeUp(t *schedule.Thread, nr int)
	active(t *schedule.Thread) bool
}

// short is a Queue, most of whose operations are one step.
type short struct{ wait.Queue }

func (q *short) prepare(t *schedule.Thread, state wait.State, exclusive bool) {
	if exclusive {
		q.PrepareToWaitExclusive(t, state)
	} else {
		q.PrepareToWait(t, state)
	}
}

func (q *short) prepareEvent(t *schedule.Thread, state wait.State, exclusive bool) bool {
	return q.PrepareToWaitEvent(t, state, exclusive)
}
func (q *short) finish(t *schedule.Thread) { q.FinishWait(t) }
func (q *short) abort(t *schedule.Thread)  { q.AbortExclusiveWait(t) }
func (q *short) add(t *schedule.Thread, exclusive bool) {
	if exclusive {
		q.AddWaitQueueExclusive(t)
	} else {
		q.AddWaitQueue(t)
	}
}
func (q *short) remove(t *schedule.Thread)         { q.RemoveWaitQueue(t) }
func (q *short) wakeUp(t *schedule.Thread, nr int) { q.WakeUpNr(t, nr) }
func (q *short) active(t *schedule.Thread) bool    { return q.Active(t) }

// long is the same as kernel/sched/wait.c has it, access by access: a lock, a list, and an
// entry for each thread. It is as plain as can be, and shares with short what is in task.go.
type long struct {
	wait.Head[*sleeper]
	sleepers *[2 * maxSleepers]sleeper // for each thread one that is autoremoved, and one that stays
}

// A sleeper is the wait_queue_entry on the stack of a thread.
type sleeper struct {
	schedule.Object
	entry  wait.Entry[*sleeper]
	thread *schedule.Thread
	stays  bool // default_wake_function(), not autoremove_wake_function()
}

const maxSleepers = 3

func (s *sleeper) WaitEntry() *wait.Entry[*sleeper] { return &s.entry }

// wake is the wake function. The key is the mode.
func (s *sleeper) wake(t *schedule.Thread, key int) int {
	ret := wait.DefaultWakeFunction(t, s.thread, wait.State(key))
	if ret != 0 && !s.stays {
		wait.DelInit(t, s)
	}
	return ret
}

// mine returns an entry of t.
func (q *long) mine(t *schedule.Thread, stays bool) *sleeper {
	s := &q.sleepers[2*t.ID]
	if stays {
		s = &q.sleepers[2*t.ID+1]
	}
	s.thread, s.stays = t, stays
	return s
}

func (q *long) prepare(t *schedule.Thread, state wait.State, exclusive bool) {
	s := q.mine(t, false)
	q.Lock.LockIrq(t)
	if s.entry.Empty(t) {
		q.queue(t, s, exclusive)
	}
	wait.SetCurrentState(t, state)
	q.Lock.UnlockIrq(t)
}

// queue adds what Add and the like do, by who has the lock.
func (q *long) queue(t *schedule.Thread, s *sleeper, exclusive bool) {
	if exclusive {
		q.AddTailExclusiveLocked(t, s)
	} else {
		q.AddLocked(t, s)
	}
}

func (q *long) prepareEvent(t *schedule.Thread, state wait.State, exclusive bool) bool {
	s := q.mine(t, false)
	q.Lock.LockIrq(t)
	pending := state == wait.TaskInterruptible && wait.SignalPending(t)
	if pending {
		if !s.entry.Empty(t) {
			wait.DelInit(t, s)
		}
	} else {
		if s.entry.Empty(t) {
			q.queue(t, s, exclusive)
		}
		wait.SetCurrentState(t, state)
	}
	q.Lock.UnlockIrq(t)
	return !pending
}

func (q *long) finish(t *schedule.Thread) {
	s := q.mine(t, false)
	wait.SetCurrentState(t, wait.TaskRunning)
	if !s.entry.Empty(t) { // list_empty_careful
		q.Lock.LockIrq(t)
		wait.DelInit(t, s)
		q.Lock.UnlockIrq(t)
	}
}

func (q *long) abort(t *schedule.Thread) {
	s := q.mine(t, false)
	wait.SetCurrentState(t, wait.TaskRunning)
	q.Lock.LockIrq(t)
	if !s.entry.Empty(t) {
		wait.DelInit(t, s)
	} else if q.Active(t) {
		q.WakeUpLocked(t, 1, int(wait.TaskInterruptible))
	}
	q.Lock.UnlockIrq(t)
}

func (q *long) add(t *schedule.Thread, exclusive bool) {
	s := q.mine(t, true)
	if exclusive {
		q.AddWaitQueueExclusive(t, s)
	} else {
		q.AddWaitQueue(t, s)
	}
}

func (q *long) remove(t *schedule.Thread) { q.RemoveWaitQueue(t, q.mine(t, true)) }
func (q *long) wakeUp(t *schedule.Thread, nr int) {
	q.WakeUpNr(t, nr, int(wait.TaskNormal))
}
func (q *long) active(t *schedule.Thread) bool { return q.Active(t) }

// A pool is what the threads of a random program share.
type pool struct {
	schedule.Object
	short short
	long  long
	x     mem.Int
	seen  [maxSleepers]schedule.Cell // what each has got to know

	q       waitQueue
	threads [maxSleepers]*schedule.Thread
	n       int
}

// note remembers what a thread has got to know. Nobody looks at it before the end.
func (p *pool) note(t *schedule.Thread, v bool) {
	c := &p.seen[t.ID]
	c.Set(c.Value()<<2 | 2)
	if v {
		c.Set(c.Value() | 1)
	}
}

func (p *pool) set(t *schedule.Thread) bool { return p.x.ReadOnce(t) != 0 }

// do performs one of the operations that waiters and wakers are made of.
func (p *pool) do(t *schedule.Thread, code int) {
	switch code {
	case 0, 1: // wait_event, exclusive or not
		for {
			p.q.prepare(t, wait.TaskUninterruptible, code == 1)
			if p.set(t) {
				break
			}
			wait.Schedule(t)
		}
		p.q.finish(t)
	case 2, 3: // wait_event_interruptible, as in 4.9
		p.note(t, p.interruptible(t, code == 3))
	case 4: // as before
		p.note(t, p.abortable(t))
	case 5, 6:
		p.q.add(t, code == 6)
		for {
			wait.SetCurrentState(t, wait.TaskInterruptible)
			if p.set(t) || !wait.Schedule(t) {
				break
			}
		}
		wait.SetCurrentState(t, wait.TaskRunning)
		p.q.remove(t)
	case 7, 8: // one sleep for nothing; if somebody is there
		if code == 8 && !p.q.active(t) {
			break
		}
		p.q.prepare(t, wait.TaskInterruptible, true)
		p.note(t, wait.Schedule(t))
		p.q.finish(t)
	case firstWaker, firstWaker + 1, firstWaker + 2:
		p.x.WriteOnce(t, 1)
		p.q.wakeUp(t, []int{1, 2, 0}[code-firstWaker])
	case firstWaker + 3:
		p.q.wakeUp(t, 1)
	case firstWaker + 4:
		wait.SendSignal(t, p.threads[(t.ID+1)%p.n])
	case firstWaker + 5:
		p.x.WriteOnce(t, 0)
	case firstWaker + 6:
		active := p.q.active(t)
		p.note(t, active)
		if active {
			p.q.wakeUp(t, 0)
		}
	}
}

func (p *pool) interruptible(t *schedule.Thread, exclusive bool) bool {
	for {
		sleeps := p.q.prepareEvent(t, wait.TaskInterruptible, exclusive)
		switch {
		case p.set(t):
			p.q.finish(t)
			return true
		case !sleeps:
			return false
		}
		wait.Schedule(t)
	}
}

func (p *pool) abortable(t *schedule.Thread) bool {
	for {
		p.q.prepare(t, wait.TaskInterruptible, true)
		if p.set(t) {
			p.q.finish(t)
			return true
		}
		if wait.SignalPending(t) {
			p.q.abort(t)
			return false
		}
		wait.Schedule(t)
	}
}

const (
	firstWaker = 9
	numCodes   = 16
)

// random returns a program of two or three threads with one or two random operations, over
// either wait queue. All begin by waiting but the last, which never does.
func random(seed uint64, steps bool) schedule.Program {
	return schedule.Program{Name: fmt.Sprint("random ", seed), New: func() func(*schedule.Exec) {
		rng := rand.New(rand.NewPCG(seed, 9))
		p := new(pool)
		p.Bind(p, "pool")
		sleepers := new([2 * maxSleepers]sleeper)
		for i := range sleepers {
			s := &sleepers[i]
			s.Bind(s, fmt.Sprint("sleeper", i))
			s.entry.InitFunc(s.wake)
		}
		p.long.sleepers = sleepers
		if p.q = &p.short; steps {
			p.q = &p.long
		}
		p.n = 2 + min(rng.IntN(4), 1)
		bodies := make([]func(*schedule.Thread), p.n)
		for i := range bodies {
			var codes []int
			if i < p.n-1 {
				codes = append(codes, rng.IntN(firstWaker))
				if p.n == 2 {
					codes = append(codes, rng.IntN(numCodes))
				}
			} else {
				for range 1 + rng.IntN(2) {
					codes = append(codes, firstWaker+rng.IntN(numCodes-firstWaker))
				}
			}
			bodies[i] = func(t *schedule.Thread) {
				for _, code := range codes {
					p.do(t, code)
					p.note(t, t.Interrupted())
				}
			}
		}
		atEnd := func(e *schedule.Exec) {
			e.FailAtEnd(schedule.LostUpdate, nil, schedule.Party{}, p.outcome())
		}
		return func(e *schedule.Exec) {
			e.Static(&p.Object, 0)
			for i := range sleepers {
				e.Static(&sleepers[i].Object, 0)
			}
			for i, body := range bodies {
				p.threads[i] = e.Go("t", body)
			}
			e.AtEnd(atEnd)
		}
	}}
}

// outcome is what the threads have got to know.
func (p *pool) outcome() string {
	out := fmt.Sprint(p.x.Peek())
	for i := range p.seen {
		out += fmt.Sprintf(" %b", p.seen[i].Value())
	}
	return out
}

// outcomes returns how the executions of a program end.
func outcomes(p schedule.Program) []string {
	set := map[string]bool{}
	opt := explore.Options{Bound: explore.Unbounded}
	rep := explore.Last(explore.Exhaust(context.Background(), p, opt))
	for _, end := range rep.Endings {
		set[fmt.Sprint(end.Outcome, end.Reason, " ", end.Kind, end.Thread, " ", end.Note)] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// compare compares how a program ends over either queue, and returns in how many ways.
func compare(t *testing.T, seed uint64) int {
	p := random(seed, false)
	got, want := outcomes(p), outcomes(random(seed, true))
	if !slices.Equal(got, want) {
		t.Errorf("%s ends in %q, and step by step in %q", p.Name, got, want)
	}
	return len(got)
}

// FuzzSteps is TestSteps with other programs.
func FuzzSteps(f *testing.F) {
	f.Add(uint64(0))
	f.Fuzz(func(t *testing.T, seed uint64) { compare(t, seed) })
}

// TestSteps: a Queue, whose operations are a step each, ends in the same ways as one where each
// access is a step. And what goes for all primitives: the search by class against all
// executions, and independent steps exchanged.
func TestSteps(t *testing.T) {
	seeds, want := uint64(100), 43
	if testing.Short() {
		seeds, want = 15, 6
	}
	several := 0
	for seed := range seeds {
		if compare(t, seed) > 1 {
			several++
		}
		for _, p := range []schedule.Program{random(seed, false), random(seed, true)} {
			if _, err := explore.CheckSwaps(p, 5, 1); err != nil {
				t.Error(err)
			}
			if _, err := explore.CheckClasses(p, explore.Options{}, 300); err != nil {
				t.Error(err)
			}
		}
	}
	if several != want {
		t.Errorf("%d of %d programs end in several ways, want %d", several, seeds, want)
	}
}
