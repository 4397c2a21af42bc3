package rcu_test

import (
	"fmt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"testing"
)

type dbg struct {
	in  []int
	pos int
}

func (d *dbg) Choose(e *schedule.Exec, n int) int {
	v := 0
	if d.pos < len(d.in) {
		v = d.in[d.pos]
	}
	d.pos++
	fmt.Printf("  enabled %b state %x %x steps %d n=%d:", e.Enabled(), e.State().Lo, e.State().Hi, e.Steps(), n)
	for _, t := range e.Threads() {
		fmt.Printf(" %s:%s", t.Name, t.Op().Verb)
	}
	fmt.Println(" ->", v)
	return v
}
func TestZZ(t *testing.T) {
	for _, row := range callbackTests {
		if row.Name != "CALLBACK+freed" {
			continue
		}
		p := litmus.Debug(&row)
		r := schedule.NewRunner(p)
		r.Wide = true
		for _, in := range [][]int{{0, 1, 0}, {1, 0, 1, 0}} {
			fmt.Println(in)
			res := r.Run(&dbg{in: in})
			fmt.Println(res.Outcome, res.Failure.Kind, r.Taken())
		}
	}
}
