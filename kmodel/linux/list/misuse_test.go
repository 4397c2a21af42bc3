package list_test

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// after makes a program of one thread that does f to list a of three items and then walks
// it. Bad is that it sees anything but keys.
func after(keys int, f func(p *prog, t *schedule.Thread)) func(*litmus.Program) {
	return build(3, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			f(p, t)
			p.r[0].Set(walk(t, &p.a))
		})
		p.Exists(func() bool { return p.r[0].Get() != keys })
	})
}

// A deletion is one of the ways to delete an item.
type deletion func(h *list.Head[*item], t *schedule.Thread, i *item)

// del deletes an item under the writers' lock.
func (p *prog) del(t *schedule.Thread, i *item, f deletion) {
	p.lock.Lock(t)
	f(&p.a, t, i)
	p.lock.Unlock(t)
}

// both has two threads delete the same item, each under the lock.
func both(f deletion) func(*litmus.Program) {
	return build(2, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.del(t, p.item[0], f) })
		p.Thread("P1", func(t *schedule.Thread) { p.del(t, p.item[0], f) })
	})
}

var (
	del     = (*list.Head[*item]).Del
	delRcu  = (*list.Head[*item]).DelRcu
	delInit = (*list.Head[*item]).DelInit
)

// goesOn sees what a walk of list a that is at p comes to: the key of an item; 8 for the head
// of list a, 9 for that of another list.
func (p *prog) goesOn(t *schedule.Thread, at *item) int {
	switch next, other := p.a.WalkNext(t, at); {
	case other != nil:
		return 9
	case next == nil:
		return 8
	default:
		return next.key.ReadOnce(t)
	}
}

// moved does f to list a of three items under a walk that is at the second. Bad is that it
// comes to anything but end.
func moved(end int, f func(p *prog, t *schedule.Thread)) func(*litmus.Program) {
	return build(3, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			f(p, t)
			p.r[0].Set(p.goesOn(t, p.item[1]))
		})
		p.Exists(func() bool { return p.r[0].Get() != end })
	})
}

var walkTests = []litmus.Test{{
	// It was not moved.
	Name: "WALK", Build: moved(3, func(*prog, *schedule.Thread) {}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// It was taken off, and leads to itself.
	Name:    "WALK+del_init",
	Build:   moved(2, func(p *prog, t *schedule.Thread) { list.DelInit(t, p.item[1]) }),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// It is the only one of another list, whose head is taken for an item.
	Name:    "WALK+move",
	Build:   moved(9, func(p *prog, t *schedule.Thread) { list.Move(t, p.item[1], &p.b) }),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// It is before another one there.
	Name: "WALK+move+move", Build: moved(1, func(p *prog, t *schedule.Thread) {
		list.Move(t, p.item[0], &p.b)
		list.Move(t, p.item[1], &p.b)
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// It is the last of its own list again: 1, 3, 2.
	Name:    "WALK+move_tail",
	Build:   moved(8, func(p *prog, t *schedule.Thread) { list.MoveTail(t, p.item[1], &p.a) }),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	Name: "ADD+tail", Build: after(132, func(p *prog, t *schedule.Thread) {
		list.DelInit(t, p.item[1])
		p.a.AddTail(t, p.item[1])
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// Two that move the same item: it is on one list, whichever came last.
	Name: "MOVE+move", Build: build(1, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) { list.Move(t, p.item[0], &p.b) })
		p.Thread("P1", func(t *schedule.Thread) { list.MoveTail(t, p.item[0], &p.a) })
		p.Exists(func() bool { return (p.a.Peek() == nil) == (p.b.Peek() == nil) })
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}}

var listTests = []litmus.Test{{
	// The head goes on with the second.
	Name:    "DEL+first",
	Build:   after(23, func(p *prog, t *schedule.Thread) { p.a.Del(t, p.item[0]) }),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The first goes on with the third.
	Name:    "DEL+middle",
	Build:   after(13, func(p *prog, t *schedule.Thread) { p.a.Del(t, p.item[1]) }),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The second ends the list.
	Name:    "DEL+last",
	Build:   after(12, func(p *prog, t *schedule.Thread) { p.a.DelRcu(t, p.item[2]) }),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// What has been deleted may be added again, here or elsewhere.
	Name: "DEL+add", Build: after(312, func(p *prog, t *schedule.Thread) {
		p.a.Del(t, p.item[2])
		p.a.Add(t, p.item[2])
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// As above, after list_del_init().
	Name: "DELINIT+add", Build: after(312, func(p *prog, t *schedule.Thread) {
		p.a.DelInit(t, p.item[2])
		p.a.AddHeadRcu(t, p.item[2])
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// list_del_init() may be repeated.
	Name: "DELINIT+delinit", Build: after(13, func(p *prog, t *schedule.Thread) {
		p.a.DelInit(t, p.item[1])
		p.a.DelInit(t, p.item[1])
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// list_del() of a node that leads to itself changes nothing but the node.
	Name: "DELINIT+del", Build: after(13, func(p *prog, t *schedule.Thread) {
		p.a.DelInit(t, p.item[1])
		p.a.Del(t, p.item[1])
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// And then it is poisoned.
	Name: "DELINIT+del+del", Build: alone(3, func(p *prog, t *schedule.Thread) {
		p.a.DelInit(t, p.item[1])
		p.a.Del(t, p.item[1])
		p.a.Del(t, p.item[1])
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	// As above with __list_del_entry(), which leaves the node alone.
	Name: "DELINIT+delentry+del", Build: after(13, func(p *prog, t *schedule.Thread) {
		p.a.DelInit(t, p.item[1])
		p.a.DelEntry(t, p.item[1])
		p.a.Del(t, p.item[1])
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// It is poisoned.
	Name: "DEL+del", Build: alone(3, func(p *prog, t *schedule.Thread) {
		p.a.Del(t, p.item[1])
		p.a.Del(t, p.item[1])
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	// The function has no list for an argument: the item is on the other one, and both go on.
	Name: "DEL+whichever", Build: after(13, func(p *prog, t *schedule.Thread) {
		list.MoveTail(t, p.item[1], &p.b)
		list.Del(t, p.item[1])
		if !p.b.Empty(t) {
			p.a.Add(t, p.item[1]) // what after sees as 213
		}
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// And poisons it, as the method.
	Name: "DEL+whichever+del", Build: alone(3, func(p *prog, t *schedule.Thread) {
		list.Del(t, p.item[1])
		list.Del(t, p.item[1])
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	// list_del_init() first looks at the links, and they are poison.
	Name: "DEL+delinit", Build: alone(3, func(p *prog, t *schedule.Thread) {
		p.a.Del(t, p.item[1])
		p.a.DelInit(t, p.item[1])
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	// It has never been on a list.
	Name: "DEL+never", Build: alone(1, func(p *prog, t *schedule.Thread) {
		p.a.Del(t, p.item[1])
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	// It is on the other list.
	Name: "DEL+otherlist", Build: alone(1, func(p *prog, t *schedule.Thread) {
		p.b.Del(t, p.item[0])
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	// It is on the list already.
	Name: "ADD+add", Build: alone(2, func(p *prog, t *schedule.Thread) {
		p.a.Add(t, p.item[1])
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	// It is on the other list, with the same links.
	Name: "ADD+otherlist", Build: alone(1, func(p *prog, t *schedule.Thread) {
		p.b.AddHeadRcu(t, p.item[0])
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	// Two io_destroy() of 2.6.38: both delete the context, each under the lock. The lock
	// does not help: the second finds poison.
	Name: "DEL+locks+twice", Build: both(delRcu),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "2 list-corruption",
}, {
	// As above, with list_del().
	Name: "DEL+locks+twice+plain", Build: both(del),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "2 list-corruption",
}, {
	// list_del_init() by both is harmless.
	Name: "DELINIT+locks+twice", Build: both(delInit),
	Bad: schedule.ListCorrupt, Verdict: litmus.Never, Counts: "2 pass",
}, {
	// The item after it was freed while on the list, and has a link back to write.
	Name: "NEIGHBOUR+next", Build: alone(2, func(p *prog, t *schedule.Thread) {
		free(t, p.item[1])
		p.a.Del(t, p.item[0])
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "1 use-after-free",
}, {
	// The item before it was freed while on the list, and has a link on to write.
	Name: "NEIGHBOUR+prev", Build: alone(2, func(p *prog, t *schedule.Thread) {
		free(t, p.item[0])
		p.a.Del(t, p.item[1])
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "1 use-after-free",
}, {
	// An item far away on the list is freed: neither neighbour is touched.
	Name: "NEIGHBOUR+far", Build: alone(3, func(p *prog, t *schedule.Thread) {
		free(t, p.item[0])
		p.a.Del(t, p.item[2])
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The first item was freed while on the list, and has a link back to write.
	Name: "NEIGHBOUR+add", Build: alone(1, func(p *prog, t *schedule.Thread) {
		free(t, p.item[0])
		p.a.Add(t, p.item[1])
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "1 use-after-free",
}, {
	// What is added has been freed.
	Name: "ADD+freed", Build: alone(1, func(p *prog, t *schedule.Thread) {
		free(t, p.item[1])
		p.a.Add(t, p.item[1])
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "1 use-after-free",
}, {
	// What is deleted has been freed.
	Name: "DEL+freed", Build: alone(1, func(p *prog, t *schedule.Thread) {
		free(t, p.item[0])
		p.a.Del(t, p.item[0])
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "1 use-after-free",
}, {
	// A walk comes to the freed item when it reads it, and not before: the item before
	// it is there.
	Name: "NEIGHBOUR+walk", Build: alone(2, func(p *prog, t *schedule.Thread) {
		free(t, p.item[1])
		i := p.a.First(t)
		i.node.Next(t)
		p.r[0].Set(1)
		i.node.Next(t).key.ReadOnce(t)
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "1 use-after-free",
}, {
	// A node is linked from its first add on, and stays so when it is deleted: aio's
	// test is of the node's own next.
	Name: "LINKED", Build: alone(1, func(p *prog, t *schedule.Thread) {
		before := p.item[1].node.Linked(t)
		p.a.Add(t, p.item[1])
		on := p.item[1].node.Linked(t)
		p.a.DelInit(t, p.item[1])
		p.r[0].SetBool(!before && on && p.item[1].node.Linked(t))
		p.Exists(func() bool { return p.r[0].Get() != 1 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The other thread adds the item, before or after the look.
	Name: "OBSERVE+empty", Build: build(0, func(p *prog) {
		p.Observe(p.a.Empty, func(t *schedule.Thread) { p.a.Add(t, p.item[0]) })
	}),
	Verdict: litmus.Sometimes, Counts: "10 pass, 20 exists",
}, {
	// As above.
	Name: "OBSERVE+first", Build: build(0, func(p *prog) {
		p.Observe(func(t *schedule.Thread) bool { return p.a.First(t) != nil },
			func(t *schedule.Thread) { p.a.AddHeadRcu(t, p.item[0]) })
	}),
	Verdict: litmus.Sometimes, Counts: "10 pass, 15 exists",
}, {
	// As above.
	Name: "OBSERVE+linked", Build: build(0, func(p *prog) {
		p.Observe(func(t *schedule.Thread) bool { return p.item[0].node.Linked(t) },
			func(t *schedule.Thread) { p.a.AddHeadRcu(t, p.item[0]) })
	}),
	Verdict: litmus.Sometimes, Counts: "10 pass, 15 exists",
}, {
	// The other thread deletes the neighbour.
	Name: "OBSERVE+next", Build: build(2, func(p *prog) {
		p.Observe(func(t *schedule.Thread) bool { return p.item[0].node.Next(t) == nil },
			func(t *schedule.Thread) { p.a.DelRcu(t, p.item[1]) })
	}),
	Verdict: litmus.Sometimes, Counts: "10 pass, 15 exists",
}, {
	// Empty before the first and after the last.
	Name: "EMPTY", Build: alone(0, func(p *prog, t *schedule.Thread) {
		before := p.a.Empty(t)
		p.a.Add(t, p.item[0])
		on := p.a.Empty(t)
		p.a.Del(t, p.item[0])
		p.r[0].SetBool(before && !on && p.a.Empty(t))
		p.Exists(func() bool { return p.r[0].Get() != 1 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}}
