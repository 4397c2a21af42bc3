package rcu

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Ptr is a pointer marked __rcu: published by Assign, followed by readers
// with Dereference.
type Ptr[P schedule.Pointer] struct{ ptr schedule.Ptr[P] }

// Dereference is rcu_dereference(). Outside a read-side section it is suspicious
// RCU usage, [schedule.LockRule]: the kernel says so when it has loaded, and goes on.
func (c *Ptr[P]) Dereference(t *schedule.Thread) P {
	p := c.load(t, "rcu_dereference", schedule.ReadOnce)
	if !ReadLockHeld(t) {
		t.Warn(schedule.LockRule, c.ptr.Object(), schedule.Party{}, "rcu_dereference outside a read-side section")
	}
	return p
}

// DereferenceRaw is rcu_dereference_protected() or rcu_dereference_raw(): for
// whoever holds the lock that writers take.
func (c *Ptr[P]) DereferenceRaw(t *schedule.Thread) P {
	return c.load(t, "rcu_dereference_raw", schedule.ReadOnce)
}

// AccessPointer is rcu_access_pointer(): for whoever does not follow the pointer.
func (c *Ptr[P]) AccessPointer(t *schedule.Thread) P {
	return c.load(t, "rcu_access_pointer", schedule.ReadOnce)
}

// Read is a plain load, by code that has no accessor.
func (c *Ptr[P]) Read(t *schedule.Thread) P { return c.load(t, "read", schedule.PlainRead) }

func (c *Ptr[P]) load(t *schedule.Thread, verb string, m schedule.Mode) P {
	t.Step(schedule.Op{Verb: verb, Cell: &c.ptr.Cell, Mode: m})
	p, v := c.ptr.Load(t)
	t.Observe(v)
	return p
}

// Assign is rcu_assign_pointer().
func (c *Ptr[P]) Assign(t *schedule.Thread, p P) {
	c.store(t, "rcu_assign_pointer", schedule.WriteOnce|schedule.Release, p)
}

// InitPointer is RCU_INIT_POINTER() where others can see it: it orders nothing.
func (c *Ptr[P]) InitPointer(t *schedule.Thread, p P) {
	c.store(t, "RCU_INIT_POINTER", schedule.WriteOnce, p)
}

// Write is a plain store, by code that has no accessor.
func (c *Ptr[P]) Write(t *schedule.Thread, p P) { c.store(t, "write", schedule.PlainWrite, p) }

func (c *Ptr[P]) store(t *schedule.Thread, verb string, m schedule.Mode, p P) {
	t.Step(schedule.Op{Verb: verb, Cell: &c.ptr.Cell, Mode: m})
	c.ptr.Store(t, p)
}

// DependsOn is [mem.Int.DependsOn] of an array of pointers.
func (c *Ptr[P]) DependsOn(t *schedule.Thread, index *mem.Int) {
	t.DependsOn(&c.ptr.Cell, index.Cell())
}

// Init is RCU_INIT_POINTER() on memory that nobody else can see yet: no step.
func (c *Ptr[P]) Init(p P) { c.ptr.Put(p) }

// Peek returns the pointer without a step, for fingerprints and final checks.
func (c *Ptr[P]) Peek() P { return c.ptr.Get() }
