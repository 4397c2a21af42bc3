package mem_test

import (
	"cmp"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/interrupt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// rmoCounts are the rows that have not as many executions as in psoCounts where loads pass loads:
// those of which a thread loads two words and orders that by nothing. (In LB a load would have to
// come after a store behind it.)
var rmoCounts = map[string]string{
	"MP+poonceonces":            "44 pass, 3 exists",
	"MP+plain":                  "44 pass, 3 exists",
	"MP+flagfirst":              "41 pass, 5 exists",
	"IRIW+poonceonces+OnceOnce": "2678 pass, 10 exists",
	"WRC+poonceonces+Once":      "215 pass, 1 exists",
	"ISA2+poonceonces":          "3915 pass, 6 exists",
}

// rmo returns litmusTests where loads pass loads.
func rmo() (out []litmus.Test) {
	for _, row := range pso() {
		row.RMO, row.Counts = true, cmp.Or(rmoCounts[row.Name], row.Counts)
		switch row.Name {
		case "IRIW+poonceonces+OnceOnce", "WRC+poonceonces+Once":
			row.Verdict = litmus.Sometimes
		}
		out = append(out, row)
	}
	return out
}

// TestRMO runs the table of memory where loads pass loads.
func TestRMO(t *testing.T) { litmus.Run(t, rmo()) }

// mpBehind is message passing whose stores are in order and whose loads have something in between;
// f is the first load.
func mpBehind(
	f load, between func(p prog, o *ordered, t *schedule.Thread),
) func(*litmus.Program) {
	return build(func(p prog) {
		o := litmus.Static[ordered](p.Program, "o")
		p.writes("P0", &p.x, 1, &p.y, 1, writeOnce, storeRelease)
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].Set(f(&p.y, t))
			between(p, o, t)
			p.r[1].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.is(1, 0) })
	})
}

// follows is an object that is filled in and then put where others find it.
func follows(load func(*mem.Ptr[*object], *schedule.Thread) *object) func(*litmus.Program) {
	return pointers(func(p ptrProg) {
		p.Thread("P0", func(t *schedule.Thread) {
			o := p.cache.Alloc(t)
			o.data.Write(t, 1)
			p.p.StoreRelease(t, o)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if o := load(&p.p, t); o != nil {
				p.r[0].SetBool(o.data.ReadOnce(t) == 0)
			}
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	})
}

// rmbTests say what orders two loads, and what does not. Where the kernel has a row of that name in
// tools/memory-model/litmus-tests it is said.
var rmbTests = []litmus.Test{{
	Name:    "MP+release+po",
	Build:   mpBehind(readOnce, func(prog, *ordered, *schedule.Thread) {}),
	Verdict: litmus.Sometimes, Counts: "30 pass, 2 exists",
}, {
	// MP+fencewmbonceonce+fencermbonceonce.
	Name:    "MP+release+rmb",
	Build:   mpBehind(readOnce, func(_ prog, _ *ordered, t *schedule.Thread) { mem.SmpRmb(t) }),
	Verdict: litmus.Never, Counts: "70 pass",
}, {
	Name:    "MP+release+mb",
	Build:   mpBehind(readOnce, func(_ prog, _ *ordered, t *schedule.Thread) { mem.SmpMb(t) }),
	Verdict: litmus.Never, Counts: "70 pass",
}, {
	// What orders stores does not order loads.
	Name:    "MP+release+wmb",
	Build:   mpBehind(readOnce, func(_ prog, _ *ordered, t *schedule.Thread) { mem.SmpWmb(t) }),
	Verdict: litmus.Sometimes, Counts: "70 pass, 2 exists",
}, {
	// MP+pooncerelease+poacquireonce.
	Name:    "MP+release+acquire",
	Build:   mpBehind(loadAcquire, func(prog, *ordered, *schedule.Thread) {}),
	Verdict: litmus.Never, Counts: "30 pass",
}, {
	// The acquire of another word does not order what comes before it: it may pass that too.
	Name:    "MP+release+load-acquire",
	Build:   mpBehind(readOnce, func(_ prog, o *ordered, t *schedule.Thread) { o.a.LoadAcquire(t) }),
	Verdict: litmus.Sometimes, Counts: "70 pass, 2 exists",
}, {
	// A barrier that comes before both is none between them.
	Name: "MP+release+rmb-po",
	Build: build(func(p prog) {
		p.writes("P0", &p.x, 1, &p.y, 1, writeOnce, storeRelease)
		p.Thread("P1", func(t *schedule.Thread) {
			mem.SmpRmb(t)
			p.r[0].Set(p.y.ReadOnce(t))
			p.r[1].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.is(1, 0) })
	}),
	Verdict: litmus.Sometimes, Counts: "70 pass, 5 exists",
}, {
	// A branch orders no loads: MP+release+ctrl.
	Name: "MP+release+ctrl",
	Build: build(func(p prog) {
		p.writes("P0", &p.x, 1, &p.y, 1, writeOnce, storeRelease)
		p.Thread("P1", func(t *schedule.Thread) {
			if p.y.ReadOnce(t) == 1 {
				p.r[0].SetBool(p.x.ReadOnce(t) == 0)
			}
		})
		p.Exists(func() bool { return p.is(1) })
	}),
	Verdict: litmus.Sometimes, Counts: "10 pass, 2 exists",
}, {
	// Here a locked instruction is a barrier, also where the kernel does not say so.
	Name:    "MP+release+atomic_inc",
	Build:   mpBehind(readOnce, func(_ prog, o *ordered, t *schedule.Thread) { o.n.Inc(t) }),
	Verdict: litmus.Never, Counts: "70 pass",
}, {
	Name: "MP+release+lock",
	Build: mpBehind(readOnce, func(_ prog, o *ordered, t *schedule.Thread) {
		o.lock.Lock(t)
		o.lock.Unlock(t)
	}),
	Verdict: litmus.Never, Counts: "504 pass",
}, {
	// What comes after a section of a lock may pass what is in it.
	Name: "MP+release+unlock",
	Build: build(func(p prog) {
		o := litmus.Static[ordered](p.Program, "o")
		p.writes("P0", &p.x, 1, &p.y, 1, writeOnce, storeRelease)
		p.Thread("P1", func(t *schedule.Thread) {
			o.lock.Lock(t)
			p.r[0].Set(p.y.ReadOnce(t))
			o.lock.Unlock(t)
			p.r[1].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.is(1, 0) })
	}),
	Verdict: litmus.Sometimes, Counts: "504 pass, 10 exists",
}, {
	// MP+polocks: who takes the lock next sees all that was stored in it.
	Name: "MP+locks+rmo",
	Build: build(func(p prog) {
		o := litmus.Static[ordered](p.Program, "o")
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			o.lock.Lock(t)
			p.y.WriteOnce(t, 1)
			o.lock.Unlock(t)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			o.lock.Lock(t)
			p.r[0].Set(p.y.ReadOnce(t))
			o.lock.Unlock(t)
			p.r[1].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.is(1, 0) })
	}),
	Verdict: litmus.Never, Counts: "238 pass",
}, {
	// MP+onceassign+derefonce: what a pointer leads to is loaded after the pointer.
	Name: "MP+publish+once", Build: follows((*mem.Ptr[*object]).ReadOnce),
	Verdict: litmus.Never, Counts: "10 pass",
}, {
	// So is it here, where P1 knows the object already: which of the two pointers it has followed
	// nobody says. LKMM: Sometimes.
	Name: "MP+known+once",
	Build: pointers(func(p ptrProg) {
		p.Begin(func(e *schedule.Exec) { p.keep.Put(p.cache.AllocBoot(e)) })
		p.Thread("P0", func(t *schedule.Thread) {
			o := p.keep.Get()
			o.data.Write(t, 1)
			p.p.StoreRelease(t, o)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if o := p.keep.Get(); p.p.ReadOnce(t) != nil {
				p.r[0].SetBool(o.data.ReadOnce(t) == 0)
			}
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "10 pass",
}, {
	// CoRR with something between that passes both.
	Name: "CoRR+other",
	Build: build(func(p prog) {
		p.writes("P0", &p.x, 1, &p.x, 2, writeOnce, writeOnce)
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].Set(p.x.ReadOnce(t))
			p.y.ReadOnce(t)
			p.r[1].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.r[1].Get() < p.r[0].Get() })
	}),
	Verdict: litmus.Never, Counts: "70 pass",
}, {
	// Of a word that has been stored to twice, both old values may be read, and not in the wrong
	// order.
	Name: "CoRR+old+old",
	Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			p.x.WriteOnce(t, 2)
			p.y.StoreRelease(t, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].Set(p.y.ReadOnce(t))
			p.r[1].Set(p.x.ReadOnce(t))
			p.r[2].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.is(1, 0, 1) })
	}),
	Verdict: litmus.Sometimes, Counts: "440 pass, 5 exists",
}, {
	// A load does not see what its own thread has overwritten.
	Name: "CoWR+old",
	Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.x.WriteOnce(t, 1) })
		p.Thread("P1", func(t *schedule.Thread) {
			p.y.ReadOnce(t)
			p.x.WriteOnce(t, 2)
			p.r[0].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.is(0) || p.is(1) && p.x.Peek() == 2 })
	}),
	Verdict: litmus.Never, Counts: "30 pass",
}, {
	// IRIW+fencembonceonces+OnceOnce: with barriers two readers agree on the order of two stores.
	Name: "IRIW+rmbs",
	Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.x.WriteOnce(t, 1) })
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].Set(p.x.ReadOnce(t))
			mem.SmpRmb(t)
			p.r[1].Set(p.y.ReadOnce(t))
		})
		p.Thread("P2", func(t *schedule.Thread) { p.y.WriteOnce(t, 1) })
		p.Thread("P3", func(t *schedule.Thread) {
			p.r[2].Set(p.y.ReadOnce(t))
			mem.SmpRmb(t)
			p.r[3].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.is(1, 0, 1, 0) })
	}),
	Verdict: litmus.Never, Counts: "25200 pass",
}, {
	// WRC+pooncerelease+fencermbonceonce+Once.
	Name: "WRC+release+rmb",
	Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.x.WriteOnce(t, 1) })
		p.readsWrites("P1", &p.x, 0, &p.y, readOnce, storeRelease)
		p.Thread("P2", func(t *schedule.Thread) {
			p.r[1].Set(p.y.ReadOnce(t))
			mem.SmpRmb(t)
			p.r[2].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.is(1, 1, 0) })
	}),
	Verdict: litmus.Never, Counts: "560 pass",
}, {
	// Who spins until a word has come loads it many times; what is behind the loop may be loaded
	// before the last of them.
	Name: "MP+release+spin",
	Build: build(func(p prog) {
		p.writes("P0", &p.x, 1, &p.y, 1, writeOnce, storeRelease)
		p.Thread("P1", func(t *schedule.Thread) {
			p.spin(t, schedule.ReadOnce|schedule.Blocks)
			p.r[0].SetBool(p.x.ReadOnce(t) == 0)
		})
		p.Exists(func() bool { return p.is(1) })
	}),
	Verdict: litmus.Sometimes, Counts: "2 pass, 2 exists",
}, {
	Name: "MP+release+spin-acquire",
	Build: build(func(p prog) {
		p.writes("P0", &p.x, 1, &p.y, 1, writeOnce, storeRelease)
		p.Thread("P1", func(t *schedule.Thread) {
			p.spin(t, schedule.ReadOnce|schedule.Acquire|schedule.Blocks)
			p.r[0].SetBool(p.x.ReadOnce(t) == 0)
		})
		p.Exists(func() bool { return p.is(1) })
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// A reader that begins after a grace period has begun sees what was stored before it, whatever
	// else it has loaded before: RCU+sync+read.
	Name: "RCU+load+sync+read",
	Build: build(func(p prog) {
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, rcu.Merged) })
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			rcu.Synchronize(t)
			p.y.WriteOnce(t, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.z.ReadOnce(t)
			rcu.ReadLock(t)
			p.r[0].Set(p.y.ReadOnce(t))
			p.r[1].Set(p.x.ReadOnce(t))
			rcu.ReadUnlock(t)
		})
		p.Exists(func() bool { return p.is(1, 0) })
	}),
	Verdict: litmus.Never, Counts: "213 pass",
}, {
	// The same with the loads the other way round: a section that has seen nothing of what came
	// before the grace period sees nothing of what comes after it.
	Name: "RCU+load+sync+read-old",
	Build: build(func(p prog) {
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, rcu.Merged) })
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			rcu.Synchronize(t)
			p.y.WriteOnce(t, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.z.ReadOnce(t)
			rcu.ReadLock(t)
			p.r[0].Set(p.x.ReadOnce(t))
			p.r[1].Set(p.y.ReadOnce(t))
			rcu.ReadUnlock(t)
		})
		p.Exists(func() bool { return p.r[0].Get() == 0 && p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "213 pass",
}, {
	// Who has waited for a section sees all that was stored in it, and nothing of before.
	Name: "RCU+section+sync+reads",
	Build: build(func(p prog) {
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, rcu.Merged) })
		p.Thread("P0", func(t *schedule.Thread) {
			p.z.WriteOnce(t, 1)
			rcu.Synchronize(t)
			p.r[0].Set(p.y.ReadOnce(t))
			p.r[1].Set(p.x.ReadOnce(t))
		})
		p.Thread("P1", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			p.r[2].SetBool(p.z.ReadOnce(t) == 0)
			p.x.WriteOnce(t, 1)
			p.y.WriteOnce(t, 1)
			rcu.ReadUnlock(t)
		})
		p.Exists(func() bool { return p.r[2].Get() == 1 && p.r[1].Get() == 0 })
	}),
	Verdict: litmus.Never, Counts: "2204 pass",
}, {
	// An interrupt is a barrier on its CPU: what comes behind it is not loaded before.
	Name: "MP+release+irq",
	Build: build(func(p prog) {
		o := litmus.Static[interrupted](p.Program, "o")
		o.irq.Init(func(t *schedule.Thread) { p.r[2].Set(1) })
		p.writes("P0", &p.x, 1, &p.y, 1, writeOnce, storeRelease)
		p.Agents(func(e *schedule.Exec) {
			task := e.Go("P1", func(t *schedule.Thread) {
				p.r[0].Set(p.y.ReadOnce(t))
				p.r[3].Set(p.r[2].Get())
				p.r[1].Set(p.x.ReadOnce(t))
				p.r[4].Set(p.r[2].Get())
			})
			interrupt.Boot(e, "irq", &o.irq, task, 1)
		})
		p.Exists(func() bool { return p.is(1, 0, 1, 0, 1) })
	}),
	Verdict: litmus.Never, Counts: "177 pass",
}}

type interrupted struct {
	schedule.Object
	irq interrupt.Irq
}

// spin waits until y is 1.
func (p prog) spin(t *schedule.Thread, m schedule.Mode) {
	p.y.Spin(t, m)
}

// TestRmb runs the table of what orders loads.
func TestRmb(t *testing.T) {
	for i := range rmbTests {
		rmbTests[i].RMO = true
	}
	litmus.Run(t, rmbTests)
}
