package explore_test

import (
	"fmt"
	"math/rand/v2"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
)

// random returns a small program made of random instructions. Whatever it does,
// Exhaust and Unreduced must agree on it. One with loops may have cycles.
func random(seed uint64, loops bool) Program {
	rng := rand.New(rand.NewPCG(seed, 1))
	codes := 10
	if loops {
		codes = 12
	}
	var makers []maker
	for i := range 2 + rng.IntN(2) {
		code := make([]instruction, 2+rng.IntN(3))
		for j := range code {
			code[j] = instruction{rng.IntN(codes), rng.IntN(2), uint64(rng.IntN(3))}
		}
		makers = append(makers, thread(fmt.Sprint("t", i), func(t *Thread, b *board) {
			r := uint64(0)
			for pc, in := range code {
				r = in.do(t, b, r, uint64(pc))
			}
		}))
	}
	if rng.IntN(3) == 0 {
		makers = append(makers, func(b *board) func(*Exec) {
			return func(e *Exec) { e.Agent("worker", worker{b}) }
		})
	}
	return program(fmt.Sprint("random ", seed), nil, nil, makers...)
}

type instruction struct {
	code, cell int
	arg        uint64
}

// do performs the instruction with the thread's only register r.
func (in instruction) do(t *Thread, b *board, r, pc uint64) uint64 {
	c := []*Cell{&b.x, &b.y}[in.cell]
	switch in.code {
	case 0, 1:
		return load(t, c)
	case 2, 3:
		store(t, c, r+in.arg)
	case 4:
		b.locks[in.cell].lock(t)
	case 5:
		b.locks[in.cell].unlock(t)
	case 6:
		t.Await(Op{Verb: "await", Cell: c, Mode: ReadOnce | Blocks}, positive{c})
	case 7:
		return uint64(t.Choose(2 + in.cell))
	case 8:
		t.Step(Op{Verb: "assert", Cell: c, Mode: ReadOnce})
		if c.Value() == in.arg+1 {
			t.Fail(BugOn, &b.Object, Party{}, "")
		}
	case 9:
		t.Forget(pc)
		return 0
	case 10, 11:
		for load(t, c) == in.arg {
			t.Forget(pc)
		}
	}
	return r
}
