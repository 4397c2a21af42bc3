package workqueue_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// A bench is what the threads of a random program share: two items, and what has been done
// with each.
type bench struct {
	schedule.Object
	items [2]struct {
		work   workqueue.RcuWork
		queued schedule.Cell // calls that have queued it
		stolen schedule.Cell // calls that have taken it off the queue
		ended  schedule.Cell // runs
	}
	word mem.Int
}

func count(c *schedule.Cell, did bool) {
	if did {
		c.Set(c.Value() + 1)
	}
}

// do performs one of the operations with item i. When cancel_work_sync() returns, what was
// queued before has been cancelled or has run.
func (b *bench) do(t *schedule.Thread, code, i int) {
	it := &b.items[i]
	w := &it.work.Work
	switch code {
	case 0, 1:
		count(&it.queued, workqueue.ScheduleWork(t, w))
	case 2:
		count(&it.queued, workqueue.QueueRcuWork(t, &it.work))
	case 3:
		count(&it.stolen, workqueue.CancelWork(t, w))
	case 4:
		queued := it.queued.Value()
		count(&it.stolen, workqueue.CancelWorkSync(t, w))
		if it.stolen.Value()+it.ended.Value() < queued {
			t.Fail(schedule.LostUpdate, &b.Object, schedule.Party{}, "returns too early")
		}
	case 5:
		workqueue.FlushWork(t, w)
	case 6:
		workqueue.FlushRcuWork(t, &it.work)
	}
}

// atEnd fails unless an item that was queued was cancelled or has run, and not both.
func (b *bench) atEnd(e *schedule.Exec) {
	for i := range b.items {
		it := &b.items[i]
		if it.queued.Value() != it.stolen.Value()+it.ended.Value() {
			e.FailAtEnd(schedule.LostUpdate, &b.Object, schedule.Party{}, "lost")
		}
	}
}

// random returns a program of two or three threads with one to three random operations.
func random(seed uint64) schedule.Program {
	return schedule.Program{Name: fmt.Sprint("random ", seed), New: func() func(*schedule.Exec) {
		rng := rand.New(rand.NewPCG(seed, 5))
		b := new(bench)
		b.Bind(b, "bench")
		for i := range b.items {
			it := &b.items[i]
			it.work.Init(func(t *schedule.Thread) {
				b.word.Write(t, i)
				count(&it.ended, true)
			})
		}
		workers := 1 + rng.IntN(2)
		bodies := make([]func(*schedule.Thread), 2+rng.IntN(2))
		for i := range bodies {
			ops := make([][2]int, 1+rng.IntN(4-len(bodies)/2))
			for j := range ops {
				ops[j] = [2]int{rng.IntN(7), rng.IntN(2)}
			}
			bodies[i] = func(t *schedule.Thread) {
				for _, op := range ops {
					b.do(t, op[0], op[1])
				}
			}
		}
		return func(e *schedule.Exec) {
			e.Static(&b.Object, 0)
			rcu.Boot(e, rcu.Split)
			workqueue.Boot(e, workers)
			for _, body := range bodies {
				e.Go("t", body)
			}
			e.AtEnd(b.atEnd)
		}
	}}
}

// TestRandom explores random programs, none of which may fail, holds the search by class
// against all executions, and exchanges independent steps.
func TestRandom(t *testing.T) {
	seeds, want := uint64(100), 27
	if testing.Short() {
		seeds, want = 25, 5
	}
	compared := 0
	for seed := range seeds {
		p := random(seed)
		rep := explore.Last(explore.Exhaust(context.Background(), p, explore.Options{Bound: 2}))
		for _, end := range rep.Endings {
			if end.Category.Outcome != schedule.Pass {
				t.Errorf("%s: %v with %s", p.Name, end.Category, end.Witness.Tape.String())
			}
		}
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
