package completion_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/completion"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/interrupt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type vars struct {
	schedule.Object
	done completion.Completion
	x    mem.Int
	lock spin.Lock
	irq  interrupt.Irq
	keep mem.Ptr[*frame] // so that it does not leak
}

// A prog makes the programs of the table: threads over a completion and a word.
type prog struct {
	*litmus.Program
	*vars
	r [8]litmus.Reg
}

func build(f func(p prog)) func(*litmus.Program) {
	return func(p *litmus.Program) { f(prog{p, litmus.Static[vars](p, "v"), p.Regs()}) }
}

// frame is the stack frame of a waiter, which is gone when the waiter returns.
type frame struct {
	schedule.Object
	done completion.Completion
	rcu  rcu.Head
}

func (f *frame) free(t *schedule.Thread) { slab.Free(t, "kfree", f) }

// onStack has a thread wait for n calls of complete(), made by as many threads as the
// completers say, on a completion on its stack.
func onStack(tail bool, n int, completers ...int) func(*litmus.Program) {
	return func(p *litmus.Program) {
		cache := slab.NewCache[frame]("stack", nil)
		var f *frame
		p.Begin(func(e *schedule.Exec) {
			spin.SetTail(e, tail)
			f = cache.AllocBoot(e)
		})
		p.Thread("P0", func(t *schedule.Thread) {
			for range n {
				f.done.WaitForCompletion(t)
			}
			slab.Free(t, "return", f)
		})
		for i, calls := range completers {
			p.Thread([]string{"P1", "P2"}[i], func(t *schedule.Thread) {
				for range calls {
					f.done.Complete(t)
				}
			})
		}
	}
}

var litmusTests = []litmus.Test{{
	// The waiter goes on only after complete(), so it sees what was before that. One
	// execution: it is not enabled earlier.
	Name: "MP+completion", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.Write(t, 1)
			p.done.Complete(t)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.done.WaitForCompletion(t)
			p.r[0].SetBool(p.x.Read(t) == 0)
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// complete() counts: one that comes before the wait is not lost.
	Name: "COMPLETE+first", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.done.Complete(t)
			p.done.Complete(t)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.done.WaitForCompletion(t)
			p.done.WaitForCompletion(t)
		})
		p.Exists(func() bool { return p.done.Done() != 0 })
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "2 pass",
}, {
	// One complete() lets one waiter go on. The other waits for ever.
	Name: "COMPLETE+two-waiters", Build: build(func(p prog) {
		p.Thread("P0", p.done.Complete)
		p.Thread("P1", p.done.WaitForCompletion)
		p.Thread("P2", p.done.WaitForCompletion)
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Always, Counts: "2 deadlock",
}, {
	// Nobody completes it, and no signal ends the wait.
	Name: "COMPLETE+none", Build: build(func(p prog) {
		p.Thread("P0", p.done.WaitForCompletion)
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Always, Counts: "1 deadlock",
}, {
	// complete() makes one step. Who has seen it may let the completion die.
	Name: "STACK+notail", Build: onStack(false, 1, 1),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// complete() gives the lock inside the completion back after the waiter could have
	// gone: before or after either of its two steps.
	Name: "STACK+tail", Build: onStack(true, 1, 1),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "2 pass, 1 use-after-free",
}, {
	// A grace period begins when the waiter has gone. It waits for the end of complete(),
	// in which preemption is off.
	Name: "STACK+tail+grace-period", Build: func(p *litmus.Program) {
		cache := slab.NewCache("frame", func(f *frame) { f.rcu.Init(f.free) })
		var f *frame
		p.Begin(func(e *schedule.Exec) {
			spin.SetTail(e, true)
			f = cache.AllocBoot(e)
		})
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, rcu.Merged) })
		p.Thread("P0", func(t *schedule.Thread) {
			f.done.WaitForCompletion(t)
			rcu.Call(t, &f.rcu)
		})
		p.Thread("P1", func(t *schedule.Thread) { f.done.Complete(t) })
	},
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "3 pass",
}, {
	// Interrupts are off until then too: one of the same CPU frees what the waiter has done
	// with before complete() or after it.
	Name: "STACK+tail+irq", Build: func(p *litmus.Program) {
		v := litmus.Static[vars](p, "v")
		cache := slab.NewCache[frame]("frame", nil)
		var f *frame
		v.irq.Init(func(t *schedule.Thread) {
			if v.x.Read(t) == 1 {
				slab.Free(t, "kfree", f)
			}
		})
		p.Begin(func(e *schedule.Exec) {
			spin.SetTail(e, true)
			f = cache.AllocBoot(e)
			v.keep.Init(f)
		})
		p.Agents(func(e *schedule.Exec) {
			th := e.Go("P0", func(t *schedule.Thread) {
				f.done.Complete(t)
				v.x.Read(t)
			})
			interrupt.Boot(e, "irq", &v.irq, th, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			f.done.WaitForCompletion(t)
			v.x.Write(t, 1)
		})
	},
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "27 pass",
}, {
	// The waiter waits for one of two: the late complete() finds the stack gone.
	Name: "STACK+late", Build: onStack(false, 1, 1, 1),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "4 pass, 2 use-after-free",
}, {
	// It waits for both.
	Name: "STACK+both", Build: onStack(false, 2, 1, 1),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "4 pass",
}, {
	// As above, with a tail: the last of both has one.
	Name: "STACK+both+tail", Build: onStack(true, 2, 1, 1),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "50 pass, 34 use-after-free",
}, {
	// One thread completes twice, the waiter waits once.
	Name: "STACK+twice", Build: onStack(false, 1, 2),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "2 pass, 1 use-after-free",
}, {
	// A waiter does not wait for a completion that has been freed: its step shows.
	Name: "STACK+wait-after", Build: func(p *litmus.Program) {
		cache := slab.NewCache[frame]("stack", nil)
		var f *frame
		p.Begin(func(e *schedule.Exec) { f = cache.AllocBoot(e) })
		p.Thread("P0", func(t *schedule.Thread) { f.done.WaitForCompletion(t) })
		p.Thread("P1", func(t *schedule.Thread) { slab.Free(t, "return", f) })
	},
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "1 use-after-free",
}, {
	// wait_for_completion() may sleep, even if it need not.
	Name: "MISUSE+spinlock", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.done.Complete(t)
			p.lock.Lock(t)
			p.done.WaitForCompletion(t)
			p.lock.Unlock(t)
		})
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// A kernel warns of it and goes on.
	Name: "MISUSE+spinlock+mute", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.done.Complete(t)
			p.lock.Lock(t)
			p.done.WaitForCompletion(t)
			p.lock.Unlock(t)
		})
	}),
	Mute: schedule.KindSet(schedule.SleepInAtomic),
	Bad:  schedule.SleepInAtomic, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// complete() may be called anywhere.
	Name: "COMPLETE+atomic", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			preempt.IrqDisable(t)
			p.done.Complete(t)
			preempt.IrqEnable(t)
			p.done.WaitForCompletion(t)
		})
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Never, Counts: "1 pass",
}}

// TestCompletion runs the table.
func TestCompletion(t *testing.T) { litmus.Run(t, litmusTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests) }
