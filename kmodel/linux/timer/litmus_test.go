package timer_test

import (
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/timer"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type vars struct {
	schedule.Object
	timer [2]timer.Timer
	mutex mutex.Mutex
	x     mem.Int
}

// object has a timer in it.
type object struct {
	schedule.Object
	timer timer.Timer
	x     mem.Int
}

// A prog makes the programs of the tables: threads over two timers and a word. A run of timer i
// adds digit i+1 to r[0], in the order in which they end.
type prog struct {
	*litmus.Program
	*vars
	r [8]litmus.Reg
}

// build makes a program in which n timers expire at most.
func build(n int, f func(p prog)) func(*litmus.Program) {
	return func(lp *litmus.Program) {
		p := prog{lp, litmus.Static[vars](lp, "v"), lp.Regs()}
		for i := range p.timer {
			p.timer[i].Init(func(t *schedule.Thread) { p.ran(t, i+1) })
		}
		p.Agents(func(e *schedule.Exec) { timer.Boot(e, n) })
		f(p)
	}
}

// ran is what a timer does.
func (p prog) ran(t *schedule.Thread, digit int) {
	p.x.Write(t, digit)
	p.r[0].Set(10*p.r[0].Get() + digit)
}

// arms adds a thread that sets a timer up and arms it, as often as it says.
func (p prog) arms(name string, i, n int) {
	p.Thread(name, func(t *schedule.Thread) {
		p.timer[i].Setup(t)
		for range n {
			p.timer[i].Mod(t)
		}
	})
}

func (p prog) existsRuns(runs int) { p.Exists(func() bool { return p.r[0].Get() == runs }) }

// deletes adds a thread that arms timer 0, deletes it, and looks at what it has done.
func (p prog) deletes() {
	p.Thread("P0", func(t *schedule.Thread) {
		p.timer[0].Setup(t)
		p.timer[0].Mod(t)
		p.timer[0].DelSync(t)
		p.r[1].Set(p.r[0].Get())
		p.x.Read(t)
	})
}

// frees makes a program that frees the object of a timer which has been armed.
func frees(del bool) func(*litmus.Program) {
	return func(lp *litmus.Program) {
		p := prog{Program: lp, vars: litmus.Static[vars](lp, "v")}
		cache := slab.NewCache("obj", func(o *object) {
			o.timer.Init(func(t *schedule.Thread) { o.x.Read(t) })
		})
		var o *object
		p.Begin(func(e *schedule.Exec) { o = cache.AllocBoot(e) })
		p.Agents(func(e *schedule.Exec) { timer.Boot(e, 1) })
		p.Thread("P0", func(t *schedule.Thread) {
			o.timer.Setup(t)
			o.timer.Mod(t)
			if del {
				o.timer.DelSync(t)
			}
			slab.Free(t, "kfree", o)
		})
	}
}

var litmusTests = []litmus.Test{{
	// An execution ends when nothing can happen any more, so one that may expire does.
	Name: "MOD", Build: build(1, func(p prog) {
		p.arms("P0", 0, 1)
		p.existsRuns(0)
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// It runs once if it is armed again before it has expired, and twice if after.
	Name: "MOD+mod", Build: build(2, func(p prog) {
		p.arms("P0", 0, 2)
		p.existsRuns(11)
	}),
	Verdict: litmus.Sometimes, Counts: "1 pass, 2 exists",
}, {
	// As above, where one may expire.
	Name: "MOD+mod+once", Build: build(1, func(p prog) {
		p.arms("P0", 0, 2)
		p.existsRuns(11)
	}),
	Verdict: litmus.Never, Counts: "3 pass",
}, {
	// Of two that are pending the schedule says which is first.
	Name: "MOD+other", Build: build(2, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			for i := range p.timer {
				p.timer[i].Setup(t)
			}
			for i := range p.timer {
				p.timer[i].Mod(t)
			}
		})
		p.existsRuns(21)
	}),
	Verdict: litmus.Sometimes, Counts: "3 pass, 1 exists",
}, {
	// A function that arms its own timer is called again, as often as it may be.
	Name: "MOD+periodic", Build: build(3, func(p prog) {
		p.timer[0].Init(func(t *schedule.Thread) {
			p.ran(t, 1)
			p.timer[0].Mod(t)
		})
		p.arms("P0", 0, 1)
		p.existsRuns(111)
	}),
	Verdict: litmus.Always, Counts: "1 exists",
}, {
	// Who has deleted it sees all of its run or nothing.
	Name: "DEL", Build: build(1, func(p prog) {
		p.deletes()
		p.Exists(func() bool { return p.r[1].Get() != p.r[0].Get() || p.x.Peek() != p.r[0].Get() })
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// One that has armed itself while somebody waited is deleted with it.
	Name: "DEL+periodic", Build: build(3, func(p prog) {
		p.timer[0].Init(func(t *schedule.Thread) {
			p.ran(t, 1)
			p.timer[0].Mod(t)
		})
		p.deletes()
		p.Exists(func() bool { return p.r[1].Get() != p.r[0].Get() })
	}),
	Verdict: litmus.Never, Counts: "4 pass",
}, {
	// One that was deleted can be armed again.
	Name: "DEL+mod", Build: build(1, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.timer[0].Setup(t)
			p.timer[0].Mod(t)
			p.timer[0].DelSync(t)
			p.timer[0].Mod(t)
		})
		p.existsRuns(1)
	}),
	Verdict: litmus.Always, Counts: "2 exists",
}, {
	// What was not set up is not pending.
	Name: "DEL+unset", Build: build(1, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.timer[0].DelSync(t) })
		p.existsRuns(1)
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// It is deleted before its memory is freed.
	Name: "FREE+del", Build: frees(true),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "2 pass",
}, {
	// Setting it up while its function runs does not end the run: who deletes it waits.
	Name: "DEL+setup", Build: build(1, func(p prog) {
		p.timer[0].Init(func(t *schedule.Thread) {
			p.x.Write(t, 1)
			p.ran(t, 1)
		})
		p.Thread("P0", func(t *schedule.Thread) {
			p.timer[0].Setup(t)
			p.timer[0].Mod(t)
			if p.x.Read(t) == 1 { // else it may be pending
				p.timer[0].Setup(t)
			}
			p.timer[0].DelSync(t)
			p.r[1].Set(p.r[0].Get())
		})
		p.Exists(func() bool { return p.r[1].Get() != p.r[0].Get() })
	}),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	// Two threads, each with a timer of its own.
	Name: "MOD+mod-other", Build: build(2, func(p prog) {
		p.arms("P0", 0, 1)
		p.arms("P1", 1, 1)
		p.Exists(func() bool { return p.r[0].Get() < 12 })
	}),
	Verdict: litmus.Never, Counts: "30 pass",
}}

var misuseTests = []litmus.Test{{
	// Its memory is freed while it is pending, while its function runs, or after.
	Name: "FREE", Build: frees(false),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "1 pass, 2 use-after-free",
}, {
	// It is deleted when its memory is freed: while it is pending, or its function runs, which does
	// not touch that, or after.
	Name: "FREE+del-late", Build: build(1, func(p prog) {
		cache := slab.NewCache("obj", func(o *object) {
			o.timer.Init(func(t *schedule.Thread) { p.x.Read(t) })
		})
		var o *object
		p.Begin(func(e *schedule.Exec) { o = cache.AllocBoot(e) })
		p.Thread("P0", func(t *schedule.Thread) {
			o.timer.Setup(t)
			o.timer.Mod(t)
			slab.Free(t, "kfree", o)
			o.timer.DelSync(t)
		})
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "5 use-after-free",
}, {
	// It is set up anew when it has run, or while it is pending.
	Name: "SETUP+pending", Build: build(1, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.timer[0].Setup(t)
			p.timer[0].Mod(t)
			p.timer[0].Setup(t)
		})
	}),
	Bad: schedule.ListCorrupt, Verdict: litmus.Sometimes, Counts: "2 pass, 1 list-corruption",
}, {
	Name: "MOD+unset", Build: build(1, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.timer[0].Mod(t) })
	}),
	Bad: schedule.BugOn, Verdict: litmus.Always, Counts: "1 kernel-bug",
}, {
	// The function waits for its own end.
	Name: "DEL+self", Build: build(1, func(p prog) {
		p.timer[0].Init(func(t *schedule.Thread) { p.timer[0].DelSync(t) })
		p.deletes()
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "1 pass, 1 deadlock",
}, {
	// It is called in a softirq.
	Name: "SLEEP", Build: build(1, func(p prog) {
		p.timer[0].Init(func(t *schedule.Thread) { p.mutex.Lock(t) })
		p.arms("P0", 0, 1)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}}

// TestTimers runs the table.
func TestTimers(t *testing.T) { litmus.Run(t, litmusTests) }

// TestMisuse runs the table of what the package comment forbids.
func TestMisuse(t *testing.T) { litmus.Run(t, misuseTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests, misuseTests) }

// TestForgotten has a model forget what comes before the use of a timer.
func TestForgotten(t *testing.T) {
	for _, test := range []struct {
		boot, init bool
		want       string
	}{
		{false, true, "timer: mod_timer before Boot"},
		{true, false, "timer: v->timer[0] is used before its Init"},
	} {
		row := litmus.Test{Build: func(lp *litmus.Program) {
			v := litmus.Static[vars](lp, "v")
			if test.init {
				v.timer[0].Init(func(*schedule.Thread) {})
			}
			if test.boot {
				lp.Agents(func(e *schedule.Exec) { timer.Boot(e, 1) })
			}
			lp.Thread("P0", func(t *schedule.Thread) {
				v.timer[0].Setup(t)
				v.timer[0].Mod(t)
			})
		}}
		func() {
			r := schedule.NewRunner(row.Schedule())
			defer r.Close()
			defer func() {
				c, ok := recover().(*schedule.Crash)
				if !ok || !strings.Contains(c.Error(), test.want) {
					t.Errorf("crash %v, want %q", c, test.want)
				}
			}()
			r.RunTape(nil)
		}()
	}
}
