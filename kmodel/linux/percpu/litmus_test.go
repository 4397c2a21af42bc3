package percpu_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/percpu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type global struct {
	schedule.Object
	ref percpu.Ref
	x   mem.Int
	m   mutex.Mutex
}

// A prog makes the programs of the tables: threads over a reference count of 1, the
// initial one, and one more for each that they are to hold from the start. r[0] counts
// the releases; r[1] says that somebody held a reference at one of them, by r[2].
type prog struct {
	*litmus.Program
	*global
	r [8]litmus.Reg
}

// build makes a program in which so many references are held from the start.
func build(held int, f func(p prog)) func(*litmus.Program) {
	return func(lp *litmus.Program) {
		p := prog{lp, litmus.Static[global](lp, "g"), lp.Regs()}
		p.ref.Ctor(percpu.V318, p.released)
		p.Begin(func(*schedule.Exec) {
			p.ref.Init()
			for range held {
				p.ref.InitGet()
			}
		})
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, rcu.Split) })
		f(p)
	}
}

func (p prog) released(*schedule.Thread) {
	p.r[0].Inc()
	p.r[1].Max(p.r[2].Get())
}

// does adds a thread that does one thing after the other.
func (p prog) does(name string, steps ...func(t *schedule.Thread)) {
	p.Thread(name, func(t *schedule.Thread) {
		for _, f := range steps {
			f(t)
		}
	})
}

// uses adds a thread that gets a reference, if it can, uses the object and puts it.
func (p prog) uses(get func(t *schedule.Thread) bool) {
	p.Thread("user", func(t *schedule.Thread) {
		if get(t) {
			p.r[2].Set(1)
			p.x.ReadOnce(t)
			p.r[2].Set(0)
			p.ref.Put(t)
		}
	})
}

func (p prog) get(t *schedule.Thread) bool {
	p.ref.Get(t)
	return true
}

// releases is the condition that the count has not been released just so many times.
func (p prog) releases(n int) { p.Exists(func() bool { return p.r[0].Get() != n }) }

// wrong is the condition that it was not released just once, or early.
func (p prog) wrong() {
	p.Exists(func() bool { return p.r[0].Get() != 1 || p.r[1].Get() == 1 })
}

// early is the condition that it was released while somebody held a reference.
func (p prog) early() { p.Exists(func() bool { return p.r[1].Get() == 1 }) }

var (
	resurrectMuted = schedule.KindSet(schedule.RefResurrect)
	againMuted     = schedule.KindSet(schedule.RefResurrect, schedule.DoubleRelease)
)

var litmusTests = []litmus.Test{{
	// Kill drops the initial reference. The count is released once, by the switch or, if
	// that comes first, by the put of the kill: 6 over 2 orders of 2 and 4 steps.
	Name: "REF+kill", Build: build(0, func(p prog) {
		p.does("P0", p.ref.Kill)
		p.releases(1)
	}),
	Verdict: litmus.Never, Counts: "15 pass",
}, {
	// Without a kill the count is never released: the initial reference is there.
	Name: "REF+get+put", Build: build(1, func(p prog) {
		p.does("P0", p.ref.Put)
		p.does("P1", func(t *schedule.Thread) { p.get(t) }, p.ref.Put)
		p.releases(0)
	}),
	Verdict: litmus.Never, Counts: "15 pass",
}, {
	// Who holds a reference puts it before, while or after it is killed: one release.
	Name: "REF+put+kill", Build: build(1, func(p prog) {
		p.does("P0", p.ref.Put)
		p.does("P1", p.ref.Kill)
		p.releases(1)
	}),
	Verdict: litmus.Never, Counts: "987 pass",
}, {
	// Who holds one may take another at any time, in per-CPU mode or not: what it adds
	// is summed or added, and the count does not reach 0 before its last put.
	Name: "REF+get+put+kill", Build: build(1, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.r[2].Set(1)
			p.ref.Get(t)
			p.ref.Put(t)
			p.r[2].Set(0)
			p.ref.Put(t)
		})
		p.does("P1", p.ref.Kill)
		p.wrong()
	}),
	Verdict: litmus.Never, Counts: "286132 pass",
}, {
	// Two holders put at a time, after the kill: one of them, the switch or the killer
	// releases it.
	Name: "REF+2puts+kill", Build: build(2, func(p prog) {
		p.does("P0", p.ref.Kill, p.ref.Put)
		p.does("P1", p.ref.Put)
		p.releases(1)
	}),
	Verdict: litmus.Never, Counts: "5992 pass",
}, {
	// A reader of RCU-sched that has been there from the start holds the switch up; until
	// then the bias keeps the count above 0, though all references are gone.
	Name: "BIAS+put+kill", Build: build(1, func(p prog) {
		p.Thread("reader", func(t *schedule.Thread) {
			p.r[2].Set(1)
			preempt.Disable(t)
			p.x.ReadOnce(t)
			preempt.Enable(t)
			p.r[2].Set(0)
		})
		p.does("P0", p.ref.Kill, p.ref.Put)
		p.early()
	}),
	Verdict: litmus.Never, Counts: "616 pass",
}, {
	// A reader of preemptible RCU does not: the heart of the bug of aio.
	Name: "BIAS+rcu-reader", Build: build(1, func(p prog) {
		p.Thread("reader", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			p.r[2].Set(1)
			p.x.ReadOnce(t)
			rcu.ReadUnlock(t)
			p.r[2].Set(0)
		})
		p.does("P0", p.ref.Kill, p.ref.Put)
		p.early()
	}),
	Verdict: litmus.Sometimes, Counts: "47670 pass, 9450 exists",
}, {
	// percpu_ref_tryget() of a killed reference succeeds while somebody holds it,
	// percpu_ref_tryget_live() does not.
	Name: "TRYGET+killed", Build: build(1, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.ref.Kill(t)
			p.r[3].SetBool(p.ref.TryGet(t))
			p.r[4].SetBool(p.ref.TryGetLive(t))
			p.ref.Put(t)
			p.ref.Put(t)
		})
		p.Exists(func() bool {
			return p.r[3].Get() != 1 || p.r[4].Get() != 0 || p.r[0].Get() != 1
		})
	}),
	Verdict: litmus.Never, Counts: "715 pass",
}, {
	// Before the kill both succeed.
	Name: "TRYGET+live", Build: build(0, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.r[3].SetBool(p.ref.TryGet(t))
			p.r[4].SetBool(p.ref.TryGetLive(t))
			p.ref.Put(t)
			p.ref.Put(t)
		})
		p.Exists(func() bool {
			return p.r[3].Get() != 1 || p.r[4].Get() != 1 || p.r[0].Get() != 0
		})
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// A tryget by somebody who holds nothing: it gets a reference that keeps the count
	// above 0, or none. It is released once.
	Name: "TRYGET+kill", Build: build(0, func(p prog) {
		p.uses(p.ref.TryGet)
		p.does("P0", p.ref.Kill)
		p.wrong()
	}),
	Verdict: litmus.Never, Counts: "99855 pass",
}, {
	// As above, if it must be live.
	Name: "TRYGETLIVE+kill", Build: build(0, func(p prog) {
		p.uses(p.ref.TryGetLive)
		p.does("P0", p.ref.Kill)
		p.wrong()
	}),
	Verdict: litmus.Never, Counts: "48270 pass",
}, {
	// percpu_ref_get() by somebody who holds nothing: it asks nothing, and takes up a
	// count that has been 0.
	Name: "GET+kill", Build: build(0, func(p prog) {
		p.uses(p.get)
		p.does("P0", p.ref.Kill)
	}),
	Bad:     schedule.RefResurrect,
	Verdict: litmus.Sometimes, Counts: "99750 pass, 105 refcount-resurrect",
}, {
	// A kernel does not look, and its put releases the object again.
	Name: "GET+kill+mute", Build: build(0, func(p prog) {
		p.uses(p.get)
		p.does("P0", p.ref.Kill)
	}),
	Mute: resurrectMuted, Bad: schedule.DoubleRelease,
	Verdict: litmus.Sometimes, Counts: "99750 pass, 105 double-release",
}, {
	// If that is let pass too, all goes on to the end, with two releases.
	Name: "GET+kill+mute-all", Build: build(0, func(p prog) {
		p.uses(p.get)
		p.does("P0", p.ref.Kill)
		p.releases(1)
	}),
	Mute: againMuted, Verdict: litmus.Sometimes, Counts: "99750 pass, 105 exists",
}, {
	// The release function runs in the RCU-sched section of the put: it may not sleep.
	Name: "RELEASE+sleep", Build: build(0, func(p prog) {
		p.ref.Ctor(percpu.V318, func(t *schedule.Thread) { p.m.Lock(t) })
		p.does("P0", p.ref.Kill)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "15 sleep-in-atomic",
}, {
	// Count is what the references amount to, whatever the mode: 2 with one held, 1 with
	// the initial one dropped.
	Name: "COUNT", Build: build(1, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.r[3].Set(p.ref.Count())
			p.ref.Kill(t)
			p.r[5].SetBool(p.ref.Released())
			p.ref.Put(t)
		})
		p.Exists(func() bool {
			return p.r[3].Get() != 2 || p.r[5].Get() != 0 || p.ref.Count() != 0 ||
				!p.ref.Released() || p.ref.Mode() == 0
		})
	}),
	Verdict: litmus.Never, Counts: "70 pass",
}}

// TestRef runs the table.
func TestRef(t *testing.T) { litmus.Run(t, litmusTests) }

// TestLookup runs the table of references that are looked up.
func TestLookup(t *testing.T) { litmus.Run(t, lookupTests) }

// TestMisuse runs the table of what the package comment forbids.
func TestMisuse(t *testing.T) { litmus.Run(t, misuseTests) }

func TestContract(t *testing.T) {
	litmus.Contract(t, litmusTests, lookupTests, misuseTests, versionTests)
}
