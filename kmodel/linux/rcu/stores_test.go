package rcu_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// storesAround is SB with a grace period for one of the two barriers.
func storesAround(f rcu.Flavours, fence func(t *schedule.Thread)) func(*litmus.Program) {
	return build(f, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			p.r[0].SetBool(p.y.ReadOnce(t) == 0)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.y.WriteOnce(t, 1)
			fence(t)
			p.r[1].SetBool(p.x.ReadOnce(t) == 0)
		})
		p.Exists(func() bool { return p.r[0].Get()+p.r[1].Get() == 2 })
	})
}

// storesCallback is the same where a callback loads x, which P1 queues after it has stored y, or
// before. P1 is a reader meanwhile, so that the callback comes later.
func storesCallback(f rcu.Flavours, storeFirst bool) func(*litmus.Program) {
	return build(f, func(p *prog) {
		p.head[0].Init(func(t *schedule.Thread) { p.r[1].SetBool(p.x.ReadOnce(t) == 0) })
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			p.r[0].SetBool(p.y.ReadOnce(t) == 0)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			if storeFirst {
				p.y.WriteOnce(t, 1)
			}
			rcu.Call(t, &p.head[0])
			if !storeFirst {
				p.y.WriteOnce(t, 1)
			}
			rcu.ReadUnlock(t)
		})
		p.Exists(func() bool { return p.r[0].Get()+p.r[1].Get() == 2 })
	})
}

// storesBefore has P0 store x before a section that begins in a grace period, or it would not see
// what comes after that, and before the grace period ends, or it would see y, which another reader
// stores who holds that up. Bad is that P0 has been through no barrier since it stored x, as that
// reader sees.
func storesBefore(f rcu.Flavours, begin, end func(p *prog, t *schedule.Thread),
	others func(p *prog, begin, end func(p *prog, t *schedule.Thread))) func(*litmus.Program) {
	return build(f, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			begin(p, t)
			p.r[0].SetBool(p.y.ReadOnce(t) == 0)
			p.r[1].SetBool(p.freed.ReadOnce(t) == 1)
			end(p, t)
		})
		others(p, begin, end)
		p.Exists(func() bool { return p.r[0].Get()+p.r[1].Get()+p.r[2].Get() == 3 })
	})
}

// looks stores y and looks for x.
func (p *prog) looks(t *schedule.Thread) {
	p.y.WriteOnce(t, 1)
	mem.SmpMb(t)
	p.r[2].SetBool(p.x.ReadOnce(t) == 0)
}

// The grace periods of storesBefore.
func byCall(p *prog, begin, end func(p *prog, t *schedule.Thread)) {
	p.by(p.call(0), begin, end)
}

func byCallSched(p *prog, begin, end func(p *prog, t *schedule.Thread)) {
	p.by(p.callSched(0), begin, end)
}

// by has a reader queue a callback.
func (p *prog) by(call func(t *schedule.Thread), begin, end func(p *prog, t *schedule.Thread)) {
	p.head[0].Init(func(t *schedule.Thread) { p.freed.WriteOnce(t, 1) })
	p.Thread("P1", func(t *schedule.Thread) {
		begin(p, t)
		call(t)
		p.looks(t)
		end(p, t)
	})
}

func bySync(p *prog, begin, end func(p *prog, t *schedule.Thread)) {
	p.Thread("P1", func(t *schedule.Thread) {
		p.ref.Xchg(t, 1)
		rcu.Synchronize(t)
		p.freed.WriteOnce(t, 1)
	})
	p.Thread("P2", func(t *schedule.Thread) {
		begin(p, t)
		if p.ref.Read(t) == 0 { // the grace period has not begun
			p.looks(t)
		}
		end(p, t)
	})
}

func userMode(_ *prog, t *schedule.Thread) { t.Forget(1) }

// storeTests are rows of memory with store buffers.
var storeTests = []litmus.Test{{
	// One barrier of two is not enough for SB.
	Name: "SB+mb+po", Build: storesAround(rcu.Merged, mem.SmpMb), TSO: true,
	Verdict: litmus.Sometimes, Counts: "67 pass, 3 exists",
}, {
	// A grace period is one on all CPUs. P0 is no reader.
	Name: "SPLIT+SB+sync+po", Build: storesAround(rcu.Split, rcu.Synchronize), TSO: true,
	Verdict: litmus.Never, Counts: "86 pass",
}, {
	// As above.
	Name: "MERGED+SB+sync+po", Build: storesAround(rcu.Merged, rcu.Synchronize), TSO: true,
	Verdict: litmus.Never, Counts: "86 pass",
}, {
	// P0 runs in the kernel.
	Name: "NONPREEMPT+SB+sync+po", Build: storesAround(rcu.NonPreemptible, rcu.Synchronize),
	TSO: true, Verdict: litmus.Never, Counts: "62 pass",
}, {
	// A callback comes after that too.
	Name: "MERGED+SB+callback+po", Build: storesCallback(rcu.Merged, true), TSO: true,
	Verdict: litmus.Never, Counts: "195 pass",
}, {
	// As above.
	Name: "NONPREEMPT+SB+callback+po", Build: storesCallback(rcu.NonPreemptible, true), TSO: true,
	Verdict: litmus.Never, Counts: "135 pass",
}, {
	// A machine can do this: P0's CPU goes through its quiescent state before the store of x. Here
	// what waits when the grace period ends is written then, see stores.go.
	Name: "MERGED+SB+callback+po+late", Build: storesCallback(rcu.Merged, false), TSO: true,
	Verdict: litmus.Never, Counts: "328 pass",
}, {
	// Who enters a section during a grace period has had a barrier before.
	Name: "SPLIT+before+rcu+call", Build: storesBefore(rcu.Split, lock, unlock, byCall),
	TSO: true, Verdict: litmus.Never, Counts: "12215 pass",
}, {
	// synchronize_rcu() too.
	Name: "SPLIT+before+rcu+sync", Build: storesBefore(rcu.Split, lock, unlock, bySync),
	TSO: true, Verdict: litmus.Never, Counts: "771322 pass",
}, {
	// A section of the other flavour says nothing.
	Name: "SPLIT+before+rcu+call_sched", Build: storesBefore(rcu.Split, lock, unlock, byCallSched),
	TSO: true, Verdict: litmus.Sometimes, Counts: "915788 pass, 4880 exists",
}, {
	// One of its own does.
	Name: "SPLIT+before+preempt+call_sched", TSO: true, Verdict: litmus.Never, Counts: "12215 pass",
	Build: storesBefore(rcu.Split, disable, enable, byCallSched),
}, {
	// Merged, there is one.
	Name: "MERGED+before+rcu+call", Build: storesBefore(rcu.Merged, lock, unlock, byCall),
	TSO: true, Verdict: litmus.Never, Counts: "12215 pass",
}, {
	// As above.
	Name: "MERGED+before+preempt+call", Build: storesBefore(rcu.Merged, disable, enable, byCall),
	TSO: true, Verdict: litmus.Never, Counts: "12215 pass",
}, {
	// Where there is no section the barrier may come later.
	Name: "MERGED+before+nolock+call", Build: storesBefore(rcu.Merged, nothing, nothing, byCall),
	TSO: true, Verdict: litmus.Sometimes, Counts: "24302 pass, 348 exists",
}, {
	// Who enters the kernel during a grace period has had one: here P0 comes from user mode,
	Name: "NONPREEMPT+before+forget+call", TSO: true, Verdict: litmus.Never, Counts: "376 pass",
	Build: storesBefore(rcu.NonPreemptible, userMode, nothing, byCall),
}, {
	// and here another task may have run.
	Name: "NONPREEMPT+before+cond_resched+sync",
	TSO:  true, Verdict: litmus.Never, Counts: "24936 pass",
	Build: storesBefore(rcu.NonPreemptible, condResched, nothing, bySync),
}, {
	// rcu_barrier() comes after what callbacks have stored.
	Name: "MERGED+barrier+callback", TSO: true, Verdict: litmus.Never, Counts: "7 pass",
	Build: build(rcu.Merged, func(p *prog) {
		p.head[0].Init(func(t *schedule.Thread) { p.x.WriteOnce(t, 1) })
		p.Thread("P0", func(t *schedule.Thread) {
			p.call(0)(t)
			rcu.Barrier(t)
			p.r[0].SetBool(p.x.ReadOnce(t) == 0)
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
}}

// TestStores runs the table of grace periods with store buffers.
func TestStores(t *testing.T) { litmus.Run(t, storeTests) }
