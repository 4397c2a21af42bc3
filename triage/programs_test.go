package triage_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The programs of the tests: each is as small as a bug can be of which the
// smallest schedule is known by hand. Their functions have kernel names, so that
// reports of them read as reports of the kernel do.

const (
	readOnce  = schedule.ReadOnce
	writeOnce = schedule.WriteOnce
	rmw       = schedule.RMWFull
)

// toy is what all programs are made of: an mm with a context.
type toy struct {
	mm  toyMM
	ctx toyCtx
}

type toyMM struct {
	schedule.Object
	slot   schedule.Ptr[*toyCtx]
	lock   schedule.Cell
	other  schedule.Cell // a second lock
	window schedule.Cell
	noise  schedule.Cell
	queued schedule.Cell
}

type toyCtx struct {
	schedule.Object
	users schedule.Cell
	head  schedule.Cell
}

func newToy() *toy {
	k := new(toy)
	k.mm.Bind(&k.mm, "mm")
	k.ctx.Bind(&k.ctx, "ctx")
	return k
}

func (k *toy) boot(e *schedule.Exec) {
	e.Static(&k.mm.Object, 0)
	e.AllocBoot(&k.ctx.Object, 0)
	k.mm.slot.Put(&k.ctx)
	k.ctx.users.Set(1)
}

// lock and unlock are spin locks.
type unlocked struct{ c *schedule.Cell }

func (u unlocked) Open(*schedule.Thread) bool { return u.c.Value() == 0 }

func (k *toy) acquire(t *schedule.Thread, c *schedule.Cell) {
	t.Await(schedule.Op{Verb: "spin_lock", Cell: c, Mode: schedule.LockOp}, unlocked{c})
	c.Set(uint64(t.ID) + 1)
}

func (k *toy) release(t *schedule.Thread, c *schedule.Cell) {
	t.Step(schedule.Op{Verb: "spin_unlock", Cell: c, Mode: schedule.UnlockOp})
	c.Set(0)
}

// lookupCtx finds the context and takes a reference: too late, if it has been
// killed in between.
func (k *toy) lookupCtx(t *schedule.Thread) bool {
	t.Step(schedule.Op{Verb: "rcu_dereference", Cell: &k.mm.slot.Cell, Mode: readOnce})
	c := k.mm.slot.Get()
	t.Observe(k.mm.slot.Value())
	if c == nil {
		return false
	}
	t.Step(schedule.Op{Verb: "refcount_inc", Cell: &c.users, Mode: rmw})
	if c.users.Value() == 0 {
		t.Warn(schedule.RefResurrect, &c.Object, schedule.Party{}, "")
	}
	c.users.Set(c.users.Value() + 1)
	return true
}

// readEvents uses the context that lookupCtx has found.
func (k *toy) readEvents(t *schedule.Thread) {
	if k.lookupCtx(t) {
		t.Step(schedule.Op{Verb: "READ_ONCE", Cell: &k.ctx.head, Mode: readOnce})
		t.Observe(k.ctx.head.Value())
		k.putCtx(t)
	}
}

func (k *toy) putCtx(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "refcount_dec_and_test", Cell: &k.ctx.users, Mode: rmw})
	k.ctx.users.Set(k.ctx.users.Value() - 1)
	if t.ObserveBool(k.ctx.users.Value() == 0) {
		k.queueFree(t)
	}
}

// queueFree leaves the freeing to the worker.
func (k *toy) queueFree(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "schedule_work", Cell: &k.mm.queued, Mode: rmw})
	k.mm.queued.Set(1)
}

// destroyCtx takes the context out of the table and drops its reference.
func (k *toy) destroyCtx(t *schedule.Thread) {
	k.acquire(t, &k.mm.lock)
	t.Step(schedule.Op{Verb: "READ_ONCE", Cell: &k.mm.slot.Cell, Mode: readOnce})
	there := k.mm.slot.Get() != nil
	t.ObserveBool(there)
	if there {
		t.Step(schedule.Op{Verb: "rcu_assign_pointer", Cell: &k.mm.slot.Cell, Mode: writeOnce})
		k.mm.slot.Put(nil)
	}
	k.release(t, &k.mm.lock)
	if there {
		k.putCtx(t)
	}
}

// Ready and Run make k the worker that frees the context.
func (k *toy) Ready(*schedule.Thread) bool { return k.mm.queued.Value() != 0 }

func (k *toy) Run(t *schedule.Thread) {
	t.Begin(schedule.Op{Verb: "work runs", Cell: &k.mm.queued, Mode: rmw})
	k.mm.queued.Set(0)
	k.freeCtx(t)
}

func (k *toy) freeCtx(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "kfree", Cell: k.ctx.Self(), Mode: schedule.Writes | schedule.Frees})
	t.Free(&k.ctx.Object)
}

// getpid does nothing that matters.
func (k *toy) getpid(t *schedule.Thread) {
	for range 3 {
		t.Step(schedule.Op{Verb: "atomic_inc", Cell: &k.mm.noise, Mode: rmw})
		k.mm.noise.Set((k.mm.noise.Value() + 1) % 2)
	}
}

// openWindow and peekWindow fail only if the second runs around the first step
// of the first and before its second: two preemptions, neither good for anything
// without the other.
func (k *toy) openWindow(t *schedule.Thread) {
	for v := range uint64(2) {
		t.Step(schedule.Op{Verb: "WRITE_ONCE", Cell: &k.mm.window, Mode: writeOnce})
		k.mm.window.Set(v + 1)
	}
}

func (k *toy) peekWindow(t *schedule.Thread) {
	var seen [2]uint64
	for i := range seen {
		t.Step(schedule.Op{Verb: "READ_ONCE", Cell: &k.mm.window, Mode: readOnce})
		seen[i] = t.Observe(k.mm.window.Value())
	}
	if seen == [2]uint64{0, 1} {
		t.Fail(schedule.BugOn, &k.mm.Object, schedule.Party{}, "seen half open")
	}
}

// lockBoth takes the two locks, in an order that should be the same for all.
func (k *toy) lockBoth(t *schedule.Thread, first, second *schedule.Cell) {
	k.acquire(t, first)
	k.acquire(t, second)
	k.release(t, second)
	k.release(t, first)
}

func program(name string, threads func(k *toy, e *schedule.Exec)) schedule.Program {
	return schedule.Program{Name: name, New: func() func(*schedule.Exec) {
		k := newToy()
		return func(e *schedule.Exec) {
			k.boot(e)
			threads(k, e)
		}
	}}
}

// lookupRace is one lookup against one destroy, and somebody who is in the way.
var lookupRace = program("toy/lookup-vs-destroy", func(k *toy, e *schedule.Exec) {
	e.Agent("kworker", k)
	e.Go("getpid", k.getpid)
	e.Go("io_getevents", k.readEvents)
	e.Go("io_destroy", k.destroyCtx)
})

// lookupAlone is the same without that.
var lookupAlone = program("toy/lookup-alone", func(k *toy, e *schedule.Exec) {
	e.Agent("kworker", k)
	e.Go("io_getevents", k.readEvents)
	e.Go("io_destroy", k.destroyCtx)
})

// gamble fails by the second of two choices, and by no order.
var gamble = program("toy/gamble", func(k *toy, e *schedule.Exec) {
	e.Go("getpid", k.getpid)
	e.Go("io_setup", func(t *schedule.Thread) {
		t.Step(schedule.Op{Verb: "READ_ONCE", Cell: &k.mm.window, Mode: readOnce})
		t.Choose(2)
		if t.Choose(3) == 1 {
			t.Means("no memory")
			t.Fail(schedule.BugOn, &k.mm.Object, schedule.Party{}, "no memory")
		}
	})
})

// long fails if a thread has stored halfway before another loads halfway.
var long = program("toy/long", func(k *toy, e *schedule.Exec) {
	getpid := func(t *schedule.Thread) {
		for range 17 {
			t.Step(schedule.Op{Verb: "getpid", Cell: &k.mm.noise, Mode: readOnce})
		}
	}
	e.Go("getpid", func(t *schedule.Thread) {
		getpid(t)
		t.Step(schedule.Op{Verb: "WRITE_ONCE", Cell: &k.mm.window, Mode: schedule.WriteOnce})
		k.mm.window.Set(1)
		getpid(t)
	})
	e.Go("io_setup", func(t *schedule.Thread) {
		getpid(t)
		t.Step(schedule.Op{Verb: "READ_ONCE", Cell: &k.mm.window, Mode: readOnce})
		v := t.Observe(k.mm.window.Value())
		getpid(t)
		if v == 1 {
			t.Fail(schedule.BugOn, &k.mm.Object, schedule.Party{}, "")
		}
	})
})

// spelt fails if a thread loads before and after another has stored, whatever the first load, and
// the store, are called.
func spelt(load, store string) schedule.Program { return bet(load, store, 3) }

// bet is spelt that fails only if so many of three alternatives are chosen.
func bet(load, store string, lost int) schedule.Program {
	return program("toy/spelt", func(k *toy, e *schedule.Exec) {
		c := &k.mm.window
		e.Go("getpid", func(t *schedule.Thread) {
			t.Step(schedule.Op{Verb: load, Cell: c, Mode: readOnce})
			before := t.Observe(c.Value())
			t.Step(schedule.Op{Verb: "getpid", Cell: c, Mode: readOnce})
			if t.Observe(c.Value()) != before && (lost == 3 || t.Choose(3) < lost) {
				t.Fail(schedule.BugOn, &k.mm.Object, schedule.Party{}, "")
			}
		})
		e.Go("io_setup", func(t *schedule.Thread) {
			t.Step(schedule.Op{Verb: store, Cell: c, Mode: schedule.WriteOnce})
			c.Set(1)
		})
	})
}

// picky fails if an agent that has two things to do begins with the second.
var picky = program("toy/picky", func(k *toy, e *schedule.Exec) {
	e.Go("getpid", k.getpid)
	e.Agent("kworker", &picker{k: k})
	e.AtEnd(func(e *schedule.Exec) {
		if k.mm.queued.Value() == 1 {
			e.FailAtEnd(schedule.BugOn, &k.mm.Object, schedule.Party{}, "the first was last")
		}
	})
})

type picker struct{ k *toy }

func (p *picker) left() (cells []*schedule.Cell) {
	for _, c := range []*schedule.Cell{&p.k.mm.lock, &p.k.mm.other} {
		if c.Value() == 0 {
			cells = append(cells, c)
		}
	}
	return cells
}

// Ready implements [schedule.Agent].
func (p *picker) Ready(*schedule.Thread) bool { return len(p.left()) > 0 }

// Run implements [schedule.Agent].
func (p *picker) Run(t *schedule.Thread) {
	left := p.left()
	c := left[t.Choose(len(left))]
	t.Begin(schedule.Op{Verb: "work runs", Cell: c, Mode: rmw})
	c.Set(1)
	p.k.mm.queued.Set(1)
	if c == &p.k.mm.other {
		p.k.mm.queued.Set(2)
	}
}

// lottery fails by a choice that is made before the step of which it is, and that the step does not
// tell.
var lottery = program("toy/lottery", func(k *toy, e *schedule.Exec) {
	e.Go("getpid", k.getpid)
	e.Agent("softirq", &drawer{k: k})
})

type drawer struct{ k *toy }

// Ready implements [schedule.Agent].
func (d *drawer) Ready(*schedule.Thread) bool { return d.k.mm.queued.Value() == 0 }

// Run implements [schedule.Agent].
func (d *drawer) Run(t *schedule.Thread) {
	lot := t.Choose(2)
	t.Begin(schedule.Op{Verb: "softirq", Cell: &d.k.mm.queued, Mode: rmw})
	d.k.mm.queued.Set(1)
	if lot == 1 {
		t.Fail(schedule.BugOn, &d.k.mm.Object, schedule.Party{}, "drawn")
	}
}

// window needs two preemptions.
var window = program("toy/window", func(k *toy, e *schedule.Exec) {
	e.Go("getpid", k.getpid)
	e.Go("peek", k.peekWindow)
	e.Go("open", k.openWindow)
})

// abba is the classical deadlock.
var abba = program("toy/abba", func(k *toy, e *schedule.Exec) {
	e.Go("io_setup", func(t *schedule.Thread) { k.lockBoth(t, &k.mm.lock, &k.mm.other) })
	e.Go("io_destroy", func(t *schedule.Thread) { k.lockBoth(t, &k.mm.other, &k.mm.lock) })
})

// sleeper allocates under a spin lock, in a function that has taken no step yet.
var sleeper = program("toy/sleeper", func(k *toy, e *schedule.Exec) {
	e.Go("io_setup", k.setupCtx)
})

// setupCtx makes a context under the lock.
func (k *toy) setupCtx(t *schedule.Thread) {
	k.acquire(t, &k.mm.lock)
	at := t.Now()
	k.getpid(t)
	k.allocCtx(t, at)
}

// allocCtx may sleep.
func (k *toy) allocCtx(t *schedule.Thread, at schedule.Party) {
	t.Warn(schedule.SleepInAtomic, &k.mm.Object, at, "kmem_cache_zalloc")
}

// napper calls schedule() under a spin lock, and reader in a section of preemptible RCU. The
// others are readers where RCU is not, of whom the second may sleep.
var (
	napper = program("toy/napper", func(k *toy, e *schedule.Exec) {
		e.Go("io_getevents", func(t *schedule.Thread) { k.nap(t, k.lockCtx) })
	})
	reader = program("toy/reader", func(k *toy, e *schedule.Exec) {
		e.Go("io_getevents", func(t *schedule.Thread) { k.nap(t, k.readCtx) })
	})
	atomicReader = program("toy/atomic-reader", func(k *toy, e *schedule.Exec) {
		e.Go("io_getevents", func(t *schedule.Thread) { k.nap(t, k.readAtomic) })
	})
	sleepyReader = program("toy/sleepy-reader", func(k *toy, e *schedule.Exec) {
		e.Go("io_getevents", k.doze)
	})
)

// lockCtx takes the lock.
func (k *toy) lockCtx(t *schedule.Thread) *schedule.Object {
	k.acquire(t, &k.mm.lock)
	return &k.mm.Object
}

// readCtx begins a section.
func (k *toy) readCtx(t *schedule.Thread) *schedule.Object {
	t.Step(schedule.Op{Verb: "rcu_read_lock", Mode: schedule.Barrier})
	return &k.mm.Object
}

// readAtomic begins one that has preemption off.
func (k *toy) readAtomic(t *schedule.Thread) *schedule.Object {
	t.Step(schedule.Op{Verb: "rcu_read_lock", Mode: schedule.Barrier})
	return nil
}

// nap sleeps after begin.
func (k *toy) nap(t *schedule.Thread, begin func(t *schedule.Thread) *schedule.Object) {
	o := begin(t)
	t.Warn(schedule.SleepInAtomic, o, t.Now(), "schedule")
}

// doze may sleep in such a section.
func (k *toy) doze(t *schedule.Thread) {
	o := k.readAtomic(t)
	t.Warn(schedule.SleepInAtomic, o, t.Now(), "kmem_cache_zalloc")
}

// forget loses the context without freeing it, sequentially.
var forget = program("toy/forget", func(k *toy, e *schedule.Exec) {
	e.Go("exit_mmap", func(t *schedule.Thread) {
		k.getpid(t)
		t.Step(schedule.Op{Verb: "WRITE_ONCE", Cell: &k.mm.slot.Cell, Mode: writeOnce})
		k.mm.slot.Put(nil)
	})
})

// buffered fails only with store buffers: each of two threads says what it does, and then looks
// whether the other has.
var buffered = withMemory(tso, program("toy/buffered", func(k *toy, e *schedule.Exec) {
	e.Go("io_getevents", func(t *schedule.Thread) {
		if k.alone(t, &k.mm.window, &k.mm.other) {
			t.Step(schedule.Op{Verb: "READ_ONCE", Cell: &k.ctx.head, Mode: readOnce})
		}
	})
	e.Go("io_destroy", func(t *schedule.Thread) {
		if k.alone(t, &k.mm.other, &k.mm.window) {
			k.freeCtx(t)
		}
	})
}))

// ring fails only where loads pass loads: an event, and then that there is one.
var ring = withMemory(rmo, program("toy/ring", func(k *toy, e *schedule.Exec) {
	e.Go("io_getevents", k.readRing)
	e.Go("kworker", k.completeRing)
}))

// ringNoise is ring with another load in it whose value is old at times, and does not matter.
var ringNoise = withMemory(rmo, program("toy/ring-noise", func(k *toy, e *schedule.Exec) {
	e.Go("io_getevents", func(t *schedule.Thread) {
		t.Step(schedule.Op{Verb: "READ_ONCE", Cell: &k.mm.window, Mode: readOnce})
		t.Observe(t.Load(&k.mm.window))
		t.Step(schedule.Op{Verb: "READ_ONCE", Cell: &k.mm.noise, Mode: readOnce})
		t.Observe(t.Load(&k.mm.noise))
		k.readRing(t)
	})
	e.Go("kworker", func(t *schedule.Thread) {
		t.Step(schedule.Op{Verb: "WRITE_ONCE", Cell: &k.mm.noise, Mode: writeOnce})
		t.Store(&k.mm.noise, 1)
		k.completeRing(t)
	})
}))

func (k *toy) completeRing(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "WRITE_ONCE", Cell: &k.ctx.head, Mode: writeOnce})
	t.Store(&k.ctx.head, 1)
	const release = writeOnce | schedule.Release
	t.Step(schedule.Op{Verb: "smp_store_release", Cell: &k.mm.window, Mode: release})
	t.Store(&k.mm.window, 1)
}

func (k *toy) readRing(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "READ_ONCE", Cell: &k.mm.window, Mode: readOnce})
	if t.Observe(t.Load(&k.mm.window)) == 0 {
		return
	}
	t.Step(schedule.Op{Verb: "READ_ONCE", Cell: &k.ctx.head, Mode: readOnce})
	if t.Observe(t.Load(&k.ctx.head)) == 0 {
		t.Fail(schedule.LostUpdate, &k.ctx.Object, schedule.Party{}, "no event")
	}
}

// What memory is like.
var (
	tso = (*schedule.Exec).BufferStores
	rmo = (*schedule.Exec).ReorderLoads
)

// withMemory gives a program memory that is weaker.
func withMemory(weaken func(*schedule.Exec), p schedule.Program) schedule.Program {
	inner := p.New
	p.New = func() func(*schedule.Exec) {
		begin := inner()
		return func(e *schedule.Exec) {
			weaken(e)
			begin(e)
		}
	}
	return p
}

// alone sets one flag and reports whether the other is not set.
func (k *toy) alone(t *schedule.Thread, own, other *schedule.Cell) bool {
	t.Step(schedule.Op{Verb: "WRITE_ONCE", Cell: own, Mode: writeOnce})
	t.Store(own, 1)
	t.Step(schedule.Op{Verb: "READ_ONCE", Cell: other, Mode: readOnce})
	return t.Observe(other.Value()) == 0
}

// Calls of the workload, the simplest first.
const maxToyCalls = 3

// workload chooses 1 to 3 threads of 1 to 3 calls each. It takes two threads with
// one call each to fail.
var workload = schedule.Program{Name: "toy/workload", New: func() func(*schedule.Exec) {
	k := newToy()
	kinds := []func(*schedule.Thread){
		k.getpid, k.readEvents, k.destroyCtx, k.peekWindow, k.openWindow,
	}
	var calls [3][]func(*schedule.Thread)
	var bodies [3]func(*schedule.Thread)
	for i := range bodies {
		bodies[i] = func(t *schedule.Thread) {
			for _, f := range calls[i] {
				f(t)
			}
		}
	}
	return func(e *schedule.Exec) {
		k.boot(e)
		e.Agent("kworker", k)
		for i := range 1 + e.Choose(len(calls)) {
			calls[i] = calls[i][:0]
			for range 1 + e.Choose(maxToyCalls) {
				calls[i] = append(calls[i], kinds[e.Choose(len(kinds))])
			}
			e.CountCalls(len(calls[i]))
			e.Go([]string{"A", "B", "C"}[i], bodies[i])
		}
	}
}}

// failing returns up to max tapes under which p fails, no two of which are the
// same, found by a fixed pseudo-random walk.
func failing(t *testing.T, p schedule.Program, mute schedule.Kinds, max int) []schedule.Tape {
	t.Helper()
	r := schedule.NewRunner(p)
	defer r.Close()
	r.Mute = mute
	if testing.Short() {
		max = min(max, 20)
	}
	var out []schedule.Tape
	seen := map[string]bool{}
	w := walk(1)
	for range 20_000 {
		res := r.Run(&w)
		if s := r.Taken(); res.Outcome == schedule.Fail && !seen[s.String()] {
			seen[s.String()] = true
			if out = append(out, append(schedule.Tape(nil), s...)); len(out) == max {
				return out
			}
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s: no failure found", p.Name)
	}
	return out
}

// walk decides at random, the same on every machine (a 64-bit xorshift).
type walk uint64

func (w *walk) Choose(_ *schedule.Exec, n int) int {
	*w ^= *w << 13
	*w ^= *w >> 7
	*w ^= *w << 17
	return int(uint64(*w) >> 33 % uint64(n))
}
