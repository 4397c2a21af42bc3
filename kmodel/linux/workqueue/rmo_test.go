package workqueue_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// flushes is who queues an item after a grace period and says so, and who is told and flushes it.
// Bad is that it has not run then.
func flushes(between func(*schedule.Thread)) func(*litmus.Program) {
	return build(1, func(p prog) {
		o := litmus.Static[object](p.Program, "o")
		o.rwork.Init(func(*schedule.Thread) { p.ran(1) })
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, rcu.Split) })
		p.Thread("P0", func(t *schedule.Thread) {
			workqueue.QueueRcuWork(t, &o.rwork)
			p.x.StoreRelease(t, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[1].Set(p.x.ReadOnce(t))
			between(t)
			workqueue.FlushRcuWork(t, &o.rwork)
			p.r[2].Set(p.r[0].Get())
		})
		p.Exists(func() bool { return p.r[1].Get() == 1 && p.r[2].Get() == 0 })
	})
}

// rmoTests are of memory where loads pass loads: whether the item is pending is loaded.
var rmoTests = []litmus.Test{{
	Name: "MP+flush_rcu_work", Build: flushes(func(*schedule.Thread) {}), RMO: true,
	Verdict: litmus.Sometimes, Counts: "3722 pass, 2 exists",
}, {
	Name: "MP+rmb+flush_rcu_work", Build: flushes(mem.SmpRmb), RMO: true,
	Verdict: litmus.Never, Counts: "8918 pass",
}}

// TestRMO runs the table of loads that pass loads.
func TestRMO(t *testing.T) { litmus.Run(t, rmoTests) }
