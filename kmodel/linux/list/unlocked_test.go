package list_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// neighbours makes a program of two threads that take off one of two neighbours each. Bad is
// that something is left.
func neighbours(del func(p *prog, t *schedule.Thread, i *item)) func(*litmus.Program) {
	return build(2, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) { del(p, t, p.item[0]) })
		p.Thread("P1", func(t *schedule.Thread) { del(p, t, p.item[1]) })
		p.Exists(func() bool { return p.a.Peek() != nil })
	})
}

func unlocked(p *prog, t *schedule.Thread, i *item) { p.a.DelRcuUnlocked(t, i) }

var unlockedTests = []litmus.Test{{
	// In the four orders in which both load before both store: the second is on the list again.
	Name: "UNLOCKED+neighbours", Build: neighbours(unlocked),
	Verdict: litmus.Sometimes, Counts: "2 pass, 4 exists",
}, {
	Name: "UNLOCKED+neighbours+lock",
	Build: neighbours(func(p *prog, t *schedule.Thread, i *item) {
		p.lock.Lock(t)
		unlocked(p, t, i)
		p.lock.Unlock(t)
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// What is added to the front meanwhile is lost.
	Name: "UNLOCKED+add", Build: build(2, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.a.DelRcuUnlocked(t, p.item[0]) })
		p.Thread("P1", func(t *schedule.Thread) { p.a.AddHeadRcu(t, p.item[2]) })
		p.Exists(func() bool { return p.a.Peek() != p.item[2] })
	}),
	Verdict: litmus.Sometimes, Counts: "2 pass, 1 exists",
}, {
	// The link of a neighbour that has been freed is written.
	Name: "UNLOCKED+freed", Build: build(2, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.a.DelRcuUnlocked(t, p.item[0]) })
		p.Thread("P1", func(t *schedule.Thread) { free(t, p.item[1]) })
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "1 pass, 2 use-after-free",
}, {
	Name: "UNLOCKED+twice", Build: alone(2, func(p *prog, t *schedule.Thread) {
		unlocked(p, t, p.item[0])
		unlocked(p, t, p.item[0])
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Always, Counts: "1 list-corruption",
}, {
	// What was deleted is on the list again. On which it was last nobody sees: else two states would
	// have one hash, as the thread that knows has forgotten it.
	Name: "UNLOCKED+forgotten", Build: build(2, func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.a.DelRcuUnlocked(t, p.item[0]) })
		p.Thread("P1", func(t *schedule.Thread) {
			p.a.DelRcu(t, p.item[1])
			if t.Choose(2) > 0 {
				p.b.AddTail(t, p.item[1])
				p.b.DelRcu(t, p.item[1])
			}
			t.Forget(1)
			p.a.AddHeadRcu(t, p.item[2])
		})
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Never, Counts: "21 pass",
}}

// TestUnlocked runs the table of what is done without the writers' lock.
func TestUnlocked(t *testing.T) { litmus.Run(t, unlockedTests) }
