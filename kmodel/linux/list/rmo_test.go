package list_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A look is what a thread does to see whether a change has been made to a list; it reports that it
// has not.
type look func(t *schedule.Thread, p *prog) bool

func isEmpty(t *schedule.Thread, p *prog) bool { return p.item[1].node.Empty(t) }

func emptyCareful(t *schedule.Thread, p *prog) bool { return p.item[1].node.EmptyCareful(t) }

func notLinked(t *schedule.Thread, p *prog) bool { return !p.item[1].node.Linked(t) }

func walkEnds(t *schedule.Thread, p *prog) bool {
	next, other := p.a.WalkNext(t, p.item[0])
	return next == nil && other == nil
}

// bothOld has the item that another is added behind be on the list, and the last.
func bothOld(t *schedule.Thread, p *prog) bool { return !p.item[0].node.Empty(t) && walkEnds(t, p) }

// told is an item that is added to list a, behind another, and who is told so and looks.
func told(between func(*schedule.Thread), old look) func(*litmus.Program) {
	return build(1, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.a.AddTail(t, p.item[1])
			p.item[2].key.StoreRelease(t, 9)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].SetBool(p.item[2].key.ReadOnce(t) == 9)
			between(t)
			p.r[1].SetBool(old(t, p))
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 1 })
	})
}

func nothing(*schedule.Thread) {}

// leaves is an item that leaves list a, and who looks at it twice, having seen more in between.
func leaves(first, second func(t *schedule.Thread, i *item) bool) func(*litmus.Program) {
	return build(1, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.a.DelInit(t, p.item[0])
			p.item[2].key.StoreRelease(t, 9)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].SetBool(first(t, p.item[0]))
			p.item[2].key.ReadOnce(t)
			p.r[1].SetBool(second(t, p.item[0]))
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 0 })
	})
}

func isOff(t *schedule.Thread, i *item) bool { return i.node.Empty(t) }

func leadsToItself(t *schedule.Thread, i *item) bool { return i.node.Next(t) == i }

func leadsOn(t *schedule.Thread, i *item) bool { return i.node.Next(t) == nil }

func isOn(t *schedule.Thread, i *item) bool { return !i.node.Empty(t) }

// stays is an item that has left list a, and who is told so and looks at it twice.
func stays(first, second func(t *schedule.Thread, i *item) bool) func(*litmus.Program) {
	return build(1, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.a.DelInit(t, p.item[0])
			p.item[2].key.StoreRelease(t, 9)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].SetBool(p.item[2].key.ReadOnce(t) == 9)
			old := first(t, p.item[0])
			p.r[1].SetBool(second(t, p.item[0]) && old)
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 1 })
	})
}

// filled is an item that is filled in and leaves list a, and who finds it off and looks what is in it.
func filled(off func(*list.Node[*item], *schedule.Thread) bool) func(*litmus.Program) {
	return build(1, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.item[0].key.WriteOnce(t, 9)
			mem.SmpWmb(t)
			p.a.DelInit(t, p.item[0])
		})
		p.Thread("P1", func(t *schedule.Thread) {
			if off(&p.item[0].node, t) {
				p.r[0].SetBool(p.item[0].key.ReadOnce(t) != 9)
			}
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	})
}

// rmoTests are of memory where loads pass loads: each look at links is one.
var rmoTests = []litmus.Test{{
	Name: "MP+list_empty", Build: told(nothing, isEmpty),
	Verdict: litmus.Sometimes, Counts: "30 pass, 2 exists",
}, {
	Name: "MP+rmb+list_empty", Build: told(mem.SmpRmb, isEmpty),
	Verdict: litmus.Never, Counts: "70 pass",
}, {
	// An acquire orders what comes behind it.
	Name: "MP+list_empty_careful", Build: told(nothing, emptyCareful),
	Verdict: litmus.Sometimes, Counts: "30 pass, 2 exists",
}, {
	Name: "MP+linked", Build: told(nothing, notLinked),
	Verdict: litmus.Sometimes, Counts: "30 pass, 2 exists",
}, {
	Name: "MP+rmb+linked", Build: told(mem.SmpRmb, notLinked),
	Verdict: litmus.Never, Counts: "70 pass",
}, {
	Name: "MP+walk", Build: told(nothing, walkEnds),
	Verdict: litmus.Sometimes, Counts: "30 pass, 2 exists",
}, {
	Name: "MP+rmb+walk", Build: told(mem.SmpRmb, walkEnds),
	Verdict: litmus.Never, Counts: "70 pass",
}, {
	// They are looks at one word.
	Name: "CoRR+list_empty+next", Build: leaves(isOff, leadsToItself),
	Verdict: litmus.Never, Counts: "75 pass",
}, {
	Name: "CoRR+next+list_empty", Build: leaves(leadsToItself, isOff),
	Verdict: litmus.Never, Counts: "75 pass",
}, {
	// So may both be old.
	Name: "MP+list_empty+walk", Build: told(nothing, bothOld),
	Verdict: litmus.Sometimes, Counts: "70 pass, 2 exists",
}, {
	Name: "MP+rmb+list_empty+walk", Build: told(mem.SmpRmb, bothOld),
	Verdict: litmus.Never, Counts: "140 pass",
}, {
	Name: "MP+next+list_empty", Build: stays(leadsOn, isOn),
	Verdict: litmus.Sometimes, Counts: "72 pass, 2 exists",
}, {
	Name: "MP+list_empty+next", Build: stays(isOn, leadsOn),
	Verdict: litmus.Sometimes, Counts: "72 pass, 2 exists",
}, {
	Name: "MP+list_empty+po", Build: filled((*list.Node[*item]).Empty),
	Verdict: litmus.Sometimes, Counts: "18 pass, 3 exists",
}, {
	Name: "MP+list_empty_careful+po", Build: filled((*list.Node[*item]).EmptyCareful),
	Verdict: litmus.Never, Counts: "18 pass",
}}

// TestRMO runs the table of loads that pass loads.
func TestRMO(t *testing.T) {
	for i := range rmoTests {
		rmoTests[i].RMO = true
	}
	litmus.Run(t, rmoTests)
}

// TestContractRMO tests what exploring rests on.
func TestContractRMO(t *testing.T) {
	for i := range rmoTests {
		rmoTests[i].RMO = true
	}
	litmus.Contract(t, rmoTests)
}
