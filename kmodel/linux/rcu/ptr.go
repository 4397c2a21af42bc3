package rcu

import "github.com/kschedfuzz/kschedfuzz/schedule"

// A Ptr is a pointer marked __rcu: published by Assign, followed by readers
// with Dereference.
type Ptr[P schedule.Pointer] struct{ ptr schedule.Ptr[P] }

// Dereference is rcu_dereference(). Outside a read-side section it is suspicious
// RCU usage, [schedule.LockRule]: the kernel says so when it has loaded, and goes on.
func (c *Ptr[P]) Dereference(t *schedule.Thread) P {
	p := c.load(t, "rcu_dereference")
	if !ReadLockHeld(t) {
		t.Warn(schedule.LockRule, c.ptr.Object(), schedule.Party{}, "rcu_dereference outside a read-side section")
	}
	return p
}

// DereferenceRaw is rcu_dereference_protected() or rcu_dereference_raw(): for
// whoever holds the lock that writers take.
func (c *Ptr[P]) DereferenceRaw(t *schedule.Thread) P {
	return c.load(t, "rcu_dereference_raw")
}

func (c *Ptr[P]) load(t *schedule.Thread, verb string) P {
	t.Step(schedule.Op{Verb: verb, Cell: &c.ptr.Cell, Mode: schedule.ReadOnce})
	p, v := c.ptr.Load(t)
	t.Observe(v)
	return p
}

// Assign is rcu_assign_pointer().
func (c *Ptr[P]) Assign(t *schedule.Thread, p P) {
	t.Step(schedule.Op{Verb: "rcu_assign_pointer", Cell: &c.ptr.Cell, Mode: schedule.WriteOnce | schedule.Release})
	c.ptr.Store(t, p)
}

// Init is RCU_INIT_POINTER() on memory that nobody else can see yet: no step.
func (c *Ptr[P]) Init(p P) { c.ptr.Put(p) }

// Peek returns the pointer without a step, for fingerprints and final checks.
func (c *Ptr[P]) Peek() P { return c.ptr.Get() }
