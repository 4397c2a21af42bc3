package lockdep_test

import (
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type vars struct {
	schedule.Object
	a, b spin.Lock
	m    mutex.Mutex
	x, y mem.Int
}

// A prog makes the programs of the table: threads over two spin locks, a mutex and two
// words.
type prog struct {
	*litmus.Program
	*vars
	r [8]litmus.Reg
}

func build(f func(p prog)) func(*litmus.Program) {
	return func(p *litmus.Program) { f(prog{p, litmus.Static[vars](p, "v"), p.Regs()}) }
}

// alone makes a program of one thread.
func alone(f func(p prog, t *schedule.Thread)) func(*litmus.Program) {
	return build(func(p prog) { p.Thread("P0", func(t *schedule.Thread) { f(p, t) }) })
}

// holds returns the verbs of what t holds, as lockdep lists them.
func holds(t *schedule.Thread) []string {
	var out []string
	for _, h := range lockdep.All(t) {
		out = append(out, h.Verb)
	}
	return out
}

var litmusTests = []litmus.Test{{
	// Locks need not be released in the reverse order.
	Name: "ORDER+release", Build: alone(func(p prog, t *schedule.Thread) {
		p.m.Lock(t)
		p.a.Lock(t)
		p.b.Lock(t)
		p.a.Unlock(t)
		p.b.Unlock(t)
		p.m.Unlock(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// The list holds what is held, the oldest first, whatever the order of releases.
	Name: "ORDER+list", Build: alone(func(p prog, t *schedule.Thread) {
		p.m.Lock(t)
		p.a.LockIrq(t)
		p.b.Lock(t)
		all := slices.Equal(holds(t), []string{"mutex_lock", "spin_lock_irq", "spin_lock"})
		p.a.UnlockIrq(t)
		rest := slices.Equal(holds(t), []string{"mutex_lock", "spin_lock"})
		p.r[0].SetBool(all && rest && lockdep.Holds(t, p.b.Cell()) &&
			!lockdep.Holds(t, p.a.Cell()))
		p.b.Unlock(t)
		p.m.Unlock(t)
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Always, Counts: "1 exists",
}, {
	// Read-side sections nest; each has its unlock.
	Name: "RCU+nested", Build: alone(func(_ prog, t *schedule.Thread) {
		rcu.ReadLock(t)
		rcu.ReadLock(t)
		rcu.ReadUnlock(t)
		rcu.ReadUnlock(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// Every thread has a list of its own: what P0 holds P1 may wait for.
	Name: "LIST+threads", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.a.Lock(t)
			p.a.Unlock(t)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.a.Lock(t)
			p.a.Unlock(t)
		})
	}),
	Bad: schedule.LockRule, Verdict: litmus.Never, Counts: "2 pass",
}, {
	// It takes what it holds.
	Name: "MISUSE+recursive", Build: alone(func(p prog, t *schedule.Thread) {
		p.m.Lock(t)
		p.m.Lock(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// It releases what it does not hold, while it holds another.
	Name: "MISUSE+release", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.Lock(t)
		p.b.Unlock(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// It finishes in a read-side section.
	Name: "MISUSE+exit", Build: alone(func(_ prog, t *schedule.Thread) { rcu.ReadLock(t) }),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// A handler that returns with a lock held has finished a piece of work.
	Name: "MISUSE+agent-exit", Build: build(func(p prog) {
		p.Interrupted("P0", func(t *schedule.Thread) { p.x.Write(t, 1) }, p.Irq(p.a.Lock))
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "2 lock-rule",
}, {
	// P1 breaks two rules at once when it finishes: it holds a lock, and with it
	// preemption is off. Which of them is reported must not depend on what came before,
	// or one state has two endings.
	Name: "MISUSE+exit-twice", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.Write(t, 1)
			preempt.Disable(t)
			p.x.Write(t, 2)
			preempt.Enable(t)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.y.Write(t, 1)
			p.a.Lock(t)
		})
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "6 lock-rule",
}}

// TestLockdep runs the table.
func TestLockdep(t *testing.T) { litmus.Run(t, litmusTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests) }
