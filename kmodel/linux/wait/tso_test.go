package wait_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// A pollTable is the entry of a poll() at a queue, and whether that has been woken.
type pollTable struct {
	schedule.Object
	q         wait.Head[*pollTable]
	entry     wait.Entry[*pollTable]
	triggered mem.Int
	task      *schedule.Thread
}

// WaitEntry implements [wait.Waiter].
func (w *pollTable) WaitEntry() *wait.Entry[*pollTable] { return &w.entry }

// pollwake is pollwake().
func (w *pollTable) pollwake(t *schedule.Thread, _ int) int {
	w.triggered.Write(t, 1)
	return wait.DefaultWakeFunction(t, w.task, wait.TaskNormal)
}

// poll is poll() of something with one queue, and what makes that ready. Either may have smp_mb().
func poll(waiter, waker bool) func(*litmus.Program) {
	return build(func(p prog) {
		w := litmus.Static[pollTable](p.Program, "pt")
		w.entry.InitFunc(w.pollwake)
		p.Thread("poll", func(t *schedule.Thread) {
			w.task = t
			w.q.AddWaitQueue(t, w) // poll_wait()
			if waiter {
				mem.SmpMb(t)
			}
			if p.x.ReadOnce(t) != 0 {
				return
			}
			wait.SetCurrentState(t, wait.TaskUninterruptible)
			if w.triggered.Read(t) == 0 {
				wait.Schedule(t)
			}
		})
		p.Thread("ready", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			if waker {
				mem.SmpMb(t)
			}
			if w.q.Active(t) {
				w.q.WakeUp(t, 0)
			}
		})
	})
}

var pollTests = []litmus.Test{{
	// The waiter is on the queue before it looks, the waker has made it ready before it does.
	Name: "SB+poll_wait", Build: poll(false, false),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "122 pass",
}, {
	// waitqueue_active() without smp_mb(): the comment above it says what comes of that.
	Name: "SB+poll_wait+active+tso", Build: poll(false, false), TSO: true,
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "26085 pass, 355 deadlock",
}, {
	// wq_has_sleeper() is not enough: the links of the entry, and the unlock behind them, are plain
	// stores, and wait. That is poll_wait() of 6.5. That of 6.13.2 ends with smp_mb(); what had one
	// before was sock_poll_wait(), for sockets alone.
	Name: "SB+poll_wait+tso", Build: poll(false, true), TSO: true,
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "18300 pass, 15 deadlock",
}, {
	Name: "SB+poll_wait+mb+tso", Build: poll(true, true), TSO: true,
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "13338 pass",
}}

// TestPoll runs the table of store buffers before and after waitqueue_active() of a list.
func TestPoll(t *testing.T) { litmus.Run(t, pollTests) }

// TestLostWakeup has wake-ups be lost for the want of a barrier, with the fewest preemptions: none
// if it is the waker's, whose store may wait until the other sleeps; one, of the waiter, if it is
// his, for he looks before the waker stores and is on the queue after that has looked. Where no
// barrier is missing, or no store waits, none is lost (-1).
func TestLostWakeup(t *testing.T) {
	want := map[string]int{
		"SB+waitqueue_active+tso": 0, "SB+wq_has_sleeper+tso": -1, "SB+poll_wait": -1,
		"SB+poll_wait+active+tso": 0, "SB+poll_wait+tso": 1, "SB+poll_wait+mb+tso": -1,
	}
	for _, row := range append(litmusTests[:len(litmusTests):len(litmusTests)], pollTests...) {
		n, ok := want[row.Name]
		if !ok {
			continue
		}
		delete(want, row.Name)
		got := -1
		rep := explore.Last(explore.Exhaust(t.Context(), row.Schedule(),
			explore.Options{Bound: explore.Unbounded}))
		for _, end := range rep.Endings {
			if end.Kind == schedule.Deadlock && end.Outcome == schedule.Fail {
				got = 0
				for end.Executions[got] == 0 {
					got++
				}
			}
		}
		if got != n || !rep.Complete() {
			t.Errorf("%s: lost with %d preemptions, want %d", row.Name, got, n)
		}
	}
	if len(want) > 0 {
		t.Errorf("no rows: %v", want)
	}
}
