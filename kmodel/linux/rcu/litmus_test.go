package rcu_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// An object is what an RCU pointer points to.
type object struct {
	schedule.Object
	data mem.Int
	refs atomic.Int
	rcu  rcu.Head
}

// kfreeRcu is the callback of kfree_rcu().
func (o *object) kfreeRcu(t *schedule.Thread) { slab.Free(t, "kfree", o) }

type global struct {
	schedule.Object
	p     rcu.Ptr[*object]
	x, y  mem.Int
	freed mem.Int
	table atomic.Int
	ref   atomic.Int
	lock  spin.Lock
	m     mutex.Mutex
	head  [3]rcu.Head
	keep  schedule.Ptr[*object] // so that nothing leaks
}

// A prog makes the programs of the tables: threads over an RCU pointer p to an object o,
// and plain words. The object's data is 1.
type prog struct {
	*litmus.Program
	*global
	cache *slab.Cache[object, *object]
	o     *object
	r     [8]litmus.Reg
}

// build makes a program with an RCU of the given flavours.
func build(f rcu.Flavours, body func(p *prog)) func(*litmus.Program) {
	return func(lp *litmus.Program) {
		p := &prog{
			Program: lp, global: litmus.Static[global](lp, "g"), r: lp.Regs(),
			cache: slab.NewCache("obj", func(o *object) { o.rcu.Init(o.kfreeRcu) }),
		}
		p.Begin(func(e *schedule.Exec) {
			p.o = p.cache.AllocBoot(e)
			p.o.data.Init(1)
			p.p.Init(p.o)
			p.keep.Put(p.o)
		})
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, f) })
		body(p)
	}
}

// readsWith adds a thread that follows the pointer between begin and end.
func (p *prog) readsWith(begin, end func(t *schedule.Thread)) {
	p.Thread("reader", func(t *schedule.Thread) {
		begin(t)
		if o := p.p.DereferenceRaw(t); o != nil {
			o.data.ReadOnce(t)
		}
		end(t)
	})
}

// reads adds a thread that follows the pointer in a section of preemptible RCU.
func (p *prog) reads() { p.readsWith(rcu.ReadLock, rcu.ReadUnlock) }

// owned says that the object is to be freed, or it leaks.
func (p *prog) owned() *prog {
	p.Begin(func(*schedule.Exec) { p.keep.Put(nil) })
	return p
}

// unlink takes the pointer to the object away.
func (p *prog) unlink(t *schedule.Thread) { p.p.Assign(t, nil) }

// free frees the object at once.
func (p *prog) free(t *schedule.Thread) { slab.Free(t, "kfree", p.o) }

// writes adds a thread that does one thing after the other.
func (p *prog) writes(steps ...func(t *schedule.Thread)) {
	p.Thread("writer", func(t *schedule.Thread) {
		for _, f := range steps {
			f(t)
		}
	})
}

// kfreeRcu is kfree_rcu() of the object, and kfreeSched the same for RCU-sched.
func (p *prog) kfreeRcu(t *schedule.Thread)   { rcu.Call(t, &p.o.rcu) }
func (p *prog) kfreeSched(t *schedule.Thread) { rcu.CallSched(t, &p.o.rcu) }

// inside adds a reader that keeps in r[7] whether it is in its section.
func (p *prog) inside() {
	p.Thread("reader", func(t *schedule.Thread) {
		rcu.ReadLock(t)
		p.r[7].Set(1)
		p.x.ReadOnce(t)
		rcu.ReadUnlock(t)
		p.r[7].Set(0)
	})
}

var graceTests = []litmus.Test{{
	// The grace period is between the two writes: a section that has not seen the first
	// began before it, and has ended before the second.
	Name: "RCU+sync+read", Build: build(rcu.Split, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			p.r[0].Set(p.x.ReadOnce(t))
			p.r[1].Set(p.y.ReadOnce(t))
			rcu.ReadUnlock(t)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			rcu.Synchronize(t)
			p.y.WriteOnce(t, 1)
		})
		p.Exists(func() bool { return p.r[0].Get() == 0 && p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "29 pass",
}, {
	// As above without the section: nothing is waited for.
	Name: "RCU+sync+read-nolock", Build: build(rcu.Split, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.r[0].Set(p.x.ReadOnce(t))
			p.r[1].Set(p.y.ReadOnce(t))
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			rcu.Synchronize(t)
			p.y.WriteOnce(t, 1)
		})
		p.Exists(func() bool { return p.r[0].Get() == 0 && p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "14 pass, 1 exists",
}, {
	// Unlinked, waited for, freed: a reader that has the pointer began before the grace
	// period.
	Name: "RCU+sync+free", Build: build(rcu.Split, func(p *prog) {
		p.reads()
		p.writes(p.unlink, rcu.Synchronize, p.free)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "22 pass",
}, {
	// As above without the grace period.
	Name: "RCU+free", Build: build(rcu.Split, func(p *prog) {
		p.reads()
		p.writes(p.unlink, p.free)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "12 pass, 1 use-after-free",
}, {
	// Waited for, then unlinked: a reader that comes during the grace period or later
	// finds the pointer and is not waited for.
	Name: "RCU+sync+unlink+free", Build: build(rcu.Split, func(p *prog) {
		p.reads()
		p.writes(rcu.Synchronize, p.unlink, p.free)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "33 pass, 3 use-after-free",
}, {
	// rcu_assign_pointer() comes after the data, rcu_dereference() before it.
	Name: "MP+onceassign+derefonce", Build: build(rcu.Split, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.o.data.WriteOnce(t, 2)
			p.p.Assign(t, p.o)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			if o := p.p.Dereference(t); o != nil {
				p.r[0].SetBool(o.data.ReadOnce(t) == 1)
			}
			rcu.ReadUnlock(t)
		})
		p.Begin(func(*schedule.Exec) { p.p.Init(nil) })
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "10 pass",
}, {
	// A section that was open before synchronize_rcu() has ended when that returns.
	Name: "GP+waits", Build: build(rcu.Split, func(p *prog) {
		p.inside()
		p.Thread("writer", func(t *schedule.Thread) {
			p.y.WriteOnce(t, 1)
			p.r[0].Set(p.r[7].Get())
			rcu.Synchronize(t)
			p.r[1].Set(p.r[7].Get())
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "13 pass",
}, {
	// A section that is opened later may still be open then.
	Name: "GP+later", Build: build(rcu.Split, func(p *prog) {
		p.inside()
		p.Thread("writer", func(t *schedule.Thread) {
			rcu.Synchronize(t)
			p.r[1].Set(p.r[7].Get())
		})
		p.Exists(func() bool { return p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "5 pass, 2 exists",
}, {
	// The inner unlock does not end the section.
	Name: "GP+nested", Build: build(rcu.Split, func(p *prog) {
		p.Thread("reader", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			o := p.p.Dereference(t)
			rcu.ReadLock(t)
			rcu.ReadUnlock(t)
			if o != nil {
				o.data.ReadOnce(t)
			}
			rcu.ReadUnlock(t)
		})
		p.writes(p.unlink, rcu.Synchronize, p.free)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "46 pass",
}, {
	// Two sections are not one: the pointer is from the first.
	Name: "GP+two-sections", Build: build(rcu.Split, func(p *prog) {
		p.Thread("reader", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			o := p.p.Dereference(t)
			rcu.ReadUnlock(t)
			rcu.ReadLock(t)
			if o != nil {
				o.data.ReadOnce(t)
			}
			rcu.ReadUnlock(t)
		})
		p.writes(p.unlink, rcu.Synchronize, p.free)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "94 pass, 9 use-after-free",
}, {
	// Two grace periods at a time wait for one reader, and end independently.
	Name: "GP+two-writers", Build: build(rcu.Split, func(p *prog) {
		p.inside()
		for i, name := range []string{"P0", "P1"} {
			p.Thread(name, func(t *schedule.Thread) {
				rcu.Synchronize(t)
				p.r[i].Set(1)
			})
		}
		p.Exists(func() bool { return p.r[0].Get()+p.r[1].Get() != 2 })
	}),
	Verdict: litmus.Never, Counts: "114 pass",
}, {
	// The pointer is read before or after it is taken away.
	Name: "OBSERVE+dereference", Build: build(rcu.Split, func(p *prog) {
		p.Observe(func(t *schedule.Thread) bool { return p.p.DereferenceRaw(t) == nil }, p.unlink)
	}),
	Verdict: litmus.Sometimes, Counts: "10 pass, 15 exists",
}, {
	// Readers is true while anybody is in a section, inner or outer.
	Name: "READERS", Build: build(rcu.Split, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			e := t.Exec()
			before := rcu.Readers(e)
			rcu.ReadLock(t)
			rcu.ReadLock(t)
			rcu.ReadUnlock(t)
			p.r[0].SetBool(before || !rcu.Readers(e) || !rcu.ReadLockHeld(t))
			rcu.ReadUnlock(t)
			p.r[1].SetBool(rcu.Readers(e) || rcu.ReadLockHeld(t))
		})
		p.Exists(func() bool { return p.r[0].Get()+p.r[1].Get() != 0 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// A grace period does not hold up readers: it waits, they do not.
	Name: "GP+readers-go-on", Build: build(rcu.Merged, func(p *prog) {
		p.reads()
		p.writes(rcu.Synchronize)
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "9 pass",
}}

// TestGracePeriods runs the table of synchronize_rcu().
func TestGracePeriods(t *testing.T) { litmus.Run(t, graceTests) }

// TestGracePeriodSleeps checks that what others do while a thread waits for a grace period takes no
// preemption, though there is no reader. An rcu_barrier() without a callback does not sleep.
func TestGracePeriodSleeps(t *testing.T) {
	for name, test := range map[string]struct {
		between func(*schedule.Thread)
		want    int
	}{
		"synchronize_rcu": {rcu.Synchronize, 0},
		"rcu_barrier":     {rcu.Barrier, 1}, // there is no callback to wait for
	} {
		row := litmus.Test{Name: name, Build: build(rcu.Merged, func(p *prog) {
			p.Thread("writer", func(t *schedule.Thread) {
				p.x.WriteOnce(t, 1)
				test.between(t)
				p.x.WriteOnce(t, 0)
			})
			p.Thread("reader", func(t *schedule.Thread) { p.r[0].Set(p.x.ReadOnce(t)) })
			p.Exists(func() bool { return p.r[0].Get() == 1 })
		})}
		got := -1
		rep := explore.Last(explore.Exhaust(t.Context(), row.Schedule(),
			explore.Options{Bound: explore.Unbounded}))
		for _, end := range rep.Endings {
			if end.Outcome == schedule.Fail {
				got = end.Witness.Preemptions
			}
		}
		if got != test.want {
			t.Errorf("%s: x is seen with %d preemptions, want %d", name, got, test.want)
		}
	}
}

// TestCallbacks runs the table of call_rcu().
func TestCallbacks(t *testing.T) { litmus.Run(t, callbackTests) }

// TestBarrier runs the table of rcu_barrier().
func TestBarrier(t *testing.T) { litmus.Run(t, barrierTests) }

// TestFlavours runs the table of the two flavours and their readers.
func TestFlavours(t *testing.T) { litmus.Run(t, flavourTests) }

// TestNonPreemptible runs the table of RCU that is not preemptible, and its twins.
func TestNonPreemptible(t *testing.T) { litmus.Run(t, nonPreemptibleTests) }

// TestHerd runs the table whose verdicts herd7 has given too.
func TestHerd(t *testing.T) { litmus.Run(t, herdTests) }

// TestMisuse runs the table of what the package comment forbids.
func TestMisuse(t *testing.T) { litmus.Run(t, misuseTests) }

func TestContract(t *testing.T) {
	litmus.Contract(t, graceTests, callbackTests, barrierTests, flavourTests, nonPreemptibleTests,
		herdTests, misuseTests, storeTests)
}
