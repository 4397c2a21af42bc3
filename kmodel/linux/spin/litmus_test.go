package spin_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type vars struct {
	schedule.Object
	a, b spin.Lock
	m    mutex.Mutex
	x, y mem.Int
}

// A prog makes the programs of the table: threads over two locks, a mutex and two words.
type prog struct {
	*litmus.Program
	*vars
	r [8]litmus.Reg
}

func build(f func(p prog)) func(*litmus.Program) {
	return func(p *litmus.Program) { f(prog{p, litmus.Static[vars](p, "v"), p.Regs()}) }
}

// incs adds a thread that adds 1 to x under lock a.
func (p prog) incs(name string) {
	p.Thread(name, func(t *schedule.Thread) {
		p.a.Lock(t)
		p.x.Write(t, p.x.Read(t)+1)
		p.a.Unlock(t)
	})
}

// locks adds a thread that takes one lock inside the other.
func (p prog) locks(name string, outer, inner *spin.Lock) {
	p.Thread(name, func(t *schedule.Thread) {
		outer.Lock(t)
		inner.Lock(t)
		inner.Unlock(t)
		outer.Unlock(t)
	})
}

// tries adds a thread that adds 1 to x under lock a if it gets the lock at once.
func (p prog) tries(name string, got int) {
	p.Thread(name, func(t *schedule.Thread) {
		if p.a.Trylock(t) {
			p.x.Write(t, p.x.Read(t)+1)
			p.a.Unlock(t)
			p.r[got].Set(1)
		}
	})
}

// section is a thread's and a handler's: x++ under lock a.
func (p prog) section(t *schedule.Thread) {
	p.a.Lock(t)
	p.x.Write(t, p.x.Read(t)+1)
	p.a.Unlock(t)
}

// sectionIrq is section with interrupts off.
func (p prog) sectionIrq(t *schedule.Thread) {
	p.a.LockIrq(t)
	p.x.Write(t, p.x.Read(t)+1)
	p.a.UnlockIrq(t)
}

// lost is the condition that an increment by one of two was lost.
func (p prog) lost() { p.Exists(func() bool { return p.x.Peek() != 2 }) }

// object is protected by the lock in it, lifetime included.
type object struct {
	schedule.Object
	lock spin.Lock
	refs mem.Int
}

// put drops a reference of o under o's lock, and frees o if it was the last.
func (o *object) put(t *schedule.Thread) {
	o.lock.Lock(t)
	left := o.refs.Read(t) - 1
	o.refs.Write(t, left)
	o.lock.Unlock(t)
	if left == 0 {
		slab.Free(t, "kfree", o)
	}
}

// lifetime has two threads drop the references of an object.
func lifetime(tail bool) func(*litmus.Program) {
	return func(p *litmus.Program) {
		cache := slab.NewCache[object]("obj", nil)
		var o *object
		p.Begin(func(e *schedule.Exec) {
			spin.SetTail(e, tail)
			o = cache.AllocBoot(e)
			o.refs.Init(2)
		})
		p.Thread("P0", func(t *schedule.Thread) { o.put(t) })
		p.Thread("P1", func(t *schedule.Thread) { o.put(t) })
	}
}

var litmusTests = []litmus.Test{{
	// The lock of P1 comes after the unlock of P0 if it has seen the flag, hence after
	// the write to x before it.
	Name: "MP+polocks", Build: build(func(p prog) {
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
	Verdict: litmus.Never, Counts: "18 pass",
}, {
	// As above, with the roles of the inside and the outside exchanged.
	Name: "MP+porevlocks", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.a.Lock(t)
			p.x.WriteOnce(t, 1)
			p.a.Unlock(t)
			p.y.WriteOnce(t, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].Set(p.y.ReadOnce(t))
			p.a.Lock(t)
			p.r[1].Set(p.x.ReadOnce(t))
			p.a.Unlock(t)
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 0 })
	}),
	Verdict: litmus.Never, Counts: "18 pass",
}, {
	// One holder at a time: no increment is lost. Whoever comes second is not enabled
	// until the first is done, so who is first is the only decision.
	Name: "INC+locks", Build: build(func(p prog) {
		p.incs("P0")
		p.incs("P1")
		p.lost()
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// As above with three: 3! orders.
	Name: "INC+3locks", Build: build(func(p prog) {
		p.incs("P0")
		p.incs("P1")
		p.incs("P2")
		p.Exists(func() bool { return p.x.Peek() != 3 })
	}),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	// Two different locks exclude nobody.
	Name: "INC+wronglock", Build: build(func(p prog) {
		p.incs("P0")
		p.Thread("P1", func(t *schedule.Thread) {
			p.b.Lock(t)
			p.x.Write(t, p.x.Read(t)+1)
			p.b.Unlock(t)
		})
		p.lost()
	}),
	Verdict: litmus.Sometimes, Counts: "34 pass, 36 exists",
}, {
	// Each holds what the other waits for.
	Name: "ABBA", Build: build(func(p prog) {
		p.locks("P0", &p.a, &p.b)
		p.locks("P1", &p.b, &p.a)
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "4 pass, 2 deadlock",
}, {
	// One order of locks for all: nobody waits for ever.
	Name: "ABAB", Build: build(func(p prog) {
		p.locks("P0", &p.a, &p.b)
		p.locks("P1", &p.a, &p.b)
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "2 pass",
}, {
	// Whoever does not get the lock adds nothing, and one of them gets it.
	Name: "INC+trylock", Build: build(func(p prog) {
		p.tries("P0", 0)
		p.tries("P1", 1)
		p.Exists(func() bool {
			n := p.r[0].Get() + p.r[1].Get()
			return n == 0 || p.x.Peek() != n
		})
	}),
	Verdict: litmus.Never, Counts: "8 pass",
}, {
	// Who finds the lock taken goes on without it: in 3 of 4 places of his step, or after
	// the other is done.
	Name: "INC+trylocks", Build: build(func(p prog) {
		for i, name := range []string{"P0", "P1"} {
			p.Thread(name, func(t *schedule.Thread) {
				if p.a.TrylockIrq(t) {
					p.x.Write(t, p.x.Read(t)+1)
					p.a.UnlockIrq(t)
					p.r[i].Set(1)
				}
			})
		}
		p.Exists(func() bool { return p.x.Peek() != p.r[0].Get()+p.r[1].Get() })
	}),
	Verdict: litmus.Never, Counts: "8 pass",
}, {
	// Who has b does not wait for a, so the order of locks does not matter.
	Name: "ABBA+trylock", Build: build(func(p prog) {
		p.locks("P0", &p.a, &p.b)
		p.Thread("P1", func(t *schedule.Thread) {
			p.b.Lock(t)
			if p.a.TrylockIrq(t) {
				p.a.UnlockIrq(t)
			}
			p.b.Unlock(t)
		})
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "8 pass",
}, {
	// Without a tail the last step on the lock is the release: who frees the object has
	// the lock after that.
	Name: "LIFETIME+notail", Build: lifetime(false),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "2 pass",
}, {
	// The tail touches the lock after the other has taken it, dropped the last reference
	// and freed the object.
	Name: "LIFETIME+tail", Build: lifetime(true),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "12 pass, 2 use-after-free",
}, {
	// The tail comes when the lock is free: it can be anywhere among the other's steps,
	// and the lock excludes what it did.
	Name: "INC+locks+tail", Build: build(func(p prog) {
		p.Begin(func(e *schedule.Exec) { spin.SetTail(e, true) })
		p.incs("P0")
		p.incs("P1")
		p.lost()
	}),
	Verdict: litmus.Never, Counts: "12 pass",
}, {
	// The lock is in an object that is freed.
	Name: "LOCK+free", Build: func(p *litmus.Program) {
		cache := slab.NewCache[object]("obj", nil)
		var o *object
		p.Begin(func(e *schedule.Exec) { o = cache.AllocBoot(e) })
		p.Thread("P0", func(t *schedule.Thread) {
			o.lock.Lock(t)
			o.lock.Unlock(t)
			slab.Free(t, "kfree", o)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			o.lock.Lock(t)
			o.lock.Unlock(t)
		})
	},
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "2 pass, 2 use-after-free",
}, {
	// As above, for who does not wait.
	Name: "TRYLOCK+free", Build: func(p *litmus.Program) {
		cache := slab.NewCache[object]("obj", nil)
		var o *object
		p.Begin(func(e *schedule.Exec) { o = cache.AllocBoot(e) })
		p.Thread("P0", func(t *schedule.Thread) { slab.Free(t, "kfree", o) })
		p.Thread("P1", func(t *schedule.Thread) {
			if o.lock.TrylockIrq(t) {
				o.lock.UnlockIrq(t)
			}
		})
	},
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "1 pass, 2 use-after-free",
}, {
	// It is taken before or after the other has it.
	Name: "OBSERVE+trylock", Build: build(func(p prog) {
		p.Observe(func(t *schedule.Thread) bool {
			if !p.a.TrylockIrq(t) {
				return true
			}
			p.a.UnlockIrq(t)
			return false
		}, func(t *schedule.Thread) {
			p.a.Lock(t)
			p.a.Unlock(t)
		})
	}),
	Verdict: litmus.Sometimes, Counts: "30 pass, 20 exists",
}, {
	// It is freed while it is held: the waiter does not wait for ever, its step shows. Or
	// the unlock does, or P1 was first and has kept the lock.
	Name: "LOCK+free-held", Build: func(p *litmus.Program) {
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

// TestLocks runs the table.
func TestLocks(t *testing.T) { litmus.Run(t, litmusTests) }

// TestInterrupts runs the table of locks that handlers take.
func TestInterrupts(t *testing.T) { litmus.Run(t, irqTests) }

// TestMisuse runs the table of what the package comment forbids.
func TestMisuse(t *testing.T) { litmus.Run(t, misuseTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests, irqTests, misuseTests) }
