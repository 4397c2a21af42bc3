package lockdep_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/interrupt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

func softirqs(*locks) (down, up func(t *schedule.Thread)) {
	return preempt.LocalBhDisable, preempt.LocalBhEnable
}

// downgraded is a lock taken for writing that is held for reading.
func downgraded(v *locks) (down, up func(t *schedule.Thread)) {
	down = func(t *schedule.Thread) {
		v.r.DownWrite(t)
		v.r.DowngradeWrite(t)
	}
	return down, v.r.UpRead
}

// What tasks take, and handlers. Of each class there is one lock: two of one class, taken
// either way round, deadlock and are not reported.
var (
	ofTasks = []lock{a, b, read, write, readQ, writeQ, downgraded, s, s, u, u, l0, sIrq, uIrq, sBh,
		try(ofS), try(ofT), tryIrq, irqs, softirqs, section}
	ofHandlers = []lock{s, u, l0, sIrq, uIrq, try(ofS), try(ofT), tryIrq, irqs, section}
)

// randomLocks makes a program of two tasks that take locks at random, while an interrupt, a
// softirq or both may come, or a callback of RCU. Many of them break a rule.
func randomLocks(rng *rand.Rand) func(*litmus.Program) {
	some := func(from []lock, n int) locking {
		var all []lock
		for range n {
			all = append(all, from[rng.IntN(len(from))])
		}
		return nested(all...)
	}
	p0, p1 := some(ofTasks, 1+rng.IntN(3)), some(ofTasks, 1+rng.IntN(3))
	irq, softirq := some(ofHandlers, 1+rng.IntN(2)), some(ofHandlers, 1+rng.IntN(2))
	comes := rng.IntN(8)
	return func(p *litmus.Program) {
		v := litmus.Static[locks](p, "v")
		v.irq.Init(func(t *schedule.Thread) { irq(v, t) })
		v.softirq.Init(func(t *schedule.Thread) { softirq(v, t) })
		v.head.Init(func(t *schedule.Thread) { softirq(v, t) })
		p.Begin(func(e *schedule.Exec) { rcu.Boot(e, rcu.Merged) })
		p.Agents(func(e *schedule.Exec) {
			t := e.Go("P0", func(t *schedule.Thread) { p0(v, t) })
			if comes&1 != 0 {
				interrupt.Boot(e, "irq", &v.irq, t, 1)
			}
			if comes&2 != 0 {
				interrupt.BootSoftirq(e, "timer", &v.softirq, t, 1)
			}
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if comes&4 != 0 {
				rcu.Call(t, &v.head)
			}
			p1(v, t)
		})
	}
}

// TestOrderRandom has each search see of random programs what running all executions does, and
// something reported of each that deadlocks.
func TestOrderRandom(t *testing.T) {
	seeds := uint64(400)
	if testing.Short() {
		seeds = 20
	}
	ran, deadlocks := 0, 0
	for seed := range seeds {
		row := litmus.Test{Build: randomLocks(rand.New(rand.NewPCG(seed, 1)))}
		var o lockdep.Order
		r := exhaust(lockdep.Watched(row.Schedule(), &o), 1, explore.Unbounded)
		for _, e := range r.Endings {
			if e.Kind != schedule.Deadlock {
				continue
			}
			if deadlocks++; len(o.Reports()) == 0 {
				t.Errorf("seed %d: %v, and nothing is reported of %v", seed, e, without(o.Facts()))
			}
			break
		}
		if r.All.BitLen() > 11 { // too many to run all
			continue
		}
		ran++
		for _, search := range searches[1:4] {
			var o2 lockdep.Order
			search.run(lockdep.Watched(row.Schedule(), &o2))
			if got, want := without(o2.Facts()), without(o.Facts()); !reflect.DeepEqual(got, want) {
				t.Errorf("seed %d: %s: %v, want %v", seed, search.name, got, want)
			}
		}
	}
	if t.Logf("%d run, %d deadlocks", ran, deadlocks); ran < int(seeds/2) || deadlocks < int(seeds/50) {
		t.Errorf("%d run, %d deadlocks: too few of %d", ran, deadlocks, seeds)
	}
}
