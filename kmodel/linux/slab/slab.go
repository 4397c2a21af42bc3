// Package slab allocates and frees objects (include/linux/slab.h) and finds
// uses after free, as KASAN does.
//
// A [Cache] makes objects of one struct type, which embeds [schedule.Object].
// Memory is never used again within an execution (KASAN's quarantine without an
// end), so a stale pointer always shows as a use-after-free and never as
// confusion with another object. In a [TypesafeCache] it is, as an object of the same type:
// there whoever has a stale pointer and takes a reference must look whether the object is
// still the one that he has looked for.
//
// Steps: allocating is none, since nobody else can see the object yet. Freeing
// is one. Of a TypesafeCache allocating is one too, since others may have the object, and
// freeing two if its slab is given back. [KfreeRcu] is one; the callback is one of the softirq
// and then the freeing.
//
// Misuse: freeing twice is [schedule.DoubleFree]; an object that nothing
// refers to and nobody freed is [schedule.Leak] at the end of the execution. What is in a
// TypesafeCache may be touched after it has been freed, unless its memory is gone: KASAN finds
// no more, without CONFIG_SLUB_RCU_DEBUG (6.12), nor that it is freed twice. slub_debug does
// (Object already free), but nobody after a reuse.
//
// kfree_rcu() is call_rcu() here, as it is in the kernel up to 5.5. Since a35d16905efc (5.6) it
// is batched: not in order with call_rcu(), and rcu_barrier() does not wait for it.
//
// Not modelled: allocations that fail, unless the model asks the schedule itself
// ([schedule.Thread.Choose]); reuse of addresses but in a TypesafeCache; constructors of the
// kernel's; a slab of several objects, which is given back when the last of them is free.
package slab

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Cache is a kmem_cache. P is a pointer to a struct that embeds
// [schedule.Object]. Like a cache of the kernel it keeps its objects when they
// are freed: the Go objects are constructed once and used by every execution.
type Cache[T any, P interface {
	*T
	schedule.Pointer
}] struct {
	name  string
	ctor  func(P)
	objs  []P
	used  int    // of objs, in this execution
	epoch uint64 // the execution that used counts for
}

// NewCache is kmem_cache_create(). ctor, if not nil, is called once for each Go
// object, before its first use, as the constructor of a kernel cache is: for
// what never changes, such as which function a work item calls.
func NewCache[T any, P interface {
	*T
	schedule.Pointer
}](name string, ctor func(P)) *Cache[T, P] {
	return &Cache[T, P]{name: name, ctor: ctor}
}

// Alloc is kmem_cache_zalloc(GFP_KERNEL): it may sleep, and returns an object
// with all cells 0.
func (c *Cache[T, P]) Alloc(t *schedule.Thread) P {
	preempt.MightSleep(t, "kmem_cache_zalloc")
	return c.AllocAtomic(t)
}

// AllocAtomic is kmem_cache_zalloc(GFP_ATOMIC): it does not sleep.
func (c *Cache[T, P]) AllocAtomic(t *schedule.Thread) P {
	o, nth := c.take(t.Exec())
	t.Alloc(o.Header(), nth)
	return o
}

// AllocBoot allocates an object that is there before the first step.
func (c *Cache[T, P]) AllocBoot(e *schedule.Exec) P {
	o, nth := c.take(e)
	e.AllocBoot(o.Header(), nth)
	return o
}

// take returns the next Go object of this execution and its number.
func (c *Cache[T, P]) take(e *schedule.Exec) (P, int) {
	if c == nil {
		panic("slab: an object is allocated from a cache before NewCache")
	}
	if c.epoch != e.Epoch() {
		c.epoch, c.used = e.Epoch(), 0
	}
	if c.used == len(c.objs) {
		o := P(new(T))
		o.Header().Bind(o, c.name)
		if c.ctor != nil {
			c.ctor(o)
		}
		c.objs = append(c.objs, o)
	}
	c.used++
	return c.objs[c.used-1], c.used - 1
}

// InUse returns the objects that this execution has allocated, freed ones included,
// for fingerprints.
func (c *Cache[T, P]) InUse(e *schedule.Exec) []P {
	if c.epoch != e.Epoch() {
		return nil
	}
	return c.objs[:c.used]
}

// Free is kmem_cache_free() or kfree().
func Free(t *schedule.Thread, verb string, o schedule.Header) {
	h := o.Header()
	t.Step(schedule.Op{Verb: verb, Cell: h.Self(), Mode: schedule.Writes | schedule.Frees})
	t.Free(h)
}
