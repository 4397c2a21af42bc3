package mutex_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type vars struct {
	schedule.Object
	a, b mutex.Mutex
	spin spin.Lock
	x, y mem.Int
}

// A prog makes the programs of the tables: threads over two mutexes, a spin lock and two
// words.
type prog struct {
	*litmus.Program
	*vars
	r [8]litmus.Reg
}

func build(f func(p prog)) func(*litmus.Program) {
	return func(p *litmus.Program) { f(prog{p, litmus.Static[vars](p, "v"), p.Regs()}) }
}

// alone makes a program of one thread.
func alone(f func(p prog, t *schedule.Thread)) func(*litmus.Program) {
	return build(func(p prog) { p.Thread("P0", func(t *schedule.Thread) { f(p, t) }) })
}

// locks adds a thread that takes one mutex inside the other.
func (p prog) locks(name string, outer, inner *mutex.Mutex) {
	p.Thread(name, func(t *schedule.Thread) {
		outer.Lock(t)
		inner.Lock(t)
		inner.Unlock(t)
		outer.Unlock(t)
	})
}

// tryInc adds a thread that counts if it gets a mutex.
func (p prog) tryInc(name string, got *litmus.Reg) {
	p.Thread(name, func(t *schedule.Thread) {
		if p.a.Trylock(t) {
			got.Set(1)
			p.x.Write(t, p.x.Read(t)+1)
			p.a.Unlock(t)
		}
	})
}

// object is protected by the mutex in it.
type object struct {
	schedule.Object
	lock mutex.Mutex
	refs atomic.Int
}

// lifetime has two threads drop the references of an object, of which there are two.
func lifetime(put func(t *schedule.Thread, o *object)) func(*litmus.Program) {
	return func(p *litmus.Program) {
		cache := slab.NewCache[object]("obj", nil)
		var o *object
		p.Begin(func(e *schedule.Exec) {
			o = cache.AllocBoot(e)
			o.refs.Init(2)
		})
		p.Thread("P0", func(t *schedule.Thread) { put(t, o) })
		p.Thread("P1", func(t *schedule.Thread) { put(t, o) })
	}
}

// putInside drops the reference inside the mutex: the mutex protects the lifetime.
func putInside(t *schedule.Thread, o *object) {
	o.lock.Lock(t)
	last := o.refs.DecAndTest(t)
	o.lock.Unlock(t)
	if last {
		slab.Free(t, "kfree", o)
	}
}

// putAfter drops it when the mutex_unlock() has returned.
func putAfter(t *schedule.Thread, o *object) {
	o.lock.Lock(t)
	o.lock.Unlock(t)
	if o.refs.DecAndTest(t) {
		slab.Free(t, "kfree", o)
	}
}

var litmusTests = []litmus.Test{{
	// One holder at a time. The tail of who was first comes anywhere among the five
	// steps of the other: 6 places, twice.
	Name: "INC+mutexes", Build: build(func(p prog) {
		inc := func(t *schedule.Thread) {
			p.a.Lock(t)
			p.x.Write(t, p.x.Read(t)+1)
			p.a.Unlock(t)
		}
		p.Thread("P0", inc)
		p.Thread("P1", inc)
		p.Exists(func() bool { return p.x.Peek() != 2 })
	}),
	Verdict: litmus.Never, Counts: "12 pass",
}, {
	// Who does not get it does nothing. Both get it in 12 ways, as with locks; or one does, and
	// the step of the other comes before one of the next three of the first: 3 places, twice.
	Name: "INC+trylocks", Build: build(func(p prog) {
		p.tryInc("P0", &p.r[0])
		p.tryInc("P1", &p.r[1])
		p.Exists(func() bool { return p.x.Peek() != p.r[0].Get()+p.r[1].Get() || p.x.Peek() == 0 })
	}),
	Verdict: litmus.Never, Counts: "18 pass",
}, {
	// The mutex orders what is inside and outside of it, as MP+polocks.
	Name: "MP+pomutexes", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			p.a.Lock(t)
			p.y.WriteOnce(t, 1)
			p.a.Unlock(t)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.a.Lock(t)
			p.r[0].Set(p.y.ReadOnce(t))
			p.a.Unlock(t)
			p.r[1].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 0 })
	}),
	Verdict: litmus.Never, Counts: "72 pass",
}, {
	// Each holds what the other waits for.
	Name: "ABBA", Build: build(func(p prog) {
		p.locks("P0", &p.a, &p.b)
		p.locks("P1", &p.b, &p.a)
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "38 pass, 2 deadlock",
}, {
	// One order of locks for all: nobody waits for ever.
	Name: "ABAB", Build: build(func(p prog) {
		p.locks("P0", &p.a, &p.b)
		p.locks("P1", &p.a, &p.b)
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "14 pass",
}, {
	// mutex_unlock() touches the mutex after the other has taken it, dropped the last
	// reference and freed the object: the bug that 8c2e52eb is about.
	Name: "LIFETIME+inside", Build: lifetime(putInside),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "10 pass, 2 use-after-free",
}, {
	// Each holds its reference until its mutex_unlock() has returned.
	Name: "LIFETIME+after", Build: lifetime(putAfter),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "30 pass",
}, {
	// The mutex is in the object that is freed under it, so the waiter does not wait for
	// ever: its step shows.
	Name: "LOCK+free", Build: func(p *litmus.Program) {
		cache := slab.NewCache[object]("obj", nil)
		var o *object
		p.Begin(func(e *schedule.Exec) { o = cache.AllocBoot(e) })
		p.Thread("P0", func(t *schedule.Thread) {
			o.lock.Lock(t)
			slab.Free(t, "kfree", o)
			o.lock.Unlock(t)
		})
		p.Thread("P1", func(t *schedule.Thread) { o.lock.Lock(t) })
	},
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "1 lock-rule, 2 use-after-free",
}}

var misuseTests = []litmus.Test{{
	// A mutex is not recursive: its holder would wait for itself.
	Name: "MISUSE+recursive", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.Lock(t)
		p.a.Lock(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// Nobody holds it.
	Name: "MISUSE+unlock", Build: alone(func(p prog, t *schedule.Thread) { p.a.Unlock(t) }),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// Another thread holds it, or nobody: before, between and after P0's four steps.
	Name: "MISUSE+unlock-other", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.a.Lock(t)
			p.x.Write(t, 1)
			p.a.Unlock(t)
		})
		p.Thread("P1", func(t *schedule.Thread) { p.a.Unlock(t) })
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "5 lock-rule",
}, {
	// The thread finishes and keeps the mutex.
	Name: "MISUSE+exit", Build: alone(func(p prog, t *schedule.Thread) { p.a.Lock(t) }),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// Preemption is off: it may not sleep, though nobody holds the mutex.
	Name: "MISUSE+preempt-off", Build: alone(func(p prog, t *schedule.Thread) {
		preempt.Disable(t)
		p.a.Lock(t)
		p.a.Unlock(t)
		preempt.Enable(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// A kernel warns of it and goes on.
	Name: "MISUSE+preempt-off+mute", Build: alone(func(p prog, t *schedule.Thread) {
		preempt.Disable(t)
		p.a.Lock(t)
		p.a.Unlock(t)
		preempt.Enable(t)
	}),
	Mute: schedule.KindSet(schedule.SleepInAtomic),
	Bad:  schedule.SleepInAtomic, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// Interrupts are off.
	Name: "MISUSE+irqs-off", Build: alone(func(p prog, t *schedule.Thread) {
		preempt.IrqDisable(t)
		p.a.Lock(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// A spin lock is held.
	Name: "MISUSE+spinlock", Build: alone(func(p prog, t *schedule.Thread) {
		p.spin.Lock(t)
		p.a.Lock(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// A preemptible RCU reader may be preempted, but may not sleep.
	Name: "MISUSE+rcu-reader", Build: alone(func(p prog, t *schedule.Thread) {
		rcu.ReadLock(t)
		p.a.Lock(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// A spin lock inside a mutex is as it should be.
	Name: "SPIN+inside", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.Lock(t)
		p.spin.Lock(t)
		p.spin.Unlock(t)
		p.a.Unlock(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Never, Counts: "1 pass",
}}

// TestMutex runs the table.
func TestMutex(t *testing.T) { litmus.Run(t, litmusTests) }

// TestMisuse runs the table of what the package comment forbids.
func TestMisuse(t *testing.T) { litmus.Run(t, misuseTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests, misuseTests) }
