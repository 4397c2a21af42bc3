package rcu_test

import (
	"fmt"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// reclaims has P0 take the object off the pointer and free it a grace period later, and P1 load
// something newer, and then, in a section, the pointer. A section that begins in the grace period
// does not hold it up, so it must not find what was there before, however early the load is made.
func reclaims(
	f rcu.Flavours, free func(p *prog, t *schedule.Thread), begin, end func(t *schedule.Thread),
) func(*litmus.Program) {
	return build(f, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.p.Assign(t, nil)
			p.x.StoreRelease(t, 1)
			free(p, t)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.x.ReadOnce(t)
			begin(t)
			if o := p.p.DereferenceRaw(t); o != nil {
				o.data.ReadOnce(t)
			}
			end(t)
		})
	})
}

func freeSynchronize(p *prog, t *schedule.Thread) {
	rcu.Synchronize(t)
	p.o.kfreeRcu(t)
}

func freeCall(p *prog, t *schedule.Thread) { rcu.Call(t, &p.o.rcu) }

func freeCallSched(p *prog, t *schedule.Thread) { rcu.CallSched(t, &p.o.rcu) }

// TestReclaimRMO runs the table of readers, flavours and ways to wait. Never is a use-after-free.
func TestReclaimRMO(t *testing.T) {
	frees := []struct {
		name string
		f    func(p *prog, t *schedule.Thread)
	}{{"synchronize", freeSynchronize}, {"call", freeCall}, {"call_sched", freeCallSched}}
	readers := []struct {
		name       string
		begin, end func(t *schedule.Thread)
		counts     [3]string  // by flavours
		by         [3][3]bool // flavours, frees: whether it is waited for
	}{
		{"rcu_read_lock", rcu.ReadLock, rcu.ReadUnlock, [3]string{"504 pass", "504 pass", "416 pass"},
			[3][3]bool{{true, true, false}, {true, true, true}, {true, true, true}}},
		{"preempt_disable", preempt.Disable, preempt.Enable, [3]string{"93 pass", "93 pass", "93 pass"},
			[3][3]bool{{false, false, true}, {true, true, true}, {true, true, true}}},
		{"cond_resched", preempt.CondResched, preempt.CondResched, [3]string{2: "111 pass"},
			[3][3]bool{2: {true, true, true}}},
	}
	var rows []litmus.Test
	for _, r := range readers {
		for f := range r.by {
			for i, waits := range r.by[f] {
				if waits {
					rows = append(rows, litmus.Test{
						Name:  fmt.Sprintf("%s+%d+%s", r.name, f, frees[i].name),
						Build: reclaims(rcu.Flavours(f), frees[i].f, r.begin, r.end),
						Bad:   schedule.UseAfterFree, Verdict: litmus.Never, Counts: r.counts[f], RMO: true,
					})
				}
			}
		}
	}
	litmus.Run(t, rows)
}
