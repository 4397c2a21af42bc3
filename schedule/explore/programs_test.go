package explore_test

import (
	"fmt"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
)

// The programs of the tests: small, over plain cells, and each with a number
// that somebody can check by hand.

// A board is the shared memory of all programs here.
type board struct {
	Object
	x, y   Cell
	locks  [2]lock
	counts [4]Cell
}

// static returns a new board.
func static() *board {
	b := new(board)
	b.Bind(b, "b")
	return b
}

func load(t *Thread, c *Cell) uint64 {
	t.Step(Op{Verb: "load", Cell: c, Mode: PlainRead})
	return t.Observe(c.Value())
}

func store(t *Thread, c *Cell, v uint64) {
	t.Step(Op{Verb: "store", Cell: c, Mode: PlainWrite})
	c.Set(v)
}

// A lock is a lock that is nothing but a gate.
type lock struct{ held Cell }

func (l *lock) Open(*Thread) bool { return l.held.Value() == 0 }

func (l *lock) lock(t *Thread) {
	t.Await(Op{Verb: "lock", Cell: &l.held, Mode: LockOp}, l)
	l.held.Set(1)
}

func (l *lock) unlock(t *Thread) {
	t.Step(Op{Verb: "unlock", Cell: &l.held, Mode: UnlockOp})
	l.held.Set(0)
}

// A positive is the gate, and the readiness of an agent, that waits for a cell
// to be positive.
type positive struct{ c *Cell }

func (g positive) Open(*Thread) bool { return g.c.Value() > 0 }

// program returns a program over a board. It makes its threads in the order
// that perm says: a permutation of their numbers, or nil.
func program(name string, perm []int, check func(e *Exec, b *board), makers ...maker) Program {
	return Program{Name: name, New: func() func(*Exec) {
		b := static()
		var atEnd func(*Exec)
		if check != nil {
			atEnd = func(e *Exec) { check(e, b) }
		}
		starts := make([]func(e *Exec), len(makers))
		for i, m := range makers {
			starts[i] = m(b)
		}
		return func(e *Exec) {
			e.Static(&b.Object, 0)
			for i := range starts {
				if perm != nil {
					i = perm[i]
				}
				starts[i](e)
			}
			if atEnd != nil {
				e.AtEnd(atEnd)
			}
		}
	}}
}

// A maker returns what makes one thread of each execution.
type maker func(b *board) func(e *Exec)

func thread(name string, f func(t *Thread, b *board)) maker {
	return func(b *board) func(*Exec) {
		body := func(t *Thread) { f(t, b) }
		return func(e *Exec) { e.Go(name, body) }
	}
}

// independent has threads that take the given numbers of steps and share
// nothing. Its executions are all ways to shuffle them.
func independent(steps ...int) Program {
	var makers []maker
	for i, n := range steps {
		makers = append(makers, thread(fmt.Sprint("t", i), func(t *Thread, b *board) {
			for range n {
				store(t, &b.counts[i], b.counts[i].Value()+1)
			}
		}))
	}
	return program("independent", nil, nil, makers...)
}

// increments has threads that add 1 rounds times each, without a lock.
func increments(rounds int, perm ...int) Program {
	body := func(t *Thread, b *board) {
		for range rounds {
			store(t, &b.x, load(t, &b.x)+1)
		}
	}
	var makers []maker
	for i := range perm {
		makers = append(makers, thread(fmt.Sprint("t", i), body))
	}
	return program("increments", perm, func(e *Exec, b *board) {
		if b.x.Value() != uint64(rounds*len(perm)) {
			e.FailAtEnd(LostUpdate, &b.Object, Party{}, "")
		}
	}, makers...)
}

// locked is increments with a lock.
func locked(perm ...int) Program {
	body := func(t *Thread, b *board) {
		b.locks[0].lock(t)
		store(t, &b.x, load(t, &b.x)+1)
		b.locks[0].unlock(t)
	}
	var makers []maker
	for i := range perm {
		makers = append(makers, thread(fmt.Sprint("t", i), body))
	}
	return program("locked", perm, func(e *Exec, b *board) {
		if b.x.Value() != uint64(len(perm)) {
			e.FailAtEnd(LostUpdate, &b.Object, Party{}, "")
		}
	}, makers...)
}

// inversion takes two locks in both orders.
func inversion(perm ...int) Program {
	body := func(first int) func(t *Thread, b *board) {
		return func(t *Thread, b *board) {
			b.locks[first].lock(t)
			b.locks[1-first].lock(t)
			b.locks[1-first].unlock(t)
			b.locks[first].unlock(t)
		}
	}
	return program("inversion", perm, nil, thread("ab", body(0)), thread("ba", body(1)))
}

// A worker is an agent that takes one off b.x for each piece of work, and adds
// one to b.y in two steps.
type worker struct{ b *board }

func (w worker) Ready(*Thread) bool { return w.b.x.Value() > 0 }

func (w worker) Run(t *Thread) {
	t.Begin(Op{Verb: "work", Cell: &w.b.x, Mode: RMW})
	w.b.x.Set(w.b.x.Value() - 1)
	store(t, &w.b.y, load(t, &w.b.y)+1)
}

// workers has an agent for two works that a thread queues, while another
// thread adds to the same word.
func workers(perm ...int) Program {
	return program("workers", perm, func(e *Exec, b *board) {
		if b.y.Value() != 3 {
			e.FailAtEnd(LostUpdate, &b.Object, Party{}, "")
		}
	},
		func(b *board) func(*Exec) {
			return func(e *Exec) { e.Agent("worker", worker{b}) }
		},
		thread("queue", func(t *Thread, b *board) {
			for range 2 {
				t.Step(Op{Verb: "queue", Cell: &b.x, Mode: RMW})
				b.x.Set(b.x.Value() + 1)
			}
		}),
		thread("add", func(t *Thread, b *board) {
			store(t, &b.y, load(t, &b.y)+1)
		}))
}

// choices has decisions that are no scheduling: in the beginning, before the
// first step of a thread, and twice within one step.
func choices() Program {
	return Program{Name: "choices", New: func() func(*Exec) {
		b := static()
		body := func(t *Thread) {
			n := t.Choose(2)
			t.Step(Op{Verb: "choose", Cell: &b.x, Mode: RMW})
			n += t.Choose(2)
			b.x.Set(b.x.Value() + 1)
			n += t.Choose(3)
			if n == 4 && b.x.Value() == 2 {
				t.Fail(BugOn, &b.Object, Party{}, "")
			}
		}
		return func(e *Exec) {
			e.Static(&b.Object, 0)
			for range 1 + e.Choose(2) {
				e.Go("t", body)
			}
		}
	}}
}

// forever has two threads that loop through a forgotten place.
func forever() Program {
	body := func(t *Thread, b *board) {
		for {
			store(t, &b.x, uint64(t.ID))
			t.Forget(1)
		}
	}
	return program("forever", nil, nil, thread("a", body), thread("b", body))
}

// ring has three threads that turn a wheel with 16 places for ever.
func ring() Program {
	body := func(t *Thread, b *board) {
		for {
			t.Step(Op{Verb: "turn", Cell: &b.x, Mode: RMW})
			b.x.Set((b.x.Value() + uint64(t.ID) + 1) % 16)
			t.Forget(1)
		}
	}
	return program("ring", nil, nil, thread("a", body), thread("b", body), thread("c", body))
}

// stubborn has two threads that write and read back until they agree. Alone,
// each ends at once; only preemptions keep them going.
func stubborn() Program {
	body := func(t *Thread, b *board) {
		for {
			store(t, &b.x, uint64(t.ID+1))
			if load(t, &b.x) == uint64(t.ID+1) {
				return
			}
			t.Forget(1)
		}
	}
	return program("stubborn", nil, nil, thread("a", body), thread("b", body))
}

// rounds has threads that forget between rounds, as system call loops do, so
// that many histories meet.
func rounds() Program {
	body := func(t *Thread, b *board) {
		for i := range 3 {
			load(t, &b.y)
			store(t, &b.x, uint64(i))
			t.Forget(uint64(i))
		}
	}
	return program("rounds", nil, nil, thread("a", body), thread("b", body))
}

// An eager is an agent that is ready, and does one step, as functions say.
type eager struct {
	ready func() bool
	do    func()
}

func (a eager) Ready(*Thread) bool { return a.ready() }

func (a eager) Run(t *Thread) {
	t.Begin(Op{Verb: "work"})
	a.do()
}

// again has an agent with two pieces of work, of which the second waits for
// another agent. Whether the first agent's second piece is a context switch
// depends on who ran last, and that no state tells.
func again() Program {
	return program("again", nil, nil,
		func(b *board) func(*Exec) {
			twice := eager{
				func() bool { return b.x.Value() > 0 && (b.x.Value() == 2 || b.y.Value() == 2) },
				func() { b.x.Set(b.x.Value() - 1) },
			}
			once := eager{
				func() bool { return b.y.Value() == 1 },
				func() { b.y.Set(2) },
			}
			return func(e *Exec) {
				e.Agent("twice", twice)
				e.Agent("once", once)
			}
		},
		thread("queue", func(t *Thread, b *board) {
			t.Step(Op{Verb: "queue", Cell: &b.x, Mode: RMW})
			b.x.Set(2)
			b.y.Set(1)
		}),
		thread("idler", func(t *Thread, b *board) {
			t.Await(Op{Verb: "await", Cell: &b.y, Mode: ReadOnce | Blocks}, positive{&b.y})
		}))
}

// detour has two ways to one state, with the same numbers of switches and
// steps, from where a preemption makes it fail. The way with the smaller digits
// takes a preemption already, the other waits instead.
func detour() Program {
	return program("detour", nil, nil,
		thread("chooser", func(t *Thread, b *board) {
			store(t, &b.counts[0], 1)
			if t.Choose(2) == 1 {
				t.Await(Op{Verb: "load", Cell: &b.x, Mode: ReadOnce | Blocks}, positive{&b.x})
				t.Observe(b.x.Value())
			} else if load(t, &b.x) == 0 {
				return
			}
			t.Forget(1)
			store(t, &b.counts[1], 1)
			store(t, &b.counts[1], 2)
		}),
		thread("bystander", func(t *Thread, b *board) { store(t, &b.y, 1) }),
		thread("setter", func(t *Thread, b *board) {
			t.Await(Op{Verb: "set", Cell: &b.x, Mode: RMW | Blocks}, positive{&b.counts[0]})
			b.x.Set(1)
		}),
		thread("peeker", func(t *Thread, b *board) {
			t.Await(Op{Verb: "peek", Cell: &b.counts[1], Mode: ReadOnce | Blocks},
				positive{&b.counts[1]})
			if b.counts[1].Value() == 1 {
				t.Fail(BugOn, &b.Object, Party{}, "")
			}
		}))
}

// hidden keeps a word outside cells: which thread was first. It makes a gate
// depend on it, or else what a thread does later.
func hidden(gated bool) Program {
	return Program{Name: "hidden", New: func() func(*Exec) {
		b := static()
		first := -1
		notFirst := gate(func(t *Thread) bool { return !gated || first != t.ID })
		body := func(t *Thread) {
			store(t, &b.counts[t.ID], 1)
			if first < 0 {
				first = t.ID
			}
			t.Await(Op{Verb: "await", Cell: &b.y, Mode: ReadOnce | Blocks}, notFirst)
			if first != t.ID {
				store(t, &b.x, 1)
				first = t.ID
			}
		}
		return func(e *Exec) {
			first = -1
			e.Static(&b.Object, 0)
			for _, name := range []string{"a", "b", "c"} {
				e.Go(name, body)
			}
		}
	}}
}

type gate func(t *Thread) bool

func (g gate) Open(t *Thread) bool { return g(t) }
