package list_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// published is an item that is filled in and then added to a list, behind another, and a reader
// who finds it there.
func published(add func(*list.Head[*item], *schedule.Thread, *item)) func(*litmus.Program) {
	return build(1, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.item[1].key.Write(t, 5)
			add(&p.a, t, p.item[1])
		})
		p.Thread("P1", func(t *schedule.Thread) {
			i := p.a.First(t)
			if i == p.item[0] {
				i = i.node.Next(t)
			}
			if i != nil {
				p.r[0].SetBool(i.key.Read(t) != 5)
			}
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	})
}

// psoTests are of memory where stores pass stores: an operation comes after what is stored before
// it if it is one for RCU.
var psoTests = []litmus.Test{{
	Name: "MP+list_add+pso", Build: published((*list.Head[*item]).Add),
	Verdict: litmus.Sometimes, Counts: "44 pass, 1 exists",
}, {
	Name: "MP+list_add_rcu+pso", Build: published((*list.Head[*item]).AddRcu),
	Verdict: litmus.Never, Counts: "30 pass",
}, {
	Name: "MP+list_add_tail+pso", Build: published((*list.Head[*item]).AddTail),
	Verdict: litmus.Sometimes, Counts: "45 pass, 4 exists",
}, {
	Name: "MP+list_add_tail_rcu+pso", Build: published((*list.Head[*item]).AddTailRcu),
	Verdict: litmus.Never, Counts: "30 pass",
}, {
	Name: "MP+hlist_add_head_rcu+pso", Build: published((*list.Head[*item]).AddHeadRcu),
	Verdict: litmus.Never, Counts: "30 pass",
}, {
	// Two operations at one place of a list have a link in common, and stay in order: who sees the
	// second item sees the first.
	Name: "MP+list_add+list_add_tail+pso", Build: build(0, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.a.Add(t, p.item[0])
			p.a.AddTail(t, p.item[1])
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].SetBool(p.a.LastEntry(t) == p.item[1])
			p.r[1].SetBool(p.a.FirstEntry(t) == p.item[0])
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 0 })
	}),
	Verdict: litmus.Never, Counts: "30 pass",
}, {
	// On two lists they have not.
	Name: "MP+list_add+list_add+pso", Build: build(0, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.a.Add(t, p.item[0])
			p.b.Add(t, p.item[1])
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].SetBool(!p.b.Empty(t))
			p.r[1].SetBool(p.a.Empty(t))
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "44 pass, 1 exists",
}, {
	// Who leads to an item has written its link back, as has who put it on the list: he comes to
	// an item that is there. (In a machine the links of the item may still be late.)
	Name: "MP+list_add_tail_rcu+list_del_rcu+pso", Build: build(1, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.a.AddTailRcu(t, p.item[1])
			p.a.ListDelRcu(t, p.item[0])
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].SetBool(p.a.LastEntry(t) == p.item[1])
			p.r[1].SetBool(p.item[1].node.Linked(t))
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 0 })
	}),
	Verdict: litmus.Never, Counts: "30 pass",
}, {
	// The link of the last entry is written where the list gets another head. What is added behind
	// that is not seen on the list that it was.
	Name: "MP+list_splice_init+list_add_tail+pso", Build: build(1, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			list.SpliceInit(t, &p.a, &p.b)
			p.b.AddTail(t, p.item[1])
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].SetBool(p.a.LastEntry(t) == p.item[1])
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "10 pass",
}, {
	// What list_del_rcu() leaves of a list that an item was on does not come back with it: else two
	// states would have one hash, as the thread has forgotten which list that was.
	Name: "MP+list_add_tail_rcu+list_del_rcu+forgotten+pso", Build: build(1, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			h := []*list.Head[*item]{&p.a, &p.b}[t.Choose(2)]
			h.AddTail(t, p.item[1])
			h.ListDelRcu(t, p.item[1])
			mem.SmpMb(t)
			t.Forget(1)
			p.a.AddTailRcu(t, p.item[1])
			p.a.ListDelRcu(t, p.item[0])
		})
		p.Thread("P1", func(t *schedule.Thread) { p.a.LastEntry(t) })
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Never, Counts: "80 pass",
}, {
	// What is stored behind a release may pass it, and what is before it.
	Name: "MP+list_add_rcu+po+pso", Build: passed((*list.Head[*item]).AddRcu),
	Verdict: litmus.Sometimes, Counts: "251 pass, 1 exists",
}, {
	// What is behind smp_wmb() and a store, which list_add_rcu() was up to 3.14, may not.
	Name: "MP+wmb+list_add+po+pso",
	Build: passed(func(h *list.Head[*item], t *schedule.Thread, i *item) {
		mem.SmpWmb(t)
		h.Add(t, i)
	}),
	Verdict: litmus.Never, Counts: "396 pass",
}}

// passed is an item that is filled in and added to a list, and a store after that, which gets to
// memory before it is filled in.
func passed(add func(*list.Head[*item], *schedule.Thread, *item)) func(*litmus.Program) {
	return build(0, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.item[1].key.Write(t, 5)
			add(&p.a, t, p.item[1])
			p.item[2].key.Write(t, 5)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].SetBool(p.item[2].key.Read(t) == 5)
			p.r[1].SetBool(p.item[1].key.Read(t) != 5)
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 1 })
	})
}

func init() {
	for i := range psoTests {
		psoTests[i].PSO = true
	}
}

// TestPSO runs the table.
func TestPSO(t *testing.T) { litmus.Run(t, psoTests) }

func TestPSOContract(t *testing.T) { litmus.Contract(t, psoTests) }
