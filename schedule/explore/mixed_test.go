package explore_test

import (
	"fmt"
	"math/rand/v2"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
)

// mixed returns a small program of random instructions of the sorts that are hard for a
// search that leaves out executions: steps that use other cells by what is in the first,
// gates that look at two cells, wake-ups, waits that a signal ends, two agents with one
// queue, an interrupt.
func mixed(seed uint64) Program {
	rng := rand.New(rand.NewPCG(seed, 2))
	var makers []maker
	for i := range 2 + rng.IntN(2) {
		code := make([]mixedOp, 1+rng.IntN(4))
		for j := range code {
			code[j] = mixedOp{rng.IntN(14), rng.IntN(2), rng.IntN(2), uint64(rng.IntN(3))}
		}
		irq := rng.IntN(4) == 0
		makers = append(makers, func(b *board) func(*Exec) {
			body := func(t *Thread) {
				for _, in := range code {
					in.do(t, b)
				}
			}
			tick := ticker{b}
			return func(e *Exec) {
				t := e.Go(fmt.Sprint("t", i), body)
				if irq {
					b.counts[3].Set(1)
					e.Handler("irq", t.CPU(), tick)
				}
			}
		})
	}
	for range rng.IntN(3) {
		makers = append(makers, func(b *board) func(*Exec) {
			return func(e *Exec) { e.Agent("worker", worker{b}) }
		})
	}
	return program(fmt.Sprint("mixed ", seed), nil, nil, makers...)
}

// A ticker is an interrupt that comes once.
type ticker struct{ b *board }

func (a ticker) Ready(*Thread) bool { return a.b.counts[3].Value() > 0 }

func (a ticker) Run(t *Thread) {
	t.Begin(Op{Verb: "irq", Cell: &a.b.counts[3], Mode: RMW})
	a.b.counts[3].Set(0)
	store(t, &a.b.y, load(t, &a.b.y)+1)
}

type mixedOp struct {
	code, cell, other int
	arg               uint64
}

// do performs the instruction.
func (in mixedOp) do(t *Thread, b *board) {
	cells := []*Cell{&b.x, &b.y, &b.counts[0], &b.counts[1]}
	c, d := cells[in.cell], cells[2+in.other]
	op := Op{Verb: "mixed", Cell: c, Mode: RMW}
	switch in.code {
	case 0, 1:
		load(t, c)
	case 2:
		store(t, c, in.arg)
	case 3: // what is in one cell decides whether another is written
		t.Step(op)
		if c.Value() == in.arg {
			d.Set(in.arg + 1)
		}
	case 4: // or read
		t.Step(op)
		if c.Value() != in.arg {
			t.Observe(d.Value())
		}
	case 5: // or which
		t.Step(op)
		cells[2+c.Value()%2].Set(in.arg)
	case 6:
		b.locks[in.cell].lock(t)
	case 7:
		b.locks[in.cell].unlock(t)
	case 8: // a gate that need not look at the second cell
		op.Mode |= Blocks
		t.Await(op, gate(func(*Thread) bool { return c.Value() > in.arg || d.Value() > 0 }))
		c.Set(0)
	case 9:
		op.Mode |= Blocks | Interruptible
		t.Await(op, gate(func(*Thread) bool { return c.Value() == in.arg+1 }))
		t.Observe(c.Value())
	case 10:
		t.Step(op)
		c.Set(uint64(t.Choose(2)))
	case 11:
		t.Step(op)
		if c.Value() == in.arg+1 && d.Value() == in.arg {
			t.Fail(BugOn, &b.Object, Party{}, "")
		}
	case 12:
		t.Step(op)
		t.CPU().DisableIrqs()
	case 13:
		t.Step(op)
		if t.CPU().IrqsOff() {
			t.CPU().EnableIrqs()
		}
		d.Set(d.Value() + 1)
	}
}
