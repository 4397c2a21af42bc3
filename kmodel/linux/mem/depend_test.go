package mem_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A link is an object of a list.
type link struct {
	schedule.Object
	data, flag mem.Int
	next       mem.Ptr[*link]
}

// A chainProg has two links, whose data P0 fills in before others find them.
type chainProg struct {
	prog
	first      *start
	front, end *link
}

type start struct {
	schedule.Object
	p mem.Ptr[*link]
}

func chains(f func(p chainProg)) func(*litmus.Program) {
	return func(p *litmus.Program) {
		f(chainProg{
			prog{p, litmus.Static[vars](p, "v"), p.Regs()}, litmus.Static[start](p, "first"),
			litmus.Static[link](p, "front"), litmus.Static[link](p, "end"),
		})
	}
}

// dependTests say what an address, or an acquire, orders that is not the first of its kind.
var dependTests = []litmus.Test{{
	// Two addresses, one behind the other. All was there when the first came, so nothing says
	// when the second did.
	Name: "MP+release+addr-addr",
	Build: chains(func(p chainProg) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.end.data.WriteOnce(t, 1)
			p.front.next.Write(t, p.end)
			p.first.p.StoreRelease(t, p.front)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if a := p.first.p.ReadOnce(t); a != nil {
				p.r[0].SetBool(a.next.ReadOnce(t).data.ReadOnce(t) == 0)
			}
		})
		p.Exists(func() bool { return p.is(1) })
	}),
	Verdict: litmus.Never, Counts: "56 pass",
}, {
	// The second was always there.
	Name: "MP+release+addr-addr+initial",
	Build: chains(func(p chainProg) {
		p.Begin(func(*schedule.Exec) { p.front.next.Init(p.end) })
		p.Thread("P0", func(t *schedule.Thread) {
			p.end.data.WriteOnce(t, 1)
			p.first.p.StoreRelease(t, p.front)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if a := p.first.p.ReadOnce(t); a != nil {
				p.r[0].SetBool(a.next.ReadOnce(t).data.ReadOnce(t) == 0)
			}
		})
		p.Exists(func() bool { return p.is(1) })
	}),
	Verdict: litmus.Never, Counts: "10 pass",
}, {
	// An acquire behind an address: of a word that was not written to.
	Name: "MP+release+addr-acquire",
	Build: chains(func(p chainProg) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			p.first.p.StoreRelease(t, p.front)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if a := p.first.p.ReadOnce(t); a != nil {
				a.flag.LoadAcquire(t)
				p.r[0].SetBool(p.x.ReadOnce(t) == 0)
			}
		})
		p.Exists(func() bool { return p.is(1) })
	}),
	Verdict: litmus.Never, Counts: "10 pass",
}, {
	// An address orders no other load.
	Name: "MP+release+addr-po",
	Build: chains(func(p chainProg) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			p.first.p.StoreRelease(t, p.front)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if a := p.first.p.ReadOnce(t); a != nil {
				a.flag.ReadOnce(t)
				p.r[0].SetBool(p.x.ReadOnce(t) == 0)
			}
		})
		p.Exists(func() bool { return p.is(1) })
	}),
	Verdict: litmus.Sometimes, Counts: "10 pass, 2 exists",
}, {
	// The first address is loaded again, and is another by then; the old one is followed.
	Name: "MP+release+addr-other-addr",
	Build: chains(func(p chainProg) {
		p.Begin(func(*schedule.Exec) { p.front.next.Init(p.end) })
		p.Thread("P0", func(t *schedule.Thread) {
			p.end.data.WriteOnce(t, 1)
			p.first.p.StoreRelease(t, p.front)
			p.first.p.Write(t, nil)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if a := p.first.p.ReadOnce(t); a != nil {
				p.first.p.ReadOnce(t)
				p.r[0].SetBool(a.next.ReadOnce(t).data.ReadOnce(t) == 0)
			}
		})
		p.Exists(func() bool { return p.is(1) })
	}),
	Verdict: litmus.Never, Counts: "68 pass",
}, {
	// What is loaded is stored, and that loaded with an acquire: (dep ; rfi) ; acq-po.
	Name: "MP+release+data-rfi-acquire",
	Build: build(func(p prog) {
		p.writes("P0", &p.x, 1, &p.y, 1, writeOnce, storeRelease)
		p.Thread("P1", func(t *schedule.Thread) {
			v := p.y.ReadOnce(t)
			p.z.WriteOnce(t, v+1)
			p.z.LoadAcquire(t)
			p.r[0].Set(v)
			p.r[1].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.is(1, 0) })
	}),
	Verdict: litmus.Never, Counts: "756 pass",
}, {
	// What is loaded is the index of an element.
	Name: "MP+release+index",
	Build: mpBehind(readOnce, func(p prog, _ *ordered, t *schedule.Thread) {
		p.x.DependsOn(t, &p.y)
	}),
	Verdict: litmus.Never, Counts: "30 pass",
}, {
	// The index of another element is none of this one.
	Name: "MP+release+index-other",
	Build: mpBehind(readOnce, func(p prog, _ *ordered, t *schedule.Thread) {
		p.z.DependsOn(t, &p.y)
	}),
	Verdict: litmus.Sometimes, Counts: "30 pass, 2 exists",
}, {
	// Nothing else that is loaded behind the element comes after the index, but an acquire of the
	// element is one of what it was when the index came.
	Name: "MP+release+index-acquire",
	Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.z.WriteOnce(t, 1)
			p.x.StoreRelease(t, 1)
			p.y.StoreRelease(t, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].Set(p.y.ReadOnce(t))
			p.x.DependsOn(t, &p.y)
			p.r[1].Set(p.x.LoadAcquire(t))
			p.r[2].Set(p.z.ReadOnce(t))
		})
		p.Exists(func() bool { return p.is(1, 1, 0) })
	}),
	Verdict: litmus.Never, Counts: "420 pass",
}, {
	Name: "MP+release+index-po",
	Build: build(func(p prog) {
		p.writes("P0", &p.x, 1, &p.y, 1, writeOnce, storeRelease)
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].Set(p.y.ReadOnce(t))
			p.z.DependsOn(t, &p.y)
			p.z.ReadOnce(t)
			p.r[1].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.is(1, 0) })
	}),
	Verdict: litmus.Sometimes, Counts: "70 pass, 2 exists",
}, {
	// The index of an index, which nobody writes to.
	Name: "MP+release+index-index",
	Build: mpBehind(readOnce, func(p prog, _ *ordered, t *schedule.Thread) {
		p.z.DependsOn(t, &p.y)
		p.z.ReadOnce(t)
		p.x.DependsOn(t, &p.z)
	}),
	Verdict: litmus.Never, Counts: "70 pass",
}, {
	// It was written to before what is loaded at last.
	Name: "MP+release+index-index+before",
	Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.z.WriteOnce(t, 1)
			p.x.StoreRelease(t, 1)
			p.y.StoreRelease(t, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].Set(p.y.ReadOnce(t))
			p.z.DependsOn(t, &p.y)
			p.r[1].Set(p.z.ReadOnce(t))
			p.x.DependsOn(t, &p.z)
			p.r[2].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.is(1, 1, 0) })
	}),
	Verdict: litmus.Never, Counts: "420 pass",
}, {
	// Its address is computed from none, so it may be loaded before the first.
	Name: "MP+release+po-index",
	Build: mpBehind(readOnce, func(p prog, _ *ordered, t *schedule.Thread) {
		p.z.ReadOnce(t)
		p.x.DependsOn(t, &p.z)
	}),
	Verdict: litmus.Sometimes, Counts: "70 pass, 2 exists",
}, {
	// The index is what nobody writes to: it may be as old as what comes before it.
	Name: "MP+release+index+initial",
	Build: build(func(p prog) {
		p.writes("P0", &p.x, 1, &p.z, 1, writeOnce, storeRelease)
		p.Thread("P1", func(t *schedule.Thread) {
			p.y.ReadOnce(t)
			p.z.DependsOn(t, &p.y)
			p.r[0].Set(p.z.ReadOnce(t))
			p.r[1].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.is(1, 0) })
	}),
	Verdict: litmus.Sometimes, Counts: "70 pass, 10 exists",
}, {
	// What the thread has stored itself comes behind the index all the same.
	Name: "MP+release+index-rfi-index",
	Build: build(func(p prog) {
		p.writes("P0", &p.x, 1, &p.y, 1, writeOnce, storeRelease)
		p.Thread("P1", func(t *schedule.Thread) {
			p.z.WriteOnce(t, 1)
			p.r[0].Set(p.y.ReadOnce(t))
			p.z.DependsOn(t, &p.y)
			p.z.ReadOnce(t)
			p.x.DependsOn(t, &p.z)
			p.r[1].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.is(1, 0) })
	}),
	Verdict: litmus.Never, Counts: "1008 pass",
}, {
	// An acquire of an element that nobody writes to.
	Name: "MP+release+index-acquire+initial",
	Build: mpBehind(readOnce, func(p prog, _ *ordered, t *schedule.Thread) {
		p.z.DependsOn(t, &p.y)
		p.z.LoadAcquire(t)
	}),
	Verdict: litmus.Never, Counts: "70 pass",
}, {
	// The index is in an object.
	Name: "MP+release+addr-index",
	Build: chains(func(p chainProg) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			p.first.p.StoreRelease(t, p.front)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if a := p.first.p.ReadOnce(t); a != nil {
				a.flag.ReadOnce(t)
				p.x.DependsOn(t, &a.flag)
				p.r[0].SetBool(p.x.ReadOnce(t) == 0)
			}
		})
		p.Exists(func() bool { return p.is(1) })
	}),
	Verdict: litmus.Never, Counts: "10 pass",
}, {
	// The element is a pointer, which was always there.
	Name: "MP+release+index-addr",
	Build: chains(func(p chainProg) {
		p.Begin(func(*schedule.Exec) { p.first.p.Init(p.front) })
		p.Thread("P0", func(t *schedule.Thread) {
			p.front.data.WriteOnce(t, 1)
			p.y.StoreRelease(t, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].Set(p.y.ReadOnce(t))
			p.first.p.DependsOn(t, &p.y)
			p.r[1].Set(p.first.p.ReadOnce(t).data.ReadOnce(t))
		})
		p.Exists(func() bool { return p.is(1, 0) })
	}),
	Verdict: litmus.Never, Counts: "70 pass",
}}

// TestDependencies runs the table of addresses and acquires behind others.
func TestDependencies(t *testing.T) {
	for i := range dependTests {
		dependTests[i].RMO = true
	}
	litmus.Run(t, dependTests)
}
