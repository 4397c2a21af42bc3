package slab_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A counted is an object of a cache with SLAB_TYPESAFE_BY_RCU, and one of kfree_rcu().
type counted struct {
	schedule.Object
	slab.Typesafe
	rcu slab.RcuHead
	key mem.Int
	ref atomic.Int
}

type cache = slab.TypesafeCache[counted, *counted]

// A typesafe makes the programs: o is there from the start, with a reference, as key 1; p is
// where it is found.
type typesafe struct {
	*litmus.Program
	cache *cache
	plain *slab.Cache[counted, *counted]
	g     *found
	o     *counted
	r     [8]litmus.Reg
}

type found struct {
	schedule.Object
	p rcu.Ptr[*counted]
	q rcu.Ptr[*counted] // of key 2
}

func safe(f func(p *typesafe)) func(*litmus.Program) {
	return func(p *litmus.Program) {
		s := &typesafe{Program: p, cache: litmus.Static[cache](p, "cache"), r: p.Regs()}
		s.cache.Init("o", nil)
		s.plain = slab.NewCache("o", func(o *counted) { o.rcu.Init(o) })
		s.g = litmus.Static[found](p, "g")
		f(s)
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, rcu.Merged) })
	}
}

// boot has o come from the cache, or without it from one of which kfree_rcu() frees.
func (p *typesafe) boot(plain bool) {
	p.Begin(func(e *schedule.Exec) {
		if plain {
			p.o = p.plain.AllocBoot(e)
		} else {
			p.o = p.cache.AllocBoot(e)
		}
		p.o.key.Init(1)
		p.o.ref.Init(1)
		p.g.p.Init(p.o)
	})
}

// readTwice looks the object up and reads it, in a section or not.
func (p *typesafe) readTwice(section bool) func(t *schedule.Thread) {
	return func(t *schedule.Thread) {
		rcu.ReadLock(t)
		o := p.g.p.Dereference(t)
		if !section {
			rcu.ReadUnlock(t)
		}
		if o != nil {
			o.key.Read(t)
		}
		if section {
			rcu.ReadUnlock(t)
		}
	}
}

// drop unlinks the object and frees it.
func (p *typesafe) drop(t *schedule.Thread) {
	p.g.p.Assign(t, nil)
	p.cache.Free(t, p.o)
}

// lookup finds the object of key 1 and takes a reference. The bad outcome is that it returns the
// one of key 2.
func (p *typesafe) lookup(again bool) func(t *schedule.Thread) {
	return func(t *schedule.Thread) {
		rcu.ReadLock(t)
		o := p.g.p.Dereference(t)
		if o != nil && !o.ref.IncNotZero(t) {
			o = nil
		}
		if o != nil && again && p.g.p.Dereference(t) != o {
			p.put(t, o)
			o = nil
		}
		rcu.ReadUnlock(t)
		if o != nil {
			p.r[0].Set(o.key.Read(t))
			p.put(t, o)
		}
	}
}

func (p *typesafe) put(t *schedule.Thread, o *counted) {
	if o.ref.DecAndTest(t) {
		p.cache.Free(t, o)
	}
}

// replace drops the object of key 1, and then adds one of key 2.
func (p *typesafe) replace(t *schedule.Thread) {
	p.g.p.Assign(t, nil)
	p.put(t, p.o)
	o := p.cache.Alloc(t)
	o.key.Write(t, 2)
	o.ref.Set(t, 1)
	p.g.q.Assign(t, o)
}

func second(p *typesafe) func() bool { return func() bool { return p.r[0].Get() == 2 } }

// sole makes a program of one thread.
func sole(f func(p *typesafe, t *schedule.Thread)) func(*litmus.Program) {
	return safe(func(p *typesafe) {
		p.boot(false)
		p.Thread("P0", func(t *schedule.Thread) { f(p, t) })
	})
}

var typesafeTests = []litmus.Test{{
	// Memory stays what it is while a reader is in a section that began before.
	Name: "TYPESAFE+section", Build: safe(func(p *typesafe) {
		p.boot(false)
		p.Thread("P0", p.readTwice(true))
		p.Thread("P1", p.drop)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "48 pass",
}, {
	// Outside of any it is gone after a grace period, if the slab is given back.
	Name: "TYPESAFE+late", Build: safe(func(p *typesafe) {
		p.boot(false)
		p.Thread("P0", p.readTwice(false))
		p.Thread("P1", p.drop)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "52 pass, 4 use-after-free",
}, {
	// A reference is no proof that it is the object looked for: whoever has found that before
	// it is unlinked may take the reference when the other has his, and that one may add the
	// object to q before any of the 4 steps that are left to the first, or after them.
	Name: "TYPESAFE+lookup", Build: safe(func(p *typesafe) {
		p.boot(false)
		p.Thread("P0", p.lookup(false))
		p.Thread("P1", p.replace)
		p.Exists(second(p))
	}),
	Verdict: litmus.Sometimes, Counts: "4736 pass, 5 exists",
}, {
	// With the second look it is.
	Name: "TYPESAFE+lookup+again", Build: safe(func(p *typesafe) {
		p.boot(false)
		p.Thread("P0", p.lookup(true))
		p.Thread("P1", p.replace)
		p.Exists(second(p))
	}),
	Verdict: litmus.Never, Counts: "5433 pass",
}, {
	// Store buffers change nothing: they are in order.
	Name: "TYPESAFE+lookup+again+tso", Build: safe(func(p *typesafe) {
		p.boot(false)
		p.Thread("P0", p.lookup(true))
		p.Thread("P1", p.replace)
		p.Exists(second(p))
	}),
	Verdict: litmus.Never, Counts: "353255 pass", TSO: true,
}, {
	// Nobody can tell an object that is used again from the one that it was. It is not where
	// the object is a new one, or the slab is given back, 6 orders of 2 steps and 2.
	Name: "TYPESAFE+reuse", Build: sole(func(p *typesafe, t *schedule.Thread) {
		p.drop(t)
		o := p.cache.Alloc(t)
		p.g.q.Assign(t, o)
		p.r[0].SetBool(o == p.o && p.o.key.Read(t) == 1)
		p.Exists(func() bool { return p.r[0].Get() != 0 })
	}),
	Verdict: litmus.Sometimes, Counts: "7 pass, 1 exists",
}, {
	// Of two that are free either may be used again, the last first.
	Name: "TYPESAFE+two", Build: sole(func(p *typesafe, t *schedule.Thread) {
		a, b := p.cache.Alloc(t), p.cache.Alloc(t)
		p.cache.Free(t, a)
		p.cache.Free(t, b)
		c, d := p.cache.Alloc(t), p.cache.Alloc(t)
		p.r[0].SetBool(c == a && d == b || c == b && d == a)
		p.cache.Free(t, c)
		p.cache.Free(t, d)
		p.Exists(func() bool { return p.r[0].Get() != 0 })
	}),
	Verdict: litmus.Sometimes, Counts: "4214 pass, 22 exists",
}, {
	// The second free comes before, between or after the 2 steps of the callback, or there is
	// none.
	Name: "TYPESAFE+free+free", Build: sole(func(p *typesafe, t *schedule.Thread) {
		p.drop(t)
		p.cache.Free(t, p.o)
	}),
	Bad: schedule.DoubleFree, Verdict: litmus.Always, Counts: "4 double-free",
}, {
	// What nothing refers to has leaked, whatever cache it is of.
	Name: "TYPESAFE+leak", Build: sole(func(p *typesafe, t *schedule.Thread) {
		p.g.p.Assign(t, nil)
	}),
	Bad: schedule.Leak, Verdict: litmus.Always, Counts: "1 memory-leak",
}, {
	// It may sleep.
	Name: "TYPESAFE+atomic", Build: sole(func(p *typesafe, t *schedule.Thread) {
		preempt.PreemptDisable(t)
		p.g.q.Assign(t, p.cache.Alloc(t))
		preempt.PreemptEnable(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// kfree_rcu() waits for who has found the object.
	Name: "KFREE_RCU+section", Build: safe(func(p *typesafe) {
		p.boot(true)
		p.Thread("P0", p.readTwice(true))
		p.Thread("P1", p.kfreeRcu)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "22 pass",
}, {
	// And for nobody else: of whoever has left the section before the grace period has ended, or
	// was not in it when it began.
	Name: "KFREE_RCU+late", Build: safe(func(p *typesafe) {
		p.boot(true)
		p.Thread("P0", p.readTwice(false))
		p.Thread("P1", p.kfreeRcu)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "25 pass, 3 use-after-free",
}, {
	// The one callback is queued already, or has freed the object.
	Name: "KFREE_RCU+twice", Build: safe(func(p *typesafe) {
		p.boot(true)
		p.Thread("P0", func(t *schedule.Thread) {
			p.kfreeRcu(t)
			slab.KfreeRcu(t, &p.o.rcu)
		})
	}),
	Bad: schedule.LockRule, Verdict: litmus.Sometimes, Counts: "1 lock-rule, 2 use-after-free",
}}

// kfreeRcu unlinks the object and has it freed.
func (p *typesafe) kfreeRcu(t *schedule.Thread) {
	p.g.p.Assign(t, nil)
	slab.KfreeRcu(t, &p.o.rcu)
}

func TestTypesafe(t *testing.T)         { litmus.Run(t, typesafeTests) }
func TestTypesafeContract(t *testing.T) { litmus.Contract(t, typesafeTests) }
