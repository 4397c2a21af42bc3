package rcu_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// A heap is what the threads of a random program share.
type heap struct {
	schedule.Object
	words [2]mem.Int
	lock  spin.Lock
	mutex mutex.Mutex
	heads [2]rcu.Head
	logs  [refThreads]schedule.Cell
}

// do performs one of the operations that readers and updaters are made of. An rcu_head that
// is queued again fails.
func (h *heap) do(t *schedule.Thread, code, i int) {
	word := &h.words[i]
	switch code {
	case 0:
		rcu.ReadLock(t)
		word.Read(t)
		rcu.ReadUnlock(t)
	case 1:
		preempt.PreemptDisable(t)
		word.Write(t, 1)
		preempt.PreemptEnable(t)
	case 2:
		h.lock.LockIrq(t)
		word.Write(t, word.Peek()+1)
		h.lock.UnlockIrq(t)
	case 3:
		rcu.Synchronize(t)
	case 4:
		rcu.Call(t, &h.heads[i])
	case 5:
		rcu.CallSched(t, &h.heads[i])
	case 6:
		word.Write(t, t.ID)
	case 7: // a section of both sorts, the halves of which overlap
		rcu.ReadLock(t)
		preempt.PreemptDisable(t)
		rcu.ReadUnlock(t)
		preempt.PreemptEnable(t)
	case 8:
		rcu.Barrier(t)
	case 9:
		rcu.BarrierSched(t)
	case 10:
		h.mutex.Lock(t)
		word.Read(t)
		h.mutex.Unlock(t)
	case 11:
		preempt.CondResched(t)
	}
}

// random returns a program of two or three threads with one to three random operations.
func random(seed uint64) schedule.Program {
	return schedule.Program{Name: fmt.Sprint("random ", seed), New: func() func(*schedule.Exec) {
		rng := rand.New(rand.NewPCG(seed, 3))
		h := new(heap)
		h.Bind(h, "heap")
		for i := range h.heads {
			h.heads[i].Init(func(t *schedule.Thread) { h.words[i].Write(t, 5) })
		}
		flavours := rcu.Flavours(rng.IntN(3))
		bodies := make([]func(*schedule.Thread), 2+rng.IntN(2))
		for i := range bodies {
			ops := make([][2]int, 1+rng.IntN(4-len(bodies)/2))
			for j := range ops {
				ops[j] = [2]int{rng.IntN(12), rng.IntN(2)}
			}
			bodies[i] = func(t *schedule.Thread) {
				for _, op := range ops {
					h.do(t, op[0], op[1])
				}
			}
		}
		return func(e *schedule.Exec) {
			e.Static(&h.Object, 0)
			rcu.Boot(e, flavours)
			for _, body := range bodies {
				e.Go("t", body)
			}
		}
	}}
}

// TestRandom holds the search by class against all executions of random programs, and
// exchanges their independent steps.
func TestRandom(t *testing.T) {
	seeds, want := uint64(400), 183
	if testing.Short() {
		seeds, want = 50, 28
	}
	compared := 0
	for seed := range seeds {
		p := random(seed)
		if _, err := explore.CheckSwaps(p, 5, 1); err != nil {
			t.Error(err)
		}
		n, err := explore.CheckClasses(p, explore.Options{}, 600)
		if err != nil {
			t.Error(err)
		}
		if n > 0 {
			compared++
		}
	}
	if compared != want {
		t.Errorf("%d programs compared, want %d", compared, want)
	}
}
