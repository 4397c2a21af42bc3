package wait_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// told makes something happen, and then says so; who is told looks, and bad is that he does not see
// it.
func told(
	happens func(p prog, w *pollTable, t *schedule.Thread), between func(*schedule.Thread),
	sees func(p prog, w *pollTable, t *schedule.Thread) bool,
) func(*litmus.Program) {
	return build(func(p prog) {
		w := litmus.Static[pollTable](p.Program, "pt")
		w.entry.InitFunc(w.pollwake)
		var p1 *schedule.Thread
		p.Thread("P0", func(t *schedule.Thread) {
			w.task = p1
			happens(p, w, t)
			p.x.StoreRelease(t, 1)
		})
		p.Agents(func(e *schedule.Exec) {
			p1 = e.Go("P1", func(t *schedule.Thread) {
				p.r[0].Set(p.x.ReadOnce(t))
				between(t)
				p.r[1].SetBool(sees(p, w, t))
			})
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 0 })
	})
}

func nothing(*schedule.Thread) {}

func queues(p prog, _ *pollTable, t *schedule.Thread) { p.q.AddWaitQueue(t) }

func waits(_ prog, w *pollTable, t *schedule.Thread) { w.q.AddWaitQueue(t, w) }

func kills(_ prog, w *pollTable, t *schedule.Thread) { wait.SendSignal(t, w.task) }

func active(p prog, _ *pollTable, t *schedule.Thread) bool { return p.q.Active(t) }

func hasSleeper(p prog, _ *pollTable, t *schedule.Thread) bool { return p.q.HasSleeper(t) }

func headActive(_ prog, w *pollTable, t *schedule.Thread) bool { return w.q.Active(t) }

func pending(_ prog, _ *pollTable, t *schedule.Thread) bool { return wait.SignalPending(t) }

// rmoTests are of memory where loads pass loads: each look without a lock is one.
var rmoTests = []litmus.Test{{
	Name: "MP+waitqueue_active", Build: told(queues, nothing, active),
	Verdict: litmus.Sometimes, Counts: "10 pass, 1 exists",
}, {
	Name: "MP+rmb+waitqueue_active", Build: told(queues, mem.SmpRmb, active),
	Verdict: litmus.Never, Counts: "20 pass",
}, {
	Name: "MP+wq_has_sleeper", Build: told(queues, nothing, hasSleeper),
	Verdict: litmus.Never, Counts: "10 pass",
}, {
	Name: "MP+waitqueue_active+list", Build: told(waits, nothing, headActive),
	Verdict: litmus.Sometimes, Counts: "180 pass, 5 exists",
}, {
	Name: "MP+rmb+waitqueue_active+list", Build: told(waits, mem.SmpRmb, headActive),
	Verdict: litmus.Never, Counts: "600 pass",
}, {
	Name: "MP+signal_pending", Build: told(kills, nothing, pending),
	Verdict: litmus.Sometimes, Counts: "10 pass, 1 exists",
}, {
	Name: "MP+rmb+signal_pending", Build: told(kills, mem.SmpRmb, pending),
	Verdict: litmus.Never, Counts: "20 pass",
}}

// TestRMO runs the table of loads that pass loads.
func TestRMO(t *testing.T) {
	for i := range rmoTests {
		rmoTests[i].RMO = true
	}
	litmus.Run(t, rmoTests)
}
