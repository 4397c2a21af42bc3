package preempt_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type vars struct {
	schedule.Object
	x, y mem.Int
	lock spin.Lock
	m    mutex.Mutex
}

// A prog makes the programs of the tables: threads over two words, a lock and a mutex.
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

// none turns nothing off.
func none(*schedule.Thread) {}

// twice has a thread read x twice in a section, and an interrupt on its CPU write it. Bad
// is that the two reads differ.
func twice(off, on func(t *schedule.Thread)) func(*litmus.Program) {
	return build(func(p prog) {
		p.Interrupted("P0", func(t *schedule.Thread) {
			off(t)
			v := p.x.ReadOnce(t)
			p.r[0].SetBool(p.x.ReadOnce(t) != v)
			on(t)
		}, p.Irq(func(t *schedule.Thread) { p.x.WriteOnce(t, 1) }))
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	})
}

// nested turns interrupts off twice and on once, so that they stay off.
func nested(t *schedule.Thread) {
	preempt.IrqDisable(t)
	preempt.IrqDisable(t)
	preempt.IrqEnable(t)
}

var litmusTests = []litmus.Test{{
	// The interrupt comes before, between or after the two reads.
	Name: "IRQ+on", Build: twice(none, none),
	Verdict: litmus.Sometimes, Counts: "2 pass, 1 exists",
}, {
	// Preemption off keeps no interrupt away, and is no step.
	Name: "IRQ+preempt-off", Build: twice(preempt.Disable, preempt.Enable),
	Verdict: litmus.Sometimes, Counts: "2 pass, 1 exists",
}, {
	// Interrupts off do: it comes before they are turned off or after they are turned on.
	Name: "IRQ+off", Build: twice(preempt.IrqDisable, preempt.IrqEnable),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// Sections nest; only the outermost end turns interrupts on.
	Name: "IRQ+off+nested", Build: twice(nested, preempt.IrqEnable),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// The handler runs to its end before the thread that it has interrupted goes on: two
	// reads cannot see the middle of it.
	Name: "IRQ+handler-whole", Build: build(func(p prog) {
		p.Interrupted("P0", func(t *schedule.Thread) {
			p.r[0].Set(p.x.ReadOnce(t))
			p.r[1].Set(p.y.ReadOnce(t))
		}, p.Irq(func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			p.y.WriteOnce(t, 1)
		}))
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 0 })
	}),
	Verdict: litmus.Never, Counts: "3 pass",
}, {
	// Another CPU sees the middle of it.
	Name: "IRQ+handler-othercpu", Build: build(func(p prog) {
		p.Interrupted("P0", func(t *schedule.Thread) { t.Step(schedule.Op{Verb: "nop"}) },
			p.Irq(func(t *schedule.Thread) {
				p.x.WriteOnce(t, 1)
				p.y.WriteOnce(t, 1)
			}))
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].Set(p.x.ReadOnce(t))
			p.r[1].Set(p.y.ReadOnce(t))
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 0 })
	}),
	Verdict: litmus.Sometimes, Counts: "28 pass, 2 exists",
}, {
	// A thread has a CPU of its own: with preemption or interrupts off on one, the
	// others run. Without a handler turning interrupts off is no step: 3 executions, as
	// CoRR has.
	Name: "CPU+others", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			preempt.IrqDisable(t)
			preempt.Disable(t)
			v := p.x.ReadOnce(t)
			p.r[0].SetBool(p.x.ReadOnce(t) != v)
			preempt.Enable(t)
			preempt.IrqEnable(t)
		})
		p.Thread("P1", func(t *schedule.Thread) { p.x.WriteOnce(t, 1) })
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "2 pass, 1 exists",
}, {
	// An interrupt on one CPU does not wait for the interrupts of another to be on.
	Name: "CPU+irqoff-other", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			preempt.IrqDisable(t)
			v := p.x.ReadOnce(t)
			p.r[0].SetBool(p.x.ReadOnce(t) != v)
			preempt.IrqEnable(t)
		})
		p.Interrupted("P1", func(t *schedule.Thread) { p.y.WriteOnce(t, 1) },
			p.Irq(func(t *schedule.Thread) { p.x.WriteOnce(t, 1) }))
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "13 pass, 7 exists",
}}

var misuseTests = []litmus.Test{{
	// Nothing is off.
	Name: "MISUSE+enable", Build: alone(func(_ prog, t *schedule.Thread) { preempt.Enable(t) }),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// Interrupts are on.
	Name: "MISUSE+irq-enable", Build: alone(func(_ prog, t *schedule.Thread) {
		preempt.Disable(t)
		preempt.IrqEnable(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// Interrupts off hold preemption off too, but are not ended by preempt_enable():
	// interrupts would stay off.
	Name: "MISUSE+irq-disable-enable", Build: alone(func(_ prog, t *schedule.Thread) {
		preempt.IrqDisable(t)
		preempt.Enable(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// Softirqs are on.
	Name: "MISUSE+bh-enable", Build: alone(func(_ prog, t *schedule.Thread) {
		preempt.Disable(t)
		preempt.LocalBhEnable(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// Softirqs off hold preemption off too, but are not ended by preempt_enable().
	Name: "MISUSE+bh-disable-enable", Build: alone(func(_ prog, t *schedule.Thread) {
		preempt.LocalBhDisable(t)
		preempt.Enable(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// The thread finishes with softirqs off.
	Name: "MISUSE+bh-exit", Build: alone(func(_ prog, t *schedule.Thread) {
		preempt.LocalBhDisable(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// The thread finishes with preemption off.
	Name: "MISUSE+exit", Build: alone(func(_ prog, t *schedule.Thread) { preempt.Disable(t) }),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// The thread finishes with interrupts off.
	Name: "MISUSE+irq-exit", Build: alone(func(_ prog, t *schedule.Thread) {
		preempt.IrqDisable(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// An agent must be balanced after each piece of work, not only at the end.
	Name: "MISUSE+agent-exit", Build: build(func(p prog) {
		p.Interrupted("P0", none, p.Irq(func(t *schedule.Thread) { preempt.Disable(t) }))
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// It may sleep, whether it does or not.
	Name: "SLEEP+preempt-off", Build: alone(func(_ prog, t *schedule.Thread) {
		preempt.Disable(t)
		preempt.MightSleep(t, "msleep")
		preempt.Enable(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// cond_resched() says so too.
	Name: "SLEEP+cond_resched", Build: alone(func(_ prog, t *schedule.Thread) {
		preempt.Disable(t)
		preempt.CondResched(t)
		preempt.Enable(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// As above, with interrupts off.
	Name: "SLEEP+irqs-off", Build: alone(func(_ prog, t *schedule.Thread) {
		preempt.IrqDisable(t)
		preempt.MightSleep(t, "msleep")
		preempt.IrqEnable(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// As above, with softirqs off.
	Name: "SLEEP+bh-off", Build: alone(func(_ prog, t *schedule.Thread) {
		preempt.LocalBhDisable(t)
		preempt.MightSleep(t, "msleep")
		preempt.LocalBhEnable(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// As above, in a handler.
	Name: "SLEEP+handler", Build: build(func(p prog) {
		p.Interrupted("P0", func(t *schedule.Thread) { p.x.Write(t, 1) },
			p.Irq(func(t *schedule.Thread) { preempt.MightSleep(t, "msleep") }))
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "2 sleep-in-atomic",
}, {
	// The inner section has ended, the outer has not.
	Name: "SLEEP+nested", Build: alone(func(_ prog, t *schedule.Thread) {
		preempt.Disable(t)
		preempt.Disable(t)
		preempt.Enable(t)
		preempt.MightSleep(t, "msleep")
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// All sections have ended.
	Name: "SLEEP+after", Build: alone(func(_ prog, t *schedule.Thread) {
		preempt.Disable(t)
		preempt.IrqDisable(t)
		preempt.IrqEnable(t)
		preempt.LocalBhDisable(t)
		preempt.LocalBhEnable(t)
		preempt.Enable(t)
		preempt.MightSleep(t, "msleep")
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// A kernel warns of it and goes on: x is written.
	Name: "SLEEP+preempt-off+mute", Build: alone(func(p prog, t *schedule.Thread) {
		preempt.Disable(t)
		preempt.MightSleep(t, "msleep")
		p.x.Write(t, 1)
		preempt.Enable(t)
		p.Exists(func() bool { return p.x.Peek() != 1 })
	}),
	Mute: schedule.KindSet(schedule.SleepInAtomic), Verdict: litmus.Never, Counts: "1 pass",
}}

// TestInterrupts runs the table.
func TestInterrupts(t *testing.T) { litmus.Run(t, litmusTests) }

// TestMisuse runs the table of what the package comment forbids.
func TestMisuse(t *testing.T) { litmus.Run(t, misuseTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests, misuseTests) }

// TestSleepsWhileHolding looks at what a failure names: what keeps the thread from
// sleeping, the step that took it, and the call that may sleep. A mutex keeps nobody from
// sleeping.
func TestSleepsWhileHolding(t *testing.T) {
	for _, tt := range []struct {
		name string
		body func(t *schedule.Thread, o *vars)
		obj  string
		step int
		note string
	}{
		{"spinlock", func(t *schedule.Thread, o *vars) {
			o.x.Write(t, 1)
			o.lock.Lock(t)
			o.m.Lock(t)
		}, "v", 2, "mutex_lock"},
		{"mutex", func(t *schedule.Thread, o *vars) {
			o.m.Lock(t)
			preempt.Disable(t)
			preempt.MightSleep(t, "msleep")
		}, "nothing", 0, "msleep"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := schedule.Program{Name: tt.name, New: func() func(*schedule.Exec) {
				o := new(vars)
				o.Bind(o, "v")
				return func(e *schedule.Exec) {
					e.Static(&o.Object, 0)
					e.Go("P0", func(t *schedule.Thread) { tt.body(t, o) })
				}
			}}
			r := schedule.NewRunner(p)
			defer r.Close()
			f := r.RunTape(nil).Failure
			obj := "nothing"
			if f.Obj != nil {
				obj = f.Obj.Name()
			}
			if f.Kind != schedule.SleepInAtomic || obj != tt.obj || f.Other.Step != tt.step ||
				f.Note != tt.note {
				t.Errorf("%v with %s by step %d (%s), want sleep-in-atomic with %s by step %d (%s)",
					f.Kind, obj, f.Other.Step, f.Note, tt.obj, tt.step, tt.note)
			}
		})
	}
}

// TestTraced has a trace tell after each step what it has left off, and whose CPU a handler takes.
func TestTraced(t *testing.T) {
	p := schedule.Program{Name: "traced", New: func() func(*schedule.Exec) {
		o := new(vars)
		o.Bind(o, "v")
		return func(e *schedule.Exec) {
			e.Static(&o.Object, 0)
			e.Handler("irq", e.Go("P0", func(t *schedule.Thread) {
				preempt.Disable(t)
				o.x.Write(t, 1)
				preempt.LocalIrqDisable(t)
				o.x.Write(t, 2)
				preempt.IrqEnable(t)
				o.x.Write(t, 3)
				preempt.Enable(t)
				o.x.Write(t, 4)
				o.x.Write(t, 5)
			}).CPU(), never{})
		}
	}}
	r := schedule.NewRunner(p)
	defer r.Close()
	tr, err := r.Replay(nil)
	if err != nil {
		t.Fatal(err)
	}
	type off struct{ irqs, sleep bool }
	want := []off{{false, true}, {true, true}, {false, true}, {}, {}, {}}
	for i, ev := range tr.Events {
		if got := (off{ev.IrqsOff, ev.Atomic}); i >= len(want) || got != want[i] {
			t.Errorf("step %d, %s: %+v", ev.Step, ev.Verb, got)
		}
	}
	if len(tr.Events) != len(want) {
		t.Errorf("%d steps, want %d", len(tr.Events), len(want))
	}
	if got := [2]int{tr.Threads[0].Interrupts, tr.Threads[1].Interrupts}; got != [2]int{-1, 0} {
		t.Errorf("the threads interrupt %v", got)
	}
}

// never is a handler with nothing to do.
type never struct{}

func (never) Ready(*schedule.Thread) bool { return false }
func (never) Run(*schedule.Thread)        {}
