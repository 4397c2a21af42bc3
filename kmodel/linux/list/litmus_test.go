package list_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// An item is what is on a list.
type item struct {
	schedule.Object
	node list.Node[*item]
	key  mem.Int
	rcu  rcu.Head
}

func (i *item) ListNode() *list.Node[*item] { return &i.node }

// kfreeRcu is the callback of kfree_rcu().
func (i *item) kfreeRcu(t *schedule.Thread) { slab.Free(t, "kfree", i) }

type lists struct {
	schedule.Object
	a, b list.Head[*item]
	lock spin.Lock
	keep [3]schedule.Ptr[*item] // so that nothing leaks
	c    list.Head[*item]
}

// A prog makes the programs of the tables: threads over two lists, a lock and three items.
// Item 1, and items 2 and 3 behind it, have been on list a from the start, if the program
// asks for that many.
type prog struct {
	*litmus.Program
	*lists
	item [3]*item
	r    [8]litmus.Reg
}

// build makes a program with the first n items on list a.
func build(n int, f func(p *prog)) func(*litmus.Program) {
	return func(lp *litmus.Program) {
		p := &prog{Program: lp, lists: litmus.Static[lists](lp, "v"), r: lp.Regs()}
		cache := slab.NewCache("item", func(i *item) { i.rcu.Init(i.kfreeRcu) })
		p.Begin(func(e *schedule.Exec) {
			for i := range p.item {
				p.item[i] = cache.AllocBoot(e)
				p.item[i].key.Init(i + 1)
				p.keep[i].Put(p.item[i])
			}
			for i := n - 1; i >= 0; i-- {
				p.a.Init(p.item[i])
			}
		})
		f(p)
	}
}

// alone makes a program of one thread.
func alone(n int, f func(p *prog, t *schedule.Thread)) func(*litmus.Program) {
	return build(n, func(p *prog) { p.Thread("P0", func(t *schedule.Thread) { f(p, t) }) })
}

// walk returns the keys on list h, in order, as the digits of a number. Bad is a walk
// that never ends: it gives up after 5 items.
func walk(t *schedule.Thread, h *list.Head[*item]) (keys int) {
	i := h.First(t)
	for range 5 {
		if i == nil {
			return keys
		}
		keys = 10*keys + i.key.ReadOnce(t)
		i = i.node.Next(t)
	}
	return -1
}

// free frees an item.
func free(t *schedule.Thread, i *item) { slab.Free(t, "kfree", i) }

// sees adds a reader that walks list a; bad is that it sees anything but what is listed.
func (p *prog) sees(keys ...int) {
	p.Thread("reader", func(t *schedule.Thread) { p.r[0].Set(walk(t, &p.a)) })
	p.Exists(func() bool {
		for _, k := range keys {
			if p.r[0].Get() == k {
				return false
			}
		}
		return true
	})
}

var readerTests = []litmus.Test{{
	// The item is whole before it can be seen: the reader sees all of the old list,
	// with or without the new item before it.
	Name: "READ+add", Build: build(1, func(p *prog) {
		p.Thread("writer", func(t *schedule.Thread) { p.a.AddHeadRcu(t, p.item[1]) })
		p.sees(1, 21)
	}),
	Verdict: litmus.Never, Counts: "4 pass",
}, {
	// It sees the item or not, and everything else.
	Name: "READ+del", Build: build(3, func(p *prog) {
		p.Thread("writer", func(t *schedule.Thread) { p.a.DelRcu(t, p.item[1]) })
		p.sees(123, 13)
	}),
	Verdict: litmus.Never, Counts: "8 pass",
}, {
	// Two neighbours go, the first one first. A reader that is on the first keeps its
	// link to the second, so nobody sees 1 and not 2.
	Name: "READ+del+del", Build: build(3, func(p *prog) {
		p.Thread("writer", func(t *schedule.Thread) {
			p.a.DelRcu(t, p.item[0])
			p.a.DelRcu(t, p.item[1])
		})
		p.sees(123, 23, 3)
	}),
	Verdict: litmus.Never, Counts: "34 pass",
}, {
	// Even one that looks at 1's link when both are gone comes to 2: 1 was no longer
	// before 2 on the list when 2 was unlinked, so nothing has changed its link.
	Name: "READ+del+del+stale", Build: build(3, func(p *prog) {
		p.Thread("writer", func(t *schedule.Thread) {
			p.a.DelRcu(t, p.item[0])
			p.a.DelRcu(t, p.item[1])
			p.r[1].Set(1)
		})
		p.Thread("reader", func(t *schedule.Thread) {
			i := p.a.First(t)
			i.key.ReadOnce(t)
			p.r[2].Set(p.r[1].Get())
			p.r[3].SetBool(i.node.Next(t) == p.item[1])
		})
		p.Exists(func() bool { return p.r[2].Get() == 1 && p.r[3].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "9 pass, 1 exists",
}, {
	// A node that is moved to another list takes the reader with it: it sees 3 of
	// list b, and not 2, which has been on list a all the time. This is why RCU lists
	// are not moved from.
	Name: "READ+move", Build: build(2, func(p *prog) {
		p.Begin(func(*schedule.Exec) { p.b.Init(p.item[2]) })
		p.Thread("writer", func(t *schedule.Thread) {
			p.a.DelRcu(t, p.item[0])
			p.b.AddHeadRcu(t, p.item[0])
		})
		p.sees(12, 2)
	}),
	Verdict: litmus.Sometimes, Counts: "16 pass, 3 exists",
}, {
	// It is freed at once: the reader may be on it.
	Name: "READ+del+free", Build: build(2, func(p *prog) {
		p.Thread("writer", func(t *schedule.Thread) {
			p.a.DelRcu(t, p.item[0])
			free(t, p.item[0])
		})
		p.sees(12, 2)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "16 pass, 3 use-after-free",
}, {
	// It is freed after a grace period, which waits for the reader that is on it.
	Name: "READ+del+kfree_rcu", Build: build(2, func(p *prog) {
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, rcu.Split) })
		p.Thread("writer", func(t *schedule.Thread) {
			p.a.DelRcu(t, p.item[0])
			rcu.Call(t, &p.item[0].rcu)
		})
		p.Thread("reader", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			walk(t, &p.a)
			rcu.ReadUnlock(t)
		})
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "52 pass",
}, {
	// The grace period began before the item was unlinked: a reader may come later,
	// which it does not wait for.
	Name: "READ+kfree_rcu+del", Build: build(2, func(p *prog) {
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, rcu.Split) })
		p.Thread("writer", func(t *schedule.Thread) {
			rcu.Call(t, &p.item[0].rcu)
			p.a.DelRcu(t, p.item[0])
		})
		p.Thread("reader", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			walk(t, &p.a)
			rcu.ReadUnlock(t)
		})
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "227 pass, 105 use-after-free",
}, {
	// list_empty() without the lock, then the first entry: it may be gone in between.
	Name: "READ+empty+first", Build: build(1, func(p *prog) {
		p.Thread("writer", func(t *schedule.Thread) { p.a.Del(t, p.item[0]) })
		p.Thread("reader", func(t *schedule.Thread) {
			if !p.a.Empty(t) {
				p.r[0].SetBool(p.a.First(t) == nil)
			}
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "2 pass, 1 exists",
}, {
	// list_empty() of a node says whether it is on a list now: not any more after
	// list_del_init(). Whether it has ever been, Linked says.
	Name: "DELINIT+node", Build: build(1, func(p *prog) {
		p.Thread("writer", func(t *schedule.Thread) { p.a.DelInit(t, p.item[0]) })
		p.Thread("reader", func(t *schedule.Thread) {
			n := p.item[0].ListNode()
			p.r[0].SetBool(n.Linked(t))
			p.r[1].SetBool(n.Empty(t))
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "1 pass, 2 exists",
}, {
	// list_del() poisons next too: who is on the item, and goes on from it, faults.
	Name: "WALK+list_del", Build: build(2, func(p *prog) {
		p.Thread("writer", func(t *schedule.Thread) { p.a.Del(t, p.item[0]) })
		p.Thread("walker", func(t *schedule.Thread) {
			if p.a.FirstEntry(t) == p.item[0] {
				p.item[0].node.NextEntry(t)
			}
		})
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Sometimes, Counts: "2 pass, 1 list-corruption",
}, {
	// A reader is no better off: this is what list_del_rcu() is for.
	Name: "READ+list_del", Build: build(2, func(p *prog) {
		p.Thread("writer", func(t *schedule.Thread) { p.a.Del(t, p.item[0]) })
		p.Thread("reader", func(t *schedule.Thread) { walk(t, &p.a) })
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Sometimes, Counts: "4 pass, 2 list-corruption",
}, {
	// __list_del_entry() leaves the links.
	Name: "WALK+__list_del_entry", Build: build(2, func(p *prog) {
		p.Thread("writer", func(t *schedule.Thread) { p.a.DelEntry(t, p.item[0]) })
		p.Thread("walker", func(t *schedule.Thread) {
			if p.a.FirstEntry(t) == p.item[0] {
				p.item[0].node.NextEntry(t)
			}
		})
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Never, Counts: "3 pass",
}, {
	// Backwards from the last to the first, or from a node that has been taken off meanwhile.
	Name: "BACK+list_del", Build: build(2, func(p *prog) {
		p.Thread("writer", func(t *schedule.Thread) { p.a.Del(t, p.item[1]) })
		p.Thread("walker", func(t *schedule.Thread) {
			if p.a.LastEntry(t) == p.item[1] {
				first := list.PrevEntry(t, p.item[1])
				p.r[0].SetBool(first == p.item[0] && list.PrevEntry(t, first) == nil)
			} else {
				p.r[0].Set(1)
			}
		})
		p.Exists(func() bool { return p.r[0].Get() == 0 })
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Sometimes, Counts: "3 pass, 1 list-corruption",
}, {
	// list_del_rcu() poisons the way back.
	Name: "BACK+list_del_rcu", Build: alone(2, func(p *prog, t *schedule.Thread) {
		p.a.ListDelRcu(t, p.item[0])
		list.PrevEntry(t, p.item[0])
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	// list_del_init() has the node lead to itself on this side too.
	Name: "BACK+list_del_init", Build: alone(2, func(p *prog, t *schedule.Thread) {
		p.a.DelInit(t, p.item[1])
		p.r[0].SetBool(list.PrevEntry(t, p.item[1]) == p.item[1])
		p.Exists(func() bool { return p.r[0].Get() != 1 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// What is before it on the list to which it has gone.
	Name: "BACK+move_tail", Build: build(2, func(p *prog) {
		p.Begin(func(*schedule.Exec) { p.b.Init(p.item[2]) })
		p.Thread("P0", func(t *schedule.Thread) {
			list.MoveTail(t, p.item[1], &p.b)
			p.r[0].SetBool(list.PrevEntry(t, p.item[1]) == p.item[2])
		})
		p.Exists(func() bool { return p.r[0].Get() != 1 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// Adding and deleting are one step each because the writers' lock is held. Under it,
	// no item gets lost.
	Name: "ADD+locks", Build: build(1, func(p *prog) {
		add := func(i *item) func(t *schedule.Thread) {
			return func(t *schedule.Thread) {
				p.lock.Lock(t)
				p.a.Add(t, i)
				p.lock.Unlock(t)
			}
		}
		p.Thread("P0", func(t *schedule.Thread) { add(p.item[1])(t) })
		p.Thread("P1", func(t *schedule.Thread) { add(p.item[2])(t) })
		p.Exists(func() bool {
			first := p.a.Peek()
			return first != p.item[1] && first != p.item[2]
		})
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}}

// TestReaders runs the table of readers against writers.
func TestReaders(t *testing.T) { litmus.Run(t, readerTests) }

// TestLists runs the table of what the operations do, and of what they forbid.
func TestLists(t *testing.T) { litmus.Run(t, listTests) }

func TestWalks(t *testing.T) { litmus.Run(t, walkTests) }

func TestContract(t *testing.T) {
	litmus.Contract(t,
		readerTests, listTests, walkTests, headTests, leftTests, replaceTests, blindTests,
		unlockedTests, tsoTests)
}
