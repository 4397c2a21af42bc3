package cpumask_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/cpumask"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type vars struct {
	schedule.Object
	mask cpumask.Mask
}

// two makes a program of two threads over a mask that has CPU 0. Bad is that at the end
// the mask is not want.
func two(p0, p1 func(v *vars, t *schedule.Thread), want uint64) func(*litmus.Program) {
	return func(p *litmus.Program) {
		v := litmus.Static[vars](p, "v")
		p.Begin(func(*schedule.Exec) { v.mask.Init(cpumask.Of(0)) })
		p.Thread("P0", func(t *schedule.Thread) { p0(v, t) })
		p.Thread("P1", func(t *schedule.Thread) { p1(v, t) })
		p.Exists(func() bool { return v.mask.Peek() != want })
	}
}

func set(cpu int) func(v *vars, t *schedule.Thread) {
	return func(v *vars, t *schedule.Thread) { v.mask.SetCPU(t, cpu) }
}

var litmusTests = []litmus.Test{{
	// Bit operations are atomic: neither is lost.
	Name: "MASK+set+set", Build: two(set(1), set(2), 0b111),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	Name: "MASK+sets+sets", Build: two(
		func(v *vars, t *schedule.Thread) { set(1)(v, t); set(2)(v, t) },
		func(v *vars, t *schedule.Thread) { set(3)(v, t); set(4)(v, t) }, 0b11111),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	Name: "MASK+set+clear", Build: two(set(1),
		func(v *vars, t *schedule.Thread) { v.mask.ClearCPU(t, 0) }, 0b10),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// A copy is a plain store. A bit that was set before is lost.
	Name: "MASK+set+copy", Build: two(set(1),
		func(v *vars, t *schedule.Thread) { v.mask.Copy(t, cpumask.Of(0)) }, 0b11),
	Verdict: litmus.Sometimes, Counts: "1 pass, 1 exists",
}, {
	// So is clear. Another set comes before, between or after clear and set.
	Name: "MASK+set+clear-set", Build: two(set(1), func(v *vars, t *schedule.Thread) {
		v.mask.Clear(t)
		v.mask.SetCPU(t, 0)
	}, 0b11),
	Verdict: litmus.Sometimes, Counts: "2 pass, 1 exists",
}, {
	// To test first protects nothing.
	Name: "MASK+set+test-copy", Build: two(set(1), func(v *vars, t *schedule.Thread) {
		if !v.mask.TestCPU(t, 1) {
			v.mask.Copy(t, cpumask.Of(0))
		}
	}, 0b11),
	Verdict: litmus.Sometimes, Counts: "2 pass, 1 exists",
}, {
	// CPU 0 is alone in the mask or is not, whoever comes first.
	Name: "MASK+set+any_but", Build: two(set(1), func(v *vars, t *schedule.Thread) {
		if v.mask.AnyBut(t, 0) {
			v.mask.ClearCPU(t, 1)
		}
	}, 0b11),
	Verdict: litmus.Sometimes, Counts: "1 pass, 1 exists",
}, {
	// The oracle is asked after a copy and a clear of one bit, not after the others.
	Name: "MASK+oracle", Build: func(p *litmus.Program) {
		v, r := litmus.Static[vars](p, "v"), p.Regs()
		v.mask.OnDrop(func(*schedule.Thread) { r[0].Inc() })
		p.Thread("P0", func(t *schedule.Thread) {
			v.mask.SetCPU(t, 1)
			v.mask.Clear(t)
			v.mask.Copy(t, 1)
			v.mask.ClearCPU(t, 0)
		})
		p.Exists(func() bool { return r[0].Get() != 2 })
	},
	Verdict: litmus.Never, Counts: "1 pass",
}}

func TestLitmus(t *testing.T) { litmus.Run(t, litmusTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests) }
