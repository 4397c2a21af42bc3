package smp_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/cpumask"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/smp"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type vars struct {
	schedule.Object
	x, y mem.Int
	mask cpumask.Mask
	f    smp.Func
}

// A prog is threads on CPUs of their own: P0 on CPU 0 and so on.
type prog struct {
	*litmus.Program
	*vars
	r [8]litmus.Reg
}

// build makes a program of the given threads, on as many CPUs as cpus says, where mask
// begins as it is given and f calls handler.
func build(cpus int, mask uint64, handler func(p prog, t *schedule.Thread, arg int),
	bad func(p prog) bool, bodies ...func(p prog, t *schedule.Thread)) func(*litmus.Program) {
	return func(lp *litmus.Program) {
		p := prog{lp, litmus.Static[vars](lp, "v"), lp.Regs()}
		p.f.Init(func(t *schedule.Thread, arg int) { handler(p, t, arg) })
		lp.Begin(func(*schedule.Exec) { p.mask.Init(mask) })
		names := [...]string{"P0", "P1", "P2"}
		lp.Agents(func(e *schedule.Exec) {
			for i, body := range bodies {
				smp.Place(e, e.Go(names[i], func(t *schedule.Thread) { body(p, t) }), i)
			}
			smp.Boot(e, cpus)
		})
		lp.Exists(func() bool { return bad(p) })
	}
}

// call calls f on the others in the mask, and then sets register 0 to what is in x.
func call(wait bool) func(p prog, t *schedule.Thread) {
	return func(p prog, t *schedule.Thread) {
		preempt.Disable(t)
		smp.CallFunctionMany(t, &p.mask, &p.f, 3, wait)
		p.r[0].Set(p.x.ReadOnce(t))
		preempt.Enable(t)
	}
}

// Open is the gate of a thread that waits until x is set.
func (p prog) Open(*schedule.Thread) bool { return p.x.Peek() != 0 }

// storeArg is a handler that leaves its argument in x.
func storeArg(p prog, t *schedule.Thread, arg int) { p.x.WriteOnce(t, arg) }

// count is a handler that counts, without a step of its own.
func count(p prog, _ *schedule.Thread, _ int) { p.r[1].Inc() }

// twice reads x twice, with interrupts off if off is set, and sets register 2 if the
// reads differ.
func twice(off bool) func(p prog, t *schedule.Thread) {
	return func(p prog, t *schedule.Thread) {
		if off {
			preempt.IrqDisable(t)
		}
		v := p.x.ReadOnce(t)
		p.r[2].SetBool(p.x.ReadOnce(t) != v)
		if off {
			preempt.IrqEnable(t)
		}
	}
}

var litmusTests = []litmus.Test{{
	// The caller sees what the handler on an idle CPU has done.
	Name: "IPI+wait", Build: build(2, 0b11, storeArg,
		func(p prog) bool { return p.r[0].Get() != 3 }, call(true)),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// It need not if it does not wait.
	Name: "IPI+nowait", Build: build(2, 0b11, storeArg,
		func(p prog) bool { return p.r[0].Get() != 3 }, call(false)),
	Verdict: litmus.Sometimes, Counts: "1 pass, 2 exists",
}, {
	// Nobody calls itself, nor who is not there; then there is no waiting.
	Name: "IPI+self+offline", Build: build(2, 0b1101, count,
		func(p prog) bool { return p.r[1].Get() != 0 }, call(true)),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// All others in the mask are called once, in any order.
	Name: "IPI+two", Build: build(3, 0b111, count,
		func(p prog) bool { return p.r[1].Get() != 2 }, call(true)),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// The mask is read at the call: whoever joins later is not called, and not waited for.
	Name: "IPI+mask-once", Build: build(2, 0b01, count,
		func(p prog) bool { return p.r[1].Get() == 0 }, call(true),
		func(p prog, t *schedule.Thread) { p.mask.SetCPU(t, 1) }),
	Verdict: litmus.Sometimes, Counts: "1 pass, 2 exists",
}, {
	// The handler comes between any two steps of the thread that it interrupts.
	Name: "IPI+irqs-on", Build: build(2, 0b11, storeArg,
		func(p prog) bool { return p.r[2].Get() != 0 }, call(true), twice(false)),
	Verdict: litmus.Sometimes, Counts: "9 pass, 6 exists",
}, {
	// Not where interrupts are off.
	Name: "IPI+irqs-off", Build: build(2, 0b11, storeArg,
		func(p prog) bool { return p.r[2].Get() != 0 }, call(true), twice(true)),
	Verdict: litmus.Never, Counts: "14 pass",
}, {
	// The handler runs to its end before the thread that it interrupts goes on.
	Name: "IPI+handler-whole", Build: build(2, 0b11,
		func(p prog, t *schedule.Thread, _ int) {
			p.x.WriteOnce(t, 1)
			p.y.WriteOnce(t, 1)
		},
		func(p prog) bool { return p.r[2].Get() == 1 && p.r[3].Get() == 0 },
		call(true), func(p prog, t *schedule.Thread) {
			p.r[2].Set(p.x.ReadOnce(t))
			p.r[3].Set(p.y.ReadOnce(t))
		}),
	Verdict: litmus.Never, Counts: "15 pass",
}, {
	// Two that call each other and wait with interrupts on get through.
	Name: "IPI+mutual", Build: build(2, 0b11, count,
		func(p prog) bool { return p.r[1].Get() != 2 }, call(true), call(true)),
	Verdict: litmus.Never, Counts: "70 pass",
}, {
	// A second call waits until the first has been taken up.
	Name: "IPI+nowait-nowait", Build: build(2, 0b11, count,
		func(p prog) bool { return p.r[1].Get() != 2 }, func(p prog, t *schedule.Thread) {
			call(false)(p, t)
			call(false)(p, t)
		}),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	// It has read the mask before: who joins while it waits is not called. P1 has interrupts off
	// until it has joined P2, and takes up the first call after that.
	Name: "IPI+nowait+mask-once", Build: build(3, 0b010,
		func(p prog, t *schedule.Thread, _ int) {
			if smp.ProcessorID(t) == 2 {
				p.r[3].Inc()
			} else if p.r[1].Inc(); p.r[1].Get() == 1 {
				p.r[2].SetBool(p.mask.TestCPU(t, 2))
			}
		},
		func(p prog) bool { return p.r[2].Get() == 1 && p.r[3].Get() == 0 },
		func(p prog, t *schedule.Thread) {
			call(false)(p, t)
			call(false)(p, t)
		}, func(p prog, t *schedule.Thread) {
			preempt.LocalIrqDisable(t)
			p.mask.SetCPU(t, 2)
			preempt.LocalIrqEnable(t)
		}),
	Verdict: litmus.Sometimes, Counts: "1523 pass, 20 exists",
}, {
	// It does not wait for a CPU that it does not call: P1, with interrupts off, waits for
	// what comes after the second call. Before 5.13 that is a deadlock (csd_lock()).
	Name: "IPI+nowait-other", Build: build(3, 0b010, count,
		func(p prog) bool { return p.r[1].Get() != 2 }, func(p prog, t *schedule.Thread) {
			call(false)(p, t)
			p.mask.Copy(t, 0b100)
			call(false)(p, t)
			p.x.WriteOnce(t, 1)
		}, func(p prog, t *schedule.Thread) {
			preempt.LocalIrqDisable(t)
			t.Await(schedule.Op{Verb: "cpu_relax", Mode: schedule.ReadOnce | schedule.Blocks}, p)
			preempt.LocalIrqEnable(t)
		}),
	Bad: schedule.Deadlock, Verdict: litmus.Never, Counts: "171 pass",
}, {
	// Two callers at one CPU: both are handled, one after the other.
	Name: "IPI+two-callers", Build: build(3, 0b100,
		func(p prog, t *schedule.Thread, _ int) { p.x.Write(t, p.x.Read(t)+1) },
		func(p prog) bool { return p.x.Peek() != 2 }, call(true), call(true)),
	Verdict: litmus.Never, Counts: "224 pass",
}}

// offline goes offline. What the CPU has been called for is counted by then, and nothing
// after: register 2 is set if that is not so.
func offline(p prog, t *schedule.Thread) {
	smp.SetCPUOnline(t, false)
	p.r[3].Set(p.r[1].Get())
	p.x.ReadOnce(t)
	p.r[2].SetBool(p.r[1].Get() != p.r[3].Get())
}

// onlineTests are about CPUs that go and come back.
var onlineTests = []litmus.Test{{
	// A CPU is called before it goes or not at all, and nobody waits for it for ever.
	Name: "CPU+offline", Build: build(2, 0b11, count,
		func(p prog) bool { return p.r[2].Get() != 0 }, call(true), offline),
	Verdict: litmus.Never, Counts: "9 pass",
}, {
	// Its bit in the mask remains, and is not looked at.
	Name: "CPU+offline+not-called", Build: build(2, 0b11, count,
		func(p prog) bool { return p.r[1].Get() == 0 }, call(true), offline),
	Verdict: litmus.Sometimes, Counts: "6 pass, 3 exists",
}, {
	// When it is back it is called again.
	Name: "CPU+offline+online", Build: build(2, 0b11, count,
		func(p prog) bool { return p.r[1].Get() == 0 }, call(true),
		func(p prog, t *schedule.Thread) {
			smp.SetCPUOnline(t, false)
			smp.SetCPUOnline(t, true)
		}),
	Verdict: litmus.Sometimes, Counts: "7 pass, 2 exists",
}}

// misuse makes a program of one thread that calls with f before.
func misuse(f func(t *schedule.Thread)) func(*litmus.Program) {
	return build(2, 0b11, count, func(prog) bool { return false },
		func(p prog, t *schedule.Thread) {
			f(t)
			smp.CallFunctionMany(t, &p.mask, &p.f, 0, true)
		})
}

var misuseTests = []litmus.Test{{
	Name: "MISUSE+irqs-off", Build: misuse(preempt.IrqDisable),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	Name: "MISUSE+preemption-on", Build: misuse(func(*schedule.Thread) {}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// This is why: let go on, two that call each other with interrupts off wait for ever.
	Name: "MISUSE+irqs-off+mutual", Build: build(2, 0b11, count,
		func(prog) bool { return false }, callOff, callOff),
	Mute: schedule.KindSet(schedule.LockRule),
	Bad:  schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "6 pass, 6 deadlock",
}}

func callOff(p prog, t *schedule.Thread) {
	preempt.IrqDisable(t)
	smp.CallFunctionMany(t, &p.mask, &p.f, 0, true)
	preempt.IrqEnable(t)
}

func TestLitmus(t *testing.T) { litmus.Run(t, litmusTests) }

func TestMisuse(t *testing.T) { litmus.Run(t, misuseTests) }

func TestOnline(t *testing.T) { litmus.Run(t, onlineTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests, onlineTests, misuseTests) }
