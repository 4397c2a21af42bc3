package slab_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// An object has a word and a pointer to another.
type object struct {
	schedule.Object
	x    mem.Int
	next mem.Ptr[*object]
}

type global struct {
	schedule.Object
	p, q mem.Ptr[*object]
	x    mem.Int
}

// A prog makes the programs of the tables: threads over two caches of objects, two
// global pointers and a word. o is an object that is there from the start, if the program
// asks for one.
type prog struct {
	*litmus.Program
	*global
	a, b *slab.Cache[object, *object]
	o    *object
	r    [8]litmus.Reg
}

func build(f func(p *prog)) func(*litmus.Program) {
	return func(p *litmus.Program) {
		f(&prog{
			Program: p, global: litmus.Static[global](p, "g"), r: p.Regs(),
			a: slab.NewCache[object]("a", nil), b: slab.NewCache[object]("b", nil),
		})
	}
}

// boot makes o, with the global pointer p to it.
func (p *prog) boot() *prog {
	p.Begin(func(e *schedule.Exec) {
		p.o = p.a.AllocBoot(e)
		p.p.Init(p.o)
	})
	return p
}

// alone makes a program of one thread.
func alone(f func(p *prog, t *schedule.Thread)) func(*litmus.Program) {
	return build(func(p *prog) { p.boot().Thread("P0", func(t *schedule.Thread) { f(p, t) }) })
}

func free(t *schedule.Thread, o *object) { slab.Free(t, "kfree", o) }

var litmusTests = []litmus.Test{{
	// The read comes before or after the free.
	Name: "UAF+read", Build: build(func(p *prog) {
		p.boot()
		p.Thread("P0", func(t *schedule.Thread) { free(t, p.o) })
		p.Thread("P1", func(t *schedule.Thread) { p.o.x.Read(t) })
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "1 pass, 1 use-after-free",
}, {
	// A write is as bad.
	Name: "UAF+write", Build: build(func(p *prog) {
		p.boot()
		p.Thread("P0", func(t *schedule.Thread) { free(t, p.o) })
		p.Thread("P1", func(t *schedule.Thread) { p.o.x.WriteOnce(t, 1) })
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "1 pass, 1 use-after-free",
}, {
	// The pointer is gone before the object, but P1 has read it before: 1 of the 6
	// orders of (p = NULL, free) and (read p, read x) less those where p is NULL.
	Name: "UAF+unlink", Build: build(func(p *prog) {
		p.boot()
		p.Thread("P0", func(t *schedule.Thread) {
			p.p.Write(t, nil)
			free(t, p.o)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if o := p.p.ReadOnce(t); o != nil {
				o.x.Read(t)
			}
		})
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "4 pass, 1 use-after-free",
}, {
	// One cache: the memory is not used again, so that the stale pointer shows. A kernel
	// may well give the same address out.
	Name: "UAF+realloc", Build: alone(func(p *prog, t *schedule.Thread) {
		free(t, p.o)
		p.q.Write(t, p.a.Alloc(t))
		p.o.x.Read(t)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "1 use-after-free",
}, {
	// Whoever is second frees what is free.
	Name: "FREE+free", Build: build(func(p *prog) {
		p.boot()
		p.Thread("P0", func(t *schedule.Thread) { free(t, p.o) })
		p.Thread("P1", func(t *schedule.Thread) { free(t, p.o) })
	}),
	Bad: schedule.DoubleFree, Verdict: litmus.Always, Counts: "2 double-free",
}, {
	// Who takes the pointer out frees the object, and both may have read it: the read
	// and the NULL are two steps.
	Name: "FREE+read+null", Build: build(func(p *prog) {
		p.boot()
		take := func(t *schedule.Thread) {
			o := p.p.Read(t)
			p.p.Write(t, nil)
			if o != nil {
				free(t, o)
			}
		}
		p.Thread("P0", take)
		p.Thread("P1", take)
	}),
	Bad: schedule.DoubleFree, Verdict: litmus.Sometimes, Counts: "6 pass, 12 double-free",
}, {
	// Allocating is no step: nobody else can see the object. Two threads that only
	// allocate and free have 2 orders.
	Name: "ALLOC+step", Build: build(func(p *prog) {
		work := func(t *schedule.Thread) { free(t, p.a.Alloc(t)) }
		p.Thread("P0", work)
		p.Thread("P1", work)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "2 pass",
}, {
	// Every object starts with 0 in all cells, whatever the executions before left in
	// it.
	Name: "ALLOC+zero", Build: build(func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			o := p.a.Alloc(t)
			p.r[0].SetBool(o.x.Peek() != 0 || o.next.Peek() != nil)
			o.x.Write(t, 1)
			o.next.Write(t, o)
			free(t, o)
		})
		p.Thread("P1", func(t *schedule.Thread) { p.x.Write(t, 1) })
		p.Exists(func() bool { return p.r[0].Get() != 0 })
	}),
	Verdict: litmus.Never, Counts: "4 pass",
}, {
	// kmem_cache_zalloc(GFP_KERNEL) may sleep.
	Name: "ALLOC+preempt-off", Build: alone(func(p *prog, t *schedule.Thread) {
		preempt.Disable(t)
		p.p.Init(p.a.Alloc(t))
		preempt.Enable(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// A reader of preemptible RCU may not sleep either.
	Name: "ALLOC+rcu-reader", Build: alone(func(p *prog, t *schedule.Thread) {
		rcu.ReadLock(t)
		p.p.Init(p.a.Alloc(t))
		rcu.ReadUnlock(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// A kernel warns of it and goes on: the object is there.
	Name: "ALLOC+preempt-off+mute", Build: alone(func(p *prog, t *schedule.Thread) {
		preempt.Disable(t)
		o := p.a.Alloc(t)
		o.x.Write(t, 1)
		free(t, o)
		preempt.Enable(t)
	}),
	Mute: schedule.KindSet(schedule.SleepInAtomic),
	Bad:  schedule.SleepInAtomic, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// GFP_ATOMIC does not sleep.
	Name: "ALLOC+atomic", Build: alone(func(p *prog, t *schedule.Thread) {
		preempt.IrqDisable(t)
		o := p.a.AllocAtomic(t)
		free(t, o)
		preempt.IrqEnable(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Never, Counts: "1 pass",
}}

// TestSlab runs the table.
func TestSlab(t *testing.T) { litmus.Run(t, litmusTests) }

// TestLeaks runs the table of what is left at the end.
func TestLeaks(t *testing.T) { litmus.Run(t, leakTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests, leakTests) }

// TestConstructor counts the calls of a constructor: one for each Go object, which every
// execution uses again.
func TestConstructor(t *testing.T) {
	built := make(map[*object]int)
	cache := slab.NewCache("obj", func(o *object) { built[o]++ })
	r := schedule.NewRunner(schedule.Program{Name: "ctor", New: func() func(*schedule.Exec) {
		return func(e *schedule.Exec) {
			first := cache.AllocBoot(e)
			e.Go("P0", func(t *schedule.Thread) {
				second := cache.Alloc(t)
				if first.Name() != "obj" || second.Name() != "obj2" {
					panic("objects are called " + first.Name() + " and " + second.Name())
				}
				free(t, first)
				free(t, second)
			})
		}
	}})
	defer r.Close()
	for range 3 {
		if res := r.RunTape(nil); res.Outcome != schedule.Pass {
			t.Errorf("%v", res)
		}
		if n := len(cache.InUse(r.Exec())); n != 2 {
			t.Errorf("%d objects in use, want 2", n)
		}
	}
	if len(built) != 2 {
		t.Errorf("%d Go objects, want 2", len(built))
	}
	for _, n := range built {
		if n != 1 {
			t.Errorf("constructed %d times", n)
		}
	}
}
