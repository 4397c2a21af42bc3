package list_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// An owner has a list, which dies with it.
type owner struct {
	schedule.Object
	list list.Head[*item]
}

// orphans makes a program of one thread that frees the owner of a list of three items and
// then deletes one of them.
func orphans(del deletion, nth int) func(*litmus.Program) {
	return build(0, func(p *prog) {
		cache := slab.NewCache[owner]("owner", nil)
		var o *owner
		p.Begin(func(e *schedule.Exec) {
			o = cache.AllocBoot(e)
			for i := 2; i >= 0; i-- {
				o.list.Init(p.item[i])
			}
		})
		p.Thread("P0", func(t *schedule.Thread) {
			slab.Free(t, "kfree", o)
			del(&o.list, t, p.item[nth])
		})
	})
}

// heirs makes a program of one thread that frees the owner of a list of n items and then moves
// another there.
func heirs(move func(*schedule.Thread, *item, *list.Head[*item]), n int) func(*litmus.Program) {
	return build(0, func(p *prog) {
		cache := slab.NewCache[owner]("owner", nil)
		var o *owner
		p.Begin(func(e *schedule.Exec) {
			o = cache.AllocBoot(e)
			p.a.Init(p.item[2])
			for i := range n {
				o.list.Init(p.item[i])
			}
		})
		p.Thread("P0", func(t *schedule.Thread) {
			slab.Free(t, "kfree", o)
			move(t, p.item[2], &o.list)
		})
	})
}

// behind makes a program of one thread that takes the first of two items off, and then the
// second, to which nothing refers any more but perhaps the first.
func behind(del deletion) func(*litmus.Program) {
	return alone(2, func(p *prog, t *schedule.Thread) {
		del(&p.a, t, p.item[0])
		p.a.Del(t, p.item[1])
		p.keep[1].Put(nil)
	})
}

var leftTests = []litmus.Test{{
	// Poison does not refer to what was behind.
	Name: "LEAK+del", Build: behind(del),
	Bad: schedule.Leak, Verdict: litmus.Always, Counts: "1 memory-leak",
}, {
	// Nor does a link that leads to its own node.
	Name: "LEAK+del_init", Build: behind(delInit),
	Bad: schedule.Leak, Verdict: litmus.Always, Counts: "1 memory-leak",
}, {
	// Links that have been left as they were do, to kmemleak.
	Name: "LEAK+del_entry", Build: behind((*list.Head[*item]).DelEntry),
	Bad: schedule.Leak, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// A walk that does not see it does not come past what list_del_init() has taken off.
	Name: "WALK+del_init+next", Build: alone(2, func(p *prog, t *schedule.Thread) {
		p.a.DelInit(t, p.item[0])
		p.r[0].SetBool(p.item[0].node.NextEntry(t) == p.item[0])
		p.Exists(func() bool { return p.r[0].Get() != 1 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}}

func TestLeft(t *testing.T) { litmus.Run(t, leftTests) }

var headTests = []litmus.Test{{
	// The link of the head is written.
	Name: "HEAD+freed+first", Build: orphans(del, 0),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "1 use-after-free",
}, {
	// Those of the neighbours are, and the head is none.
	Name: "HEAD+freed+middle", Build: orphans(del, 1),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The back link of the head is written.
	Name: "HEAD+freed+last", Build: orphans(del, 2),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "1 use-after-free",
}, {
	// An hlist_head has none.
	Name: "HEAD+freed+last+hlist", Build: orphans(delRcu, 2),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The head of the list that it is moved to is written.
	Name: "HEAD+freed+move", Build: heirs(list.Move[*item], 0),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "1 use-after-free",
}, {
	// As above, behind another.
	Name: "HEAD+freed+move_tail", Build: heirs(list.MoveTail[*item], 1),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "1 use-after-free",
}, {
	// list_empty() of a node looks whether its links lead to itself. Poison does not.
	Name: "DEL+node", Build: alone(1, func(p *prog, t *schedule.Thread) {
		p.a.Del(t, p.item[0])
		p.r[0].SetBool(p.item[0].node.Empty(t))
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// Nor do links that have been left as they were.
	Name: "DELENTRY+node", Build: alone(1, func(p *prog, t *schedule.Thread) {
		p.a.DelEntry(t, p.item[0])
		p.r[0].SetBool(p.item[0].node.Empty(t))
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The links of an sk_buff are NULL when it is unlinked, and nobody looks.
	Name: "SKBUNLINK+skbunlink", Build: alone(1, func(p *prog, t *schedule.Thread) {
		list.SkbUnlink(t, p.item[0])
		list.SkbUnlink(t, p.item[0])
	}),
	Bad: schedule.NullDereference, Verdict: litmus.Always, Counts: "1 null-dereference",
}, {
	// Nor is NULL the end of a queue, which is its head.
	Name: "SKBUNLINK+next", Build: alone(2, func(p *prog, t *schedule.Thread) {
		list.SkbUnlink(t, p.item[0])
		p.item[0].node.NextEntry(t)
	}),
	Bad: schedule.NullDereference, Verdict: litmus.Always, Counts: "1 null-dereference",
}, {
	// It may be queued again, and leads nowhere else.
	Name: "SKBUNLINK+tail", Build: alone(3, func(p *prog, t *schedule.Thread) {
		list.SkbUnlink(t, p.item[0])
		p.b.AddTail(t, p.item[0])
		p.r[0].SetBool(walk(t, &p.b) != 1 || walk(t, &p.a) != 23)
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}}

func TestHeads(t *testing.T) { litmus.Run(t, headTests) }

// noteOf runs a program of one thread over list a of three items and list b of a fourth, and
// returns what its failure says.
func noteOf(t *testing.T, f func(t *schedule.Thread, o *lists, items [4]*item)) string {
	p := schedule.Program{Name: t.Name(), New: func() func(*schedule.Exec) {
		o := new(lists)
		o.Bind(o, "v")
		cache := slab.NewCache[item]("item", nil)
		return func(e *schedule.Exec) {
			e.Static(&o.Object, 0)
			var items [4]*item
			for i := 3; i >= 0; i-- {
				items[i] = cache.AllocBoot(e)
				if i < 3 {
					o.a.Init(items[i])
				}
			}
			o.b.Init(items[3])
			e.Go("P0", func(t *schedule.Thread) { f(t, o, items) })
		}
	}}
	r := schedule.NewRunner(p)
	defer r.Close()
	if f := r.RunTape(nil).Failure; f.Kind == schedule.ListCorrupt {
		return f.Note
	}
	return "no list-corruption"
}

// TestAddedTwice looks at what a failure says of adding what is on a list: whether
// CONFIG_DEBUG_LIST sees it, which knows the two entries between which it is added.
func TestAddedTwice(t *testing.T) {
	add, tail := (*list.Head[*item]).Add, (*list.Head[*item]).AddTail
	blindly := (*list.Head[*item]).AddBlind
	const first, last = "adds the first entry once more", "adds the last entry once more"
	const blind = "adds what is on a list"
	for _, tt := range []struct {
		name string
		add  func(h *list.Head[*item], t *schedule.Thread, i *item)
		nth  int
		note string
	}{
		{"add first", add, 0, first},
		{"add middle", add, 1, blind},
		{"add last", add, 2, blind},
		{"add to another", add, 3, blind},
		{"tail first", tail, 0, blind},
		{"tail middle", tail, 1, blind},
		{"tail last", tail, 2, last},
		{"tail of another", tail, 3, blind},
		{"blindly first", blindly, 0, first},
		{"blindly middle", blindly, 1, blind},
		{"blindly last", blindly, 2, blind},
	} {
		t.Run(tt.name, func(t *testing.T) {
			note := noteOf(t, func(t *schedule.Thread, o *lists, items [4]*item) {
				tt.add(&o.a, t, items[tt.nth])
			})
			if note != tt.note {
				t.Errorf("%s, want %s", note, tt.note)
			}
		})
	}
}

// TestTaken looks at what a failure says of a list from which another has taken an entry: whether
// CONFIG_DEBUG_LIST sees it, which looks at the links of the two neighbours.
func TestTaken(t *testing.T) {
	for _, tt := range []struct {
		name string
		nth  int // which has been taken
		f    func(t *schedule.Thread, o *lists, items [4]*item)
		note string
	}{
		{
			"add", 0, func(t *schedule.Thread, o *lists, items [4]*item) {
				list.DelInit(t, items[3])
				o.a.Add(t, items[3])
			},
			"adds before an entry that leads back elsewhere",
		},
		{
			"move", 0, func(t *schedule.Thread, o *lists, items [4]*item) {
				list.Move(t, items[3], &o.a)
			},
			"adds before an entry that leads back elsewhere",
		},
		{
			"del before", 1, func(t *schedule.Thread, o *lists, items [4]*item) {
				list.Del(t, items[0])
			},
			"deletes before an entry that leads back elsewhere",
		},
		{
			"del behind", 1, func(t *schedule.Thread, o *lists, items [4]*item) {
				list.Del(t, items[2])
			},
			"deletes behind an entry that leads elsewhere",
		},
		{
			"del taken", 1, func(t *schedule.Thread, o *lists, items [4]*item) {
				list.Del(t, items[1])
			},
			"another list has taken it",
		},
		{
			"replace", 1, func(t *schedule.Thread, o *lists, _ [4]*item) {
				list.ReplaceInit(t, &o.a, &o.c)
			},
			"another list has taken an entry",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			note := noteOf(t, func(t *schedule.Thread, o *lists, items [4]*item) {
				o.b.AddBlind(t, items[tt.nth])
				tt.f(t, o, items)
			})
			if note != tt.note {
				t.Errorf("%s, want %s", note, tt.note)
			}
		})
	}
}
