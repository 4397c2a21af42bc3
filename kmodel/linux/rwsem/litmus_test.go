package rwsem_test

import (
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rwsem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type vars struct {
	schedule.Object
	a, b rwsem.Sem
	spin spin.Lock
	x, y mem.Int
}

// A prog makes the programs of the tables: threads over two semaphores, a spin lock and
// two words.
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

// incs adds a thread that adds 1 to x as a writer.
func (p prog) incs(name string) {
	p.Thread(name, func(t *schedule.Thread) {
		p.a.DownWrite(t)
		p.x.Write(t, p.x.Read(t)+1)
		p.a.UpWrite(t)
	})
}

// reads adds a thread that is a reader n times, one inside the other.
func (p prog) reads(name string, n int) {
	p.Thread(name, func(t *schedule.Thread) {
		for range n {
			p.a.DownRead(t)
		}
		for range n {
			p.a.UpRead(t)
		}
	})
}

// writes adds a thread that is a writer and does nothing.
func (p prog) writes(name string) {
	p.Thread(name, func(t *schedule.Thread) {
		p.a.DownWrite(t)
		p.a.UpWrite(t)
	})
}

type object struct {
	schedule.Object
	sem rwsem.Sem
}

var litmusTests = []litmus.Test{{
	// One writer at a time. The second queues at any of the three places inside the
	// first's section, or comes after it.
	Name: "INC+writers", Build: build(func(p prog) {
		p.incs("P0")
		p.incs("P1")
		p.Exists(func() bool { return p.x.Peek() != 2 })
	}),
	Verdict: litmus.Never, Counts: "8 pass",
}, {
	// Readers do not exclude each other.
	Name: "INC+readers", Build: build(func(p prog) {
		for _, name := range []string{"P0", "P1"} {
			p.Thread(name, func(t *schedule.Thread) {
				p.a.DownRead(t)
				p.x.Write(t, p.x.Read(t)+1)
				p.a.UpRead(t)
			})
		}
		p.Exists(func() bool { return p.x.Peek() != 2 })
	}),
	Verdict: litmus.Sometimes, Counts: "34 pass, 36 exists",
}, {
	// A reader sees both writes of a writer or none.
	Name: "MP+writer+reader", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.a.DownWrite(t)
			p.x.WriteOnce(t, 1)
			p.y.WriteOnce(t, 1)
			p.a.UpWrite(t)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.a.DownRead(t)
			p.r[0].Set(p.x.ReadOnce(t))
			p.r[1].Set(p.y.ReadOnce(t))
			p.a.UpRead(t)
		})
		p.Exists(func() bool { return p.r[0].Get() != p.r[1].Get() })
	}),
	Verdict: litmus.Never, Counts: "8 pass",
}, {
	// A reader may come in once the writer has become one, before it has written y.
	Name: "DOWNGRADE+reader", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.a.DownWrite(t)
			p.x.WriteOnce(t, 1)
			p.a.DowngradeWrite(t)
			p.y.WriteOnce(t, 1)
			p.a.UpRead(t)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.a.DownRead(t)
			p.r[0].Set(p.x.ReadOnce(t))
			p.r[1].Set(p.y.ReadOnce(t))
			p.a.UpRead(t)
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 0 })
	}),
	Verdict: litmus.Sometimes, Counts: "40 pass, 9 exists",
}, {
	// Another writer may not, until it has gone. As INC+writers, with a step more.
	Name: "DOWNGRADE+writer", Build: build(func(p prog) {
		for _, name := range []string{"P0", "P1"} {
			p.Thread(name, func(t *schedule.Thread) {
				p.a.DownWrite(t)
				p.a.DowngradeWrite(t)
				p.x.Write(t, p.x.Read(t)+1)
				p.a.UpRead(t)
			})
		}
		p.Exists(func() bool { return p.x.Peek() != 2 })
	}),
	Verdict: litmus.Never, Counts: "10 pass",
}, {
	// A reader that waits for another reader to come in: they are in at once.
	Name: "READERS+inside", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.a.DownRead(t)
			p.b.DownRead(t)
			p.b.UpRead(t)
			p.a.UpRead(t)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.b.DownRead(t)
			p.a.DownRead(t)
			p.a.UpRead(t)
			p.b.UpRead(t)
		})
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "70 pass",
}, {
	// A reader that becomes one again is kept out by the writer that waits for it: the
	// writer must come between the two.
	Name: "READ+READ+writer", Build: build(func(p prog) {
		p.reads("P0", 2)
		p.writes("P1")
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "5 pass, 1 deadlock",
}, {
	// Without a writer nothing happens to it.
	Name: "READ+READ+reader", Build: build(func(p prog) {
		p.reads("P0", 2)
		p.reads("P1", 1)
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "15 pass",
}, {
	// Each is a reader of what the other wants to write.
	Name: "ABBA+read-write", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.a.DownRead(t)
			p.b.DownWrite(t)
			p.b.UpWrite(t)
			p.a.UpRead(t)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.b.DownRead(t)
			p.a.DownWrite(t)
			p.a.UpWrite(t)
			p.b.UpRead(t)
		})
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "12 pass, 4 deadlock",
}, {
	// The semaphore is in the object that is freed: a waiter does not wait for ever.
	Name: "LOCK+free", Build: func(p *litmus.Program) {
		cache := slab.NewCache[object]("obj", nil)
		var o *object
		p.Begin(func(e *schedule.Exec) { o = cache.AllocBoot(e) })
		p.Thread("P0", func(t *schedule.Thread) {
			o.sem.DownRead(t)
			o.sem.UpRead(t)
			slab.Free(t, "kfree", o)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			o.sem.DownWrite(t)
			o.sem.UpWrite(t)
		})
	},
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "4 pass, 4 use-after-free",
}}

var misuseTests = []litmus.Test{{
	// A writer would wait for itself.
	Name: "MISUSE+write-write", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.DownWrite(t)
		p.a.DownWrite(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// As would a writer that asks to be a reader,
	Name: "MISUSE+write-read", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.DownWrite(t)
		p.a.DownRead(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// and a reader that asks to be a writer.
	Name: "MISUSE+read-write", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.DownRead(t)
		p.a.DownWrite(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// Nobody holds it.
	Name: "MISUSE+up", Build: alone(func(p prog, t *schedule.Thread) { p.a.UpRead(t) }),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// It is held in the other way.
	Name: "MISUSE+read-upwrite", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.DownRead(t)
		p.a.UpWrite(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	Name: "MISUSE+write-upread", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.DownWrite(t)
		p.a.UpRead(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// Only a writer becomes a reader.
	Name: "MISUSE+downgrade-read", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.DownRead(t)
		p.a.DowngradeWrite(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// The writer is another thread.
	Name: "MISUSE+downgrade-other", Build: build(func(p prog) {
		p.writes("P0")
		p.Thread("P1", func(t *schedule.Thread) { p.a.DowngradeWrite(t) })
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "3 lock-rule",
}, {
	// It must give it back as a reader then.
	Name: "MISUSE+downgrade-upwrite", Build: alone(func(p prog, t *schedule.Thread) {
		p.a.DownWrite(t)
		p.a.DowngradeWrite(t)
		p.a.UpWrite(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// The thread finishes and keeps it.
	Name: "MISUSE+exit", Build: alone(func(p prog, t *schedule.Thread) { p.a.DownRead(t) }),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// A reader may have to sleep as well as a writer.
	Name: "MISUSE+spin-read", Build: alone(func(p prog, t *schedule.Thread) {
		p.spin.Lock(t)
		p.a.DownRead(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	Name: "MISUSE+spin-write", Build: alone(func(p prog, t *schedule.Thread) {
		p.spin.Lock(t)
		p.a.DownWrite(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}}

// TestSemaphores runs the table.
func TestSemaphores(t *testing.T) { litmus.Run(t, litmusTests) }

// TestMisuse runs the table of what the package comment forbids.
func TestMisuse(t *testing.T) { litmus.Run(t, misuseTests) }

// TestCrowd: the 32nd thread is told why it may not wait.
func TestCrowd(t *testing.T) {
	r := schedule.NewRunner(schedule.Program{Name: "crowd", New: func() func(*schedule.Exec) {
		v := new(vars)
		v.Bind(v, "v")
		return func(e *schedule.Exec) {
			e.Static(&v.Object, 0)
			e.Go("holder", func(t *schedule.Thread) {
				v.a.DownWrite(t)
				v.a.UpWrite(t)
			})
			for range 30 {
				e.Go("idle", func(*schedule.Thread) {})
			}
			e.Go("waiter", v.a.DownRead)
		}
	}})
	defer r.Close()
	defer func() {
		const want = "rwsem: thread 31 (waiter) waits: threads 0 to 30 may"
		if c, _ := recover().(*schedule.Crash); c == nil || !strings.Contains(c.Error(), want) {
			t.Errorf("%v, want %s", c, want)
		}
	}()
	c := firstAndLast(0)
	r.Run(&c)
}

// firstAndLast takes the first of the threads once, and then the last.
type firstAndLast int

// Choose implements [schedule.Chooser].
func (c *firstAndLast) Choose(_ *schedule.Exec, n int) int {
	if *c++; *c == 1 {
		return 0
	}
	return n - 1
}

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests, misuseTests) }
