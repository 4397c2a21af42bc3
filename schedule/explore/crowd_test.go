package explore_test

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"testing"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
	. "github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// A turn is a gate that is open from when its number is up.
type turn struct {
	c  *Cell
	at uint64
}

func (g turn) Open(*Thread) bool { return g.c.Value() >= g.at }

// procession has threads that take one step each, in the order of their numbers, and then
// last more, which each add 1 to one word, without a lock, in any order.
func procession(threads, last int) Program {
	return Program{Name: fmt.Sprintf("procession of %d, %d", threads, last), New: func() func(*Exec) {
		b := static()
		gates := make([]turn, threads+1)
		for i := range gates {
			gates[i] = turn{&b.y, uint64(i)}
		}
		step := func(t *Thread) {
			t.Await(Op{Verb: "turn", Cell: &b.y, Mode: RMWFull}, gates[t.ID])
			b.y.Set(uint64(t.ID + 1))
		}
		add := func(t *Thread) {
			t.Await(Op{Verb: "load", Cell: &b.x, Mode: PlainRead}, gates[threads])
			v := t.Observe(b.x.Value())
			store(t, &b.x, v+1)
		}
		check := func(e *Exec) {
			if b.x.Value() != uint64(last) {
				e.FailAtEnd(LostUpdate, &b.Object, Party{}, "")
			}
		}
		return func(e *Exec) {
			e.Static(&b.Object, 0)
			for range threads {
				e.Go("step", step)
			}
			for range last {
				e.Go("add", add)
			}
			e.AtEnd(check)
		}
	}}
}

// TestCrowd: threads that are the last of seventy are explored as if they were alone.
func TestCrowd(t *testing.T) {
	p, alone := procession(67, 3), procession(0, 3)
	got, want := exhaust(p, Unbounded), exhaust(alone, Unbounded)
	if !got.Complete() || !slices.Equal(got.Executions, want.Executions) || got.Nodes != want.Nodes {
		t.Errorf("%v in %d nodes, alone %v in %d", got.Executions, got.Nodes, want.Executions, want.Nodes)
	}
	if got.All.Cmp(big.NewInt(90)) != 0 { // 6!/(2! 2! 2!)
		t.Errorf("%v executions, want 90", got.All)
	}
	for i, e := range got.Endings {
		if i >= len(want.Endings) || !slices.Equal(e.Executions, want.Endings[i].Executions) {
			t.Errorf("%v, alone %v", got.Endings, want.Endings)
		}
	}
	one := Classes(context.Background(), p, Options{})
	two := Classes(context.Background(), alone, Options{})
	if one.Classes != two.Classes || one.Runs != two.Runs || one.Stop != Exhausted {
		t.Errorf("%d classes in %d runs, %v %v; alone %d in %d", one.Classes, one.Runs, one.Stop, one.Err,
			two.Classes, two.Runs)
	}
	if n, err := CheckClasses(p, Options{}, 100); n != 90 || err != nil {
		t.Errorf("%d executions by hand: %v", n, err)
	}
}

// TestCrowdContracts: the state hash and the footprints of a hundred threads are earned as
// those of few are.
func TestCrowdContracts(t *testing.T) {
	for _, p := range []Program{procession(60, 40), procession(97, 3)} {
		if n, err := CheckStates(p, 20, 1); n == 0 || err != nil {
			t.Errorf("%s: %d pairs of prefixes: %v", p.Name, n, err)
		}
		if n, err := CheckSwaps(p, 20, 1); n == 0 || err != nil {
			t.Errorf("%s: %d pairs of steps: %v", p.Name, n, err)
		}
	}
}
