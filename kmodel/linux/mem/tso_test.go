package mem_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/percpu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// tsoCounts are the rows of litmusTests with store buffers. A store is two steps there, and the
// second may come after what follows the first; so two threads that write and read have
// 2*2*(6 over 3) executions. Two rows are not what they are without, those in which a load comes
// after a store: SB and R.
var tsoCounts = map[string]string{
	"MP+poonceonces":                 "30 pass",
	"MP+pooncerelease+poacquireonce": "30 pass",
	"MP+plain":                       "30 pass",
	"MP+flagfirst":                   "26 pass, 4 exists",
	"SB+poonceonces":                 "62 pass, 18 exists",
	"SB+fencembonceonces":            "70 pass",
	"SB+both":                        "62 pass, 18 exists",
	"LB+poonceonces":                 "20 pass",
	"LB+poacquireonce+pooncerelease": "20 pass",
	"R+poonceonces":                  "131 pass, 9 exists",
	"S+poonceonces":                  "70 pass",
	"2+2W+poonceonces":               "280 pass",
	"CoRR+poonceonce+Once":           "6 pass",
	"CoRW+poonceonce+Once":           "10 pass",
	"CoWR+poonceonce+Once":           "20 pass",
	"CoWW+poonceonce":                "2 pass",
	"IRIW+poonceonces+OnceOnce":      "2520 pass",
	"WRC+poonceonces+Once":           "210 pass",
	"ISA2+poonceonces":               "2520 pass",
	"INC+plain":                      "2 pass, 18 exists",
}

// tso returns litmusTests with store buffers.
func tso() (out []litmus.Test) {
	for _, row := range litmusTests {
		row.TSO, row.Counts = true, tsoCounts[row.Name]
		if row.Name == "SB+poonceonces" || row.Name == "R+poonceonces" {
			row.Verdict = litmus.Sometimes
		}
		out = append(out, row)
	}
	return out
}

// TestTSO runs the table of memory with store buffers.
func TestTSO(t *testing.T) { litmus.Run(t, tso()) }

// locked is what is in SB between the store and the load.
type locked struct {
	schedule.Object
	lock  spin.Lock
	n     atomic.Int
	after mem.Int
	head  rcu.Head
	cpu   percpu.Int
	ref   percpu.Ref
}

// sb is store buffering: each of two threads stores, does something, and loads what the other
// has stored. That neither sees the other is the bad outcome.
func sb(between func(p prog, s *locked, t *schedule.Thread)) func(*litmus.Program) {
	return build(func(p prog) {
		s := litmus.Static[locked](p.Program, "s")
		for i, x := range []*mem.Int{&p.x, &p.y} {
			y := []*mem.Int{&p.y, &p.x}[i]
			p.Thread([]string{"P0", "P1"}[i], func(t *schedule.Thread) {
				x.WriteOnce(t, 1)
				between(p, s, t)
				p.r[i].Set(y.ReadOnce(t))
			})
		}
		s.ref.Ctor(percpu.V318, func(*schedule.Thread) {})
		p.Begin(func(*schedule.Exec) { s.ref.Init() })
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, rcu.Merged) })
		p.Exists(func() bool { return p.is(0, 0) })
	})
}

// sbTests say what is a full barrier on x86, and what is not.
var sbTests = []litmus.Test{{
	// A locked instruction is, whether or not it returns anything.
	Name: "SB+atomic_inc", Build: sb(func(_ prog, s *locked, t *schedule.Thread) { s.n.Inc(t) }),
	Verdict: litmus.Never, Counts: "70 pass",
}, {
	// A plain store is not, nor is one that the kernel calls atomic.
	Name: "SB+atomic_set", Build: sb(func(_ prog, s *locked, t *schedule.Thread) { s.n.Set(t, 1) }),
	Verdict: litmus.Sometimes, Counts: "6068 pass, 232 exists",
}, {
	// A load of what the thread has stored itself is done in the buffer.
	Name: "SB+rfi", Build: build(func(p prog) {
		for i, x := range []*mem.Int{&p.x, &p.y} {
			y := []*mem.Int{&p.y, &p.x}[i]
			p.Thread([]string{"P0", "P1"}[i], func(t *schedule.Thread) {
				x.WriteOnce(t, 1)
				p.r[2+i].Set(x.ReadOnce(t))
				p.r[i].Set(y.ReadOnce(t))
			})
		}
		p.Exists(func() bool { return p.is(0, 0, 1, 1) })
	}),
	Verdict: litmus.Sometimes, Counts: "562 pass, 68 exists",
}, {
	// spin_unlock() is a plain store, so what follows may be done before it. Each has a lock of
	// its own: P1 takes none.
	Name: "SB+unlock", Build: build(func(p prog) {
		s := litmus.Static[locked](p.Program, "s")
		p.Thread("P0", func(t *schedule.Thread) {
			s.lock.Lock(t)
			p.x.WriteOnce(t, 1)
			s.lock.Unlock(t)
			p.r[0].Set(p.y.ReadOnce(t))
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.y.WriteOnce(t, 1)
			mem.SmpMb(t)
			p.r[1].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.is(0, 0) })
	}),
	Verdict: litmus.Sometimes, Counts: "1045 pass, 5 exists",
}, {
	// spin_lock() is a locked instruction.
	Name: "SB+lock", Build: sb(func(_ prog, s *locked, t *schedule.Thread) {
		s.lock.Lock(t)
		s.lock.Unlock(t)
	}),
	Verdict: litmus.Never, Counts: "560 pass",
}, {
	// this_cpu_add() has no lock prefix, nor has percpu_ref_get() in per-CPU mode.
	Name:    "SB+this_cpu_add",
	Build:   sb(func(_ prog, s *locked, t *schedule.Thread) { s.cpu.ThisCPUAdd(t, t.ID, 1) }),
	Verdict: litmus.Sometimes, Counts: "6068 pass, 232 exists",
}, {
	Name:    "SB+percpu_ref_get",
	Build:   sb(func(_ prog, s *locked, t *schedule.Thread) { s.ref.Get(t) }),
	Verdict: litmus.Sometimes, Counts: "3782 pass, 250 exists",
}, {
	// rcu_read_lock() and preempt_disable() are barriers for the compiler.
	Name: "SB+rcu_read_lock", Build: sb(func(_ prog, _ *locked, t *schedule.Thread) {
		rcu.ReadLock(t)
		rcu.ReadUnlock(t)
	}),
	Verdict: litmus.Sometimes, Counts: "3782 pass, 250 exists",
}, {
	Name: "SB+preempt_disable", Build: sb(func(_ prog, _ *locked, t *schedule.Thread) {
		preempt.Disable(t)
		preempt.Enable(t)
	}),
	Verdict: litmus.Sometimes, Counts: "62 pass, 18 exists",
}, {
	// A grace period is a full barrier on every CPU, also where only one waits for it.
	Name: "SB+synchronize_rcu+po", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			rcu.Synchronize(t)
			p.r[0].Set(p.y.ReadOnce(t))
		})
		p.writesReads("P1", &p.y, &p.x, 1)
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, rcu.Merged) })
		p.Exists(func() bool { return p.is(0, 0) })
	}),
	Verdict: litmus.Never, Counts: "86 pass",
}, {
	// Whose section goes on when a grace period is over has had one before it, since that began:
	// P1 has made its first load by then, and its store before that.
	Name: "SB+gp+section", Build: build(func(p prog) {
		s := litmus.Static[locked](p.Program, "s")
		p.Thread("P0", func(t *schedule.Thread) {
			p.z.WriteOnce(t, 1)
			rcu.Synchronize(t)
			s.after.WriteOnce(t, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			p.r[0].Set(p.z.ReadOnce(t))
			rcu.ReadLock(t)
			p.r[1].Set(p.y.ReadOnce(t))
			p.r[3].Set(s.after.ReadOnce(t))
			rcu.ReadUnlock(t)
		})
		p.Thread("P2", func(t *schedule.Thread) {
			p.y.WriteOnce(t, 1)
			mem.SmpMb(t)
			p.r[2].Set(p.x.ReadOnce(t))
		})
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, rcu.Merged) })
		p.Exists(func() bool { return p.is(0, 0, 0, 1) })
	}),
	Verdict: litmus.Never, Counts: "5987080 pass",
}, {
	// The same of a section of RCU-sched.
	Name: "SB+gp-sched+section", Build: build(func(p prog) {
		s := litmus.Static[locked](p.Program, "s")
		s.head.Init(func(t *schedule.Thread) { s.after.WriteOnce(t, 1) })
		p.Thread("P0", func(t *schedule.Thread) {
			p.z.WriteOnce(t, 1)
			rcu.CallSched(t, &s.head)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			p.r[0].Set(p.z.ReadOnce(t))
			preempt.PreemptDisable(t)
			p.r[1].Set(p.y.ReadOnce(t))
			p.r[3].Set(s.after.ReadOnce(t))
			preempt.PreemptEnable(t)
		})
		p.Thread("P2", func(t *schedule.Thread) {
			p.y.WriteOnce(t, 1)
			mem.SmpMb(t)
			p.r[2].Set(p.x.ReadOnce(t))
		})
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, rcu.Split) })
		p.Exists(func() bool { return p.is(0, 0, 0, 1) })
	}),
	Verdict: litmus.Never, Counts: "5879624 pass",
}, {
	// A CPU in no section may have its own after what it does here.
	Name: "SB+gp", Build: build(func(p prog) {
		s := litmus.Static[locked](p.Program, "s")
		p.Thread("P0", func(t *schedule.Thread) {
			p.z.WriteOnce(t, 1)
			rcu.Synchronize(t)
			s.after.WriteOnce(t, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].Set(p.z.ReadOnce(t))
			p.x.WriteOnce(t, 1)
			p.r[1].Set(p.y.ReadOnce(t))
		})
		p.Thread("P2", func(t *schedule.Thread) {
			p.y.WriteOnce(t, 1)
			mem.SmpMb(t)
			p.r[2].Set(p.x.ReadOnce(t))
		})
		p.Agents(func(e *schedule.Exec) { rcu.Boot(e, rcu.Merged) })
		p.Exists(func() bool { return p.is(1, 0, 0) })
	}),
	Verdict: litmus.Sometimes, Counts: "245976 pass, 494 exists",
}, {
	// An interrupt is one on its CPU: its handler finds in memory what the thread has stored.
	Name: "SB+irq", Build: build(func(p prog) {
		irq := p.Irq(func(t *schedule.Thread) {
			p.r[2].Set(p.x.ReadOnce(t))
			p.r[0].Set(p.y.ReadOnce(t))
		})
		p.Interrupted("P0", func(t *schedule.Thread) { p.x.WriteOnce(t, 1) }, irq)
		p.Thread("P1", func(t *schedule.Thread) {
			p.y.WriteOnce(t, 1)
			mem.SmpMb(t)
			p.r[1].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.is(0, 0, 1) })
	}),
	Verdict: litmus.Never, Counts: "252 pass",
}}

func withTSO(rows []litmus.Test) []litmus.Test {
	for i := range rows {
		rows[i].TSO = true
	}
	return rows
}

// TestSB runs the table of barriers.
func TestSB(t *testing.T) { litmus.Run(t, withTSO(sbTests)) }
