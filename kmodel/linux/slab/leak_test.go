package slab_test

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// empty makes a program of one thread, without an object from the start.
func empty(f func(p *prog, t *schedule.Thread)) func(*litmus.Program) {
	return build(func(p *prog) { p.Thread("P0", func(t *schedule.Thread) { f(p, t) }) })
}

var leakTests = []litmus.Test{{
	// Nothing refers to it.
	Name: "LEAK+alloc", Build: empty(func(p *prog, t *schedule.Thread) { p.a.Alloc(t) }),
	Bad: schedule.Leak, Verdict: litmus.Always, Counts: "1 memory-leak",
}, {
	// What is there from the start can leak as well.
	Name: "LEAK+boot", Build: build(func(p *prog) {
		p.Begin(func(e *schedule.Exec) { p.a.AllocBoot(e) })
		p.Thread("P0", func(t *schedule.Thread) { p.x.Write(t, 1) })
	}),
	Bad: schedule.Leak, Verdict: litmus.Always, Counts: "1 memory-leak",
}, {
	// It was freed.
	Name: "LEAK+freed", Build: empty(func(p *prog, t *schedule.Thread) {
		free(t, p.a.Alloc(t))
	}),
	Bad: schedule.Leak, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// A global pointer refers to it.
	Name: "LEAK+reachable", Build: empty(func(p *prog, t *schedule.Thread) {
		p.p.Write(t, p.a.Alloc(t))
	}),
	Bad: schedule.Leak, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// A global pointer refers to what refers to it.
	Name: "LEAK+reachable-over", Build: empty(func(p *prog, t *schedule.Thread) {
		first, second := p.a.Alloc(t), p.b.Alloc(t)
		first.next.Init(second)
		second.next.Init(first)
		p.p.Write(t, first)
	}),
	Bad: schedule.Leak, Verdict: litmus.Never, Counts: "1 pass",
}, {
	// Only what has leaked itself refers to it.
	Name: "LEAK+from-leaked", Build: empty(func(p *prog, t *schedule.Thread) {
		first, second := p.a.Alloc(t), p.b.Alloc(t)
		first.next.Init(second)
	}),
	Bad: schedule.Leak, Verdict: litmus.Always, Counts: "1 memory-leak",
}, {
	// They refer to one another, and nobody else does.
	Name: "LEAK+cycle", Build: empty(func(p *prog, t *schedule.Thread) {
		first, second := p.a.Alloc(t), p.b.Alloc(t)
		first.next.Init(second)
		second.next.Init(first)
	}),
	Bad: schedule.Leak, Verdict: litmus.Always, Counts: "1 memory-leak",
}, {
	// What referred to it has been freed.
	Name: "LEAK+from-freed", Build: empty(func(p *prog, t *schedule.Thread) {
		first := p.a.Alloc(t)
		first.next.Init(p.b.Alloc(t))
		p.p.Write(t, first)
		free(t, first)
	}),
	Bad: schedule.Leak, Verdict: litmus.Always, Counts: "1 memory-leak",
}, {
	// The pointer was taken back.
	Name: "LEAK+null", Build: empty(func(p *prog, t *schedule.Thread) {
		p.p.Write(t, p.a.Alloc(t))
		p.p.Write(t, nil)
	}),
	Bad: schedule.Leak, Verdict: litmus.Always, Counts: "1 memory-leak",
}, {
	// The second publishes over the first, without looking.
	Name: "LEAK+overwrite", Build: build(func(p *prog) {
		publish := func(t *schedule.Thread) { p.p.Write(t, p.a.Alloc(t)) }
		p.Thread("P0", publish)
		p.Thread("P1", publish)
	}),
	Bad: schedule.Leak, Verdict: litmus.Always, Counts: "2 memory-leak",
}, {
	// The second looks first, but both may have looked before either publishes.
	Name: "LEAK+test+overwrite", Build: build(func(p *prog) {
		publish := func(t *schedule.Thread) {
			if p.p.Read(t) == nil {
				p.p.Write(t, p.a.Alloc(t))
			}
		}
		p.Thread("P0", publish)
		p.Thread("P1", publish)
	}),
	Bad: schedule.Leak, Verdict: litmus.Sometimes, Counts: "2 pass, 4 memory-leak",
}, {
	// A deadlock comes before a leak: nobody has come to free it.
	Name: "LEAK+deadlock", Build: empty(func(p *prog, t *schedule.Thread) {
		p.a.Alloc(t)
		t.Await(schedule.Op{Verb: "wait for ever", Mode: schedule.Blocks}, closed{})
	}),
	Bad: schedule.Leak, Verdict: litmus.Never, Counts: "1 deadlock",
}, {
	// Both threads leak. Which of the two is reported must not depend on who was first,
	// or one state has two endings.
	Name: "LEAK+two", Build: build(func(p *prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.Write(t, 1)
			p.a.Alloc(t)
			p.x.Write(t, 2)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.q.Read(t)
			p.b.Alloc(t)
			p.q.Read(t)
		})
	}),
	Bad: schedule.Leak, Verdict: litmus.Always, Counts: "6 memory-leak",
}}

// closed is a gate that never opens.
type closed struct{}

func (closed) Open(*schedule.Thread) bool { return false }
