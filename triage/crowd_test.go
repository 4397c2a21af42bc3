package triage_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// pair is two words that one thread sets, one after the other, and another expects to be the
// same.
type pair struct {
	schedule.Object
	a, b schedule.Cell
	own  [64]schedule.Cell
}

func (p *pair) store(t *schedule.Thread, c *schedule.Cell) {
	t.Step(schedule.Op{Verb: "store", Cell: c, Mode: schedule.PlainWrite})
	c.Set(1)
}

func (p *pair) load(t *schedule.Thread, c *schedule.Cell) uint64 {
	t.Step(schedule.Op{Verb: "load", Cell: c, Mode: schedule.PlainRead})
	return t.Observe(c.Value())
}

// crowded has the two behind 64 threads that write to words of their own.
var crowded = schedule.Program{Name: "crowded", New: func() func(*schedule.Exec) {
	p := new(pair)
	p.Bind(p, "pair")
	return func(e *schedule.Exec) {
		e.Static(&p.Object, 0)
		for i := range p.own {
			e.Go("other", func(t *schedule.Thread) { p.store(t, &p.own[i]) })
		}
		e.Go("set", func(t *schedule.Thread) {
			p.store(t, &p.a)
			p.store(t, &p.b)
		})
		e.Go("check", func(t *schedule.Thread) {
			if p.load(t, &p.a) != p.load(t, &p.b) {
				t.Fail(schedule.BugOn, &p.Object, schedule.Party{}, "half a pair")
			}
		})
	}
}}

// TestMinimizeCrowd: of 66 threads no more than the last two take a step, in the fewest. The
// passes propose the more the more threads there are, hence the small budget.
func TestMinimizeCrowd(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	s := failing(t, crowded, 0, 1)[0]
	res := minimize(t, crowded, s, triage.Options{Executions: 300, Nodes: 100})
	const size = "66 threads, 1 preemption, 1 context switch, 3 steps"
	if got := res.Final; got.String() != size || got.Tape.String() != "ffff4ffff5" {
		t.Errorf("tape %s: %v, tape %s", s, got, got.Tape)
	}
}
