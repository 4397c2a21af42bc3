package list_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// changes is a program of a thread that does something to the lists with the lock, with items 1
// and 2 on list a and 3 on none, and then reads key 3; and of one that writes that, and then
// looks at the lists. Each may have a barrier in between. Bad is that neither sees the other.
func changes(change func(p *prog, t *schedule.Thread), mb0 bool,
	old func(p *prog, t *schedule.Thread) bool, mb1 bool) func(*litmus.Program) {
	return build(2, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.lock.Lock(t)
			change(p, t)
			p.lock.Unlock(t)
			if mb0 {
				mem.SmpMb(t)
			}
			p.r[0].SetBool(p.item[2].key.ReadOnce(t) == 3)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.item[2].key.WriteOnce(t, 4)
			if mb1 {
				mem.SmpMb(t)
			}
			p.r[1].SetBool(old(p, t))
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 1 })
	})
}

func addToB(p *prog, t *schedule.Thread) { p.b.Add(t, p.item[2]) }

func emptyB(p *prog, t *schedule.Thread) bool { return p.b.Empty(t) }

// late is a row of changes in which only the second thread has a barrier. An operation is one store
// that waits, so all have the counts of a word in place of the list: SB+unlock in package mem.
func late(name string, change func(p *prog, t *schedule.Thread),
	old func(p *prog, t *schedule.Thread) bool) litmus.Test {
	return litmus.Test{
		Name: "SB+" + name, Build: changes(change, false, old, true),
		TSO: true, Verdict: litmus.Sometimes, Counts: "1045 pass, 5 exists",
	}
}

var tsoTests = []litmus.Test{{
	// What is stored before an item is added is seen by who sees the item: no store passes another.
	Name: "MP+list_add+list_empty", Build: build(0, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.item[0].key.WriteOnce(t, 5)
			p.a.Add(t, p.item[0])
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].SetBool(!p.a.Empty(t))
			p.r[1].Set(p.item[0].key.ReadOnce(t))
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() != 5 })
	}),
	TSO: true, Verdict: litmus.Never, Counts: "30 pass",
}, {
	// Nor does what is stored after it.
	Name: "MP+list_add+flag", Build: build(0, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.a.Add(t, p.item[0])
			p.item[0].key.WriteOnce(t, 5)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].Set(p.item[0].key.ReadOnce(t))
			p.r[1].SetBool(p.a.Empty(t))
		})
		p.Exists(func() bool { return p.r[0].Get() == 5 && p.r[1].Get() == 1 })
	}),
	TSO: true, Verdict: litmus.Never, Counts: "30 pass",
}, {
	// The four of store buffering. This is who puts himself on a list and looks whether there is
	// anything to wait for, and who has made something of that and looks at the list. The unlock is
	// no barrier, so both must have one.
	Name: "SB+list_add+list_empty", Build: changes(addToB, false, emptyB, false),
	TSO: true, Verdict: litmus.Sometimes, Counts: "742 pass, 98 exists",
}, {
	Name: "SB+list_add+mb+list_empty", Build: changes(addToB, true, emptyB, false),
	TSO: true, Verdict: litmus.Sometimes, Counts: "464 pass, 16 exists",
}, {
	Name: "SB+list_add+mb+mb+list_empty", Build: changes(addToB, true, emptyB, true),
	TSO: true, Verdict: litmus.Never, Counts: "660 pass",
},
	late("list_add+list_empty+mb", addToB, emptyB),
	late("list_add_tail", func(p *prog, t *schedule.Thread) { p.a.AddTail(t, p.item[2]) },
		func(p *prog, t *schedule.Thread) bool { return p.a.LastEntry(t) == p.item[1] }),
	late("hlist_add_head_rcu", func(p *prog, t *schedule.Thread) { p.a.AddHeadRcu(t, p.item[2]) },
		func(p *prog, t *schedule.Thread) bool { return p.a.First(t) == p.item[0] }),
	late("list_add_blind", func(p *prog, t *schedule.Thread) { p.b.AddBlind(t, p.item[0]) }, emptyB),
	late("list_del", func(p *prog, t *schedule.Thread) { p.a.Del(t, p.item[0]) },
		func(p *prog, t *schedule.Thread) bool { return p.a.First(t) == p.item[0] }),
	late("list_del_rcu", func(p *prog, t *schedule.Thread) { p.a.ListDelRcu(t, p.item[1]) },
		func(p *prog, t *schedule.Thread) bool { return p.item[0].node.Next(t) != nil }),
	late("__list_del_entry", func(p *prog, t *schedule.Thread) { p.a.DelEntry(t, p.item[1]) },
		func(p *prog, t *schedule.Thread) bool { return p.item[0].node.NextEntry(t) != nil }),
	late("__skb_unlink", func(p *prog, t *schedule.Thread) { list.SkbUnlink(t, p.item[1]) },
		func(p *prog, t *schedule.Thread) bool { return p.a.LastEntry(t) == p.item[1] }),
	late("list_del_init", func(p *prog, t *schedule.Thread) { p.a.DelInit(t, p.item[1]) },
		func(p *prog, t *schedule.Thread) bool { return !p.item[1].node.Empty(t) }),
	late("list_move", func(p *prog, t *schedule.Thread) { list.Move(t, p.item[1], &p.b) }, emptyB),
	late("list_move_tail", func(p *prog, t *schedule.Thread) { list.MoveTail(t, p.item[1], &p.b) },
		emptyB),
	late("list_splice_init", func(p *prog, t *schedule.Thread) { list.SpliceInit(t, &p.a, &p.b) },
		func(p *prog, t *schedule.Thread) bool { return !p.a.Empty(t) }),
	late("list_replace_init", func(p *prog, t *schedule.Thread) { list.ReplaceInit(t, &p.a, &p.b) },
		func(p *prog, t *schedule.Thread) bool {
			_, other := p.a.WalkNext(t, p.item[1])
			return other == nil
		}),
	{
		// Who has the lock sees what the last to have it has done: the store that gives it back is
		// the last.
		Name: "LOCK+list_add", Build: build(0, func(p *prog) {
			for i, name := range []string{"P0", "P1"} {
				p.Thread(name, func(t *schedule.Thread) {
					p.lock.Lock(t)
					if p.r[0].Inc() == 2 {
						p.r[1].SetBool(p.a.Empty(t))
					}
					p.a.Add(t, p.item[i])
					p.lock.Unlock(t)
				})
			}
			p.Exists(func() bool { return p.r[1].Get() == 1 })
		}),
		TSO: true, Verdict: litmus.Never, Counts: "8 pass",
	}, {
		// The CPU itself sees it at once.
		Name: "OWN+list_move", Build: build(1, func(p *prog) {
			p.Thread("P0", func(t *schedule.Thread) {
				list.Move(t, p.item[0], &p.b)
				p.r[0].SetBool(p.a.Empty(t) && p.b.First(t) == p.item[0])
				list.DelInit(t, p.item[0])
				p.r[1].SetBool(p.item[0].node.Empty(t) && p.b.Empty(t))
			})
			p.Exists(func() bool { return p.r[0].Get() != 1 || p.r[1].Get() != 1 })
		}),
		TSO: true, Verdict: litmus.Never, Counts: "15 pass",
	}, {
		// No reader sees half of an operation: the item is on one list. A machine may show it on none,
		// and so may code that has no buffers; here list_move() is one step.
		Name: "HALF+list_move", Build: build(1, func(p *prog) {
			p.Thread("P0", func(t *schedule.Thread) { list.Move(t, p.item[0], &p.b) })
			p.Thread("P1", func(t *schedule.Thread) {
				p.r[0].SetBool(p.a.Empty(t))
				p.r[1].SetBool(p.b.Empty(t))
			})
			p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 1 })
		}),
		TSO: true, Verdict: litmus.Never, Counts: "6 pass",
	}, {
		// A walk that has come to the last item of list a is at its end, until the move of that to the
		// end of list b is in memory: then it is at the head of b.
		Name: "WALK+list_move_tail", Build: build(1, func(p *prog) {
			p.Thread("P0", func(t *schedule.Thread) {
				list.MoveTail(t, p.item[0], &p.b)
				p.item[0].key.WriteOnce(t, 5)
			})
			p.Thread("P1", func(t *schedule.Thread) {
				p.r[0].Set(p.item[0].key.ReadOnce(t))
				_, other := p.a.WalkNext(t, p.item[0])
				p.r[1].SetBool(other == nil)
			})
			p.Exists(func() bool { return p.r[0].Get() == 5 && p.r[1].Get() == 1 })
		}),
		TSO: true, Verdict: litmus.Never, Counts: "30 pass",
	}, {
		// The item is off the list, also for others, when the grace period begins. Else who comes later
		// would find it, and nobody waits for him.
		Name: "GP+list_del_rcu+synchronize_rcu", Build: reclaimed(func(t *schedule.Thread, i *item) {
			rcu.Synchronize(t)
			free(t, i)
		}),
		TSO: true, Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "59 pass",
	}, {
		Name: "GP+list_del_rcu+call_rcu", Build: reclaimed(func(t *schedule.Thread, i *item) {
			rcu.Call(t, &i.rcu)
		}),
		TSO: true, Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "59 pass",
	}, {
		// Two who have no lock. A machine may lose one of the items; here the second to add has what
		// the first has stored get to memory.
		Name: "UNLOCKED+list_add", Build: build(0, func(p *prog) {
			for i, name := range []string{"P0", "P1"} {
				p.Thread(name, func(t *schedule.Thread) { p.a.Add(t, p.item[i]) })
			}
			p.Exists(func() bool {
				return p.a.Peek() == nil || p.a.Peek().node.Peek() == nil
			})
		}),
		TSO: true, Verdict: litmus.Never, Counts: "4 pass",
	}, {
		// A buffer holds eight words. Here it would be nine, one for each item and each head, and the
		// link of the last: then it is as if it were a locked instruction.
		Name: "SB+list_splice_init+long", Build: long(6), TSO: true,
		Verdict: litmus.Never, Counts: "15 pass",
	}, {
		Name: "SB+list_splice_init+fits", Build: long(5), TSO: true,
		Verdict: litmus.Sometimes, Counts: "67 pass, 3 exists",
	}}

// reclaimed is a program of a writer who takes an item off and has it freed, and of a reader.
func reclaimed(reclaim func(t *schedule.Thread, i *item)) func(*litmus.Program) {
	return build(1, func(p *prog) {
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, rcu.Split) })
		p.Thread("writer", func(t *schedule.Thread) {
			p.a.ListDelRcu(t, p.item[0])
			reclaim(t, p.item[0])
		})
		p.Thread("reader", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			walk(t, &p.a)
			rcu.ReadUnlock(t)
		})
	})
}

// long is list_splice_init() of n items, as in changes.
func long(n int) func(*litmus.Program) {
	return build(0, func(p *prog) {
		more := make([]*item, n)
		for i := range more {
			more[i] = litmus.Static[item](p.Program, "item")
		}
		p.Begin(func(*schedule.Exec) {
			for _, i := range more {
				p.a.Init(i)
			}
		})
		p.Thread("P0", func(t *schedule.Thread) {
			list.SpliceInit(t, &p.a, &p.b)
			p.r[0].SetBool(p.item[2].key.ReadOnce(t) == 3)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.item[2].key.WriteOnce(t, 4)
			mem.SmpMb(t)
			p.r[1].SetBool(p.b.Empty(t))
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 1 })
	})
}

// TestTSO runs the table of store buffers.
func TestTSO(t *testing.T) { litmus.Run(t, tsoTests) }
