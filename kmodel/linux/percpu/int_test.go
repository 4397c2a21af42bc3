package percpu_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/percpu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type counter struct {
	schedule.Object
	n percpu.Int
}

// An intProg makes programs over a per-CPU count.
type intProg struct {
	*litmus.Program
	*counter
	r [8]litmus.Reg
}

func ints(f func(p intProg)) func(*litmus.Program) {
	return func(p *litmus.Program) {
		f(intProg{p, litmus.Static[counter](p, "c"), p.Regs()})
	}
}

// sum reads the first two CPUs, one after the other.
func (p intProg) sum(t *schedule.Thread) int { return p.n.Read(t, 0) + p.n.Read(t, 1) }

var intTests = []litmus.Test{{
	// Two threads on one CPU: an addition is not interrupted.
	Name: "PERCPU+same-cpu", Build: ints(func(p intProg) {
		for _, name := range []string{"P0", "P1"} {
			p.Thread(name, func(t *schedule.Thread) { p.n.ThisCPUAdd(t, 0, 1) })
		}
		p.Exists(func() bool { return p.n.Sum() != 2 })
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// What is counted up on a CPU that the sum has passed, and down on one that it has not,
	// makes it too small: mntput() before 4.18.
	Name: "PERCPU+torn-sum", Build: ints(func(p intProg) {
		p.Begin(func(*schedule.Exec) { p.n.Init(1, 1) })
		p.Thread("P0", func(t *schedule.Thread) {
			p.n.ThisCPUAdd(t, 0, 1)
			p.n.ThisCPUAdd(t, 1, -1)
		})
		p.Thread("P1", func(t *schedule.Thread) { p.r[0].Set(p.sum(t)) })
		p.Exists(func() bool { return p.r[0].Get() == 0 })
	}),
	Verdict: litmus.Sometimes, Counts: "5 pass, 1 exists",
}, {
	// The other way round it can only be too large.
	Name: "PERCPU+torn-sum-down", Build: ints(func(p intProg) {
		p.Begin(func(*schedule.Exec) { p.n.Init(1, 1) })
		p.Thread("P0", func(t *schedule.Thread) {
			p.n.ThisCPUAdd(t, 1, 1)
			p.n.ThisCPUAdd(t, 0, -1)
		})
		p.Thread("P1", func(t *schedule.Thread) { p.r[0].Set(p.sum(t)) })
		p.Exists(func() bool { return p.r[0].Get() < 1 })
	}),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	// The read comes before or after the addition.
	Name: "OBSERVE+percpu", Build: ints(func(p intProg) {
		p.Observe(func(t *schedule.Thread) bool { return p.n.Read(t, 2) == 1 },
			func(t *schedule.Thread) { p.n.ThisCPUAdd(t, 2, 1) })
	}),
	Verdict: litmus.Sometimes, Counts: "10 pass, 15 exists",
}}

// TestInts runs the table of counts without a percpu_ref.
func TestInts(t *testing.T) { litmus.Run(t, intTests) }

func TestIntContract(t *testing.T) { litmus.Contract(t, intTests) }
