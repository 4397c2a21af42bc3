package percpu_test

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/percpu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// An object is found by an RCU pointer and kept by a percpu_ref: a kioctx.
type object struct {
	schedule.Object
	users percpu.Ref
	x     mem.Int
	rcu   rcu.Head
}

type table struct {
	schedule.Object
	p rcu.Ptr[*object]
}

// lookup makes a program of a thread that looks the object up and uses it, and one that
// unlinks and kills it. release is the release function.
func lookup(f rcu.Flavours, get func(r *percpu.Ref, t *schedule.Thread) bool,
	release func(t *schedule.Thread, o *object)) func(*litmus.Program) {
	return func(p *litmus.Program) {
		g := litmus.Static[table](p, "g")
		cache := slab.NewCache("obj", func(o *object) {
			o.rcu.Init(func(t *schedule.Thread) { slab.Free(t, "kfree", o) })
			o.users.Ctor(percpu.V318, func(t *schedule.Thread) { release(t, o) })
		})
		var o *object
		p.Begin(func(e *schedule.Exec) {
			o = cache.AllocBoot(e)
			o.users.Init()
			g.p.Init(o)
		})
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, f) })
		p.Thread("lookup", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			o := g.p.Dereference(t)
			found := o != nil && get(&o.users, t)
			rcu.ReadUnlock(t)
			if found {
				o.x.ReadOnce(t)
				o.users.Put(t)
			}
		})
		p.Thread("destroy", func(t *schedule.Thread) {
			g.p.Assign(t, nil)
			o.users.Kill(t)
		})
	}
}

// The ways to get a reference.
func get(r *percpu.Ref, t *schedule.Thread) bool {
	r.Get(t)
	return true
}

func tryGet(r *percpu.Ref, t *schedule.Thread) bool     { return r.TryGet(t) }
func tryGetLive(r *percpu.Ref, t *schedule.Thread) bool { return r.TryGetLive(t) }

// The ways to free: at once, and after a grace period of preemptible RCU.
func freeNow(t *schedule.Thread, o *object) { slab.Free(t, "kfree", o) }
func freeRcu(t *schedule.Thread, o *object) { rcu.Call(t, &o.rcu) }

var lookupTests = []litmus.Test{{
	// fs/aio 1d: the switch waits for RCU-sched, not for the lookup, which finds the
	// object freed.
	Name: "LOOKUP+get+free", Build: lookup(rcu.Split, get, freeNow),
	Bad:     schedule.UseAfterFree,
	Verdict: litmus.Sometimes, Counts: "502127 pass, 105 refcount-resurrect, 120 use-after-free",
}, {
	// fs/aio 1e: the object is there, but its count has been 0.
	Name: "LOOKUP+get+rcu", Build: lookup(rcu.Split, get, freeRcu),
	Bad:     schedule.RefResurrect,
	Verdict: litmus.Sometimes, Counts: "502262 pass, 225 refcount-resurrect",
}, {
	// fs/aio 1f.
	Name: "LOOKUP+trygetlive+rcu", Build: lookup(rcu.Split, tryGetLive, freeRcu),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "344076 pass",
}, {
	// fs/aio m1: to look at the count at all, the object must be there.
	Name: "LOOKUP+trygetlive+free", Build: lookup(rcu.Split, tryGetLive, freeNow),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "343926 pass, 15 use-after-free",
}, {
	// fs/aio m2: an object that is being killed may be found, and is safe.
	Name: "LOOKUP+tryget+rcu", Build: lookup(rcu.Split, tryGet, freeRcu),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "502592 pass",
}, {
	// fs/aio 1d': merged, the switch waits for the lookup.
	Name: "LOOKUP+get+free+merged", Build: lookup(rcu.Merged, get, freeNow),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "411021 pass",
}, {
	// fs/aio 1e'.
	Name: "LOOKUP+get+rcu+merged", Build: lookup(rcu.Merged, get, freeRcu),
	Bad: schedule.RefResurrect, Verdict: litmus.Never, Counts: "411156 pass",
}}
