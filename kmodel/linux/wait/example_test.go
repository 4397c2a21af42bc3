package wait_test

import (
	"context"
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// A gate opens once.
type gate struct {
	schedule.Object
	wait wait.Queue
	open mem.Int
}

func (g *gate) isOpen(t *schedule.Thread) bool { return g.open.ReadOnce(t) != 0 }

// pass waits until the gate is open, with others.
func (g *gate) pass(t *schedule.Thread) { g.wait.WaitEvent(t, g.isOpen) }

// passAlone waits exclusively.
func (g *gate) passAlone(t *schedule.Thread) { g.wait.WaitEventExclusive(t, g.isOpen) }

// unlock opens the gate and wakes who waits.
func (g *gate) unlock(t *schedule.Thread) {
	g.open.WriteOnce(t, 1)
	g.wait.WakeUp(t)
}

// endings explores a program of two waiters and one wake_up().
func endings(waiter func(g *gate, t *schedule.Thread)) {
	p := schedule.Program{Name: "gate", New: func() func(*schedule.Exec) {
		g := new(gate)
		g.Bind(g, "gate")
		waits := func(t *schedule.Thread) { waiter(g, t) }
		return func(e *schedule.Exec) {
			e.Static(&g.Object, 0)
			e.Go("waiter", waits)
			e.Go("waiter2", waits)
			e.Go("waker", g.unlock)
		}
	}}
	opt := explore.Options{Bound: explore.Unbounded}
	for _, end := range explore.Last(explore.Exhaust(context.Background(), p, opt)).Endings {
		fmt.Println(end.Category)
	}
}

// wake_up() wakes all who do not wait exclusively.
func ExampleQueue_WaitEvent() {
	endings((*gate).pass)
	// Output:
	// pass
}

// And of those who do, one: if it does not wake the next when it is through, the other hangs.
func ExampleQueue_WaitEventExclusive() {
	endings((*gate).passAlone)
	// Output:
	// pass
	// deadlock of current in schedule by thread 0
	// deadlock of current in schedule by thread 1
}

// A watch waits at a queue with a function of its own, as an eppoll_entry does.
type watch struct {
	schedule.Object
	entry wait.Entry[*watch]
}

func (w *watch) WaitEntry() *wait.Entry[*watch] { return &w.entry }

// called is the wake function.
func (w *watch) called(t *schedule.Thread, key int) int {
	fmt.Printf("%s: key %#x\n", w.Name(), key)
	if key&wait.Pollfree != 0 {
		wait.DelInit(t, w)
	}
	return 1
}

// wake_up_poll() is for one of those that wait exclusively, wake_up_pollfree() for all.
func ExampleHead() {
	p := schedule.Program{Name: "watch", New: func() func(*schedule.Exec) {
		var q struct {
			schedule.Object
			wait.Head[*watch]
		}
		q.Bind(&q, "q")
		var w [2]watch
		for i := range w {
			w[i].Bind(&w[i], []string{"first", "second"}[i])
			w[i].entry.InitFunc(w[i].called)
		}
		return func(e *schedule.Exec) {
			e.Static(&q.Object, 0)
			for i := range w {
				e.Static(&w[i].Object, 0)
			}
			e.Go("t", func(t *schedule.Thread) {
				q.AddWaitQueueExclusive(t, &w[0])
				q.AddWaitQueueExclusive(t, &w[1])
				q.WakeUp(t, wait.Epollin)
				q.WakeUpPollfree(t)
				fmt.Println("active:", q.Active(t))
			})
		}
	}}
	r := schedule.NewRunner(p)
	defer r.Close()
	r.RunTape(nil)
	// Output:
	// first: key 0x1
	// first: key 0x4010
	// second: key 0x4010
	// active: false
}
