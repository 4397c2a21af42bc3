package fifo_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/fifo"
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// An item has a number.
type item struct {
	entry fifo.Entry
	n     int
}

func (i *item) Entry() *fifo.Entry { return &i.entry }

type items struct {
	schedule.Object
	all [6]item
}

// A prog makes the programs of the table: threads that queue items and an agent that
// runs them. r[0] has a digit for each item, in the order in which they ran.
type prog struct {
	*litmus.Program
	*items
	queue *fifo.Queue[*item]
	r     [8]litmus.Reg
}

func build(f func(p prog)) func(*litmus.Program) {
	return func(lp *litmus.Program) {
		p := prog{lp, litmus.Static[items](lp, "v"), new(fifo.Queue[*item]), lp.Regs()}
		for i := range p.all {
			p.all[i].n = i + 1
		}
		p.Begin(func(*schedule.Exec) { p.queue.Reset() })
		p.Agents(func(e *schedule.Exec) { e.Agent("runner", p) })
		f(p)
	}
}

// firsts returns the places of the items that are the first of their CPU.
func (p prog) firsts() (out []int) {
	for i := range p.queue.Len() {
		if p.queue.First(i) {
			out = append(out, i)
		}
	}
	return out
}

// Ready implements [schedule.Agent].
func (p prog) Ready(*schedule.Thread) bool { return p.queue.Len() > 0 }

// Run implements [schedule.Agent]: it runs one of the items that may run.
func (p prog) Run(t *schedule.Thread) {
	firsts := p.firsts()
	i := firsts[t.Choose(len(firsts))]
	it := p.queue.At(i)
	p.queue.Remove(t, i)
	t.Begin(schedule.Op{Verb: "run", Cell: it.entry.Cell(), Mode: schedule.RMWFull})
	p.r[0].Set(10*p.r[0].Get() + it.n)
}

// pushes adds a thread that queues items.
func (p prog) pushes(name string, items ...int) {
	p.Thread(name, func(t *schedule.Thread) {
		for _, i := range items {
			it := &p.all[i-1]
			t.Step(schedule.Op{Verb: "push", Cell: it.entry.Cell(), Mode: schedule.RMWFull})
			p.queue.Push(t, it)
		}
	})
}

// before is the condition that a digit stands before another in r[0].
func (p prog) before(a, b int) {
	p.Exists(func() bool {
		at := [10]int{}
		for n, i := p.r[0].Get(), 9; n > 0; n, i = n/10, i-1 {
			at[n%10] = i
		}
		return at[a] < at[b]
	})
}

var litmusTests = []litmus.Test{{
	// What one CPU has queued runs in that order; n pushes and n runs have as many
	// orders as n pairs of brackets, 5 for 3.
	Name: "FIFO+cpu", Build: build(func(p prog) {
		p.pushes("P0", 3, 1, 2)
		p.Exists(func() bool { return p.r[0].Get() != 312 })
	}),
	Verdict: litmus.Never, Counts: "5 pass",
}, {
	// Also beside another CPU, whatever that does.
	Name: "FIFO+cpu+other", Build: build(func(p prog) {
		p.pushes("P0", 1, 2)
		p.pushes("P1", 3, 4)
		p.before(2, 1)
	}),
	Verdict: litmus.Never, Counts: "280 pass",
}, {
	// Across CPUs there is no order.
	Name: "FIFO+2cpus", Build: build(func(p prog) {
		p.pushes("P0", 1, 2)
		p.pushes("P1", 3, 4)
		p.before(4, 1)
	}),
	Verdict: litmus.Sometimes, Counts: "240 pass, 40 exists",
}, {
	// Three CPUs, one item each.
	Name: "FIFO+3cpus", Build: build(func(p prog) {
		p.pushes("P0", 1)
		p.pushes("P1", 2)
		p.pushes("P2", 3)
		p.before(3, 1)
	}),
	Verdict: litmus.Sometimes, Counts: "45 pass, 45 exists",
}, {
	// An item that has run may be queued again, by the same CPU or by another. All runs
	// are there: 3 pushes, 3 digits.
	Name: "FIFO+again", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			for range 3 {
				it := &p.all[0]
				t.Await(schedule.Op{Verb: "push", Cell: it.entry.Cell(), Mode: schedule.LockOp},
					idle{it})
				p.queue.Push(t, it)
			}
		})
		p.pushes("P1", 2)
		p.Exists(func() bool { return p.queue.Len() != 0 || p.r[0].Get() < 1000 })
	}),
	Verdict: litmus.Never, Counts: "28 pass",
}}

// idle is the gate of a push that waits until the item is not queued.
type idle struct{ it *item }

func (g idle) Open(*schedule.Thread) bool { return !g.it.entry.Queued() }

// TestOrder runs the table.
func TestOrder(t *testing.T) { litmus.Run(t, litmusTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests) }

// TestAgainstLists does random pushes and removals, and holds the queue against a list for
// each CPU. Each item has a mark of its own.
func TestAgainstLists(t *testing.T) {
	const cpus = 3
	rnd := rand.New(rand.NewPCG(3, 4))
	v, queue := new(items), new(fifo.Queue[*item])
	v.Bind(v, "v")
	for i := range v.all {
		v.all[i].n = i
	}
	var lists [cpus][]*item
	op := func(t *testing.T, th *schedule.Thread) {
		it := &v.all[rnd.IntN(len(v.all))]
		if !it.entry.Queued() {
			queue.Push(th, it)
			lists[th.ID] = append(lists[th.ID], it)
			it.entry.AddMark(mark(it))
		} else if i := rnd.IntN(queue.Len()); queue.First(i) {
			got := queue.At(i)
			if marks := queue.Remove(th, i); marks != mark(got) {
				t.Errorf("item %p has the marks %x, want %x", got, marks, mark(got))
			}
			for c := range lists {
				if len(lists[c]) > 0 && lists[c][0] == got {
					lists[c] = lists[c][1:]
					got = nil
				}
			}
			if got != nil {
				t.Errorf("item %p is first in the queue, but of no CPU", got)
			}
		}
		check(t, v, queue, lists[:])
	}
	r := schedule.NewRunner(schedule.Program{Name: "fifo", New: func() func(*schedule.Exec) {
		return func(e *schedule.Exec) {
			e.Static(&v.Object, 0)
			queue.Reset()
			lists = [cpus][]*item{}
			for range cpus {
				e.Go("P", func(th *schedule.Thread) {
					for range 40 {
						th.Step(schedule.Op{Verb: "op"})
						op(t, th)
					}
				})
			}
		}
	}})
	defer r.Close()
	tape := make(schedule.Tape, 120)
	for range 50 {
		for i := range tape {
			tape[i] = uint8(rnd.IntN(cpus))
		}
		r.RunTape(tape)
		if t.Failed() {
			return
		}
	}
}

// check compares the queue with the lists.
func check(t *testing.T, v *items, queue *fifo.Queue[*item], lists [][]*item) {
	t.Helper()
	n := 0
	for _, l := range lists {
		n += len(l)
	}
	if queue.Len() != n {
		t.Errorf("%d items, want %d", queue.Len(), n)
	}
	last := uint64(0)
	for i := range queue.Len() {
		it := queue.At(i)
		if id := it.entry.Cell().ID(); id <= last {
			t.Errorf("item %d is out of the order of identities", i)
		} else {
			last = id
		}
		first := slices.ContainsFunc(lists, func(l []*item) bool {
			return len(l) > 0 && l[0] == it
		})
		if queue.First(i) != first {
			t.Errorf("item %d is first: %v, want %v", i, queue.First(i), first)
		}
	}
	for i := range v.all {
		it := &v.all[i]
		queued := slices.ContainsFunc(lists, func(l []*item) bool { return slices.Contains(l, it) })
		if it.entry.Queued() != queued || it.entry.Marked(mark(it)) != queued {
			t.Errorf("item %d is queued: %v, marked: %v, want %v", i, it.entry.Queued(),
				it.entry.Marked(mark(it)), queued)
		}
	}
}

// mark is that of a thread with the number of the item.
func mark(it *item) uint64 { return fifo.Mark(&schedule.Thread{ID: it.n}, "op") }

// TestMark: the 25th thread is told why it may not wait.
func TestMark(t *testing.T) {
	if m := fifo.Mark(&schedule.Thread{ID: 23}, "op"); m != 1<<63 {
		t.Errorf("the last mark is %x", m)
	}
	defer func() {
		const want = "fifo: op in thread 24 (P): threads 0 to 23 may; create it sooner"
		if got := recover(); got != want {
			t.Errorf("%v, want %s", got, want)
		}
	}()
	fifo.Mark(&schedule.Thread{ID: 24, Name: "P"}, "op")
}

// TestReset leaves items in the queue of an abandoned execution. The next one finds none.
func TestReset(t *testing.T) {
	v, queue := new(items), new(fifo.Queue[*item])
	v.Bind(v, "v")
	seen := 0
	r := schedule.NewRunner(schedule.Program{Name: "fifo", New: func() func(*schedule.Exec) {
		return func(e *schedule.Exec) {
			e.Static(&v.Object, 0)
			queue.Reset()
			e.Go("P0", func(th *schedule.Thread) {
				th.Step(schedule.Op{Verb: "push"})
				if v.all[0].entry.Queued() || queue.Len() != 0 {
					seen++
				}
				queue.Push(th, &v.all[0])
				th.Step(schedule.Op{Verb: "nop"})
			})
		}
	}})
	defer r.Close()
	for range 3 {
		r.RunTape(nil)
		if queue.Len() != 1 {
			t.Errorf("%d items, want the 1 that was left", queue.Len())
		}
	}
	if seen != 0 {
		t.Errorf("%d executions found what the one before had left", seen)
	}
}

// TestManyCPUs: of things that as many threads as there may be have queued, and one that was
// there before, each is the first of its CPU.
func TestManyCPUs(t *testing.T) {
	type held struct {
		schedule.Object
		all [schedule.MaxThreads + 1]item
	}
	h, q := new(held), new(fifo.Queue[*item])
	h.Bind(h, "held")
	r := schedule.NewRunner(schedule.Program{Name: "cpus", New: func() func(*schedule.Exec) {
		return func(e *schedule.Exec) {
			q.Reset()
			e.Static(&h.Object, 0)
			q.PushBoot(&h.all[schedule.MaxThreads])
			for i := range schedule.MaxThreads {
				e.Go("cpu", func(t *schedule.Thread) {
					t.Step(schedule.Op{Verb: "push", Cell: h.all[i].entry.Cell(), Mode: schedule.RMWFull})
					q.Push(t, &h.all[i])
				})
			}
		}
	}})
	defer r.Close()
	r.RunTape(nil)
	if q.Len() != len(h.all) {
		t.Fatalf("%d are queued", q.Len())
	}
	for i := range q.Len() {
		if !q.First(i) {
			t.Errorf("item %d is behind another", i)
		}
	}
}
