package atomic_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type vars struct {
	schedule.Object
	v, w atomic.Int
	x, y mem.Int
}

// A prog makes the programs of the table: threads over v and w, atomics, and x and y,
// plain words.
type prog struct {
	*litmus.Program
	*vars
	r [8]litmus.Reg
}

// build makes a program in which v is init at first.
func build(init int, f func(p prog)) func(*litmus.Program) {
	return func(p *litmus.Program) {
		v := litmus.Static[vars](p, "v")
		p.Begin(func(*schedule.Exec) { v.v.Init(init) })
		f(prog{p, v, p.Regs()})
	}
}

// pair adds two threads that do the same; i is 0 or 1.
func (p prog) pair(f func(t *schedule.Thread, i int)) {
	p.Thread("P0", func(t *schedule.Thread) { f(t, 0) })
	p.Thread("P1", func(t *schedule.Thread) { f(t, 1) })
}

// one adds two threads that put into r[0] and r[1] whether they won. Bad is that the
// number of winners is not 1.
func (p prog) one(won func(t *schedule.Thread) bool) {
	p.pair(func(t *schedule.Thread, i int) { p.r[i].SetBool(won(t)) })
	p.Exists(func() bool { return p.r[0].Get()+p.r[1].Get() != 1 })
}

var litmusTests = []litmus.Test{{
	// An atomic increment is one step.
	Name: "INC+atomic", Build: build(0, func(p prog) {
		p.pair(func(t *schedule.Thread, _ int) { p.v.Inc(t) })
		p.Exists(func() bool { return p.v.Peek() != 2 })
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// atomic_read() and atomic_set() are two steps, however atomic each is.
	Name: "INC+read+set", Build: build(0, func(p prog) {
		p.pair(func(t *schedule.Thread, _ int) { p.v.Set(t, p.v.Read(t)+1) })
		p.Exists(func() bool { return p.v.Peek() != 2 })
	}),
	Verdict: litmus.Sometimes, Counts: "2 pass, 4 exists",
}, {
	// atomic_inc_return() tells the threads apart.
	Name: "INC_RETURN+same", Build: build(0, func(p prog) {
		p.pair(func(t *schedule.Thread, i int) { p.r[i].Set(p.v.IncReturn(t)) })
		p.Exists(func() bool { return p.r[0].Get() == p.r[1].Get() })
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// A failed atomic_cmpxchg() means that another one succeeded: the loop ends, and
	// loses nothing.
	Name: "INC+cmpxchg", Build: build(0, func(p prog) {
		p.pair(func(t *schedule.Thread, _ int) {
			for old := -1; old < 0; {
				if v := p.v.Read(t); p.v.Cmpxchg(t, v, v+1) == v {
					old = v
				}
			}
		})
		p.Exists(func() bool { return p.v.Peek() != 2 })
	}),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	// Of two who drop a count of 2, one takes it to 0.
	Name: "DEC_AND_TEST+once", Build: build(2, func(p prog) { p.one(p.v.DecAndTest) }),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// As above, four at a time.
	Name: "SUB_AND_TEST+once", Build: build(8, func(p prog) {
		p.one(func(t *schedule.Thread) bool { return p.v.SubAndTest(t, 4) })
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// The test apart from the decrement: both may see 0.
	Name: "DEC+read", Build: build(2, func(p prog) {
		p.one(func(t *schedule.Thread) bool {
			p.v.Dec(t)
			return p.v.Read(t) == 0
		})
	}),
	Verdict: litmus.Sometimes, Counts: "2 pass, 4 exists",
}, {
	// atomic_xchg() returns the 0 to one of them, as in kill_ioctx().
	Name: "XCHG+once", Build: build(0, func(p prog) {
		p.one(func(t *schedule.Thread) bool { return p.v.Xchg(t, 1) == 0 })
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// As above, with a comparison.
	Name: "CMPXCHG+once", Build: build(0, func(p prog) {
		p.one(func(t *schedule.Thread) bool { return p.v.Cmpxchg(t, 0, 1) == 0 })
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// A test and a set are two steps: both may win.
	Name: "TEST+set", Build: build(0, func(p prog) {
		p.one(func(t *schedule.Thread) bool {
			won := p.v.Read(t) == 0
			p.v.Set(t, 1)
			return won
		})
	}),
	Verdict: litmus.Sometimes, Counts: "2 pass, 4 exists",
}, {
	// fput_atomic(): of two who drop a count of 2 unless it is 1, one leaves the last
	// reference to somebody else.
	Name: "ADD_UNLESS+fput_atomic", Build: build(2, func(p prog) {
		p.one(func(t *schedule.Thread) bool { return p.v.AddUnless(t, -1, 1) })
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// atomic_inc_not_zero() gets no reference once the count has been 0.
	Name: "INC_NOT_ZERO+dec_and_test", Build: build(1, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.r[0].SetBool(p.v.DecAndTest(t)) })
		p.Thread("P1", func(t *schedule.Thread) { p.r[1].SetBool(p.v.IncNotZero(t)) })
		p.Exists(func() bool { return p.r[0].Get()+p.r[1].Get() != 1 })
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// atomic_inc() does, and takes it from 0 to 1: an atomic_t does not mind.
	Name: "INC+dec_and_test", Build: build(1, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.r[0].SetBool(p.v.DecAndTest(t)) })
		p.Thread("P1", p.v.Inc)
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.v.Peek() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "1 pass, 1 exists",
}, {
	// An atomic_t may fall below 0, and is not 0 then.
	Name: "DEC+below", Build: build(0, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.r[0].SetBool(p.v.DecAndTest(t))
			p.v.Add(t, -1)
			p.r[1].Set(p.v.Read(t))
		})
		p.Exists(func() bool { return p.r[0].Get() == 0 && p.r[1].Get() == -2 })
	}),
	Verdict: litmus.Always, Counts: "1 exists",
}, {
	// atomic_set() does not come between the halves of an RMW.
	Name: "Atomic-RMW-ops-are-atomic-WRT-atomic_set", Build: build(1, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.v.AddUnless(t, 1, 0) })
		p.Thread("P1", func(t *schedule.Thread) { p.v.Set(t, 0) })
		p.Exists(func() bool { return p.v.Peek() == 2 || p.v.Peek() == 1 })
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// Who sees x sees the increment before it. (The barriers of the original are
	// no steps.)
	Name: "Atomic-RMW+mb__after_atomic-is-stronger-than-acquire", Build: build(0, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.r[0].Set(p.x.ReadOnce(t))
			p.r[1].Set(p.v.Read(t))
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.v.Inc(t)
			p.x.WriteOnce(t, 1)
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 0 })
	}),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	// Store buffering through a cmpxchg that fails, ordered by smp_mb__after_atomic().
	Name: "cmpxchg-fail-ordered-1", Build: build(0, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.WriteOnce(t, 1)
			p.v.Cmpxchg(t, 1, 0)
			p.r[0].Set(p.y.ReadOnce(t))
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.y.WriteOnce(t, 1)
			p.w.Cmpxchg(t, 1, 0)
			p.r[1].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.r[0].Get() == 0 && p.r[1].Get() == 0 })
	}),
	Verdict: litmus.Never, Counts: "20 pass",
}, {
	// Store buffering with full barriers: xchg and an RMW that returns a value.
	Name: "SB+xchg+increturn", Build: build(0, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.v.Xchg(t, 1)
			p.r[0].Set(p.w.Read(t))
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.w.IncReturn(t)
			p.r[1].Set(p.v.Read(t))
		})
		p.Exists(func() bool { return p.r[0].Get() == 0 && p.r[1].Get() == 0 })
	}),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	// IncNotZero, AddUnless and Cmpxchg leave the value alone where they fail.
	Name: "FAILED+unchanged", Build: build(0, func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			got := p.v.IncNotZero(t) || p.v.AddUnless(t, 5, 0) || p.v.Cmpxchg(t, 7, 8) == 7
			p.r[0].SetBool(got)
		})
		p.Exists(func() bool { return p.r[0].Get() != 0 || p.v.Peek() != 0 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}}

// observe makes the program of a row that says that what an operation on v returns, be it
// that it is x, is observed. Another thread does the given operations, after which v is the
// same whoever was first.
func observe(init, x int, op func(t *schedule.Thread, v *atomic.Int) int,
	others ...func(t *schedule.Thread, v *atomic.Int)) func(*litmus.Program) {
	return build(init, func(p prog) {
		p.Observe(func(t *schedule.Thread) bool { return op(t, &p.v) == x },
			func(t *schedule.Thread) {
				for _, f := range others {
					f(t, &p.v)
				}
			})
	})
}

// number is 1 for true.
func number(ok bool) int {
	if ok {
		return 1
	}
	return 0
}

func inc(t *schedule.Thread, v *atomic.Int)  { v.Inc(t) }
func dec(t *schedule.Thread, v *atomic.Int)  { v.Dec(t) }
func set1(t *schedule.Thread, v *atomic.Int) { v.Set(t, 1) }

// In each row the other thread may come first, and then the result is another.
var observeTests = []litmus.Test{{
	// 0 or 1.
	Name: "OBSERVE+read", Build: observe(0, 1,
		func(t *schedule.Thread, v *atomic.Int) int { return v.Read(t) }, inc),
	Verdict: litmus.Sometimes, Counts: "10 pass, 15 exists",
}, {
	// 1 or 2.
	Name: "OBSERVE+inc_return", Build: observe(0, 2,
		func(t *schedule.Thread, v *atomic.Int) int { return v.IncReturn(t) }, inc),
	Verdict: litmus.Sometimes, Counts: "10 pass, 15 exists",
}, {
	// The second takes it to 0.
	Name: "OBSERVE+dec_and_test", Build: observe(2, 1,
		func(t *schedule.Thread, v *atomic.Int) int { return number(v.DecAndTest(t)) }, dec),
	Verdict: litmus.Sometimes, Counts: "10 pass, 15 exists",
}, {
	// The second takes it to 0.
	Name: "OBSERVE+sub_and_test", Build: observe(3, 1,
		func(t *schedule.Thread, v *atomic.Int) int { return number(v.SubAndTest(t, 2)) }, dec),
	Verdict: litmus.Sometimes, Counts: "10 pass, 15 exists",
}, {
	// It is 0 until the other has set it to 1, which it does again.
	Name: "OBSERVE+inc_not_zero", Build: observe(0, 1,
		func(t *schedule.Thread, v *atomic.Int) int { return number(v.IncNotZero(t)) },
		set1, set1),
	Verdict: litmus.Sometimes, Counts: "15 pass, 35 exists",
}, {
	// It adds nothing, unless there is 1.
	Name: "OBSERVE+add_unless", Build: observe(0, 0,
		func(t *schedule.Thread, v *atomic.Int) int { return number(v.AddUnless(t, 0, 1)) }, set1),
	Verdict: litmus.Sometimes, Counts: "10 pass, 15 exists",
}, {
	// Both put 1 there.
	Name: "OBSERVE+xchg", Build: observe(0, 1,
		func(t *schedule.Thread, v *atomic.Int) int { return v.Xchg(t, 1) }, set1),
	Verdict: litmus.Sometimes, Counts: "10 pass, 15 exists",
}, {
	// It puts 1 in the place of 1.
	Name: "OBSERVE+cmpxchg", Build: observe(0, 1,
		func(t *schedule.Thread, v *atomic.Int) int { return v.Cmpxchg(t, 1, 1) }, set1),
	Verdict: litmus.Sometimes, Counts: "10 pass, 15 exists",
}}

// TestAtomic runs the table.
func TestAtomic(t *testing.T) { litmus.Run(t, litmusTests) }

// TestObserve runs the table of what operations return.
func TestObserve(t *testing.T) { litmus.Run(t, observeTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests, observeTests) }
