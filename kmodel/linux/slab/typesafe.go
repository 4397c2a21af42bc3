package slab

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// maxFree is how many free objects a [TypesafeCache] keeps. The slab of one more is given back.
const maxFree = 2

// Typesafe is what the allocator knows of an object of a [TypesafeCache], which embeds it: an
// object is a slab of its own.
type Typesafe struct {
	isFree schedule.Cell `words:"in use,free"`
	slab   rcu.Head
	freed  schedule.Party // for reports only
}

// Slab returns s: it lets a cache find it in any struct that embeds one.
func (s *Typesafe) Slab() *Typesafe { return s }

// A TypesafeObject is a pointer to a struct that embeds [schedule.Object] and [Typesafe].
type TypesafeObject[T any] interface {
	*T
	schedule.Pointer
	Slab() *Typesafe
}

// A TypesafeCache is a kmem_cache with SLAB_TYPESAFE_BY_RCU, which was SLAB_DESTROY_BY_RCU up to
// 4.11. What is freed may be used again at once, as an object of the same type, with what is in
// it; what has a stale pointer cannot tell. If it is not used again, its memory is gone after a
// grace period, and touching it is a use-after-free. It is a global variable.
type TypesafeCache[T any, P TypesafeObject[T]] struct {
	schedule.Object
	cache *Cache[T, P]
	free  [maxFree]schedule.Ptr[P] // packed, in the order in which they were freed
}

// Init is kmem_cache_create() of a cache that has been bound: see [NewCache] for the rest.
func (c *TypesafeCache[T, P]) Init(name string, ctor func(P)) {
	c.SetPrivate()
	c.cache = NewCache[T](name, func(o P) {
		s := o.Slab()
		s.isFree.SetPrivate()
		s.slab.Init(func(t *schedule.Thread) { Free(t, "rcu_free_slab", o) })
		if ctor != nil {
			ctor(o)
		}
	})
}

// AllocBoot allocates an object that is there before the first step.
func (c *TypesafeCache[T, P]) AllocBoot(e *schedule.Exec) P { return c.cache.AllocBoot(e) }

// InUse is [Cache.InUse].
func (c *TypesafeCache[T, P]) InUse(e *schedule.Exec) []P { return c.cache.InUse(e) }

// Alloc is kmem_cache_alloc(GFP_KERNEL). The schedule says which object it is: the one freed last,
// a new one, whose cells are 0, or one freed before; by numbers that do not depend on how many
// there are. To zero the others, as kmem_cache_zalloc() does, is up to the model: others may see
// it.
func (c *TypesafeCache[T, P]) Alloc(t *schedule.Thread) P {
	preempt.MightSleep(t, "kmem_cache_alloc")
	t.Step(schedule.Op{Verb: "kmem_cache_alloc", Cell: &c.free[0].Cell,
		Mode: schedule.PlainRead | schedule.PlainWrite})
	n := c.kept()
	t.Observe(uint64(n))
	d := t.Choose(n + 1)
	i := n - max(d, 1) // of those freed before, the later ones first
	switch {
	case n == 0 || d == 1:
		t.Means("a new object")
		return c.cache.AllocAtomic(t)
	case d == 0:
		t.Means("the object that was freed last")
	default:
		t.Means("an object that was freed before")
	}
	o := c.free[i].Get()
	t.Observe(c.free[i].Value())
	var null P
	for ; i < n-1; i++ {
		c.free[i].Put(c.free[i+1].Get())
	}
	c.free[i].Put(null)
	o.Slab().isFree.Set(0)
	return o
}

// kept returns how many objects are free and may be used again.
func (c *TypesafeCache[T, P]) kept() int {
	n := 0
	for n < maxFree && c.free[n].Value() != 0 {
		n++
	}
	return n
}

// Free is kmem_cache_free(). The schedule says whether the object may be used again, or its slab
// is given back: then that is freed after a grace period.
func (c *TypesafeCache[T, P]) Free(t *schedule.Thread, o P) {
	h, s := o.Header(), o.Slab()
	t.Step(schedule.Op{Verb: "kmem_cache_free", Cell: h.Self(),
		Mode: schedule.Writes | schedule.Frees})
	if s.isFree.Value() != 0 {
		t.Fail(schedule.DoubleFree, h, s.freed, "")
	}
	s.isFree.Set(1)
	s.freed = t.Now()
	if n := c.kept(); n < maxFree {
		if t.Choose(2) == 0 {
			t.Means("that the object may be used again")
			c.free[n].Put(o)
			return
		}
		t.Means("that its slab is given back")
	}
	rcu.Call(t, &s.slab) // free_slab
}
