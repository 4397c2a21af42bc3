package mem_test

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// An object is something that a pointer points to.
type object struct {
	schedule.Object
	data mem.Int
}

type global struct {
	schedule.Object
	p    mem.Ptr[*object]
	keep schedule.Ptr[*object]
}

// A ptrProg makes a program over a global pointer, NULL at first.
type ptrProg struct {
	*litmus.Program
	*global
	cache *slab.Cache[object, *object]
	r     [8]litmus.Reg
}

func pointers(f func(p ptrProg)) func(*litmus.Program) {
	return func(p *litmus.Program) {
		f(ptrProg{p, litmus.Static[global](p, "g"), slab.NewCache[object]("obj", nil), p.Regs()})
	}
}

var pointerTests = []litmus.Test{{
	// The object is initialized before its address can be seen. P1 has a second step
	// only if it has seen the pointer.
	Name: "MP+publish",
	Build: pointers(func(p ptrProg) {
		p.Thread("P0", func(t *schedule.Thread) {
			o := p.cache.Alloc(t)
			o.data.Init(1)
			p.p.Write(t, o)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if o := p.p.ReadOnce(t); o != nil {
				p.r[0].SetBool(o.data.ReadOnce(t) == 0)
			}
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// As above, but the object is filled in after it was published.
	Name: "MP+publish-early",
	Build: pointers(func(p ptrProg) {
		p.Thread("P0", func(t *schedule.Thread) {
			o := p.cache.Alloc(t)
			p.p.Write(t, o)
			o.data.Write(t, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if o := p.p.Read(t); o != nil {
				p.r[0].SetBool(o.data.Read(t) == 0)
			}
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "3 pass, 1 exists",
}, {
	// The release orders the data before the pointer, the acquire the pointer before the
	// data.
	Name: "MP+publish-release+acquire",
	Build: pointers(func(p ptrProg) {
		p.Thread("P0", func(t *schedule.Thread) {
			o := p.cache.Alloc(t)
			o.data.WriteOnce(t, 1)
			p.p.StoreRelease(t, o)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if o := p.p.LoadAcquire(t); o != nil {
				p.r[0].SetBool(o.data.ReadOnce(t) == 0)
			}
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "3 pass",
}, {
	// The release is not the last step, and whoever sees it frees the object: POLLFREE of
	// epoll before 4.14.
	Name: "UAF+release-then-use",
	Build: pointers(func(p ptrProg) {
		var o *object
		p.Begin(func(e *schedule.Exec) {
			o = p.cache.AllocBoot(e)
			p.p.Init(o)
			p.keep.Put(o)
		})
		p.Thread("P0", func(t *schedule.Thread) {
			p.p.StoreRelease(t, nil)
			o.data.WriteOnce(t, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if p.p.LoadAcquire(t) == nil {
				slab.Free(t, "kfree", o)
			}
		})
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "3 pass, 1 use-after-free",
}, {
	// The test and the use are two reads of the pointer, and the writer's NULL may come
	// between them.
	Name: "TOCTOU+pointer",
	Build: pointers(func(p ptrProg) {
		var o *object
		p.Begin(func(e *schedule.Exec) {
			o = p.cache.AllocBoot(e)
			p.p.Init(o)
		})
		p.Thread("P0", func(t *schedule.Thread) {
			if p.p.Read(t) != nil {
				p.r[0].SetBool(p.p.Read(t) == nil)
			}
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.p.Write(t, nil)
			slab.Free(t, "kfree", o)
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.p.Peek() == nil })
	}),
	Verdict: litmus.Sometimes, Counts: "3 pass, 2 exists",
}}
