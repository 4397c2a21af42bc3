package refcount_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/refcount"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type object struct {
	schedule.Object
	refs refcount.Refcount
}

// A body is what a thread does to the only object.
type body func(t *schedule.Thread, o *object)

// two makes a program of two threads and an object with that many references. Bad is that
// the count is not 0 at the end.
func two(refs int, p0, p1 body) func(*litmus.Program) {
	return func(p *litmus.Program) {
		cache := slab.NewCache[object]("obj", nil)
		var o *object
		p.Begin(func(e *schedule.Exec) {
			o = cache.AllocBoot(e)
			o.refs.Init(refs)
		})
		p.Thread("P0", func(t *schedule.Thread) { p0(t, o) })
		p.Thread("P1", func(t *schedule.Thread) { p1(t, o) })
		p.Exists(func() bool { return o.refs.Peek() != 0 })
	}
}

func put(t *schedule.Thread, o *object) {
	if o.refs.DecAndTest(t) {
		slab.Free(t, "kfree", o)
	}
}

func getPut(t *schedule.Thread, o *object) {
	o.refs.Inc(t)
	put(t, o)
	put(t, o)
}

// hold takes two references and gives them back, while there are others.
func hold(t *schedule.Thread, o *object) {
	o.refs.Inc(t)
	o.refs.Inc(t)
	o.refs.DecAndTest(t)
	o.refs.DecAndTest(t)
	put(t, o)
}

// unref is put, as skb_unref() has it: whoever is alone does not count down.
func unref(t *schedule.Thread, o *object) {
	if o.refs.Read(t) == 1 || o.refs.DecAndTest(t) {
		o.refs.Init(0)
		slab.Free(t, "kfree", o)
	}
}

// drop forgets to free.
func drop(t *schedule.Thread, o *object) { o.refs.DecAndTest(t) }

func get(t *schedule.Thread, o *object) { o.refs.Inc(t) }

var misuse = schedule.KindSet(schedule.RefResurrect, schedule.RefUnderflow)

var litmusTests = []litmus.Test{{
	// Exactly one of them is the last.
	Name: "REF+put+put", Build: two(2, put, put), Verdict: litmus.Never, Counts: "2 pass",
}, {
	// Whoever reads 1 is the last.
	Name: "REF+unref+unref", Build: two(2, unref, unref), Verdict: litmus.Never,
	Counts: "6 pass",
}, {
	Name: "REF+get-put+put", Build: two(2, getPut, put), Verdict: litmus.Never,
	Counts: "4 pass",
}, {
	Name: "REF+hold+hold", Build: two(2, hold, hold), Verdict: litmus.Never,
	Counts: "252 pass",
}, {
	// A reference too few: the second finds 0, or what has been freed.
	Name: "REF+put+put+one", Build: two(1, put, put),
	Bad: schedule.RefUnderflow, Verdict: litmus.Sometimes,
	Counts: "2 refcount-underflow, 2 use-after-free",
}, {
	// A get comes before the last put, which then is not the last, or too late.
	Name: "REF+get+drop", Build: two(1, get, drop),
	Bad: schedule.RefResurrect, Verdict: litmus.Sometimes,
	Counts: "1 refcount-resurrect, 1 exists",
}, {
	// A count that has been misused does not come to 0 again, so nobody frees the object.
	Name: "REF+get+put+mute", Build: two(0, get, put), Mute: misuse,
	Verdict: litmus.Always, Counts: "2 exists",
}, {
	// A count that is saturated is below 0, whoever did that.
	Name: "REF+get+put+mute-resurrect", Build: two(0, get, put),
	Mute: schedule.KindSet(schedule.RefResurrect),
	Bad:  schedule.RefUnderflow, Verdict: litmus.Always, Counts: "2 refcount-underflow",
}}

func TestLitmus(t *testing.T) { litmus.Run(t, litmusTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests) }
