package list_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// replaced makes a program of one thread that puts what is on list a, n items, on list b. Bad
// is that a is not empty, or b has anything but keys.
func replaced(n, keys int) func(*litmus.Program) {
	return alone(n, func(p *prog, t *schedule.Thread) {
		list.ReplaceInit(t, &p.a, &p.b)
		p.r[0].SetBool(p.a.Empty(t) && walk(t, &p.b) == keys)
		p.Exists(func() bool { return p.r[0].Get() != 1 })
	})
}

// replacedFreed frees one of three items before.
func replacedFreed(nth int) func(*litmus.Program) {
	return alone(3, func(p *prog, t *schedule.Thread) {
		free(t, p.item[nth])
		list.ReplaceInit(t, &p.a, &p.b)
	})
}

var replaceTests = []litmus.Test{{
	Name: "REPLACE", Build: replaced(3, 123),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	Name: "REPLACE+empty", Build: replaced(0, 0),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	Name: "SPLICE", Build: alone(3, func(p *prog, t *schedule.Thread) {
		list.SpliceInit(t, &p.a, &p.b)
		p.r[0].SetBool(p.a.Empty(t) && walk(t, &p.b) == 123)
		p.Exists(func() bool { return p.r[0].Get() != 1 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The link back of the first is written, and the link of the last.
	Name: "REPLACE+freed+first", Build: replacedFreed(0),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "1 use-after-free",
}, {
	Name: "REPLACE+freed+last", Build: replacedFreed(2),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "1 use-after-free",
}, {
	// Nothing of what is in the middle is.
	Name: "REPLACE+freed+middle", Build: replacedFreed(1),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The head that is replaced is part of what has been freed.
	Name: "REPLACE+freed+head", Build: build(2, func(p *prog) {
		cache := slab.NewCache[owner]("owner", nil)
		var o *owner
		p.Begin(func(e *schedule.Exec) { o = cache.AllocBoot(e) })
		p.Thread("P0", func(t *schedule.Thread) {
			slab.Free(t, "kfree", o)
			list.ReplaceInit(t, &p.a, &o.list)
		})
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "1 use-after-free",
}, {
	// Item 3, which was on list b, would be on none.
	Name: "REPLACE+lost", Build: build(2, func(p *prog) {
		p.Begin(func(*schedule.Exec) { p.b.Init(p.item[2]) })
		p.Thread("P0", func(t *schedule.Thread) { list.ReplaceInit(t, &p.a, &p.b) })
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	// List b is of a function that returns, and is begun anew by the next.
	Name: "REPLACE+forget", Build: alone(2, func(p *prog, t *schedule.Thread) {
		p.b.Add(t, p.item[2])
		free(t, p.item[2])
		p.b.Forget()
		list.ReplaceInit(t, &p.a, &p.b)
		p.r[0].Set(walk(t, &p.b))
		p.Exists(func() bool { return p.r[0].Get() != 12 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// What is on it may go to a third list, and be deleted there, as from the first.
	Name: "REPLACE+move", Build: alone(3, func(p *prog, t *schedule.Thread) {
		list.ReplaceInit(t, &p.a, &p.b)
		list.Move(t, p.item[1], &p.a)
		p.b.Del(t, p.item[2])
		p.r[0].SetBool(walk(t, &p.a) == 2 && walk(t, &p.b) == 1)
		p.Exists(func() bool { return p.r[0].Get() != 1 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// A walk without the lock that is at the second ends at the new head, not at its own.
	Name: "REPLACE+walk",
	Build: moved(3, func(p *prog, t *schedule.Thread) {
		list.ReplaceInit(t, &p.a, &p.b)
		p.r[1].Set(p.goesOn(t, p.item[2]))
		p.Exists(func() bool { return p.r[1].Get() != 9 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The walk comes to the head that was there when it looked, though nothing of the last item
	// itself says so: it has the same links before and after.
	Name: "REPLACE+walker", Build: build(2, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) { list.ReplaceInit(t, &p.a, &p.b) })
		p.Thread("P1", func(t *schedule.Thread) { p.r[0].Set(p.goesOn(t, p.item[1])) })
		p.Exists(func() bool { return p.r[0].Get() == 9 })
	}),
	Verdict: litmus.Sometimes, Counts: "1 pass, 1 exists",
}, {
	// The item is deleted from whichever list it is on.
	Name: "REPLACE+deleter", Build: build(2, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) { list.ReplaceInit(t, &p.a, &p.b) })
		p.Thread("P1", func(t *schedule.Thread) { list.Del(t, p.item[1]) })
		p.Exists(func() bool { return p.a.Peek() != nil || p.b.Peek() != p.item[0] })
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// list_del_rcu() writes the head where the last goes, hlist_del_rcu() does not.
	Name: "HEAD+freed+last+list_del_rcu", Build: orphans((*list.Head[*item]).ListDelRcu, 2),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "1 use-after-free",
}, {
	// A reader goes on from what list_del_rcu() has taken off.
	Name: "READ+list_del_rcu", Build: build(3, func(p *prog) {
		p.Thread("writer", func(t *schedule.Thread) { p.a.ListDelRcu(t, p.item[1]) })
		p.sees(123, 13)
	}),
	Verdict: litmus.Never, Counts: "8 pass",
}, {
	// And it cannot be taken off again.
	Name: "LISTDELRCU+listdelrcu", Build: alone(3, func(p *prog, t *schedule.Thread) {
		p.a.ListDelRcu(t, p.item[1])
		p.a.ListDelRcu(t, p.item[1])
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}}

// taken does f to list a of three items, of which the second has been added to list b.
func taken(f func(p *prog, t *schedule.Thread)) func(*litmus.Program) {
	return alone(3, func(p *prog, t *schedule.Thread) {
		p.b.AddBlind(t, p.item[1])
		f(p, t)
	})
}

var blindTests = []litmus.Test{{
	// What is on no list is added as list_add() does it.
	Name: "BLIND",
	Build: after(213, func(p *prog, t *schedule.Thread) {
		p.a.Del(t, p.item[1])
		p.a.AddBlind(t, p.item[1])
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// A walk of list a that is at the second comes to the head of list b.
	Name: "BLIND+walk", Build: moved(9, func(p *prog, t *schedule.Thread) {
		p.b.AddBlind(t, p.item[1])
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// If there is a third on list b, it comes to that first.
	Name: "BLIND+BLIND", Build: moved(3, func(p *prog, t *schedule.Thread) {
		p.b.AddBlind(t, p.item[2])
		p.b.AddBlind(t, p.item[1])
		p.r[1].Set(p.goesOn(t, p.item[2]))
		p.Exists(func() bool { return p.r[1].Get() != 9 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The first still leads to the second, from where nothing leads to the third. A walk that
	// is at that ends as before.
	Name: "BLIND+behind", Build: taken(func(p *prog, t *schedule.Thread) {
		p.r[0].SetBool(walk(t, &p.a) == 12 && walk(t, &p.b) == 2)
		p.r[1].Set(p.goesOn(t, p.item[2]))
		p.Exists(func() bool { return p.r[0].Get() != 1 || p.r[1].Get() != 8 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The lists come to the same, whichever has it last; a walk of list a does not.
	Name: "BLIND+either", Build: build(0, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.a.AddBlind(t, p.item[0])
			p.r[0].SetBool(p.goesOn(t, p.item[0]) == 9)
		})
		p.Thread("P1", func(t *schedule.Thread) { p.b.AddBlind(t, p.item[0]) })
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "2 pass, 1 exists",
}, {
	// Item 3 is left behind by what list c takes of list a or of list b, which come to the
	// same in both cases; where a walk that is at it ends is another matter.
	Name: "BLIND+left", Build: build(0, func(p *prog) {
		p.Begin(func(*schedule.Exec) { p.c.Init(p.item[2]) })
		p.Thread("P0", func(t *schedule.Thread) {
			list.Move(t, p.item[2], &p.a)
			p.a.Add(t, p.item[0])
			p.c.AddBlind(t, p.item[0])
			p.r[0].SetBool(p.goesOn(t, p.item[2]) == 9)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			list.Move(t, p.item[2], &p.b)
			p.b.Add(t, p.item[1])
			p.c.AddBlind(t, p.item[1])
			p.goesOn(t, p.item[2])
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "30 pass, 4 list-corruption, 30 exists",
}, {
	// The list on which it is has a head of its own afterwards.
	Name: "BLIND+replace", Build: alone(1, func(p *prog, t *schedule.Thread) {
		p.b.AddBlind(t, p.item[0])
		p.a.Forget()
		list.ReplaceInit(t, &p.b, &p.a)
		p.r[0].SetBool(p.goesOn(t, p.item[0]) == 8 && p.b.Empty(t))
		p.Exists(func() bool { return p.r[0].Get() != 1 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// What is added has been freed.
	Name: "BLIND+freed", Build: alone(1, func(p *prog, t *schedule.Thread) {
		free(t, p.item[0])
		p.b.AddBlind(t, p.item[0])
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "1 use-after-free",
}, {
	// A list would lead to itself.
	Name:  "BLIND+back",
	Build: taken(func(p *prog, t *schedule.Thread) { p.a.AddBlind(t, p.item[1]) }),
	Bad:   schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	// The link back of the first is not what it was.
	Name: "BLIND+add", Build: alone(1, func(p *prog, t *schedule.Thread) {
		p.b.AddBlind(t, p.item[0])
		p.a.Add(t, p.item[1])
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	// Nor is that of the next.
	Name:  "BLIND+del+before",
	Build: taken(func(p *prog, t *schedule.Thread) { p.a.Del(t, p.item[0]) }),
	Bad:   schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	// Nor the link of the one before.
	Name:  "BLIND+del+behind",
	Build: taken(func(p *prog, t *schedule.Thread) { list.Del(t, p.item[2]) }),
	Bad:   schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	// The kernel would go on; list a leads to it still.
	Name:  "BLIND+del",
	Build: taken(func(p *prog, t *schedule.Thread) { list.Del(t, p.item[1]) }),
	Bad:   schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	// As BLIND+add, if it comes first. The two write nothing that the other looks at but the link
	// back.
	Name: "BLIND+adder", Build: build(1, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.b.AddBlind(t, p.item[0]) })
		p.Thread("P1", func(t *schedule.Thread) { p.a.Add(t, p.item[1]) })
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Sometimes, Counts: "1 pass, 1 list-corruption",
}, {
	// The link of what the head has for the last.
	Name: "BLIND+tail",
	Build: alone(1, func(p *prog, t *schedule.Thread) {
		p.b.AddBlind(t, p.item[0])
		p.a.AddTail(t, p.item[1])
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	Name:  "BLIND+last",
	Build: taken(func(p *prog, t *schedule.Thread) { p.a.LastEntry(t) }),
	Bad:   schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	Name: "BLIND+replace+old",
	Build: taken(func(p *prog, t *schedule.Thread) {
		p.b.Forget()
		list.ReplaceInit(t, &p.a, &p.b)
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}}

func TestReplace(t *testing.T) { litmus.Run(t, replaceTests) }

// TestBlind runs the table of what comes of adding what is on another list.
func TestBlind(t *testing.T) { litmus.Run(t, blindTests) }
