package mem_test

import (
	"cmp"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// psoCounts are the rows that have not as many executions as in tsoCounts where stores pass
// stores: those of which a thread stores to two words and orders that by nothing.
var psoCounts = map[string]string{
	"MP+poonceonces":   "44 pass, 1 exists",
	"MP+plain":         "44 pass, 1 exists",
	"MP+flagfirst":     "41 pass, 4 exists",
	"R+poonceonces":    "177 pass, 33 exists",
	"S+poonceonces":    "104 pass, 1 exists",
	"2+2W+poonceonces": "562 pass, 68 exists",
	"ISA2+poonceonces": "3779 pass, 1 exists",
}

// pso returns litmusTests where stores pass stores.
func pso() (out []litmus.Test) {
	for _, row := range tso() {
		row.PSO, row.Counts = true, cmp.Or(psoCounts[row.Name], row.Counts)
		switch row.Name {
		case "MP+poonceonces", "MP+plain", "S+poonceonces", "2+2W+poonceonces", "ISA2+poonceonces":
			row.Verdict = litmus.Sometimes
		}
		out = append(out, row)
	}
	return out
}

// TestPSO runs the table of memory where stores pass stores.
func TestPSO(t *testing.T) { litmus.Run(t, pso()) }

// ordered is what may be between the two stores of MP.
type ordered struct {
	schedule.Object
	n    atomic.Int
	lock spin.Lock
	a, b mem.Int
}

// mpAround is message passing with something between the stores; f is the second store. The loads
// are in order: P1's always are.
func mpAround(
	f store, between func(p prog, o *ordered, t *schedule.Thread),
) func(*litmus.Program) {
	return build(func(p prog) {
		o := litmus.Static[ordered](p.Program, "o")
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			between(p, o, t)
			f(&p.y, t, 1)
		})
		p.reads("P1", 0, &p.y, &p.x, readOnce, readOnce)
		p.Exists(func() bool { return p.is(1, 0) })
	})
}

// publish is an object that is filled in and then put where others find it.
func publish(store func(*mem.Ptr[*object], *schedule.Thread, *object)) func(*litmus.Program) {
	return pointers(func(p ptrProg) {
		p.Thread("P0", func(t *schedule.Thread) {
			o := p.cache.Alloc(t)
			o.data.Write(t, 1)
			store(&p.p, t, o)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if o := p.p.ReadOnce(t); o != nil {
				p.r[0].SetBool(o.data.ReadOnce(t) == 0)
			}
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	})
}

// wmbTests say what orders two stores, and what does not.
var wmbTests = []litmus.Test{{
	Name:    "MP+wmb+po",
	Build:   mpAround(writeOnce, func(_ prog, _ *ordered, t *schedule.Thread) { mem.SmpWmb(t) }),
	Verdict: litmus.Never, Counts: "63 pass",
}, {
	Name:    "MP+mb+po",
	Build:   mpAround(writeOnce, func(_ prog, _ *ordered, t *schedule.Thread) { mem.SmpMb(t) }),
	Verdict: litmus.Never, Counts: "21 pass",
}, {
	// What is between may be passed by both.
	Name:    "MP+store+po",
	Build:   mpAround(writeOnce, func(_ prog, o *ordered, t *schedule.Thread) { o.a.WriteOnce(t, 1) }),
	Verdict: litmus.Sometimes, Counts: "414 pass, 6 exists",
}, {
	// A barrier orders all before it, not the last store alone, and all after it, not the next
	// alone.
	Name: "MP+store+wmb+store",
	Build: mpAround(writeOnce, func(_ prog, o *ordered, t *schedule.Thread) {
		o.a.WriteOnce(t, 1)
		mem.SmpWmb(t)
		o.b.WriteOnce(t, 1)
	}),
	Verdict: litmus.Never, Counts: "3465 pass",
}, {
	// A release comes after what is before it. What follows it may pass it, and all before it: not
	// on powerpc, but on arm64.
	Name: "MP+store-release+po",
	Build: mpAround(writeOnce, func(_ prog, o *ordered, t *schedule.Thread) {
		o.a.StoreRelease(t, 1)
	}),
	Verdict: litmus.Sometimes, Counts: "251 pass, 1 exists",
}, {
	Name:    "MP+store+release",
	Build:   mpAround(storeRelease, func(_ prog, o *ordered, t *schedule.Thread) { o.a.Write(t, 1) }),
	Verdict: litmus.Never, Counts: "224 pass",
}, {
	// Here a locked instruction is a barrier, also where the kernel does not say so.
	Name:    "MP+atomic_inc+po",
	Build:   mpAround(writeOnce, func(_ prog, o *ordered, t *schedule.Thread) { o.n.Inc(t) }),
	Verdict: litmus.Never, Counts: "21 pass",
}, {
	// A section of a lock is left by a release. What is stored in it does not come after that,
	// and what is stored after it may pass all of it: not on powerpc, but on arm64.
	Name: "MP+unlock+po",
	Build: build(func(p prog) {
		o := litmus.Static[ordered](p.Program, "o")
		p.Thread("P0", func(t *schedule.Thread) {
			o.lock.Lock(t)
			p.x.WriteOnce(t, 1)
			o.lock.Unlock(t)
			p.y.WriteOnce(t, 1)
		})
		p.reads("P1", 0, &p.y, &p.x, readOnce, readOnce)
		p.Exists(func() bool { return p.is(1, 0) })
	}),
	Verdict: litmus.Sometimes, Counts: "323 pass, 1 exists",
}, {
	// Unless a lock is taken in between: an unlock and then a lock order stores, on all machines.
	Name: "MP+unlock+lock+po",
	Build: build(func(p prog) {
		o := litmus.Static[ordered](p.Program, "o")
		p.Thread("P0", func(t *schedule.Thread) {
			o.lock.Lock(t)
			p.x.WriteOnce(t, 1)
			o.lock.Unlock(t)
			o.lock.Lock(t)
			p.y.WriteOnce(t, 1)
			o.lock.Unlock(t)
		})
		p.reads("P1", 0, &p.y, &p.x, readOnce, readOnce)
		p.Exists(func() bool { return p.is(1, 0) })
	}),
	Verdict: litmus.Never, Counts: "264 pass",
}, {
	// Who takes the lock next sees all that was stored in it.
	Name: "MP+locks",
	Build: build(func(p prog) {
		o := litmus.Static[ordered](p.Program, "o")
		p.Thread("P0", func(t *schedule.Thread) {
			o.lock.Lock(t)
			p.x.WriteOnce(t, 1)
			p.y.WriteOnce(t, 1)
			o.lock.Unlock(t)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			o.lock.Lock(t)
			p.r[0].Set(p.y.ReadOnce(t))
			p.r[1].Set(p.x.ReadOnce(t))
			o.lock.Unlock(t)
		})
		p.Exists(func() bool { return p.r[0].Get() != p.r[1].Get() })
	}),
	Verdict: litmus.Never, Counts: "16 pass",
}, {
	// Stores to one word stay in order, and a store to another passes both.
	Name: "CoWW+other",
	Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			p.x.WriteOnce(t, 2)
			p.y.WriteOnce(t, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].Set(p.y.ReadOnce(t))
			p.r[1].Set(p.x.ReadOnce(t))
			p.r[2].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.is(1, 0, 2) })
	}),
	Verdict: litmus.Sometimes, Counts: "755 pass, 1 exists",
}, {
	Name: "CoWW+order",
	Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			p.x.WriteOnce(t, 2)
			p.y.WriteOnce(t, 1)
		})
		p.reads("P1", 0, &p.x, &p.x, readOnce, readOnce)
		p.Exists(func() bool { return p.is(2, 1) || p.x.Peek() != 2 })
	}),
	Verdict: litmus.Never, Counts: "252 pass",
}, {
	// A release publishes what is there, as rcu_assign_pointer() does.
	Name: "MP+publish+release", Build: publish((*mem.Ptr[*object]).StoreRelease),
	Verdict: litmus.Never, Counts: "10 pass",
}, {
	// A plain store does not: P1 sees the object as it was allocated.
	Name: "MP+publish", Build: publish((*mem.Ptr[*object]).Write),
	Verdict: litmus.Sometimes, Counts: "15 pass, 1 exists",
}, {
	// A grace period waits for all that was stored before it began.
	Name: "MP+sync+po",
	Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			rcu.Synchronize(t)
			p.y.WriteOnce(t, 1)
		})
		p.reads("P1", 0, &p.y, &p.x, readOnce, readOnce)
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, rcu.Merged) })
		p.Exists(func() bool { return p.is(1, 0) })
	}),
	Verdict: litmus.Never, Counts: "28 pass",
}}

// TestWmb runs the table of what orders stores.
func TestWmb(t *testing.T) {
	for i := range wmbTests {
		wmbTests[i].PSO = true
	}
	litmus.Run(t, wmbTests)
}
